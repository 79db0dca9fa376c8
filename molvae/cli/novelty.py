"""Which molecules lie outside of what a model knows: novelty."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from molvae.cli.common import PARTIAL, Column, Json, Model, Molecules, Out, Seed, bar, check, console, report, write

if TYPE_CHECKING:
    import pandas as pd

    from molvae.data.formats import Row

_DRAWN = 25  # molecules in a picture


def novelty(
    molecules: Molecules,
    out: Out = None,
    picture: Annotated[Path | None, typer.Option(help=f"Also draw the {_DRAWN} with the highest scores as a grid, .png or .svg.")] = None,
    model: Model = "moses",
    column: Column = None,
    reference: Annotated[Path | None, typer.Option(help="File of molecules of the model's training set for the percentile; not needed for models trained on MOSES.", metavar="FILE")] = None,
    samples: Annotated[int, typer.Option(min=1, help="Codes a molecule of the likelihood: more are more exact and take longer.")] = 16,
    seed: Seed = None,
    figures: Json = None,
) -> None:  # fmt: skip
    """Judge how unlike its training set a model finds molecules: score, percentile, likelihood, reconstruction; a row each.

    A molecule the model cannot encode gets the percentile 100 and the reason. Rows that are no molecule are listed in OUT.rejects.csv
    too, and the command then ends with code 3.
    """
    check(out, picture)
    from molvae import MolVAE
    from molvae.data.formats import read_rows

    rows = list(read_rows(molecules, column))
    training = None if reference is None else [row.text for row in read_rows(reference)]
    with bar("novelty", len(rows)) as (progress, task):
        frame = MolVAE.from_pretrained(model).novelty(
            [row.text for row in rows], samples=samples, seed=seed or 0, reference=training,
            progress=lambda _, done, total: progress.update(task, completed=done, total=total),
        )  # fmt: skip
    frame.insert(0, "row", [row.row for row in rows])
    write(frame, out)
    if picture is not None:
        _draw(frame, picture)
    refused = _reject(frame, rows, out)
    _say(frame, refused, figures)
    if refused:
        raise typer.Exit(PARTIAL)


def _reject(frame: pd.DataFrame, rows: list[Row], out: Path | None) -> int:
    """List the rows that are no molecule; how many there are."""
    from molvae.data.writers import Reject, Rejects

    with Rejects(out) as rejects:
        for row, reason, ranked in zip(rows, frame["reason"], frame["percentile"].notna(), strict=True):
            if not ranked:  # all that is a molecule is
                problem = row.problem
                rejects.add(Reject.of(row, problem) if problem else Reject(row.row, row.text, *reason.split(": ", 1)))
    if rejects.total:
        where = f", listed in {escape(str(rejects.path))}" if rejects.path else ""
        console.print(f"[yellow]{rejects.total:,} of {len(rows):,} rows are no molecules{where}[/yellow]\n{rejects.summary()}")
    return rejects.total


def _say(frame: pd.DataFrame, refused: int, path: Path | None) -> None:
    judged = frame[frame["score"].notna()]
    shares = {"molecules": len(frame) - refused, "not_encodable": len(frame) - refused - len(judged), "refused": refused}
    means = {name: float(judged[name].mean()) for name in ("score", "nll", "nll_per_atom", "exact")} if len(judged) else {}
    high = {"above_95th_percentile": float((frame["percentile"].dropna() > 95).mean())} if shares["molecules"] else {}
    about = shares | high | means
    if high:
        console.print(
            f"[bold]{high['above_95th_percentile']:.1%}[/bold] of {shares['molecules']:,} molecules score above 95% of the training set; "
            f"{shares['not_encodable']:,} cannot be encoded"
        )
    report(about, path)


def _draw(frame: pd.DataFrame, picture: Path) -> None:
    from molvae.chem.drawing import grid

    top = frame[frame["score"].notna()].nlargest(_DRAWN, "score")
    if not len(top):
        console.print(f"[yellow]{escape(str(picture))} not drawn: no molecule has a score[/yellow]")
        return
    legends = [
        f"row {row}: {score:.2f}, above {percent:.1f}%"
        for row, score, percent in zip(top["row"], top["score"], top["percentile"], strict=True)
    ]
    grid(top["smiles"].tolist(), picture, legends=legends)
    console.print(f"picture of {len(top)} written to [bold]{escape(str(picture))}[/bold]")
