"""Analogues of a molecule with other properties: edit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from molvae.cli.common import PARTIAL, Json, Model, Out, Seed, check, console, drawn, report, write
from molvae.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


def edit(
    molecule: Annotated[str, typer.Argument(help="The molecule to edit, a SMILES.", metavar="SMILES")],
    targets: Annotated[list[str] | None, typer.Option("--set", help="Bring a property to a value; may be repeated.", metavar="NAME=VALUE")] = None,
    raised: Annotated[list[str] | None, typer.Option("--raise", help="Raise a property; may be repeated.", metavar="NAME")] = None,
    lowered: Annotated[list[str] | None, typer.Option("--lower", help="Lower a property; may be repeated.", metavar="NAME")] = None,
    similarity: Annotated[float, typer.Option(min=0, max=1, help="Least Tanimoto similarity to the molecule (Morgan, radius 2).")] = 0.4,
    n: Annotated[int, typer.Option("--n", "-n", min=1, help="Most molecules to write.")] = 20,
    rounds: Annotated[int, typer.Option(min=1, help="How long to search: rounds of 512 decodings each.")] = 8,
    out: Out = None,
    picture: Annotated[Path | None, typer.Option(help="Also draw the molecule and its analogues as a grid, .png or .svg.")] = None,
    model: Model = "moses",
    seed: Seed = None,
    figures: Json = None,
) -> None:  # fmt: skip
    """Find analogues of a molecule that move properties as asked and stay similar to it, best first.

    Every molecule written is valid, new, within the similarity bound and moves each property as asked; all values are computed by
    RDKit. When nothing is found the table is empty and the command ends with code 3.
    """
    check(out, picture)
    asked: dict[str, Any] = {"set": _targets(targets or []), "raise_": raised or [], "lower": lowered or []}
    from molvae import MolVAE

    loaded = MolVAE.from_pretrained(model)
    frame = loaded.edit(molecule, **asked, similarity=similarity, n=n, rounds=rounds, seed=seed or 0)
    write(frame, out)
    if picture is not None:
        _draw(frame, picture)
    _say(frame, similarity, figures)
    if frame.empty:
        raise typer.Exit(PARTIAL)


def _targets(texts: list[str]) -> dict[str, float]:
    """Values of "logP=3" and the like."""
    found: dict[str, float] = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            number = float(value)
        except ValueError as error:
            raise DataError(f"--set {text!r}, expected a property and a number such as logP=3") from error
        if name in found:
            raise DataError(f"--set gives {name} twice, {found[name]:g} and {number:g}")
        found[name] = number
    return found


def _values(names: dict[str, float]) -> str:
    return "  ".join(f"{name} {value:.3g}" for name, value in names.items())


def _after(row: dict[Any, Any], names: dict[str, float]) -> dict[str, float]:
    return {name: float(row[f"{name}_after"]) for name in names}


def _draw(frame: pd.DataFrame, picture: Path) -> None:
    from molvae.chem.drawing import grid

    before = frame.attrs["before"]
    rows = frame.to_dict("records")
    legends = [f"input  {_values(before)}", *(f"{row['similarity']:.2f}  {_values(_after(row, before))}" for row in rows)]
    grid([frame.attrs["input"], *frame["smiles"]], picture, legends)
    drawn(picture)


def _say(frame: pd.DataFrame, similarity: float, path: Path | None) -> None:
    about = {str(name): value for name, value in frame.attrs.items()}
    searched = f"{about['decoded']:,} decodings, {about['similar']:,} new molecules with a similarity of at least {similarity:g}"
    best = None if frame.empty else _after(frame.iloc[0].to_dict(), about["before"])
    if best is None:
        console.print(
            f"[yellow]nothing found: {searched}, none that moves the properties as asked; try a lower --similarity or more --rounds[/yellow]"
        )
    else:
        console.print(f"{searched}, [bold]{about['found']:,}[/bold] as asked, {len(frame):,} kept")
        console.print(f"before: {_values(about['before'])}; best: {_values(best)} at a similarity of {frame['similarity'].iloc[0]:.2f}")
    report(about | {"similarity": similarity, "kept": len(frame), "best": best}, path)
