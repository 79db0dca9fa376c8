"""All methods of `molvae optimize` side by side: the same tasks of PMO, budget, batches and model for each.

    python benchmarks/methods.py --budget 1000 --seeds 3

`random` draws from the prior of the model; `stoned` changes SELFIES symbols at random and needs no model but for its first molecules. A
campaign that is done is kept in a folder (`--work`), so a run that was stopped goes on; empty it after changes of the code.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import mean

from common import RESULTS, markdown, plain_errors, say, write_result

from molvae.data.cache import cache_folder
from molvae.optimize.benchmark import Benchmark, chosen_tasks, run_pmo
from molvae.optimize.results import Result

METHODS = ("evolve", "gradient", "cma", "turbo", "stoned", "random")
TASKS = "celecoxib_rediscovery,albuterol_similarity"


def table(results: Sequence[Result], tasks: Sequence[str]) -> str:
    """A row a method, a column a task, and the sum."""
    rows = []
    for name in dict.fromkeys(result.method for result in results):
        mine = [result for result in results if result.method == name]
        by_task = [mean(result.auc["10"] for result in mine if result.task == task) for task in tasks]
        seconds = mean(result.seconds for result in mine)
        rows.append([name, *(f"{auc:.3f}" for auc in by_task), f"{sum(by_task):.3f}", f"{seconds:.0f}"])
    return markdown(["method", *tasks, "sum", "seconds a campaign"], rows)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", default=",".join(METHODS), help="names with commas between")
    parser.add_argument("--tasks", default=TASKS, help="of PMO, with commas between")
    parser.add_argument("--budget", type=int, default=1000, help="calls of a campaign; 10,000 in PMO")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--batch", type=int, default=50)
    parser.add_argument("--model", default="zinc250k")
    parser.add_argument("--work", type=Path, default=cache_folder() / "benchmarks" / "methods", help="where campaigns are kept")
    parser.add_argument("--out", type=Path, default=RESULTS / "methods.json", help="JSON to write; the table goes beside it")
    args = parser.parse_args()
    with plain_errors():
        tasks, results = chosen_tasks(args.tasks), list[Result]()
        for name in args.methods.split(","):
            asked = Benchmark(tasks, args.seeds, args.budget, args.model, name, args.batch)
            folder = args.work / name
            done = run_pmo(asked, folder, resume=folder.exists())
            results += done
            for result in done:
                say(f"{name} {result.task} {result.seed}: AUC top 10 {result.auc['10']:.3f}, {result.seconds:.0f} s")
        text = (
            f"AUC of the top 10 within {args.budget:,} calls (PMO has 10,000), model {args.model}, batches of {args.batch}, "
            f"mean of {args.seeds} seed(s).\n\n{table(results, tasks)}"
        )
        write_result(args.out, "Methods side by side", {"campaigns": [asdict(result) for result in results]}, text)


if __name__ == "__main__":
    main()
