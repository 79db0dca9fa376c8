"""scikit-learn's conventions: its own checks, and pipelines and searches over SMILES."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils.estimator_checks import estimator_checks_generator

from molvae import DataError, MolVAE
from molvae.chem.properties import compute
from molvae.errors import MissingExtraError
from molvae.estimators import LatentFeaturizer, PropertyRegressor
from molvae.training.heads import fit_ensemble

#: Checks left out: this one asks for a variable of the environment, and is about arrays of other libraries than numpy.
LEFT_OUT = {"check_array_api_input"}


def checks() -> list[Any]:
    """scikit-learn's checks of the regressor on numbers; they never see a SMILES."""
    found = [(estimator, check) for estimator, check in estimator_checks_generator(PropertyRegressor(method="gp"))]
    return [pytest.param(*each, id=each[1].func.__name__) for each in found if each[1].func.__name__ not in LEFT_OUT]


@pytest.mark.parametrize(("estimator", "check"), checks())
@pytest.mark.filterwarnings("ignore")
def test_the_regressor_passes_scikit_learns_checks(estimator: PropertyRegressor, check: Any) -> None:
    check(estimator)


@pytest.fixture(scope="module")
def fsp3(smiles: list[str]) -> np.ndarray:
    """Aliphatic share of the carbons of the first 60 molecules, something the tiny model knows."""
    return compute(smiles[:60], ["Fsp3"])["Fsp3"].to_numpy()


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ensembles small enough for tests."""
    monkeypatch.setattr("molvae.estimators.fit_ensemble", partial(fit_ensemble, hidden=32, members=2))


def test_codes_are_those_of_the_model(trained: Path, model: MolVAE, smiles: list[str]) -> None:
    few = smiles[:7]
    given: list[Any] = [few, np.array(few), np.array(few, dtype=object)[:, None], pd.Series(few), pd.DataFrame({"s": few})]
    for each in given:
        codes = LatentFeaturizer(trained).fit_transform(each)
        np.testing.assert_array_equal(codes, model.encode(smiles[:7]))
    np.testing.assert_array_equal(LatentFeaturizer(model).fit_transform(smiles[:7]), codes)
    assert list(LatentFeaturizer(trained).fit(smiles[:2]).get_feature_names_out()) == ["z0", "z1", "z2", "z3"]
    frame = LatentFeaturizer(trained).set_output(transform="pandas").fit_transform(pd.Series(smiles[:3]))
    assert list(frame) == ["z0", "z1", "z2", "z3"]


def test_parameters_are_kept_and_cloned(trained: Path) -> None:
    for estimator in (LatentFeaturizer(str(trained), refused="nan"), PropertyRegressor(str(trained), method="gp", random_state=5)):
        copied = clone(estimator)
        assert copied is not estimator
        assert copied.get_params() == estimator.get_params()
        assert repr(copied) == repr(estimator)
        assert copied.set_params(device="cpu") is copied


def test_what_is_refused_is_told_or_nan(trained: Path, smiles: list[str]) -> None:
    featurizer = LatentFeaturizer(trained).fit(smiles[:2])
    with pytest.raises(ValueError, match="molecule 1 cannot be encoded"):
        featurizer.transform([smiles[0], "nonsense"])
    codes = featurizer.set_params(refused="nan").transform([smiles[0], "nonsense"])
    assert np.isfinite(codes[0]).all()
    assert np.isnan(codes[1]).all()
    for wrong, message in (([], "at least one SMILES"), ([[1.0, 2.0]], r"shape \(1, 2\)"), (["C", 1.0], "X.1. is")):
        with pytest.raises(DataError, match=message):
            featurizer.transform(np.array(wrong, dtype=object))


@pytest.mark.parametrize("method", ["gp", "ensemble"])
def test_the_regressor_learns_from_smiles(trained: Path, smiles: list[str], fsp3: np.ndarray, method: str) -> None:
    regressor = PropertyRegressor(trained, method=method).fit(smiles[:60], fsp3)
    mean, deviation = regressor.predict(smiles[:60], return_std=True)
    assert mean.shape == deviation.shape == (60,)
    assert np.corrcoef(mean, fsp3)[0, 1] > 0.7
    assert (np.abs(mean - fsp3) < 1.645 * deviation).mean() > 0.75
    assert regressor.score(smiles[:60], fsp3) > 0.4
    np.testing.assert_array_equal(PropertyRegressor(trained, method=method).fit(smiles[:60], fsp3).predict(smiles[:60]), mean)
    both = PropertyRegressor(trained, method=method).fit(smiles[:60], np.stack([fsp3, np.where(np.arange(60) % 2, np.nan, -fsp3)], axis=1))
    assert both.predict(smiles[:3]).shape == (3, 2)


def test_they_work_in_pipelines_and_searches(trained: Path, smiles: list[str], fsp3: np.ndarray) -> None:
    own = make_pipeline(LatentFeaturizer(trained), PropertyRegressor(method="gp")).fit(smiles[:60], fsp3)
    np.testing.assert_allclose(own.predict(smiles[:5]), PropertyRegressor(trained, method="gp").fit(smiles[:60], fsp3).predict(smiles[:5]))
    pipeline = Pipeline([("codes", LatentFeaturizer(trained)), ("ridge", Ridge())])
    search = GridSearchCV(pipeline, {"ridge__alpha": [0.1, 1e6]}, cv=3).fit(smiles[:60], fsp3)
    assert search.best_params_ == {"ridge__alpha": 0.1}
    methods = GridSearchCV(PropertyRegressor(str(trained)), {"method": ["gp", "ensemble"]}, cv=2).fit(np.array(smiles[:60]), fsp3)
    assert np.isfinite(methods.cv_results_["mean_test_score"]).all()
    assert np.mean(cross_val_score(PropertyRegressor(trained, method="gp"), pd.Series(smiles[:60]), fsp3, cv=3)) > 0


def test_bad_targets_are_told(trained: Path, smiles: list[str], fsp3: np.ndarray) -> None:
    with pytest.raises(DataError, match="method is 'svm'"):
        PropertyRegressor(trained, method="svm").fit(smiles[:60], fsp3)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="y has 1 values in column 0"):
        PropertyRegressor(trained).fit(smiles[:60], np.where(np.arange(60) > 0, np.nan, 1.0))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        PropertyRegressor(trained).fit(smiles[:60], fsp3[:50])


def test_without_scikit_learn_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.base", None)
    monkeypatch.delitem(sys.modules, "molvae.estimators")
    with pytest.raises(MissingExtraError, match=r"pip install 'molvae\[properties\]'"):
        __import__("molvae.estimators")
