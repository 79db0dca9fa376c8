"""Walks between molecules: their ends, their steps, and how they are chosen."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from rdkit import Chem

from molvae import MolVAE
from molvae.chem.molecules import parse
from molvae.chem.similarity import bit_matrix, tanimoto
from molvae.errors import DataError
from molvae.latent import interpolate as module
from molvae.latent.interpolate import Method
from molvae.latent.paths import slerp, smoothest, straight

A, B = "Cc1ccccc1OC", "N#CC1CCC(F)CC1"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two blocks of codes instead of all."""
    monkeypatch.setattr(module, "_BLOCKS", 2)


def codes(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((5, 4)).astype(np.float32)


def column(value: float) -> np.ndarray:
    return np.full((5, 1), value, dtype=np.float32)


@pytest.mark.parametrize("line", [straight, slerp])
def test_a_line_begins_and_ends_where_it_should_and_its_parts_are_lines(line) -> None:
    a, b = codes(1), codes(2)
    np.testing.assert_allclose(line(a, b, column(0)), a, atol=1e-5)
    np.testing.assert_allclose(line(a, b, column(1)), b, atol=1e-5)
    part = line(line(a, b, column(0.2)), line(a, b, column(0.6)), column(0.5))
    np.testing.assert_allclose(part, line(a, b, column(0.4)), atol=1e-4)
    np.testing.assert_allclose(line(a, 2 * a, column(0.5)), 1.5 * a, rtol=1e-4)  # no arc between parallel codes


def test_an_arc_keeps_the_norm() -> None:
    a, b = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (codes(1), codes(2)))
    np.testing.assert_allclose(np.linalg.norm(slerp(a, b, column(0.3)), axis=1), 1, atol=1e-5)


def test_the_smoothest_chain_is_the_cheapest_of_all() -> None:
    random = np.random.default_rng(3)
    points, order = random.random((9, 2)), random.random(9)
    cost = (np.linalg.norm(points[:, None] - points[None], axis=2) ** 3).astype(np.float32)
    inner = sorted(range(2, 9), key=lambda row: order[row])

    def price(chain: list[int]) -> float:
        return float(sum(cost[i, j] for i, j in pairwise(chain)))

    for steps in (2, 3, 5, 9):
        best = min(([0, *middle, 1] for middle in combinations(inner, steps - 2)), key=price)
        assert smoothest(cost, order, steps) == best
    assert smoothest(cost, order, 20) == [0, *inner, 1]


@pytest.mark.parametrize("method", ["path", "slerp", "linear"])
def test_a_walk_has_its_ends_and_as_many_different_molecules_as_asked(method: Method, model: MolVAE) -> None:
    frame = model.interpolate(A, B, steps=7, method=method, seed=1)
    smiles = frame["smiles"].tolist()
    assert (smiles[0], smiles[-1]) == (Chem.CanonSmiles(A), Chem.CanonSmiles(B))
    assert len(set(smiles)) == 7
    assert smiles == [Chem.CanonSmiles(text) for text in smiles]
    assert frame["step"].tolist() == list(range(7))
    assert (frame["t"].iloc[0], frame["t"].iloc[-1]) == (0, 1)
    assert frame["t"].is_monotonic_increasing
    assert frame["QED"].between(0, 1).all()
    similar = tanimoto(*(bit_matrix(map(parse, smiles)) for _ in range(2)))
    np.testing.assert_allclose(frame["similarity_to_a"], similar[0], atol=1e-4)
    np.testing.assert_allclose(frame["similarity_to_b"], similar[-1], atol=1e-4)
    np.testing.assert_allclose(frame["similarity_to_previous"][1:], np.diag(similar, 1), atol=1e-4)
    assert np.isnan(frame["similarity_to_previous"][0])


def test_a_path_is_smoother_than_one_greedy_decoding_along_the_line(model: MolVAE) -> None:
    a, b = model.encode([A, B])
    greedy = model.decode(a + (b - a) * np.linspace(0, 1, 7)[:, None])["smiles"]
    bits = bit_matrix(map(parse, greedy))
    assert model.interpolate(A, B, steps=7)["similarity_to_previous"].min() > np.diag(tanimoto(bits, bits), 1).min()


def test_the_seed_decides(model: MolVAE) -> None:
    first, second, other = (model.interpolate(A, B, steps=9, seed=seed)["smiles"].tolist() for seed in (1, 1, 2))
    assert first == second
    assert first != other


def test_a_molecule_to_itself_is_one_step(model: MolVAE) -> None:
    frame = model.interpolate(A, "COc1ccccc1C", properties=["MW"])
    assert frame["smiles"].tolist() == [Chem.CanonSmiles(A)]
    assert (frame["similarity_to_a"][0], frame["similarity_to_b"][0]) == (1, 1)


def test_fewer_come_back_where_there_are_no_more(model: MolVAE, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BLOCKS", 1)
    monkeypatch.setattr(module, "_PATIENCE", 1)
    frame = model.interpolate(A, B, steps=600, properties=())  # a block is 512 codes
    assert 2 < len(frame) == frame.attrs["found"] < 600
    assert frame["smiles"].is_unique


def test_what_cannot_be_walked_is_told(model: MolVAE) -> None:
    for a, b, message in (("aspirin", B, "'aspirin' cannot be encoded: not a SMILES"), (A, "[U]", "'[U]' cannot be encoded")):
        with pytest.raises(DataError, match=message.replace("[", r"\[")):
            model.interpolate(a, b)
    with pytest.raises(DataError, match="1 steps were asked for"):
        model.interpolate(A, B, steps=1)
    with pytest.raises(DataError, match="method is 'spline', expected one of path, slerp, linear"):
        model.interpolate(A, B, method="spline")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="unknown property 'colour'"):
        model.interpolate(A, B, properties=["colour"])


def test_a_grid_has_its_corners_and_different_molecules(model: MolVAE) -> None:
    corners = [A, B, "CCN(C)CCO", "Clc1cccnc1"]
    frame = model.interpolate_grid(corners, 3, 4, seed=1)
    cells = frame["smiles"].tolist()
    assert list(zip(frame["row"], frame["column"], strict=True)) == [(row, at) for row in range(3) for at in range(4)]
    assert [cells[0], cells[3], cells[8], cells[11]] == [Chem.CanonSmiles(text) for text in corners]
    assert frame["similarity_to_b"][3] == frame["similarity_to_d"][11] == 1
    written = [text for text in cells if text]
    assert len(set(written)) == len(written) == frame.attrs["found"] > 8
    assert written == [Chem.CanonSmiles(text) for text in written]
    assert cells == model.interpolate_grid(corners, 3, 4, seed=1)["smiles"].tolist()


def test_a_grid_that_cannot_be_is_told(model: MolVAE) -> None:
    with pytest.raises(DataError, match="3 corners were given, expected 4"):
        model.interpolate_grid([A, B, A])
    with pytest.raises(DataError, match="a grid of 1 x 5 was asked for"):
        model.interpolate_grid([A, B, A, B], rows=1)
    with pytest.raises(DataError, match="'C1CC' cannot be encoded"):
        model.interpolate_grid([A, B, A, "C1CC"])
