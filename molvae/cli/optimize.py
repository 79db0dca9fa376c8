"""Optimization campaigns: optimize."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from molvae.cli.common import PARTIAL, Json, console, report
from molvae.cli.interrupts import interruptible
from molvae.errors import Interrupted
from molvae.files import check_writable

if TYPE_CHECKING:
    from molvae.optimize.campaign import Progress as Far
    from molvae.optimize.found import Found


def optimize(
    recipe: Annotated[Path, typer.Argument(help="TOML: each table named term says what is wished, the table campaign how it is searched.", metavar="RECIPE")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the journal and the results; else `out` of the recipe.")] = None,
    budget: Annotated[int | None, typer.Option(min=1, help="Oracle calls in all; may be raised on --resume.")] = None,
    method: Annotated[str | None, typer.Option(help="evolve, gradient, cma, turbo, stoned or random.")] = None,
    model: Annotated[str | None, typer.Option("--model", "-m", help="A bundled model by name, or the folder of a trained one.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of everything random.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the campaign in the folder.")] = False,
    figures: Json = None,
) -> None:  # fmt: skip
    """Search for molecules that meet wishes, within a budget of oracle calls.

    Every answer is on disk before its value is used: after Ctrl-C, or a crash, the same command with --resume goes on and asks nothing
    twice that was answered. Options given here come before those of the recipe. Ends with 3 where some calls failed, where nothing new was
    left to ask, or where no molecule met every constraint.
    """
    if figures is not None:
        check_writable(figures)
    command = shlex.join(["molvae", *(word for word in sys.argv[1:] if word != "--resume")])
    changes = {"budget": budget, "method": method, "model": model, "seed": seed, "out": str(out) if out else None}
    try:
        with interruptible():
            found = _run(recipe, changes, resume)
    except Interrupted as error:
        raise Interrupted(f"{error}\ngo on with: {command} --resume") from error
    report(_figures(found), figures)
    _tell(found)
    if found.outcome.exhausted or found.failures or not found.met:
        raise typer.Exit(PARTIAL)


def _run(path: Path, changes: dict[str, Any], resume: bool) -> Found:
    from molvae.optimize.recipe import CampaignRecipe
    from molvae.optimize.run import optimize as run

    recipe = CampaignRecipe.load(path).updated(**changes)
    with _bar(recipe.settings.budget) as told:
        return run(recipe, resume=resume, progress=told)


@contextmanager
def _bar(budget: int) -> Iterator[Callable[[Far], None]]:
    """A bar on stderr with the best scores and the calls a second; gives what is told the progress."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    begun: list[int] = []  # calls of before a resume
    start = time.monotonic()
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("no score yet", total=budget)

        def told(now: Far) -> None:
            if not begun:
                begun.append(now.calls - now.new)
            rate = (now.calls - begun[0]) / max(time.monotonic() - start, 1e-6)
            progress.update(task, completed=now.calls, description=f"{_scores(now)}, {rate:.3g} calls a second")

        yield told


def _scores(now: Far) -> str:
    return "no score yet" if now.best is None or now.top is None else f"best {now.best:.3f}, mean of the best 10 {now.top:.3f}"


def _figures(found: Found) -> dict[str, Any]:
    outcome = found.outcome
    best = outcome.best(10)
    return {
        "calls": len(outcome.entries),
        "budget": outcome.budget,
        "exhausted": outcome.exhausted,
        "failures": dict(found.failures.most_common()),
        "met": found.met,
        "best": best["score"].max() if len(best) else None,
        "top10": best["score"].mean() if len(best) else None,
        "auc_top10": outcome.auc(),
        "molecules": best[["smiles", "score", "call"]].to_dict("records"),
    }


def _tell(found: Found) -> None:
    outcome, failures = found.outcome, found.failures
    for note in filter(None, found.notes):
        console.print(escape(note), soft_wrap=True)
    best = outcome.best(10)
    if len(best):
        first = best.iloc[0]
        console.print(
            f"best: [bold]{first['score']:.4g}[/bold] {escape(str(first['smiles']))}; mean of the best 10: {best['score'].mean():.4g}",
            soft_wrap=True,
        )
    if failures:
        said = "; ".join(f"{count:,} {reason}" for reason, count in failures.most_common(3))
        console.print(f"[yellow]{failures.total():,} of {len(outcome.entries):,} calls failed[/yellow]: {escape(said)}", soft_wrap=True)
    if unmet := found.unmet:
        said = (
            f"{found.met:,} of {len(outcome.entries):,} molecules asked met every constraint; the others, say: {unmet.most_common(1)[0][0]}"
        )
        console.print(escape(said), soft_wrap=True)
    if outcome.exhausted:
        help_ = "" if found.recipe.settings.lead or found.recipe.settings.start_file else "; a lead or a start_file may help"
        hint = "" if outcome.entries else f": nothing that was written meets the constraints{help_}"
        console.print(
            f"[yellow]the method has nothing new to ask after {len(outcome.entries):,} of {outcome.budget:,} calls[/yellow]{hint}",
            soft_wrap=True,
        )
    console.print(f"{len(outcome.entries):,} calls; results in [bold]{escape(str(found.recipe.settings.out))}[/bold]", soft_wrap=True)
