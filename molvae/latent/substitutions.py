"""Sequences of tokens in which one token or two are replaced by what the network expects in their place."""

from __future__ import annotations

import torch
from torch import Tensor

from molvae.latent.likelihood import weigh
from molvae.nn.gaussian import Gaussian
from molvae.nn.vae import VAE

_DRAWS = 8  # codes a gap is looked at with
_ROWS = 1_024  # sequences weighed at once


@torch.inference_mode()
def substitutions(vae: VAE, ids: Tensor, choices: tuple[int, ...], beams: int, keep: int, generator: torch.Generator) -> Tensor:
    """The likeliest sequences with tokens replaced.

    Each token in turn is left out; codes of the rest say what the decoder expects there; what comes of it is weighed as a whole by
    the ELBO at the posterior mean.

    Args:
        vae: the network.
        ids: one sequence, (T,).
        choices: tokens tried at each place, for each round of one replacement more.
        beams: sequences a round after the first starts from.
        keep: sequences of each round that are given back.
        generator: of the codes.

    Returns:
        (at most keep * rounds, T), those of a round the likeliest first.
    """
    starts, found = ids[None], []
    for most in choices:
        tried = torch.cat([_replaced(vae, start, most, generator) for start in starts])
        tried = torch.unique(tried, dim=0)
        order = torch.cat([_cost(vae, part) for part in tried.split(_ROWS)]).argsort()
        found.append(tried[order[:keep]])
        starts = tried[order[:beams]]
    return torch.cat(found)


def _replaced(vae: VAE, ids: Tensor, most: int, generator: torch.Generator) -> Tensor:
    """`ids` (T,) with each token in turn replaced by each of the `most` likeliest others: (T * most, T)."""
    length = len(ids)
    expected = _expected(vae, ids, generator)
    best = expected.topk(min(most, expected.shape[1]), dim=1).indices  # (T, most)
    every = ids.repeat(length, best.shape[1], 1)  # (T, most, T)
    places = torch.arange(length, device=ids.device)
    every[places, :, places] = best
    return every.flatten(0, 1)


def _expected(vae: VAE, ids: Tensor, generator: torch.Generator) -> Tensor:
    """What is expected at each place given the tokens before it and a code of all the others: probabilities (T, V)."""
    length = len(ids)
    gaps = torch.stack([torch.cat([ids[:place], ids[place + 1 :]]) for place in range(length)]) if length > 1 else ids[None]
    posterior = vae.encoder(gaps)
    shape = (_DRAWS, *posterior.mean.shape)
    z = posterior.mean + torch.randn(shape, generator=generator).to(ids.device) * torch.exp(0.5 * posterior.log_variance)
    logits = vae.logits(ids.expand(_DRAWS * length, -1), z.flatten(0, 1)).float().view(_DRAWS, length, length + 1, -1)
    places = torch.arange(length, device=ids.device)
    probabilities = logits[:, places, places].softmax(dim=-1).mean(dim=0)
    probabilities[:, [vae.bos, vae.eos]] = -1
    probabilities[places, ids] = -1  # another one is wanted
    return probabilities


def _cost(vae: VAE, ids: Tensor) -> Tensor:
    """About -log p of sequences (B, T), in nats: (B,)."""
    posterior = vae.encoder(ids)
    return -weigh(vae, ids, Gaussian(posterior.mean, posterior.log_variance), posterior.mean).log_weight
