"""New molecules from a model: sample and decode."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from molvae.cli.common import PARTIAL, Json, Model, Out, Seed, check, console, drawn, report, write
from molvae.cli.windows import say, searched
from molvae.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

_DRAWN = 25  # molecules in a picture


def sample(
    n: Annotated[int, typer.Option("--n", "-n", min=1, help="How many molecules.")] = 1000,
    out: Out = None,
    picture: Annotated[Path | None, typer.Option(help=f"Also draw the first {_DRAWN} as a grid, .png or .svg.")] = None,
    model: Model = "moses",
    seed: Seed = None,
    temperature: Annotated[float | None, typer.Option(help="Above 1 more daring, below 1 more typical, 0 the likeliest. The model's own by default.")] = None,
    top_p: Annotated[float | None, typer.Option(help="Share of the probability kept at each step, above 0 up to 1. The model's own by default.")] = None,
    prior: Annotated[str | None, typer.Option(help="Where codes are drawn: gaussian, learned (molvae fit-prior), or written: of molecules written without a code; none: those molecules themselves. The model's own by default.")] = None,
    critic: Annotated[bool | None, typer.Option(help="Keep survivors at the rate the model's critic gives (molvae fit-critic). The model's own by default.")] = None,
    novel: Annotated[bool, typer.Option("--novel", help="Only molecules that are not in the training set.")] = False,
    where: Annotated[str | None, typer.Option(help="Only molecules with these properties, computed by RDKit, such as \"logP=2..3,QED>0.8\" (also name=a.., name=..b, <, <=, >, >=; = for counts): the latent space is searched for them.", metavar="WINDOWS")] = None,
    budget: Annotated[int | None, typer.Option(min=1, help="With --where: most decodings. 100 a molecule by default, and at least 50,000.")] = None,
    raw: Annotated[bool, typer.Option("--raw", help="Keep all that is written: no round-trip filter, repeats stay.")] = False,
    properties: Annotated[bool, typer.Option(help="Add logP, QED, SA, weight and more, computed by RDKit.")] = True,
    figures: Json = None,
) -> None:  # fmt: skip
    """Write new molecules drawn from the model.

    Only molecules that survive a round trip through their own SELFIES string are kept, since these are what the model meant to
    write, and of these the ones that the critic of the model takes for real; --raw shows everything. With --where the critic is not
    asked, and the command ends with code 3 when fewer molecules than asked for were found within the budget.
    """
    check(out, picture)
    import pandas as pd

    from molvae import MolVAE
    from molvae.chem.properties import DEFAULT, PROPERTIES, compute

    asked: dict[str, Any] = {"temperature": temperature, "top_p": top_p, "prior": prior, "critic": critic}
    asked |= {"seed": seed, "raw": raw, "novel": novel, "where": where, "budget": budget}
    frame = MolVAE.from_pretrained(model).sample(n, **asked) if where is None else searched(model, n, asked)
    (_say if where is None else say)(frame, figures)
    shown = [name for name in frame if name in PROPERTIES] or ["QED", "logP"]
    if properties:
        computed = compute(frame["smiles"].tolist(), [name for name in DEFAULT if name not in frame])
        frame = pd.concat([frame, computed], axis=1)
    write(frame, out)
    if picture is not None and len(frame):
        _draw(frame.head(_DRAWN), picture, shown)
    if len(frame) < n:
        raise typer.Exit(PARTIAL)


def _say(frame: pd.DataFrame, path: Path | None) -> None:
    valid = frame["valid"]
    shares = {"valid": float(valid.mean()), "novel": float(frame.loc[valid, "novel"].mean()), "repeats": int(frame["duplicate"].sum())}
    about: dict[str, Any] = {str(name): value for name, value in frame.attrs.items()} | shares
    console.print(
        f"{about['drawn']:,} drawn, {about['surviving']:.1%} survive the round trip, [bold]{about['accepted']:.1%}[/bold] accepted in all; "
        f"of the {len(frame):,} kept "
        f"{about['valid']:.2%} valid, {about['novel']:.1%} novel, {about['repeats']:,} repeats "
        f"(seed {about['seed']}, temperature {about['temperature']:g}, top-p {about['top_p']:g}, {about['prior']} prior, "
        f"{'with' if about['critic'] else 'no'} critic)"
    )
    report(about, path)


def _draw(frame: pd.DataFrame, picture: Path, names: Sequence[str]) -> None:
    from molvae.chem.drawing import grid

    rows = frame[[name for name in names if name in frame]].to_dict("records")
    grid(frame["smiles"].tolist(), picture, ["  ".join(f"{name} {value:.3g}" for name, value in row.items()) for row in rows])
    drawn(picture)


def decode(
    codes: Annotated[Path, typer.Argument(help="Table with columns z0, z1, ... as `molvae encode` writes: .csv .tsv or .parquet.", metavar="FILE")],
    n: Annotated[int, typer.Option("--n", "-n", min=1, help="Molecules a code; give a temperature with it, or all are the same.")] = 1,
    out: Out = None,
    model: Model = "moses",
    temperature: Annotated[float, typer.Option(help="0 writes the likeliest molecule; higher varies.")] = 0.0,
    top_p: Annotated[float, typer.Option(help="Share of the probability kept at each step, above 0 up to 1.")] = 1.0,
    seed: Seed = None,
) -> None:  # fmt: skip
    """Write molecules for codes: one row a molecule, with the row of its code (from 0) and whether it survives the round trip."""
    check(out)
    from molvae import MolVAE

    loaded = MolVAE.from_pretrained(model)
    frame = loaded.decode(_read_codes(codes, loaded.latent_size), n, temperature=temperature, top_p=top_p, seed=seed or 0)
    write(frame[["smiles", "code", "survives"]], out)


def _read_codes(path: Path, size: int) -> NDArray[np.float32]:
    """Columns z0 to z(size - 1) of a table."""
    import numpy as np
    import pandas as pd

    readers: dict[str, Callable[[Path], pd.DataFrame]] = {
        ".csv": pd.read_csv,
        ".tsv": lambda file: pd.read_csv(file, sep="\t"),
        ".parquet": pd.read_parquet,
    }
    suffix = Path(path.name.removesuffix(".gz")).suffix.lower()
    if suffix not in readers:
        raise DataError(f"{path}: unknown suffix {suffix!r}, codes are read from {', '.join(readers)}")
    try:
        table = readers[suffix](path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as a table: {error}") from error
    if not len(table):
        raise DataError(f"{path} has no rows")
    wanted = [f"z{i}" for i in range(size)]
    missing = [name for name in wanted if name not in table.columns]
    if missing:
        raise DataError(
            f"{path} lacks the columns {', '.join(missing[:5])}{' ...' if len(missing) > 5 else ''}; the model's codes are z0 to z{size - 1}"
        )
    try:
        return np.asarray(table[wanted].to_numpy(dtype=np.float32))
    except ValueError as error:
        raise DataError(f"{path} holds something that is no number: {error}") from error
