"""What a model is worth on MOSES: samples from the prior, with and without the round-trip filter, and the latent.

    python benchmarks/quality.py --model moses --out benchmarks/results/quality.json

`--against train --temperature T` compares temperatures without a look at the test set.

Validity, uniqueness and novelty of 30,000 samples; FCD/Test of 10,000 by the `fcd` package against MOSES' own reference
statistics of its test set (10,000 molecules of its training set score .13); exact reconstruction of 1,000 molecules of its test
set, greedy from the mean; rate, distortion and active units on 10,000 of them.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import common
import fcd
import numpy as np
import pandas as pd
import peers
import torch
from numpy.typing import NDArray

from molvae import MolVAE
from molvae.chem.molecules import Standardizer
from molvae.chem.selfies import to_symbols
from molvae.data.formats import read_rows
from molvae.data.moses import moses_file

_FOR_FCD = 10_000
_RECONSTRUCTED = 1_000
_SAMPLES = 30_000


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="moses")
    parser.add_argument("--samples", type=int, default=_SAMPLES)
    parser.add_argument("--temperature", type=float, default=None, help="the model's own by default")
    parser.add_argument("--top-p", type=float, default=None)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--against", choices=("test", "train"), default="test", help="FCD to the test set, or to 20,000 training molecules")
    parser.add_argument("--cache", type=Path, default=None)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/quality.json"))
    chosen = parser.parse_args()
    model = MolVAE.from_pretrained(chosen.model)
    reference = peers.reference_statistics(chosen.cache) if chosen.against == "test" else training_statistics()
    draw = {"seed": chosen.seed, "temperature": chosen.temperature, "top_p": chosen.top_p}
    filtered = model.sample(chosen.samples, distinct=False, **draw)
    raw = model.sample(chosen.samples, raw=True, **draw)
    test = [row.text for row in read_rows(moses_file("test"))]
    figures = {
        "filtered": sample_figures(filtered) | {f"fcd_{chosen.against}": distance(filtered, reference)},
        "raw": sample_figures(raw) | {f"fcd_{chosen.against}": distance(raw, reference)},
        "latent": latent_figures(model, random.Random(0).sample(test, 10_000)),
        "sampling": {key: filtered.attrs[key] for key in ("seed", "temperature", "top_p")},
    }
    common.write_result(chosen.out, "quality", figures, table(figures))


def sample_figures(frame: pd.DataFrame) -> dict[str, float]:
    """Shares of a set of samples, as MOSES defines them: unique and novel among the valid."""
    valid = frame[frame["valid"]]
    first = valid["smiles"].head(10_000)
    return {
        "samples": len(frame),
        "acceptance": float(frame.attrs["accepted"]),
        "valid": float(frame["valid"].mean()),
        "unique_at_10k": first.nunique() / len(first),
        "novel": float(valid.drop_duplicates("smiles")["novel"].mean()),
    }


def training_statistics(count: int = 20_000) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Statistics of a random part of the training set, for choices that must not see the test set."""
    rows = [row.text for row in read_rows(moses_file("train"))]
    return activations_statistics(random.Random(0).sample(rows, count))


def distance(frame: pd.DataFrame, reference: tuple[NDArray[np.float64], NDArray[np.float64]]) -> float:
    """FCD of the first 10,000 valid samples to a reference given by mean and covariance."""
    return frechet(frame.loc[frame["valid"], "smiles"].head(_FOR_FCD).tolist(), reference)


def frechet(smiles: list[str], reference: tuple[NDArray[np.float64], NDArray[np.float64]]) -> float:
    """Frechet ChemNet distance (Preuer et al. 2018, doi:10.1021/acs.jcim.8b00234)."""
    mean, covariance = activations_statistics(smiles)
    return float(fcd.calculate_frechet_distance(mu1=mean, mu2=reference[0], sigma1=covariance, sigma2=reference[1]))


@torch.no_grad()
def activations_statistics(smiles: list[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and covariance of ChemNet's activations."""
    from fcd.utils import SmilesDataset

    net, rows = fcd.load_ref_model(), SmilesDataset(smiles)
    batches = (range(start, min(start + 256, len(smiles))) for start in range(0, len(smiles), 256))
    found = [net(torch.stack([torch.as_tensor(rows[i]) for i in batch]).transpose(1, 2).float()).numpy() for batch in batches]
    activations = np.concatenate(found).astype(np.float64)
    return activations.mean(axis=0), np.cov(activations.T)


@torch.inference_mode()
def latent_figures(model: MolVAE, smiles: list[str]) -> dict[str, float]:
    """Exact reconstruction, rate and distortion (nats a molecule) and active units."""
    checkpoint, standard = model.checkpoint, Standardizer()
    by_length: dict[int, list[NDArray[np.int16]]] = {}
    for ids in checkpoint.tokenizer.encode([to_symbols(standard(text)) for text in smiles]):
        by_length.setdefault(len(ids), []).append(ids)
    noise = torch.Generator().manual_seed(0)
    terms = [checkpoint.vae(torch.from_numpy(np.stack(rows).astype(np.int64)), noise) for rows in by_length.values()]
    rate, distortion = torch.cat([t.rate for t in terms]), torch.cat([t.distortion for t in terms])
    return {
        "exact_reconstruction": float(model.reconstruct(smiles[:_RECONSTRUCTED])["exact"].mean()),
        "rate": float(rate.sum(dim=1).mean()),
        "distortion": float(distortion.mean()),
        "elbo": float(rate.sum(dim=1).mean() + distortion.mean()),
        "active_units": int((torch.cat([t.mean for t in terms]).var(dim=0) > 0.01).sum()),
        "dimensions": rate.shape[1],
    }


def table(figures: dict[str, dict[str, float]]) -> str:
    """The figures as markdown."""
    rows = [[name, *(f"{figures[kind][name]:,.4g}" for kind in ("filtered", "raw"))] for name in figures["raw"]]
    latent = [[name, f"{value:,.4g}"] for name, value in figures["latent"].items()]
    return common.markdown(["samples", "round-trip filter", "raw"], rows) + "\n" + common.markdown(["latent", ""], latent)


if __name__ == "__main__":
    main()
