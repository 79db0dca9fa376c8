"""How well properties are read off codes: the heads of a model, their domain, and heads learned from few labels.

    python benchmarks/properties.py --zinc zinc250k.smi.gz

Three parts. First the heads of the model on held-out MOSES test molecules: from the posterior mean, and from a code drawn from the
posterior, which is what a search of the latent space sees; truth is what RDKit computes. Then the flag `applicable` of
`molvae predict`: errors of the same heads on molecules inside and outside of the domain, for MOSES test molecules, molecules of ZINC250k
that the model can encode (only with `--zinc`), and MOSES test molecules with the partners of two bonds exchanged three times (see
benchmarks/novelty.py).
Last few labels: the measured values of data/biogen_adme.csv (see data/README.md) of molecules that the model can encode, and Bertz's
complexity of MOSES test molecules, which is computed, where more molecules are needed. They are learned from 50, 200 and 1,000 molecules
and tested on up to 1,000 others: by Gaussian processes on codes, with and without what the model's heads say of them (the first is what
`molvae fit-properties` does), by ensembles on codes, and by a random forest on Morgan fingerprints (200 trees; its interval has one
width, the 90th percentile of the out-of-bag errors). Each is repeated with other molecules.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import common
import numpy as np
import pandas as pd
import torch
from novelty import rewired
from numpy.typing import NDArray
from rdkit.Chem import GraphDescriptors
from sklearn.ensemble import RandomForestRegressor
from trained import moses_test

from molvae import MolVAE
from molvae.chem.molecules import parse
from molvae.chem.properties import PROPERTIES, compute
from molvae.chem.similarity import bit_matrix
from molvae.data.assays import read_table
from molvae.data.formats import read_rows
from molvae.errors import DataError
from molvae.latent.fit_properties import computed_heads, labelled
from molvae.nn.heads import Column
from molvae.training.gaussian_process import fit_gaussian_process
from molvae.training.heads import NINETY, figures, fit_ensemble

_ASSAYS = Path(__file__).parents[1] / "data" / "biogen_adme.csv"
_TESTED_AT_LEAST, _TESTED_AT_MOST = 100, 1_000
_Floats = NDArray[np.float64]
_Said = tuple[_Floats, _Floats]


def names_of(model: MolVAE) -> list[str]:
    """Properties that the model has heads for and RDKit computes."""
    names = [column.name for column in model.properties if column.name in PROPERTIES]
    if not names:
        raise DataError("the model has no heads for computed properties")
    return names


def of_heads(model: MolVAE, smiles: Sequence[str], seed: int) -> list[dict[str, Any]]:
    """R², RMSE and coverage of each property, from the mean and from a drawn code."""
    names, truth = names_of(model), compute(smiles, names_of(model))
    rows: dict[str, dict[str, Any]] = {name: {"property": name, "unit": PROPERTIES[name].unit} for name in names}
    for kind, draw in (("mean", False), ("sampled", True)):
        mean, deviation = model.predict_codes(model.encode(smiles, sample=draw, seed=seed, refused="nan"), names, drawn=draw)
        for at, name in enumerate(names):
            known = ~np.isnan(mean[:, at])
            found = figures(truth[name].to_numpy()[known], mean[known, at], deviation[known, at])
            rows[name] |= {f"{kind}_{what}": value for what, value in found.items()}
    return list(rows.values())


def of_domain(model: MolVAE, kinds: dict[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Errors inside and outside of the domain, RMSE over that of the MOSES test molecules inside, mean over the properties."""
    names, rows = names_of(model), []
    unit: pd.Series[float] | None = None
    for kind, smiles in kinds.items():
        frame = model.predict(smiles, names)
        frame = frame[frame["smiles"] != ""]
        squared = pd.DataFrame({name: (frame[f"{name}_predicted"] - frame[f"{name}_computed"]) ** 2 for name in names})
        within = pd.DataFrame(
            {name: (frame[f"{name}_predicted"] - frame[f"{name}_computed"]).abs() <= NINETY * frame[f"{name}_std"] for name in names}
        )
        inside = frame["applicable"]
        unit = squared[inside].mean() if unit is None else unit
        row: dict[str, Any] = {"molecules": kind, "count": len(frame), "outside": float(1 - inside.mean())}
        for where, chosen in (("inside", inside), ("outside", ~inside)):
            row[f"error_{where}"] = float(((squared[chosen].mean() / unit) ** 0.5).mean())
            row[f"coverage_{where}"] = float(within[chosen].mean().mean())
        rows.append(row)
    return rows


def strangers(model: MolVAE, zinc: Path | None, count: int, seed: int) -> dict[str, Sequence[str]]:
    """Molecules unlike those of MOSES, by kind."""
    kinds: dict[str, Sequence[str]] = {"MOSES test": moses_test()[-count:]}
    if zinc is not None:
        rows = [row.text for row in read_rows(zinc)]
        drawn = random.Random(seed).sample(rows, min(4 * count, len(rows)))
        encoded = model.encode_all(drawn)
        kinds["ZINC250k"] = [drawn[row] for row in encoded.usable][:count]
    kinds["rewired"] = list(islice(rewired(moses_test()[-2 * count :], random.Random(seed)), count))
    return kinds


def forest(train: NDArray[np.uint8], targets: _Floats, test: NDArray[np.uint8], seed: int) -> _Said:
    """Random forest on fingerprints: mean and, from the out-of-bag errors, one standard deviation for all."""
    model = RandomForestRegressor(200, oob_score=True, random_state=seed, max_features=1 / 3).fit(train, targets)
    width = np.quantile(np.abs(model.oob_prediction_ - targets), 0.9) / NINETY
    return model.predict(test), np.full(len(test), width)


@dataclass(frozen=True)
class Labels:
    """Values of one property.

    Attributes:
        name: of the property.
        codes: of n molecules, (n, D).
        bits: their fingerprints, (n, 1024).
        values: (n,).
    """

    name: str
    codes: NDArray[np.float32]
    bits: NDArray[np.uint8]
    values: _Floats


def sources(model: MolVAE) -> Iterator[Labels]:
    """The measured properties, and a computed one for which there are molecules enough."""
    found = labelled(model, read_table(_ASSAYS))
    bits = bit_matrix(parse(text) for text in found.smiles)
    for name in found.values:
        values = found.values[name].to_numpy()
        known = ~np.isnan(values)
        yield Labels(str(name), found.codes[known], bits[known], values[known])
    smiles = moses_test()[20_000:22_000]
    mols = [parse(text) for text in smiles]
    yield Labels("BertzCT (computed)", model.encode(smiles), bit_matrix(mols), np.array([GraphDescriptors.BertzCT(mol) for mol in mols]))


def of_few(model: MolVAE, sizes: Sequence[int], repeats: int) -> list[dict[str, Any]]:
    """Errors, coverage and widths of intervals of what is learned from few values."""
    rows = []
    for labels in sources(model):
        for size in (size for size in sizes if size + _TESTED_AT_LEAST <= len(labels.values)):
            common.say(f"{labels.name}: {size} of {len(labels.values):,} molecules")
            parts: dict[str, list[dict[str, float]]] = {}
            for repeat in range(repeats):
                order = np.random.default_rng(repeat).permutation(len(labels.values))
                train, test = order[:size], order[size : size + _TESTED_AT_MOST]
                for method, learn in _methods(model, labels, repeat).items():
                    mean, deviation = learn(train, test)
                    judged = figures(labels.values[test], mean, deviation) | {"width": float(2 * NINETY * deviation.mean())}
                    parts.setdefault(method, []).append(judged)
            for method, each in parts.items():
                mean_of = {what: float(np.mean([part[what] for part in each])) for what in each[0]}
                rows.append({"column": labels.name, "labelled": size, "method": method, "tested": len(test)} | mean_of)
    return rows


def _methods(model: MolVAE, labels: Labels, seed: int) -> dict[str, Callable[..., _Said]]:
    """What learns from rows and predicts others."""

    def heads(fit: Callable[..., Any], **options: Any) -> Callable[..., _Said]:
        def learn(train: NDArray[np.int64], test: NDArray[np.int64]) -> _Said:
            fitted = fit(labels.codes[train], labels.values[train, None], [Column(labels.name)], seed=seed, **options)
            with torch.inference_mode():
                mean, deviation = (part[:, 0].double().numpy() for part in fitted.heads(torch.from_numpy(labels.codes[test])))
            return mean, deviation

        return learn

    known = computed_heads(model)
    with_heads = {"GP on codes and heads": heads(fit_gaussian_process, folds=0, features=known)} if known else {}
    return with_heads | {
        "GP on codes": heads(fit_gaussian_process, folds=0),
        "ensemble on codes": heads(fit_ensemble),
        "random forest on fingerprints": lambda train, test: forest(labels.bits[train], labels.values[train], labels.bits[test], seed),
    }


def _page(
    heads: Sequence[dict[str, Any]], domain: Sequence[dict[str, Any]], few: Sequence[dict[str, Any]], args: argparse.Namespace
) -> str:
    def cell(value: object) -> str:
        return common.number_text(value) if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)

    def table(rows: Sequence[dict[str, Any]], header: Sequence[str]) -> str:
        return common.markdown(header, [[cell(value) for value in row.values()] for row in rows])

    parts = [
        f"## Heads of {args.model} on {args.molecules:,} MOSES test molecules\n",
        table(heads, ["property", "unit", "R² (mean)", "RMSE", "coverage of 90%", "R² (drawn code)", "RMSE", "coverage of 90%"]),
        "\n## Inside and outside of the domain\n",
        table(domain, ["molecules", "count", "share outside", "error inside", "coverage", "error outside", "coverage"]),
        "\nErrors: RMSE over that of the MOSES test molecules inside, mean over the properties.",
        f"\n## Few labels, mean of {args.repeats} draws\n",
        table(few, ["column", "labelled", "learned by", "tested on", "R²", "RMSE", "coverage of 90%", "width of the interval"]),
    ]
    return "\n".join(parts)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="moses", help="with heads for computed properties")
    parser.add_argument("--molecules", type=int, default=10_000, help="of the MOSES test set, for the heads")
    parser.add_argument("--strangers", type=int, default=2_000, help="molecules of each kind, for the domain")
    parser.add_argument("--zinc", type=Path, help="ZINC250k, a file of molecules")
    parser.add_argument("--sizes", type=int, nargs="*", default=[50, 200, 1_000], help="labelled molecules; none leaves that part out")
    parser.add_argument("--repeats", type=int, default=3, help="draws of labelled molecules")
    parser.add_argument("--seed", type=int, default=1, help="of the drawn codes and strangers")
    parser.add_argument("--out", type=Path, default=common.RESULTS / "properties.json", help="JSON to write; the tables go beside it")
    args = parser.parse_args()
    with common.plain_errors():
        model = MolVAE.from_pretrained(args.model)
        heads = of_heads(model, moses_test()[: args.molecules], args.seed)
        domain = of_domain(model, strangers(model, args.zinc, args.strangers, args.seed))
        few = of_few(model, args.sizes, args.repeats) if args.sizes else []
        found = {"heads": heads, "domain": domain, "few_labels": few}
        common.write_result(args.out, "Properties read off codes", found, _page(heads, domain, few, args))


if __name__ == "__main__":
    main()
