"""Missing cells of a table of properties filled: impute."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from molvae.cli.common import Column, Json, Model, Out, Seed, bar, check, console, report, write

if TYPE_CHECKING:
    from molvae.latent.impute import Imputed


def impute(
    table: Annotated[Path, typer.Argument(help="File of molecules and values: .csv .tsv .sdf (also .gz) or .parquet, with empty cells.", metavar="FILE")],
    columns: Annotated[str | None, typer.Option(help="Names of the properties to fill and to learn from, with commas between them; every column of numbers when left out.", metavar="NAMES")] = None,
    out: Out = None,
    model: Model = "moses",
    column: Column = None,
    seed: Seed = None,
    figures: Json = None,
) -> None:  # fmt: skip
    """Fill the missing cells of a table of properties from the molecules and from the other columns.

    Known cells stay as they are. Beside each column that had gaps come its standard deviation and whether a cell was imputed. What is
    printed was measured on known cells hidden in turn.
    """
    check(out)
    names = [name.strip() for name in columns.split(",")] if columns is not None else None
    from molvae import MolVAE

    with bar("learning") as (progress, task):
        imputed = MolVAE.from_pretrained(model).impute(
            table, columns=names, smiles=column, seed=seed or 0,
            listener=lambda done, total: progress.update(task, completed=done, total=total),
        )  # fmt: skip
    write(imputed.frame, out, imputed.smiles)
    _say(imputed, figures)


def _say(imputed: Imputed, path: Path | None) -> None:
    facts = {name: {key: None if math.isnan(value) else value for key, value in each.items()} for name, each in imputed.figures.items()}
    filled = sum(each["missing"] or 0 for each in facts.values())
    refused = int((imputed.frame["not_encoded"] != "").sum())
    report({"filled": filled, "not_encoded": refused, "columns": facts}, path)
    if not filled:
        console.print("nothing is missing, the table is as it was")
        return
    shown = Table("column", "known", "filled", "error", "error of the mean", "within 90% interval", box=None)
    for name, each in facts.items():
        numbers = [f"{each[key]:.3g}" for key in ("rmse", "mean_rmse")]
        coverage = "" if each["coverage"] is None else f"{each['coverage']:.0%}"
        shown.add_row(escape(name), f"{each['known']:,}", f"{each['missing']:,}", *numbers, coverage)
    console.print(shown)
    if refused:
        console.print(
            f"[yellow]{refused:,} molecules cannot be encoded: their cells come from the other columns alone; see not_encoded[/yellow]"
        )
