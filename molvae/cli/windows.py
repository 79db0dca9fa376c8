"""What `molvae sample --where` does beyond `molvae sample`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from molvae.cli.common import bar, console, report

if TYPE_CHECKING:
    import pandas as pd


def searched(model: str, n: int, asked: dict[str, Any]) -> pd.DataFrame:
    """Molecules that are searched for, with a bar on the way; windows that cannot be are told before a model is read."""
    from molvae import MolVAE
    from molvae.chem.windows import windows

    windows(asked["where"])
    with bar("molecules found", n) as (progress, task):
        return MolVAE.from_pretrained(model).sample(
            n, **asked, progress=lambda _, done, total: progress.update(task, completed=done, total=total)
        )


def say(frame: pd.DataFrame, path: Path | None) -> None:
    """Say how many were found and what it cost, beside rejection sampling; also as JSON where a file is given."""
    about: dict[str, Any] = {str(name): value for name, value in frame.attrs.items()} | {"found": len(frame)}
    heads = f"heads for {', '.join(about['heads'])}" if about["heads"] else "no heads"
    console.print(
        f"[bold]{len(frame):,}[/bold] of {about['asked']:,} molecules with {escape(about['where'])} in {about['drawn']:,} decodings, "
        f"{about['walk']['decoded']:,} of them on the way there ({heads}, seed {about['seed']}, temperature {about['temperature']:g})"
    )
    console.print(f"new molecules a decoding: {_share(about['rejection'])} by rejection sampling from the prior, {_searched(about)}")
    if about["passing"] is not None:
        novel = float(frame["novel"].mean())
        console.print(
            f"all valid, distinct and checked by RDKit; {novel:.1%} novel, {about['passing']:.1%} pass the medicinal-chemistry filters"
        )
    if len(frame) < about["asked"]:
        console.print(
            f"[yellow]only {len(frame):,} of {about['asked']:,} were found within {about['budget']:,} decodings; "
            "try wider windows or a larger --budget[/yellow]"
        )
    report(about, path)


def _searched(about: dict[str, Any]) -> str:
    if not about["search"]["decoded"]:
        return (
            "which was enough" if about["found"] == about["asked"] and not about["walk"]["decoded"] else "too few for the search to settle"
        )
    gain = "" if about["gain"] is None else f", {about['gain']:.1f} times as many"
    return f"[bold]{_share(about['search'])}[/bold] by the search{gain}"


def _share(tally: dict[str, Any]) -> str:
    return f"{tally['share']:.2%}" if tally["hits"] else f"less than 1 in {tally['decoded']:,}"
