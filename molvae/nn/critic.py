"""Tells molecules the model wrote from real ones, by what they are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


@dataclass(frozen=True)
class CriticSizes:
    """Sizes of a critic, all that is needed to build it.

    Attributes:
        buckets: number of different features.
    """

    buckets: int


class Critic(nn.Module):
    """Log of the density ratio real / written of a bag of counted features (Sugiyama et al. 2012, doi:10.1017/CBO9781139035613).

    Logistic regression: the logit of a classifier between two equally large sets is this ratio.

    Args:
        sizes: see `CriticSizes`.
    """

    level: Tensor

    def __init__(self, sizes: CriticSizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.weight = nn.EmbeddingBag(sizes.buckets, 1, mode="sum")
        self.bias = nn.Parameter(torch.zeros(()))
        nn.init.zeros_(self.weight.weight)
        self.register_buffer("level", torch.zeros(()))

    def forward(self, features: Tensor, counts: Tensor, starts: Tensor) -> Tensor:
        """Logits of molecules.

        Args:
            features: those of all molecules one after the other, (N,).
            counts: how often each occurs, (N,).
            starts: where each molecule's begin, (B,).

        Returns:
            (B,).
        """
        summed: Tensor = self.weight(features, starts, per_sample_weights=counts.float())
        return summed[:, 0] + self.bias

    def acceptance(self, logits: Tensor) -> Tensor:
        """Probability to keep a written molecule so that those kept follow the real ones: (B,) -> (B,).

        Rejection sampling by the ratio (Azadi et al. 2019, arXiv:1810.06758); above `level` everything is kept.
        """
        return (logits - self.level).clamp(max=0).exp()


class Bags:
    """Counted features of molecules, ready for a critic.

    Args:
        rows: for each molecule (k, 2) of feature and count.
    """

    def __init__(self, rows: Sequence[NDArray[np.int32]]) -> None:
        self._flat = torch.from_numpy(np.concatenate([np.zeros((0, 2), np.int32), *rows]).astype(np.int64))
        self._ends = np.concatenate([[0], np.cumsum([len(row) for row in rows])])

    def __len__(self) -> int:
        return len(self._ends) - 1

    def batch(self, molecules: NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor]:
        """Features, counts and starts of some molecules, as `Critic.forward` reads them."""
        starts, lengths = self._ends[molecules], self._ends[molecules + 1] - self._ends[molecules]
        firsts = np.cumsum(lengths) - lengths
        where = torch.from_numpy(np.repeat(starts - firsts, lengths) + np.arange(lengths.sum()))
        features, counts = self._flat[where].unbind(dim=1)
        return features, counts, torch.from_numpy(firsts)

    @torch.inference_mode()
    def logits(self, critic: Critic, batch_size: int = 4096) -> Tensor:
        """What a critic says of all of them, where it is: (n,)."""
        device = critic.bias.device
        parts = [np.arange(start, min(start + batch_size, len(self))) for start in range(0, len(self), batch_size)]
        said = [critic(*(tensor.to(device) for tensor in self.batch(part))) for part in parts]
        return torch.cat([torch.zeros(0, device=device), *said])
