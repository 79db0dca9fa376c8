"""How well `molvae impute` fills hidden cells of a real table of assays, beside a column's mean and models on fingerprints.

    python benchmarks/impute.py

The table is data/biogen_adme.csv: 500 molecules, six measured ADME properties, 27% of the cells empty. A fifth of the known cells is
hidden at random, all methods fill them from the rest, and this is done again with other cells (--masks). Every method gets the same
cells. Errors are root mean squares in the column's unit (log10 of what was measured); `relative` is the mean over the columns of the
error over that of the column's mean. Coverage is the share of hidden cells within 1.645 standard deviations, where a method gives any.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import common
import numpy as np
from numpy.typing import NDArray
from rdkit import DataStructs
from rdkit.Chem import rdFingerprintGenerator
from sklearn.ensemble import RandomForestRegressor
from sklearn.experimental import enable_iterative_imputer  # noqa: F401  without it there is no IterativeImputer
from sklearn.impute import IterativeImputer

from molvae import MolVAE
from molvae.chem.molecules import parse, without_stereo
from molvae.data.assays import Table, read_table
from molvae.latent.fit_properties import computed_heads
from molvae.latent.joint_gaussian import conditional, covariance
from molvae.nn.heads import Column
from molvae.training.cross_fit import cross_fitted
from molvae.training.heads import NINETY

Array = NDArray[np.float64]
#: Means of all cells, and their standard deviations where a method gives any.
Said = tuple[Array, Array | None]

_BITS, _TREES = 2048, 100
_RATIOS = tuple(np.geomspace(0.02, 10, 14).tolist())


class Molecules:
    """What the methods know of n molecules: codes (NaN where refused), Morgan bits (n, 2048) and Tanimoto similarities (n, n)."""

    def __init__(self, table: Table, model: MolVAE) -> None:
        generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=_BITS)
        prints = [generator.GetFingerprint(parse(text)) for text in table.smiles]
        self.codes = model.encode([without_stereo(text) for text in table.smiles], refused="nan")
        self.bits = np.array([list(each) for each in prints], dtype=np.uint8)
        self.similarity = np.array([DataStructs.BulkTanimotoSimilarity(each, prints) for each in prints])


def of_means(values: Array) -> tuple[Array, Array]:
    """Mean and standard deviation of the columns, for every cell."""
    mean, deviation = (np.tile(f(values, axis=0), (len(values), 1)) for f in (np.nanmean, np.nanstd))
    return mean, deviation


def jointly(values: Array, mean: Array, deviation: Array) -> Said:
    """What the cells of a row say of each other, beyond a prediction of each."""
    rows = (values - mean) / deviation
    filled, variance = conditional(rows, ~np.isnan(values), covariance(rows))
    return mean + filled * deviation, np.sqrt(variance.clip(0)) * deviation


def from_codes(values: Array, molecules: Molecules, model: MolVAE, seed: int) -> tuple[Array, Array]:
    """The first step of `molvae impute` alone."""
    mean, deviation = of_means(values)
    coded = ~np.isnan(molecules.codes).any(axis=1)
    kinds = [Column(str(at)) for at in range(values.shape[1])]
    mean[coded], deviation[coded] = cross_fitted(molecules.codes[coded], values[coded], kinds, features=computed_heads(model), seed=seed)
    return mean, deviation


def tanimoto_process(values: Array, similarity: Array) -> tuple[Array, Array]:
    """A Gaussian process on Tanimoto similarity for each column, its noise chosen by the evidence; known cells by all others."""
    mean, deviation = of_means(values)
    for at, column in enumerate(values.T):
        known = ~np.isnan(column)
        center, scale = mean[0, at], deviation[0, at]
        targets = (column[known] - center) / scale
        powers, vectors = np.linalg.eigh(similarity[np.ix_(known, known)])
        energy, powers = (vectors.T @ targets) ** 2, powers.clip(0)
        evidence = {r: -len(targets) * np.log((energy / (powers + r)).mean()) - np.log(powers + r).sum() for r in _RATIOS}
        ratio = max(evidence, key=evidence.__getitem__)
        amplitude, inverse = (energy / (powers + ratio)).mean(), (vectors / (powers + ratio)) @ vectors.T
        weights, across = inverse @ targets, similarity[:, known]
        mean[:, at] = center + scale * across @ weights
        deviation[:, at] = scale * np.sqrt(amplitude * (1 + ratio - np.einsum("ij,jk,ik->i", across, inverse, across, optimize=True)))
        mean[known, at] = center + scale * (targets - weights / np.diag(inverse))
        deviation[known, at] = scale * np.sqrt(amplitude / np.diag(inverse))
    return mean, deviation


def forest(values: Array, features: Callable[[int], Array], seed: int) -> Said:
    """A random forest for each column; its features may depend on the column."""
    mean, _ = of_means(values)
    for at, column in enumerate(values.T):
        known, given = ~np.isnan(column), features(at)
        grown = RandomForestRegressor(_TREES, max_features=0.3, random_state=seed).fit(given[known], column[known])
        mean[:, at] = grown.predict(given)
    return mean, None


def with_others(values: Array, bits: NDArray[np.uint8]) -> Callable[[int], Array]:
    """Bits, and the other columns filled with their means."""
    filled = np.where(np.isnan(values), of_means(values)[0], values)
    return lambda at: np.hstack([bits, np.delete(filled, at, axis=1)])


def ours(table: Table, values: Array, model: MolVAE, seed: int) -> Said:
    """`MolVAE.impute`."""
    hidden = replace(table, values=table.values.where(~np.isnan(values)))
    frame, names = model.impute(hidden, seed=seed).frame, list(table.values)
    deviation = np.column_stack([frame[f"{name}_sd"] for name in names])
    return frame[names].astype(float).to_numpy(), deviation


def methods(table: Table, values: Array, molecules: Molecules, model: MolVAE, seed: int) -> dict[str, Callable[[], Said]]:
    """Every method by its name."""
    coded = np.where(np.isnan(molecules.codes), 0, molecules.codes)
    return {
        "column mean": lambda: of_means(values),
        "codes alone (our first step)": lambda: from_codes(values, molecules, model, seed),
        "Morgan random forest": lambda: forest(values, lambda _: molecules.bits, seed),
        "Morgan Tanimoto Gaussian process": lambda: tanimoto_process(values, molecules.similarity),
        "other columns alone (our second step)": lambda: jointly(values, *of_means(values)),
        "IterativeImputer on codes and columns": lambda: (
            IterativeImputer(max_iter=30, tol=1e-2, random_state=seed).fit_transform(np.hstack([coded, values]))[:, coded.shape[1] :], None
        ),
        "Morgan random forest with the other columns": lambda: forest(values, with_others(values, molecules.bits), seed),
        "Morgan Tanimoto Gaussian process, then our second step": lambda: jointly(values, *tanimoto_process(values, molecules.similarity)),
        "molvae impute": lambda: ours(table, values, model, seed),
    }  # fmt: skip


def judged(truth: Array, hidden: NDArray[np.bool_], said: Said, base: Array) -> dict[str, float | list[float]]:
    """Errors by column, relative to those of `base`, and coverage."""
    error = np.where(hidden, said[0] - truth, np.nan)
    by_column, of_base = (np.sqrt(np.nanmean(each**2, axis=0)) for each in (error, np.where(hidden, base - truth, np.nan)))
    found: dict[str, float | list[float]] = {"rmse": by_column.tolist(), "relative": float((by_column / of_base).mean())}
    if said[1] is not None:
        found["coverage"] = float(np.mean(np.abs(error[hidden]) <= NINETY * said[1][hidden]))
    return found


def table_of(figures: dict[str, dict[str, list[float]]], columns: list[str]) -> str:
    """Means over the masks as markdown, the relative error with its range."""
    rows = []
    for name, each in figures.items():
        relative, errors = each["relative"], np.mean(each["rmse"], axis=0)
        covered = f"{np.mean(each['coverage']):.0%}" if each["coverage"] else ""
        rows.append(
            [name, *(f"{error:.3f}" for error in errors), f"{np.mean(relative):.3f} ({min(relative):.3f} to {max(relative):.3f})", covered]
        )
    return common.markdown(["method", *columns, "relative (range)", "coverage of 90%"], rows)


def parse_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, default=Path("data/biogen_adme.csv"), help="molecules and their properties")
    parser.add_argument("--masks", type=int, default=3, help="how often cells are hidden anew")
    parser.add_argument("--hide", type=float, default=0.2, help="share of the known cells")
    parser.add_argument("--seed", type=int, default=1, help="of the first mask; the next have the next seeds")
    parser.add_argument("--model", default="moses", help="a bundled name, or the folder of a model")
    parser.add_argument("--out", type=Path, default=common.RESULTS / "impute.json", help="JSON to write; the table goes beside it")
    return parser.parse_args()


def main() -> None:
    """Hide, fill, and write the table."""
    args, before = parse_options(), common.machine()
    table, model = read_table(args.table), MolVAE.from_pretrained(args.model)
    truth, molecules = table.values.to_numpy(float), Molecules(table, model)
    figures: dict[str, dict[str, list[float]]] = {}
    for seed in range(args.seed, args.seed + args.masks):
        hidden = ~np.isnan(truth) & (np.random.default_rng(seed).random(truth.shape) < args.hide)
        values = np.where(hidden, np.nan, truth)
        for name, method in methods(table, values, molecules, model, seed).items():
            each = judged(truth, hidden, method(), of_means(values)[0])
            kept = figures.setdefault(name, {"rmse": [], "relative": [], "coverage": []})
            for key, value in each.items():
                kept[key].append(value)  # type: ignore[arg-type]  # errors are a list a mask
            common.say(f"mask {seed}: {name}: {each['relative']:.3f}")
    refused = int(np.isnan(molecules.codes).any(axis=1).sum())
    settings = {"table": args.table.name, "masks": args.masks, "hide": args.hide, "seed": args.seed, "model": Path(args.model).name}
    notes = (
        f"{len(truth)} molecules ({refused} of them the model cannot encode), {args.masks} masks. "
        "Coverage is as it comes, but that of molvae impute, which calibrates its standard deviations."
    )
    text = f"{table_of(figures, list(table.values))}\n\n{notes}"
    common.write_result(args.out, "Filling hidden cells of a table of assays", figures, text, before, settings=settings)


if __name__ == "__main__":
    with common.plain_errors():
        main()
