"""Tuning a model in memory to a few molecules, the better ones more often: no files, the same weights for the same input."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from molvae.data.batching import EqualLengthBatches
from molvae.nn.vae import VAE

_CLIP = 1.0


def replay(vae: VAE, ids: Sequence[NDArray[np.int16]], chances: NDArray[np.float64], *, steps: int, batch: int = 64,
           learning_rate: float = 5e-4, beta: float = 0.3, seed: int = 0) -> None:  # fmt: skip
    """AdamW on the ELBO of molecules drawn by chance (weighted retraining, Tripp et al. 2020, arXiv:2006.09191).

    Args:
        vae: weights to tune, in place; its mode (training or evaluation) is put back.
        ids: tokens of each molecule, without BOS and EOS.
        chances: how often each is drawn, summing to 1, (n,).
        steps: times `batch` molecules are drawn. A step is on molecules of one length, so there are some more, with less weight each.
        batch: molecules a step, at most.
        learning_rate: constant.
        beta: weight of the KL.
        seed: of the draws and the noise.
    """
    random, mode = np.random.default_rng(seed), vae.training
    device = next(vae.parameters()).device
    noise = torch.Generator(device=device).manual_seed(seed)
    optimizer = torch.optim.AdamW(vae.parameters(), lr=learning_rate, betas=(0.9, 0.99), weight_decay=0.0)
    vae.train()
    drawn = random.choice(len(ids), size=steps * batch, p=chances)
    for rows in EqualLengthBatches(np.array([len(ids[row]) for row in drawn]), batch, seed).epoch(0):
        terms = vae(torch.from_numpy(np.stack([ids[row] for row in drawn[rows]]).astype(np.int64)).to(device), noise)
        optimizer.zero_grad()
        ((terms.distortion.sum() + beta * terms.rate.sum()) / batch).backward()
        torch.nn.utils.clip_grad_norm_(vae.parameters(), _CLIP)
        optimizer.step()
    vae.train(mode)
