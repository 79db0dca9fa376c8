"""The evidence lower bound, both terms in nats a molecule, and the likelihood without a code."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from molvae.nn.gaussian import Posterior


class Elbo(NamedTuple):
    """Terms of -log p(x) <= distortion + rate, and -log p(x) of the decoder's second face, which writes without a code.

    Attributes:
        distortion: -log p(x|z) of a whole molecule in nats, (B,).
        rate: KL(q(z|x) || N(0, I)) in nats by dimension, (B, D); zeros for a plain autoencoder.
        mean: posterior means, (B, D), for counting active units.
        code: drawn from the posteriors, (B, D).
        without_code: -log p(x) of the first K molecules where the decoder has no code, in nats, (K,).
    """

    distortion: Tensor
    rate: Tensor
    mean: Tensor
    code: Tensor
    without_code: Tensor


def nats(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy summed over the tokens of each molecule: logits (B, T, V), targets (B, T) -> (B,)."""
    each = functional.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="none")
    return each.view_as(targets).sum(dim=1)


def elbo(logits: Tensor, targets: Tensor, posterior: Posterior, code: Tensor) -> Elbo:
    """Terms for a batch of B molecules.

    Args:
        logits: (B + K, T, V), the first B written from their codes, the last K without, which are the first K molecules again.
        targets: (B, T).
        posterior: of the B molecules.
        code: (B, D), what the first B were written from.
    """
    cost = nats(logits, torch.cat([targets, targets[: len(logits) - len(targets)]]))
    return Elbo(cost[: len(targets)], posterior.kl(), posterior.mean, code, cost[len(targets) :])
