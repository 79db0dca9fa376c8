"""Medicinal-chemistry filters by the definition of MOSES: elements, charges, ring sizes and structural alerts."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, DataStructs, rdBase

#: Elements that pass.
ELEMENTS = frozenset({"H", "C", "N", "O", "F", "S", "Cl", "Br"})
#: Atoms of the largest ring that passes.
LARGEST_RING = 7

_SCREEN_BITS = 2048


@dataclass(frozen=True)
class _Alerts:
    """The SMARTS of MOSES.

    Attributes:
        names: their names.
        queries: the SMARTS, read.
        screens: bits a molecule must have to match: (n, words).
    """

    names: list[str]
    queries: list[Chem.Mol]
    screens: NDArray[np.uint64]


@cache
def _alerts() -> _Alerts:
    rows = [*_rows("mcf.csv", ""), *_rows("pains.csv", "PAINS ")]
    queries = [Chem.MolFromSmarts(smarts) for _, smarts in rows]
    return _Alerts([name for name, _ in rows], queries, np.stack([_screen(query) for query in queries]))


def _rows(file: str, prefix: str) -> list[tuple[str, str]]:
    text = files("molvae.chem").joinpath("data", file).read_text(encoding="utf-8")
    return [(prefix + row["name"], row["smarts"]) for row in csv.DictReader(text.splitlines())]


def _screen(mol: Chem.Mol) -> NDArray[np.uint64]:
    """RDKit's pattern fingerprint, made for this: what matches a query has all the bits of the query."""
    return np.frombuffer(DataStructs.BitVectToBinaryText(Chem.PatternFingerprint(mol, _SCREEN_BITS)), dtype=np.uint64)


def alerts(mol: Chem.Mol) -> list[str]:
    """Names of all that a molecule fails on; an empty list when it passes.

    The names are "element X", "charged atom", "ring of more than 7 atoms", those of the alerts of MOSES (MCF1 to MCF22) and
    of the PAINS (Baell and Holloway 2010) after "PAINS ", and "unreadable without stereo".

    >>> from molvae.chem.molecules import parse
    >>> alerts(parse("CCO")), alerts(parse("C[Si](C)(C)C=O")), alerts(parse("C1CCCCCCC1"))
    ([], ['element Si', 'MCF7'], ['ring of more than 7 atoms'])
    """
    return list(_found(mol))


def passes(mol: Chem.Mol) -> bool:
    """Whether a molecule passes all filters; the same as `not alerts(mol)`, but ends with the first alert.

    >>> from molvae.chem.molecules import parse
    >>> passes(parse("CCO")), passes(parse("CC=O"))
    (True, False)
    """
    return next(_found(mol), None) is None


def _found(mol: Chem.Mol) -> Iterator[str]:
    """The alerts of a molecule, the quick ones first."""
    for symbol in sorted({atom.GetSymbol() for atom in mol.GetAtoms()} - ELEMENTS):
        yield f"element {symbol}"
    if any(atom.GetFormalCharge() for atom in mol.GetAtoms()):
        yield "charged atom"
    if any(len(ring) > LARGEST_RING for ring in mol.GetRingInfo().AtomRings()):
        yield f"ring of more than {LARGEST_RING} atoms"
    yield from _structural(Chem.AddHs(mol))  # the SMARTS write hydrogens as atoms
    if not _flat_is_readable(mol):
        yield "unreadable without stereo"


def _structural(mol: Chem.Mol) -> Iterator[str]:
    known = _alerts()
    for at in np.flatnonzero(~np.any(known.screens & ~_screen(mol), axis=1)):
        if mol.HasSubstructMatch(known.queries[at]):
            yield known.names[at]


def _flat_is_readable(mol: Chem.Mol) -> bool:
    with rdBase.BlockLogs():
        return Chem.MolFromSmiles(Chem.MolToSmiles(mol, isomericSmiles=False)) is not None
