"""Seconds to turn the MOSES training set into a corpus of tokens, the first time and again, beside selfies.encoder on the same rows."""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path

import joblib
import selfies
from common import RESULTS, Figure, Variant, cores, machine, measure_interleaved, number_text, plain_errors, say, write_speeds

from molvae.chem.selfies import pinned
from molvae.data.corpus import build_corpus
from molvae.data.formats import read_rows
from molvae.data.moses import moses_file

PACKAGE, FIRST, AGAIN = "selfies.encoder alone", "corpus, first time", "corpus, again"
_PART = 8
_CHUNK = 20_000  # rows a process takes at a time, as in molvae.data.corpus


def seconds_of(work: Callable[[], object]) -> float:
    """Wall-clock seconds."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def encode_all(rows: Sequence[str], jobs: int) -> int:
    """Encode every row with the selfies package, in as many processes as the corpus is built by; the symbols' letters, in sum."""
    parts = (joblib.delayed(encode_part)(rows[start : start + _CHUNK]) for start in range(0, len(rows), _CHUNK))
    return sum(joblib.Parallel(n_jobs=jobs, return_as="generator_unordered", pre_dispatch="2*n_jobs")(parts))


def encode_part(rows: Iterable[str]) -> int:
    """What one process does at a time."""
    with pinned():
        return sum(len(selfies.encoder(smiles)) for smiles in rows)


def variants(source: Path, rows: Sequence[str], root: Path, jobs: int) -> list[Variant]:
    """The package alone; the corpus built in an empty folder; the corpus opened where it has been built."""

    def first() -> float:
        shutil.rmtree(root, ignore_errors=True)
        return seconds_of(lambda: build_corpus(source, root, jobs=jobs))

    def package() -> float:
        part = rows[::_PART]
        return seconds_of(lambda: encode_all(part, jobs)) * len(rows) / len(part)

    return [
        Variant(PACKAGE, "s", package, f"SMILES to SELFIES and nothing else; every {_PART}th row, the time taken times {_PART}"),
        Variant(FIRST, "s", first, "reading, standardising, encoding, duplicates, learning 512 tokens, tokenising, files"),
        Variant(AGAIN, "s", lambda: seconds_of(lambda: build_corpus(source, root, jobs=jobs)), "the same call when the corpus is there"),
    ]


def remarks(figures: Sequence[Figure], rows: int, jobs: int) -> list[str]:
    """Rows a second, and what was done."""
    speeds = [f"{figure.name} {number_text(rows / figure.spread()['median'])}" for figure in figures if figure.name != AGAIN]
    return [f"{rows:,} rows of the MOSES training set, {jobs} processes throughout.", f"Rows a second (median): {', '.join(speeds)}."]


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=None, help="first rows of the MOSES training set; all when not given")
    parser.add_argument("--rounds", type=int, default=1, help="measurements of each variant, interleaved")
    parser.add_argument("--jobs", type=int, default=cores(), help="processes")
    parser.add_argument("--out", type=Path, default=RESULTS / "preprocessing.json", help="JSON to write; the table goes beside it")
    return parser.parse_args()


def main() -> None:
    """Measure and write the report."""
    args, before = parse(), machine()
    say(f"{before['processor']}, {cores()} cores, load average {before['load_average']}")
    source = moses_file("train")
    rows = [row.text for row in islice(read_rows(source), args.rows)]
    with tempfile.TemporaryDirectory() as temporary:
        if args.rows is not None:
            source = Path(temporary) / "part.csv"
            source.write_text("\n".join(["SMILES", *rows]) + "\n", encoding="utf-8")
        figures = measure_interleaved(variants(source, rows, Path(temporary) / "corpora", args.jobs), args.rounds)
    settings = {"rows": len(rows), "jobs": args.jobs}
    write_speeds(args.out, "Preprocessing speed", figures, PACKAGE, before, settings, remarks(figures, len(rows), args.jobs))


if __name__ == "__main__":
    with plain_errors():
        main()
