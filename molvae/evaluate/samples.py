"""The molecules that are judged: what came, what of it is valid, and why the rest is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from molvae.chem.molecules import canonical, parse
from molvae.data.formats import Row, read_rows
from molvae.errors import MoleculeError
from molvae.evaluate.chunks import in_chunks
from molvae.evaluate.metrics import Progress


@dataclass(frozen=True)
class Samples:
    """Molecules to judge.

    A row is valid when RDKit reads a molecule from it: salts and charges are kept as they are, nothing is standardised. Reactions
    and wildcard atoms, which RDKit reads too, are no molecules here.

    Attributes:
        rows: how many rows came.
        smiles: RDKit's canonical SMILES of the valid rows, in their order, repeats kept.
        refused: how many rows were refused, by reason.
    """

    rows: int
    smiles: list[str]
    refused: dict[str, int]

    @property
    def duplicates(self) -> int:
        """Valid rows that repeat an earlier one."""
        return len(self.smiles) - len(self.unique)

    @property
    def unique(self) -> list[str]:
        """The different valid molecules, in the order of their first rows."""
        return list(dict.fromkeys(self.smiles))

    @classmethod
    def read(cls, path: str | Path, column: str | None = None, jobs: int = -1, progress: Progress | None = None) -> Samples:
        """From a file; see `molvae.data.formats.read_rows` for the formats, the column and the errors.

        Args:
            path: a file of molecules.
            column: header of the SMILES column.
            jobs: processes; -1 is one a core.
            progress: told of what is done.
        """
        texts: list[str] = []
        unread: Counter[str] = Counter()
        for row in read_rows(path, column):
            _sort(row, texts, unread)
        return _of(texts, unread, jobs, progress)

    @classmethod
    def of(cls, smiles: Iterable[str], jobs: int = -1, progress: Progress | None = None) -> Samples:
        """From SMILES in memory.

        >>> samples = Samples.of(["OCC", "", "CCO", "CC(", "C(C)(C)(C)(C)C"], jobs=1)
        >>> samples.rows, samples.smiles, samples.duplicates
        (5, ['CCO', 'CCO'], 1)
        >>> samples.refused
        {'empty': 1, 'not a SMILES': 1, 'impossible valence or aromaticity': 1}
        """
        return _of(list(smiles), Counter(), jobs, progress)


def _sort(row: Row, texts: list[str], unread: Counter[str]) -> None:
    try:
        texts.append(row.checked())
    except MoleculeError as error:
        unread[error.reason] += 1


def _of(texts: list[str], unread: Counter[str], jobs: int, progress: Progress | None) -> Samples:
    smiles: list[str] = []
    refused = Counter(unread)
    for valid, reasons in in_chunks(_read, texts, jobs, progress, "reading molecules"):
        smiles += valid
        refused.update(reasons)
    return Samples(len(texts) + unread.total(), smiles, dict(refused))


def _readable(smiles: str) -> str:
    """The SMILES itself; RDKit now and then writes one that it cannot read again, and no metric could be had of that molecule."""
    parse(smiles)
    return smiles


def _read(texts: list[str]) -> tuple[list[str], list[str]]:
    """Canonical SMILES of the valid texts, and the reasons of the others."""
    valid: list[str] = []
    reasons: list[str] = []
    for text in texts:
        try:
            valid.append(_readable(canonical(parse(text))))
        except MoleculeError as error:
            reasons.append(error.reason)
    return valid, reasons
