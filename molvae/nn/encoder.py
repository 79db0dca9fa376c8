"""Token ids -> q(z|x)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from molvae.nn.gaussian import Gaussian, Point, Posterior


class Encoder(nn.Module):
    """Bidirectional GRU; its two final states give the mean and log-variance of the code, or the code itself.

    Args:
        vocabulary: number of ids.
        embedding: width of a token's embedding.
        hidden: width of each direction.
        layers: number of GRU layers.
        latent: dimensions of the code.
        deterministic: a plain autoencoder's code, without noise.
    """

    def __init__(self, vocabulary: int, embedding: int, hidden: int, layers: int, latent: int, deterministic: bool = False) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocabulary, embedding)
        self.gru = nn.GRU(embedding, hidden, layers, batch_first=True, bidirectional=True)
        self.deterministic = deterministic
        self.to_code = nn.Linear(2 * hidden, latent if deterministic else 2 * latent)

    def forward(self, ids: Tensor) -> Posterior:
        """Posterior of molecules of one length: ids (B, T) -> over (B, D)."""
        _, final = self.gru(self.embed(ids))  # (2 * layers, B, H)
        both = torch.cat([final[-2], final[-1]], dim=-1)  # (B, 2H)
        code = self.to_code(both).float()
        if self.deterministic:
            return Point(code)
        mean, log_variance = code.chunk(2, dim=-1)
        return Gaussian(mean, log_variance.clamp(-12, 4))
