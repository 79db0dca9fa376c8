"""`turbo`: Bayesian optimization of codes inside a trust region (Eriksson et al. 2019, arXiv:1910.01739), by BoTorch."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from molvae.errors import MissingExtraError
from molvae.optimize.methods.latent import Known, LatentMethod
from molvae.optimize.methods.told import Allowed

if TYPE_CHECKING:
    from molvae.model import MolVAE

_Codes = NDArray[np.float32]

_LONGEST, _SHORTEST = 1.6, 2**-7
_SUCCESSES, _FAILURES = 10, 32
_BETTER = 1e-3  # share of the best score by which a success is better
_REACH = 4.0  # standard deviations of N(0, I) on each side: a region of length 1 spans them all
_PERTURBED = 20  # dimensions that differ from the center, on average


@dataclass(frozen=True)
class TurboSettings:
    """How `turbo` searches; the trust region itself is that of LOL-BO (Maus et al. 2022, arXiv:2201.11872).

    Attributes:
        first: molecules of the prior (and starts) asked before the search begins at the best of them.
        learned: scores the process is fitted to: half of them the best, half the nearest to the center of the region.
        fits: steps of its optimizer, at most.
        candidates: codes decoded an ask.
        each: decodings of a code.
        temperature: of the decoder.
    """

    first: int = 100
    learned: int = 500
    fits: int = 50
    candidates: int = 512
    each: int = 2
    temperature: float = 1.0


@dataclass(frozen=True)
class Region:
    """A trust region around the best molecule found in it.

    Attributes:
        center: code of that molecule, (D,).
        best: its score.
        length: of the sides, as a share of what N(0, I) spans.
        successes: rounds in a row that brought a better molecule.
        failures: molecules since then that were not better.
    """

    center: _Codes
    best: float
    length: float = 0.8
    successes: int = 0
    failures: int = 0

    @property
    def collapsed(self) -> bool:
        """Whether it is too small to go on with."""
        return self.length < _SHORTEST

    def after(self, new: Known) -> Region:
        """The region once a round is known: longer after 10 better rounds in a row, half as long after 32 molecules that are not better."""
        if not len(new):
            return self
        row = int(new.ranked()[0])
        score = float(new.scores[row])
        better = score > self.best + _BETTER * abs(self.best)
        successes, failures = (self.successes + 1, 0) if better else (0, self.failures + len(new))
        moved = replace(self, successes=successes, failures=failures)
        if score > self.best:
            moved = replace(moved, center=new.codes[row], best=score)
        if successes >= _SUCCESSES:
            return replace(moved, length=min(2 * self.length, _LONGEST), successes=0)
        return replace(moved, length=self.length / 2, failures=0) if failures >= _FAILURES else moved


class Turbo(LatentMethod):
    """Thompson sampling inside a trust region that follows the best molecule, shrinks without success and begins anew when it collapses.

    Candidates inside the region are decoded; a Gaussian process judges what was written by the code that it is encoded to.

    Args:
        model: encodes and decodes.
        seed: of everything random.
        starts: SMILES to ask first; nothing is learned from those that the model cannot encode.
        allowed: says of a canonical SMILES whether it may be asked at all, for constraints that cost no call; None allows all.
        settings: how to search.

    Raises:
        MissingExtraError: BoTorch is not installed.
    """

    def __init__(
        self,
        model: MolVAE,
        *,
        seed: int = 0,
        starts: Sequence[str] = (),
        allowed: Allowed | None = None,
        settings: TurboSettings | None = None,
    ) -> None:
        self._settings = settings or TurboSettings()
        _botorch()
        super().__init__(model, seed, starts, allowed, first=self._settings.first, temperature=self._settings.temperature)

    def _begin(self) -> None:
        self._region = self._around(int(self._known.ranked()[0]))

    def _around(self, row: int) -> Region:
        return Region(self._known.codes[row], float(self._known.scores[row]))

    def _learn(self, new: Known) -> None:
        region = self._region.after(new)
        self._region = self._around(int(self._known.good(1, self._random())[0])) if region.collapsed else region

    def _proposed(self, n: int, random: np.random.Generator) -> list[str]:
        if not (taught := self._taught()).teaches:
            return []
        with torch.random.fork_rng(devices=[]), _quiet():
            torch.manual_seed(int(random.integers(2**31)))
            process = _fitted(taught, self._settings.fits)
            found = self._written(self._candidates(process, random), random, self._settings.each)
            return [found.smiles[row] for row in _thompson(process, found.codes, n)]

    def _taught(self) -> Known:
        """What the process is fitted to."""
        half = self._settings.learned // 2
        near = np.argsort(np.linalg.norm(self._known.codes - self._region.center, axis=1), kind="stable")[:half]
        return self._known[np.union1d(self._known.ranked()[:half], near)]

    def _candidates(self, process: Any, random: np.random.Generator) -> _Codes:
        """Codes inside the region, which is longer where the process is smooth; some dimensions are those of the center: (C, D)."""
        n, d = self._settings.candidates, self._model.latent_size
        smooth = process.covar_module.base_kernel.lengthscale.detach().numpy()[0]
        sides = self._region.length * _REACH * smooth / np.exp(np.log(smooth).mean())
        sobol = torch.quasirandom.SobolEngine(d, scramble=True, seed=int(random.integers(2**31))).draw(n).numpy()  # type: ignore[no-untyped-call]
        moved = random.random((n, d)) < min(_PERTURBED / d, 1)
        moved[np.arange(n), random.integers(d, size=n)] = True
        codes = self._region.center + np.where(moved, (2 * sobol - 1) * np.minimum(sides, _REACH), 0)
        return np.asarray(codes, dtype=np.float32)


def _fitted(known: Known, steps: int) -> Any:
    """A process with a length for each dimension, of the largest posterior density given standardised scores.

    The prior of the lengths grows with their number (Hvarfner et al. 2024, arXiv:2402.02229).
    """
    botorch, gpytorch = _botorch()
    codes, scores = (torch.from_numpy(part.astype(np.float64)) for part in (known.codes, known.scores))
    d = codes.shape[1]
    prior = gpytorch.priors.LogNormalPrior(math.sqrt(2) + math.log(d) / 2, math.sqrt(3))
    matern = gpytorch.kernels.MaternKernel(2.5, ard_num_dims=d, lengthscale_prior=prior)
    matern.lengthscale = math.sqrt(d)
    values = ((scores - scores.mean()) / scores.std(correction=0))[:, None]
    process = botorch.models.SingleTaskGP(codes, values, covar_module=gpytorch.kernels.ScaleKernel(matern), outcome_transform=None)
    evidence = gpytorch.mlls.ExactMarginalLogLikelihood(process.likelihood, process)
    with suppress(botorch.exceptions.ModelFittingError):  # the lengths stay as they were
        botorch.fit.fit_gpytorch_mll(evidence, optimizer_kwargs={"options": {"maxiter": steps}})
    return process


def _thompson(process: Any, codes: _Codes, n: int) -> list[int]:
    """The best row of each of n functions drawn from the process, of those not taken yet."""
    if not len(codes):
        return []
    with torch.no_grad():
        drawn = process.posterior(torch.from_numpy(codes.astype(np.float64))).rsample(torch.Size([min(n, len(codes))]))[..., 0]
    chosen: list[int] = []
    for values in drawn:
        values[chosen] = -math.inf
        chosen.append(int(values.argmax()))
    return chosen


@contextmanager
def _quiet() -> Iterator[None]:
    """Nothing is said about the last bits of a covariance, nor about too few steps of a fit, which are meant."""
    botorch, gpytorch = _botorch()
    with warnings.catch_warnings():
        for kind in (botorch.exceptions.BotorchWarning, gpytorch.utils.warnings.NumericalWarning):
            warnings.simplefilter("ignore", kind)
        yield


def _botorch() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # linear_operator still calls torch.jit.script when imported
            import botorch
            import botorch.exceptions
            import botorch.fit
            import botorch.models
            import gpytorch
    except ImportError as error:
        raise MissingExtraError("the method turbo needs BoTorch, which is missing: pip install 'molvae[optimize]'") from error
    return botorch, gpytorch
