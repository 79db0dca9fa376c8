"""Molecules around a molecule or a scaffold: neighbors and complete."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from molvae.cli.common import PARTIAL, Json, Model, Out, Properties, Seed, check, console, drawn, report, seeded, write

if TYPE_CHECKING:
    import pandas as pd

_DRAWN = 25  # molecules in a picture
_BAR = 40  # letters of the longest bar

Picture = Annotated[Path | None, typer.Option(help=f"Also draw the first {_DRAWN} as a grid, .png or .svg.")]


def neighbors(
    smiles: Annotated[str, typer.Argument(help="The molecule, a SMILES in quotes.")],
    n: Annotated[int, typer.Option("--n", "-n", min=1, help="How many molecules.")] = 100,
    out: Out = None,
    picture: Picture = None,
    min_similarity: Annotated[float, typer.Option(min=0, max=1, help="Least Tanimoto similarity to the molecule.")] = 0.0,
    radius: Annotated[float | None, typer.Option(help="How far to draw: 1 is the model's own uncertainty, less is nearer, more farther. From near outward without it.")] = None,
    model: Model = "moses",
    seed: Seed = None,
    properties: Properties = True,
    figures: Json = None,
) -> None:  # fmt: skip
    """Write distinct molecules around a molecule, the most similar first.

    Ends with code 3 when fewer than asked for are found.
    """
    check(out, picture)
    from molvae import MolVAE
    from molvae.latent.neighbors import spread

    names = None if properties else ()
    frame = MolVAE.from_pretrained(model).neighbors(
        smiles, n, min_similarity=min_similarity, radius=radius, properties=names, seed=seeded(seed)
    )
    counts = spread(frame["similarity"].tolist())
    _histogram(counts)
    report(_about(frame) | {"spread": counts}, figures)
    legends = [f"similarity {value:.2f}" for value in frame["similarity"]]
    _end(frame, out, picture, legends, "around this molecule; a lower --min-similarity or another --radius finds more")


def complete(
    scaffold: Annotated[str, typer.Argument(help="SMILES or SMARTS in quotes; with attachment points (*) molecules grow there only.")],
    n: Annotated[int, typer.Option("--n", "-n", min=1, help="How many molecules.")] = 100,
    out: Out = None,
    picture: Picture = None,
    budget: Annotated[str, typer.Option(help="What the search may spend: seconds such as 20s, or a number of draws such as 20000.")] = "20s",
    model: Model = "moses",
    seed: Seed = None,
    properties: Properties = True,
    figures: Json = None,
) -> None:  # fmt: skip
    """Write distinct molecules that contain a scaffold, the likeliest first.

    Ends with code 3 when fewer than asked for are found within the budget.
    """
    check(out, picture)
    from molvae import MolVAE

    frame = MolVAE.from_pretrained(model).complete(scaffold, n, budget=budget, properties=None if properties else (), seed=seeded(seed))
    about = _about(frame)
    console.print(
        f"{about['found']:,} molecules with the scaffold found in {about['drawn']:,} draws and {about['seconds']:.1f} s (seed {about['seed']})"
        + (f"; {frame['passes'].mean():.0%} of the {len(frame):,} likeliest pass the filters of MOSES" if len(frame) else "")
    )
    report(about, figures)
    legends = [f"{nats:.0f} nats" for nats in frame["nll"]]
    why = f"; the scaffold by itself cannot be encoded ({about['refused']})" if about["refused"] else ""
    _end(frame, out, picture, legends, f"with this scaffold within the budget{why}")


def _about(frame: pd.DataFrame) -> dict[str, Any]:
    return {str(name): value for name, value in frame.attrs.items()} | {"molecules": len(frame)}


def _histogram(counts: list[int]) -> None:
    """Tanimoto similarities as bars, the most similar first."""
    most = max(*counts, 1)
    console.print("similarity (Tanimoto)")
    for tenth in reversed(range(len(counts))):
        if counts[tenth]:
            length = -(-_BAR * counts[tenth] // most)
            console.print(f"{tenth / 10:.1f} to {(tenth + 1) / 10:.1f} {'█' * length} {counts[tenth]:,}")


def _end(frame: pd.DataFrame, out: Path | None, picture: Path | None, legends: list[str], where: str) -> None:
    """Write what was found, draw it, and end with code 3 if it is less than was asked for."""
    write(frame, out)
    if picture is not None and len(frame):
        from molvae.chem.drawing import grid

        grid(frame["smiles"].head(_DRAWN).tolist(), picture, legends[:_DRAWN])
        drawn(picture)
    if len(frame) < frame.attrs["asked"]:
        console.print(f"[yellow]only {len(frame):,} of {frame.attrs['asked']:,} molecules found {escape(where)}[/yellow]")
        raise typer.Exit(PARTIAL)
