"""What corrupted molecules probably were: denoise."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from molvae.cli.common import PARTIAL, Column, Json, Model, Out, Seed, check, console, drawn, report, write
from molvae.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from molvae.data.formats import Row

_DRAWN = 25  # molecules in a picture


def denoise(
    texts: Annotated[Path, typer.Argument(help="File of corrupted SMILES or SELFIES, one a row: .smi .txt .csv .tsv (also .gz) or .parquet.", metavar="FILE")],
    n: Annotated[int, typer.Option("--n", "-n", min=1, help="Molecules a row at most, the likeliest first.")] = 5,
    out: Out = None,
    picture: Annotated[Path | None, typer.Option(help=f"Also draw the likeliest molecule of the first {_DRAWN} rows as a grid, .png or .svg.")] = None,
    model: Model = "moses",
    column: Column = None,
    kind: Annotated[str, typer.Option(help="What the texts are: smiles, selfies, or auto, which tells by the brackets.")] = "auto",
    trust: Annotated[bool, typer.Option(help="Take a text that reads as a molecule at its word. --no-trust: all texts are known to be corrupted.")] = True,
    seed: Seed = None,
    figures: Json = None,
) -> None:  # fmt: skip
    """Find the molecules that corrupted SMILES or SELFIES were: characters or symbols lost, swapped or replaced, rings left open.

    A text with nothing wrong comes back as its own molecule, marked intact. Rows near which there is nothing sensible are listed in
    OUT.rejects.csv, and the command then ends with code 3.
    """
    check(out, picture)
    if kind not in ("auto", "smiles", "selfies"):
        raise DataError(f"--kind is {kind!r}, expected auto, smiles or selfies")
    from molvae import MolVAE
    from molvae.data.formats import read_rows

    rows = list(read_rows(texts, column))
    loaded = MolVAE.from_pretrained(model)
    with console.status(f"denoising {len(rows):,} rows"):
        frame = loaded.denoise([row.text for row in rows], n=n, seed=seed or 0, kind=kind, trust=trust)  # type: ignore[arg-type]
    frame["row"] = [rows[row].row for row in frame["row"]]
    write(frame, out)
    first = frame[frame["rank"] == 1]
    if picture is not None:
        _draw(first.head(_DRAWN), picture)
    refused = _reject(frame, rows, out)
    counts = {"rows": len(rows), "intact": int(first["intact"].sum()), "repaired": int((~first["intact"]).sum()), "refused": refused}
    console.print(", ".join(f"{count:,} {name}" for name, count in counts.items()))
    report(counts, figures)
    if refused:
        raise typer.Exit(PARTIAL)


def _reject(frame: pd.DataFrame, rows: list[Row], out: Path | None) -> int:
    """List the rows for which nothing was found."""
    from molvae.data.writers import Reject, Rejects

    with Rejects(out) as rejects:
        for row, problem in frame.attrs["problems"].items():
            rejects.add(Reject.of(rows[row], rows[row].problem or problem))
    if rejects.total:
        where = f", listed in {escape(str(rejects.path))}" if rejects.path else ""
        console.print(f"[yellow]{rejects.total:,} of {len(rows):,} rows without a molecule{where}[/yellow]\n{rejects.summary()}")
    return rejects.total


def _draw(frame: pd.DataFrame, picture: Path) -> None:
    from molvae.chem.drawing import grid

    legends = [
        f"row {row}: " + ("intact" if intact else f"{edits} mended, share {share:.2f}")
        for row, intact, edits, share in zip(frame["row"], frame["intact"], frame["edits"], frame["share"], strict=True)
    ]
    grid(frame["smiles"].tolist(), picture, legends)
    drawn(picture)
