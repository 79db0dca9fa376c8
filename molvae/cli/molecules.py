"""The user's molecules through a model: encode and reconstruct."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from molvae.cli.common import PARTIAL, Column, Json, Model, Molecules, Out, Seed, bar, check, console, report, write
from molvae.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from molvae.data.formats import Row
    from molvae.model import Encoded

_AT_ONCE = 4_096  # molecules between two steps of the progress bar


def encode(
    molecules: Molecules,
    out: Out = None,
    model: Model = "moses",
    column: Column = None,
    draw: Annotated[bool, typer.Option("--sample", help="Draw each code from its posterior instead of taking the mean.")] = False,
    seed: Seed = None,
) -> None:
    """Turn molecules into codes: one row a molecule, columns z0, z1, ...

    Molecules that cannot be encoded are listed with row and reason in OUT.rejects.csv, and the command then ends with code 3.
    """
    if out is not None and Path(out.name.lower().removesuffix(".gz")).suffix in (".smi", ".txt"):
        raise DataError(f"{out}: such a file cannot hold codes; use .csv, .tsv, .sdf or .parquet")
    check(out)
    import pandas as pd

    from molvae import MolVAE

    loaded = MolVAE.from_pretrained(model)
    parts: list[pd.DataFrame] = []

    def work(rows: list[Row], start: int) -> Encoded:
        found = loaded.encode_all([row.text for row in rows], sample=draw, seed=(seed or 0) + start)
        codes = pd.DataFrame(found.codes, columns=[f"z{i}" for i in range(loaded.latent_size)])
        frame = pd.concat([pd.DataFrame({"smiles": found.smiles, "row": [row.row for row in rows]}), codes], axis=1)
        parts.append(frame.iloc[found.usable])
        return found

    refused = _through(molecules, column, out, "encoding", work)
    write(pd.concat(parts, ignore_index=True), out)
    _end(refused)


def reconstruct(molecules: Molecules, out: Out = None, model: Model = "moses", column: Column = None, figures: Json = None) -> None:
    """Encode molecules and decode them again: which come back exactly, and what the others become.

    Molecules that cannot be encoded are listed with row and reason in OUT.rejects.csv, and the command then ends with code 3.
    """
    check(out)
    import pandas as pd

    from molvae import MolVAE

    loaded = MolVAE.from_pretrained(model)
    parts: list[pd.DataFrame] = []

    def work(rows: list[Row], start: int) -> Encoded:
        found = loaded.encode_all([row.text for row in rows])
        frame = pd.DataFrame({"smiles": found.smiles, "row": [row.row for row in rows], "reconstruction": loaded.decode_greedily(found)})
        parts.append(frame.iloc[found.usable])
        return found

    refused = _through(molecules, column, out, "reconstructing", work)
    frame = pd.concat(parts, ignore_index=True)
    frame["exact"] = frame["smiles"] == frame["reconstruction"]
    write(frame, out)
    if len(frame):
        console.print(f"exact: [bold]{frame['exact'].mean():.1%}[/bold] of {len(frame):,}")
        report({"molecules": len(frame), "exact_reconstruction": float(frame["exact"].mean()), "refused": refused}, figures)
    _end(refused)


def _through(path: Path, column: str | None, out: Path | None, what: str, work: Callable[[list[Row], int], Encoded]) -> int:
    """Put a file through `work` a few thousand rows at a time; lists what was refused and returns how many."""
    from molvae.data.formats import read_rows
    from molvae.data.writers import Reject, Rejects

    start = 0
    with Rejects(out) as rejects, bar(what) as (progress, task):
        for rows in _parts(read_rows(path, column)):
            found = work(rows, start)
            start += len(rows)
            for row, problem in zip(rows, found.problems, strict=True):
                if problem:
                    rejects.add(Reject.of(row, row.problem or problem))
            progress.advance(task, len(rows))
    if rejects.total:
        where = f", listed in {escape(str(rejects.path))}" if rejects.path else ""
        console.print(f"[yellow]{rejects.total:,} of {start:,} rows refused{where}[/yellow]\n{rejects.summary()}")
    return rejects.total


def _parts(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while part := list(islice(rows, _AT_ONCE)):
        yield part


def _end(refused: int) -> None:
    if refused:
        raise typer.Exit(PARTIAL)
