"""Codes and property heads as scikit-learn estimators: they work in a Pipeline and in GridSearchCV.

Neither holds a network: a model is named by its folder (or bundled name) and loaded once a process, so that clones and copies for other
processes stay small, and nothing needs to be pickled to be kept (`MolVAE.fit_properties` and `save_pretrained` keep heads).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from molvae.errors import DataError, MissingExtraError
from molvae.nn.heads import Column, EnsembleHeads
from molvae.training.gaussian_process import SMALL, fit_gaussian_process
from molvae.training.heads import fit_ensemble

try:
    from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin
    from sklearn.utils import check_array
    from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data
except ImportError as error:
    raise MissingExtraError("molvae.estimators needs scikit-learn, which is missing: pip install 'molvae[properties]'") from error

if TYPE_CHECKING:
    from molvae.model import MolVAE


class EstimatorError(DataError, ValueError):
    """Bad input of an estimator; a ValueError too, as scikit-learn's conventions ask."""


class LatentFeaturizer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Turns SMILES into codes, the means of their posteriors.

    Args:
        model: a bundled name, the folder of a model, or a `MolVAE`.
        device: where the network runs; not used with a `MolVAE`.
        refused: "raise" raises an error for the first molecule that the model cannot encode, "nan" gives it a row of NaN.

    >>> LatentFeaturizer("moses").fit_transform(["CCO", "c1ccccc1"]).shape
    (2, 44)
    """

    def __init__(self, model: str | Path | MolVAE = "moses", *, device: str = "cpu", refused: Literal["raise", "nan"] = "raise") -> None:
        self.model = model
        self.device = device
        self.refused = refused

    def fit(self, X: ArrayLike, y: object = None) -> LatentFeaturizer:  # noqa: N803
        """Load the model; nothing is learned. X: n SMILES, as a list, an array (n,) or (n, 1), a Series or a frame of one column."""
        _texts(X)
        self.latent_size_ = _model(self.model, self.device).latent_size
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:  # noqa: N803
        """Codes of n SMILES, (n, D).

        Raises:
            EstimatorError: X holds something else than SMILES, or a molecule is refused (unless `refused` is "nan"), with its row.
        """
        check_is_fitted(self)
        return _codes(self.model, self.device, _texts(X), self.refused)

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:
        """Names of the columns of a code: z0, z1, ..."""
        check_is_fitted(self)
        return np.array([f"z{i}" for i in range(self.latent_size_)], dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.two_d_array, tags.input_tags.one_d_array = True, False, True
        tags.requires_fit = True
        return tags


class PropertyRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Predicts numbers from SMILES, through their codes, with a standard deviation.

    Also takes the codes themselves, or any other matrix of numbers, so that it may stand behind a `LatentFeaturizer` in a Pipeline.

    Args:
        model: a bundled name, the folder of a model, or a `MolVAE`; not used when X are numbers.
        method: "gp" fits Gaussian processes, "ensemble" networks; "auto" takes the first up to 2,000 rows.
        device: where the network runs; not used with a `MolVAE`.
        random_state: seed of everything random.

    >>> smiles = ["C" * n + end for n in range(1, 8) for end in ("O", "N", "F")]
    >>> mean, deviation = PropertyRegressor().fit(smiles, [len(s) for s in smiles]).predict(["CCCCO"], return_std=True)
    >>> bool(abs(mean[0] - 5) < 2 * deviation[0])
    True
    """

    def __init__(
        self,
        model: str | Path | MolVAE = "moses",
        *,
        method: Literal["auto", "gp", "ensemble"] = "auto",
        device: str = "cpu",
        random_state: int = 1,
    ) -> None:
        self.model = model
        self.method = method
        self.device = device
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> PropertyRegressor:  # noqa: N803
        """Learn.

        Args:
            X: n SMILES, or codes (n, D).
            y: (n,) or (n, P); NaN where a value is missing, as long as each column has two.

        Raises:
            EstimatorError: an unknown method, a molecule that the model cannot encode, or a column with fewer than two values.
        """
        if y is None:
            raise EstimatorError("requires y to be passed, but the target y is None")
        codes = self._features(X, fitting=True)
        targets = check_array(y, ensure_2d=False, ensure_all_finite="allow-nan", dtype=np.float64, input_name="y")
        check_consistent_length(codes, targets)
        self._one = targets.ndim == 1
        targets = targets.reshape(len(targets), -1)
        few = (~np.isnan(targets)).sum(axis=0)
        if few.min() < 2:
            raise EstimatorError(f"y has {few.min()} values in column {few.argmin()} (n_samples = {len(codes)}), at least 2 are needed")
        if self.method not in ("auto", "gp", "ensemble"):
            raise EstimatorError(f"method is {self.method!r}, expected 'auto', 'gp' or 'ensemble'")
        columns = [Column(f"y{i}") for i in range(targets.shape[1])]
        if self.method == "gp" or (self.method == "auto" and len(codes) <= SMALL):
            self.heads_ = fit_gaussian_process(codes, targets, columns, features=self._known(X), folds=0, seed=self.random_state).heads
        else:
            self.heads_ = fit_ensemble(codes, targets, columns, seed=self.random_state).heads
        return self

    def predict(self, X: ArrayLike, return_std: bool = False) -> Any:  # noqa: N803
        """Predictions of n SMILES or codes, (n,) or (n, P) as y was; with `return_std` a pair of these and their standard deviations."""
        check_is_fitted(self)
        codes = self._features(X, fitting=False)
        with torch.inference_mode():
            said = [part.double().numpy() for part in self.heads_(torch.from_numpy(codes))]
        mean, deviation = (part[:, 0] if self._one else part for part in said)
        return (mean, deviation) if return_std else mean

    def _known(self, X: ArrayLike) -> EnsembleHeads | None:  # noqa: N803
        """The model's heads for computed properties, which help where codes are those of molecules."""
        from molvae.latent.fit_properties import computed_heads

        return computed_heads(_model(self.model, self.device)) if _is_text(X) else None

    def _features(self, X: ArrayLike, *, fitting: bool) -> NDArray[np.float32]:  # noqa: N803
        """Codes of SMILES, or numbers as they are: (n, D)."""
        if _is_text(X):
            return _codes(self.model, self.device, _texts(X), "raise")
        return np.asarray(validate_data(self, X, reset=fitting, dtype=np.float32, ensure_min_samples=2 if fitting else 1))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.target_tags.multi_output = True
        return tags


@cache
def _loaded(name: str, device: str) -> MolVAE:
    from molvae.model import MolVAE

    return MolVAE.from_pretrained(name, device)


def _model(model: str | Path | MolVAE, device: str) -> MolVAE:
    return _loaded(str(model), device) if isinstance(model, str | Path) else model


def _codes(model: str | Path | MolVAE, device: str, texts: list[str], refused: Literal["raise", "nan"]) -> NDArray[np.float32]:
    try:
        return _model(model, device).encode(texts, refused=refused)
    except DataError as error:
        raise EstimatorError(str(error)) from error


def _is_text(X: Any) -> bool:  # noqa: N803
    """Whether the first entry is a text."""
    array = np.asarray(X)
    return array.dtype.kind in "UT" or (array.dtype.kind == "O" and array.size > 0 and isinstance(array.flat[0], str))


def _texts(X: Any) -> list[str]:  # noqa: N803
    """SMILES of a list, an array (n,) or (n, 1), a Series or a frame of one column."""
    array = np.asarray(X)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or not len(array):
        raise EstimatorError(f"X has shape {array.shape}, expected at least one SMILES, (n,) or (n, 1)")
    wrong = next((row for row, text in enumerate(array) if not isinstance(text, str)), None)
    if wrong is not None:
        raise EstimatorError(f"X[{wrong}] is {array[wrong]!r}, expected a SMILES")
    return [str(text) for text in array]
