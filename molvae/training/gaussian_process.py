"""Fits Gaussian-process heads to few labels, and chooses between them and an ensemble."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from molvae.errors import DataError, MissingExtraError
from molvae.nn.gaussian_process import GaussianProcessHeads, GaussianProcessSizes
from molvae.nn.heads import Column, EnsembleHeads
from molvae.training.heads import NINETY, FittedHeads, figures, fit_ensemble

#: Rows up to which a Gaussian process is used unless asked otherwise, and the most it takes.
SMALL, MOST = 2_000, 5_000

_LEARNED_FROM = 1_000  # rows that the lengths are fitted on; predictions use all
_STEPS = 30
_BOUNDS = (-30.0, 30.0)  # of parameters, all under a softplus; where one of them says nothing, an unbounded search runs off to infinity

_Method = Literal["auto", "gp", "ensemble"]


def fit_heads(
    codes: NDArray[np.float32],
    targets: NDArray[np.float64],
    columns: Sequence[Column],
    *,
    method: _Method = "auto",
    log_variances: NDArray[np.float32] | None = None,
    features: EnsembleHeads | None = None,
    seed: int = 1,
    listener: Callable[[int, float], None] | None = None,
) -> FittedHeads:
    """Fit a Gaussian process to at most 2,000 rows and an ensemble to more, or what is asked for.

    Args:
        codes: (n, D).
        targets: (n, P) in the users' units, NaN where missing; 0 and 1 in binary columns.
        columns: the P properties.
        method: "gp", "ensemble", or "auto" for the choice by the number of rows.
        log_variances: (n, D) of the posteriors, used by the ensemble.
        features: heads fitted to other properties, used by the Gaussian process.
        seed: of everything random.
        listener: told what `fit_gaussian_process` or `molvae.training.heads.fit_ensemble` tells.

    Raises:
        DataError: an unknown method, too few rows for any, or too many for a Gaussian process.
    """
    if method not in ("auto", "gp", "ensemble"):
        raise DataError(f"method is {method!r}, expected 'auto', 'gp' or 'ensemble'")
    if method == "gp" or (method == "auto" and len(codes) <= SMALL):
        return fit_gaussian_process(codes, targets, columns, features=features, seed=seed, listener=listener)
    return fit_ensemble(codes, targets, columns, log_variances=log_variances, seed=seed, listener=listener)


def fit_gaussian_process(
    codes: NDArray[np.float32],
    targets: NDArray[np.float64],
    columns: Sequence[Column],
    *,
    features: EnsembleHeads | None = None,
    folds: int = 5,
    seed: int = 1,
    listener: Callable[[int, float], None] | None = None,
) -> FittedHeads:
    """Fit an exact Gaussian process to each column by its marginal likelihood, with priors on lengths and noise.

    The intervals are stretched so that 90% of the values lie in theirs when each is predicted from all others. The figures come from
    cross-validation of all this, the lengths fitted anew in each fold.

    Args:
        codes: (n, D).
        targets: (n, P) in the users' units, NaN where missing; 0 and 1 in binary columns.
        columns: the P properties.
        features: heads fitted to other properties, through which the process sees codes as well; it keeps a copy.
        folds: of the cross-validation; 0 leaves the figures out.
        seed: of the folds and of the rows the lengths are fitted on.
        listener: told the fits done (folds + 1 in all) and 0.

    Raises:
        DataError: more than 5,000 rows.
        MissingExtraError: gpytorch is not installed.
    """
    if len(codes) > MOST:
        raise DataError(f"a Gaussian process was asked for with {len(codes):,} rows, it takes at most {MOST:,}; use an ensemble")
    tell = listener or (lambda done, error: None)
    heads = _fitted(codes, targets, columns, features, seed)
    tell(1, 0.0)
    if not folds:
        return FittedHeads(heads, {})
    mean, deviation = (np.full(targets.shape, np.nan) for _ in range(2))
    fold_of = np.random.default_rng(seed).permutation(len(codes)) % folds
    for fold in range(folds):
        inside = fold_of == fold
        partial = _fitted(codes, np.where(inside[:, None], np.nan, targets), columns, features, seed)
        with torch.inference_mode():
            said = partial(torch.from_numpy(codes[inside]))
        mean[inside], deviation[inside] = said[0].numpy(), said[1].numpy()
        tell(fold + 2, 0.0)
    labelled = (~np.isnan(targets)).sum(axis=0)
    return FittedHeads(
        heads,
        {
            column.name: {"labelled": float(labelled[i])} | figures(targets[:, i], mean[:, i], deviation[:, i])
            for i, column in enumerate(columns)
        },
    )


def _fitted(
    codes: NDArray[np.float32], targets: NDArray[np.float64], columns: Sequence[Column], features: EnsembleHeads | None, seed: int
) -> GaussianProcessHeads:
    """Heads with everything set."""
    heads = GaussianProcessHeads(GaussianProcessSizes(codes.shape[1], tuple(columns), len(codes), features.sizes if features else None))
    if heads.features is not None and features is not None:
        heads.features.load_state_dict(features.state_dict())
    heads.codes.copy_(torch.from_numpy(codes))
    with torch.no_grad():
        inputs = heads.inputs(heads.codes)
    for i, values in enumerate(targets.T):
        known = ~np.isnan(values)
        center, scale = float(values[known].mean()), float(values[known].std()) or 1.0
        heads.center[i], heads.scale[i] = center, scale
        heads.targets[:, i] = torch.from_numpy((values - center) / scale)
        chosen = np.flatnonzero(known)
        if len(chosen) > _LEARNED_FROM:
            chosen = np.sort(np.random.default_rng(seed).permutation(chosen)[:_LEARNED_FROM])
        rows = torch.from_numpy(chosen)
        heads.lengths[i], heads.amplitudes[i], heads.noise[i] = _learned(inputs[rows], heads.targets[rows, i].double(), codes.shape[1])
        mean, deviation = heads.left_out(i)
        ratios = (torch.from_numpy(values[known]) - mean).abs() / deviation / NINETY
        heads.stretch[i] = torch.quantile(ratios, 0.9)
    return heads.eval()


def _learned(inputs: Tensor, targets: Tensor, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Lengths (K,), amplitudes (K,) and noise of the largest posterior density.

    Args:
        inputs: codes of `size` D and features, if any, (k, D + F); each of these K parts has a length.
        targets: standardised, (k,).
        size: D.
    """
    gpytorch = _gpytorch()
    from scipy.optimize import minimize

    ends = [0, size, inputs.shape[1]] if inputs.shape[1] > size else [0, size]
    kernels = [_kernel(gpytorch, range(start, end)) for start, end in pairwise(ends)]
    process, likelihood = _process(gpytorch, inputs, targets, kernels)
    evidence = gpytorch.mlls.ExactMarginalLogLikelihood(likelihood, process)
    parameters = list(process.parameters())

    def loss(at: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        vector_to_parameters(torch.from_numpy(at), parameters)
        process.zero_grad()
        value: Tensor = -evidence(process(inputs), targets)
        value.backward()  # type: ignore[no-untyped-call]
        return value.item(), torch.cat([parameter.grad.flatten() for parameter in parameters]).numpy()

    exact = gpytorch.settings
    with exact.fast_computations(covar_root_decomposition=False, log_prob=False, solves=False), exact.max_cholesky_size(MOST):
        start = parameters_to_vector(parameters).detach().numpy()
        found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[_BOUNDS] * len(start), options={"maxiter": _STEPS})
    vector_to_parameters(torch.from_numpy(found.x), parameters)
    lengths = torch.stack([kernel.base_kernel.lengthscale.detach().squeeze() for kernel in kernels])
    return lengths, torch.stack([kernel.outputscale.detach() for kernel in kernels]), likelihood.noise.detach()[0]


def _kernel(gpytorch: Any, columns: range) -> Any:
    """A Matérn kernel of some columns.

    The prior of its length grows with their number, so that few labels are not explained by every detail (Hvarfner et al. 2024,
    arXiv:2402.02229). One length for all: with one a column, held-out errors from 50 and 200 measured values were larger
    and the intervals too narrow.
    """
    prior = gpytorch.priors.LogNormalPrior(math.sqrt(2) + math.log(len(columns)) / 2, math.sqrt(3))
    kernel = gpytorch.kernels.MaternKernel(2.5, active_dims=tuple(columns), lengthscale_prior=prior)
    kernel.lengthscale = math.sqrt(len(columns))
    return gpytorch.kernels.ScaleKernel(kernel)


def _process(gpytorch: Any, inputs: Tensor, targets: Tensor, kernels: Sequence[Any]) -> tuple[Any, Any]:
    """A Gaussian process of mean 0 and its likelihood in gpytorch's terms."""

    class Process(gpytorch.models.ExactGP):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(inputs, targets, likelihood)
            self.covariance = gpytorch.kernels.AdditiveKernel(*kernels)

        def forward(self, inputs: Tensor) -> Any:
            return gpytorch.distributions.MultivariateNormal(inputs.new_zeros(len(inputs)), self.covariance(inputs))

    likelihood = gpytorch.likelihoods.GaussianLikelihood(noise_prior=gpytorch.priors.LogNormalPrior(-4.0, 1.0))
    likelihood.noise = 0.3
    return Process().double().train(), likelihood.double().train()


def _gpytorch() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # its linear_operator still calls torch.jit.script when imported
            import gpytorch
    except ImportError as error:
        raise MissingExtraError("a Gaussian process is fitted with gpytorch, which is missing: pip install 'molvae[properties]'") from error
    return gpytorch
