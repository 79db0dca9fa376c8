"""Learning rate and KL weight over the course of training; progress runs from 0 to 1."""

from __future__ import annotations

import math

import numpy as np

from molvae.training.recipe import RatePart, TrainPart


def learning_rate(progress: float, part: TrainPart) -> float:
    """Linear warm-up, then half a cosine down to `final_learning_rate` times the peak.

    >>> part = TrainPart(learning_rate=1.0, warmup=0.1, final_learning_rate=0.0)
    >>> learning_rate(0.05, part), learning_rate(0.1, part), learning_rate(1.0, part)
    (0.5, 1.0, 0.0)
    """
    if progress < part.warmup:
        return part.learning_rate * progress / part.warmup
    share = (progress - part.warmup) / max(1 - part.warmup, 1e-9)
    low = part.final_learning_rate
    return part.learning_rate * (low + (1 - low) * 0.5 * (1 + math.cos(math.pi * min(share, 1.0))))


class RateControl:
    """Steers the KL weight beta so that the rate follows its target.

    Each step multiplies beta by exp(gain * clip((rate - target) / target, -1, 1)).

    Args:
        part: targets, gain and bounds.
        log_beta: where to go on from; the start of the recipe when None.

    >>> control = RateControl(RatePart(target=((0.0, 20.0),), beta_start=0.5))
    >>> control.update(rate=40.0, progress=0.0)
    >>> control.beta > 0.5
    True
    """

    def __init__(self, part: RatePart, log_beta: float | None = None) -> None:
        self._part = part
        self.log_beta = math.log(part.beta_start) if log_beta is None else log_beta

    @property
    def beta(self) -> float:
        """KL weight in force."""
        return math.exp(self.log_beta)

    def target(self, progress: float) -> float:
        """Rate wanted at this point of training, in nats a molecule."""
        places, nats = zip(*sorted(self._part.target), strict=True)
        return float(np.interp(progress, places, nats))

    def update(self, rate: float, progress: float, weight: float = 1.0) -> None:
        """Move beta after a step that ran at `rate` nats; `weight` is the share of a full batch the step held."""
        target = self.target(progress)
        moved = self.log_beta + weight * self._part.gain * float(np.clip((rate - target) / target, -1, 1))
        self.log_beta = float(np.clip(moved, math.log(self._part.beta_min), math.log(self._part.beta_max)))
