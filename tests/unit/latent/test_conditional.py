"""Samples whose properties lie in windows: what is promised of them, what they cost, and the parts of the search."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from molvae import MolVAE
from molvae.chem.molecules import canonical, parse
from molvae.chem.properties import compute
from molvae.chem.windows import windows
from molvae.errors import DataError
from molvae.latent.proposals import FEWEST, Aim, Parents, Radii
from molvae.latent.screen import Screen
from molvae.nn.heads import Column, HeadSizes

WHERE = "TPSA=40..60,rings=1"


@pytest.fixture(scope="module")
def found(model: MolVAE) -> pd.DataFrame:
    return model.sample(120, where=WHERE, seed=1)


def test_every_molecule_is_as_asked(found: pd.DataFrame, model: MolVAE) -> None:
    assert len(found) == 120
    computed = compute(found["smiles"].tolist(), ["TPSA", "rings"])
    assert computed["TPSA"].between(40, 60).all() and (computed["rings"] == 1).all()
    pd.testing.assert_frame_equal(found[["TPSA", "rings"]], computed)
    assert found["smiles"].is_unique
    assert [canonical(parse(text)) for text in found["smiles"]] == found["smiles"].tolist()
    assert model.encode_all(found["smiles"].tolist()).smiles == found["smiles"].tolist()
    assert (found["novel"].to_numpy() == ~model.checkpoint.index.contains(found["smiles"].tolist())).all()
    assert found["valid"].all() and found["survives"].all() and not found["duplicate"].any()


def test_what_it_cost_adds_up(found: pd.DataFrame) -> None:
    about = found.attrs
    phases = [about[phase] for phase in ("rejection", "walk", "search")]
    assert about["drawn"] == sum(each["decoded"] for each in phases) <= about["budget"] == 50_000
    assert sum(each["hits"] for each in phases) >= 120
    assert all(each["decoded"] >= each["survived"] >= each["inside"] >= each["hits"] for each in phases)
    assert about["gain"] == pytest.approx(phases[2]["hits"] / phases[2]["decoded"] / (phases[0]["hits"] / phases[0]["decoded"]))
    assert (about["where"], about["heads"], about["critic"], about["asked"]) == ("TPSA=40..60,rings=1", [], False, 120)
    assert 0 < about["passing"] <= 1


def test_the_same_seed_gives_the_same_and_a_small_sample_is_the_beginning(found: pd.DataFrame, model: MolVAE) -> None:
    told: list[tuple[str, int, int]] = []
    again = model.sample(110, where={"rings": 1, "TPSA": (40, 60)}, seed=1, progress=lambda *what: told.append(what))
    assert again["smiles"].tolist() == found["smiles"].tolist()[:110]
    assert told[-1] == (f"molecules in {again.attrs['drawn']:,} of at most 50,000 decodings", 110, 110)
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
    assert model.sample(20, where=WHERE, seed=2)["smiles"].tolist() != found["smiles"].tolist()[:20]


def test_novel_ones_only(model: MolVAE) -> None:
    frame = model.sample(30, where="rings=1", seed=1, novel=True)
    assert len(frame) == 30 and frame["novel"].all()
    assert not model.checkpoint.index.contains(frame["smiles"].tolist()).any()


@pytest.mark.parametrize("where", ["penalized_logP>2.2", "heavy_atoms>=17"])
def test_it_walks_to_what_the_prior_hardly_gives_without_any_head(where: str, model: MolVAE) -> None:
    frame = model.sample(60, where=where, seed=1, budget=9_000)
    rejection, search, walk = (frame.attrs[phase] for phase in ("rejection", "search", "walk"))
    assert rejection["share"] < 0.02, "the prior should hardly give this, or the test says nothing"
    assert (walk["hits"] + search["hits"]) / (walk["decoded"] + search["decoded"]) > 2 * rejection["share"]


def test_a_budget_that_does_not_suffice_gives_what_was_found(model: MolVAE) -> None:
    frame = model.sample(2_000, where="rings=1", seed=1, budget=700)
    assert 0 < len(frame) < 2_000
    assert frame.attrs["drawn"] == 700
    nothing = model.sample(5, where="MW>900", seed=1, budget=600)
    assert list(nothing.columns) == ["smiles", "valid", "survives", "novel", "duplicate", "MW"]
    assert (len(nothing), nothing.attrs["gain"], nothing.attrs["passing"]) == (0, None, None)


class _Exact(nn.Module):
    """A head that says of any code that the TPSA is ten times its first number."""

    sizes = HeadSizes(4, (Column("TPSA"),))

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("device", torch.zeros(1))

    def forward(self, codes: torch.Tensor, drawn: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
        return 10 * codes[:, :1], torch.ones(len(codes), 1)


def test_heads_are_used_where_there_are_any(model: MolVAE) -> None:
    where = "TPSA=40..60,heavy_atoms=8.."
    without = model.sample(150, where=where, seed=1)
    model.checkpoint.heads.append(_Exact())
    try:
        frame = model.sample(150, where=where, seed=1)
    finally:
        del model.checkpoint.heads[-1]
    assert (frame.attrs["heads"], without.attrs["heads"]) == (["TPSA"], [])
    assert frame["TPSA"].between(40, 60).all() and (frame["heavy_atoms"] >= 8).all() and len(frame) == 150
    assert frame["smiles"].tolist() != without["smiles"].tolist()


def test_a_request_that_cannot_be(model: MolVAE) -> None:
    for wrong in (
        {"n": 0},
        {"budget": 0},
        {"where": "logp>2"},
        {"raw": True},
        {"critic": True},
        {"distinct": False},
        {"seed": 1, "where": {}},
    ):
        with pytest.raises(DataError):
            model.sample(**{"n": 5, "where": "logP>1"} | wrong)
    with pytest.raises(DataError, match="a budget of 5 decodings goes with where only"):
        model.sample(5, budget=5)


class _Line:
    """A model of two-number codes with a head for logP that says the square of the first, 5 too much."""

    latent_size = 2
    properties = (Column("logP"), Column("rings"))

    def predict_codes(self, codes: np.ndarray, names: list[str], *, drawn: bool) -> tuple[np.ndarray, np.ndarray]:
        mean = np.repeat(codes[:, :1].astype(float) ** 2 + 5, len(names), axis=1)
        return mean, np.ones_like(mean)


def _screen(where: str, codes: np.ndarray, values: np.ndarray) -> Screen:
    """A screen that has seen codes (n, 2) and their properties."""
    model: Any = _Line()
    screen = Screen(model, windows(where), values.mean(axis=0), values.std(axis=0), seed=0)
    screen.learn(codes, values)
    return screen


def _codes(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, 2)).astype(np.float32)


def test_a_screen_learns_chances_slopes_and_its_own_error() -> None:
    codes = _codes(20_000, 0)
    noise = np.random.default_rng(1).standard_normal(len(codes))
    screen = _screen("QED=0.4..0.6", codes, (0.5 + 0.1 * codes[:, 1] + 0.05 * noise)[:, None])
    logs = screen.log_chances(np.array([[0, 0], [0, 1], [0, 30]], dtype=np.float32))
    expected = [math.erf(2 / 2**0.5), 0.5 * math.erf(4 / 2**0.5)]
    assert np.exp(logs[:2]) == pytest.approx(expected, abs=0.03)
    assert np.isfinite(logs).all() and logs[2] < -20, "far away still tells nearer from farther"
    slope = 0.1 / np.sqrt(0.1**2 + 0.05**2)
    aim = screen.aim()
    assert aim.slopes == pytest.approx(np.array([[0, slope]]), abs=0.02)
    assert aim.noise == pytest.approx(1 - slope**2, abs=0.02)
    assert screen.gaps(np.array([[0.3], [0.5], [0.6], [0.9]])) * np.sqrt(0.1**2 + 0.05**2) == pytest.approx([0.1, 0, 0, 0.3], rel=0.05)


def test_a_screen_corrects_the_heads() -> None:
    codes = _codes(4_000, 2)
    screen = _screen("logP=0..1,rings=3", codes, np.column_stack([codes[:, 0] ** 2, 3 + 0.1 * codes[:, 1]]))
    logs = screen.log_chances(np.array([[0.7, 0], [2, 0], [3, 0]], dtype=np.float32))
    assert logs[0] == pytest.approx(0, abs=0.05) and logs[2] < logs[1] < -5


def test_codes_are_drawn_by_their_chance_without_repetition() -> None:
    screen = _screen("QED=0.4..0.6", _codes(2_000, 3), 0.5 + 0.3 * _codes(2_000, 3)[:, 1:] + 0.1 * _codes(2_000, 4)[:, 1:])
    codes = _codes(40_000, 5)
    drawn = screen.draw(codes, 1_000, np.random.default_rng(0))
    assert len(np.unique(drawn, axis=0)) == 1_000
    weights = np.exp(screen.log_chances(codes))[:, None]
    mean = (weights * codes).sum(axis=0) / weights.sum()
    spread = np.sqrt((weights * (codes - mean) ** 2).sum(axis=0) / weights.sum())
    assert drawn.mean(axis=0) == pytest.approx(mean, abs=4 * spread.max() / 1_000**0.5)
    assert drawn.std(axis=0) == pytest.approx(spread, rel=0.08)
    assert spread[0] > 2 * spread[1], "what the window does not ask for stays as the prior has it"


def _parents(gaps: list[float]) -> Parents:
    codes = np.repeat(np.array(gaps, dtype=np.float32)[:, None], 3, axis=1)
    return Parents(np.array(gaps), -np.array(gaps)[:, None], codes, np.zeros_like(codes))


def test_parents_are_the_nearest_and_all_that_are_inside() -> None:
    random = np.random.default_rng(0)
    near = _parents([float(gap) for gap in range(1, 400)]).best_with(_parents([0.0] * 3), random)
    assert len(near) == FEWEST and sorted(near.gaps)[:5] == [0, 0, 0, 1, 2] and near.gaps.max() == FEWEST - 3
    assert (near.codes[:, 0] == near.gaps).all() and (near.values[:, 0] == -near.gaps).all(), "all of a molecule goes with it"
    inside = near.best_with(_parents([0.0] * 500), random)
    assert len(inside) == 503 and not inside.gaps.any()
    assert len(inside.best_with(_parents([0.0] * 5_000), random)) == 2_048
    assert len(Parents.none(1, 3).best_with(Parents.none(1, 3), random)) == 0


ANYWHERE = Aim(np.full(1, -np.inf), np.full(1, np.inf), np.ones((1, 40)), np.ones(1))


def test_children_lie_around_their_parents() -> None:
    parents = Parents(np.zeros(2), np.zeros((2, 1)), 5 * np.eye(2, 40, dtype=np.float32), np.full((2, 40), -10, dtype=np.float32))
    children = parents.children(500, 1.0, ANYWHERE, np.random.default_rng(0))
    assert children.shape == (500, 40) and children.dtype == np.float32
    assert np.abs(children[:, 2:]).max() < 0.2
    assert np.linalg.norm(children, axis=1) == pytest.approx(np.full(500, 5.0), abs=0.2), "between two on the arc, not on the chord"
    assert (children == parents.children(500, 1.0, ANYWHERE, np.random.default_rng(0))).all()
    assert parents.children(0, 1.0, ANYWHERE, np.random.default_rng(0)).shape == (0, 40)


def test_children_are_brought_into_the_windows_as_far_as_the_slopes_tell() -> None:
    aim = Aim(np.array([1.0, -np.inf]), np.array([2.0, 0.0]), np.array([[1.0, 0, 0], [0, 0.1, 0]]), np.array([1e-6, 1.0]))
    parents = Parents(np.ones(1), np.zeros((1, 2)), np.zeros((1, 3), dtype=np.float32), np.zeros((1, 3), dtype=np.float32))
    children = parents.children(2_000, 1.5, aim, np.random.default_rng(0))
    assert children[:, 0].min() == pytest.approx(1.25, abs=1e-3) and children[:, 0].max() == pytest.approx(1.75, abs=1e-3)
    assert children[:, 1].mean() == pytest.approx(-0.03, abs=0.06), "what the slopes hardly explain is hardly moved"
    assert children[:, 2].std() > 0.6, "what does not matter is left to the noise"
    assert not ANYWHERE.push(np.array([[5.0]])).any()


def test_a_radius_is_used_by_what_it_brings() -> None:
    radii = Radii()
    assert radii.known[-1] == math.inf
    assert radii.draw(100) == [20] * 5
    radii.learn([200] * 5, [0, 20, 40, 0, 0])
    first = radii.draw(1_000)
    assert sum(first) == 1_000 and first[2] > 3 * first[1] > 0 == first[0]
    for _ in range(10):
        radii.learn(radii.draw(1_000), [0, 100, 0, 0, 0])
    assert radii.draw(1_000)[1] > 900, "what was long ago is forgotten"
