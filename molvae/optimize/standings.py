"""Results of the PMO benchmark beside the published ones."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from molvae.files import replacing
from molvae.optimize.benchmark import Benchmark
from molvae.optimize.oracles import PMO
from molvae.optimize.results import RESULT, Result, read_result

_PUBLISHED = Path(__file__).parent / "published" / "pmo_auc_top10.csv"


@cache
def published() -> dict[str, dict[str, float]]:
    """AUC of the top 10 that others reach, by method and task; see the README beside the file for the sources.

    >>> published()["NF-BO"]["qed"]
    0.941
    """
    with _PUBLISHED.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return {name: {row["task"]: float(row[name]) for row in rows} for name in rows[0] if name != "task"}


@dataclass(frozen=True)
class Standings:
    """All finished results of one benchmark.

    Attributes:
        benchmark: its method, model, budget and batch.
        results: by task, in the order of `PMO`, and by seed.
    """

    benchmark: Benchmark
    results: dict[str, list[Result]]

    @classmethod
    def of(cls, benchmark: Benchmark, out: str | Path) -> Standings:
        """What is there: finished results in a folder that have the method, model, budget and batch of a benchmark."""
        found = [read_result(path) for path in sorted(Path(out).glob(f"*/{RESULT}"))]
        wanted = ("method", "model", "budget", "batch")
        same = [result for result in found if all(getattr(result, name) == getattr(benchmark, name) for name in wanted)]
        by_task = {task: sorted((r for r in same if r.task == task), key=lambda r: r.seed) for task in PMO}
        return cls(benchmark, {task: results for task, results in by_task.items() if results})

    def auc(self, task: str, k: int = 10) -> float:
        """AUC of the top k, mean over the seeds."""
        return mean(result.auc[str(k)] for result in self.results[task])

    @property
    def complete(self) -> bool:
        """Whether all 23 tasks are there with 10,000 calls, as PMO asks."""
        return len(self.results) == len(PMO) and self.benchmark.budget == 10_000

    def sums(self) -> dict[str, float]:
        """AUC of the top 10 summed over the tasks that are there: the own and that of each published method."""
        others = {name: sum(column[task] for task in self.results) for name, column in published().items()}
        return {"molvae": sum(map(self.auc, self.results))} | others

    def figures(self) -> dict[str, Any]:
        """All figures as JSON can hold them."""
        b = self.benchmark
        return {
            "benchmark": "PMO", "method": b.method, "model": b.model, "budget": b.budget, "batch": b.batch, "complete": self.complete,
            "tasks": {task: self._task(task) for task in self.results},
            "sums_auc_top10": self.sums(),
        }  # fmt: skip

    def _task(self, task: str) -> dict[str, Any]:
        results = self.results[task]
        spread = stdev(result.auc["10"] for result in results) if len(results) > 1 else None
        others = {name: column[task] for name, column in published().items()}
        return {
            "seeds": [result.seed for result in results],
            **{f"auc_top{k}": self.auc(task, k) for k in (1, 10, 100)},
            "auc_top10_deviation": spread,
            "auc_top10_by_seed": [result.auc["10"] for result in results],
            "duplicates": mean(result.duplicates for result in results),
            "diversity": _mean([result.diversity for result in results]),
            "seconds_per_1000_calls": _mean([1000 * r.seconds / r.timed if r.timed else None for r in results]),
            "published_auc_top10": others,
        }

    def write(self, out: str | Path) -> None:
        """Write `pmo.json` and `pmo.md` into a folder."""
        for name, text in {"pmo.json": json.dumps(self.figures(), indent=1) + "\n", "pmo.md": self.page()}.items():
            with replacing(Path(out) / name) as partial:
                partial.write_text(text, encoding="utf-8")

    def page(self) -> str:
        """The figures as markdown."""
        b, methods = self.benchmark, list(published())
        head = ["task", "seeds", "molvae", "±", "best published", *methods]
        rows = [self._row(task) for task in self.results]
        sums = self.sums()
        total = [f"**sum of {len(rows)}**", "", f"**{sums['molvae']:.3f}**", "", "", *(f"{sums[name]:.3f}" for name in methods)]
        part = "" if self.complete else f" **Not the whole of PMO**: {len(rows)} of 23 tasks, {b.budget:,} calls; published: 23, 10,000."
        return (
            f"# PMO: AUC of the top 10\n\nMethod {b.method}, model {b.model}, {b.budget:,} calls, batches of {b.batch}; mean and standard "
            f"deviation over the seeds.{part}\nPublished figures are copied, not measured here. Methods with * score all of ZINC250k "
            f"with the oracle first, which is no 10,000-call result, and are not taken for best.\n\n{_table([head, *rows, total])}\n\n"
            f"{self._costs()}\n"
        )

    def _costs(self) -> str:
        """Wall time, repeats and diversity of each task, as a table."""
        rows = [["task", "seconds for 1,000 calls", "calls spent on repeats", "internal diversity of the 100 best"]]
        for task in self.results:
            figures = self._task(task)
            seconds, diversity = (figures[name] for name in ("seconds_per_1000_calls", "diversity"))
            rows.append(
                [
                    task,
                    "" if seconds is None else f"{seconds:.0f}",
                    f"{figures['duplicates']:.1%}",
                    "" if diversity is None else f"{diversity:.3f}",
                ]
            )
        return _table(rows)

    def _row(self, task: str) -> list[str]:
        figures = self._task(task)
        others: Mapping[str, float] = figures["published_auc_top10"]
        best = max((name for name in others if not name.endswith("*")), key=lambda name: others[name])
        spread = figures["auc_top10_deviation"]
        return [task, str(len(figures["seeds"])), f"{figures['auc_top10']:.3f}", "" if spread is None else f"{spread:.3f}",
                f"{others[best]:.3f} {best}", *(f"{value:.3f}" for value in others.values())]  # fmt: skip


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return mean(known) if known else None


def _table(rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])
