"""Data and models: data, train, info."""

from __future__ import annotations

import shlex
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

from molvae.cli.common import Column, Copy, Json, Model, Trained, bar, console, folder_for, report
from molvae.errors import DataError, Interrupted

if TYPE_CHECKING:
    from molvae.data.corpus import Corpus


_Like = Annotated[str, typer.Option("--data", help="File of molecules like those it was trained on, or moses.")]
_AtMost = Annotated[int, typer.Option(min=100, help="At most so many of them are used, drawn at random.")]


def data(
    name: Annotated[str, typer.Argument(help="The data set; so far there is moses.")] = "moses",
    folder: Annotated[Path | None, typer.Option(help="Where to keep it; molvae's cache folder by default.")] = None,
    wheel: Annotated[Path | None, typer.Option(help="The wheel molsets 0.3.1, if it was fetched by hand.")] = None,
) -> None:
    """Fetch a public data set, check it, and print where its files are."""
    if name != "moses":
        raise DataError(f"no data set {name!r}; there is: moses")
    from molvae.data.moses import COUNTS, moses_file

    with console.status("fetching MOSES (50 MB)"):
        paths = {part: moses_file(part, folder, wheel) for part in COUNTS}
    for part, path in paths.items():
        console.print(f"{part}: {COUNTS[part]:,} molecules, checksum right")
        typer.echo(path)


def train(
    recipe: Annotated[Path | None, typer.Argument(help="Recipe in TOML, such as recipes/moses.toml; the defaults without one.", metavar="RECIPE")] = None,
    source: Annotated[str | None, typer.Option("--data", help="File of molecules to train on, or moses; the recipe's own by default.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the model, its metrics and what is needed to resume.")] = Path("runs/model"),
    column: Column = None,
    max_time: Annotated[str | None, typer.Option(help="Budget such as 90m or 2h; the learning rate ends with it.")] = None,
    max_steps: Annotated[int | None, typer.Option(min=1, help="Budget in steps; whichever comes first.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Molecules a step, over all processes.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the weights, the order, the noise and the held-out molecules.")] = None,
    largest_fragment: Annotated[bool | None, typer.Option("--largest-fragment", help="Keep the largest fragment of salts instead of refusing them.")] = None,
    neutralize: Annotated[bool | None, typer.Option("--neutralize", help="Remove charges where a proton can be added or taken.")] = None,
    accelerator: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    devices: Annotated[str, typer.Option(help="auto, or how many: processes of one thread on the CPU, GPUs on a GPU machine.")] = "auto",
    nodes: Annotated[int, typer.Option(min=1, help="Machines, when started on each by torchrun or SLURM.")] = 1,
    start: Annotated[str | None, typer.Option(help="Start from the weights and tokens of this model (bundled name or folder), not from random ones.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the run in --out stopped.")] = False,
) -> None:  # fmt: skip
    """Train a model on a file of molecules.

    The file is encoded once and kept in a cache. Progress is saved every few minutes; after Ctrl-C, a kill or a power cut the same
    command with --resume goes on where it stopped.
    """
    from molvae.fitting import fit
    from molvae.training.recipe import Recipe

    base = Recipe.load(recipe) if recipe else Recipe()
    chosen = base.updated(
        data={"source": source, "column": column, "largest_fragment": largest_fragment, "neutralize": neutralize},
        train={"max_time": max_time, "max_steps": max_steps, "batch_size": batch_size, "seed": seed},
    )
    command = shlex.join(["molvae", *(word for word in sys.argv[1:] if word != "--resume")])
    with Display() as display:
        try:
            model = fit(
                None, out, chosen, start=start, resume=resume, accelerator=accelerator, devices=devices_of(devices), nodes=nodes, command=command,
                on_rows=display.encoded, on_corpus=display.corpus, listener=display.trained,
            )  # fmt: skip
        except Interrupted as error:
            raise Interrupted(f"{error}\ngo on with: {command} --resume") from error
    console.print(f"[bold]done[/bold]: the model is in {escape(str(out))}; try: molvae sample --model {escape(str(out))}")
    for name, value in model.checkpoint.figures.items():
        console.print(f"  {name.replace('_', ' ')}: {value:.4g}")


def devices_of(devices: str) -> int | str:
    """The value of --devices: auto, or a number."""
    if devices == "auto":
        return devices
    try:
        return int(devices)
    except ValueError as error:
        raise DataError(f"--devices is {devices!r}, expected auto or a number") from error


class Display:
    """One line on the screen: rows encoded, then the course of training."""

    def __init__(self) -> None:
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
        )
        self._progress = Progress(*columns, console=console)
        self._task = self._progress.add_task("reading", total=None, left="")
        self._began = time.monotonic()

    def __enter__(self) -> Display:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def encoded(self, rows: int) -> None:
        """Rows encoded so far."""
        speed = rows / (time.monotonic() - self._began)
        self._progress.update(self._task, description=f"encoding: {rows:,} rows, {speed:,.0f}/s")

    def corpus(self, corpus: Corpus) -> None:
        """The corpus is there."""
        console.print(f"{len(corpus):,} molecules, {corpus.lengths.mean():.1f} tokens each, {len(corpus.tokenizer)} different tokens")
        for reason, count in corpus.refused.items():
            console.print(f"[yellow]{count:,} refused: {reason}[/yellow]")
        if corpus.refused:
            console.print(f"[yellow]rows and reasons: {escape(str(corpus.folder / 'rejects.csv'))}[/yellow]")
        self._progress.update(self._task, description="training", total=1.0)

    def trained(self, figures: dict[str, float]) -> None:
        """Figures of training or of an evaluation."""
        if "held_out_elbo" in figures or "exact_reconstruction" in figures:
            console.print("evaluated: " + ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in figures.items()))
            return
        share, elapsed = figures["share"], figures["elapsed"]
        left = timedelta(seconds=int(elapsed / share - elapsed)) if share else ""
        text = f"{figures['elbo']:.1f} nats ({figures['distortion']:.1f} + rate {figures['rate']:.1f}), {figures['molecules_per_second']:,.0f}/s"
        self._progress.update(self._task, description=text, completed=share, left=f"{left} left" if left else "")


def fit_prior(
    model: Trained,
    out: Copy = None,
    source: _Like = "moses",
    molecules: _AtMost = 250_000,
    steps: Annotated[int, typer.Option(min=1, help="Steps of the optimizer.")] = 3_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same prior.")] = 1,
) -> None:
    """Learn how the codes of real molecules are spread, to draw from that instead of a Gaussian.

    The model draws from it by default afterwards if more of what it then writes survives the round trip.
    """
    from molvae import MolVAE

    folder = folder_for(model, out)
    loaded = MolVAE.from_pretrained(model)
    with bar("fitting the prior", steps) as (progress, task):
        fitted = loaded.fit_prior(
            source, molecules=molecules, steps=steps, seed=seed, listener=lambda step, _: progress.update(task, completed=step)
        )
    loaded.save_pretrained(folder)
    figures, settings = loaded.checkpoint.figures, loaded.checkpoint.sampling
    console.print(
        f"the learned prior codes held-out molecules in {fitted.gain:.2f} nats less than the Gaussian; draws that survive: "
        f"{figures['surviving_gaussian']:.1%} from the Gaussian, {figures['surviving_learned']:.1%} from the learned prior; "
        f"sample uses the [bold]{settings.prior}[/bold] one by default"
    )


def fit_critic(
    model: Trained,
    out: Copy = None,
    source: _Like = "moses",
    molecules: _AtMost = 200_000,
    draws: Annotated[int, typer.Option(min=100, help="Codes decoded to learn what the model writes.")] = 300_000,
    keep: Annotated[float, typer.Option(min=0.01, max=0.99, help="Share of the survivors of the round trip to keep.")] = 0.5,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same critic.")] = 1,
) -> None:
    """Learn to tell what the model writes from real molecules, and keep samples at the rate at which real ones are like them."""
    from molvae import MolVAE

    folder = folder_for(model, out)
    loaded = MolVAE.from_pretrained(model)
    with console.status(f"writing {draws:,} molecules, then learning"):
        fitted = loaded.fit_critic(source, molecules=molecules, draws=draws, keep=keep, seed=seed)
    loaded.save_pretrained(folder)
    console.print(
        f"the critic ranks a real molecule above a written one in {fitted.auc:.1%} of pairs and keeps {fitted.kept:.1%} of what survives; "
        "sample uses it by default"
    )


def info(
    model: Model = "moses",
    figures: Json = None,
) -> None:
    """What a model is: sizes, training set, recipe, figures, versions."""
    from molvae import MolVAE

    facts = MolVAE.from_pretrained(model).info()
    report(facts, figures)
    facts["heads"] = [f"{head['kind']}: {', '.join(column['name'] for column in head['columns'])}" for head in facts["heads"]]
    for name, value in facts.items():
        if isinstance(value, dict):
            console.print(f"[bold]{name}[/bold]")
            for key, item in value.items():
                console.print(f"  {key}: {item}", markup=False)
        else:
            console.print(f"[bold]{name}[/bold]: {value}")
