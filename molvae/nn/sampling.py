"""Choosing the next token from logits."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Truncation:
    """How the next token is drawn.

    Args:
        temperature: divides the logits; 0 takes the likeliest token.
        top_p: keep the fewest tokens that hold this share of the probability (Holtzman et al. 2020, arXiv:1904.09751).
    """

    temperature: float = 1.0
    top_p: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.temperature <= 100:
            raise ValueError(f"temperature is {self.temperature}, expected 0 to 100")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p is {self.top_p}, expected above 0 and at most 1")

    def choose(self, logits: Tensor, uniform: Tensor | None) -> Tensor:
        """Next token of each row by inverting the cumulative distribution: logits (B, V), uniform (B,) in [0, 1) -> (B,)."""
        if self.temperature == 0 or uniform is None:
            return logits.argmax(dim=-1)
        probability = (logits / self.temperature).softmax(dim=-1)
        if self.top_p < 1:
            ranked, token = probability.sort(dim=-1, descending=True)
            beyond = ranked.cumsum(dim=-1) - ranked >= self.top_p
            probability = probability.scatter(-1, token, ranked.masked_fill(beyond, 0.0))
        cumulative = probability.cumsum(dim=-1)
        place = torch.searchsorted(cumulative, uniform[:, None] * cumulative[:, -1:], right=True)
        return place.clamp(max=logits.shape[-1] - 1).squeeze(-1)
