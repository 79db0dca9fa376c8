"""The command `molvae`."""

from __future__ import annotations

import os
import sys
import warnings

import typer
from rich.markup import escape

from molvae.cli import (
    around,
    benchmark,
    denoise,
    edit,
    evaluate,
    finetune,
    generate,
    impute,
    maps,
    molecules,
    novelty,
    optimize,
    properties,
    train,
    walk,
    web,
)
from molvae.cli.common import INTERRUPTED, USAGE, console
from molvae.errors import Interrupted, MolvaeError

app = typer.Typer(
    help="A variational autoencoder for molecules: train one on your SMILES, or use the bundled one to write new molecules.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
for command in (
    generate.sample,
    molecules.encode,
    generate.decode,
    molecules.reconstruct,
    evaluate.evaluate,
    walk.interpolate,
    walk.interpolate_grid,
    around.neighbors,
    around.complete,
    maps.map,
    novelty.novelty,
    edit.edit,
    denoise.denoise,
    properties.fit_properties,
    properties.predict,
    impute.impute,
    train.info,
    train.data,
    train.train,
    finetune.finetune,
    train.fit_prior,
    train.fit_critic,
    optimize.optimize,
    web.app,
):
    app.command()(command)
app.add_typer(benchmark.app, name="benchmark")


def main() -> None:
    """Run the command line; ends the process with 0, 2 (usage or data), 3 (done in part) or 130 (interrupted)."""
    # joblib's word of a worker process that it replaced, which changes nothing
    warnings.filterwarnings("ignore", "A worker stopped while some jobs were given")
    try:
        app()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader of stdout has gone
    except Interrupted as error:
        _end(str(error), INTERRUPTED)
    except (MolvaeError, ValueError, OSError) as error:
        _end(str(error), USAGE)
    except KeyboardInterrupt:
        _end("interrupted", INTERRUPTED)


def _end(message: str, code: int) -> None:
    console.print(f"[red]molvae:[/red] {escape(message)}", soft_wrap=True)
    sys.exit(code)
