"""Fetches and checks the MOSES sets (Polykovskiy et al. 2020, doi:10.3389/fphar.2020.565644; MIT licence).

They are carried by the PyPI wheel molsets 0.3.1, whose code no longer imports; only its data files are taken.
"""

from __future__ import annotations

import tempfile
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Literal

from molvae.data.cache import cache_folder
from molvae.data.wheels import fetch_wheel
from molvae.errors import DataError
from molvae.files import replacing

#: The three sets of MOSES.
MosesSet = Literal["train", "test", "test_scaffolds"]

REQUIREMENT = "molsets==0.3.1"
_WHEEL_SHA256 = "7f4450e3ebecebe79c3a2a55950c93daddee071120daf64a163d03481e811d34"
_OTHERWISE = f"fetch the wheel elsewhere (pip download --no-deps {REQUIREMENT}) and pass it: molvae data moses --wheel FILE"
#: Molecules in each set.
COUNTS: dict[MosesSet, int] = {"train": 1_584_663, "test": 176_074, "test_scaffolds": 176_225}
_FILE_SHA256: dict[MosesSet, str] = {
    "train": "786f0313aa6b9ba5514df685f885742a70ea8d86f1a4fa48115f7f80a634265c",
    "test": "f896fbf3764f88d94670b9959e5872c600c12152a18233823e820761b7a791b2",
    "test_scaffolds": "adffb2192c1bfe31ab0e13154d4af19a37dc18bdbf3cd7b4491e04405128adde",
}


def moses_file(name: MosesSet = "train", folder: Path | None = None, wheel: Path | None = None) -> Path:
    """Path of one set as .csv.gz with the column SMILES; fetched the first time, checked always.

    Args:
        name: "train", "test" or "test_scaffolds".
        folder: where the sets are kept; moses/ in the cache when None.
        wheel: the wheel, if it was fetched by hand (`pip download --no-deps molsets==0.3.1`).

    Raises:
        DataError: the wheel cannot be fetched, or does not hold what it should.
    """
    folder = folder or cache_folder() / "moses"
    path = folder / f"{name}.csv.gz"
    if not (path.exists() and _digest(path) == _FILE_SHA256[name]):
        with tempfile.TemporaryDirectory() as temporary:
            _unpack(wheel or fetch_wheel(REQUIREMENT, _WHEEL_SHA256, Path(temporary), "MOSES", _OTHERWISE), folder)
    return path


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        digest = sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _unpack(wheel: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive:
            for name, digest in _FILE_SHA256.items():
                data = archive.read(f"moses/dataset/data/{name}.csv.gz")
                if sha256(data).hexdigest() != digest:
                    raise DataError(f"{wheel}: {name}.csv.gz is not the one of {REQUIREMENT} (its checksum differs)")
                with replacing(folder / f"{name}.csv.gz") as partial:
                    partial.write_bytes(data)
    except FileNotFoundError as error:
        raise DataError(f"{wheel}: no such file") from error
    except (zipfile.BadZipFile, KeyError) as error:
        raise DataError(f"{wheel} is not the wheel of {REQUIREMENT}: {error}") from error
