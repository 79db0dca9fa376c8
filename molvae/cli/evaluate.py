"""Judging samples: evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from molvae.cli.common import PARTIAL, Column, Json, bar, console
from molvae.files import check_writable

if TYPE_CHECKING:
    from molvae.evaluate import Evaluation


def evaluate(
    samples: Annotated[Path, typer.Argument(help="File of molecules to judge: .smi .txt .csv .tsv .sdf (also .gz) or .parquet.", metavar="SAMPLES")],
    reference: Annotated[str, typer.Option(help="What they are compared with: moses, or a file of molecules.")] = "moses",
    model: Annotated[str | None, typer.Option("--model", "-m", help="Also measure the latent space of this model: a bundled name or a folder.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write the report to this file, a page for any browser.")] = None,
    figures: Json = None,
    column: Column = None,
    reference_column: Annotated[str | None, typer.Option(help="The same for the reference.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the molecules and codes that are drawn.")] = 0,
    jobs: Annotated[int, typer.Option(help="Processes; -1 is one a core.")] = -1,
) -> None:  # fmt: skip
    """Judge samples by the metrics of MOSES and GuacaMol, and with --model the health of a latent space.

    Ends with code 3 when rows of the samples were refused or a metric could not be computed; the reasons are said.
    """
    for path in (html, figures):
        if path is not None:
            check_writable(path)
    from molvae.evaluate import evaluate as judge
    from molvae.evaluate import write_html, write_json

    with bar("reading molecules") as (progress, task):
        found = judge(
            samples, reference, model, column=column, reference_column=reference_column, seed=seed, jobs=jobs,
            progress=lambda what, done, total: progress.update(task, description=what, completed=done, total=total),
        )  # fmt: skip
    _say(found)
    for path, write in ((html, write_html), (figures, write_json)):
        if path is not None:
            write(found, path)
            console.print(f"written: [bold]{escape(str(path))}[/bold]")
    if found.missing or found.samples.refused:
        raise typer.Exit(PARTIAL)


def _say(found: Evaluation) -> None:
    """Counts, metrics, what is missing, the verdict and what speaks against it."""
    samples = found.samples
    console.print(
        f"{escape(found.source)}, compared with {escape(found.reference)}: {samples.rows:,} rows, {len(samples.smiles):,} valid, "
        f"{len(samples.unique):,} different, {samples.duplicates:,} repeats"
    )
    for reason, count in sorted(samples.refused.items(), key=lambda item: (-item[1], item[0])):
        console.print(f"  [yellow]refused: {escape(reason)}: {count:,}[/yellow]")
    console.print(_metrics(found))
    for reason, names in _reasons(found).items():
        console.print(f"[yellow]not computed:[/yellow] {escape(', '.join(names))}: {escape(reason)}", soft_wrap=True)
    if verdict := found.settings.get("verdict"):
        console.print(f"latent: [bold]{escape(str(verdict))}[/bold]", soft_wrap=True)
    if caution := found.settings.get("caution"):
        console.print(f"[yellow]caution:[/yellow] {escape(str(caution))}", soft_wrap=True)


def _metrics(found: Evaluation) -> Table:
    from molvae.pages.tables import figure

    table = Table("set", "metric")
    table.add_column("value", justify="right")
    for title, metrics in found.sets:
        for at, (name, value) in enumerate(metrics.values.items()):
            table.add_row(title if at == 0 else "", escape(name), figure(value))
    return table


def _reasons(found: Evaluation) -> dict[str, list[str]]:
    """The metrics that are missing, by the reason."""
    reasons: dict[str, list[str]] = {}
    for title, name, why in found.missing:
        reasons.setdefault(why, []).append(f"{title} {name}")
    return reasons
