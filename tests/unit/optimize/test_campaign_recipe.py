"""The recipe of a campaign: what is refused and how, and that what is written is read as the same campaign."""

from __future__ import annotations

import sys
import time
import tomllib
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import joblib
import pytest

from molvae.errors import MissingExtraError, RecipeError
from molvae.optimize.methods import METHODS
from molvae.optimize.methods.evolve import EvolveSettings
from molvae.optimize.options import checked
from molvae.optimize.oracles.base import Answer
from molvae.optimize.oracles.cluster import on_cluster
from molvae.optimize.oracles.function import FunctionOracle
from molvae.optimize.recipe import LEAD, CampaignRecipe

QED = {"property": "QED", "goal": "maximize"}


def recipe(*terms: dict[str, Any], objective: dict[str, Any] | None = None, **campaign: Any) -> CampaignRecipe:
    return CampaignRecipe.of({"campaign": campaign, "objective": objective or {}, "term": list(terms or [QED])}, "my.toml")


@pytest.mark.parametrize(
    ("campaign", "says"),
    [
        ({"budgt": 5}, "my.toml: unknown key campaign.budgt; nearest: budget"),
        ({"method": "evolv"}, "there is no such method; nearest: evolve"),
        ({"options": {"frist": 5}}, "method evolve has no option 'frist'; nearest: first"),
        ({"options": {"first": "many"}}, "first is 'many'"),
        ({"options": {"first": -5}}, "first is -5, expected at least 1"),
        ({"guard": False}, r"guard belongs into \[objective\]"),
        ({"method": "random", "options": {"first": 5}}, "method random has no option 'first', it has none"),
        ({"method": "stoned", "options": {"first": "many"}}, "options of method stoned"),
        ({"budget": 0}, "campaign.budget is 0"),
        ({"lead": "CC("}, "campaign.lead is 'CC\\('"),
        ({"min_similarity": 0.4}, "there is no lead"),
        ({"lead": "CCO", "min_similarity": 1.5}, "campaign.min_similarity is 1.5"),
        ({"column": "smiles"}, "there is no start_file"),
        ({"jobs": 0}, "campaign.jobs is 0"),
        ({"max_similarity": 0}, "campaign.max_similarity is 0"),
    ],
)
def test_bad_settings_are_refused_with_the_nearest(campaign: dict[str, Any], says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        recipe(**campaign)


def test_bad_terms_and_contradictions_are_refused() -> None:
    with pytest.raises(RecipeError, match="nearest: logP"):
        recipe({"property": "lgP", "low": 1, "high": 2})
    with pytest.raises(RecipeError, match="nearest: pmo:celecoxib_rediscovery"):
        recipe({"oracle": "pmo:celecoxib_rediscover"})
    with pytest.raises(RecipeError, match="contradict"):
        recipe(QED, {"property": "MW", "high": 200, "hard": True}, {"property": "MW", "low": 300, "hard": True})
    with pytest.raises(RecipeError, match="contradict"):  # the bound of the lead takes part
        recipe(QED, {"similar_to": "c1ccccc1CCN", "high": 0.2, "hard": True}, lead="NCCc1ccccc1", min_similarity=0.5)
    with pytest.raises(RecipeError, match="unknown key objektive; nearest: objective"):
        CampaignRecipe.of({"objektive": {}, "term": [QED]})


def test_every_method_has_options_and_they_become_its_settings() -> None:
    for method in METHODS:
        assert set(checked(method, {})) <= {"settings"}
    made = checked("evolve", {"first": 7, "widths": [0.1, 0.2]})["settings"]
    assert made == EvolveSettings(first=7, widths=(0.1, 0.2))


def test_what_is_written_is_the_same_campaign(tmp_path: Path) -> None:
    odd = {"lacks": "[N+](=O)[O-]", "name": 'a "nitro" \x7f group\n\\ é 😀'}
    before = recipe(QED, {"property": "logP", "low": 1, "high": 3}, odd, objective={"guard": False}, lead="OCC", min_similarity=0.25,
                    options={"first": 5, "widths": [0.5, 1.0]}, jobs=-1, out="runs/x")  # fmt: skip
    (tmp_path / "campaign.toml").write_text(before.toml(), encoding="utf-8")
    after = CampaignRecipe.load(tmp_path / "campaign.toml")
    assert after.settings == before.settings
    assert after.objective() == before.objective()
    assert after.toml() == before.toml()
    assert len(tomllib.loads(before.toml())["term"]) == 3
    assert [term.label for term in before.objective().terms][-1] == LEAD


def test_flags_override_and_are_checked() -> None:
    assert recipe(budget=5).updated(budget=7, seed=None).settings.budget == 7
    with pytest.raises(RecipeError, match="nearest: turbo"):
        recipe().updated(method="trubo")
    with pytest.raises(RecipeError, match="no option 'population'"):  # of evolve, which is no longer the method
        recipe(options={"population": 5}).updated(method="stoned")


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"none\.toml cannot be read"):
        CampaignRecipe.load(tmp_path / "none.toml")
    (tmp_path / "a.toml").write_text("budget = = 5")
    with pytest.raises(RecipeError, match=r"a\.toml is not TOML"):
        CampaignRecipe.load(tmp_path / "a.toml")


@pytest.mark.skipif(sys.platform == "win32", reason="alarms")
def test_a_function_that_hangs_fails_in_time_and_the_others_are_answered() -> None:
    def slow(smiles: str) -> float:
        while smiles == "CC":
            time.sleep(0.01)
        return 1.0

    answers = FunctionOracle("slow", slow, timeout=0.2)(["C", "CC", "CCC"])
    assert answers == [Answer(1.0), Answer(None, "TimeoutError: no answer within 0.2 s"), Answer(1.0)]


def test_a_cluster_needs_dask_and_is_where_joblib_sends_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"molvae\[cluster\]"), on_cluster("tcp://nowhere:1"):
        pass
    asked: list[Any] = []
    monkeypatch.setitem(sys.modules, "distributed", SimpleNamespace(Client=lambda address: asked.append(address) or nullcontext()))
    monkeypatch.setattr(joblib, "parallel_config", lambda *given, **more: asked.append((*given, more)) or nullcontext())
    with on_cluster("tcp://here:1"):
        assert asked == ["tcp://here:1", ("dask", {"n_jobs": -1})]
