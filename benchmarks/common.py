"""What every benchmark shares: interleaved measurement, statistics, the machine in words, result files."""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

from molvae.data.cache import cache_folder
from molvae.errors import Interrupted, MolvaeError
from molvae.files import replacing

RESULTS = Path(__file__).parent / "results"
_LIBRARIES = ("molvae", "torch", "lightning-fabric", "rdkit", "selfies", "tokenizers", "numpy")
_MATRIX_UNITS = {"avx2": "AVX2", "avx512f": "AVX-512", "avx512_bf16": "AVX512-BF16", "amx_bf16": "AMX-BF16"}

_PLACES = ("--cache", "--out")

#: The machine in words.
Machine = dict[str, str | int | float]


@dataclass(frozen=True)
class Variant:
    """One thing to measure.

    Attributes:
        name: row of the table.
        unit: of the number.
        measure: takes one measurement; called once a round.
        note: what a reader must know of it.
    """

    name: str
    unit: str
    measure: Callable[[], float]
    note: str = ""


@dataclass(frozen=True)
class Figure:
    """All measurements of one variant, one a round.

    Attributes:
        name: as of the variant.
        unit: as of the variant.
        values: one number a round, in the order of the rounds.
        note: as of the variant.
    """

    name: str
    unit: str
    values: tuple[float, ...]
    note: str = ""

    def over(self, base: Figure) -> Figure:
        """Ratio to another figure, round by round, so that a slow minute of the machine strikes both.

        >>> Figure("a", "x/s", (4.0, 9.0)).over(Figure("b", "x/s", (2.0, 3.0))).values
        (2.0, 3.0)
        """
        ratios = tuple(mine / theirs if theirs else float("inf") for mine, theirs in zip(self.values, base.values, strict=True))
        return Figure(self.name, f"times {base.name}", ratios)

    def spread(self) -> dict[str, float]:
        """Least, middle and largest value.

        >>> Figure("a", "x/s", (3.0, 1.0, 2.0)).spread()
        {'min': 1.0, 'median': 2.0, 'max': 3.0}
        """
        return {"min": min(self.values), "median": statistics.median(self.values), "max": max(self.values)}


def measure_interleaved(variants: Sequence[Variant], rounds: int) -> list[Figure]:
    """Measure every variant once a round, round after round."""
    values: dict[str, list[float]] = {variant.name: [] for variant in variants}
    for number in range(1, rounds + 1):
        for variant in variants:
            values[variant.name].append(variant.measure())
            say(f"round {number}/{rounds}  {variant.name}: {number_text(values[variant.name][-1])} {variant.unit}")
    return [Figure(v.name, v.unit, tuple(values[v.name]), v.note) for v in variants]


def repeat_for(seconds: float, once: Callable[[], int]) -> float:
    """Call `once` until `seconds` have passed; the sum of what it returned, a second."""
    done, start = 0, time.perf_counter()
    while (spent := time.perf_counter() - start) < seconds or not done:
        done += once()
    return done / spent


def number_text(value: float) -> str:
    """Three significant digits, thousands with commas.

    >>> number_text(2540.3), number_text(59.24), number_text(0.9767)
    ('2,540', '59.2', '0.977')
    """
    if not math.isfinite(value):
        return str(value)
    decimals = max(0, 3 - len(str(int(abs(value))))) if abs(value) >= 1 else 3
    return f"{value:,.{decimals}f}"


def table(figures: Sequence[Figure], base: Figure) -> str:
    """Markdown table of figures; those in the unit of `base` get their ratio to it (median of the rounds, and its range)."""
    header = ["variant", "unit", "min", "median", "max", f"times {base.name} (min to max)"]
    return markdown(header, [_cells(figure, base) for figure in figures])


def _cells(figure: Figure, base: Figure) -> list[str]:
    ratio = ""
    if figure.unit == base.unit:
        least, middle, most = (number_text(value) for value in figure.over(base).spread().values())
        ratio = f"{middle} ({least} to {most})"
    return [figure.name, figure.unit, *map(number_text, figure.spread().values()), ratio]


def machine() -> Machine:
    """The machine in words: processor, cores, memory, matrix units, and how busy it is (load average of the last minute)."""
    info = _cpuinfo()
    flags = info.get("flags", "").split()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    units = [word for flag, word in _MATRIX_UNITS.items() if flag in flags]
    return {
        "processor": info.get("model name") or platform.processor() or platform.machine(),
        "cores": cores(),
        "memory": f"{memory / 2**30:.0f} GiB",
        "matrix_units": ", ".join(units) or "unknown",
        "system": platform.system(),
        "load_average": load_average(),
    }


def load_average() -> float:
    """Processes running or waiting, mean of the last minute."""
    return round(os.getloadavg()[0], 2)


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _cpuinfo() -> dict[str, str]:
    """Fields of the first processor in /proc/cpuinfo; empty where there is no such file."""
    try:
        first = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n", 1)[0]
    except OSError:
        return {}
    pairs = (line.split(":", 1) for line in first.splitlines() if ":" in line)
    return {key.strip(): value.strip() for key, value in pairs}


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that decide a speed."""
    return {"python": platform.python_version()} | {name: version(name) for name in _LIBRARIES}


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A markdown table.

    >>> print(markdown(["a", "b"], [["1", "2"]]))
    | a | b |
    |---|---|
    | 1 | 2 |
    """
    lines = ["| " + " | ".join(cells) + " |" for cells in [header, *rows]]
    return "\n".join([lines[0], "|" + "---|" * len(header), *lines[1:]])


def command_line(words: Sequence[str]) -> str:
    """The command in words, without folders of this machine.

    >>> command_line(["/x/benchmarks/a.py", "--rows", "9", "--cache", "/home/me", "--model", "/x/runs/moses"])
    'python benchmarks/a.py --rows 9 --model moses'
    """
    shown: list[str] = []
    for before, word in pairwise(words):
        option = word.split("=", 1)[0]
        if option not in _PLACES and (before not in _PLACES):
            shown.append(Path(word).name if Path(word).is_absolute() else word)
    return " ".join(["python", f"benchmarks/{Path(words[0]).name}", *shown])


def write_result(out: Path, title: str, figures: object, text: str, before: Machine | None = None, **facts: object) -> None:
    """Write `out` (JSON) and, beside it, `text` as markdown; both carry the command, the date, the machine and the versions.

    Args:
        out: the JSON file.
        title: heading.
        figures: the results as JSON can hold them.
        text: the results as markdown.
        before: the machine before the first measurement, when that matters.
        facts: further entries of the JSON file.
    """
    seen = machine() if before is None else before | {"load_average_at_end": load_average()}
    head: dict[str, object] = {"title": title, "command": command_line(sys.argv), "date": datetime.now(UTC).date().isoformat()}
    whole = head | {"machine": seen, "versions": versions()} | facts | {"figures": figures}
    page = f"# {title}\n\n    {head['command']}\n\n{head['date']}. Machine: {_listing(seen)}. Software: {_listing(versions())}.\n\n{text}\n"
    for path, content in {out: json.dumps(whole, indent=1) + "\n", out.with_suffix(".md"): page}.items():
        with replacing(path) as partial:
            partial.write_text(content, encoding="utf-8")
    say(page)


def _listing(facts: Mapping[str, object]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts.items())


def write_speeds(out: Path, title: str, figures: Sequence[Figure], base: str, before: Machine, settings: Mapping[str, object],
                 remarks: Sequence[str]) -> None:  # fmt: skip
    """Write a table of speeds and their ratios to the one named `base`; see `write_result`."""
    foundation = next(figure for figure in figures if figure.name == base)
    notes = [f"- {figure.name}: {figure.note}" for figure in figures if figure.note]
    text = "\n".join([table(figures, foundation), "", *notes, *(f"- {remark}" for remark in remarks)])
    rows = [_entry(figure, foundation) for figure in figures]
    write_result(out, title, rows, text, before, settings=settings, base=base, remarks=list(remarks))


def _entry(figure: Figure, base: Figure) -> dict[str, object]:
    ratio = {"ratio": figure.over(base).spread()} if figure.unit == base.unit else {}
    return asdict(figure) | figure.spread() | ratio


def say(text: str) -> None:
    """Progress, to stderr."""
    print(text, file=sys.stderr, flush=True)


def add_common_arguments(parser: argparse.ArgumentParser, out: str) -> None:
    """The options every benchmark has."""
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each variant, interleaved")
    parser.add_argument("--out", type=Path, default=RESULTS / out, help="JSON to write; the table goes beside it")
    parser.add_argument("--cache", type=Path, default=cache_folder() / "benchmarks", help="where the peers' wheel and weights are kept")


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn molvae's errors into one line and the exit code of the command line: 2, or 130 when interrupted."""
    try:
        yield
    except (Interrupted, KeyboardInterrupt) as error:
        say(f"interrupted: {error}")
        raise SystemExit(130) from error
    except MolvaeError as error:
        say(f"error: {error}")
        raise SystemExit(2) from error
