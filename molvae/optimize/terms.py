"""One term of an objective: what is looked at, what is wished of it, and how a value becomes a desirability."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Annotated, Any, Self

import numpy as np
import pydantic
from numpy.typing import ArrayLike, NDArray
from pydantic import ConfigDict, Field, FiniteFloat
from rdkit import Chem

from molvae.chem.molecules import canonical, parse
from molvae.chem.substructure import read_pattern
from molvae.errors import RecipeError
from molvae.optimize.desirability import Curve, desirability, towards, within
from molvae.optimize.keys import problems
from molvae.optimize.kinds import KINDS, PUBLISHED, Goal, Kind
from molvae.optimize.sound import check

_PATTERN_FLOOR = 0.1
_SHARE = 0.1  # of the span of a property that is its tolerance


def _american(goal: object) -> object:
    return goal.replace("imise", "imize") if isinstance(goal, str) else goal


class Term(pydantic.BaseModel):
    """One wish, about exactly one of `property`, `head`, `oracle`, `similar_to`, `contains` or `lacks`.

    Attributes:
        property: a property that RDKit computes (see `molvae.chem.properties`), such as "logP".
        head: a property that the model predicts from codes.
        oracle: the name of an oracle; its answers are passed in, for they cost calls.
        similar_to: SMILES of a reference; the value is the Tanimoto similarity to it (Morgan fingerprints of radius 2), 0 to 1.
        contains: SMARTS of a substructure that shall be there; the value is 1 where it is, else 0.
        lacks: SMARTS of a substructure that shall not be there; the value is 1 where it is, else 0.
        goal: "maximize", "minimize", "target" or "range"; follows from `target`, `low` or `high` where these are given. A similarity or a
            published task is maximised without any; of a property, a head or an oracle of one's own more is not always better, so say it.
        bad: the value, with "maximize" or "minimize", that is as bad as 0.
        good: the value that is as good as 1. Both follow from what is known of a property, a head or a similarity; see `filled`.
        target: the value to hit.
        low: lower end of the range; none when left out.
        high: upper end of the range; none when left out.
        tolerance: how far off the target, or outside the range, a value is bad; a tenth of the span of a property when left out.
        curve: from bad to good, see `molvae.optimize.desirability`; "linear" to maximise or minimise, "gaussian" for a target or range.
        weight: exponent in the geometric mean.
        floor: the least desirability, so that one bad term does not bring the whole score to 0; 0.1 for a substructure, else 0.
        hard: a constraint, which is met or not, in place of a wish; a range, `contains` or `lacks`. The latter two are hard unless said.
        name: what the term is called in results; made from what it looks at when left out.

    Raises:
        RecipeError: an unknown key (with the nearest), a value outside its range, an unknown property (with the nearest), a SMARTS or
            SMILES that cannot be read, numbers that do not go with the goal, a range upside down or where no molecule can be.

    >>> term = Term(property="logP", low=2, high=3)
    >>> term.goal, term.hard, term.label
    ('range', False, 'logP')
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    property: str | None = None
    head: str | None = None
    oracle: str | None = None
    similar_to: str | None = None
    contains: str | None = None
    lacks: str | None = None
    goal: Annotated[Goal | None, pydantic.BeforeValidator(_american)] = None
    bad: FiniteFloat | None = None
    good: FiniteFloat | None = None
    target: FiniteFloat | None = None
    low: FiniteFloat | None = None
    high: FiniteFloat | None = None
    tolerance: Annotated[FiniteFloat | None, Field(gt=0)] = None
    curve: Curve | None = None
    weight: Annotated[FiniteFloat, Field(gt=0)] = 1.0
    floor: Annotated[FiniteFloat | None, Field(ge=0, lt=1)] = None
    hard: bool | None = None
    name: Annotated[str | None, Field(min_length=1)] = None

    def __init__(self, **keys: Any) -> None:
        try:
            super().__init__(**_completed(keys))
        except pydantic.ValidationError as error:
            raise RecipeError(problems(error, type(self).model_fields)) from error

    @pydantic.model_validator(mode="after")
    def _sound(self) -> Self:
        check(self)
        return self

    @cached_property
    def kind(self) -> Kind:
        """Which of the six it looks at."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @cached_property
    def key(self) -> str:
        """What it looks at: a name, SMILES or SMARTS."""
        return str(getattr(self, self.kind))

    @cached_property
    def label(self) -> str:
        """What the term is called in results."""
        said = {"similar_to": f"similarity to {self.key}", "contains": f"contains {self.key}", "lacks": f"lacks {self.key}"}
        return self.name or said.get(self.kind, self.key) + (" (hard)" if self.hard and not self.is_pattern else "")

    @cached_property
    def source(self) -> tuple[str, str]:
        """What two terms that look at the same thing have in common."""
        return (self.kind, canonical(parse(self.key)) if self.kind == "similar_to" else self.key)

    @cached_property
    def is_pattern(self) -> bool:
        """Whether it looks for a substructure."""
        return self.kind in ("contains", "lacks")

    @cached_property
    def pattern(self) -> Chem.Mol:
        """The substructure of `contains` or `lacks`."""
        return read_pattern(self.key)

    @cached_property
    def bounds(self) -> tuple[float, float]:
        """Ends of the range, infinite where there are none."""
        return (-math.inf if self.low is None else self.low, math.inf if self.high is None else self.high)

    @cached_property
    def is_plain(self) -> bool:
        """Whether it asks for more, or less, of a value on no scale of its own."""
        return self.goal in ("maximize", "minimize") and self.bad is None and self.good is None and self.curve is None and not self.floor

    def filled(self, low: float, high: float) -> Term:
        """A copy with numbers in place of those left out, for a value that spans low to high."""
        added: dict[str, float] = {}
        if self.goal in ("maximize", "minimize"):
            bad, good = (low, high) if self.goal == "maximize" else (high, low)
            added = {"bad": bad if self.bad is None else self.bad, "good": good if self.good is None else self.good}
        elif not self.is_pattern and self.tolerance is None:
            added = {"tolerance": _SHARE * (high - low)}
        return Term(**self.model_dump(exclude_unset=True) | added)

    def meets(self, value: float) -> bool:
        """Whether a value meets a hard term."""
        if self.is_pattern:
            return (value > 0) == (self.kind == "contains")
        return self.bounds[0] <= value <= self.bounds[1]

    def desirabilities(self, values: ArrayLike) -> NDArray[np.float64]:
        """Desirability of values (n,) by a soft term whose numbers are filled in: (n,) of its floor to 1."""
        array = np.asarray(values, dtype=np.float64)
        if self.is_pattern:
            found = (array > 0) == (self.kind == "contains")
            return np.where(found, 1.0, self.floor or 0.0)
        return desirability(self._progress(array), self.curve or _usual(self.goal)).clip(min=self.floor or 0.0)

    def _progress(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.goal in ("maximize", "minimize"):
            return towards(values, _given(self.bad), _given(self.good))
        if self.goal == "target":
            return within(values, _given(self.target), _given(self.target), _given(self.tolerance))
        return within(values, *self.bounds, _given(self.tolerance))


def _completed(keys: dict[str, Any]) -> dict[str, Any]:
    """The keys of a term, with those that follow from the others."""
    pattern = keys.get("contains") is not None or keys.get("lacks") is not None
    added: dict[str, Any] = {}
    if keys.get("hard") is None:
        added["hard"] = pattern
    if not pattern and keys.get("goal") is None:
        given = (
            goal for goal, numbers in (("target", ("target",)), ("range", ("low", "high"))) if any(keys.get(n) is not None for n in numbers)
        )
        rises = keys.get("similar_to") is not None or str(keys.get("oracle")).startswith(PUBLISHED)
        added["goal"] = next(given, "maximize" if rises else None)
    if pattern and keys.get("hard") is False and keys.get("floor") is None:
        added["floor"] = _PATTERN_FLOOR
    return keys | added


def _usual(goal: Goal | None) -> Curve:
    return "linear" if goal in ("maximize", "minimize") else "gaussian"


def _given(number: float | None) -> float:
    """A number that `filled` has put in; NaN would show that it has not."""
    return math.nan if number is None else number
