"""Atoms with their neighbourhoods: what a molecule is made of, as numbers a small model can count."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator

from molvae.chem.molecules import plain

_HASHED = 2**16
_ATOMS, _RINGS = 64, 16  # counts told apart, the last standing for more
#: Different features a molecule may have.
BUCKETS = _HASHED + _ATOMS + _RINGS


@cache
def _generator() -> Any:
    return rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=_HASHED, countSimulation=False)


def environments(smiles: str) -> NDArray[np.int32]:
    """Circular environments of radius 0 to 2 (Rogers & Hahn 2010, doi:10.1021/ci100050t), hashed; the number of atoms and of rings.

    Returns:
        (k, 2): feature, below `BUCKETS`, and number of occurrences.

    >>> environments("CC")[:, 1].tolist()
    [1, 2, 1, 1]
    """
    mol = plain(smiles) or Chem.MolFromSmiles(smiles)
    counts = _generator().GetCountFingerprint(mol).GetNonzeroElements()
    counts[_HASHED + min(mol.GetNumHeavyAtoms(), _ATOMS - 1)] = 1
    counts[_HASHED + _ATOMS + min(mol.GetRingInfo().NumRings(), _RINGS - 1)] = 1
    return np.fromiter((n for item in counts.items() for n in item), dtype=np.int32, count=2 * len(counts)).reshape(-1, 2)


def environments_of(rows: Sequence[str]) -> list[NDArray[np.int32]]:
    """`environments` of each SMILES."""
    return [environments(smiles) for smiles in rows]
