"""What the page asks of a model, each in a process of its own (see `molvae.app.worker`): options and results in types of JSON."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from molvae.app.tables import packed, unpacked

if TYPE_CHECKING:
    import pandas as pd

    from molvae.model import MolVAE
    from molvae.optimize.campaign import Progress

_BEST = 100  # molecules kept of a campaign while it goes on
_FOUND = 1000  # and of one that has ended

Options = Mapping[str, Any]
Result = dict[str, Any]


@dataclass(frozen=True)
class Tell:
    """Where a job says how far it is.

    Attributes:
        progress: what is done, how much of it is, how much there is in all.
        partial: what is known so far; kept when the job is stopped.
    """

    progress: Callable[[str, int, int], None]
    partial: Callable[[Result], None]


@lru_cache(maxsize=2)
def load(model: str) -> MolVAE:
    """A model by bundled name or folder; the last two are kept."""
    from molvae import MolVAE

    return MolVAE.from_pretrained(model)


def warm(options: Options, _: Tell) -> Result:
    """Load a model, so that the next job has it."""
    about = load(options["model"]).info()
    return {"training_molecules": about["training_molecules"], "parameters": about["parameters"]}


def sample(options: Options, tell: Tell) -> Result:
    """New molecules with their properties."""
    import pandas as pd

    from molvae.chem.properties import DEFAULT, compute

    where = options.get("where") or None
    frame = load(options["model"]).sample(
        options["n"],
        seed=options["seed"],
        temperature=options.get("temperature"),
        novel=options["novel"],
        where=where,
        progress=tell.progress,
    )
    about = {name: frame.attrs[name] for name in ("drawn", "seed") if name in frame.attrs}
    computed = compute(frame["smiles"].tolist(), [name for name in DEFAULT if name not in frame])
    shown = frame.drop(columns=["valid", "survives", "duplicate"], errors="ignore")
    return {"table": packed(pd.concat([shown, computed], axis=1))} | about


def interpolate(options: Options, _: Tell) -> Result:
    """A walk from one molecule to another."""
    model, names = load(options["model"]), ("a", "b", "steps", "method", "seed")
    return {"table": packed(model.interpolate(**{name: options[name] for name in names}))}


def neighbors(options: Options, _: Tell) -> Result:
    """Molecules around one."""
    model, names = load(options["model"]), ("smiles", "n", "min_similarity", "seed")
    return {"table": packed(model.neighbors(**{name: options[name] for name in names}))}


def edit(options: Options, _: Tell) -> Result:
    """Analogues that move properties as asked."""
    model, names = load(options["model"]), ("smiles", "set", "raise_", "lower", "similarity", "n", "seed")
    return {"table": packed(model.edit(**{name: options[name] for name in names}))}


def complete(options: Options, _: Tell) -> Result:
    """Molecules that contain a scaffold."""
    model, names = load(options["model"]), ("scaffold", "n", "budget", "seed")
    return {"table": packed(model.complete(**{name: options[name] for name in names}))}


def place(options: Options, tell: Tell) -> Result:
    """Molecules on a map, with properties."""
    import pandas as pd

    from molvae.chem.properties import compute

    given = unpacked(options["molecules"])
    tell.progress("placing molecules", 0, len(given))
    found = load(options["model"]).map(
        given["smiles"].tolist(), method=options["method"], clusters=min(options["clusters"], len(given)), seed=options["seed"]
    )
    frame = found.frame[found.frame["x"].notna()].drop(columns=["input", "reason"])
    names = given.loc[frame.index, ["name"] if "name" in given else []].reset_index(drop=True)
    frame = frame.reset_index(drop=True)
    properties = compute(frame["smiles"].tolist(), options["properties"])
    share = found.projection.share
    return {
        "table": packed(pd.concat([names, frame, properties], axis=1)),
        "refused": len(given) - len(frame),
        "share": None if math.isnan(share) else share,
    }


def optimize(options: Options, tell: Tell) -> Result:
    """A campaign; what is found so far is told after every batch."""
    from molvae.optimize.recipe import CampaignRecipe
    from molvae.optimize.run import JOURNAL
    from molvae.optimize.run import optimize as run

    recipe = CampaignRecipe.of(options["recipe"], "the wishes").updated(model=options["model"])
    with TemporaryDirectory() as folder:
        out = Path(folder) / "campaign"

        def told(now: Progress) -> None:
            tell.progress("molecules asked", now.calls, now.budget)
            tell.partial(_so_far(out / JOURNAL, _BEST))

        run(recipe, out, progress=told)
        return _so_far(out / JOURNAL, _FOUND)


def _so_far(journal: Path, shown: int) -> Result:
    from molvae.optimize.campaign import Outcome
    from molvae.optimize.journal import read_journal

    entries = tuple(read_journal(journal)[1])
    best = Outcome(entries, len(entries)).best(shown)
    return {"table": packed(_plain(best)), "curve": _curve([entry.value for entry in entries])}


def _plain(best: pd.DataFrame) -> pd.DataFrame:
    """Without what each wish makes of its number."""
    return best[[name for name in best if not str(name).endswith("_part")]]


def _curve(scores: list[float | None]) -> list[list[float | None]]:
    """After each call: the best score, and the mean of the ten best; None before there are any.

    >>> _curve([None, 3.0, 1.0]), _curve([1.0] * 10)[-1]
    ([[None, None], [3.0, None], [3.0, None]], [1.0, 1.0])
    """
    top: list[float] = []
    curve: list[list[float | None]] = []
    for score in scores:
        top = top if score is None else sorted([*top, score], reverse=True)[:10]
        curve.append([top[0] if top else None, sum(top) / 10 if len(top) == 10 else None])
    return curve


def evaluate(options: Options, tell: Tell) -> Result:
    """The report on samples, as a page and as figures."""
    import json

    from molvae.evaluate import evaluate as judge
    from molvae.evaluate import write_html
    from molvae.pretrained import MOSES_TRAINING

    with TemporaryDirectory() as folder:
        reference = MOSES_TRAINING
        if options.get("reference"):
            name = re.sub(r"[^\w.-]+", "_", options["reference_name"])
            reference = Path(folder) / f"{name}.smi"
            reference.write_text("\n".join(options["reference"]) + "\n", encoding="utf-8")
        model = load(options["model"]) if options["latent"] else None
        found = judge(options["smiles"], reference, model, seed=options["seed"], jobs=1, progress=tell.progress)
        write_html(found, Path(folder) / "report.html")
        html = (Path(folder) / "report.html").read_text(encoding="utf-8")
    return {"html": html, "json": json.dumps(found.to_json(), indent=2, ensure_ascii=False), "missing": len(found.missing)}


#: Every job by its name.
JOBS: dict[str, Callable[[Options, Tell], Result]] = {
    job.__name__: job for job in (warm, sample, interpolate, neighbors, edit, complete, place, optimize, evaluate)
}
