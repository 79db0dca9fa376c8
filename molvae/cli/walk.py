"""Walks between molecules: interpolate and interpolate-grid."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from molvae.cli.common import PARTIAL, Json, Model, Out, Properties, Seed, check, console, drawn, report, seeded, write

if TYPE_CHECKING:
    import pandas as pd

    from molvae.latent.interpolate import Method

Picture = Annotated[Path | None, typer.Option(help="Also draw it, .png or .svg.")]


def interpolate(
    a: Annotated[str, typer.Argument(help="Where to start, a SMILES in quotes.", metavar="A")],
    b: Annotated[str, typer.Argument(help="Where to end, a SMILES in quotes.", metavar="B")],
    steps: Annotated[int, typer.Option(min=2, help="Molecules wanted, A and B included.")] = 8,
    out: Out = None,
    picture: Picture = None,
    method: Annotated[str, typer.Option(help="path takes small structural steps; slerp and linear stay on the arc or straight line between the codes.")] = "path",
    model: Model = "moses",
    seed: Seed = None,
    properties: Properties = True,
    figures: Json = None,
) -> None:  # fmt: skip
    """Walk from molecule A to molecule B: one row a step, each a molecule, A and B themselves first and last.

    The picture shows in colour what each step changed. Ends with code 3 when fewer different steps are found than asked for.
    """
    check(out, picture)
    from molvae import MolVAE

    names = None if properties else ()
    frame = MolVAE.from_pretrained(model).interpolate(a, b, steps=steps, method=cast("Method", method), properties=names, seed=seeded(seed))
    _say(frame, figures)
    write(frame, out)
    if picture is not None:
        from molvae.chem.strips import strip

        strip(frame["smiles"].tolist(), picture, _legends(frame))
        drawn(picture)
    if len(frame) == 1:
        console.print("A and B are the same molecule: one step")
    elif len(frame) < steps:
        console.print(f"[yellow]only {len(frame):,} of {steps:,} different steps found[/yellow]")
        raise typer.Exit(PARTIAL)


def interpolate_grid(
    a: Annotated[str, typer.Argument(help="Top left, a SMILES in quotes.", metavar="A")],
    b: Annotated[str, typer.Argument(help="Top right.", metavar="B")],
    c: Annotated[str, typer.Argument(help="Bottom left.", metavar="C")],
    d: Annotated[str, typer.Argument(help="Bottom right.", metavar="D")],
    rows: Annotated[int, typer.Option(min=2, help="Rows of the grid.")] = 5,
    columns: Annotated[int, typer.Option(min=2, help="Columns of the grid.")] = 5,
    out: Out = None,
    picture: Picture = None,
    model: Model = "moses",
    seed: Seed = None,
    properties: Properties = True,
) -> None:
    """Fill a grid between four molecules: one row a cell, the four themselves in the corners.

    Ends with code 3 when some cells stay empty.
    """
    check(out, picture)
    from molvae import MolVAE

    frame = MolVAE.from_pretrained(model).interpolate_grid(
        (a, b, c, d), rows, columns, properties=None if properties else (), seed=seeded(seed)
    )
    write(frame, out)
    if picture is not None:
        from molvae.chem.drawing import grid

        grid(frame["smiles"].tolist(), picture, columns=columns)
        drawn(picture)
    if (missing := len(frame) - frame.attrs["found"]) > 0:
        console.print(f"[yellow]no molecule found for {missing:,} of {len(frame):,} cells[/yellow]")
        raise typer.Exit(PARTIAL)


def _say(frame: pd.DataFrame, figures: Path | None) -> None:
    about: dict[str, Any] = {str(name): value for name, value in frame.attrs.items()} | {"steps": len(frame)}
    if len(frame) > 1:
        about["largest_jump"] = 1 - float(frame["similarity_to_previous"].min())
        console.print(
            f"{len(frame):,} steps, chosen from {about['found']:,} molecules ({about['method']}, seed {about['seed']}); "
            f"largest jump [bold]{about['largest_jump']:.2f}[/bold] (1 - Tanimoto similarity)"
        )
    report(about, figures)


def _legends(frame: pd.DataFrame) -> list[str]:
    """Step, similarity to the step before, and QED where it was asked for."""
    legends = []
    for _, row in frame.iterrows():
        parts = [f"{row['step']}"]
        parts += [f"similarity {row['similarity_to_previous']:.2f}"] if row["step"] else []
        parts += [f"QED {row['QED']:.2f}"] if "QED" in frame else []
        legends.append("  ".join(parts))
    return legends
