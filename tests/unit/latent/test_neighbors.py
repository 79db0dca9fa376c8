"""Neighbours: distinct, sorted, bounded, never the molecule itself, and the nearer the smaller the radius."""

from __future__ import annotations

import numpy as np
import pytest

from molvae import MolVAE
from molvae.chem.molecules import parse
from molvae.chem.similarity import bit_matrix, tanimoto
from molvae.errors import DataError
from molvae.latent.neighbors import codes_around

GIVEN = "O(C)c1ccccc1C"


def test_neighbours_are_what_they_say(model: MolVAE) -> None:
    frame = model.neighbors(GIVEN, 15, properties=["MW"])
    own = model.encode_all([GIVEN])
    assert list(frame.columns) == ["smiles", "similarity", "distance", "MW"]
    assert len(frame) == frame["smiles"].nunique() == 15
    assert own.smiles[0] not in set(frame["smiles"])
    assert frame["similarity"].is_monotonic_decreasing
    bits = bit_matrix(map(parse, [own.smiles[0], *frame["smiles"]]))
    np.testing.assert_allclose(tanimoto(bits[:1], bits[1:])[0], frame["similarity"])
    encoded = model.encode_all(frame["smiles"].tolist())
    assert encoded.smiles == frame["smiles"].tolist()
    np.testing.assert_allclose(np.linalg.norm(encoded.codes - own.codes, axis=1), frame["distance"], rtol=1e-4, atol=1e-4)


def test_the_seed_decides(model: MolVAE) -> None:
    first, again, other = (model.neighbors(GIVEN, 10, properties=(), seed=seed) for seed in (3, 3, 4))
    assert first.equals(again)
    assert not first.equals(other)


def test_least_similarity_bounds_and_too_few_come_back(model: MolVAE) -> None:
    near = model.neighbors(GIVEN, 15, properties=()).head(5)
    least = near["similarity"].min()
    frame = model.neighbors(GIVEN, 200, min_similarity=least, properties=())
    assert set(near["smiles"]) <= set(frame["smiles"])
    assert frame["similarity"].min() >= least
    assert len(frame) < 200
    assert frame.attrs["drawn"] == 10_240


def test_codes_go_from_the_posterior_to_the_prior() -> None:
    mean, log_variance = np.full((1, 3), 2.0, dtype=np.float32), np.full((1, 3), -2.0, dtype=np.float32)
    noise = np.random.default_rng(0).standard_normal((20_000, 3), dtype=np.float32)
    for radius, center, deviation in [(0.5, 2, 0.5 / np.e), (1, 2, 1 / np.e), (1e4, 0, 1)]:
        codes = codes_around(mean, log_variance, radius, noise)
        assert codes.mean() == pytest.approx(center, abs=0.02)
        assert codes.std() == pytest.approx(deviation, rel=0.02)


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        ("C[Si](C)(C)C", {}, "symbol not in the vocabulary"),
        ("nonsense", {}, "not a SMILES"),
        (GIVEN, {"n": 0}, "at least 1"),
        (GIVEN, {"min_similarity": 1.5}, "expected 0 to 1"),
        (GIVEN, {"radius": -1.0}, "expected a positive number"),
    ],
)
def test_bad_input_is_refused(given: str, options: dict[str, float], message: str, model: MolVAE) -> None:
    with pytest.raises(DataError, match=message):
        model.neighbors(given, **options)
