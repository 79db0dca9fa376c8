"""What each part of `evolve` is worth: small PMO campaigns with one part switched off at a time.

    python benchmarks/evolve_ablation.py --model moses --budget 1000 --seeds 3

A campaign that is done is kept in a folder (`--work`), so a run that was stopped goes on; empty it after changes of the code.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import mean

import torch
from common import RESULTS, markdown, plain_errors, say, write_result

from molvae import MolVAE
from molvae.data.cache import cache_folder
from molvae.files import replacing
from molvae.optimize.benchmark import chosen_tasks
from molvae.optimize.curves import auc_top, top_means
from molvae.optimize.methods.evolve import Evolve, EvolveSettings
from molvae.optimize.oracles import oracle

TASKS = "celecoxib_rediscovery,zaleplon_mpo,median1,albuterol_similarity"
_WHOLE = EvolveSettings()


def _only(*left_out: str) -> EvolveSettings:
    return replace(_WHOLE, sources=tuple(name for name in _WHOLE.sources if name not in left_out))


#: The whole and what it is without each part.
VARIANTS = {
    "whole": _WHOLE,
    "no codes": _only("codes", "between", "regrown"),
    "no symbols": _only("symbols"),
    "no graphs": _only("graphs", "crossings"),
    "codes alone": _only("symbols", "graphs", "crossings"),
    "no crossings": _only("between", "crossings"),
    "no screen": replace(_WHOLE, screened=False),
    "no tuning": replace(_WHOLE, tuned_every=0),
}


@dataclass(frozen=True)
class Run:
    """One campaign.

    Attributes:
        variant: a key of `VARIANTS`.
        task: of PMO.
        seed: of the method.
        auc: area under the curve of the mean of the ten best.
        top: that mean at the end.
        seconds: of processor time.
        asked: molecules asked by source; those of the prior are in none.
        improving: molecules by source that were among the ten best when they came.
    """

    variant: str
    task: str
    seed: int
    auc: float
    top: float
    seconds: float
    asked: dict[str, int]
    improving: dict[str, int]


def campaign(model: MolVAE, variant: str, task: str, seed: int, budget: int, batch: int) -> Run:
    """Spend the budget; no journal, for nothing here costs more than time."""
    searcher, judge = Evolve(model, seed=seed, settings=VARIANTS[variant]), oracle(f"pmo:{task}")
    smiles: list[str] = []
    scores: list[float | None] = []
    start = time.process_time()
    while len(scores) < budget and (asked := searcher.ask(min(batch, budget - len(scores)))):
        values = [answer.value for answer in judge(asked)]
        searcher.tell(asked, values)
        smiles, scores = smiles + asked, scores + values
    means = top_means(scores, 10)
    rises = [text for text, before, after in zip(smiles[1:], means, means[1:], strict=False) if after > before]
    origins = searcher.origins
    return Run(
        variant, task, seed, auc_top(scores, budget), float(means[-1]), time.process_time() - start,
        dict(Counter(origins.values())), dict(Counter(origins[text] for text in rises if text in origins)),
    )  # fmt: skip


def kept(work: Path, model: MolVAE, name: str, variant: str, task: str, seed: int, budget: int, batch: int) -> Run:
    """A campaign, from the folder where it was done before with the same settings."""
    path = work / f"{variant.replace(' ', '-')}-{task}-{seed}.json"
    asked = json.loads(json.dumps({"model": name, "budget": budget, "batch": batch, "settings": asdict(VARIANTS[variant])}))
    if path.exists():
        known = json.loads(path.read_text(encoding="utf-8"))
        if known["asked"] == asked:
            return Run(**known["run"])
    run = campaign(model, variant, task, seed, budget, batch)
    with replacing(path) as partial:
        partial.write_text(json.dumps({"asked": asked, "run": asdict(run)}), encoding="utf-8")
    return run


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread, put back afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def table(runs: Sequence[Run], tasks: Sequence[str]) -> str:
    """A row a variant, a column a task, and the sum with its difference from the whole."""
    rows, whole = [], None
    for variant in dict.fromkeys(run.variant for run in runs):
        mine = [run for run in runs if run.variant == variant]
        by_task = [mean(run.auc for run in mine if run.task == task) for task in tasks]
        whole = sum(by_task) if variant == "whole" else whole
        difference = f"{sum(by_task) - whole:+.3f}" if whole is not None and variant != "whole" else ""
        rows.append(
            [variant, *(f"{auc:.3f}" for auc in by_task), f"{sum(by_task):.3f}", difference, f"{mean(run.seconds for run in mine):.0f}"]
        )
    return markdown(["evolve", *tasks, "sum", "against the whole", "processor seconds a campaign"], rows)


def sources(runs: Sequence[Run]) -> str:
    """Where the molecules that were asked, and those that improved the ten best, came from, in campaigns of the whole."""
    whole = [run for run in runs if run.variant == "whole" and run.asked]
    if not whole:
        return ""
    asked, improving = (sum((Counter(getattr(run, name)) for run in whole), Counter()) for name in ("asked", "improving"))
    rows = [[name, f"{asked[name] / asked.total():.1%}", f"{improving[name] / max(improving.total(), 1):.1%}"] for name in _WHOLE.sources]
    return markdown(["source", "of the molecules asked", "of those that improved the ten best"], rows)


def main() -> None:
    """Run the campaigns that are not done and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="moses")
    parser.add_argument("--tasks", default=TASKS)
    parser.add_argument("--variants", default=",".join(VARIANTS), help="names with commas between")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--budget", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=50)
    parser.add_argument("--work", type=Path, default=cache_folder() / "evolve_ablation", help="where finished campaigns are kept")
    parser.add_argument("--out", type=Path, default=RESULTS / "evolve_ablation.json")
    options = parser.parse_args()
    tasks, runs = chosen_tasks(options.tasks), []
    with plain_errors(), one_thread():
        model = MolVAE.from_pretrained(options.model)
        for seed in range(options.seeds):
            for variant in options.variants.split(","):
                for task in tasks:
                    run = kept(options.work, model, options.model, variant, task, seed, options.budget, options.batch)
                    runs.append(run)
                    say(f"{variant}, {task} {seed}: AUC top 10 {run.auc:.3f}, {run.seconds:.0f} s")
        text = (
            f"AUC of the top 10 within {options.budget:,} calls (not PMO's 10,000), model {options.model}, batches of {options.batch}, "
            f"mean of {options.seeds} seed(s).\n\n{table(runs, tasks)}\n\n{sources(runs)}"
        )
        write_result(options.out, "evolve with one part switched off", [asdict(run) for run in runs], text, settings=asdict(_WHOLE))


if __name__ == "__main__":
    main()
