"""The scorer of a campaign: its oracles asked, the failures counted, and the objective that makes one score of the answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from molvae.errors import DataError
from molvae.optimize.oracles import Answer, Oracle, oracle
from molvae.optimize.recipe import Settings
from molvae.optimize.score import Score

if TYPE_CHECKING:
    from molvae.optimize.objective import Objective

_HOPE = 3  # batches that may fail as a whole at the beginning


class Asking:
    """Scores molecules; see `molvae.optimize.campaign.Scorer`.

    Args:
        objective: makes the score.
        settings: `jobs`, `timeout` and `retries` of the oracles.

    Raises:
        DataError: an oracle cannot be found.
    """

    def __init__(self, objective: Objective, settings: Settings) -> None:
        self._objective, self._retries = objective, settings.retries
        self._oracles = {name: oracle(name, **_options(name, settings)) for name in objective.oracles}
        self._rounds = self._answered = 0
        self._problems: Counter[str] = Counter()

    def __call__(self, smiles: Sequence[str]) -> list[Score]:
        """One score a molecule, in their order."""
        answers = {name: _answers(asked, smiles, self._retries) for name, asked in self._oracles.items()}
        failed = [next((said[row].problem for said in answers.values() if said[row].value is None), None) for row in range(len(smiles))]
        self._rounds += 1
        self._answered += failed.count(None)
        self._problems.update(reason for reason in failed if reason is not None)
        return self._objective.score(answers, smiles)

    def check(self) -> None:
        """Raise DataError when the first three batches have failed, all of their molecules: then it is the oracle that is wrong."""
        if self._rounds >= _HOPE and not self._answered:
            said = "; ".join(f"{count} times {reason}" for reason, count in self._problems.most_common(3))
            total = self._problems.total()
            raise DataError(f"the oracles failed on all {total} molecules of the first {_HOPE} batches, so no more calls are spent: {said}")


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
