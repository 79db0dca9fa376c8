"""One call from a recipe to a finished campaign and its folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import joblib

from molvae.chem.molecules import canonical, parse
from molvae.data.formats import read_rows
from molvae.errors import DataError, MissingExtraError, MoleculeError
from molvae.model import MolVAE
from molvae.optimize.campaign import Outcome, Progress, Scorer, run_campaign
from molvae.optimize.methods import method
from molvae.optimize.objective import Objective
from molvae.optimize.oracles import oracle
from molvae.optimize.oracles.base import Oracle
from molvae.optimize.recipe import LEAST_SIMILARITY, Campaign, CampaignPart
from molvae.optimize.results import write_results
from molvae.optimize.score import Score
from molvae.pretrained import weights_digest

_HOPELESS = 3  # first batches without any score
_AROUND = 100  # neighbours of a lead to begin with


def optimize(
    campaign: Campaign | Mapping[str, Any] | str | Path,
    out: str | Path,
    *,
    resume: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Outcome:
    """Run a campaign: spend its budget of oracle calls on molecules that score high.

    Args:
        campaign: a TOML file, its tables, or the object read from them.
        out: folder that gets `campaign.json`, `journal.jsonl`, `best.csv`, `best.sdf`, `progress.png` and `report.html`; `diverse.csv`
            where the recipe has `max_similarity`; `front.csv` and `front.png` where the objective is a Pareto front.
        resume: go on with the journal of the folder; only the budget, the oracles' processes and what is returned may have changed.
        progress: told after every batch.

    Raises:
        RecipeError: something in the recipe is unknown or contradicts itself; before the first call.
        DataError: starting points or a lead that cannot be used; an oracle that fails for all molecules of the first three batches; another
            recipe than the journal's, or a damaged journal; a disk that takes no more.
        MissingExtraError: pictures need matplotlib, a cluster dask.
    """
    chosen = campaign if isinstance(campaign, Campaign) else _read(campaign)
    part = chosen.part
    model = MolVAE.from_pretrained(part.model)
    objective = Objective.of(chosen.terms, model=model)
    oracles = {name: oracle(name, **_options(name, part)) for name in objective.oracles}
    starts = _starts(model, part)
    searcher = method(
        part.method, model, seed=part.seed, starts=starts, allowed=lambda text: not objective.violations([text])[0], **part.options
    )
    recipe = {"method": part.method, "options": part.options, "seed": part.seed, "model": part.model, "weights": weights_digest(part.model),
              "starts": starts} | objective.recipe()  # fmt: skip
    watch = _Watch(objective, oracles, part.batch, progress)
    with _cluster(part.cluster):
        outcome = run_campaign(
            searcher, watch.score, out, recipe=recipe, budget=part.budget, batch=part.batch, resume=resume, progress=watch.progress
        )
    write_results(outcome, objective, chosen, Path(out))
    return outcome


def _read(campaign: Mapping[str, Any] | str | Path) -> Campaign:
    return Campaign.of(campaign) if isinstance(campaign, Mapping) else Campaign.load(campaign)


def _options(name: str, part: CampaignPart) -> dict[str, Any]:
    """Options of an oracle."""
    return {"jobs": part.jobs} | ({"timeout": part.timeout} if name.startswith("command:") else {})


def _starts(model: MolVAE, part: CampaignPart) -> list[str]:
    """Canonical SMILES to begin with: the lead and its neighbours, then the molecules of the file."""
    found = _around(model, part) if part.lead is not None else []
    if part.start_file is not None:
        usable = []
        for row in read_rows(part.start_file, part.column):
            try:
                usable.append(canonical(parse(row.text)))
            except MoleculeError:
                continue
        if not usable:
            raise DataError(f"{part.start_file} holds no molecule to begin with: none of its rows is a SMILES")
        found += usable
    return list(dict.fromkeys(found))


def _around(model: MolVAE, part: CampaignPart) -> list[str]:
    """The lead and what the model writes around it that is similar enough."""
    assert part.lead is not None
    encoded = model.encode_all([part.lead])
    if encoded.problems[0]:
        raise DataError(f"the lead {part.lead!r} cannot be encoded: {encoded.problems[0]}") from encoded.problems[0]
    bound = part.min_similarity or LEAST_SIMILARITY
    near = model.neighbors(part.lead, _AROUND, min_similarity=bound, properties=(), seed=part.seed)
    return [encoded.smiles[0], *near["smiles"].tolist()]


class _Watch:
    """Scores molecules, and ends a campaign whose oracle never answers."""

    def __init__(
        self, objective: Objective, oracles: Mapping[str, Oracle], batch: int, listener: Callable[[Progress], None] | None
    ) -> None:
        self._objective, self._oracles, self._batch, self._listener = objective, oracles, batch, listener
        self._problem = ""
        self.score: Scorer = self._scores

    def _scores(self, smiles: Sequence[str]) -> list[Score]:
        scores = self._objective.score({name: asked(smiles) for name, asked in self._oracles.items()}, smiles)
        self._problem = next((score.problem for score in scores if score.value is None), self._problem)
        return scores

    def progress(self, now: Progress) -> None:
        """Told after every batch; raises DataError where there is no score after three batches."""
        if self._listener:
            self._listener(now)
        if now.best is None and now.calls >= min(_HOPELESS * self._batch, now.budget):
            raise DataError(
                f"none of the first {now.calls} molecules has a score, the campaign is given up; the last failure: {self._problem}"
            )


@contextmanager
def _cluster(address: str | None) -> Iterator[None]:
    """Send what joblib does to a Dask cluster, where there is one."""
    if address is None:
        yield
        return
    try:
        from distributed import Client
    except ImportError as error:
        raise MissingExtraError("a Dask cluster needs dask: pip install 'molvae[cluster]'") from error
    try:
        client = Client(address, timeout="30s")
    except (OSError, ValueError) as error:
        raise DataError(f"there is no Dask scheduler at {address}: {error}") from error
    with client, joblib.parallel_config("dask"):
        yield
