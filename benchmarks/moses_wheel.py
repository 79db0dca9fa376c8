"""The wheel of MOSES: fetched and checked, its rows and its reference statistics read."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
import zipfile
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.lib import format as npy
from numpy.typing import NDArray

from molvae.data.cache import cache_folder
from molvae.data.moses import REQUIREMENT, moses_file
from molvae.errors import DataError

WHEEL = "molsets-0.3.1-py3-none-any.whl"
WHEEL_SHA256 = "7f4450e3ebecebe79c3a2a55950c93daddee071120daf64a163d03481e811d34"


def fetch_wheel(cache: Path) -> Path:
    """The wheel, fetched by pip the first time, its checksum checked always."""
    path = cache / WHEEL
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(cache), REQUIREMENT]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode or not path.exists():
            raise DataError(f"{REQUIREMENT} could not be fetched: {(done.stderr.strip().splitlines() or ['pip failed'])[-1]}")
    digest = sha256(path.read_bytes()).hexdigest()
    if digest != WHEEL_SHA256:
        raise DataError(f"{path} has sha256 {digest}, expected {WHEEL_SHA256}; remove it and start again")
    return path


def moses_rows(cache: Path, count: int) -> list[str]:
    """The first SMILES of the MOSES training set, in its order."""
    path = moses_file("train", cache / "moses", fetch_wheel(cache))
    return [str(smiles) for smiles in pd.read_csv(path, usecols=["SMILES"], nrows=count)["SMILES"]]


def reference_statistics(cache: Path | None = None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean (512,) and covariance (512, 512) of ChemNet's activations on the MOSES test set, for the FCD.

    MOSES keeps them in a pickle; it is read by an unpickler that builds arrays and counters and nothing else.
    """
    wheel = fetch_wheel(cache or cache_folder() / "benchmarks")
    with zipfile.ZipFile(wheel) as archive, zipfile.ZipFile(archive.open("moses/dataset/data/test_stats.npz")) as arrays:
        file = io.BytesIO(arrays.read("stats.npy"))
    npy.read_magic(file)
    npy.read_array_header_1_0(file)
    statistics = ArraysOnly(file).load().item()["FCD"]
    return np.asarray(statistics["mu"], dtype=np.float64), np.asarray(statistics["sigma"], dtype=np.float64)


def _latin1(text: str, encoding: str) -> bytes:
    """Bytes of an array as old pickles spell them."""
    if encoding != "latin1":
        raise DataError(f"the statistics of MOSES ask for the encoding {encoding!r}, expected 'latin1'")
    return text.encode("latin1")


_ALLOWED: dict[str, Any] = {
    "Counter": Counter,
    "_reconstruct": np.zeros(0).__reduce__()[0],
    "dtype": np.dtype,
    "encode": _latin1,
    "ndarray": np.ndarray,
    "scalar": np.float64(0).__reduce__()[0],
}


class ArraysOnly(pickle.Unpickler):
    """Reads pickles of dictionaries, arrays and counters; anything else is refused before it can run."""

    def find_class(self, module: str, name: str) -> Any:
        """What a pickle asks for by name; raises DataError unless it is part of an array or a counter."""
        if name not in _ALLOWED:
            raise DataError(f"the statistics of MOSES ask for {module}.{name}, which is neither an array nor a counter")
        return _ALLOWED[name]
