"""What tuning the bundled model to one's own molecules brings, and what it costs.

    python benchmarks/finetune.py --zinc zinc250k.smi.gz

Two sets. A narrow series: 78 molecules of MOSES' test set that share a substructure (thieno[2,3-d]pyrimidines), and others of it
that are never shown. And molecules that the model cannot even read: 3,000 of ZINC250k with charges or stereo. Each is tuned to without
old molecules mixed in, with half of them written by the model itself before, and with half of them from MOSES' training set.

Measured before and after, on molecules that no training saw: ELBO in nats a molecule (one draw a molecule) and exact reconstruction
(greedy from the mean), on the series and on 1,000 molecules of MOSES' test set, which shows what is forgotten; and of 1,000 samples
(round trip, no critic) copies, novelty, and similarity to the nearest own molecule. ZINC250k is left out without `--zinc`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import common
import numpy as np
from rdkit import Chem
from trained import moses_test

from molvae import MolVAE
from molvae.data.corpus import CorpusSettings, build_corpus
from molvae.data.formats import read_rows
from molvae.data.moses import moses_file
from molvae.errors import DataError
from molvae.training.trainer import held_out_figures

SERIES = "c1csc2ncncc12"
VARIANTS: dict[str, dict[str, Any]] = {
    "nothing mixed in": {},
    "half its own writing": {"mix": 0.5},
    "half MOSES training": {"mix": 0.5, "mix_data": "moses"},
}
COLUMNS = {
    "series ELBO": ("unseen_elbo", ".2f"), "series exact": ("unseen_exact", ".1%"), "MOSES ELBO": ("moses_elbo", ".2f"),
    "MOSES exact": ("moses_exact", ".1%"), "draws that survive": ("surviving", ".1%"), "copies": ("copies", ".1%"),
    "novel": ("novel", ".1%"), "different": ("unique", ".1%"), "similarity to own": ("similarity", ".2f"), "seconds": ("seconds", ".0f"),
}  # fmt: skip


@dataclass(frozen=True)
class Task:
    """Molecules to tune to, and others like them.

    Attributes:
        name: of the set.
        own: tuned to.
        unseen: of the same kind, never shown.
    """

    name: str
    own: list[str]
    unseen: list[str]


def series(count: int, unseen: int) -> Task:
    """Molecules of MOSES' test set with the substructure of the series."""
    pattern = Chem.MolFromSmarts(SERIES)
    members = (text for text in moses_test() if Chem.MolFromSmiles(text).HasSubstructMatch(pattern))
    rows = list(islice(members, count + unseen))
    return Task("series", rows[:count], rows[count : count + unseen])


def foreign(path: Path, model: MolVAE, count: int, unseen: int) -> Task:
    """Molecules of ZINC250k that the model cannot read for their symbols, drawn at random."""
    rows = [row.text for row in read_rows(path)]
    drawn = [rows[place] for place in np.random.default_rng(0).permutation(len(rows))[: 2 * (count + unseen)]]
    encoded = model.encode_all(drawn)
    unread = [text for text, why in zip(drawn, encoded.problems, strict=True) if why and why.reason == "symbol not in the vocabulary"]
    if len(unread) < count + unseen:
        raise DataError(
            f"{path}: {len(unread):,} of {len(drawn):,} molecules have symbols that the model lacks, expected {count + unseen:,}"
        )
    return Task("ZINC250k with charges or stereo", unread[:count], unread[count : count + unseen])


def judged(model: MolVAE, molecules: Sequence[str], folder: Path, name: str) -> dict[str, float]:
    """ELBO of molecules in nats, of those that the model can read, and the share of all that comes back exactly."""
    path = folder / f"{name}.smi"
    path.write_text("\n".join(molecules) + "\n", encoding="utf-8")
    figures = {f"{name}_exact": float(model.reconstruct(molecules)["exact"].mean())}
    try:
        corpus = build_corpus(path, folder, CorpusSettings(), model.checkpoint.tokenizer)
    except DataError:
        return figures  # it can read none of them
    return figures | {f"{name}_elbo": held_out_figures(model.checkpoint.vae, corpus, np.arange(len(corpus)))["held_out_elbo"]}


def measured(model: MolVAE, task: Task, options: argparse.Namespace) -> list[dict[str, Any]]:
    """A row for the untuned model, and one for each variant of tuning."""
    rows: list[dict[str, Any]] = []
    moses = list(moses_test()[-options.moses :])
    for variant, mixing in VARIANTS.items():
        with TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "own.smi").write_text("\n".join(task.own) + "\n", encoding="utf-8")
            start = time.perf_counter()
            done = model.finetune(folder / "own.smi", folder / "tuned", seed=options.seed, cache=folder / "cache", **mixing)
            seconds = time.perf_counter() - start
            found = [("untuned", model, done.before), (variant, done.model, done.after)]
            for what, judge, figures in found if not rows else found[1:]:
                unseen = judged(judge, task.unseen, folder, "unseen") | judged(judge, moses, folder, "moses")
                rows.append({"task": task.name, "variant": what, **figures, **unseen} | ({"seconds": seconds} if what == variant else {}))
                common.say(f"{task.name}: {what}: {rows[-1]}")
            rows[-1] |= {"symbols": len(done.symbols), "own": done.own}
    return rows


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as markdown, a table a set."""
    parts: list[str] = []
    for task in dict.fromkeys(row["task"] for row in rows):
        mine = [row for row in rows if row["task"] == task]
        cells = [[row["variant"], *(format(row[key], form) if key in row else "" for key, form in COLUMNS.values())] for row in mine]
        parts += [
            f"**{task}**: {mine[-1]['own']:,} own molecules, {mine[-1]['symbols']} new symbols; own molecules held out are "
            f"{mine[0]['similarity_of_held_out']:.2f} similar to the nearest of those tuned to.",
            common.markdown(["tuned with", *COLUMNS], cells),
        ]
    return "\n\n".join([*parts, "ELBO: nats a molecule, fewer are better. Seconds: all of the call, samples and figures included."])


def main() -> None:
    """Tune, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="moses", help="a bundled name, or the folder of a model")
    parser.add_argument("--own", type=int, default=78, help="molecules of the series to tune to")
    parser.add_argument("--foreign", type=int, default=3_000, help="molecules of ZINC250k to tune to")
    parser.add_argument("--unseen", type=int, default=300, help="molecules of each kind that are never shown")
    parser.add_argument("--moses", type=int, default=1_000, help="molecules of MOSES' test set")
    parser.add_argument("--zinc", type=Path, help="ZINC250k, one SMILES a line")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=common.RESULTS / "finetune.json", help="JSON to write; the table goes beside it")
    options, before = parser.parse_args(), common.machine()
    moses_file("train")  # now, not after minutes
    model = MolVAE.from_pretrained(options.model)
    tasks = [series(options.own, options.unseen)]
    if options.zinc:
        tasks.append(foreign(options.zinc, model, options.foreign, options.unseen))
    settings = {"series": SERIES, "unseen": options.unseen, "moses": options.moses, "seed": options.seed, "model": Path(options.model).name}
    rows: list[dict[str, Any]] = []
    for task in tasks:
        rows += measured(model, task, options)
        common.write_result(options.out, "Tuning to one's own molecules", rows, table(rows), before, settings=settings)  # so far


if __name__ == "__main__":
    with common.plain_errors():
        main()
