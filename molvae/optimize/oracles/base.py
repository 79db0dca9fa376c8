"""What every oracle is: a name, and a call that gives each molecule an answer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Answer:
    """What an oracle said of one molecule.

    Attributes:
        value: the number; None is a failure, which is not a zero.
        problem: why there is no number; empty when there is one.
    """

    value: float | None
    problem: str = ""

    @classmethod
    def of(cls, value: Any) -> Answer:
        """The answer that holds this number; a failure when it is none, or not a finite one.

        >>> Answer.of("0.5"), Answer.of(float("nan")).value, Answer.of("high").problem
        (Answer(value=0.5, problem=''), None, "'high' is no number")
        """
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            return cls(None, f"{str(value)[:80]!r} is no number")
        return cls(number) if math.isfinite(number) else cls(None, f"{number} is not a finite number")


class Oracle(Protocol):
    """Judges molecules.

    Attributes:
        name: what `oracle` finds it by.
        higher_is_better: whether a large value is the aim.
    """

    @property
    def name(self) -> str:
        """What `oracle` finds it by."""

    @property
    def higher_is_better(self) -> bool:
        """Whether a large value is the aim."""

    def __call__(self, smiles: Sequence[str]) -> list[Answer]:
        """One answer a molecule, in the order of `smiles` (canonical); a molecule that cannot be judged is a failure, never an error."""
