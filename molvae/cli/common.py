"""What all commands share: options, progress, errors, output."""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from molvae.errors import DataError
from molvae.files import check_writable, replacing

if TYPE_CHECKING:
    import pandas as pd

#: Messages and progress; results go to files or stdout.
console = Console(stderr=True, highlight=False, quiet=os.environ.get("LOCAL_RANK", "0") != "0")  # one voice of many processes

USAGE, PARTIAL, INTERRUPTED = 2, 3, 130

Model = Annotated[str, typer.Option("--model", "-m", help="A bundled model by name, or the folder of a trained one.")]
Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="File to write; the suffix decides the format: .csv .tsv .smi .sdf (also .gz) or .parquet. CSV to the screen without it."),
]  # fmt: skip
Seed = Annotated[int | None, typer.Option(min=0, help="The same seed gives the same result. Without it every run differs.")]
Column = Annotated[str | None, typer.Option(help="Name of the column that holds the SMILES; found by itself when left out.")]
Molecules = Annotated[Path, typer.Argument(help="File of molecules: .smi .txt .csv .tsv .sdf (also .gz) or .parquet.", metavar="FILE")]


Trained = Annotated[str, typer.Argument(help="Folder of a trained model, or the name of a bundled one.", metavar="MODEL")]
Copy = Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the model with its addition; MODEL itself by default.")]
Properties = Annotated[bool, typer.Option(help="Add logP, QED, SA, weight and more, computed by RDKit.")]
Json = Annotated[Path | None, typer.Option("--json", help="Also write the figures as JSON to this file.")]


class _Rate(ProgressColumn):
    """Things a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f}/s" if task.speed else "", style="dim")


@contextmanager
def bar(what: str, total: int | None = None) -> Iterator[tuple[Progress, TaskID]]:
    """A progress bar on stderr with count, rate and time left."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield progress, progress.add_task(what, total=total)


def write(frame: pd.DataFrame, out: Path | None, smiles_column: str = "smiles") -> None:
    """Write a table to a file, or as CSV to stdout."""
    from molvae.data.writers import write_table

    if out is None:
        frame.to_csv(sys.stdout, index=False)
    else:
        write_table(frame, out, smiles_column)
        console.print(f"{len(frame):,} rows written to [bold]{escape(str(out))}[/bold]")


def folder_for(model: str, out: Path | None) -> Path:
    """Where a model that is added to goes."""
    if out is None and not Path(model).is_dir():
        raise DataError(f"{model} is no folder, so there is nothing to change; say with --out where the model with its addition shall go")
    return out or Path(model)


def report(figures: Mapping[str, object], path: Path | None) -> None:
    """Write figures as JSON where a file was asked for."""
    if path is not None:
        with replacing(path) as partial:
            partial.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def check(out: Path | None, picture: Path | None = None) -> None:
    """Refuse outputs that cannot be written before any work is done."""
    from molvae.data.writers import check_output

    if out is not None:
        check_output(out)
    if picture is not None and picture.suffix.lower() not in (".png", ".svg"):
        raise DataError(f"{picture}: a picture is .png or .svg")
    if picture is not None:
        check_writable(picture)


def drawn(picture: Path) -> None:
    """Say that a picture was written."""
    console.print(f"picture written to [bold]{escape(str(picture))}[/bold]")


def seeded(seed: int | None) -> int:
    """The seed that was asked for, or one by chance."""
    return secrets.randbelow(2**31) if seed is None else seed
