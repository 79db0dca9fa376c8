"""Tuning a model to one's own molecules: finetune."""

from __future__ import annotations

import math
import shlex
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from molvae.cli.common import Column, Json, console, report
from molvae.cli.train import Display, devices_of
from molvae.errors import Interrupted

if TYPE_CHECKING:
    from molvae.finetuning import Tuned

_SHOWN = {  # figures before and after, in words
    "held_out_elbo": "nats a molecule held out (ELBO)",
    "exact_reconstruction": "held-out molecules that come back exactly",
    "surviving": "draws that survive the round trip",
    "unique": "different samples",
    "copies": "samples that are own molecules",
    "novel": "samples in no training set",
    "similarity": "similarity to the nearest own molecule",
}


def finetune(
    model: Annotated[str, typer.Argument(help="Folder of a trained model, or the name of a bundled one.", metavar="MODEL")],
    source: Annotated[Path, typer.Argument(help="Your molecules, 10 to a million: .smi .txt .csv .tsv .sdf (also .gz) or .parquet.", metavar="FILE")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the tuned model, its metrics and what is needed to resume.")],
    column: Column = None,
    mix: Annotated[float, typer.Option(help="Share of old molecules among those trained on, against forgetting; below 1.")] = 0.0,
    mix_data: Annotated[str | None, typer.Option(help="Where they come from: a file, or moses. Without it the model writes them itself before it is tuned.")] = None,
    epochs: Annotated[float | None, typer.Option(min=0.01, help="Times each own molecule is seen, at most; by their number when left out.")] = None,
    learning_rate: Annotated[float | None, typer.Option(min=0, help="Peak of the schedule; by the number of molecules when left out.")] = None,
    max_time: Annotated[str, typer.Option(help="Budget such as 90m or 2h; whichever comes first.")] = "365d",
    largest_fragment: Annotated[bool, typer.Option("--largest-fragment", help="Keep the largest fragment of salts instead of refusing them.")] = False,
    neutralize: Annotated[bool, typer.Option("--neutralize", help="Remove charges where a proton can be added or taken.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the order, the noise, the held-out molecules and the samples.")] = 1,
    accelerator: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    devices: Annotated[str, typer.Option(help="auto, or how many: processes of one thread on the CPU, GPUs on a GPU machine.")] = "auto",
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the run in --out stopped.")] = False,
    figures: Json = None,
) -> None:  # fmt: skip
    """Tune a model to your own molecules.

    Symbols that the model lacks are added to its vocabulary. A tenth of the molecules is held out; tuning ends when these are coded no
    better any more, and the best weights are kept. The tuned model is compared with the untuned one: figures on the molecules held out,
    and whether 1,000 samples are new or copies. After Ctrl-C the same command with --resume goes on where it stopped.
    """
    from molvae import MolVAE

    command = shlex.join(["molvae", *(word for word in sys.argv[1:] if word != "--resume")])
    with Display() as display:
        try:
            done = MolVAE.from_pretrained(model).finetune(
                source, out, column=column, mix=mix, mix_data=mix_data, epochs=epochs, learning_rate=learning_rate, max_time=max_time,
                largest_fragment=largest_fragment, neutralize=neutralize, seed=seed, resume=resume, accelerator=accelerator,
                devices=devices_of(devices), command=command, on_rows=display.encoded, on_corpus=display.corpus, listener=_told(display),
            )  # fmt: skip
        except Interrupted as error:
            raise Interrupted(f"{error}\ngo on with: {command} --resume") from error
    report({field.name: getattr(done, field.name) for field in fields(done) if field.name != "model"}, figures)
    _tell(done, out)


def _told(display: Display) -> Callable[[dict[str, float]], None]:
    """A listener that shows the course of training, and of the evaluations those that are the best so far."""
    best = math.inf

    def listener(figures: dict[str, float]) -> None:
        nonlocal best
        if "share" in figures:
            display.trained(figures)
        elif figures["held_out_elbo"] < best:
            best = figures["held_out_elbo"]
            console.print(f"step {figures['step']:,}: {best:.2f} nats a molecule held out")

    return listener


def _tell(done: Tuned, out: Path) -> None:
    """What tuning did, on the screen."""
    if done.known:
        console.print(f"{done.known:,} of the {done.own:,} molecules were in the training set already")
    if done.symbols:
        console.print(
            f"{len(done.symbols)} symbols are new to the vocabulary: {escape(' '.join(done.symbols[:20]))}{' ...' * (len(done.symbols) > 20)}"
        )
    if done.dropped:
        console.print(
            f"[yellow]left out, for they fit the tuned weights no longer: {', '.join(done.dropped)}; fit them anew where needed[/yellow]"
        )
    table = Table("", "untuned", "tuned", title="molecules held out, and 1,000 samples without a critic")
    for name, words in _SHOWN.items():
        table.add_row(words, *(f"{figures[name]:.4g}" if name in figures else "" for figures in (done.before, done.after)))
    console.print(table)
    similar = f"The held-out molecules are {done.after['similarity_of_held_out']:.2f} similar to the nearest of those trained on."
    console.print(f"{similar}\n[bold]done[/bold]: the model is in {escape(str(out))}; try: molvae sample --model {escape(str(out))}")
