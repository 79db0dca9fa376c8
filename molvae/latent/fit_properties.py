"""Heads for properties of the user's own, learned from a table of molecules and values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import nn

from molvae.chem.properties import PROPERTIES
from molvae.data.assays import Table, check_trainable, is_binary, read_table
from molvae.data.writers import Reject
from molvae.errors import DataError
from molvae.latent.domain import domain
from molvae.nn.heads import Column, EnsembleHeads
from molvae.training.gaussian_process import fit_heads
from molvae.training.heads import FittedHeads

if TYPE_CHECKING:
    from molvae.model import MolVAE


@dataclass(frozen=True)
class Conflict:
    """Molecules whose rows disagree on a property.

    Attributes:
        molecules: how many there are.
        widest: the largest difference between two values of one molecule, in the unit of the property.
    """

    molecules: int
    widest: float


@dataclass(frozen=True)
class Labelled:
    """Molecules with values and codes, each molecule once.

    Attributes:
        smiles: canonical, n of them.
        codes: posterior means, (n, D).
        log_variances: of the posteriors, (n, D).
        values: (n, P), NaN where there is none: the mean of the rows of a molecule, in a column of two values what most of them say.
        conflicts: of each property that has any.
        refused: rows with a value whose molecule the model cannot encode.
        repeated: rows that were merged into earlier ones.
    """

    smiles: list[str]
    codes: NDArray[np.float32]
    log_variances: NDArray[np.float32]
    values: pd.DataFrame
    conflicts: dict[str, Conflict]
    refused: list[Reject]
    repeated: int


@dataclass(frozen=True)
class FittedProperties(FittedHeads):
    """Heads fitted to a table, and what became of its rows.

    Attributes:
        molecules: different molecules learned from.
        repeated: rows that were merged into earlier ones of the same molecule.
        conflicts: of each property on which rows of one molecule disagree.
        refused: rows with a value whose molecule the model cannot encode.
    """

    molecules: int
    repeated: int
    conflicts: dict[str, Conflict]
    refused: list[Reject]


def fit_properties(
    model: MolVAE,
    source: str | Path,
    columns: Sequence[str],
    *,
    smiles: str | None = None,
    units: Mapping[str, str] | None = None,
    method: Literal["auto", "gp", "ensemble"] = "auto",
    seed: int = 1,
    listener: Callable[[int, float], None] | None = None,
) -> FittedProperties:
    """Learn properties from a table and put heads for them into a model.

    Cells may be empty: each property is learned from the rows that have it. Rows of one molecule (the same canonical SMILES) count as
    one with the mean of their values, so that no molecule is both learned from and held out; where they disagree this is told. A column
    of two values, such as yes and no or 1 and 2, is binary: what is predicted is the probability of the larger one, and a molecule whose
    rows are split evenly has no value. How empty a column is does not matter as long as 10 molecules have a value.

    Args:
        model: changed in place; save it afterwards. Heads it had for the same properties are replaced.
        source: a .csv, .tsv, .sdf (each also .gz) or .parquet file.
        columns: names of the properties.
        smiles: name of the column of SMILES; found by itself when None.
        units: of the properties, by name.
        method: "gp" fits Gaussian processes, "ensemble" networks; "auto" takes the first up to 2,000 molecules.
        seed: of everything random.
        listener: told how far the fit has come; see `molvae.training.gaussian_process.fit_heads`.

    Raises:
        DataError: the table cannot be read (see `molvae.data.assays.read_table`), a unit of another column, or a column with fewer
            than 10 values of molecules that the model can encode, or only one value.
    """
    stray = sorted(set(units or {}) - set(columns))
    if stray:
        raise DataError(f"a unit was given for {stray[0]!r}, which is none of the columns: {', '.join(columns)}")
    table = read_table(source, columns, smiles)
    check_trainable(table.values)
    described = [_column(name, values, (units or {}).get(str(name), "")) for name, values in table.values.items()]
    found = labelled(model, table)
    fitted = fit_heads(
        found.codes, _targets(found.values, described), described,
        method=method, log_variances=found.log_variances, features=computed_heads(model, columns), seed=seed, listener=listener,
    )  # fmt: skip
    install(model, fitted)
    for name, values in found.values.items():
        known = values.notna().to_numpy()
        model.checkpoint.figures |= domain(
            model, str(name), [text for text, has in zip(found.smiles, known, strict=True) if has], found.codes[known]
        )
    return FittedProperties(fitted.heads, fitted.figures, len(found.smiles), found.repeated, found.conflicts, found.refused)


def computed_heads(model: MolVAE, columns: Sequence[str] = ()) -> EnsembleHeads | None:
    """The model's first ensemble of heads for properties that RDKit computes, but for one that is about to be replaced by `columns`."""
    for group in model.checkpoint.head_groups:
        names = {column.name for column in group.sizes.columns}
        if isinstance(group, EnsembleHeads) and names <= set(PROPERTIES) and not names <= set(columns):
            return group
    return None


def install(model: MolVAE, fitted: FittedHeads) -> None:
    """Put heads into a model instead of those for the same properties, and their figures on record."""
    names = set(fitted.figures)
    kept = [group for group in model.checkpoint.head_groups if not {column.name for column in group.sizes.columns} <= names]
    device = next(model.checkpoint.vae.parameters()).device
    model.checkpoint.heads = nn.ModuleList([*kept, fitted.heads.to(device).eval()])
    model.checkpoint.figures |= {f"{name}_{what}": value for name, each in fitted.figures.items() for what, value in each.items()}


def labelled(model: MolVAE, table: Table) -> Labelled:
    """Codes and values of the molecules of a table that have any value.

    Raises:
        DataError: too few values, or only one, are left in a column without the molecules that the model cannot encode.
    """
    there = np.flatnonzero(table.values.notna().any(axis=1)).tolist()
    encoded = model.encode_all([table.smiles[row] for row in there])
    refused = [
        Reject(row + 1, table.smiles[row], problem.reason, problem.detail)
        for row, problem in zip(there, encoded.problems, strict=True)
        if problem
    ]
    usable = [place for place in encoded.usable if encoded.smiles[place]]
    canonical = np.array([encoded.smiles[place] for place in usable], dtype=object)
    rows = table.values.iloc[[there[place] for place in usable]]
    values, conflicts = _merged(rows, canonical)
    try:
        check_trainable(values)
    except DataError as error:
        why = f"; {len(refused):,} rows with values were refused, such as row {refused[0].row}: {refused[0].reason}" if refused else ""
        raise DataError(f"{error}{why}") from error
    first = pd.Series(usable, index=canonical, dtype=int).groupby(level=0, sort=False).first()
    places = first.tolist()
    return Labelled(
        [str(text) for text in first.index], encoded.codes[places], encoded.log_variances[places], values, conflicts, refused,
        len(usable) - len(places),
    )  # fmt: skip


def _merged(rows: pd.DataFrame, canonical: NDArray[np.object_]) -> tuple[pd.DataFrame, dict[str, Conflict]]:
    """Values of each molecule, and where its rows disagree."""
    groups = rows.groupby(canonical, sort=False)
    values, spread = groups.mean(), groups.max() - groups.min()
    conflicts = {str(name): Conflict(int((spread[name] > 0).sum()), float(spread[name].max())) for name in rows if (spread[name] > 0).any()}
    for name in rows:
        if is_binary(rows[name]):
            low, high = rows[name].min(), rows[name].max()
            share = (values[name] - low) / (high - low)
            values[name] = share.map(
                lambda part, low=low, high=high: np.nan if part == 0.5 else high if part > 0.5 else low, na_action="ignore"
            )
    return values.reset_index(drop=True), conflicts


def _column(name: object, values: pd.Series[float], unit: str) -> Column:
    return Column(str(name), unit, "binary" if is_binary(values) else "number", float(values.min()), float(values.max()))


def _targets(values: pd.DataFrame, columns: Sequence[Column]) -> NDArray[np.float64]:
    """(n, P), with 0 and 1 in binary columns."""
    each = [
        (values[column.name] == column.high).astype(float).where(values[column.name].notna())
        if column.kind == "binary"
        else values[column.name]
        for column in columns
    ]
    return np.stack([series.to_numpy(dtype=np.float64) for series in each], axis=1)
