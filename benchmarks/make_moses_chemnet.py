"""Makes molvae/evaluate/moses_chemnet.safetensors: ChemNet's statistics of both MOSES test sets, from the files of its wheel.

    python benchmarks/make_moses_chemnet.py

Means and upper triangles of the covariances, rounded to float32. What the rounding costs is said: the FCD of the two sets to each
other, and of either to its rounded self.
"""

from __future__ import annotations

import argparse
import io
import zipfile
from pathlib import Path
from typing import Any, Literal

import common
import numpy as np
import safetensors.numpy
from moses_wheel import ArraysOnly, fetch_wheel
from numpy.lib import format as npy

import molvae.evaluate
from molvae.data.cache import cache_folder
from molvae.evaluate.chemnet import Gaussian, frechet, symmetric, triangle
from molvae.files import replacing

TestSet = Literal["test", "test_scaffolds"]
SETS: tuple[TestSet, ...] = ("test", "test_scaffolds")
_OUT = Path(molvae.evaluate.__path__[0]) / "moses_chemnet.safetensors"


def main() -> None:
    """Read, round, write, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=cache_folder() / "benchmarks", help="where the wheel is kept")
    parser.add_argument("--out", type=Path, default=_OUT)
    options = parser.parse_args()
    exact = {name: gaussian(published(name, options.cache)) for name in SETS}
    arrays = {f"{name}_mean": each.mean.astype(np.float32) for name, each in exact.items()}
    arrays |= {f"{name}_covariance": triangle(each.covariance) for name, each in exact.items()}
    with replacing(options.out) as partial:
        partial.write_bytes(safetensors.numpy.save(arrays))
    rounded = {name: Gaussian(arrays[f"{name}_mean"].astype(float), symmetric(arrays[f"{name}_covariance"])) for name in SETS}
    for name in SETS:
        common.say(f"FCD of {name} to itself, rounded: {frechet(exact[name], rounded[name]):.2e}")
    common.say(f"FCD of the sets: {frechet(exact['test'], exact['test_scaffolds']):.6f}, "
               f"rounded: {frechet(rounded['test'], rounded['test_scaffolds']):.6f}")  # fmt: skip


def published(name: TestSet, cache: Path) -> dict[str, Any]:
    """The statistics MOSES published of a set; its pickle is read by an unpickler that builds arrays and counters and nothing else."""
    with zipfile.ZipFile(fetch_wheel(cache)) as archive:
        inner = io.BytesIO(archive.read(f"moses/dataset/data/{name}_stats.npz"))
    with zipfile.ZipFile(inner) as arrays:
        file = io.BytesIO(arrays.read("stats.npy"))
    npy.read_magic(file)
    npy.read_array_header_1_0(file)
    statistics: dict[str, Any] = ArraysOnly(file).load().item()
    return statistics


def gaussian(statistics: dict[str, Any]) -> Gaussian:
    """The part for the FCD."""
    mean, covariance = (np.asarray(statistics["FCD"][key], dtype=np.float64) for key in ("mu", "sigma"))
    return Gaussian(mean, covariance)


if __name__ == "__main__":
    with common.plain_errors():
        main()
