"""Properties read off codes: fit-properties and predict."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from molvae.cli.common import (
    PARTIAL,
    Column,
    Copy,
    Json,
    Molecules,
    Out,
    Trained,
    bar,
    check,
    console,
    folder_for,
    report,
    write,
)
from molvae.errors import DataError
from molvae.files import check_writable

if TYPE_CHECKING:
    import pandas as pd

    from molvae.data.formats import Row
    from molvae.latent.fit_properties import FittedProperties
    from molvae.model import MolVAE
    from molvae.training.heads import FittedHeads

_SHOWN = 3  # refused rows named on the screen


def fit_properties(
    model: Trained,
    table: Annotated[Path, typer.Argument(help="File of molecules and values: .csv .tsv .sdf (also .gz) or .parquet. Cells may be empty.", metavar="FILE")],
    columns: Annotated[str, typer.Option(help="Names of the properties, with commas between them.", metavar="NAMES")],
    units: Annotated[str | None, typer.Option(help="Their units, such as IC50=nM,logS=log(mol/L).", metavar="NAME=UNIT,...")] = None,
    computed: Annotated[bool, typer.Option("--computed", help="NAMES are properties that RDKit computes, such as logP,QED; FILE need only hold molecules like those the model was trained on, or be moses.")] = False,
    molecules: Annotated[int, typer.Option(min=100, help="With --computed: at most so many are used, drawn at random.")] = 150_000,
    method: Annotated[str, typer.Option(help="gp (Gaussian processes), ensemble (networks), or auto: gp up to 2,000 molecules.")] = "auto",
    column: Column = None,
    out: Copy = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same heads.")] = 1,
    figures: Json = None,
) -> None:  # fmt: skip
    """Teach a model properties of your own, from a table of molecules and measured values.

    Afterwards predict, and all that looks for properties in the latent space, knows them. What is printed was measured on molecules
    that were held out.
    """
    folder = folder_for(model, out)
    check_writable(folder / "config.json")
    names = [name.strip() for name in columns.split(",")]
    if computed and (units or column):
        raise DataError("--units and --column go with measured values; with --computed RDKit gives the values in its own units")
    from molvae import MolVAE

    loaded = MolVAE.from_pretrained(model)
    with bar("learning") as (progress, task):
        tell: Callable[[int, float], None] = lambda done, _: progress.update(task, completed=done)  # noqa: E731
        if computed:
            fitted: FittedHeads = loaded.fit_computed(table, names, molecules=molecules, seed=seed, listener=tell)
        else:
            fitted = loaded.fit_properties(
                table, names, smiles=column, units=_units(units), method=method, seed=seed, listener=tell,  # type: ignore[arg-type]
            )  # fmt: skip
    loaded.save_pretrained(folder)
    _say_fit(fitted.figures, loaded)
    rows = {} if computed else _say_rows(fitted)  # type: ignore[arg-type]  # fit_properties tells of its rows
    console.print(f"the model is in [bold]{escape(str(folder))}[/bold]; try: molvae predict {escape(str(folder))} FILE")
    report(rows | {"columns": {name: _numbers(each) for name, each in fitted.figures.items()}}, figures)


def _units(text: str | None) -> dict[str, str]:
    """Units of "IC50=nM,logS=log(mol/L)"."""
    found: dict[str, str] = {}
    for part in text.split(",") if text else []:
        name, equals, unit = part.partition("=")
        if not equals or not name.strip():
            raise DataError(f"--units {part!r}, expected a property and its unit such as IC50=nM")
        found[name.strip()] = unit.strip()
    return found


def _say_fit(figures: Mapping[str, Mapping[str, float]], model: MolVAE) -> None:
    described = {column.name: column for column in model.properties}
    for name, each in figures.items():
        column = described[name]
        unit = f" {column.unit}" if column.unit else ""
        span = f"{column.low:g} or {column.high:g}" if column.kind == "binary" else f"{column.low:g} to {column.high:g}"
        console.print(
            f"[bold]{escape(name)}[/bold]: {each['labelled']:,.0f} molecules, {span}{escape(unit)}; held out: R² {each['r2']:.3f}, "
            f"RMSE {each['rmse']:.3g}{escape(unit)}, the 90% interval holds {each['coverage']:.1%}"
        )


def _say_rows(fitted: FittedProperties) -> dict[str, object]:
    """Say what became of the rows of a table, and give it as facts."""
    if fitted.repeated:
        console.print(f"{fitted.repeated:,} rows repeat a molecule and were averaged with it")
    for name, conflict in fitted.conflicts.items():
        console.print(
            f"[yellow]{escape(name)}: the rows of {conflict.molecules:,} molecules disagree, by at most {conflict.widest:g}[/yellow]"
        )
    if fitted.refused:
        few = "; ".join(f"row {each.row}: {each.reason}" for each in fitted.refused[:_SHOWN])
        console.print(f"[yellow]{len(fitted.refused):,} rows were left out because the model cannot encode them ({escape(few)})[/yellow]")
    return {
        "molecules": fitted.molecules,
        "repeated_rows": fitted.repeated,
        "refused_rows": [each.row for each in fitted.refused],
        "conflicts": {name: {"molecules": each.molecules, "widest": each.widest} for name, each in fitted.conflicts.items()},
    }


def _numbers(figures: Mapping[str, float]) -> dict[str, float | None]:
    return {what: None if math.isnan(value) else value for what, value in figures.items()}


def predict(
    model: Trained,
    molecules: Molecules,
    columns: Annotated[str | None, typer.Option(help="Properties wanted, with commas between them; all the model knows by default.", metavar="NAMES")] = None,
    out: Out = None,
    column: Column = None,
    figures: Json = None,
) -> None:  # fmt: skip
    """Predict properties of molecules: computed by RDKit where it can, predicted from the code, standard deviation, and whether to trust it.

    A molecule that the model cannot encode keeps its row, with the reason and without predictions; it is listed in OUT.rejects.csv too,
    and the command then ends with code 3.
    """
    check(out)
    from molvae import MolVAE
    from molvae.data.formats import read_rows

    rows = list(read_rows(molecules, column))
    names = None if columns is None else [name.strip() for name in columns.split(",")]
    with console.status(f"predicting {len(rows):,} molecules"):
        frame = MolVAE.from_pretrained(model).predict([row.text for row in rows], names)
    frame.insert(0, "row", [row.row for row in rows])
    write(frame, out)
    refused = _reject(frame, rows, out)
    trusted = int(frame["applicable"].sum())
    console.print(
        f"[bold]{trusted:,}[/bold] of {len(frame):,} molecules look like what the heads learned from; {refused:,} cannot be encoded"
    )
    report({"molecules": len(frame), "applicable": trusted, "refused": refused}, figures)
    if refused:
        raise typer.Exit(PARTIAL)


def _reject(frame: pd.DataFrame, rows: list[Row], out: Path | None) -> int:
    """List the rows that have no prediction; how many there are."""
    from molvae.data.writers import Reject, Rejects

    with Rejects(out) as rejects:
        for row, smiles, reason in zip(rows, frame["smiles"], frame["reason"], strict=True):
            if not smiles:
                fixed, _, detail = reason.removeprefix("cannot be encoded: ").partition(": ")
                rejects.add(Reject.of(row, row.problem) if row.problem else Reject(row.row, row.text, fixed, detail))
    if rejects.total:
        console.print(f"[yellow]{rejects.summary()}[/yellow]")
    return rejects.total
