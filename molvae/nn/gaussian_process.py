"""Properties read off a code by exact Gaussian processes, for few labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from molvae.nn.heads import Column, EnsembleHeads, Heads, HeadSizes


@dataclass(frozen=True)
class GaussianProcessSizes:
    """Sizes of Gaussian-process heads, all that is needed to build them.

    Attributes:
        latent_size: dimensions D of a code.
        columns: the P properties.
        rows: labelled molecules n.
        features: sizes of the heads that the process sees codes through, where there are any.
    """

    latent_size: int
    columns: tuple[Column, ...]
    rows: int
    features: HeadSizes | None = None

    @classmethod
    def of(cls, parts: dict[str, Any]) -> Self:
        """From nested dictionaries, as `dataclasses.asdict` makes them."""
        features = HeadSizes.of(parts["features"]) if parts["features"] else None
        return cls(**parts | {"columns": tuple(Column(**column) for column in parts["columns"]), "features": features})


@dataclass(frozen=True)
class _Solved:
    """What prediction needs of one column.

    Attributes:
        inputs: of the k labelled codes, (k, D + F).
        factor: Cholesky factor of their covariance, (k, k).
        weights: of the mean, (k,).
    """

    inputs: Tensor
    factor: Tensor
    weights: Tensor


class GaussianProcessHeads(Heads):
    """An exact Gaussian process for each property (Rasmussen and Williams 2006, algorithm 2.1), over the codes that have a value of it.

    The covariance is a Matérn 5/2 of the distance of codes, plus one of the distance of what other heads say of these codes, where
    there are such: a property that depends on logP or weight need not be learned from a code in whose many dimensions both are hidden.
    Targets are standardised. A binary property is regressed as 0 and 1 and its prediction clipped to a probability. Nothing is learned
    here: `molvae.training.gaussian_process` fills the buffers.

    Args:
        sizes: see `GaussianProcessSizes`.
    """

    kind: ClassVar[str] = "gaussian_process"
    codes: Tensor
    targets: Tensor
    lengths: Tensor
    amplitudes: Tensor
    noise: Tensor
    center: Tensor
    scale: Tensor
    stretch: Tensor

    def __init__(self, sizes: GaussianProcessSizes) -> None:
        super().__init__()
        self.sizes = sizes
        columns, kernels = len(sizes.columns), 2 if sizes.features else 1
        self.features = EnsembleHeads(sizes.features).requires_grad_(False) if sizes.features else None
        self.register_buffer("codes", torch.zeros(sizes.rows, sizes.latent_size))
        self.register_buffer("targets", torch.zeros(sizes.rows, columns))  # standardised, NaN where missing
        self.register_buffer("lengths", torch.ones(columns, kernels))
        self.register_buffer("amplitudes", torch.ones(columns, kernels))  # variances, like the noise
        self.register_buffer("noise", torch.ones(columns))
        self.register_buffer("center", torch.zeros(columns))
        self.register_buffer("scale", torch.ones(columns))
        self.register_buffer("stretch", torch.ones(columns))  # of the standard deviation, set by calibration
        self._solved: dict[int, _Solved] = {}
        self.register_load_state_dict_post_hook(_forget)  # type: ignore[no-untyped-call]

    def inputs(self, codes: Tensor) -> Tensor:
        """Codes (B, D) and what the features say of them, standardised: (B, D + F)."""
        if self.features is None:
            return codes.double()
        said = (self.features(codes)[0] - self.features.center) / self.features.scale
        return torch.cat([codes, said], dim=1).double()

    def forward(self, codes: Tensor, drawn: bool = False) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation for codes (B, D), (B, P) each; see `molvae.nn.heads.EnsembleHeads.forward`.

        The process was fitted to posterior means and takes every code for one: `drawn` makes no difference.
        """
        inputs = self.inputs(codes)
        each = [self._unscaled(self._standard(inputs, column), column) for column in range(len(self.sizes.columns))]
        mean, deviation = (torch.stack([pair[i] for pair in each], dim=1).to(codes.dtype) for i in (0, 1))
        return mean, deviation

    def left_out(self, column: int) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of each labelled code of a column, predicted by all the others: (k,) each.

        By Rasmussen and Williams 2006, equations 5.10 to 5.12.
        """
        solved = self.solve(column)
        precision = torch.cholesky_inverse(solved.factor).diagonal()
        labelled = self._labelled(column)
        return self._unscaled((self.targets[labelled, column].double() - solved.weights / precision, 1 / precision), column)

    def solve(self, column: int) -> _Solved:
        """The equations of a column, solved once and kept."""
        if column not in self._solved or self._solved[column].inputs.device != self.codes.device:
            with torch.inference_mode(False), torch.no_grad():  # what is kept here must serve gradients of codes later
                self._solved[column] = self._solve(column)
        return self._solved[column]

    def _solve(self, column: int) -> _Solved:
        labelled = self._labelled(column)
        inputs = self.inputs(self.codes[labelled])
        covariance = self._covariance(inputs, inputs, column)
        covariance.diagonal().add_(self.noise[column].double())
        factor = torch.linalg.cholesky(covariance)
        targets = self.targets[labelled, column].double()
        return _Solved(inputs, factor, torch.cholesky_solve(targets[:, None], factor)[:, 0])

    def _labelled(self, column: int) -> Tensor:
        return ~self.targets[:, column].isnan()

    def _covariance(self, a: Tensor, b: Tensor, column: int) -> Tensor:
        """Of inputs: (m, D + F), (k, D + F) -> (m, k)."""
        size = self.sizes.latent_size
        parts = [slice(size), slice(size, None)][: self.lengths.shape[1]]
        scales = zip(parts, self.lengths[column].double(), self.amplitudes[column].double(), strict=True)
        return torch.stack([amplitude * matern(a[:, part] / length, b[:, part] / length) for part, length, amplitude in scales]).sum(dim=0)

    def _standard(self, inputs: Tensor, column: int) -> tuple[Tensor, Tensor]:
        """Mean and variance in standardised units, (B,) each."""
        solved = self.solve(column)
        across = self._covariance(inputs, solved.inputs, column)
        known = torch.linalg.solve_triangular(solved.factor, across.T, upper=False).square().sum(dim=0)
        variance = (self.amplitudes[column].double().sum() - known).clamp(min=0) + self.noise[column].double()
        return across @ solved.weights, variance

    def _unscaled(self, standard: tuple[Tensor, Tensor], column: int) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation in the unit of a column, from mean and variance in standardised units."""
        mean = standard[0] * self.scale[column].double() + self.center[column].double()
        if self.sizes.columns[column].kind == "binary":
            chance = mean.clamp(0.001, 0.999)
            return chance, (chance * (1 - chance)).sqrt()
        return mean, standard[1].sqrt() * (self.scale[column] * self.stretch[column]).double()


def matern(a: Tensor, b: Tensor) -> Tensor:
    """Matérn covariance of smoothness 5/2 (Rasmussen and Williams 2006, equation 4.17) for lengths of 1: (m, D), (k, D) -> (m, k).

    >>> matern(torch.zeros(1, 2), torch.tensor([[0.0, 0.0], [3.0, 4.0]])).tolist()
    [[1.0, 0.00075...]]
    """
    squared = a.square().sum(dim=1)[:, None] + b.square().sum(dim=1)[None] - 2 * a @ b.T
    distance = (5 * squared.clamp(min=1e-12)).sqrt()  # above 0, where the root has no gradient
    return (1 + distance + distance.square() / 3) * (-distance).exp()


def _forget(heads: GaussianProcessHeads, _: object) -> None:
    """Drop what was solved with other weights."""
    heads._solved.clear()
