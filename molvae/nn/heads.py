"""Properties read off a code: an ensemble of small networks whose spread and noise make the uncertainty."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, Literal, Self

import torch
from torch import Tensor, nn

from molvae.nn.elbo import Elbo
from molvae.nn.vae import VAE


@dataclass(frozen=True)
class Column:
    """A property that heads predict.

    Attributes:
        name: of the property.
        unit: its unit, empty for a pure number.
        kind: "number", or "binary" for a column of 0 and 1 whose prediction is the probability of 1.
        low: least value seen in training.
        high: largest value seen in training.
    """

    name: str
    unit: str = ""
    kind: Literal["number", "binary"] = "number"
    low: float = float("-inf")
    high: float = float("inf")


@dataclass(frozen=True)
class HeadSizes:
    """Sizes of an ensemble, all that is needed to build it.

    Attributes:
        latent_size: dimensions D of a code.
        columns: the P properties.
        hidden: width of each layer.
        layers: hidden layers of each network.
        members: networks M in the ensemble.
        draws: whether there are as many networks again for codes that were drawn. What a posterior mean says finely is lost in the noise
            of a draw, so that the same code is read in two ways.
    """

    latent_size: int
    columns: tuple[Column, ...]
    hidden: int = 384
    layers: int = 2
    members: int = 4
    draws: bool = False

    @classmethod
    def of(cls, parts: dict[str, Any]) -> Self:
        """From nested dictionaries, as `dataclasses.asdict` makes them."""
        return cls(**parts | {"columns": tuple(Column(**column) for column in parts["columns"])})


class Heads(nn.Module):
    """Heads of one kind: modules from codes (B, D), and whether they were drawn, to mean and standard deviation (B, P) in each unit.

    Attributes:
        kind: its name in config.json.
        sizes: all that is needed to build it; a dataclass with `columns`, the P properties, and `of`, which builds it from dictionaries.
    """

    kind: ClassVar[str]
    sizes: Any


class EnsembleHeads(Heads):
    """A deep ensemble (Lakshminarayanan et al. 2017, arXiv:1612.01474): M networks from a code to the mean and variance of each property.

    Args:
        sizes: see `HeadSizes`.
    """

    kind: ClassVar[str] = "ensemble"
    center: Tensor
    scale: Tensor
    stretch: Tensor
    binary: Tensor

    def __init__(self, sizes: HeadSizes) -> None:
        super().__init__()
        self.sizes = sizes
        widths = [sizes.latent_size, *[sizes.hidden] * sizes.layers, 2 * len(sizes.columns)]
        networks = sizes.members * (1 + sizes.draws)  # those that read means first
        self.weights = nn.ParameterList([_uniform(networks, a, b, fan=a) for a, b in pairwise(widths)])
        self.biases = nn.ParameterList([_uniform(networks, 1, b, fan=a) for a, b in pairwise(widths)])
        columns = len(sizes.columns)
        self.register_buffer("center", torch.zeros(columns))
        self.register_buffer("scale", torch.ones(columns))
        self.register_buffer("stretch", torch.ones(1 + sizes.draws, columns))  # of the standard deviation, set by calibration
        self.register_buffer("binary", torch.tensor([column.kind == "binary" for column in sizes.columns]), persistent=False)

    def members(self, codes: Tensor, drawn: bool = False) -> tuple[Tensor, Tensor]:
        """What each network says, in standardised units (a logit for a binary property).

        Args:
            codes: (B, D), or (M, B, D) with codes of their own for each network.
            drawn: whether to ask the networks that read drawn codes, where there are any.

        Returns:
            Means and log-variances, (M, B, P) each.
        """
        asked = slice(self.sizes.members, None) if drawn and self.sizes.draws else slice(self.sizes.members)
        hidden = codes.expand(self.sizes.members, *codes.shape[-2:])
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            hidden = torch.baddbmm(bias[asked], hidden if layer == 0 else nn.functional.silu(hidden), weight[asked])
        mean, log_variance = hidden.chunk(2, dim=-1)
        return mean, log_variance.clamp(-12, 6)

    def forward(self, codes: Tensor, drawn: bool = False) -> tuple[Tensor, Tensor]:
        """Prediction for codes, in the unit of each property: mean and standard deviation (of the value, noise included).

        A binary property's mean is the probability of 1, its standard deviation that of the outcome.

        Args:
            codes: (B, D).
            drawn: whether they were drawn (from posteriors, or from the prior) and are no posterior means.

        Returns:
            (B, P) each.
        """
        means, log_variances = self.members(codes, drawn)
        mean = means.mean(dim=0)
        variance = log_variances.exp().mean(dim=0) + means.var(dim=0, correction=0)
        chance = means.sigmoid().mean(dim=0)
        deviation = variance.sqrt() * self.stretch[int(drawn and self.sizes.draws)] * self.scale
        return (
            torch.where(self.binary, chance, mean * self.scale + self.center),
            torch.where(self.binary, (chance * (1 - chance)).clamp(min=0).sqrt(), deviation),
        )


class Guided(nn.Module):
    """A VAE and two small networks that read properties off its codes, trained together so that the codes are laid out by them.

    One reads posterior means, which a predictor sees, the other codes drawn from the posteriors, which an optimizer sees. Both serve
    training alone; heads with uncertainty are fitted to the finished codes (`molvae.training.heads`).

    Args:
        vae: see `molvae.nn.vae.VAE`.
        properties: P of them.
        dimensions: how many of a code's dimensions, its last ones, the networks read; all when None.
        hidden: width of each network's two layers.
    """

    def __init__(self, vae: VAE, properties: int, dimensions: int | None = None, hidden: int = 256) -> None:
        super().__init__()
        self.vae, self.dimensions = vae, dimensions or vae.sizes.latent_size
        self.of_mean, self.of_code = (_readout(self.dimensions, hidden, properties) for _ in range(2))

    def forward(
        self, ids: Tensor, generator: torch.Generator | None, corruption: float, targets: Tensor, without_code: float = 0.0
    ) -> tuple[Elbo, Tensor]:
        """The ELBO of molecules of one length, and how far their properties are from what their codes say.

        Args:
            ids: (B, T).
            generator: of the noise.
            corruption: see `molvae.nn.vae.VAE`.
            targets: standardised properties, (B, P), NaN where unknown.
            without_code: see `molvae.nn.vae.VAE`.

        Returns:
            The ELBO, and the squared error summed over the properties, from the mean and from the code, (B, 2).
        """
        terms = self.vae(ids, generator, corruption, without_code)
        mean, code = (each[:, -self.dimensions :] for each in (terms.mean, terms.code))
        errors = torch.stack([self.of_mean(mean), self.of_code(code)], dim=1) - targets.nan_to_num()[:, None]
        return terms, (errors * ~targets.isnan()[:, None]).square().sum(dim=2)


def _readout(codes: int, hidden: int, properties: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(codes, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, properties))


def _uniform(*shape: int, fan: int) -> nn.Parameter:
    return nn.Parameter((torch.rand(*shape) * 2 - 1) * fan**-0.5)
