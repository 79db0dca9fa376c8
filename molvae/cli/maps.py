"""Molecules on a two-dimensional map of their codes: map."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from molvae.cli.common import PARTIAL, Column, Json, Model, Out, Seed, bar, check, console, report, write
from molvae.errors import DataError

if TYPE_CHECKING:
    from molvae.data.formats import Row
    from molvae.latent.map_colours import Colours
    from molvae.latent.maps import LatentMap

_SUFFIXES = {"--picture": (".png", ".svg"), "--html": (".html", ".htm"), "--save": (".npz",)}


def map(
    files: Annotated[list[Path], typer.Argument(help="Files of molecules: .smi .txt .csv .tsv .sdf (also .gz) or .parquet.", metavar="FILE...")],
    out: Out = None,
    picture: Annotated[Path | None, typer.Option(help="Draw the map, .png or .svg.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the map as one page that works without a network; hover shows the structure.")] = None,
    color_by: Annotated[str | None, typer.Option(help="What colours the points: file, cluster or a property (logP, QED, SA, MW ...). By default file where there are several, else cluster.")] = None,
    method: Annotated[str, typer.Option(help="pca: quick; umap: keeps neighbours together, slow, needs molvae\\[umap].")] = "pca",
    clusters: Annotated[int, typer.Option(min=0, help="Find so many clusters, each with a representative.")] = 0,
    save: Annotated[Path | None, typer.Option(help="Keep the map as .npz, to place other molecules on it later.")] = None,
    onto: Annotated[Path | None, typer.Option(help="Place the molecules on a map kept with --save.", metavar="MAP")] = None,
    structures: Annotated[int, typer.Option(min=0, help="Most points of the page with a structure; the others show their SMILES.")] = 10_000,
    model: Model = "moses",
    column: Column = None,
    seed: Seed = None,
    figures: Json = None,
) -> None:  # fmt: skip
    """Draw molecules as points, near where their codes are near: a table, a picture and an interactive page.

    Molecules that cannot be encoded are listed with row and reason in OUT.rejects.csv, and the command then ends with code 3.
    """
    check(out)
    _check({"--picture": picture, "--html": html, "--save": save})
    from molvae import MolVAE
    from molvae.data.formats import read_rows

    rows = [(file, row) for file in files for row in read_rows(file, column)]
    options: dict[str, Any] = {"method": method, "clusters": clusters, "onto": onto, "seed": seed or 0}
    with bar(f"mapping {len(rows):,} molecules"):
        found = MolVAE.from_pretrained(model).map([row.text for _, row in rows], **options)
    colours = _colours(found, [str(file) for file, _ in rows], color_by)
    _draw(found, rows, colours, picture, html, structures, onto is not None)
    if save is not None:
        found.save(save)
        console.print(f"map saved as [bold]{escape(str(save))}[/bold]")
    if out is not None or not (picture or html or save):
        write(_table(found, rows), out)
    refused = _reject(found, rows, out, len(files) > 1)
    _say(found, refused, figures)
    if refused:
        raise typer.Exit(PARTIAL)


def _check(outputs: dict[str, Path | None]) -> None:
    from molvae.files import check_writable

    for option, path in outputs.items():
        if path is not None:
            if path.suffix.lower() not in _SUFFIXES[option]:
                raise DataError(f"{path}: {option} writes {' or '.join(_SUFFIXES[option])}")
            check_writable(path)


def _colours(found: LatentMap, files: list[str], asked: str | None) -> Colours | None:
    from molvae.latent.map_colours import by_cluster, by_group, by_property

    clustered = bool(len(found.projection.centres))
    chosen = asked or ("file" if len(set(files)) > 1 else "cluster" if clustered else None)
    if chosen is None:
        return None
    if chosen == "file":
        return by_group("file", files)
    if chosen == "cluster":
        if not clustered:
            raise DataError("there are no clusters to colour by; ask for some with --clusters")
        return by_cluster(found.frame["cluster"].tolist())
    return by_property(chosen, found.frame["smiles"].tolist())


def _draw(found: LatentMap, rows: list[tuple[Path, Row]], colours: Colours | None, picture: Path | None, html: Path | None,
          structures: int, background: bool) -> None:  # fmt: skip
    from molvae.latent import map_page, map_picture

    if picture is not None:
        map_picture.picture(found, picture, colours, background=background)
    if html is not None:
        names = [row.name or "" for _, row in rows]
        title = "Map of " + ", ".join(dict.fromkeys(file.name for file, _ in rows))
        map_page.page(found, html, colours, names=names, title=title, structures=structures, background=background)
    for path in (picture, html):
        if path is not None:
            console.print(f"written: [bold]{escape(str(path))}[/bold]")


def _table(found: LatentMap, rows: list[tuple[Path, Row]]) -> Any:
    """The placed molecules with file, row and name."""
    frame = found.frame.drop(columns=["input", "reason"])
    frame.insert(0, "name", [row.name or "" for _, row in rows])
    frame.insert(0, "row", [row.row for _, row in rows])
    frame.insert(0, "file", [str(file) for file, _ in rows])
    return frame[frame["x"].notna()]


def _reject(found: LatentMap, rows: list[tuple[Path, Row]], out: Path | None, several: bool) -> int:
    """List the rows that were refused; how many there are."""
    from molvae.data.writers import Reject, Rejects

    with Rejects(out) as rejects:
        for (file, row), reason in zip(rows, found.frame["reason"], strict=True):
            if reason:
                problem = Reject.of(row, row.problem) if row.problem else Reject(row.row, row.text, *reason.split(": ", 1))
                rejects.add(
                    Reject(row.row, row.text, problem.reason, f"{file}: {problem.detail}".rstrip(": ") if several else problem.detail)
                )
    if rejects.total:
        where = f", listed in {escape(str(rejects.path))}" if rejects.path else ""
        console.print(f"[yellow]{rejects.total:,} of {len(rows):,} rows refused{where}[/yellow]\n{rejects.summary()}")
    return rejects.total


def _say(found: LatentMap, refused: int, path: Path | None) -> None:
    projection, groups = found.projection, found.representatives
    about: dict[str, Any] = {"molecules": len(found.frame) - refused, "refused": refused, "method": projection.method}
    if projection.method == "pca":
        about["share_of_variance"] = projection.share
        console.print(f"{about['molecules']:,} molecules; the two components hold {projection.share:.1%} of the variance of the codes")
    for number, smiles, molecules in groups.itertuples(index=False):
        console.print(f"cluster {number}: {molecules:,} molecules, {escape(smiles)}")
    report(about | {"clusters": groups.to_dict("records")}, path)
