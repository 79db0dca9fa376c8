"""The diverse top: unlike each other by RDKit's own Tanimoto, and none left out without a reason."""

from __future__ import annotations

import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

from molvae.errors import DataError
from molvae.optimize.diversity import diverse


def similarity(one: str, other: str) -> float:
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=1024)
    return float(DataStructs.TanimotoSimilarity(*(generator.GetFingerprint(Chem.MolFromSmiles(text)) for text in (one, other))))


@pytest.mark.parametrize("bound", [0.3, 0.7, 1.0])
def test_the_best_that_are_unlike(smiles: list[str], bound: float) -> None:
    pool = smiles[:60]
    scores = [None if row % 9 == 0 else (row * 37 % 61) / 61 for row in range(60)]
    taken = diverse(pool, scores, 60, bound)
    assert [scores[row] for row in taken] == sorted((scores[row] for row in taken), reverse=True)
    better: list[int] = []
    for row in sorted((row for row in range(60) if scores[row] is not None), key=lambda row: -scores[row]):
        near = max((similarity(pool[row], pool[other]) for other in better), default=0.0)
        assert (row in taken) == (near < bound - 1e-6)
        better += [row] if row in taken else []
    assert diverse(pool, scores, 3, bound) == taken[:3]


def test_a_repeated_molecule_is_taken_once_and_the_bound_itself_is_not_below() -> None:
    assert diverse(["CCO", "OCC", "c1ccccc1"], [1.0, 0.9, 0.8], 3, 1.0) == [0, 2]
    pair = ("CCCCO", "CCCCN")
    assert diverse(pair, [1.0, 0.9], 2, similarity(*pair)) == [0]
    assert diverse(pair, [1.0, 0.9], 2, similarity(*pair) + 1e-3) == [0, 1]


@pytest.mark.parametrize(
    ("smiles", "scores", "k", "bound", "message"),
    [
        (["C"], [], 1, 0.5, "1 molecules and 0 scores"),
        (["C"], [1.0], 0, 0.5, "top 0"),
        (["C"], [1.0], 1, 0.0, "bound of similarity is 0.0"),
        (["C"], [1.0], 1, 1.5, "bound of similarity is 1.5"),
        (["C", "nope"], [1.0, 0.5], 2, 0.5, "row 2: 'nope' is no molecule"),
    ],
)
def test_bad_input(smiles: list[str], scores: list[float], k: int, bound: float, message: str) -> None:
    with pytest.raises(DataError, match=message):
        diverse(smiles, scores, k, bound)
