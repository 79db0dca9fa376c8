"""Health of a model's latent space, on molecules it was not trained on: what its codes tell, and whether the prior fits them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from molvae.chem.selfies import to_symbols
from molvae.chem.similarity import similarity_of
from molvae.data.batching import EqualLengthBatches
from molvae.errors import DataError
from molvae.evaluate.metrics import Metrics, Progress
from molvae.latent.likelihood import tightening, weigh
from molvae.model import MolVAE
from molvae.nn.gaussian import Gaussian
from molvae.nn.vae import VAE

#: What `latent_health` measures, in the order it is shown.
NAMES = (
    "rate", "distortion", "elbo", "iwae", "exact_reconstruction", "exact_reconstruction_sampled", "tanimoto_of_misses",
    "active_units", "dimensions", "mutual_information", "prior_gap",
)  # fmt: skip

_ACTIVE = 0.01  # least variance of the posterior mean of an active unit, of Burda et al.
_BATCH = 128  # molecules whose logits are in memory at once
_A_DIMENSION = 10  # molecules that a covariance asks for
_MAPPED = 1_500  # points of each kind on the map
_NO_POSTERIOR = "a plain autoencoder has codes, but no posterior over them"
_OF_POSTERIORS = ("rate", "elbo", "iwae", "exact_reconstruction_sampled", "mutual_information")

_Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LatentHealth:
    """What was found out about a latent space.

    Attributes:
        metrics: see `latent_health`.
        verdict: one sentence; it begins with alive, partial collapse, posterior collapse or plain autoencoder.
        reconstructions: canonical SMILES of molecules and of what came back from the posterior mean, empty where nothing did.
        codes: a code drawn from each posterior (n, 2) and draws from the prior (m, 2), on the two principal components of the posterior
            means.
        encoded: canonical SMILES of the molecules that could be encoded.
        refused: how many could not, by reason.
    """

    metrics: Metrics
    verdict: str
    reconstructions: list[tuple[str, str]]
    codes: tuple[_Floats, _Floats]
    encoded: list[str]
    refused: dict[str, int]


@dataclass(frozen=True, eq=False)
class _Held:
    """Molecules that could be encoded: canonical SMILES, and posterior means and log-variances (n, D)."""

    smiles: list[str]
    means: NDArray[np.float32]
    log_variances: NDArray[np.float32]

    def drawn(self, count: int, seed: int) -> NDArray[np.float32]:
        """A code from each of the first `count` posteriors: (count, D)."""
        means, spreads = self.means[:count], np.exp(0.5 * self.log_variances[:count])
        return np.asarray(means + spreads * np.random.default_rng(seed).standard_normal(means.shape, dtype=np.float32))


def latent_health(
    model: MolVAE,
    smiles: Sequence[str],
    *,
    seed: int = 0,
    iwae_samples: int = 64,
    iwae_molecules: int = 500,
    reconstructed: int = 1_000,
    progress: Progress | None = None,
) -> LatentHealth:
    """Measure a latent space on molecules the model was not trained on, in an order by chance.

    All in nats a molecule unless said otherwise:

    - rate: mean KL from the posterior to N(0, I); distortion: mean -log p(x|z), one code a molecule; elbo: their sum, an upper bound of
      -log p(x).
    - iwae: the importance-weighted bound of -log p(x), tighter than the ELBO (Burda et al. 2016, arXiv:1509.00519). How much tighter is
      measured on the first `iwae_molecules`, both bounds by the same `iwae_samples` codes each, and taken off the ELBO of all, so
      that the figures compare although they are of different numbers of molecules.
    - exact_reconstruction: share that comes back as the same canonical SMILES, of the first `reconstructed`, greedily from the
      posterior mean; exact_reconstruction_sampled: from a code drawn from the posterior; tanimoto_of_misses: mean Tanimoto similarity of
      molecule and reconstruction where they differ (from the mean; 0 where nothing came back), not there when none do.
    - active_units: dimensions whose posterior mean has a variance above 0.01 (Burda et al.), of `dimensions`.
    - prior_gap: KL from the Gaussian with the mean and covariance of the aggregated posterior to N(0, I). The KL of the aggregated
      posterior itself is this and its KL to that Gaussian, so this is a floor. Estimated from n molecules it is too large by at most about
      D²/4n. mutual_information: rate - prior_gap, a ceiling of the mutual information of molecule and code, since with the
      true gap it would be equal (Hoffman and Johnson 2016, ELBO surgery).

    Args:
        model: the model.
        smiles: molecules; those the model cannot encode are counted and left out.
        seed: of the codes drawn.
        iwae_samples: codes a molecule of the importance-weighted bound; they take time, not memory.
        iwae_molecules: molecules it is measured on.
        reconstructed: molecules that are decoded.
        progress: told of what is done.

    Returns:
        Of a plain autoencoder, whose codes have no noise, what needs a posterior is missing.

    Raises:
        DataError: none of the molecules can be encoded, or a number is below 1.
    """
    if min(iwae_samples, iwae_molecules, reconstructed) < 1:
        raise DataError(
            f"iwae_samples {iwae_samples}, iwae_molecules {iwae_molecules}, reconstructed {reconstructed}: each must be at least 1"
        )
    held, refused = _encoded(model, smiles)
    plain = model.checkpoint.vae.sizes.latent == "deterministic"
    pairs = _decoded(model, held, held.means[:reconstructed])
    values = _bounds(model, held, 0 if plain else iwae_samples, iwae_molecules, seed, progress) | _shares(pairs)
    values |= {} if plain else {"exact_reconstruction_sampled": _exact(_decoded(model, held, held.drawn(reconstructed, seed)))}
    values |= {"active_units": float((held.means.var(axis=0) > _ACTIVE).sum()), "dimensions": float(model.latent_size)}
    missing = _gap(held, values) | (dict.fromkeys(_OF_POSTERIORS, _NO_POSTERIOR) if plain else {})
    metrics = Metrics({name: values[name] for name in NAMES if name in values}, missing)
    return LatentHealth(metrics, verdict(metrics.values), pairs, _map(model, held, seed), held.smiles, refused)


def _encoded(model: MolVAE, smiles: Sequence[str]) -> tuple[_Held, dict[str, int]]:
    encoded = model.encode_all(smiles)
    refused = dict(Counter(problem.reason for problem in encoded.problems if problem))
    usable = encoded.usable
    if not usable:
        why = ", ".join(f"{reason}: {count:,}" for reason, count in refused.items()) or "there are none"
        raise DataError(f"none of the {len(smiles):,} molecules to encode can be encoded ({why})")
    return _Held([encoded.smiles[row] for row in usable], encoded.codes[usable], encoded.log_variances[usable]), refused


def _bounds(model: MolVAE, held: _Held, draws: int, molecules: int, seed: int, progress: Progress | None) -> dict[str, float]:
    """Rate, distortion and both bounds; the distortion alone where no draws are asked for."""
    vae = model.checkpoint.vae
    ids = [row.tolist() for row in model.checkpoint.tokenizer.encode([to_symbols(text) for text in held.smiles])]
    generator = torch.Generator(_device(vae)).manual_seed(seed)
    rate, distortion, gap, first = 0.0, 0.0, 0.0, min(molecules, len(ids))
    for batch, posterior in _batches(vae, held, ids, len(ids), "bounds", progress):
        distortion += float(weigh(vae, batch, posterior, posterior.sample(generator)).distortion.double().sum())
        rate += float(posterior.kl().double().sum())
    if not draws:
        return {"distortion": distortion / len(ids)}
    for batch, posterior in _batches(vae, held, ids, first, "importance-weighted bound", progress):
        weights = torch.stack([weigh(vae, batch, posterior, posterior.sample(generator)).log_weight for _ in range(draws)])  # (draws, B)
        gap += float(tightening(weights).sum())
    rate, distortion, gap = rate / len(ids), distortion / len(ids), gap / first
    return {"rate": rate, "distortion": distortion, "elbo": rate + distortion, "iwae": rate + distortion - gap}


def _device(vae: VAE) -> torch.device:
    return next(vae.parameters()).device


def _batches(
    vae: VAE, held: _Held, ids: Sequence[Sequence[int]], count: int, what: str, progress: Progress | None
) -> Iterator[tuple[Tensor, Gaussian]]:
    """The first `count` molecules in batches of equal length: ids (B, T) and posteriors (B, D)."""
    device, done = _device(vae), 0
    for rows in EqualLengthBatches(np.array([len(row) for row in ids[:count]]), _BATCH).epoch(0):
        posterior = Gaussian(*(torch.from_numpy(array[rows]).to(device) for array in (held.means, held.log_variances)))
        yield torch.tensor([list(ids[row]) for row in rows], device=device), posterior
        done += len(rows)
        if progress is not None:
            progress(what, done, count)


def _decoded(model: MolVAE, held: _Held, codes: NDArray[np.float32]) -> list[tuple[str, str]]:
    """The first molecules and what is written greedily for their codes (n, D)."""
    return list(zip(held.smiles[: len(codes)], model.decode(codes)["smiles"], strict=True))


def _exact(pairs: Sequence[tuple[str, str]]) -> float:
    return sum(given == back for given, back in pairs) / len(pairs)


def _shares(pairs: Sequence[tuple[str, str]]) -> dict[str, float]:
    values = {"exact_reconstruction": _exact(pairs)}
    misses = [similarity_of(given, back) for given, back in pairs if given != back]
    return values | ({"tanimoto_of_misses": float(np.mean(misses))} if misses else {})


def _gap(held: _Held, values: dict[str, float]) -> dict[str, str]:
    """Adds the gap and the mutual information to the values; says why where they cannot be had."""
    try:
        gap = prior_gap(held.means, held.log_variances)
    except DataError as error:
        return dict.fromkeys(("prior_gap", "mutual_information"), str(error))
    values |= {"prior_gap": gap} | ({"mutual_information": values["rate"] - gap} if "rate" in values else {})
    return {}


def prior_gap(means: NDArray[np.float32], log_variances: NDArray[np.float32]) -> float:
    """KL from the Gaussian with the moments of the aggregated posterior to N(0, I), in nats; see `latent_health`.

    Args:
        means: of the posteriors, (n, D).
        log_variances: of the same, (n, D); minus infinity for points.

    Raises:
        DataError: fewer than ten molecules a dimension, or codes that lie in fewer dimensions, whose gap is infinite.
    """
    count, size = means.shape
    if count < _A_DIMENSION * size:
        raise DataError(f"needs {_A_DIMENSION * size:,} molecules, {_A_DIMENSION} a dimension, got {count:,}")
    exact = means.astype(np.float64)
    centre = exact.mean(axis=0)
    spread = (exact - centre).T @ (exact - centre) / count + np.diag(np.exp(log_variances.astype(np.float64)).mean(axis=0))
    sign, volume = np.linalg.slogdet(spread)
    if sign <= 0:
        raise DataError("the codes lie in fewer dimensions than they have, which is infinitely far from N(0, I)")
    return float(0.5 * (np.trace(spread) + centre @ centre - size - volume))


def _map(model: MolVAE, held: _Held, seed: int) -> tuple[_Floats, _Floats]:
    """Codes drawn from the posteriors and from the prior on the principal components of the means: (n, 2) and (m, 2)."""
    centre = held.means.mean(axis=0)
    axes = np.linalg.svd(held.means - centre, full_matrices=False)[2][:2]
    noise = np.random.default_rng([seed, 1]).standard_normal((_MAPPED, model.latent_size), dtype=np.float32)
    both = [((codes - centre) @ axes.T).astype(np.float64) for codes in (held.drawn(_MAPPED, seed), _prior_codes(model, noise))]
    real, prior = (np.pad(points, ((0, 0), (0, 2 - points.shape[1]))) for points in both)  # one dimension has one component
    return real, prior


@torch.inference_mode()
def _prior_codes(model: MolVAE, noise: NDArray[np.float32]) -> NDArray[np.float32]:
    """Codes as `MolVAE.sample` draws them by default, from draws from N(0, I): (n, D)."""
    flow = model.checkpoint.prior
    if flow is None or model.checkpoint.sampling.prior != "learned":
        return noise
    return np.asarray(flow.push(torch.from_numpy(noise).to(flow.location.device)).cpu().numpy())


def verdict(values: Mapping[str, float]) -> str:
    """One sentence on the metrics of a latent space, by fixed rules.

    Below 1 nat, or with less than a tenth of the dimensions active, the posterior has collapsed; with less than half of them, in part.

    >>> verdict({"rate": 21.1, "active_units": 31, "dimensions": 32, "exact_reconstruction": 0.68})
    'alive: 31 of 32 dimensions carry 21.1 nats; 68% of molecules come back exactly'
    """
    active, size, exact = values["active_units"], values["dimensions"], _percent(values["exact_reconstruction"])
    ending = f"{exact} of molecules come back exactly"
    if "rate" not in values:
        return f"plain autoencoder: {active:.0f} of {size:.0f} dimensions in use, without noise; {ending}"
    said = f"{active:.0f} of {size:.0f} dimensions carry {values['rate']:.1f} nats; {ending}"
    if values["rate"] < 1 or active < 0.1 * size:
        return f"posterior collapse: {said}"
    return f"{'partial collapse' if active < 0.5 * size else 'alive'}: {said}"


def _percent(share: float) -> str:
    """Whole percents; neither a few misses nor a few hits are rounded away.

    >>> [_percent(share) for share in (0.0, 0.002, 0.684, 0.998, 1.0)]
    ['0%', '<1%', '68%', '>99%', '100%']
    """
    text = f"{share:.0%}"
    if 0 < share < 1:
        return {"0%": "<1%", "100%": ">99%"}.get(text, text)
    return text
