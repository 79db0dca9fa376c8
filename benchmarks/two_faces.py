"""A model that also writes without a code, on MOSES: what it remembers, and what its samples are worth by each way of drawing them.

    python benchmarks/two_faces.py --model moses-relative --out benchmarks/results/two_faces.json

Exact reconstruction, greedily, of 1,000 molecules of MOSES' test set, from the posterior mean and from a drawn code; -log p(x) without
a code of the same molecules. For each prior the share of draws that survive the round trip, and FCD/Test of as many raw draws and
survivors (10,000 real training molecules have .13). "written" is a sample from the prior that has gone through the code.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import common
import numpy as np
import pandas as pd

from molvae import MolVAE
from molvae.data.moses import moses_file
from molvae.evaluate import chemnet
from molvae.nn.sampling import Prior

_MOLECULES = 1_000
_PRIORS: tuple[Prior, ...] = ("written", "none", "gaussian")


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="moses-relative")
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/two_faces.json"))
    chosen = parser.parse_args()
    model = MolVAE.from_pretrained(chosen.model)
    figures: dict[str, object] = {"model": chosen.model, "samples": chosen.samples, "remembers": remembers(model)}
    figures["priors"] = {prior: samples(model, prior, chosen.samples, chosen.seed) for prior in _PRIORS}
    common.write_result(chosen.out, "two_faces", figures, table(figures))


def remembers(model: MolVAE) -> dict[str, float]:
    """Exact reconstruction and likelihood on test molecules."""
    test = pd.read_csv(moses_file("test"))["SMILES"]
    chosen = test.iloc[np.random.default_rng(0).choice(len(test), _MOLECULES, replace=False)].tolist()
    drawn = model.encode_all(chosen, sample=True)
    return {
        "exact, from the mean": float(model.reconstruct(chosen)["exact"].mean()),
        "exact, from a drawn code": float(np.mean([a == b for a, b in zip(model.decode_greedily(drawn), drawn.smiles, strict=True)])),
        "-log p(x) without code, nats": -float(np.mean(model.log_likelihood(chosen))),
    }


def samples(model: MolVAE, prior: Prior, count: int, seed: int) -> dict[str, float]:
    """What a prior's samples are worth, raw and after the round trip."""
    raw = model.sample(count, seed=seed, prior=prior, raw=True)
    kept = model.sample(count, seed=seed, prior=prior, distinct=False)
    return {
        "survive the round trip": float(raw["survives"].mean()),
        "novel, of the survivors": float(kept["novel"].mean()),
        "FCD/Test, raw": fcd(raw.loc[raw["valid"], "smiles"].tolist()),
        "FCD/Test, survivors": fcd(kept["smiles"].tolist()),
    }


def fcd(smiles: list[str]) -> float:
    """Distance to MOSES' test set."""
    return float(chemnet.frechet(chemnet.statistics(smiles), chemnet.moses_statistics("test")))


def table(figures: dict[str, object]) -> str:
    """The figures as markdown."""
    remembered: dict[str, float] = figures["remembers"]  # type: ignore[assignment]
    priors: dict[str, dict[str, float]] = figures["priors"]  # type: ignore[assignment]
    first = common.markdown([str(figures["model"]), ""], [[name, f"{value:.3f}"] for name, value in remembered.items()])
    names = list(next(iter(priors.values())))
    rows = [[name, *(f"{values[name]:.3f}" for values in priors.values())] for name in names]
    title = f"{figures['samples']:,} samples, prior"
    return f"{first}\n\n{common.markdown([title, *priors], rows)}"


if __name__ == "__main__":
    main()
