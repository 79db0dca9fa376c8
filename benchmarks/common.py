"""What every benchmark shares: interleaved measurement, statistics, the machine in words, result files."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from molvae.data.cache import cache_folder
from molvae.errors import Interrupted, MolvaeError
from molvae.files import replacing

RESULTS = Path(__file__).parent / "results"
_LIBRARIES = ("molvae", "torch", "lightning-fabric", "rdkit", "selfies", "tokenizers", "numpy")
_MATRIX_UNITS = {"avx2": "AVX2", "avx512f": "AVX-512", "avx512_bf16": "AVX512-BF16", "amx_bf16": "AMX-BF16"}


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
    if value == 0 or value != value or abs(value) == float("inf"):
        return str(value)
    decimals = max(0, 2 - len(str(int(abs(value)))) + 1) if abs(value) >= 1 else 3
    return f"{value:,.{decimals}f}"


def table(figures: Sequence[Figure], base: Figure) -> str:
    """Markdown table of figures; those in the unit of `base` get their ratio to it (median of the rounds, and its range)."""
    lines = [f"| variant | unit | min | median | max | times {base.name} (min to max) |", "|---|---|---|---|---|---|"]
    lines += [_line(figure, base) for figure in figures]
    return "\n".join(lines)


def _line(figure: Figure, base: Figure) -> str:
    cells = [number_text(value) for value in figure.spread().values()]
    ratio = ""
    if figure.unit == base.unit:
        least, middle, most = (number_text(value) for value in figure.over(base).spread().values())
        ratio = f"{middle} ({least} to {most})"
    return f"| {figure.name} | {figure.unit} | {' | '.join(cells)} | {ratio} |"


def machine() -> dict[str, str | int | float]:
    """The machine in words: processor, cores, memory, matrix units, and how busy it is (load average of the last minute)."""
    info = _cpuinfo()
    flags = info.get("flags", "").split()
    units = [word for flag, word in _MATRIX_UNITS.items() if flag in flags]
    return {
        "processor": info.get("model name") or platform.processor() or platform.machine(),
        "cores": cores(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "matrix_units": ", ".join(units) or "unknown",
        "system": platform.system(),
        "load_average": round(os.getloadavg()[0], 2),
    }


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


@dataclass(frozen=True)
class Report:
    """A finished benchmark.

    Attributes:
        title: heading of the table.
        command: how to take it again.
        before: the machine before the first measurement.
        settings: whatever decides the figures.
        figures: the measurements.
        base: name of the figure the ratios refer to.
        remarks: what a reader must know.
    """

    title: str
    command: str
    before: dict[str, str | int | float]
    settings: dict[str, object]
    figures: Sequence[Figure]
    base: str
    remarks: Sequence[str] = ()

    def write(self, out: Path) -> None:
        """Write `out` (JSON) and the table beside it (.md)."""
        parts = self._facts() | {"settings": self.settings, "figures": self._figures(), "base": self.base, "remarks": list(self.remarks)}
        texts = {out: json.dumps(parts, indent=1) + "\n", out.with_suffix(".md"): self._markdown()}
        for path, text in texts.items():
            with replacing(path) as partial:
                partial.write_text(text, encoding="utf-8")
        say(self._markdown())

    def _facts(self) -> dict[str, object]:
        after = round(os.getloadavg()[0], 2)
        date = datetime.now(UTC).date().isoformat()
        seen = self.before | {"load_average_at_end": after}
        return {"title": self.title, "command": self.command, "date": date, "machine": seen, "versions": versions()}

    def _base(self) -> Figure:
        return next(figure for figure in self.figures if figure.name == self.base)

    def _figures(self) -> list[dict[str, object]]:
        base = self._base()
        rows: list[dict[str, object]] = []
        for figure in self.figures:
            ratio = {"ratio": figure.over(base).spread()} if figure.unit == base.unit else {}
            rows.append(asdict(figure) | figure.spread() | ratio)
        return rows

    def _markdown(self) -> str:
        facts = self._facts()
        words = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in self.before.items())
        software = ", ".join(f"{name} {number}" for name, number in versions().items())
        notes = [f"- {figure.name}: {figure.note}" for figure in self.figures if figure.note]
        remarks = [f"- {remark}" for remark in self.remarks]
        head = f"# {self.title}\n\n    {self.command}\n\n{facts['date']}. Machine: {words}. Software: {software}.\n"
        return "\n".join([head, table(self.figures, self._base()), "", *notes, *remarks]) + "\n"


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
