"""A diagonal Gaussian over codes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


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
