"""The chance that a molecule written for a code has the properties wanted, without writing it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from molvae.chem.windows import Window
from molvae.latent.proposals import Aim

if TYPE_CHECKING:
    from molvae.model import MolVAE

_HIDDEN = 256  # random features
_RIDGE = 10.0
_REMEMBERED = 20_000  # molecules, the latest

_Codes = NDArray[np.float32]
_Values = NDArray[np.float64]


class Screen:
    """Learns from the molecules a search has written how likely those of other codes are to lie in its windows.

    A ridge regression of each property on the code, on random features of it (Rahimi and Recht 2008) and on what the heads of the model
    say, where it has any. So the heads are corrected where the search has gone, their errors are known, and it does without them.

    Args:
        model: the model.
        wanted: the P windows.
        center: of each property, (P,).
        scale: of each property, (P,); everything inside is measured in it.
        seed: of the random features.
    """

    def __init__(self, model: MolVAE, wanted: Sequence[Window], center: _Values, scale: _Values, seed: int) -> None:
        self._model, self._center, self._scale = model, center, scale
        self._names = heads_for(model, wanted)
        self._places = [place for place, window in enumerate(wanted) if window.name in self._names]
        self._low, self._high = (np.array([window.edges for window in wanted]).T - center) / scale
        self._hidden = np.random.default_rng(seed).standard_normal((model.latent_size + 1, _HIDDEN)).astype(np.float32)
        self._seen = np.zeros((0, 1 + model.latent_size + _HIDDEN + len(self._names)), dtype=np.float32)
        self._values = np.zeros((0, len(wanted)))
        self._weights: _Values = np.zeros((self._seen.shape[1], len(wanted)))
        self._deviation: _Values = np.ones(len(wanted))

    def learn(self, codes: _Codes, values: _Values) -> None:
        """Take in molecules: the codes they were written for (m, D) and their properties (m, P)."""
        self._seen = np.concatenate([self._seen, self._features(codes)])[-_REMEMBERED:]
        self._values = np.concatenate([self._values, self.scaled(values)])[-_REMEMBERED:]
        self._weights, variance = _ridge(self._seen, self._values)
        self._deviation = np.sqrt(variance).clip(min=0.01)

    def aim(self) -> Aim:
        """The windows, and how the properties depend on the code by linear regression."""
        weights, variance = _ridge(self._seen[:, : 1 + self._model.latent_size], self._values)
        return Aim(self._low, self._high, weights[1:].T, variance.clip(min=1e-3))

    def scaled(self, values: _Values) -> _Values:
        """Properties (m, P) in their standard deviations: (m, P)."""
        return np.asarray((values - self._center) / self._scale)

    def gaps(self, values: _Values) -> _Values:
        """How far properties (m, P) are outside the windows in sum, in their standard deviations; 0 inside: (m,)."""
        scaled = self.scaled(values)
        return np.asarray(np.abs(np.clip(scaled, self._low, self._high) - scaled).sum(axis=1))

    def log_chances(self, codes: _Codes) -> _Values:
        """Logarithm of the chance of each code, properties taken as independent and normal: (n, D) to (n,)."""
        mean = self._features(codes) @ self._weights
        return np.asarray(log_mass((self._low - mean) / self._deviation, (self._high - mean) / self._deviation).sum(axis=1))

    def draw(self, codes: _Codes, n: int, random: np.random.Generator) -> _Codes:
        """Different ones of the codes, each as likely as its chance (Gumbel top-k, Kool et al. 2019, arXiv:1903.06059): (n, D)."""
        keys = self.log_chances(codes) + random.gumbel(size=len(codes))
        return codes[np.sort(np.argsort(-keys, kind="stable")[:n])]

    def _features(self, codes: _Codes) -> _Codes:
        """(n, D) to (n, 1 + D + 256 + heads)."""
        ones = np.ones((len(codes), 1), dtype=np.float32)
        linear = np.concatenate([ones, codes], axis=1)
        said = np.zeros((len(codes), 0))
        if self._names:
            said = (self._model.predict_codes(codes, self._names, drawn=True)[0] - self._center[self._places]) / self._scale[self._places]
        bent = np.tanh(linear @ self._hidden / np.float32(codes.shape[1] ** 0.5))
        return np.concatenate([linear, bent, said], axis=1).astype(np.float32)


def heads_for(model: MolVAE, wanted: Sequence[Window]) -> list[str]:
    """The properties of the windows that the model has heads for."""
    known = {column.name for column in model.properties}
    return [window.name for window in wanted if window.name in known]


def _ridge(features: _Codes, values: _Values) -> tuple[_Values, _Values]:
    """Ridge regression of values (m, P) on features (m, F): weights (F, P), and the variance it leaves (P,)."""
    exact = features.astype(np.float64)
    m, size = exact.shape
    weights = np.asarray(np.linalg.solve(exact.T @ exact + _RIDGE * np.eye(size), exact.T @ values))
    return weights, np.asarray(((exact @ weights - values) ** 2).sum(axis=0) / max(m - size, 0.1 * m, 1))


def log_mass(low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithm of the mass of N(0, 1) between two bounds, exact far out in the tails too.

    >>> float(log_mass(np.array(-1.96), np.array(1.96)).round(3)), float(log_mass(np.array(40.0), np.array(np.inf)).round(1))
    (-0.051, -804.6)
    """
    right = low > 0  # work in the left tail, where numbers keep their digits
    low, high = np.where(right, -high, low), np.where(right, -low, high)
    below, upto = (torch.special.log_ndtr(torch.from_numpy(np.asarray(bound))).numpy() for bound in (low, high))
    with np.errstate(divide="ignore"):
        return np.asarray(upto + np.log(-np.expm1(np.minimum(below - upto, 0))))
