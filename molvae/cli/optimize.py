"""Optimization campaigns: optimize."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from molvae.cli.common import PARTIAL, Json, bar, console, report
from molvae.errors import DataError, Interrupted
from molvae.files import check_writable

if TYPE_CHECKING:
    from molvae.optimize.campaign import Outcome, Progress


def optimize(
    recipe: Annotated[Path, typer.Argument(help="What is wanted, in TOML: tables [campaign], [objective] and [[term]].", metavar="CAMPAIGN")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the journal, the best molecules and the report; runs/NAME of the recipe by default.")] = None,
    budget: Annotated[int | None, typer.Option(min=1, help="Oracle calls in all.")] = None,
    method: Annotated[str | None, typer.Option(help="How to search: evolve, gradient, cma, turbo, stoned or random.")] = None,
    model: Annotated[str | None, typer.Option("--model", "-m", help="A bundled model by name, or the folder of a trained one.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of everything random.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the campaign in --out; nothing is asked twice.")] = False,
    figures: Json = None,
) -> None:  # fmt: skip
    """Search for molecules that score high, for as many oracle calls as you allow.

    Every call is on disk before it is used: after Ctrl-C, a kill or a power cut the same command with --resume goes on where it stopped.
    """
    if figures is not None:
        check_writable(figures)
    from molvae.optimize.recipe import Campaign
    from molvae.optimize.run import optimize as run

    campaign = Campaign.load(recipe).updated(budget=budget, method=method, model=model, seed=seed)
    folder = out or Path("runs") / recipe.stem
    command = shlex.join(["molvae", *(word for word in sys.argv[1:] if word != "--resume")])
    if not resume and (folder / "journal.jsonl").exists():
        raise DataError(f"{folder} holds a campaign already; go on with it (--resume) or choose another folder (--out)")
    with bar("looking for the first molecules", campaign.part.budget) as (progress, task):

        def far(now: Progress) -> None:
            found = f"best {now.best:.4g}, top ten {now.top:.4g}" if now.best is not None and now.top is not None else "no score yet"
            progress.update(task, completed=now.calls, description=found)

        try:
            outcome = run(campaign, folder, resume=resume, progress=far)
        except KeyboardInterrupt as error:
            raise Interrupted(f"stopped; every call so far is in {folder}\ngo on with: {command} --resume") from error
    report(_figures(outcome), figures)
    _say(outcome, folder)


def _figures(outcome: Outcome) -> dict[str, object]:
    best = outcome.best(10)
    failed = sum(score is None for score in outcome.scores)
    return {"calls": len(outcome.entries), "budget": outcome.budget, "failed": failed, "auc_top_10": outcome.auc(),
            "best": float(best["score"].iloc[0]), "top_10": float(best["score"].mean()), "smiles": best["smiles"].tolist()}  # fmt: skip


def _say(outcome: Outcome, folder: Path) -> None:
    facts, where = _figures(outcome), f"[bold]{escape(str(folder))}[/bold]"
    console.print(f"best [bold]{facts['best']:.4g}[/bold], mean of the ten best {facts['top_10']:.4g}, {facts['calls']:,} oracle calls")
    console.print(f"best.csv, best.sdf, progress.png and report.html are in {where}")
    if outcome.note:
        console.print(f"[yellow]{escape(outcome.note)}[/yellow]")
    if facts["failed"]:
        console.print(f"[yellow]{facts['failed']:,} of {facts['calls']:,} calls failed; the reasons are in the report[/yellow]")
    if outcome.exhausted:
        console.print(f"[yellow]the method found nothing new to ask after {facts['calls']:,} of {outcome.budget:,} calls[/yellow]")
    if facts["failed"] or outcome.exhausted:
        raise typer.Exit(PARTIAL)
