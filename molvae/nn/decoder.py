"""Code -> next-token logits."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Decoder(nn.Module):
    """GRU that sees the code at every step and in its initial state.

    Args:
        vocabulary: number of ids.
        embedding: width of a token's embedding.
        hidden: width of the GRU.
        layers: number of GRU layers.
        latent: dimensions of the code.
    """

    def __init__(self, vocabulary: int, embedding: int, hidden: int, layers: int, latent: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocabulary, embedding)
        self.from_code = nn.Linear(latent, embedding)
        self.initial = nn.Linear(latent, layers * hidden)
        self.gru = nn.GRU(embedding, hidden, layers, batch_first=True)
        self.to_logits = nn.Linear(hidden, vocabulary)

    def start(self, z: Tensor) -> Tensor:
        """Initial state: z (B, D) -> (layers, B, H)."""
        state = torch.tanh(self.initial(z)).view(len(z), self.gru.num_layers, self.gru.hidden_size)
        return state.transpose(0, 1).contiguous()

    def step(self, ids: Tensor, z: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Read ids (B, T), give the logits of the token after each (B, T, V) and the next state.

        Training reads whole molecules with it, sampling one token at a time.
        """
        read = self.embed(ids) + self.from_code(z).unsqueeze(1)  # (B, T, E)
        output, state = self.gru(read, state.to(read.dtype))
        return self.to_logits(output), state
