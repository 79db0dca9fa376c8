"""Oracles by name: properties and published tasks give what their definitions say, for one molecule or many."""

from __future__ import annotations

import math
import pickle

import joblib
import pytest
from rdkit.Chem import QED, Crippen

from molvae.chem.molecules import parse
from molvae.errors import DataError
from molvae.optimize.oracles import PMO, Answer, guacamol, names, oracle
from molvae.optimize.oracles.terms import at_least, at_most, clipped, gaussian, geometric_mean, isomer

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"


def value(name: str, smiles: str) -> float:
    (answer,) = oracle(name)([smiles])
    assert answer.value is not None, answer.problem
    return answer.value


def test_properties_are_those_of_rdkit_in_any_case() -> None:
    assert value("logP", ASPIRIN) == Crippen.MolLogP(parse(ASPIRIN))
    assert value("qed", ASPIRIN) == value("QED", ASPIRIN) == value("pmo:qed", ASPIRIN) == QED.qed(parse(ASPIRIN))
    assert oracle("qed").name == "qed"


def test_the_direction_of_the_sa_score_is_the_other_one() -> None:
    assert [oracle(name).higher_is_better for name in ("sa", "logP", "guacamol:qed")] == [False, True, True]


def test_a_bad_molecule_is_a_failure_with_its_reason_and_spoils_no_other() -> None:
    good, bad, empty, wild, again = oracle("logP")(["CCO", "C(C)(C)(C)(C)C", "", "C*", "CCO"])
    assert good == again
    assert good.value == pytest.approx(-0.0014)
    assert [each.value for each in (bad, empty, wild)] == [None] * 3
    assert "valence" in bad.problem
    assert empty.problem
    assert "wildcard" in wild.problem


def test_no_molecules_no_answers() -> None:
    assert oracle("guacamol:median1")([]) == []


def test_all_tasks_of_both_suites_are_there() -> None:
    assert len(guacamol.TASKS) == 27
    assert len(set(PMO)) == 23
    assert set(PMO) - set(guacamol.TASKS) == {"drd2", "gsk3b", "jnk3"}
    assert {"logP", "pmo:jnk3", "guacamol:cns_mpo"} < set(names())


@pytest.mark.parametrize(
    ("task", "smiles"),
    [
        ("celecoxib_rediscovery", guacamol.CELECOXIB),
        ("troglitazone_rediscovery", guacamol.TROGLITAZONE),
        ("thiothixene_rediscovery", guacamol.THIOTHIXENE),
        ("aripiprazole_similarity", guacamol.ARIPIPRAZOLE),
        ("albuterol_similarity", guacamol.ALBUTEROL),
        ("mestranol_similarity", guacamol.MESTRANOL),
        ("isomers_c11h24", "CC(CCC)CCCCCC"),  # the molecules of GuacaMol's own tests
        ("isomers_c11h24", "CCCCC(CC(C)CC)C"),
        ("isomers_c7h8n2o2", "Nc1ccc(N)c(C(=O)O)c1"),
        ("isomers_c9h10n2o2pf2cl", "C=COP(=O)(Nc1cc(F)c(Cl)c(F)c1)NC"),
    ],
)
def test_what_is_asked_for_scores_one(task: str, smiles: str) -> None:
    assert value(f"guacamol:{task}", smiles) == 1.0


@pytest.mark.parametrize("smiles", ["CCCCCCCCCCCO", "CC(CCC)COCCCCC", "CCCCOC(CC(C)CC)C"])
def test_one_atom_too_many_is_seen_in_the_total_alone(smiles: str) -> None:
    """C11H24O against C11H24, as in GuacaMol's tests: carbon and hydrogen are right, the total is off by 1 of width 2."""
    assert value("guacamol:isomers_c11h24", smiles) == pytest.approx(math.exp(-0.125) ** (1 / 3))


def test_hydrogens_count_as_atoms_however_they_are_written() -> None:
    assert isomer("C1H4")(parse("[H]C([H])([H])[H]")) == isomer("CH4")(parse("C")) == 1.0


def test_rings_and_similarity_by_hand() -> None:
    """Perindopril has no aromatic ring, 4 widths from 2: (1 x exp -8) ** .5. Amlodipine has 2 rings, 2 widths from 3."""
    assert value("pmo:perindopril_mpo", guacamol.PERINDOPRIL) == pytest.approx(math.exp(-4))
    assert value("pmo:amlodipine_mpo", guacamol.AMLODIPINE) == pytest.approx(math.exp(-1))


def test_the_known_drug_fails_where_it_should_be_left_behind() -> None:
    """Sitagliptin: right in all but similarity to itself, 10 widths from 0. Zaleplon: right in all but its formula, C17H15N5O."""
    assert value("pmo:sitagliptin_mpo", guacamol.SITAGLIPTIN) == pytest.approx(math.exp(-50 / 4))
    off = (-0.5 * 2**2) + (-0.5 * 2**2) + (-0.5 * 2**2) + (-0.5 * 1**2) + (-0.5 * (3 / 2) ** 2)  # C, H, N, O, all 38 for 41
    assert value("pmo:zaleplon_mpo", guacamol.ZALEPLON) == pytest.approx(math.exp(off / 5) ** 0.5)


def test_hopping_by_hand() -> None:
    """The start keeps its scaffold and both decorations: one of three others in deco_hop, one of two in scaffold_hop."""
    assert value("pmo:deco_hop", guacamol.HOPPING) == pytest.approx((1 + 0 + 0 + 1) / 4)
    assert value("pmo:scaffold_hop", guacamol.HOPPING) == pytest.approx((1 + 1 + 0) / 3)


def test_without_the_core_valsartan_smarts_is_zero_and_with_it_not() -> None:
    core = "CN(C=O)Cc1ccc(-c2ccccc2)cc1"
    assert value("pmo:valsartan_smarts", ASPIRIN) == 0.0
    assert 0.0 <= value("pmo:valsartan_smarts", core) < 1e-6
    assert guacamol.task("valsartan_smarts")(parse(core)) > 0.0


def test_medians_need_both_parents() -> None:
    assert 0 < value("pmo:median1", guacamol.CAMPHOR) < 1
    assert value("pmo:median1", "[Na+].[Cl-]") == 0.0


def test_shapes() -> None:
    assert [gaussian(2, 1)(x) for x in (2, 3)] == pytest.approx([1, math.exp(-0.5)])
    assert [at_most(2, 1)(x) for x in (-9, 2, 4)] == pytest.approx([1, 1, math.exp(-2)])
    assert [at_least(2, 1)(x) for x in (9, 2, 0)] == pytest.approx([1, 1, math.exp(-2)])
    assert [clipped(0.8)(x) for x in (0, 0.4, 0.8, 1)] == [0, 0.5, 1, 1]
    assert geometric_mean([1e-200, 1e-200]) == pytest.approx(1e-200)


def test_processes_change_nothing(smiles: list[str]) -> None:
    alone = oracle("guacamol:fexofenadine_mpo")(smiles[:200])
    with joblib.parallel_config("threading", n_jobs=3):
        assert oracle("guacamol:fexofenadine_mpo")(smiles[:200]) == alone
    assert oracle("guacamol:fexofenadine_mpo", jobs=1)(smiles[199:200]) == alone[199:]


def test_an_oracle_can_be_sent_to_another_process() -> None:
    asked = oracle("pmo:osimertinib_mpo")
    assert pickle.loads(pickle.dumps(asked))([ASPIRIN]) == asked([ASPIRIN])


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("celecoxib_rediscovery", "pmo:celecoxib_rediscovery"),
        ("pmo:celecoxib", "pmo:celecoxib_rediscovery"),
        ("guacamol:osimertinib", "guacamol:osimertinib_mpo"),
        ("logD", "logP"),
        ("drd2", "pmo:drd2"),
        ("docking of something else", "expected a property"),
    ],
)
def test_unknown_names_are_refused_with_the_nearest(name: str, near: str) -> None:
    with pytest.raises(DataError, match=f"no oracle '{name}'.*{near}"):
        oracle(name)


def test_unknown_options_are_refused() -> None:
    with pytest.raises(DataError, match="no option 'timeout', expected some of jobs"):
        oracle("logP", timeout=3)
    with pytest.raises(DataError, match="no option 'bacth', expected some of batch"):
        oracle("command:cat", bacth=3)
    with pytest.raises(DataError, match=r"command:cat: .*'ten'"):
        oracle("command:cat", batch="ten")


@pytest.mark.parametrize("given", [float("nan"), float("inf"), None, "text", "", [1.0], 10**400])
def test_what_is_no_finite_number_is_a_failure_and_never_zero(given: object) -> None:
    answer = Answer.of(given)
    assert answer.value is None
    assert "number" in answer.problem
