"""How likely molecules are: -log p(x) by importance weighting, and -log p(x|z), in nats a molecule."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from molvae.chem.selfies import to_symbols
from molvae.errors import DataError, MoleculeError
from molvae.model import Encoded, MolVAE
from molvae.nn.elbo import nats
from molvae.nn.gaussian import Gaussian
from molvae.nn.vae import VAE

_ROWS = 512  # molecules times codes whose logits are in memory at once

_Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Weighed:
    """One code for each molecule.

    Attributes:
        distortion: -log p(x|z) in nats, (B,).
        log_weight: log p(x|z) + log N(z; 0, I) - log q(z|x), (B,), whose mean is -ELBO; no number where the posterior is a point.
    """

    distortion: Tensor
    log_weight: Tensor


@torch.inference_mode()
def weigh(vae: VAE, ids: Tensor, posterior: Gaussian, z: Tensor) -> Weighed:
    """Weigh codes (B, D) drawn from the posteriors of molecules of one length, ids (B, T)."""
    distortion = _distortion(vae, ids, posterior, z)
    noise = (z - posterior.mean) * torch.exp(-0.5 * posterior.log_variance)
    return Weighed(distortion, 0.5 * (noise.square() + posterior.log_variance - z.square()).sum(dim=1) - distortion)


def _distortion(vae: VAE, ids: Tensor, posterior: Gaussian, z: Tensor) -> Tensor:
    targets = torch.cat([ids, torch.full_like(ids[:, :1], vae.eos)], dim=1)
    return nats(vae.logits(ids, z), targets)


def tightening(log_weights: Tensor) -> Tensor:
    """By how much the importance-weighted bound of k codes is below that of one, in nats: (k, B) to (B,); never negative.

    >>> tightening(torch.tensor([[0.0], [0.0]])).tolist(), tightening(torch.tensor([[-3.0]])).tolist()
    ([0.0], [0.0])
    """
    exact = log_weights.double()
    return (exact.logsumexp(dim=0) - math.log(len(exact)) - exact.mean(dim=0)).clamp(min=0)  # 0 but for rounding, by Jensen


def negative_log_likelihood(model: MolVAE, encoded: Encoded, *, samples: int = 16, seed: int = 0) -> _Floats:
    """-log p(x) in nats a molecule.

    Exact by the decoder without a code, where the model has that second face; else the importance-weighted upper bound (Burda et al.
    2016, arXiv:1509.00519). The noise of a molecule's codes depends on the seed and its SMILES alone, so its figure does not depend on
    its row or its company.

    Args:
        model: the model.
        encoded: what `model.encode_all` gave, posterior means.
        samples: codes a molecule for the bound; more bring it nearer, and take as much more time.
        seed: of the codes.

    Returns:
        (n,), NaN where a molecule was refused.

    Raises:
        DataError: fewer than one sample, or a plain autoencoder, which has no likelihood.
    """
    vae = model.checkpoint.vae
    if samples < 1:
        raise DataError(f"samples is {samples}, expected at least 1")
    if vae.sizes.latent == "deterministic":
        raise DataError("this model is a plain autoencoder: its codes have no density, so its molecules have no likelihood")
    if vae.sizes.second_face:
        return -log_likelihood_without_code(model, encoded.smiles)
    found = np.full(len(encoded.smiles), np.nan)
    for rows, ids in _batches(model, encoded.smiles, max(_ROWS // samples, 1)):
        noise = np.stack([_noise(encoded.smiles[row], (samples, model.latent_size), seed) for row in rows])
        means, log_variances = (
            torch.from_numpy(array[rows]).to(ids.device).repeat_interleave(samples, dim=0)
            for array in (encoded.codes, encoded.log_variances)
        )
        z = means + torch.from_numpy(noise).to(ids.device).flatten(0, 1) * torch.exp(0.5 * log_variances)
        weighed = weigh(vae, ids.repeat_interleave(samples, dim=0), Gaussian(means, log_variances), z)
        log_weights = weighed.log_weight.double().view(len(rows), samples)
        found[rows] = (math.log(samples) - log_weights.logsumexp(dim=1)).cpu().numpy()
    return found


@torch.inference_mode()
def log_likelihood_without_code(model: MolVAE, smiles: Sequence[str]) -> _Floats:
    """Log p(x) in nats of canonical SMILES by the decoder without a code: (n,), NaN where the model has no symbols for one."""
    vae = model.checkpoint.vae
    if not vae.sizes.second_face:
        raise DataError("this model was trained without a second face, so it has no likelihood without a code; see negative_log_likelihood")
    found = np.full(len(smiles), np.nan)
    for rows, ids in _batches(model, smiles, _ROWS):
        found[rows] = -vae.nats_without_code(ids).double().cpu().numpy()
    return found


def _noise(smiles: str, shape: tuple[int, int], seed: int) -> NDArray[np.float32]:
    return np.random.default_rng([seed, zlib.crc32(smiles.encode())]).standard_normal(shape, dtype=np.float32)


@torch.inference_mode()
def writing_cost(model: MolVAE, codes: NDArray[np.float32], smiles: Sequence[str]) -> _Floats:
    """What it costs to write molecule i from code i: -log p(x|z) in nats.

    Args:
        model: the model.
        codes: (n, D).
        smiles: n canonical SMILES.

    Returns:
        (n,), infinity where the model has no symbols for a molecule.

    Raises:
        DataError: another number of codes than of molecules.
    """
    if codes.shape != (len(smiles), model.latent_size):
        raise DataError(f"codes have shape {codes.shape}, expected {(len(smiles), model.latent_size)}, one for each molecule")
    vae, found = model.checkpoint.vae, np.full(len(smiles), np.inf)
    for rows, ids in _batches(model, smiles, _ROWS):
        z = torch.from_numpy(np.asarray(codes[rows], dtype=np.float32)).to(ids.device)
        found[rows] = _distortion(vae, ids, Gaussian(z, torch.zeros_like(z)), z).double().cpu().numpy()
    return found


def _batches(model: MolVAE, smiles: Sequence[str], size: int) -> Iterator[tuple[list[int], Tensor]]:
    """Rows of molecules of one length and their ids (B, T); rows the model has no symbols for are in none."""
    device = next(model.checkpoint.vae.parameters()).device
    by_length: dict[int, dict[int, list[int]]] = {}
    for row, text in enumerate(smiles):
        try:
            ids = model.checkpoint.tokenizer.encode([to_symbols(text)])[0].tolist() if text else []
        except MoleculeError:
            continue
        if ids:
            by_length.setdefault(len(ids), {})[row] = ids
    for tokens in by_length.values():
        rows = list(tokens)
        for part in (rows[start : start + size] for start in range(0, len(rows), size)):
            yield part, torch.tensor([tokens[row] for row in part], device=device)
