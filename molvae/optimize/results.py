"""What one campaign of the PMO benchmark came to: its figures, and the file they are in."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from molvae.checkpoint import versions
from molvae.chem.molecules import parse
from molvae.chem.similarity import bit_matrix, tanimoto
from molvae.errors import DataError
from molvae.files import replacing
from molvae.optimize.campaign import Outcome
from molvae.optimize.curves import auc_top

_TOPS = (1, 10, 100)
RESULT = "result.json"


@dataclass(frozen=True)
class Result:
    """One campaign.

    Attributes:
        task: of PMO.
        seed: of the method.
        method: its name.
        model: as it was asked for.
        weights: digest of the model's weights.
        settings: of the method.
        batch: molecules asked at once.
        budget: calls that could be made.
        calls: calls made.
        auc: area under the curve of the mean of the 1, 10 and 100 best, by that number.
        top: mean of the 1, 10 and 100 best at the end.
        best: SMILES of the best molecule, empty when nothing has a score.
        failures: calls without a score.
        duplicates: share of the calls on a molecule asked before; always 0.
        diversity: 1 - mean Tanimoto similarity of the pairs among the 100 best (Morgan fingerprints of radius 2); None for fewer than 2.
        seconds: wall time of the process that ended the campaign.
        timed: calls made in that time; fewer than `calls` when the campaign was resumed.
        machine: in words.
        versions: of Python and of the libraries.
    """

    task: str
    seed: int
    method: str
    model: str
    weights: str
    settings: dict[str, Any]
    batch: int
    budget: int
    calls: int
    auc: dict[str, float]
    top: dict[str, float]
    best: str
    failures: int
    duplicates: float
    diversity: float | None
    seconds: float
    timed: int
    machine: dict[str, str | int]
    versions: dict[str, str]


def read_result(path: Path) -> Result:
    """Read `result.json`; raises DataError for a file that is none."""
    try:
        return Result(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"{path} is no result of the PMO benchmark: {error}") from error


def write_result(result: Result, path: Path) -> None:
    """Write `result.json`, whole or not at all."""
    with replacing(path) as part:
        part.write_text(json.dumps(asdict(result), indent=1) + "\n", encoding="utf-8")


def result_of(recipe: dict[str, Any], outcome: Outcome, seconds: float, timed: int) -> Result:
    """The figures of a campaign.

    Args:
        recipe: what decided which molecules were asked.
        outcome: every call.
        seconds: wall time of the process that ended it.
        timed: calls made in that time.
    """
    scores = outcome.scores
    ranked = sorted((entry for entry in outcome.entries if entry.value is not None), key=lambda entry: -(entry.value or 0.0))
    values = [entry.value or 0.0 for entry in ranked]
    return Result(
        **recipe,
        budget=outcome.budget,
        calls=len(scores),
        auc={str(k): auc_top(scores, outcome.budget, k) for k in _TOPS},
        top={str(k): float(np.mean(values[:k])) if values else 0.0 for k in _TOPS},
        best=ranked[0].smiles if ranked else "",
        failures=scores.count(None),
        duplicates=1 - len({entry.smiles for entry in outcome.entries}) / max(len(scores), 1),
        diversity=diversity([entry.smiles for entry in ranked[: _TOPS[-1]]]),
        seconds=seconds,
        timed=timed,
        machine=_machine(),
        versions=versions(),
    )


def diversity(smiles: Sequence[str]) -> float | None:
    """1 - mean Tanimoto similarity of the pairs (Morgan fingerprints of radius 2); None for fewer than two molecules.

    >>> diversity(["CCO", "CCO"]), diversity(["CCO"])
    (0.0, None)
    """
    if len(smiles) < 2:
        return None
    bits = bit_matrix(map(parse, smiles))
    pairs = tanimoto(bits, bits)[np.triu_indices(len(smiles), k=1)]
    return float(1 - pairs.astype(np.float64).mean())


def _machine() -> dict[str, str | int]:
    return {"system": platform.system(), "processor": platform.processor() or platform.machine(), "cores": os.cpu_count() or 1}
