"""Token ids -> q(z|x)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from molvae.nn.gaussian import Gaussian


class Encoder(nn.Module):
    """Bidirectional GRU; its two final states give the mean and log-variance of the code.

    Args:
        vocabulary: number of ids.
        embedding: width of a token's embedding.
        hidden: width of each direction.
        layers: number of GRU layers.
        latent: dimensions of the code.
    """

    def __init__(self, vocabulary: int, embedding: int, hidden: int, layers: int, latent: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocabulary, embedding)
        self.gru = nn.GRU(embedding, hidden, layers, batch_first=True, bidirectional=True)
        self.to_code = nn.Linear(2 * hidden, 2 * latent)

    def forward(self, ids: Tensor) -> Gaussian:
        """Posterior of molecules of one length: ids (B, T) -> Gaussian over (B, D)."""
        _, final = self.gru(self.embed(ids))  # (2 * layers, B, H)
        both = torch.cat([final[-2], final[-1]], dim=-1)  # (B, 2H)
        mean, log_variance = self.to_code(both).float().chunk(2, dim=-1)
        return Gaussian(mean, log_variance.clamp(-12, 4))
