"""A campaign from its recipe to its results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from molvae.errors import DataError, Interrupted
from molvae.files import replacing
from molvae.optimize.asking import Asking
from molvae.optimize.campaign import Outcome, Progress, run_campaign
from molvae.optimize.found import Found
from molvae.optimize.journal import read_journal
from molvae.optimize.methods import method
from molvae.optimize.options import checked, default
from molvae.optimize.oracles.cluster import on_cluster
from molvae.optimize.starts import Starts, starts_of
from molvae.pretrained import find_pretrained

if TYPE_CHECKING:
    from molvae.model import MolVAE
    from molvae.optimize.methods.base import Method
    from molvae.optimize.objective import Objective
    from molvae.optimize.recipe import CampaignRecipe, Settings

JOURNAL, RECIPE = "journal.jsonl", "campaign.toml"
RESULTS = ("best.csv", "best.sdf", "progress.png", "diverse.csv", "front.csv", "front.png", "report.html")


def optimize(
    recipe: CampaignRecipe,
    out: str | Path | None = None,
    *,
    resume: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Found:
    """Run a campaign, and write its folder: see `molvae.optimize.found.Found.write`.

    Constraints that cost no call are checked before a molecule is asked, so calls are only spent on molecules that meet them.

    Args:
        recipe: what is wished and how it is searched; of the same terms, model, method, options, starts, batch and seed when resuming.
        out: folder of the campaign; the one of the recipe when None.
        resume: go on with the campaign of the folder; its budget may be raised.
        progress: told after every batch.

    Raises:
        RecipeError: terms that contradict each other, or a head that the model lacks.
        DataError: no folder, or one that holds a campaign or other files of such names; a lead or start file without use; an oracle that
            cannot be found, or that answers nothing in three batches of calls; what `run_campaign` raises.
        CheckpointError: there is no such model.
        MissingExtraError: the method, the pictures or the cluster need an extra.
        Interrupted: by Ctrl-C; every answered call is in the journal, and the tables are written.
    """
    recipe = recipe if out is None else recipe.updated(out=str(out))
    s, folder = recipe.settings, _folder(recipe.settings.out, resume)
    from molvae.model import MolVAE

    model = MolVAE.from_pretrained(s.model)
    objective = recipe.objective(model)
    asking = Asking(objective, s)

    def told(now: Progress) -> None:
        if progress:
            progress(now)
        if asking.broken:
            _write_so_far(recipe, objective, folder)
            raise DataError(asking.broken)

    with on_cluster(s.cluster):
        starts = starts_of(s, objective, model)
        searcher = _method(s, objective, model, starts)
        if not resume:
            _write(folder / RECIPE, recipe.toml(model))
        try:
            outcome = run_campaign(
                searcher, asking, folder, recipe=_decisive(s, objective), budget=s.budget, batch=s.batch, resume=resume, progress=told
            )
        except KeyboardInterrupt as error:
            raise _stopped(recipe, objective, folder) from error
    _write(folder / RECIPE, recipe.toml(model))  # the budget may be another one
    found = Found(recipe, objective, outcome, (starts.note, outcome.note))
    found.write(folder)
    return found


def _folder(out: str | None, resume: bool) -> Path:
    if out is None:
        raise DataError("no folder for the campaign: say where with --out, or with out in [campaign]")
    folder = Path(out)
    if not resume and (folder / JOURNAL).exists():
        raise DataError(f"{folder} holds a campaign already: go on with it (--resume) or choose another folder")
    if not resume and (there := [name for name in (RECIPE, *RESULTS) if (folder / name).exists()]):
        raise DataError(f"{folder} holds {', '.join(there)} of something else, which a campaign would overwrite: choose another folder")
    return folder


def _method(settings: Settings, objective: Objective, model: MolVAE, starts: Starts) -> Method:
    options = dict(settings.options)
    first = default(settings.method, "first", options)
    if first is not None and "first" not in options:
        options["first"] = first = min(first, max(settings.budget // 3, 2))  # or a small budget would be all beginning
    if settings.min_similarity is not None and first is not None:
        options["first"] = min(first, max(len(starts.smiles), 2))  # the prior would bring no more of them
    return method(
        settings.method,
        model,
        seed=settings.seed,
        starts=starts.smiles,
        allowed=lambda smiles: not objective.violations([smiles])[0],
        **checked(settings.method, options),
    )


def _decisive(settings: Settings, objective: Objective) -> dict[str, Any]:
    """What decides which molecules are asked, for the journal."""
    options = checked(settings.method, settings.options)
    files = {"weights": find_pretrained(settings.model) / "model.safetensors"}
    if settings.start_file is not None:
        files["start_file"] = Path(settings.start_file)
    return {
        **objective.recipe(),
        **{name: getattr(settings, name) for name in ("model", "method", "seed", "lead", "min_similarity")},
        "options": {key: asdict(value) if is_dataclass(value) and not isinstance(value, type) else value for key, value in options.items()},
        **{name: sha256(path.read_bytes()).hexdigest()[:16] for name, path in files.items()},
    }


def _stopped(recipe: CampaignRecipe, objective: Objective, folder: Path) -> Interrupted:
    """What is said after Ctrl-C, once the results so far are written."""
    calls = _write_so_far(recipe, objective, folder)
    return Interrupted(f"stopped after {calls:,} of {recipe.settings.budget:,} calls; all of them are in {folder / JOURNAL}")


def _write_so_far(recipe: CampaignRecipe, objective: Objective, folder: Path) -> int:
    """Write the results of the calls in the journal; how many these are."""
    entries = read_journal(folder / JOURNAL)[1] if (folder / JOURNAL).exists() else []
    if entries:
        outcome = Outcome(tuple(entries), recipe.settings.budget)
        outcome.write(folder)
        Found(recipe, objective, outcome).write(folder)
    return len(entries)


def _write(path: Path, text: str) -> None:
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")
