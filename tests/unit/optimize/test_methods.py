"""Methods: proposals are canonical, new and reproducible from what was told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from rdkit import Chem

from molvae import MolVAE
from molvae.errors import DataError
from molvae.optimize.methods import METHODS, method
from molvae.optimize.methods.base import Method
from molvae.optimize.methods.cma import CmaSettings
from molvae.optimize.methods.evolve import Children, EvolveSettings
from molvae.optimize.methods.gradient import GradientSettings
from molvae.optimize.methods.proposals import Parents, Source
from molvae.optimize.methods.screen import Belief, Features
from molvae.optimize.methods.told import Told
from molvae.optimize.methods.tuned import TunedModel
from molvae.optimize.methods.turbo import TurboSettings

QUICK = EvolveSettings(first=20, generations=2, fewest=100, children=10, tuned_every=20, tuned_steps=4)
SMALL: dict[str, dict[str, Any]] = {
    "stoned": {"first": 20, "parents": 8},
    "random": {},
    "evolve": {"settings": QUICK},
    "gradient": {"settings": GradientSettings(first=20, fits=50, starts=64)},
    "cma": {"settings": CmaSettings(first=20, population=10)},
    "turbo": {"settings": TurboSettings(first=20, candidates=256)},
}


def oxygens(smiles: list[str]) -> list[float | None]:
    """Counts O; a failure for molecules with S."""
    return [None if "S" in text else float(text.count("O")) for text in smiles]


def campaign(searcher: Method, rounds: int) -> list[list[str]]:
    asked = []
    for _ in range(rounds):
        asked.append(searcher.ask(10))
        searcher.tell(asked[-1], oxygens(asked[-1]))
    return asked


@pytest.mark.parametrize("name", METHODS)
def test_proposals_are_canonical_new_and_follow_from_what_was_told(model: MolVAE, name: str) -> None:
    start = "O(C)c1ccccc1"
    first = campaign(method(name, model, seed=3, starts=[start], **SMALL[name]), 4)
    flat = [smiles for batch in first for smiles in batch]
    assert flat[0] == Chem.CanonSmiles(start)
    assert len(set(flat)) == len(flat) == 40
    assert flat == [Chem.CanonSmiles(smiles) for smiles in flat]
    told = method(name, model, seed=3, starts=[start], **SMALL[name])
    for batch in first[:3]:
        told.tell(batch, oxygens(batch))
    assert told.ask(10) == first[3], "a resumed method goes on as it would have"
    assert method(name, model, seed=4, **SMALL[name]).ask(10) != first[0]


@pytest.mark.parametrize("name", [name for name in METHODS if name != "random"])
def test_the_guided_methods_find_better_molecules_than_the_prior(model: MolVAE, name: str) -> None:
    def mean_of_best(which: str) -> float:
        """Of the ten best of the last 40 of 80 calls."""
        scores = [score for batch in campaign(method(which, model, seed=1, **SMALL[which]), 8)[4:] for score in oxygens(batch)]
        return float(np.mean(sorted(score for score in scores if score is not None)[-10:]))

    assert mean_of_best(name) > mean_of_best("random")


@pytest.mark.parametrize("name", METHODS)
def test_what_is_not_allowed_is_never_proposed(model: MolVAE, name: str) -> None:
    asked = campaign(method(name, model, seed=1, starts=["NCCN", "CCO"], allowed=lambda smiles: "N" not in smiles, **SMALL[name]), 3)
    assert asked[0][0] == "CCO"
    assert not any("N" in smiles for batch in asked for smiles in batch)


def test_unknown_methods_and_options_and_bad_starts_are_refused(model: MolVAE) -> None:
    with pytest.raises(DataError, match="unknown method 'evolv', nearest: evolve"):
        method("evolv", model)
    with pytest.raises(DataError, match=r"method random: .*speed"):
        method("random", model, speed=3)
    with pytest.raises(DataError, match="start 2: 'aspirin'"):
        method("random", model, starts=["CCO", "aspirin"])


@pytest.mark.parametrize("source", EvolveSettings().sources)
def test_each_source_of_evolve_can_be_alone(model: MolVAE, source: str) -> None:
    searcher = method("evolve", model, seed=2, settings=replace(QUICK, sources=(source,)))
    asked = campaign(searcher, 3)[-1]
    came = [searcher.origins.get(smiles) for smiles in asked]
    assert came.count(source) >= 5
    assert set(came) <= {source, None}, "what a source lacks comes from the prior"


def test_evolve_without_a_screen_or_tuning_still_proposes(model: MolVAE) -> None:
    asked = campaign(method("evolve", model, seed=2, settings=replace(QUICK, screened=False, tuned_every=0)), 4)
    assert len({smiles for batch in asked for smiles in batch}) == 40


def test_a_model_that_knows_none_of_the_best_is_not_tuned(model: MolVAE) -> None:
    told, tuned = Told(), TunedModel(model, every=2, steps=1, seed=0)
    told.tell(["[SeH2]", "C[SeH]"], [1.0, 2.0])
    assert tuned.after(told) is model
    told.tell(["CCO", "CCN"], [1.0, 2.0])
    assert tuned.after(told) is not model


def test_evolve_leaves_the_model_as_it_is(model: MolVAE) -> None:
    before = {name: weight.clone() for name, weight in model.checkpoint.vae.state_dict().items()}
    campaign(method("evolve", model, seed=2, settings=QUICK), 4)
    assert all(torch.equal(weight, before[name]) for name, weight in model.checkpoint.vae.state_dict().items())


def test_a_source_whose_children_become_parents_gets_more_of_the_next_generation() -> None:
    calls: dict[str, int] = {}

    def source(name: str, letters: str) -> Source:
        def children(parents: Parents, n: int, random: np.random.Generator) -> list[str]:
            calls[name] = n
            return ["".join(random.choice(list(letters), size=12)) for _ in range(n)]

        return children

    class Screen:
        def __call__(self, asked: Features) -> Belief:
            return Belief(asked.descriptors[:, 1].astype(np.float64), np.zeros(len(asked)))

    told, random = Told(), np.random.default_rng(1)
    children = Children({"good": source("good", "CO"), "bad": source("bad", "CN")}, ["C"], np.zeros(1), EvolveSettings(population=20))
    made = children.generation(100, told, random)
    assert calls == {"good": 50, "bad": 50}
    seen = Features.of(made)
    seen.descriptors[:, 1] = [text.count("O") for text in made]
    children.add(made, seen, Screen(), random)  # type: ignore[arg-type]
    children.generation(100, told, random)
    assert calls["good"] >= 60
    assert 0 < calls["bad"] <= 40


def test_stereoisomers_of_what_is_known_are_no_children() -> None:
    def isomers(parents: Parents, n: int, random: np.random.Generator) -> list[str]:
        return ["C[C@H](N)O", "C[C@@H](N)O", "CC(N)O", "F/C=C/F", "CCO"]

    told, random = Told(), np.random.default_rng(1)
    told.tell(["F/C=C\\F"], [1.0])
    children = Children({"all": isomers}, ["C"], np.zeros(1), EvolveSettings(), kinds=["FC=CF"])
    assert children.generation(10, told, random) == ["C[C@H](N)O", "CCO"]
    assert children.generation(10, told, random) == []
