"""A learned density over codes, to draw from instead of N(0, I)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class FlowSizes:
    """Sizes of a flow, all that is needed to build it.

    Attributes:
        latent_size: dimensions of the code, at least 2.
        layers: coupling layers.
        hidden: width of the network in each.
    """

    latent_size: int
    layers: int = 8
    hidden: int = 256


class Flow(nn.Module):
    """Normalizing flow of affine couplings (Dinh et al. 2017, arXiv:1605.08803) from N(0, I) to codes.

    A layer scales and shifts one half of the dimensions by what the other half says; the halves are drawn anew for each layer.
    A new flow is the Gaussian with the location and scale given by `standardize`.

    Args:
        sizes: see `FlowSizes`.
    """

    location: Tensor
    scale: Tensor
    orders: Tensor

    def __init__(self, sizes: FlowSizes) -> None:
        super().__init__()
        if sizes.latent_size < 2:
            raise ValueError(f"a flow needs at least 2 dimensions, not {sizes.latent_size}")
        self.sizes = sizes
        size, generator = sizes.latent_size, torch.Generator().manual_seed(0)
        self.register_buffer("location", torch.zeros(size))
        self.register_buffer("scale", torch.ones(size))
        self.register_buffer("orders", torch.stack([torch.randperm(size, generator=generator) for _ in range(sizes.layers)]))
        self.couplings = nn.ModuleList(_Coupling(size, sizes.hidden) for _ in range(sizes.layers))

    def standardize(self, codes: Tensor) -> None:
        """Take location and scale of the codes (n, D) as those of the starting Gaussian."""
        self.location.copy_(codes.mean(dim=0))
        self.scale.copy_(codes.std(dim=0).clamp(min=1e-6))

    def log_prob(self, z: Tensor) -> Tensor:
        """Log density of codes in nats: (B, D) -> (B,)."""
        noise = (z - self.location) / self.scale
        volume = -self.scale.log().sum()
        for order, coupling in zip(self.orders, self._couplings(), strict=True):
            noise, change = coupling.whiten(noise[:, order])
            volume = volume + change
        return volume - 0.5 * (noise.square().sum(dim=1) + noise.shape[1] * math.log(2 * math.pi))

    def _couplings(self) -> list[_Coupling]:
        return [coupling for coupling in self.couplings if isinstance(coupling, _Coupling)]

    def push(self, noise: Tensor) -> Tensor:
        """Codes for draws from N(0, I): (B, D) -> (B, D)."""
        for order, coupling in zip(reversed(self.orders), reversed(self._couplings()), strict=True):
            noise = coupling.color(noise)[:, order.argsort()]
        return noise * self.scale + self.location


class _Coupling(nn.Module):
    """b -> (b - shift(a)) / exp(log_scale(a)) for the two halves a, b of the dimensions; the identity at first."""

    def __init__(self, size: int, hidden: int) -> None:
        super().__init__()
        self.first = size // 2
        rest = size - self.first
        last = nn.Linear(hidden, 2 * rest)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.net = nn.Sequential(nn.Linear(self.first, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), last)

    def _affine(self, a: Tensor) -> tuple[Tensor, Tensor]:
        log_scale, shift = self.net(a).chunk(2, dim=1)
        return 2 * torch.tanh(log_scale / 2), shift  # within a factor of exp(2), so that no layer blows up

    def whiten(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Towards noise: (B, D) -> (B, D) and the log determinant (B,)."""
        a, b = z[:, : self.first], z[:, self.first :]
        log_scale, shift = self._affine(a)
        return torch.cat([a, (b - shift) * torch.exp(-log_scale)], dim=1), -log_scale.sum(dim=1)

    def color(self, noise: Tensor) -> Tensor:
        """The inverse of `whiten`: (B, D) -> (B, D)."""
        a, b = noise[:, : self.first], noise[:, self.first :]
        log_scale, shift = self._affine(a)
        return torch.cat([a, b * torch.exp(log_scale) + shift], dim=1)
