"""The scorer of a campaign: its oracles asked, the failures counted, and the objective that makes one score of the answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import joblib

from molvae.errors import DataError
from molvae.optimize.oracles import Answer, Oracle, oracle
from molvae.optimize.recipe import Settings
from molvae.optimize.score import Score

if TYPE_CHECKING:
    from molvae.optimize.objective import Objective

_HOPE = 3  # batches of calls in a row that may fail
_SHARE = 4  # molecules asked at a time for each of several processes: fewer would leave some idle


class Asking:
    """Scores molecules; see `molvae.optimize.campaign.Scorer`.

    Args:
        objective: makes the score.
        settings: `batch`, and `jobs`, `timeout` and `retries` of the oracles.

    Attributes:
        at_once: molecules to ask at a time, where a Python function answers them one by one: its answers may be dear. None: a whole batch.

    Raises:
        DataError: an oracle cannot be found.
    """

    def __init__(self, objective: Objective, settings: Settings) -> None:
        self._objective, self._retries, self._batch = objective, settings.retries, settings.batch
        self._oracles = {name: oracle(name, **_options(name, settings)) for name in objective.oracles}
        singly = settings.cluster is None and any(name.startswith("python:") for name in self._oracles)
        workers = joblib.effective_n_jobs(settings.jobs)
        self.at_once = None if not singly else 1 if workers == 1 else _SHARE * workers
        self._failed: Counter[str] = Counter()  # reasons of the calls since the last answer

    def __call__(self, smiles: Sequence[str]) -> list[Score]:
        """One score a molecule, in their order."""
        answers = {name: _answers(asked, smiles, self._retries) for name, asked in self._oracles.items()}
        failed = [next((said[row].problem for said in answers.values() if said[row].value is None), None) for row in range(len(smiles))]
        if None in failed:
            self._failed.clear()
        else:
            self._failed.update(reason for reason in failed if reason is not None)
        return self._objective.score(answers, smiles)

    @property
    def broken(self) -> str:
        """Why the oracle itself seems to be wrong: nothing was answered in three batches of calls; empty where it is not."""
        if (total := self._failed.total()) < _HOPE * self._batch:
            return ""
        said = "; ".join(f"{count} times {reason}" for reason, count in self._failed.most_common(3))
        return f"the oracles failed on the last {total} molecules, so no more calls are spent: {said}; --resume asks these again"


def _options(name: str, settings: Settings) -> dict[str, Any]:
    """Those that an oracle of this name has; raises DataError for a limit that could not be held."""
    if settings.timeout is not None and settings.cluster is not None and name.startswith("python:"):
        raise DataError(f"timeout: workers of a cluster cannot stop a Python function ({name}); leave it out, or make it a command:...")
    timed = settings.timeout is not None and name.startswith(("command:", "python:"))
    return {"jobs": settings.jobs} | ({"timeout": settings.timeout} if timed else {})


def _answers(asked: Oracle, smiles: Sequence[str], retries: int) -> list[Answer]:
    """Answers, where those that failed were asked again."""
    answers = asked(smiles)
    for _ in range(retries):
        failed = [row for row, answer in enumerate(answers) if answer.value is None]
        if not failed:
            break
        for row, answer in zip(failed, asked([smiles[row] for row in failed]), strict=True):
            answers[row] = answer
    return answers
