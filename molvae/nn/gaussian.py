"""What an encoder says of the code of a molecule: a diagonal Gaussian, or a single point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


class Posterior(Protocol):
    """q(z|x) for a batch."""

    @property
    def mean(self) -> Tensor:
        """(B, D)."""

    @property
    def log_variance(self) -> Tensor:
        """(B, D)."""

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """One code a row: (B, D)."""

    def kl(self) -> Tensor:
        """What the code costs, in nats by dimension: (B, D)."""


@dataclass(frozen=True)
class Gaussian:
    """q(z|x) for a batch.

    Attributes:
        mean: (B, D).
        log_variance: (B, D).
    """

    mean: Tensor
    log_variance: Tensor

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """One reparameterized code a row (Kingma & Welling 2014, arXiv:1312.6114): (B, D)."""
        noise = torch.randn(self.mean.shape, generator=generator, device=self.mean.device)
        return self.mean + noise * torch.exp(0.5 * self.log_variance)

    def kl(self) -> Tensor:
        """KL(q || N(0, I)) in nats by dimension: (B, D)."""
        return 0.5 * (self.mean.square() + self.log_variance.exp() - 1 - self.log_variance)


@dataclass(frozen=True)
class Point:
    """The code of a plain autoencoder: no noise, and no cost that could be measured in nats.

    Attributes:
        mean: the code, (B, D).
    """

    mean: Tensor

    @property
    def log_variance(self) -> Tensor:
        """Minus infinity: (B, D)."""
        return torch.full_like(self.mean, -torch.inf)

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """The code itself: (B, D)."""
        return self.mean

    def kl(self) -> Tensor:
        """Zeros: (B, D). A point under a density costs infinitely many nats, so an autoencoder is trained without this term."""
        return torch.zeros_like(self.mean)
