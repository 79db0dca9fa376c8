"""Objectives: the score and its parts, constraints, failures, recipes, fronts; contradictions are found before any call."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import QED, Crippen

from molvae import MolVAE
from molvae.checkpoint import Checkpoint
from molvae.errors import DataError, RecipeError
from molvae.nn.heads import Column, EnsembleHeads, HeadSizes
from molvae.optimize.objective import Objective, Score, Term
from molvae.optimize.oracles.base import Answer

ANILIDE, PHENOL, DECANE = "CC(=O)Nc1ccccc1", "CCc1ccc(O)cc1", "CCCCCCCCCC"
QED_TERM = Term(property="QED", goal="maximize")
TOML = """
[objective]
combine = "product"

[[term]]
property = "logP"
low = 1
high = 3
weight = 2

[[term]]
oracle = "python:mine.score"
goal = "minimise"
bad = -4
good = -10
name = "docking"

[[term]]
similar_to = "CC(=O)Nc1ccccc1"
low = 0.2
hard = true

[[term]]
lacks = "[N+](=O)[O-]"
"""


def only(objective: Objective, smiles: str, **answers: Answer) -> Score:
    (score,) = objective.score({name: [answer] for name, answer in answers.items()}, [smiles])
    return score


# --- scores


def test_the_score_is_the_weighted_geometric_mean_of_its_parts() -> None:
    objective = Objective((Term(property="QED", goal="maximize", weight=3), Term(property="logP", goal="minimize", bad=5, good=0)))
    mol = Chem.MolFromSmiles(PHENOL)
    first, second = QED.qed(mol), 1 - Crippen.MolLogP(mol) / 5
    score = only(objective, PHENOL)
    assert score.parts == pytest.approx({"QED": first, "QED_part": first, "logP": Crippen.MolLogP(mol), "logP_part": second})
    assert score.value == pytest.approx((first**3 * second) ** 0.25)
    assert (score.feasible, score.problem) == (True, "")


@pytest.mark.parametrize(("goal", "sign"), [("maximize", 1), ("minimize", -1)])
def test_a_plain_objective_is_the_value_itself(goal: str, sign: int) -> None:
    objective = Objective((Term(oracle="mine", goal=goal), Term(property="rings", high=2, hard=True)), guard=False)
    smiles = [DECANE, PHENOL, "C1CC2CC1CC2C1CC1"]
    first, failed, unmet = objective.score({"mine": [Answer(-7.5), Answer(None, "timed out"), Answer(99.0)]}, smiles)
    assert (first.value, first.parts, first.feasible) == (sign * -7.5, {"mine": -7.5, "rings (hard)": 0}, True)
    assert (failed.value, failed.problem, failed.feasible) == (None, "mine: timed out", True)
    assert (unmet.value, unmet.problem, unmet.feasible) == (None, "rings is 3, at most 2", False)


def test_a_published_task_alone_is_its_own_score() -> None:
    objective = Objective((Term(oracle="pmo:celecoxib_rediscovery"),), guard=False)
    assert objective.oracles == ["pmo:celecoxib_rediscovery"]
    scores = objective.score({"pmo:celecoxib_rediscovery": [Answer(0.37), Answer(0.0)]}, [PHENOL, DECANE])
    assert [score.value for score in scores] == [0.37, 0.0]


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_a_failure_is_no_score_and_never_zero(value: float | None) -> None:
    objective = Objective((QED_TERM, Term(oracle="pmo:drd2")))
    score = only(objective, PHENOL, **{"pmo:drd2": Answer(value, "crashed")})
    assert (score.value, score.problem, score.feasible) == (None, "pmo:drd2: crashed", True)
    assert score.parts["pmo:drd2"] is None
    assert score.parts["pmo:drd2_part"] is None
    assert score.parts["QED_part"] == pytest.approx(QED.qed(Chem.MolFromSmiles(PHENOL)))


def test_a_failed_constraint_is_not_met_nor_unmet() -> None:
    objective = Objective((QED_TERM, Term(oracle="mine", low=0.5, hard=True)))
    answers = [Answer(0.6), Answer(0.4), Answer(None, "no pose")]
    met, unmet, unknown = objective.score({"mine": answers}, [PHENOL] * 3)
    assert (met.feasible, met.value) == (True, pytest.approx(QED.qed(Chem.MolFromSmiles(PHENOL))))
    assert (unmet.feasible, unmet.value, unmet.problem) == (False, None, "mine is 0.4, at least 0.5")
    assert (unknown.feasible, unknown.value, unknown.problem) == (False, None, "mine (hard): no pose")


def test_an_unmet_constraint_is_zero_and_says_which() -> None:
    objective = Objective((QED_TERM, Term(property="logP", low=-9, high=9), Term(contains="c1ccncc1", name="pyridine"), Term(lacks="[OH]")))
    assert [(s.value, s.problem) for s in objective.score({}, [PHENOL, "Oc1ccncc1CC"])] == [
        (0.0, "it has no pyridine"), (0.0, "it has [OH]")]  # fmt: skip
    assert only(objective, "CCc1ccncc1").feasible
    assert only(objective, "CCc1ccncc1").parts["lacks [OH]_part"] == 1


def test_similarity_is_met_on_the_bound_itself() -> None:
    reference, other = "CCCCCO", "CCCCCN"
    value = only(Objective((Term(similar_to=reference),)), other).value
    assert value is not None
    for step, said in ((0, ""), (1e-6, f"similarity to {reference} is ")):
        constraint = Objective((QED_TERM, Term(similar_to=reference, low=value + step, hard=True)))
        assert constraint.violations([other])[0].partition(f"{value:.4g}, at least")[0] == said


def test_the_guard_is_on_unless_turned_off() -> None:
    assert only(Objective((Term(property="logP", goal="maximize"),)), "C" * 46).problem == "rotatable_bonds is 43, at most 12"
    free = only(Objective((Term(property="logP", goal="maximize"),), guard=False), "C" * 46)
    assert free.feasible
    assert free.value == pytest.approx(Crippen.MolLogP(Chem.MolFromSmiles("C" * 46)))


def test_violations_cost_no_call_and_name_the_first() -> None:
    objective = Objective(
        (Term(oracle="mine", goal="maximize"), Term(oracle="other", low=1, hard=True), Term(property="logP", high=2, hard=True))
    )
    said = objective.violations([ANILIDE, "CCCc1ccccc1", "C" * 9, "nonsense", ""])
    assert said[0] == ""
    assert said[1].startswith("logP is 2.6")
    assert said[2].startswith("logP is ")
    assert said[3:] == ["not a SMILES", "empty"]


def test_what_is_no_molecule_has_no_score() -> None:
    score, good = Objective((QED_TERM,)).score({}, ["nonsense", PHENOL])
    assert (score.value, score.parts, score.feasible, score.problem) == (None, {"QED": None}, False, "not a SMILES")
    assert good.value is not None


def test_rows_do_not_depend_on_each_other(smiles: list[str]) -> None:
    objective = Objective(
        (QED_TERM, Term(similar_to=smiles[0]), Term(contains="[F,Cl]", hard=False), Term(property="MW", high=200, hard=True))
    )
    whole = objective.score({}, smiles[:40])
    assert whole == [objective.score({}, [text])[0] for text in smiles[:40]]
    assert objective.score({}, []) == []
    assert len({score.value for score in whole}) > 10


def test_equal_terms_are_told_apart_by_a_number() -> None:
    names = Objective((Term(property="logP", low=1), Term(property="logP", high=3), Term(property="logP", low=0, hard=True))).names
    assert names == ["logP", "logP 2", "logP (hard)"]


def test_answers_must_be_one_a_molecule() -> None:
    objective = Objective((Term(oracle="mine", goal="maximize"),))
    with pytest.raises(DataError, match="answers of oracle 'mine' are missing"):
        objective.score({}, [PHENOL])
    with pytest.raises(DataError, match="'mine' gave 1 answers for 2 molecules"):
        objective.score({"mine": [Answer(1.0)]}, [PHENOL, DECANE])


# --- heads


@pytest.fixture
def headed(trained: Path) -> MolVAE:
    """The tiny model with heads for two properties, untrained."""
    checkpoint = Checkpoint.load(trained)
    checkpoint.heads.append(
        EnsembleHeads(HeadSizes(4, (Column("weight", "g", low=2, high=7), Column("active", kind="binary")), 8, 1, 2)).eval()
    )
    return MolVAE(checkpoint)


def test_heads_are_read_off_the_codes(headed: MolVAE) -> None:
    objective = Objective((Term(head="weight", goal="maximize"), Term(head="active", goal="minimize")), guard=False, model=headed)
    assert [(term.bad, term.good) for term in objective.terms] == [(2, 7), (1, 0)]
    good, strange = objective.score({}, [PHENOL, "C[Si](C)(C)c1ccccc1"])
    means = headed.predict_codes(headed.encode(PHENOL))[0][0]
    assert (good.parts["weight"], good.parts["active"]) == pytest.approx(means.tolist())
    assert (strange.value, strange.feasible, strange.parts["weight"]) == (None, True, None)
    assert "weight: the model cannot encode the molecule" in strange.problem


def test_an_unknown_head_or_no_model_is_refused(headed: MolVAE) -> None:
    term = {"head": "weigth", "goal": "maximize"}
    with pytest.raises(RecipeError, match=r"my\.toml: the model has no head for 'weigth'.*nearest: weight"):
        Objective.of({"term": [term]}, "my.toml", headed)
    with pytest.raises(RecipeError, match="head 'weigth' is one of a model, and none was given"):
        Objective.of({"term": [term]})


# --- recipes


def test_a_recipe_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "campaign.toml"
    path.write_text(TOML)
    objective = Objective.load(path)
    assert objective.names == ["logP", "docking", "similarity to CC(=O)Nc1ccccc1 (hard)", "lacks [N+](=O)[O-]"]
    assert objective.oracles == ["python:mine.score"]
    assert objective.terms[0].tolerance == pytest.approx(1.1)
    assert Objective.of(objective.recipe()) == objective
    score = only(objective, ANILIDE, **{"python:mine.score": Answer(-7.0)})
    assert (score.parts["docking_part"], score.value) == (pytest.approx(0.5), pytest.approx(0.5 ** (1 / 3)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the objective has no terms"),
        ("[objective]\ngaurd = false", r"unknown key objective\.gaurd; nearest: guard"),
        ("[objectiv]\nguard = false", "unknown key objectiv; nearest: objective"),
        ("[objective]\ncombine = 'sum'", r"objective\.combine is 'sum'.*'product' or 'pareto'"),
        ("[[term]]\nproperty = 'QED'\ngoal = 'maximize'\nwieght = 2", "term 1: unknown key wieght; nearest: weight"),
        ("[[term]]\nproperty = 'QEDD'\ngoal = 'maximize'", "term 1: property is 'QEDD': unknown property.*nearest: QED"),
        ("[[term]]\noracle = 'pmo:drd3'", "term 1: unknown oracle 'pmo:drd3'; nearest: pmo:drd2"),
        ("[[term]]\noracle = 'command:./dock.sh'\ngoal='minimize'\n[[term]]\nproperty='QED'\ngoal='maximize'", "give bad and good"),
        ("[term]\nproperty = 'QED'", r"write \[\[term\]\]"),
        ("[[term]]\nproperty = 'QED'\nname = 'score'\ngoal = 'maximize'", "'score' would name two columns"),
        ("term = 3", "term is 3"),
        ("[[term", "is not TOML"),
    ],
)
def test_bad_recipes_are_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=rf"bad\.toml.*{message}"):
        Objective.load(path)


def test_a_file_of_notepad_is_read(tmp_path: Path) -> None:
    path = tmp_path / "windows.toml"
    path.write_text("[[term]]\r\nproperty = 'QED'\r\ngoal = 'maximize'\r\n", encoding="utf-8-sig")
    assert Objective.load(path).names == ["QED"]


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(RecipeError, match=r"none\.toml cannot be read"):
        Objective.load("none.toml")


# --- contradictions


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ([], "has no terms"),
        ([{"property": "logP", "low": 1, "hard": True}], "only constraints"),
        ([{"property": "logP", "low": 1, "high": 2}, {"property": "logP", "low": 3, "high": 4, "hard": True}],
         "logP cannot be from 1 to 2 and from 3 to 4 at once"),
        ([{"property": "logP", "target": 5}, {"property": "logP", "high": 4, "hard": True}], "logP cannot be of 5 and of at most 4"),
        ([{"oracle": "mine", "low": 2, "tolerance": 1}, {"oracle": "mine", "high": 1, "tolerance": 1}], "mine cannot be of at least 2"),
        ([{"similar_to": "OCC", "low": 0.9}, {"similar_to": "CCO", "high": 0.5}], "cannot be of at least 0.9 and of at most 0.5"),
        ([{"property": "TPSA", "goal": "maximize"}, {"property": "TPSA", "goal": "minimize"}], "TPSA is both maximised and minimised"),
        ([{"contains": "c1ccncc1", "hard": False}, {"lacks": "c1ccncc1"}], "'c1ccncc1' is both required and forbidden"),
        ([{"contains": "C1=CN=CC=C1", "hard": False}, {"lacks": "c1ccncc1"}], "is required, and holds 'c1ccncc1', which is forbidden"),
        ([{"lacks": "n"}, {"contains": "c1ccncc1", "hard": False}], "'c1ccncc1' is required, and holds 'n', which is forbidden"),
        ([{"similar_to": "c1ccccc1C(=O)O", "low": 0.9, "hard": True}, {"similar_to": "CCCCCCN", "low": 0.8, "hard": True}],
         "no molecule has a similarity of 0.9 to"),
        ([{"contains": "[Si]", "hard": False}], "against silly optima meets the term.*element Si.*guard = false"),
        ([{"property": "heavy_atoms", "low": 60}], "heavy_atoms cannot be of at least 60 and from 5 to 50"),
        ([{"contains": "COOC", "hard": False}], "'COOC' is required, and holds 'OO'"),
    ],
)  # fmt: skip
def test_contradictions_are_found_before_the_first_call(terms: list[dict[str, Any]], message: str) -> None:
    more = [] if "no terms" in message or "only" in message else [QED_TERM]
    with pytest.raises(RecipeError, match=message):
        Objective((*[Term(**term) for term in terms], *more))


@pytest.mark.parametrize(
    "terms",
    [
        [{"contains": "CO", "hard": False}, {"lacks": "[OH]"}],  # an ether has the one and not the other
        [{"contains": "c1ccncc1"}, {"contains": "c1ccccc1"}, {"lacks": "C=O"}],
        [{"property": "logP", "low": 1, "high": 2}, {"property": "logP", "low": 2, "high": 4, "hard": True}],
        [{"property": "MW", "goal": "minimize"}, {"property": "MW", "low": 200, "hard": True}],
    ],
)
def test_what_can_be_is_not_refused(terms: list[dict[str, Any]]) -> None:
    assert Objective((*[Term(**term) for term in terms], QED_TERM)).names


def test_a_front_needs_two_terms() -> None:
    with pytest.raises(RecipeError, match="at least two soft terms"):
        Objective((QED_TERM,), combine="pareto")


# --- Pareto fronts


def test_the_front_and_its_hypervolume() -> None:
    terms = (Term(oracle="a", goal="maximize", bad=0, good=4), Term(oracle="b", goal="minimize", bad=4, good=0))
    objective = Objective((*terms, Term(property="rings", high=1, hard=True)), combine="pareto", guard=False)
    smiles = ["C", "CC", "CCC", "CCCC", "C1CC2CC1CC2", "CCCCC"]
    a = [Answer(x) for x in (1.0, 2.0, 3.0, 2.0, 4.0)] + [Answer(None, "hung")]
    b = [Answer(4 - x) for x in (3.0, 2.0, 1.0, 1.0, 4.0, 4.0)]
    scores = objective.score({"a": a, "b": b}, smiles)
    points = objective.points(scores)
    assert np.isnan(points).any(axis=1).tolist() == [False, False, False, False, True, True]
    assert points[:4].tolist() == [[0.25, 0.75], [0.5, 0.5], [0.75, 0.25], [0.5, 0.25]]
    assert objective.front(scores) == [0, 1, 2]
    assert objective.hypervolume(scores) == pytest.approx(6 / 16)
    assert scores[1].value == pytest.approx(0.5)


def test_the_table_has_every_part() -> None:
    objective = Objective((QED_TERM, Term(property="logP", low=1)))
    frame = objective.table([PHENOL, "nonsense"], objective.score({}, [PHENOL, "nonsense"]))
    assert list(frame) == ["smiles", "score", "feasible", "problem", "QED", "QED_part", "logP", "logP_part"]
    assert frame["feasible"].tolist() == [True, False]
    assert frame.loc[0, "score"] == pytest.approx(QED.qed(Chem.MolFromSmiles(PHENOL)) ** 0.5)
    assert frame.iloc[1][["score", "QED", "logP_part"]].isna().all()
    assert list(objective.table([], [])) == list(frame)
