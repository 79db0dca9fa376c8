"""Fills the missing cells of a table of measured properties, each with its uncertainty: impute."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from molvae.chem.molecules import without_stereo
from molvae.data.assays import Table, check_trainable, is_binary, read_table
from molvae.errors import DataError, MoleculeError
from molvae.latent.fit_properties import computed_heads
from molvae.latent.joint_gaussian import conditional, covariance
from molvae.nn.heads import Column, EnsembleHeads
from molvae.training.cross_fit import cross_fitted
from molvae.training.heads import NINETY

if TYPE_CHECKING:
    from molvae.model import MolVAE

_Array = NDArray[np.float64]
_STOOD_FOR = 500  # rows without a column whose known cells are looked at
_LEAST_DEVIATION = 0.05  # of the column's own: what no prediction from a code is believed to be closer than


@dataclass(frozen=True)
class Imputed:
    """A table without missing cells.

    Attributes:
        frame: the table as it was, its missing cells filled; after each column that had any `<column>_sd`, the standard deviation of a
            filled cell, and `<column>_imputed`. At the end `not_encoded`: why the model refused a molecule, so that its cells were
            filled from its other cells alone; empty where it did not.
        figures: of each column: cells `known` and `missing`; and, from known cells hidden in turn, the root mean squared error of what
            would be filled (`rmse`), that of the column's mean (`mean_rmse`), both in the column's unit, and the `coverage` of the 90%
            interval (mean plus and minus 1.645 standard deviations; NaN for a binary column). Only the counts where nothing is missing.
        smiles: name of the column of SMILES.
    """

    frame: pd.DataFrame
    figures: dict[str, dict[str, float]]
    smiles: str


@dataclass(frozen=True)
class _Guess:
    """What is believed of each cell before the other cells of its row are looked at.

    Attributes:
        center: (n, P).
        scale: (n, P), standard deviations.
        shared: covariance of the columns, so standardised, (P, P).
    """

    center: _Array
    scale: _Array
    shared: _Array

    @classmethod
    def of(cls, values: _Array, center: _Array, scale: _Array, seed: int) -> _Guess:
        return cls(center, scale, covariance((values - center) / scale, seed))

    def given(self, values: _Array, used: NDArray[np.bool_]) -> tuple[_Array, _Array]:
        """Mean and standard deviation of each cell given the used cells of its row, (n, P) each."""
        mean, variance = conditional((values - self.center) / self.scale, used, self.shared)
        return self.center + mean * self.scale, np.sqrt(np.maximum(variance, 0)) * self.scale


@dataclass(frozen=True)
class _Beliefs:
    """A guess from codes for the rows that have one, and one from the columns' means for the others.

    Attributes:
        values: (n, P), NaN where missing.
        coded: (n,), rows with a code.
        from_codes: of the coded rows, None where there are none.
        from_means: of all rows.
    """

    values: _Array
    coded: NDArray[np.bool_]
    from_codes: _Guess | None
    from_means: _Guess

    def given(self, used: NDArray[np.bool_]) -> tuple[_Array, _Array]:
        """Mean and standard deviation of each cell given the used cells of its row, (n, P) each."""
        mean, deviation = self.from_means.given(self.values, used)
        if self.from_codes is not None:
            mean[self.coded], deviation[self.coded] = self.from_codes.given(self.values[self.coded], used[self.coded])
        return mean, deviation


@dataclass(frozen=True)
class _Judged:
    """Known cells of a column, (k,) each: their values, what was said of each while hidden, and how much each counts."""

    values: _Array
    mean: _Array
    deviation: _Array
    weights: _Array
    binary: bool

    def corrected(self, mean: _Array, deviation: _Array) -> tuple[_Array, _Array]:
        """Mean and standard deviation as they are given out."""
        if not self.binary:
            return mean, deviation * self._stretch(np.ones(len(self.values), dtype=bool))
        chance = mean.clip(0, 1)
        return chance, np.sqrt(chance * (1 - chance))

    def _stretch(self, part: NDArray[np.bool_]) -> float:
        """Factor of the standard deviations with which 90% of a part of the cells lie within their 90% interval."""
        ratios = np.abs(self.values - self.mean)[part] / self.deviation[part] / NINETY
        order = np.argsort(ratios)
        share = np.cumsum(self.weights[part][order])
        return float(ratios[order][np.searchsorted(share, 0.9 * share[-1])])

    def figures(self, seed: int) -> dict[str, float]:
        """Errors of what would be filled and of the mean of the other values; coverage with the factor of the other half."""
        error, n = self.values - self.corrected(self.mean, self.deviation)[0], len(self.values)
        of_mean = (self.values - self.values.mean()) * n / (n - 1)
        root = [float(np.sqrt(np.average(each**2, weights=self.weights))) for each in (error, of_mean)]
        half = np.random.default_rng(seed).permutation(n) % 2 == 0
        stretch = np.where(half, self._stretch(~half), self._stretch(half))
        covered = float(np.average(np.abs(error) <= NINETY * stretch * self.deviation, weights=self.weights))
        return {"rmse": root[0], "mean_rmse": root[1], "coverage": np.nan if self.binary else covered}


def impute(
    model: MolVAE,
    source: str | Path | Table,
    *,
    columns: Sequence[str] | None = None,
    smiles: str | None = None,
    seed: int = 0,
    listener: Callable[[int, int], None] | None = None,
) -> Imputed:
    """Fill the missing cells of a table from the molecules' codes and from the other cells of each row.

    Each column is predicted from the codes, a known cell by heads that have not seen its row (`molvae.training.cross_fit`). What these
    predictions miss is taken as one Gaussian over the columns (`molvae.latent.joint_gaussian`), so that a known cell that lies above its
    prediction raises what is filled beside it. Standard deviations are stretched so that 90% of known cells, hidden in turn, lie within
    1.645 of them. A binary column gets the probability of 1, or of the second of two words (yes, true, active, positive).

    Args:
        model: encodes the molecules; what its heads say of properties that RDKit computes helps, as in `fit_properties`.
        source: a .csv, .tsv, .sdf (each also .gz) or .parquet file, or a table read by `molvae.data.assays.read_table`.
        columns: to fill and to learn from; every column of numbers when None. Not with a Table.
        smiles: column of SMILES; found by itself when None. Not with a Table.
        seed: the same seed gives the same result.
        listener: told the fits done and their number.

    Raises:
        DataError: what `molvae.data.assays.read_table` refuses; a column with fewer than 10 values or only one, while anything is
            missing; the table already has a column by a name that would be added.
        MissingExtraError: gpytorch is not installed.
    """
    table = source if isinstance(source, Table) else read_table(source, columns, smiles)
    values = table.values.to_numpy(np.float64)
    missing = np.isnan(values)
    gaps = [str(name) for name, some in zip(table.values, missing.any(axis=0), strict=True) if some]
    _check_free(table, gaps)
    if not gaps:
        return Imputed(
            table.frame.assign(not_encoded=""), {str(name): _counts(column) for name, column in table.values.items()}, table.column
        )
    check_trainable(table.values)
    kinds = [Column(str(name), kind="binary" if is_binary(column) else "number") for name, column in table.values.items()]
    codes, problems = _encoded(model, table.smiles)
    features = computed_heads(model, [kind.name for kind in kinds])
    beliefs = _beliefs(codes, values, kinds, features, seed, listener)
    mean, deviation = beliefs.given(~missing)
    figures: dict[str, dict[str, float]] = {}
    chance = np.random.default_rng(seed)
    for at, kind in enumerate(kinds):
        judged = _hidden(beliefs, at, kind.kind == "binary", chance)
        mean[:, at], deviation[:, at] = judged.corrected(mean[:, at], deviation[:, at])
        figures[kind.name] = _counts(table.values[kind.name]) | judged.figures(seed)
    frame = _filled(table, gaps, mean, deviation)
    return Imputed(frame.assign(not_encoded=[str(problem or "") for problem in problems]), figures, table.column)


def _check_free(table: Table, gaps: Sequence[str]) -> None:
    """Raise DataError when the table has a column that would be added."""
    added = [f"{name}{end}" for name in gaps for end in ("_sd", "_imputed")] + ["not_encoded"]
    taken = [name for name in added if name in table.frame.columns]
    if taken:
        raise DataError(f"the table already has a column {taken[0]!r}, which would be added; was it imputed before?")


def _counts(column: pd.Series[Any]) -> dict[str, float]:
    return {"known": int(column.notna().sum()), "missing": int(column.isna().sum())}


def _encoded(model: MolVAE, smiles: Sequence[str]) -> tuple[NDArray[np.float32], list[MoleculeError | None]]:
    """Codes (n, D), NaN where refused, and reasons; a molecule that is refused with its stereo is encoded without."""
    encoded = model.encode_all(smiles)
    refused = [row for row, problem in enumerate(encoded.problems) if problem]
    again = model.encode_all([without_stereo(smiles[row]) for row in refused])
    codes, problems = encoded.codes.copy(), list(encoded.problems)
    for row, code, problem in zip(refused, again.codes, again.problems, strict=True):
        codes[row], problems[row] = code, problem and problems[row]
    return codes, problems


def _beliefs(
    codes: NDArray[np.float32],
    values: _Array,
    kinds: Sequence[Column],
    features: EnsembleHeads | None,
    seed: int,
    listener: Callable[[int, int], None] | None,
) -> _Beliefs:
    """What the codes and the columns say of each cell."""
    center, scale = (np.tile(f(values, axis=0), (len(values), 1)) for f in (np.nanmean, np.nanstd))
    from_means = _Guess.of(values, center, scale, seed)
    coded = np.asarray(~np.isnan(codes).any(axis=1))
    if not coded.any():
        return _Beliefs(values, coded, None, from_means)
    mean, deviation = cross_fitted(codes[coded], values[coded], kinds, features=features, seed=seed, listener=listener)
    # a chance near 0 or 1 would make a surprise weigh without bound
    constant = np.isnan(mean) | np.array([kind.kind == "binary" for kind in kinds])
    spread = np.maximum(np.where(constant, scale[coded], deviation), _LEAST_DEVIATION * scale[coded])
    return _Beliefs(values, coded, _Guess.of(values[coded], np.where(np.isnan(mean), center[coded], mean), spread, seed), from_means)


def _hidden(beliefs: _Beliefs, at: int, binary: bool, chance: np.random.Generator) -> _Judged:
    """What is said of each known cell of a column as if it were missing."""
    used, weights = _stand_ins(~np.isnan(beliefs.values), at, chance)
    mean, deviation = beliefs.given(used)
    some = weights > 0
    return _Judged(beliefs.values[some, at], mean[some, at], deviation[some, at], weights[some], binary)


def _stand_ins(known: NDArray[np.bool_], at: int, chance: np.random.Generator) -> tuple[NDArray[np.bool_], _Array]:
    """Cells that each row shows while its cell of a column is hidden (n, P), and how much the row counts (n,).

    Rows with the column stand in for those without: each shows the cells that are known in one of these, and counts so that every
    pattern of known cells weighs as often as it is there. What is then measured is what happens where cells are really filled.
    """
    there = known[:, at]
    without = np.flatnonzero(~there)
    if not len(without):
        return known & (np.arange(known.shape[1]) != at), there.astype(float)
    drawn = chance.permutation(without)[:_STOOD_FOR]
    patterns, counts = np.unique(known[drawn], axis=0, return_counts=True)
    able = there[:, None] & ((~known).astype(np.float32) @ patterns.T.astype(np.float32) == 0)
    rates = able * (counts / np.maximum(able.sum(axis=0), 1))
    weights = rates.sum(axis=1)
    if not weights.any():  # no row knows as much
        return np.zeros_like(known), there.astype(float)
    which = (chance.random((len(known), 1)) * weights[:, None] >= rates.cumsum(axis=1)).sum(axis=1).clip(max=len(patterns) - 1)
    return patterns[which] & known, weights


def _filled(table: Table, gaps: Sequence[str], mean: _Array, deviation: _Array) -> pd.DataFrame:
    """The table with its gaps filled, and beside each column that had any what is said of them."""
    frame = table.frame.copy()
    for name in gaps:
        at, place = list(table.values).index(name), list(frame).index(name)
        missing = table.values[name].isna()
        cells = [f"{value:.6g}" for value in mean[:, at]]
        if pd.api.types.is_numeric_dtype(frame[name].dtype):
            frame[name] = table.values[name].where(~missing, [float(cell) for cell in cells])
        else:
            frame[name] = frame[name].where(~missing, cells)
        frame.insert(place + 1, f"{name}_sd", np.where(missing, [float(f"{value:.4g}") for value in deviation[:, at]], np.nan))
        frame.insert(place + 2, f"{name}_imputed", missing)
    return frame
