"""Whether terms can be meant as they are written, each alone and all together; found before the first call of an oracle."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from rdkit import Chem, rdBase

from molvae.chem.molecules import parse
from molvae.chem.properties import lookup
from molvae.chem.similarity import similarity_of
from molvae.chem.substructure import read_pattern
from molvae.chem.windows import BOUNDS
from molvae.errors import DataError, MoleculeError
from molvae.optimize.kinds import KINDS, NUMBERS

if TYPE_CHECKING:
    from molvae.optimize.terms import Term

_PLAIN = re.compile(r"[A-Za-z0-9()=#]+")  # SMARTS that look at elements, aromaticity and kinds of bonds, and at nothing around them


def check(term: Term) -> None:
    """Raise ValueError when one term cannot be as it is."""
    given = [kind for kind in KINDS if getattr(term, kind) is not None]
    if len(given) != 1:
        raise ValueError(f"a term has exactly one of {', '.join(KINDS)}; this one has {', '.join(given) or 'none'}")
    _readable(term)
    _fitting(term)
    _ordered(term)
    _possible(term)


def _readable(term: Term) -> None:
    try:
        if term.kind == "property":
            lookup([term.key])
        elif term.kind == "similar_to":
            parse(term.key)
        elif term.is_pattern:
            read_pattern(term.key)
    except (DataError, MoleculeError) as error:
        raise ValueError(f"{term.kind} is {term.key!r}: {error}") from error
    if not term.key.strip():
        raise ValueError(f"{term.kind} is empty")


def _fitting(term: Term) -> None:
    """Every key goes with the goal, and those the goal needs are there."""
    numbers = NUMBERS[term.goal] if term.goal and not term.is_pattern else ()
    soft = () if term.hard else (*(() if term.is_pattern else ("curve",)), "floor", "weight")
    fitting = {*numbers, *soft} - ({"tolerance"} if term.hard else set())
    every = {name for names in NUMBERS.values() for name in names} | {"curve", "floor", "weight"}
    strange = sorted(name for name in (every & term.model_fields_set) - fitting if getattr(term, name) is not None)
    what = f"{'a hard' if term.hard else 'a soft'} {term.kind if term.is_pattern else term.goal}"
    if strange:
        raise ValueError(f"{', '.join(strange)} does not go with {what}, which takes {', '.join(sorted(fitting)) or 'no numbers'}")
    if term.is_pattern and term.goal is not None:
        raise ValueError(f"{term.kind} takes no goal")
    if not term.is_pattern and term.goal is None:
        raise ValueError(f"{term.kind} {term.key!r} needs a goal: maximize, minimize, a target or a range (low, high)")
    if term.hard and not term.is_pattern and term.goal != "range":
        raise ValueError(f"a hard constraint is a range (low, high), contains or lacks, not a {term.goal}")
    if term.goal == "target" and term.target is None:
        raise ValueError("goal 'target' needs target")
    if term.goal == "range" and term.low is None and term.high is None:
        raise ValueError("goal 'range' needs low, high or both")
    if term.goal == "target" and term.curve == "sigmoid":
        raise ValueError("a sigmoid has no peak to hit a target with; take gaussian, linear or step")


def _ordered(term: Term) -> None:
    if term.bounds[0] > term.bounds[1]:
        raise ValueError(f"the range is upside down: low is {term.low:g}, high is {term.high:g}")
    if term.bad is None or term.good is None:
        return
    if term.bad == term.good or (term.bad < term.good) != (term.goal == "maximize"):
        below = "below" if term.goal == "maximize" else "above"
        raise ValueError(f"bad is {term.bad:g} and good is {term.good:g}, expected bad {below} good to {term.goal}")


def _possible(term: Term) -> None:
    """Some molecule has a value that is asked for."""
    if term.kind == "similar_to":
        for name in ("bad", "good", "target", "low", "high"):
            value = getattr(term, name)
            if value is not None and not 0 <= value <= 1:
                raise ValueError(f"{name} is {value:g}, expected 0 to 1, for it is a similarity")
    lowest, highest = possible(term)
    low, high = wanted(term)
    if low > highest or high < lowest:
        raise ValueError(f"no molecule can have {term.key} {_said(low, high)}: it lies between {lowest:g} and {highest:g}")


def possible(term: Term) -> tuple[float, float]:
    """What no molecule can be beyond."""
    if term.kind == "property":
        return BOUNDS.get(term.key, (-math.inf, math.inf))
    return (0.0, 1.0) if term.kind == "similar_to" else (-math.inf, math.inf)


def wanted(term: Term) -> tuple[float, float]:
    """The values that are fully as wished, as far as the term says."""
    return (term.target, term.target) if term.target is not None else term.bounds


def _said(low: float, high: float) -> str:
    if low == high:
        return f"of {low:g}"
    return (
        f"from {low:g} to {high:g}"
        if math.isfinite(low + high)
        else (f"of at least {low:g}" if high == math.inf else f"of at most {high:g}")
    )


def contradiction(terms: Sequence[Term]) -> str:
    """Why no molecule can be as these terms wish, empty when nothing is known against it.

    What is found: ranges or targets of one thing that do not overlap, one thing both maximised and minimised, a substructure that is both
    required and forbidden, and similarity to two molecules that are too unlike.
    """
    return next((found for one, other in combinations(terms, 2) if (found := _between(one, other))), "")


def _between(one: Term, other: Term) -> str:
    if {one.kind, other.kind} == {"contains", "lacks"}:
        return _pattern_conflict(*sorted((one, other), key=lambda term: term.kind))
    if one.source == other.source and not one.is_pattern:
        return _value_conflict(one, other)
    if one.kind == other.kind == "similar_to" and one.hard and other.hard:
        return _distance_conflict(one, other)
    return ""


def _pattern_conflict(required: Term, forbidden: Term) -> str:
    if not _implies(required.key, forbidden.key):
        return ""
    if required.key == forbidden.key:
        return f"{required.key!r} is both required and forbidden"
    return f"{required.key!r} is required, and holds {forbidden.key!r}, which is forbidden"


def _implies(required: str, forbidden: str) -> bool:
    """Whether every molecule with one pattern has the other, as far as can be told with certainty."""
    if Chem.MolToSmarts(read_pattern(required)) == Chem.MolToSmarts(read_pattern(forbidden)):
        return True
    if not (_PLAIN.fullmatch(required) and _PLAIN.fullmatch(forbidden)):
        return False
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(required)
    return mol is not None and mol.HasSubstructMatch(read_pattern(forbidden))


def _value_conflict(one: Term, other: Term) -> str:
    if {one.goal, other.goal} == {"maximize", "minimize"}:
        return f"{one.key} is both maximised and minimised"
    (low, high), (lower, higher) = wanted(one), wanted(other)
    if max(low, lower) <= min(high, higher):
        return ""
    return f"{one.key} cannot be {_said(low, high)} and {_said(lower, higher)} at once"


def _distance_conflict(one: Term, other: Term) -> str:
    """1 - Tanimoto is a metric (Lipkus 1999, doi:10.1023/A:1019154432472), so nothing is near to two that are far apart."""
    between = similarity_of(one.key, other.key)
    if (1 - one.bounds[0]) + (1 - other.bounds[0]) >= 1 - between - 1e-6:
        return ""
    return (
        f"no molecule has a similarity of {one.bounds[0]:g} to {one.key} and of {other.bounds[0]:g} to {other.key}, "
        f"which have one of {between:.2f} to each other"
    )
