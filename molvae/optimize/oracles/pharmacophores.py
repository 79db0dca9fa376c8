"""Gobbi and Poppinger's 2D pharmacophores (1998, doi:10.1002/(SICI)1097-0290(199824)61:1<47::AID-BIT9>3.0.CO;2-Z), as RDKit numbers them.

RDKit goes through all pairs and triples of features one at a time. Here they are arrays, and only the different ones among them are turned
into bits by RDKit's own factory.
"""

from __future__ import annotations

from functools import cache
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
from rdkit import Chem, DataStructs
from rdkit.Chem.Pharm2D.Gobbi_Pharm2D import factory

_FACTORY: Any = factory  # not typed
_BINS = _FACTORY.GetBins()
_NEAREST, _FAR, _END = _BINS[0][0], _BINS[-1][0], _BINS[-1][1]  # bonds: nearer ones count for nothing, all from the second on alike
_PART = 4  # binary digits of a code for each family and distance


def pharmacophores(mol: Chem.Mol) -> DataStructs.SparseBitVect:
    """The bits of all pairs and triples of features: those of `rdkit.Chem.Pharm2D.Generate.Gen2DFingerprint`.

    >>> pharmacophores(Chem.MolFromSmiles("OCCN")).GetNumOnBits()
    5
    """
    bits: DataStructs.SparseBitVect = _FACTORY.GetSignature()
    families, distances = _features(mol)
    for points in (2, 3):
        chosen = np.array(list(combinations(range(len(families)), points)), dtype=np.intp).reshape(-1, points)
        apart = np.stack([distances[chosen[:, i], chosen[:, j]] for i, j in combinations(range(points), 2)], axis=1)
        seen = ((apart >= _NEAREST) & (apart < _END)).all(axis=1)
        sides = np.minimum(apart[seen], _FAR)
        columns = [*families[chosen[seen]].T, *sides.T]
        codes = sum((column << (_PART * place) for place, column in enumerate(columns)), np.zeros(len(sides), np.int64))
        bits.SetBitsFromList([_bit(points, code) for code in np.unique(codes).tolist()])
    return bits


def _features(mol: Chem.Mol) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The family of each feature, in order, and the bonds between each two of them; each is one atom."""
    found = [(family, atom) for family, matches in enumerate(_FACTORY.GetMolFeats(mol)) for (atom,) in matches]
    families, atoms = np.array(found, np.int64).reshape(-1, 2).T
    return families, Chem.GetDistanceMatrix(mol)[np.ix_(atoms, atoms)].astype(np.int64)


@cache
def _bit(points: int, code: int) -> int:
    fields = [code >> (_PART * place) & (2**_PART - 1) for place in range(points + points * (points - 1) // 2)]
    return int(_FACTORY.GetBitIdx(fields[:points], fields[points:], sortIndices=False))
