"""The evidence lower bound, both terms in nats a molecule."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor
from torch.nn import functional

from molvae.nn.gaussian import Posterior


class Elbo(NamedTuple):
    """Terms of -log p(x) <= distortion + rate.

    Attributes:
        distortion: -log p(x|z) of a whole molecule in nats, (B,).
        rate: KL(q(z|x) || N(0, I)) in nats by dimension, (B, D); zeros for a plain autoencoder.
        mean: posterior means, (B, D), for counting active units.
        code: drawn from the posteriors, (B, D).
    """

    distortion: Tensor
    rate: Tensor
    mean: Tensor
    code: Tensor


def elbo(logits: Tensor, targets: Tensor, posterior: Posterior, code: Tensor) -> Elbo:
    """Sum the cross-entropy over the tokens of each molecule: logits (B, T, V), targets (B, T), code (B, D) that was written from."""
    nats = functional.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="none")
    return Elbo(nats.view_as(targets).sum(dim=1), posterior.kl(), posterior.mean, code)
