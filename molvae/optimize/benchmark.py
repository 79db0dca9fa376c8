"""PMO, the benchmark of sample efficiency (Gao et al. 2022, arXiv:2206.12411): campaigns of 10,000 calls on each task and seed.

PMO's protocol: no molecule is scored before the run, nothing is guarded, a molecule costs one call however often it is met, and the figure
is the area under the curve of the mean of the ten best (`molvae.optimize.curves.auc_top`). The table is in `molvae.optimize.standings`.
"""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, is_dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import joblib
import torch

from molvae.errors import DataError
from molvae.optimize.campaign import Progress, run_campaign
from molvae.optimize.keys import nearest
from molvae.optimize.methods import METHODS, method
from molvae.optimize.methods.base import Method
from molvae.optimize.oracles import PMO, oracle
from molvae.optimize.results import RESULT, Result, read_result, result_of, write_result
from molvae.pretrained import find_pretrained

ERROR = "error.txt"


@dataclass(frozen=True)
class Benchmark:
    """What is measured.

    Attributes:
        tasks: names out of `molvae.optimize.oracles.PMO`.
        seeds: how many seeds, from 0 on, each task is run with.
        budget: calls of one campaign; 10,000 in PMO.
        model: a bundled name, or the folder of a model.
        method: a key of `molvae.optimize.methods.METHODS`.
        batch: molecules asked at once.
    """

    tasks: tuple[str, ...] = PMO
    seeds: int = 3
    budget: int = 10_000
    model: str = "zinc250k"
    method: str = "evolve"
    batch: int = 50

    def pairs(self) -> list[tuple[str, int]]:
        """Each task and seed, all tasks with the first seed first."""
        return [(task, seed) for seed in range(self.seeds) for task in self.tasks]


def chosen_tasks(text: str) -> tuple[str, ...]:
    """Tasks by their names with commas between, "all" for all 23; raises DataError for an unknown one.

    >>> chosen_tasks("qed, pmo:drd2")
    ('qed', 'drd2')
    """
    if text.strip().lower() == "all":
        return PMO
    tasks = tuple(dict.fromkeys(name.strip().removeprefix("pmo:") for name in text.split(",") if name.strip()))
    if unknown := [task for task in tasks if task not in PMO]:
        near = nearest(unknown[0], PMO) or f"; expected 'all' or some of {', '.join(PMO)}"
        raise DataError(f"PMO has no task {', '.join(unknown)}{near}")
    if not tasks:
        raise DataError(f"no task in {text!r}; expected 'all' or some of {', '.join(PMO)}")
    return tasks


def run_pmo(
    benchmark: Benchmark,
    out: str | Path,
    *,
    resume: bool = False,
    processes: int = 1,
    progress: Callable[[str, int, Progress], None] | None = None,
    ended: Callable[[Result], None] | None = None,
) -> list[Result]:
    """Run every task and seed, each in a folder TASK-SEED of its own with the journal, the best molecules and `result.json`.

    Args:
        benchmark: what is measured.
        out: folder of the folders.
        resume: keep what is finished and go on with what is not; without it nothing of this benchmark may be there.
        processes: campaigns side by side, one thread each.
        progress: told the task, the seed and how far it is after every batch; with one process only.
        ended: told each result, in the order they come; those that were there already first.

    Returns:
        The results in the order of `Benchmark.pairs`.

    Raises:
        DataError: bad settings; results that are there already, or belong to other settings; the model of a task cannot be had. After all
            others have run also: campaigns that failed, each with its reason; `error.txt` in its folder has the rest.
        CheckpointError: there is no such model.
    """
    _check(benchmark, Path(out), resume, processes)
    recipes = _recipes(benchmark)
    found = {}
    for task, seed in recipes:
        if (known := _finished(_folder(Path(out), task, seed) / RESULT, recipes[task, seed], benchmark.budget)) is not None:
            found[task, seed] = known
            if ended:
                ended(known)
    jobs = [partial(_try, benchmark, recipe, Path(out)) for pair, recipe in recipes.items() if pair not in found]
    results = map(partial(_call, progress), jobs) if processes == 1 else _side_by_side(jobs, processes)
    problems = []
    for result in results:
        if isinstance(result, str):
            problems.append(result)
            continue
        found[result.task, result.seed] = result
        if ended:
            ended(result)
    if problems:
        raise DataError(f"{len(problems)} of {len(recipes)} runs failed, the others are finished: {'; '.join(problems)}; resume to go on")
    return [found[pair] for pair in recipes]


def _call(progress: Callable[[str, int, Progress], None] | None, job: Callable[..., Result | str]) -> Result | str:
    return job(progress)


def _side_by_side(jobs: Sequence[Callable[..., Result | str]], processes: int) -> Iterator[Result | str]:
    parallel = joblib.Parallel(n_jobs=processes, return_as="generator_unordered")
    found: Iterator[Result | str] = parallel(joblib.delayed(job)() for job in jobs)
    return found


def _check(benchmark: Benchmark, out: Path, resume: bool, processes: int) -> None:
    """Refuse what cannot run before any work is done."""
    numbers = {"seeds": benchmark.seeds, "budget": benchmark.budget, "batch": benchmark.batch, "processes": processes}
    if low := [f"{name} {number}" for name, number in numbers.items() if number < 1]:
        raise DataError(f"{', '.join(low)}: expected at least 1")
    if benchmark.method not in METHODS:
        raise DataError(f"unknown method {benchmark.method!r}, expected one of {', '.join(METHODS)}")
    find_pretrained(benchmark.model)
    if out.exists() and not out.is_dir():
        raise DataError(f"{out} is no folder")
    there = [folder for pair in benchmark.pairs() if (folder := _folder(out, *pair)).exists()]
    if there and not resume:
        raise DataError(f"{there[0]} is there already: resume that benchmark (--resume) or choose another folder")
    for task in benchmark.tasks:
        oracle(f"pmo:{task}")  # fetches the model of three of them


def _folder(out: Path, task: str, seed: int) -> Path:
    return out / f"{task}-{seed}"


def _try(
    benchmark: Benchmark, recipe: dict[str, Any], out: Path, progress: Callable[[str, int, Progress], None] | None = None
) -> Result | str:
    """The result of a campaign, or why it failed; the rest of that is in its folder."""
    folder = _folder(out, recipe["task"], recipe["seed"])
    (folder / ERROR).unlink(missing_ok=True)
    try:
        return _run(benchmark, recipe, folder, progress)
    except Exception as error:  # noqa: BLE001 - whatever it is, it must not stop the other campaigns
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ERROR).write_text(traceback.format_exc(), encoding="utf-8")
        return f"{recipe['task']} {recipe['seed']}: {error or type(error).__name__} ({folder / ERROR})"


def _run(
    benchmark: Benchmark, recipe: dict[str, Any], folder: Path, progress: Callable[[str, int, Progress], None] | None = None
) -> Result:
    """One campaign: begun, or gone on with."""
    from molvae.model import MolVAE

    task, seed, begun = recipe["task"], recipe["seed"], time.perf_counter()
    seen: list[Progress] = []
    with _one_thread():
        outcome = run_campaign(
            method(benchmark.method, MolVAE.from_pretrained(benchmark.model), seed=seed), oracle(f"pmo:{task}"), folder,
            recipe=recipe, budget=benchmark.budget, batch=benchmark.batch, resume=(folder / "journal.jsonl").exists(),
            picture=False, progress=partial(_told, progress, task, seed, seen),
        )  # fmt: skip
    timed = len(outcome.entries) - (seen[0].calls - min(benchmark.batch, seen[0].calls) if seen else len(outcome.entries))
    result = result_of(recipe, outcome, time.perf_counter() - begun, timed)
    write_result(result, folder / RESULT)
    return result


def _told(progress: Callable[[str, int, Progress], None] | None, task: str, seed: int, seen: list[Progress], now: Progress) -> None:
    seen.append(now)
    if progress:
        progress(task, seed, now)


@contextmanager
def _one_thread() -> Iterator[None]:
    """The figures of a campaign may depend on the number of threads in the last digit, and with it the molecules."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _recipes(benchmark: Benchmark) -> dict[tuple[str, int], dict[str, Any]]:
    """What decides which molecules are asked, by task and seed."""
    from molvae.model import MolVAE

    weights = sha256((find_pretrained(benchmark.model) / "model.safetensors").read_bytes()).hexdigest()[:16]
    settings = _settings(method(benchmark.method, MolVAE.from_pretrained(benchmark.model), seed=0))
    return {
        (task, seed): {"task": task, "seed": seed, "method": benchmark.method, "model": benchmark.model, "weights": weights,
                       "settings": settings, "batch": benchmark.batch}
        for task, seed in benchmark.pairs()
    }  # fmt: skip


def _settings(searcher: Method) -> dict[str, Any]:
    """Those of a method that has any to tell."""
    settings = getattr(searcher, "settings", getattr(searcher, "_settings", None))
    found: dict[str, Any] = asdict(settings) if is_dataclass(settings) and not isinstance(settings, type) else {}
    return dict(json.loads(json.dumps(found)))  # tuples become lists, as they are when they are read again


def _finished(path: Path, recipe: dict[str, Any], budget: int) -> Result | None:
    """The result of a finished campaign of this recipe and budget."""
    if not path.exists():
        return None
    result = read_result(path)
    held = asdict(result)
    if other := [f"{key}: {held[key]} there, {value} now" for key, value in recipe.items() if held[key] != value]:
        raise DataError(f"{path} belongs to another benchmark: {'; '.join(other)}; choose another folder")
    if result.budget > budget:
        raise DataError(f"{path} has a budget of {result.budget:,}, more than {budget:,}; choose another folder")
    return result if result.budget == budget else None
