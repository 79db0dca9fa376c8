"""What a finished campaign leaves in its folder beside the journal."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from molvae.data.writers import write_table
from molvae.files import replacing
from molvae.optimize.campaign import Outcome
from molvae.optimize.diversity import diverse
from molvae.optimize.front_picture import front_picture
from molvae.optimize.journal import Entry
from molvae.optimize.objective import Objective
from molvae.optimize.pareto import hypervolume
from molvae.optimize.recipe import Campaign
from molvae.optimize.report import report
from molvae.optimize.score import Score

_POINTS = 100  # of the curve of the hypervolume


def write_results(outcome: Outcome, objective: Objective, campaign: Campaign, folder: Path) -> None:
    """Write `campaign.json` and `report.html`, and where they are asked for `diverse.csv`, `front.csv` and `front.png`.

    Raises:
        DataError: a file cannot be written.
    """
    with replacing(folder / "campaign.json") as partial:
        whole = {"campaign": campaign.part.model_dump(), **objective.recipe()}
        partial.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    if campaign.part.max_similarity is not None:
        best = outcome.best(len(outcome.entries))
        rows = diverse(best["smiles"].tolist(), best["score"].tolist(), campaign.part.top, campaign.part.max_similarity)
        write_table(best.iloc[rows], folder / "diverse.csv")
    if objective.combine == "pareto":
        _write_front(outcome, objective, folder)
    with replacing(folder / "report.html") as partial:
        partial.write_text(report(outcome, objective, campaign, folder), encoding="utf-8")


def _write_front(outcome: Outcome, objective: Objective, folder: Path) -> None:
    scores = [_score(entry) for entry in outcome.entries]
    rows = objective.front(scores)
    write_table(objective.table([outcome.entries[row].smiles for row in rows], [scores[row] for row in rows]), folder / "front.csv")
    points = objective.points(scores)
    calls = np.unique(np.linspace(1, len(scores), min(_POINTS, len(scores))).astype(int)) if scores else np.zeros(0, int)
    names = [name for name, term in zip(objective.names, objective.terms, strict=True) if not term.hard]
    front_picture(points, rows, names, calls, [_volume(points[:call]) for call in calls.tolist()], folder / "front.png")


def _volume(points: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    return hypervolume(points[np.isfinite(points).all(axis=1)])


def _score(entry: Entry) -> Score:
    """The score that the journal remembers; one of 0 is that of a molecule that meets not all constraints, or of no worth."""
    return Score(entry.value, entry.problem, entry.parts, entry.value is not None and not entry.problem)
