"""What the metrics need of a set of molecules, computed in one pass and kept between runs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Literal

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray
from rdkit import rdBase

from molvae.chem.molecules import parse
from molvae.chem.properties import lookup
from molvae.chem.similarity import BITS, bit_matrix, fragments, pack, scaffold
from molvae.data.cache import cache_folder
from molvae.data.moses import moses_file
from molvae.errors import DataError
from molvae.evaluate import chemnet
from molvae.evaluate.chemnet import Gaussian
from molvae.evaluate.chunks import in_chunks
from molvae.evaluate.metrics import Progress
from molvae.evaluate.samples import Samples
from molvae.files import replacing

#: The properties whose distributions MOSES compares: the names of the metrics, and of `molvae.chem.properties`.
PROPERTIES = {"logP": "logP", "SA": "SA", "QED": "QED", "weight": "MW"}

_FORMAT = 1  # of the files in the cache; count it up when their content changes
_MOSES: dict[str, Literal["test", "test_scaffolds"]] = {"Test": "test", "TestSF": "test_scaffolds"}


@dataclass(frozen=True)
class Reference:
    """What the metrics need of a set of molecules.

    Attributes:
        name: what it is called in the names of metrics, as in FCD/Test.
        count: molecules.
        fingerprints: Morgan fingerprints, packed: (count, 128).
        fragments: how often each BRICS fragment occurs.
        scaffolds: how often each Murcko scaffold of at least two rings occurs.
        properties: values of `PROPERTIES`, (count,) each; empty where they were not asked for.
        chemnet: mean and covariance of ChemNet's activations; None where they were not asked for or could not be had.
    """

    name: str
    count: int
    fingerprints: NDArray[np.uint8]
    fragments: Mapping[str, int]
    scaffolds: Mapping[str, int]
    properties: Mapping[str, NDArray[np.float64]]
    chemnet: Gaussian | None = None

    @classmethod
    def of(
        cls, smiles: Sequence[str], name: str = "Reference", jobs: int = -1, progress: Progress | None = None,
        properties: bool = True, with_chemnet: bool = True,
    ) -> Reference:  # fmt: skip
        """From canonical SMILES, repeats kept.

        Args:
            smiles: valid canonical SMILES, as in `Samples.smiles`.
            name: see the attribute.
            jobs: processes; -1 is one a core.
            progress: told of what is done.
            properties: whether to compute the properties, more than half of the work.
            with_chemnet: whether to run ChemNet, where it is installed and there are at least two molecules.

        >>> Reference.of(["CCOc1ccccc1", "CC"], jobs=1, with_chemnet=False).fragments
        {'[16*]c1ccccc1': 1, '[3*]O[3*]': 1, '[4*]CC': 1, 'CC': 1}
        """
        parts = list(in_chunks(_with_properties if properties else _structure, smiles, jobs, progress, "fingerprints and fragments"))
        gathered = _gathered(parts)
        known = {label: gathered.values[:, at] for at, label in enumerate(PROPERTIES)} if properties else {}
        found = cls(name, len(smiles), gathered.packed, dict(gathered.fragments), dict(gathered.scaffolds), known)
        return found.with_activations(smiles, progress) if with_chemnet else found

    def with_activations(self, smiles: Sequence[str], progress: Progress | None = None) -> Reference:
        """The same with ChemNet's statistics, where ChemNet is installed and there are at least two molecules."""
        if len(smiles) < 2 or not chemnet.available():
            return self
        return replace(self, chemnet=chemnet.statistics(smiles, progress))


@dataclass(frozen=True)
class _Part:
    """What is known of some of the molecules: packed bits (n, 128), counts, property values (n, 0 or 4)."""

    packed: NDArray[np.uint8]
    fragments: Counter[str]
    scaffolds: Counter[str]
    values: NDArray[np.float64]


def _structure(smiles: list[str]) -> _Part:
    return _part(smiles, ())


def _with_properties(smiles: list[str]) -> _Part:
    return _part(smiles, tuple(PROPERTIES.values()))


def _part(smiles: list[str], names: tuple[str, ...]) -> _Part:
    mols, chosen = [parse(text) for text in smiles], lookup(names)
    with rdBase.BlockLogs():
        values = [[each.function(mol) for each in chosen] for mol in mols]
        pieces = Counter(piece for mol in mols for piece in fragments(mol))
        scaffolds = Counter(scaffold(mol, min_rings=2) for mol in mols)
        scaffolds.pop("", None)
        return _Part(pack(bit_matrix(mols)), pieces, scaffolds, np.array(values, dtype=np.float64).reshape(len(mols), len(names)))


def _gathered(parts: list[_Part]) -> _Part:
    pieces: Counter[str] = Counter()
    scaffolds: Counter[str] = Counter()
    for part in parts:
        pieces.update(part.fragments)
        scaffolds.update(part.scaffolds)
    packed = np.concatenate([np.zeros((0, BITS // 8), dtype=np.uint8), *(part.packed for part in parts)])
    values = np.concatenate([part.values for part in parts]) if parts else np.zeros((0, len(PROPERTIES)))
    return _Part(packed, pieces, scaffolds, values)


def references(
    source: str | Path = "moses", folder: Path | None = None, column: str | None = None, jobs: int = -1, progress: Progress | None = None
) -> list[Reference]:
    """The reference sets of a name or a file, from the cache where they are.

    Args:
        source: "moses" for its test set (Test) and its test set of other scaffolds (TestSF), else a file of molecules (Reference).
        folder: where they are kept; references/ in the cache when None.
        column: header of the SMILES column of the file.
        jobs: processes; -1 is one a core.
        progress: told of what is done.

    Raises:
        DataError: the file cannot be read or holds no valid molecule, or MOSES cannot be fetched.
    """
    if source != "moses":
        return [cached_reference(source, folder, column=column, jobs=jobs, progress=progress)]
    return [_moses(name, folder, jobs, progress) for name in _MOSES]


def _moses(name: str, folder: Path | None, jobs: int, progress: Progress | None) -> Reference:
    """A set of MOSES; ChemNet's statistics are those its authors published, and properties are compared to the test set only."""
    file = moses_file(_MOSES[name])
    found = cached_reference(file, folder, name, jobs=jobs, progress=progress, properties=name == "Test", with_chemnet=False)
    return replace(found, chemnet=chemnet.moses_statistics(_MOSES[name]))


def cached_reference(
    path: str | Path, folder: Path | None = None, name: str = "Reference", column: str | None = None, jobs: int = -1,
    progress: Progress | None = None, properties: bool = True, with_chemnet: bool = True,
) -> Reference:  # fmt: skip
    """`Reference.of` the valid molecules of a file, from the cache where it is; see `references` and `Reference.of`.

    The entry is found by the content of the file, the column, the format and the version of RDKit. One made without ChemNet
    is completed once ChemNet is installed.
    """
    path = Path(path)
    kept = (folder or cache_folder() / "references") / f"{_key(path, column, properties)}.safetensors"
    found = _load(kept, name)
    if found is not None and not (with_chemnet and found.chemnet is None and chemnet.available()):
        return found
    samples = Samples.read(path, column, jobs)
    if not samples.smiles:
        raise DataError(f"{path} holds no valid molecule in {samples.rows} rows, so there is nothing to compare with")
    if found is None:
        found = Reference.of(samples.smiles, name, jobs, progress, properties, with_chemnet=False)
    if with_chemnet:
        found = found.with_activations(samples.smiles, progress)
    _save(kept, found)
    return found


def _key(path: Path, column: str | None, properties: bool) -> str:
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    digest = sha256(json.dumps([_FORMAT, rdBase.rdkitVersion, path.suffixes, column, properties]).encode())
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()[:32]


def _save(path: Path, reference: Reference) -> None:
    arrays: dict[str, NDArray[np.generic]] = {"fingerprints": reference.fingerprints, **dict(_prefixed(reference.properties))}
    arrays |= {"fragments": _bytes(reference.fragments), "scaffolds": _bytes(reference.scaffolds)}
    if reference.chemnet is not None:
        arrays |= {"mean": reference.chemnet.mean, "covariance": reference.chemnet.covariance}
    with replacing(path) as partial:
        partial.write_bytes(safetensors.numpy.save({key: np.ascontiguousarray(array) for key, array in arrays.items()}))


def _prefixed(properties: Mapping[str, NDArray[np.float64]]) -> Iterator[tuple[str, NDArray[np.float64]]]:
    return ((f"property {name}", values) for name, values in properties.items())


def _bytes(counts: Mapping[str, int]) -> NDArray[np.uint8]:
    return np.frombuffer(json.dumps(counts).encode(), dtype=np.uint8)


def _load(path: Path, name: str) -> Reference | None:
    """What `_save` wrote; None where there is none, or a damaged one, which is then made anew."""
    try:
        arrays = safetensors.numpy.load_file(path)
        counts = {key: json.loads(arrays[key].tobytes()) for key in ("fragments", "scaffolds")}
        known = {label: arrays[f"property {label}"] for label in PROPERTIES if f"property {label}" in arrays}
        net = Gaussian(arrays["mean"], arrays["covariance"]) if "mean" in arrays else None
        return Reference(name, len(arrays["fingerprints"]), arrays["fingerprints"], **counts, properties=known, chemnet=net)
    except (OSError, KeyError, ValueError, safetensors.SafetensorError):
        return None
