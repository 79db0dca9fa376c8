"""How molecules are drawn, down to the next token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

#: Where codes are drawn from; see `SamplingSettings`.
Prior = Literal["gaussian", "learned", "written", "none"]
PRIORS: tuple[Prior, ...] = get_args(Prior)


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


@dataclass(frozen=True)
class SamplingSettings:
    """How molecules are drawn.

    Args:
        temperature: of the decoder; 0 is greedy.
        top_p: share of the probability kept at each token.
        prior: "gaussian" draws codes from N(0, I), "learned" from the density fitted to the codes of the training molecules, "written" from
            the posteriors of molecules that the model wrote without a code; "none" gives those molecules themselves, without a code.
        critic: keep what survives the round trip at the rate the critic gives, so that samples come nearer to the training molecules.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    prior: str = "gaussian"
    critic: bool = False

    def __post_init__(self) -> None:
        if self.prior not in PRIORS:
            raise ValueError(f"prior is {self.prior!r}, expected one of {', '.join(PRIORS)}")
        Truncation(self.temperature, self.top_p)

    @property
    def truncation(self) -> Truncation:
        """How the next token is drawn."""
        return Truncation(self.temperature, self.top_p)
