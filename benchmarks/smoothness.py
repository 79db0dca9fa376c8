"""How smooth the codes of models are: what is near a code, and what lies on the straight line between two.

    python benchmarks/smoothness.py --models moses moses-relative

From 300 molecules of MOSES' test set. Near: codes at a fixed distance from a posterior mean in random directions, ten each, decoded
greedily; the distance is a share of the mean distance between two posterior means, so that models of different dimensions compare. Given
are the mean Tanimoto similarity (Morgan, as `molvae neighbors` gives it) to the molecule and the share that survives the round trip.
Lines: nine points between each two of 300 pairs, decoded greedily; the share that survives, and the mean similarity of one to the next.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path

import common
import numpy as np
from numpy.typing import NDArray
from trained import moses_test

from molvae import MolVAE
from molvae.chem.similarity import similarity_of

_MOLECULES, _EACH, _POINTS = 300, 10, 9
_DISTANCES = (0.1, 0.2, 0.3, 0.5)
_Codes = NDArray[np.float32]


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["moses", "moses-relative"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=common.RESULTS / "smoothness.json")
    chosen = parser.parse_args()
    figures = {name: smoothness(MolVAE.from_pretrained(name), chosen.seed) for name in chosen.models}
    names = list(next(iter(figures.values())))
    rows = [[name, *(f"{values[name]:.3f}" for values in figures.values())] for name in names]
    common.write_result(chosen.out, "smoothness", figures, common.markdown(["", *figures], rows))


def smoothness(model: MolVAE, seed: int) -> dict[str, float]:
    """All figures of one model."""
    random = np.random.default_rng(seed)
    smiles = random.permutation(moses_test())[: 2 * _MOLECULES].tolist()
    codes = model.encode(smiles)
    first, second = codes[:_MOLECULES], codes[_MOLECULES:]
    between = float(np.linalg.norm(first - second, axis=1).mean())
    figures: dict[str, float] = {"mean distance of two molecules": between}
    for share in _DISTANCES:
        figures |= near(model, smiles[:_MOLECULES], first, share * between, f"at {share:g} of it", random)
    return figures | lines(model, first, second)


def near(model: MolVAE, smiles: list[str], codes: _Codes, distance: float, title: str, random: np.random.Generator) -> dict[str, float]:
    """What greedy decodings at a distance from the codes of molecules are."""
    ways = random.standard_normal((len(codes), _EACH, codes.shape[1])).astype(np.float32)
    ways *= distance / np.linalg.norm(ways, axis=2, keepdims=True)
    frame = model.decode((codes[:, None] + ways).reshape(-1, codes.shape[1]))
    pairs = zip(np.repeat(smiles, _EACH).tolist(), frame["smiles"], strict=True)
    alike = [similarity_of(one, other) if other else 0.0 for one, other in pairs]
    return {f"similarity {title}": float(np.mean(alike)), f"survive {title}": float(frame["survives"].mean())}


def lines(model: MolVAE, first: _Codes, second: _Codes) -> dict[str, float]:
    """What greedy decodings on straight lines are."""
    places = np.linspace(0, 1, _POINTS + 2, dtype=np.float32)[1:-1, None]
    codes = first[:, None] + places * (second - first)[:, None]
    frame = model.decode(codes.reshape(-1, first.shape[1]))
    written = frame["smiles"].to_numpy().reshape(-1, _POINTS)
    steps = [similarity_of(one, other) if one and other else 0.0 for row in written for one, other in pairwise(row)]
    return {"survive on straight lines": float(frame["survives"].mean()), "similarity of one point to the next": float(np.mean(steps))}


if __name__ == "__main__":
    main()
