"""The folder of a campaign: tables that hold what they say, and a page that needs nothing from elsewhere and escapes every text."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from molvae.optimize.campaign import Outcome
from molvae.optimize.found import Found
from molvae.optimize.front_picture import front_picture, hypervolumes
from molvae.optimize.journal import Entry
from molvae.optimize.oracles.base import Answer
from molvae.optimize.page import page
from molvae.optimize.pareto import hypervolume
from molvae.optimize.recipe import CampaignRecipe

EVIL = "<script>alert('x')</script>&\"<img src=x onerror=y>$"
TERMS = [
    {"property": "QED", "goal": "maximize"},
    {"property": "logP", "low": 1, "high": 2, "name": EVIL},
    {"lacks": "[N+](=O)[O-]"},
]
SMILES = ["CC(=O)Nc1ccc(O)cc1", "CCc1ccccc1", "OCCN1CCOCC1", "CC(C)Cc1ccccc1", "NCCc1ccc(O)cc1", "Cc1ccncc1"]


class Reader(HTMLParser):
    """Gathers tags, attributes and text, and checks that every element is closed in its turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data + " "


def found(combine: str = "pareto", terms: list[dict[str, Any]] = TERMS, failed: str = EVIL, **campaign: Any) -> Found:
    tables = {"campaign": {"budget": 10} | campaign, "objective": {"combine": combine}, "term": terms}
    recipe = CampaignRecipe.of(tables, f"{EVIL}.toml")
    objective = recipe.objective()
    answers = {name: [Answer(0.5)] * len(SMILES) for name in objective.oracles}
    scores = objective.score(answers, SMILES)
    entries = [Entry(call, 1, text, s.value, s.problem, s.parts) for call, (text, s) in enumerate(zip(SMILES, scores, strict=True), 1)]
    entries.append(Entry(len(entries) + 1, 2, "CCCCO", None, failed))
    return Found(recipe, objective, Outcome(tuple(entries), 10), (EVIL, ""))


@pytest.mark.parametrize("combine", ["product", "pareto"])
def test_the_page_is_sound_offline_and_escaped(combine: str) -> None:
    text = page(found(combine, max_similarity=0.9))
    read = Reader(text)
    assert not read.open
    assert "script" not in read.tags
    assert "link" not in read.tags
    assert not [name for name, _ in read.attributes if name.startswith("on")]
    assert all(value.startswith("data:image/svg+xml;base64,") for name, value in read.attributes if name in ("src", "href"))
    assert not re.search(r"url\(|@import|https?://", text)
    assert read.text.count(EVIL) >= 4  # title, note, term, failure
    for said in ("7 of 10", "QED as high as can be", "from 1 to 2", "without the substructure [N+](=O)[O-]", "Best molecules", *SMILES):
        assert said in read.text
    assert ("hypervolume" in read.text) == (combine == "pareto")


def test_a_plain_objective_and_one_without_any_score_have_pages() -> None:
    assert "the number itself" in Reader(page(found("product", [{"property": "QED", "goal": "minimize"}]))).text
    one = found("pareto")
    nothing = Found(one.recipe, one.objective, Outcome((one.outcome.entries[-1],), 10))
    assert "Failed calls" in Reader(page(nothing)).text


def test_failures_are_counted_by_reason_and_only_failures() -> None:
    hard = [*TERMS[:2], {"property": "MW", "high": 110, "hard": True}]
    one = found("product", hard, failed="it hung")
    assert one.failures == {"it hung": 1}  # constraints that are not met are no failures
    assert [score.feasible for score in one.scores] == [score.value != 0 and score.value is not None for score in one.scores]


def test_the_folder_holds_the_front_and_the_unlike(tmp_path: Path) -> None:
    one = found("pareto", max_similarity=0.5, top=3)
    one.write(tmp_path)
    front = pd.read_csv(tmp_path / "front.csv")
    parts = [f"{name}_part" for name in one.soft_names]
    points = one.objective.points(one.scores)
    known = points[np.isfinite(points).all(axis=1)]
    assert 1 <= len(front) < len(known)
    for point in front[parts].to_numpy():
        assert not ((known >= point).all(axis=1) & (known > point).any(axis=1)).any()
    assert hypervolume(front[parts].to_numpy()) == pytest.approx(hypervolume(known))
    assert len(pd.read_csv(tmp_path / "diverse.csv")) <= 3
    assert (tmp_path / "front.png").read_bytes().startswith(b"\x89PNG")
    assert {path.name for path in tmp_path.iterdir()} == {"front.csv", "diverse.csv", "front.png", "report.html"}
    other = found("product")
    other.write(tmp_path / "product")
    assert [path.name for path in (tmp_path / "product").iterdir()] == ["report.html"]


def test_the_hypervolume_grows_to_that_of_all_points(tmp_path: Path) -> None:
    points = np.random.default_rng(0).random((40, 3))
    points[7] = np.nan
    volumes = hypervolumes(points, range(1, 41))
    assert (np.diff(volumes) >= 0).all()
    assert volumes[-1] == pytest.approx(hypervolume(np.delete(points, 7, axis=0)))
    front_picture(points, ["a", "b $x$", "c" * 99], tmp_path / "three.png")
    front_picture(points[:0], ["a", "b", "c"], tmp_path / "none.svg")
