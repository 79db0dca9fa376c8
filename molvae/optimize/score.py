"""The score of one molecule, and the answers of oracles that it is made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from molvae.errors import DataError
from molvae.optimize.oracles.base import Answer


@dataclass(frozen=True)
class Score(Answer):
    """How good one molecule is.

    Attributes:
        value: weighted geometric mean of the parts of the soft terms, 0 to 1; 0 where a constraint is not met. With a plain objective
            (see `molvae.optimize.objective.Objective`) the number itself, on no scale, and None where a constraint is not met. None as
            well when a number is missing, because an oracle failed or the model cannot encode the molecule: that is no bad score, it
            is none.
        problem: why it has no score, or which constraint is not met; empty otherwise.
        parts: for each term NAME the number that was looked at, in its own unit, and `NAME_part`, its desirability from 0 to 1 (1 or 0
            for a constraint); a plain objective has numbers only. None where the number is missing.
        feasible: whether it is a molecule and every constraint is met.
    """

    parts: dict[str, float | None] = field(default_factory=dict)
    feasible: bool = True


def answers_of(answers: Mapping[str, Sequence[Answer]], name: str, n: int) -> Sequence[Answer]:
    """The answers of an oracle; raises DataError when they are missing or not one a molecule."""
    if name not in answers:
        raise DataError(f"the answers of oracle {name!r} are missing, there are those of {', '.join(answers) or 'none'}")
    if len(answers[name]) != n:
        raise DataError(f"oracle {name!r} gave {len(answers[name])} answers for {n} molecules")
    return answers[name]
