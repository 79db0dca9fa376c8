"""The speed of molvae's own training loop; run as a script by training_speed.py where it needs more than one process."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import torch
from common import plain_errors

from molvae.data.corpus import Corpus
from molvae.errors import DataError
from molvae.fitting import new_vae
from molvae.training.engine import make_fabric
from molvae.training.recipe import Recipe
from molvae.training.trainer import Trainer

_NEVER = 1e9  # seconds


def speed_recipe(recipe: Recipe, seconds: float) -> Recipe:
    """The same recipe with a budget of `seconds`, without evaluations or checkpoints on the way, and two molecules held out."""
    train = {"max_time": seconds, "evaluate_every": _NEVER, "save_every": _NEVER}
    return recipe.updated(train=train, data={"validation": 2})


def train(recipe: Recipe, corpus: Path, folder: Path, devices: int) -> None:
    """Train by the recipe, as `molvae train` does; the figures land in `folder`/metrics.jsonl."""
    fabric = make_fabric(recipe, accelerator="cpu", devices=devices)
    if devices > 1:
        torch.set_num_threads(1)
    fabric.launch()
    opened = Corpus(corpus)
    Trainer(recipe, fabric, folder).fit(new_vae(recipe, len(opened.tokenizer)), opened)


def measured_speed(recipe: Recipe, corpus: Path, seconds: float, warmup: float, devices: int = 1) -> float:
    """Molecules a second over `seconds` of training that follow `warmup` seconds of it."""
    recipe = speed_recipe(recipe, warmup + seconds)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if devices == 1:
            train(recipe, corpus, folder, 1)
        else:
            _train_in_processes(recipe, corpus, folder, devices)
        lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return speed_after([json.loads(line) for line in lines], warmup)


def _train_in_processes(recipe: Recipe, corpus: Path, folder: Path, devices: int) -> None:
    """Run this file as a script: Fabric starts the other processes by running the same script again."""
    (folder / "recipe.json").write_text(recipe.model_dump_json(), encoding="utf-8")
    command = [sys.executable, __file__, "--corpus", str(corpus), "--folder", str(folder), "--devices", str(devices)]
    done = subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DataError(f"training in {devices} processes failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")


def speed_after(figures: Sequence[dict[str, float]], warmup: float) -> float:
    """Mean of the reported molecules a second, each report weighted by the time it covers, once `warmup` seconds are over."""
    reports = [f for f in figures if "molecules_per_second" in f]
    spans = [(f["elapsed"] - before["elapsed"], f) for before, f in pairwise(reports)]
    counted = [(span, f["molecules_per_second"]) for span, f in spans if f["elapsed"] - span >= warmup]
    if not counted:
        raise DataError(f"no report after {warmup:g} s of warm-up among {len(reports)}; give more --seconds")
    return sum(span * speed for span, speed in counted) / sum(span for span, _ in counted)


def main() -> None:
    """One training run in several processes."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--devices", type=int, required=True)
    args = parser.parse_args()
    recipe = Recipe.of(json.loads((args.folder / "recipe.json").read_text(encoding="utf-8")))
    train(recipe, args.corpus, args.folder, args.devices)


if __name__ == "__main__":
    with plain_errors():
        main()
