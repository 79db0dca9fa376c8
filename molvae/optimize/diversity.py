"""The best molecules that are not all alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from molvae.chem.molecules import parse
from molvae.chem.similarity import BITS, bit_matrix, tanimoto
from molvae.errors import DataError, MoleculeError


def diverse(smiles: Sequence[str], scores: Sequence[float | None], k: int, bound: float) -> list[int]:
    """The top k with pairwise Tanimoto similarity below a bound, greedily: from the best down, each that is unlike all taken before.

    Args:
        smiles: molecules.
        scores: of each, high is good; None, a failure, is never taken.
        k: most molecules taken; fewer where there are not so many unlike ones.
        bound: the similarity (Morgan fingerprints of radius 2) that no two reach, above 0 up to 1; the same molecule is never taken twice.

    Returns:
        Rows, by falling score; the earlier row first among equals.

    Raises:
        DataError: lengths that differ, k below 1, a bound outside 0 to 1, or a molecule that is none, with its row (from 1).

    >>> diverse(["CCO", "CCCO", "c1ccccc1"], [0.9, 0.8, 0.7], k=2, bound=0.5)
    [0, 2]
    """
    _check(len(smiles), len(scores), k, bound)
    order = sorted((row for row, score in enumerate(scores) if score is not None), key=lambda row: -(scores[row] or 0.0))
    taken: list[int] = []
    bits = np.zeros((0, BITS), dtype=np.uint8)
    for row in order:
        if len(taken) == k:
            break
        mine = _bits(smiles[row], row)
        if not len(bits) or tanimoto(mine, bits).max() < np.float32(bound):
            taken.append(row)
            bits = np.concatenate([bits, mine])
    return taken


def _check(molecules: int, scores: int, k: int, bound: float) -> None:
    if molecules != scores:
        raise DataError(f"there are {molecules} molecules and {scores} scores, expected one score each")
    if k < 1:
        raise DataError(f"the top {k} were asked for, expected at least 1")
    if not 0 < bound <= 1:
        raise DataError(f"the bound of similarity is {bound}, expected above 0 up to 1")


def _bits(text: str, row: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    try:
        return bit_matrix([parse(text)])
    except MoleculeError as error:
        raise DataError(f"row {row + 1}: {text[:80]!r} is no molecule: {error}") from error
