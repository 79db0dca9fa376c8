"""What is gained by the noise of a VAE: a plain autoencoder, a denoising one and a VAE, trained for the same time and asked the same.

    python benchmarks/ae_vs_vae.py --seconds 240

All three have the sizes of recipes/moses.toml and its corpus. The autoencoders have a code without noise and no KL term (`latent =
"deterministic"`); the denoising one reads molecules with a tenth of the tokens replaced (`corruption = 0.1`); the VAE's rate is
steered to 21 nats. Asked are:

- exact reconstruction of 1,000 molecules of the MOSES test set, greedy from the mean;
- FCD/Test of 10,000 samples, raw and of those that survive the round trip (at most 200,000 draws to find them), at temperature 1,
  with codes from N(0, I), from the Gaussian with the mean and covariance of the codes of training molecules, and from a flow
  fitted to such codes;
- the straight line between the codes of 100 pairs of test molecules, 9 points of it decoded greedily;
- how far the codes of training molecules, as a whole, are from N(0, I): KL of the Gaussian with their moments.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import common
import numpy as np
import torch
from ae_vs_vae_picture import picture
from numpy.typing import NDArray
from trained import (
    RECIPE,
    add_training_arguments,
    exact_reconstruction,
    fcd_test,
    kept,
    moses_test,
    save_picture,
    text_of,
    toml,
    trained,
)

from molvae import MolVAE
from molvae.checkpoint import Checkpoint
from molvae.chem.molecules import parse
from molvae.chem.selfies import Reading
from molvae.chem.similarity import bit_matrix, tanimoto
from molvae.nn.prior import Flow, FlowSizes
from molvae.nn.sampling import SamplingSettings
from molvae.sampling import BLOCK, Sampler
from molvae.second_stage import training_molecules
from molvae.training.recipe import Recipe

RATE = 21.0  # nats a molecule
POINTS = 9  # of a line between two codes
_PRIORS = {"standard": "N(0, I)", "moments": "Gaussian fitted to the codes", "flow": "flow fitted to the codes"}
_CODES = 20_000  # training molecules whose codes are looked at
_ON_MAP = 1_500
_PATIENCE = 20  # draws for each sample wanted

_Floats = NDArray[np.float64]


class Moments(Flow):
    """The Gaussian with the mean and the covariance of some codes, in the place of a learned prior.

    Args:
        codes: (n, D).
    """

    def __init__(self, codes: _Floats) -> None:
        super().__init__(FlowSizes(codes.shape[1], layers=1))
        values, vectors = np.linalg.eigh(np.cov(codes.T))
        root = vectors * np.sqrt(np.maximum(values, 0))
        self.register_buffer("root", torch.from_numpy(root.T).float())
        self.location.copy_(torch.from_numpy(codes.mean(axis=0)))

    def push(self, noise: torch.Tensor) -> torch.Tensor:
        """Codes for draws from N(0, I): (B, D) -> (B, D)."""
        return noise @ self.get_buffer("root") + self.location


def from_standard(codes: _Floats) -> float:
    """KL to N(0, I), in nats, of the Gaussian with the mean and covariance of codes (n, D).

    >>> square = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    >>> from_standard(square), from_standard(square + [2.0, 0.0])
    (0.0, 2.0)
    """
    mean, covariance = codes.mean(axis=0), np.cov(codes.T, bias=True)
    return float(0.5 * (np.trace(covariance) + mean @ mean - len(mean) - np.linalg.slogdet(covariance)[1]))


def projected(codes: _Floats, count: int = _ON_MAP) -> list[list[float]]:
    """The first codes on the plane of greatest variance through the origin, where N(0, I) stays N(0, I): (n, D) to (count, 2)."""
    directions = np.linalg.eigh(np.cov(codes.T))[1][:, :-3:-1]
    return [[round(float(x), 3), round(float(y), 3)] for x, y in codes[:count] @ directions]


def sample_figures(checkpoint: Checkpoint, prior: str, n: int, seed: int) -> dict[str, Any]:
    """What n samples at temperature 1 are worth: valid and surviving share of the draws, FCD/Test raw and of survivors."""
    sampler = Sampler(checkpoint, SamplingSettings(prior=prior), seed)
    readings: list[Reading] = []
    survivors: list[str] = []
    while len(readings) < n or (len(survivors) < n and len(readings) < _PATIENCE * n):
        new = sampler.draw(len(readings) // BLOCK, min(16, -(-n // BLOCK))).readings
        readings += new
        survivors += [reading.smiles for reading in new if reading.survives]
    raw, surviving = [reading.smiles for reading in readings[:n]], len(survivors) / len(readings)
    return {
        "valid": sum(map(bool, raw)) / n,
        "unique": len(set(raw) - {""}) / n,
        "surviving": surviving,
        "survivors": len(survivors[:n]),
        "fcd_raw": fcd_test(raw, n),
        "fcd_filtered": fcd_test(survivors[:n], n),
    }


def interpolation(model: MolVAE, pairs: int) -> dict[str, float]:
    """Straight lines between the codes of pairs of test molecules, decoded greedily at `POINTS` points, ends included."""
    ends = model.encode_all(moses_test()[-2 * pairs :])
    codes = ends.codes[ends.usable][: len(ends.usable) // 2 * 2].reshape(-1, 2, 1, model.latent_size)
    share = np.linspace(0, 1, POINTS)[:, None]
    lines = codes[:, 0] * (1 - share) + codes[:, 1] * share
    written = model.decode(lines.reshape(-1, model.latent_size))
    paths = [[text for text in path if text] for path in written["smiles"].to_numpy().reshape(-1, POINTS)]
    steps = [distances(path) for path in paths if len(path) > 1]
    return {
        "pairs": len(paths),
        "valid": float((written["smiles"] != "").mean()),
        "surviving": float(written["survives"].mean()),
        "distinct": float(np.mean([len(set(path)) for path in paths])),
        "distance_mean": float(np.concatenate(steps).mean()),
        "distance_largest": float(np.mean([step.max() for step in steps])),
    }


def distances(path: list[str]) -> _Floats:
    """Tanimoto distance of each molecule of a path to the next: n SMILES to (n - 1,).

    >>> distances(["CCO", "CCO", "CCCO"]).round(3).tolist()
    [0.0, 0.444]
    """
    bits = bit_matrix(map(parse, path))
    return 1 - np.array([tanimoto(a[None], b[None])[0, 0] for a, b in pairwise(bits)], dtype=np.float64)


def figures_of(model: MolVAE, args: argparse.Namespace) -> dict[str, Any]:
    """Everything that is asked of a model."""
    drawn = training_molecules(args.data, _CODES)
    encoded = model.encode_all(drawn, sample=True)
    codes = encoded.codes[encoded.usable].astype(np.float64)
    fitted = model.fit_prior(args.data, molecules=args.prior_molecules, steps=args.prior_steps)
    sources = {"standard": (None, "gaussian"), "moments": (Moments(codes), "learned"), "flow": (fitted.flow, "learned")}
    checkpoints = {name: (replace(model.checkpoint, prior=flow), prior) for name, (flow, prior) in sources.items()}
    return {
        "steps": int(model.checkpoint.figures["step"]),
        "exact_reconstruction": exact_reconstruction(model, args.reconstructed),
        "from_standard": from_standard(codes),
        "samples": {name: sample_figures(*each, args.samples, args.seed) for name, each in checkpoints.items()},
        "interpolation": interpolation(model, args.pairs),
        "map": projected(codes),
    }


def recipes(args: argparse.Namespace) -> dict[str, Recipe]:
    """The three of them by name."""
    source = args.data if args.data == "moses" else str(Path(args.data).resolve())
    base = Recipe.load(RECIPE).updated(data={"source": source}, train={"max_time": args.seconds})
    plain = base.updated(model={"latent": "deterministic"})
    return {
        "autoencoder": plain,
        "denoising autoencoder": plain.updated(train={"corruption": 0.1}),
        "VAE": base.updated(rate={"target": [[0.0, RATE]]}),
    }


def measured(name: str, recipe: Recipe, args: argparse.Namespace) -> dict[str, Any]:
    """Figures of one model, from the work folder or measured now."""
    folder = args.work / name.replace(" ", "_")
    asked = {key: getattr(args, key) for key in ("samples", "pairs", "reconstructed", "prior_molecules", "prior_steps", "seed")}

    def measure() -> dict[str, Any]:
        model = trained(folder, recipe, args.devices)
        common.say(f"measuring {name}")
        return figures_of(model, args)

    return kept(folder / "figures.json", asked | {"recipe": toml(recipe), "devices": args.devices}, measure)


def table(found: dict[str, dict[str, Any]]) -> str:
    """The figures as markdown."""
    one: dict[str, Callable[[dict[str, Any]], str]] = {
        "steps of training": lambda f: f"{f['steps']:,}",
        "exact reconstruction": lambda f: text_of(f["exact_reconstruction"]),
        "codes from N(0, I), KL in nats": lambda f: text_of(f["from_standard"], 2),
        "line: valid steps": lambda f: text_of(f["interpolation"]["valid"]),
        "line: steps that survive the round trip": lambda f: text_of(f["interpolation"]["surviving"]),
        f"line: distinct molecules of {POINTS}": lambda f: text_of(f["interpolation"]["distinct"], 2),
        "line: Tanimoto distance of neighbours, mean": lambda f: text_of(f["interpolation"]["distance_mean"]),
        "line: the same, largest of a line (mean over lines)": lambda f: text_of(f["interpolation"]["distance_largest"]),
    }
    rows = [[label, *(value(figures) for figures in found.values())] for label, value in one.items()]
    labels = {"fcd_filtered": "FCD/Test, survivors", "fcd_raw": "FCD/Test, raw", "surviving": "survive the round trip",
              "valid": "valid", "unique": "unique, share of the draws"}  # fmt: skip
    for prior, title in _PRIORS.items():
        rows.append(
            [
                f"{title}: survivors judged (an FCD rises as they get fewer)",
                *(f"{f['samples'][prior]['survivors']:,}" for f in found.values()),
            ]
        )
        rows += [[f"{title}: {label}", *(text_of(f["samples"][prior][key]) for f in found.values())] for key, label in labels.items()]
    return common.markdown(["", *found], rows)


def parse_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_training_arguments(parser, "ae_vs_vae", 240.0)
    parser.add_argument("--samples", type=int, default=10_000, help="for each FCD")
    parser.add_argument("--pairs", type=int, default=100, help="molecules to draw lines between")
    parser.add_argument("--prior-molecules", type=int, default=100_000, help="whose codes the flow is fitted to")
    parser.add_argument("--prior-steps", type=int, default=3_000)
    return parser.parse_args()


def main() -> None:
    """Train, measure, write table and picture."""
    args, before = parse_options(), common.machine()
    found = {name: measured(name, recipe, args) for name, recipe in recipes(args).items()}
    save_picture(picture(found, args.seconds), args.out.with_suffix(".png"))
    figures = {name: {key: value for key, value in each.items() if key != "map"} for name, each in found.items()}
    text = f"{table(found)}\n\n![codes and figures of the three models]({args.out.stem}.png)"
    settings = {key: str(value) if isinstance(value, Path) else value for key, value in vars(args).items() if key not in ("work", "out")}
    title = f"Autoencoder, denoising autoencoder and VAE after {args.seconds:g} s of training each"
    common.write_result(args.out, title, figures, text, before, settings=settings)


if __name__ == "__main__":
    with common.plain_errors():
        main()
