"""Published benchmarks: pmo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from molvae.cli.common import Json, bar, console, report
from molvae.errors import Interrupted
from molvae.files import check_writable

if TYPE_CHECKING:
    from molvae.optimize.campaign import Progress
    from molvae.optimize.results import Result
    from molvae.optimize.standings import Standings

app = typer.Typer(help="Run published benchmarks with a model.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Run published benchmarks with a model."""


@app.command()
def pmo(
    tasks: Annotated[str, typer.Option(help="Names of tasks with commas between, or all.")] = "all",
    seeds: Annotated[int, typer.Option(min=1, help="Runs of each task, with the seeds 0, 1, ...")] = 3,
    budget: Annotated[int, typer.Option(min=1, help="Oracle calls of a run.")] = 10_000,
    model: Annotated[str, typer.Option("--model", "-m", help="A bundled model by name, or the folder of a trained one.")] = "zinc250k",
    method: Annotated[str, typer.Option(help="How to search: evolve, stoned, random, ...")] = "evolve",
    batch: Annotated[int, typer.Option(min=1, help="Molecules asked at once.")] = 50,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the journals, results and the table.")] = Path("runs/pmo"),
    resume: Annotated[bool, typer.Option(help="Go on with what is in the folder; also to add tasks and seeds.")] = False,
    processes: Annotated[int, typer.Option(min=1, help="Runs side by side, one thread each.")] = 1,
    figures: Json = None,
) -> None:  # fmt: skip
    """Run PMO: 23 tasks, 10,000 oracle calls each, judged by the area under the curve of the mean of the ten best.

    Every run has a folder with its journal, so a run that was stopped or killed goes on with --resume and asks nothing twice. OUT/pmo.md
    shows what is finished beside published figures.
    """
    if figures is not None:
        check_writable(figures)
    from molvae.optimize.benchmark import Benchmark, chosen_tasks, run_pmo
    from molvae.optimize.standings import Standings

    benchmark = Benchmark(chosen_tasks(tasks), seeds, budget, model, method, batch)
    done: set[tuple[str, int]] = set()
    try:
        with bar("oracle calls", len(benchmark.pairs()) * budget) as (progress, task):

            def far(name: str, seed: int, now: Progress) -> None:
                progress.update(task, description=f"{name} {seed}", completed=len(done) * budget + now.calls)

            def ended(result: Result) -> None:
                done.add((result.task, result.seed))
                progress.update(task, completed=len(done) * budget)
                _say(result)
                Standings.of(benchmark, out).write(out)

            run_pmo(benchmark, out, resume=resume, processes=processes, progress=far, ended=ended)
    except KeyboardInterrupt as error:
        raise Interrupted(
            f"stopped with {len(done)} of {len(benchmark.pairs())} runs finished; the same command with --resume goes on"
        ) from error
    standings = Standings.of(benchmark, out)
    _sum(standings, out)
    report(standings.figures(), figures)


def _say(result: Result) -> None:
    console.print(
        f"{result.task} {result.seed}: AUC top 10 [bold]{result.auc['10']:.3f}[/bold], best {max(result.top.values()):.3f}, "
        f"{result.calls:,} calls, {result.seconds:,.0f} s"
    )


def _sum(standings: Standings, out: Path) -> None:
    sums = standings.sums()
    others = {name: value for name, value in sums.items() if name != "molvae" and not name.endswith("*")}
    best = max(others, key=lambda name: others[name])
    console.print(
        f"sum over {len(standings.results)} tasks: [bold]{sums['molvae']:.3f}[/bold]; best published: {others[best]:.3f} ({best}); "
        f"table: [bold]{escape(str(out / 'pmo.md'))}[/bold]"
    )
