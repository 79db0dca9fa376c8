"""The three tasks with a model: pickles are read as data, models are checked, and predictions are those of scikit-learn and libsvm."""

from __future__ import annotations

import argparse
import math
import pickle
import subprocess
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from molvae.chem.molecules import parse
from molvae.errors import DataError
from molvae.optimize.oracles import activity, models, oracle
from molvae.optimize.oracles.activity import coupled, feature_counts, forest_probability, machine_probability
from molvae.optimize.oracles.models import arrays_of, digest, forest_arrays, machine_arrays
from molvae.optimize.oracles.pickles import read


def old(value: Any, module: str = "sklearn.tree._tree", name: str = "Tree") -> bytes:
    """A pickle as an old NumPy and scikit-learn wrote it, with namespaces in the place of a class."""
    data = pickle.dumps(value, protocol=3).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    return data.replace(b"argparse\nNamespace", f"{module}\n{name}".encode())


def bits() -> NDArray[np.bool_]:
    return np.random.default_rng(0).random((60, 2048)) < 0.3


@pytest.fixture(scope="module")
def forest() -> RandomForestClassifier:
    rows = bits()
    return RandomForestClassifier(7, random_state=0).fit(rows, rows[:, 3] ^ rows[:, 5])


def trees(forest: RandomForestClassifier) -> list[dict[str, Any]]:
    return [{**each.tree_.__getstate__(), "nodes": each.tree_.__getstate__()["nodes"].copy()} for each in forest.estimators_]


def test_arrays_records_numbers_and_objects_are_read() -> None:
    table = np.zeros(2, dtype=[("left", "<i8"), ("share", "<f8")])
    table["share"] = [0.5, 0.25]
    held = {"a": np.arange(6, dtype=np.int32).reshape(2, 3), "t": table, "n": np.int64(7), "o": argparse.Namespace(x=[1, (2.5, None)])}
    got = read(old(held))
    assert np.array_equal(got["a"], held["a"])
    assert got["a"].dtype == np.int32
    assert got["t"].dtype == table.dtype
    assert np.array_equal(got["t"], table)
    assert (got["n"], got["o"]) == (7, {"x": [1, [2.5, None]]})


def test_arrays_by_columns_keep_their_places() -> None:
    array = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    assert np.array_equal(read(old(array)), array)


def test_a_pickle_that_would_run_something_is_refused_and_runs_nothing(tmp_path: Path) -> None:
    class Harm:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "harm",)

    for data in (pickle.dumps(Harm()), f"cos\nsystem\n(S'touch {tmp_path / 'harm'}'\ntR.".encode()):
        with pytest.raises(DataError, match=r"which no model needs"):
            read(data)
    assert not (tmp_path / "harm").exists()


def test_arrays_of_objects_are_refused() -> None:
    with pytest.raises(DataError, match="type 'O8'"):
        read(old(np.array([{}, None], dtype=object)))


@pytest.mark.parametrize("cut", [0, 1, 30, -1])
def test_a_damaged_pickle_is_refused(cut: int) -> None:
    with pytest.raises(DataError, match="no pickle of a model"):
        read(old({"a": np.arange(9)})[:cut])


def test_a_forest_predicts_as_scikit_learn_does(forest: RandomForestClassifier) -> None:
    arrays = forest_arrays(trees(forest))
    rows = np.random.default_rng(1).random((20, 2048)) < 0.3
    assert [forest_probability(arrays, row) for row in rows] == pytest.approx(forest.predict_proba(rows)[:, 1])


def test_weights_of_a_leaf_are_made_probabilities(forest: RandomForestClassifier) -> None:
    scaled = [{**tree, "values": tree["values"] * 12} for tree in trees(forest)]
    assert np.allclose(forest_arrays(scaled)["probability"], forest_arrays(trees(forest))["probability"])


def test_a_forest_that_does_not_split_on_bits_is_refused(forest: RandomForestClassifier) -> None:
    (tree, *_) = trees(forest)
    tree["nodes"]["threshold"] += 3
    with pytest.raises(DataError, match="split on bits"):
        forest_arrays([tree])


def machine(**changed: Any) -> dict[str, Any]:
    held = {
        "support_vectors_": np.array([[1.0, 0, 2], [0, 0, 1]]), "_dual_coef_": np.array([[0.5, -1.5]]), "_gamma": 0.25,
        "_intercept_": np.array([0.1]), "_probA": np.array([-2.0]), "_probB": np.array([0.3]),
    }  # fmt: skip
    return {**held, **changed}


def test_a_machine_predicts_as_scikit_learn_does() -> None:
    """What SVC.predict_proba of scikit-learn 1.9.1 (libsvm) gave with the same vectors, weights and numbers."""
    arrays = machine_arrays(machine(_dual_coef_=np.array([[20.0, -21.0]])))
    rows = np.array([[1.0, 0, 2], [0, 0, 1], [0, 1, 2], [3, 1, 0], [9, 9, 9]])
    expected = [5.432412677603518e-07, 0.9999999999999699, 0.7880477945686719, 0.19294339926287213, 0.5249824417866553]
    assert [machine_probability(arrays, row) for row in rows] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("weight", "expected"), [(1e6, 0.0), (-1e6, 1.0)])
def test_a_machine_may_be_very_sure(weight: float, expected: float) -> None:
    arrays = machine_arrays(machine(_dual_coef_=np.array([[weight, 0.0]])))
    assert machine_probability(arrays, np.array([1.0, 0, 2])) == pytest.approx(expected, abs=1e-5)


def test_a_machine_predicts_by_its_formula() -> None:
    """Squared distances of (0, 1, 2) are 2 and 2: f = -exp(-.5) + .1; the coupling stops within .01 of the exact answer."""
    exponent = -2 * (-math.exp(-0.5) + 0.1) + 0.3
    got = machine_probability(machine_arrays(machine()), np.array([0.0, 1, 2]))
    assert got == coupled(1 / (1 + math.exp(exponent)))
    assert got == pytest.approx(1 - 1 / (1 + math.exp(exponent)), abs=0.01)


@pytest.mark.parametrize("chance", [1e-7, 0.001, 0.3, 0.5, 0.9, 1 - 1e-7])
def test_coupling_two_classes_is_nearly_the_complement(chance: float) -> None:
    assert coupled(chance) == pytest.approx(1 - chance, abs=0.01)


def test_a_machine_that_does_not_work_on_counts_is_refused() -> None:
    with pytest.raises(DataError, match="small counts"):
        machine_arrays(machine(support_vectors_=np.array([[0.5]])))


def test_features_are_counted_and_folded() -> None:
    counts = feature_counts(parse("CCO"))
    assert counts.shape == (2048,)
    assert counts.sum() == 6  # three atoms, and what is seen one and two bonds away, each once
    assert feature_counts(parse("CCCCCC")).max() > 1


@pytest.fixture
def wheel(tmp_path: Path, forest: RandomForestClassifier, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel with a forest for gsk3b, whose checksums are taken for the right ones."""
    states = [argparse.Namespace(tree_=dict(state)) for state in trees(forest)]
    data = old(argparse.Namespace(estimators_=states))
    monkeypatch.setitem(models._PICKLE_SHA256, "gsk3b", sha256(data).hexdigest())
    monkeypatch.setitem(models._ARRAYS_SHA256, "gsk3b", digest(forest_arrays(trees(forest))))
    path = tmp_path / "molscore.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("molscore/data/models/molopt/gsk3b_current.pkl", data)
        archive.writestr("molscore/data/models/molopt/jnk3_current.pkl", b"another")
    return path


def test_a_model_is_converted_once_and_a_damaged_one_put_right(wheel: Path, tmp_path: Path, forest: RandomForestClassifier) -> None:
    first = arrays_of("gsk3b", tmp_path / "kept", wheel)
    assert digest(first) == digest(forest_arrays(trees(forest)))
    moved = wheel.rename(tmp_path / "moved.whl")
    assert digest(arrays_of("gsk3b", tmp_path / "kept", wheel)) == digest(first)  # not read again: the wheel is gone
    (kept,) = (tmp_path / "kept").iterdir()
    whole = kept.read_bytes()
    for damaged in (whole[:100], whole[:-1] + bytes([whole[-1] ^ 1])):
        kept.write_bytes(damaged)
        assert digest(arrays_of("gsk3b", tmp_path / "kept", moved)) == digest(first)


def test_other_wheels_are_refused(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="its checksum differs"):
        arrays_of("jnk3", tmp_path / "kept", wheel)
    with pytest.raises(DataError, match="is not the wheel of molscore"):
        arrays_of("drd2", tmp_path / "kept", wheel)
    with pytest.raises(DataError, match="no such file"):
        arrays_of("gsk3b", tmp_path / "kept", tmp_path / "none.whl")
    monkeypatch.setitem(models._ARRAYS_SHA256, "gsk3b", "0")
    with pytest.raises(DataError, match="other numbers than expected"):
        arrays_of("gsk3b", tmp_path / "kept", wheel)
    assert not (tmp_path / "kept").exists()


def test_without_a_network_it_is_said_before_the_first_call(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = subprocess.CompletedProcess([], 1, "", "ERROR: no matching distribution")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    activity.activity.cache_clear()
    with pytest.raises(DataError, match=r"model of drd2 could not be fetched \(ERROR: no matching distribution\).*copy drd2.safetensors"):
        oracle("pmo:drd2")


def test_the_oracle_answers_with_its_model(wheel: Path, cache: Path) -> None:
    arrays_of("gsk3b", cache / "oracles", wheel)
    activity.activity.cache_clear()
    good, bad = oracle("pmo:gsk3b")(["CCO", "no molecule"])
    activity.activity.cache_clear()
    assert good.value is not None
    assert 0 <= good.value <= 1
    assert bad.value is None
