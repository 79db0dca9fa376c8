"""Windows: what properties of a molecule should be, as text ("logP=2..3,QED>0.8"), and whether they are."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from molvae.chem.properties import PROPERTIES, compute, lookup
from molvae.errors import DataError

#: Properties that are whole numbers; only of these can one value be asked for.
COUNTS = frozenset({"HBD", "HBA", "rotatable_bonds", "rings", "heavy_atoms"})
#: What no molecule can be beyond; a property that is not here has no bounds.
BOUNDS: dict[str, tuple[float, float]] = {
    **{name: PROPERTIES[name].range for name in ("QED", "SA", "Fsp3")},
    **dict.fromkeys(("MW", "TPSA", *sorted(COUNTS)), (0.0, math.inf)),
}

#: Of one property: a number (counts only), or the lowest and the highest value, None for no bound.
Bounds = float | tuple[float | None, float | None]
#: Windows as text, or by name of the property.
Where = str | Mapping[str, Bounds]

_NUMBER = r"[-+]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?"
_PART = re.compile(
    rf"\s*(?P<name>\w+)\s*(?:(?P<sign><=|>=|<|>|=)\s*(?P<value>{_NUMBER})|=\s*(?P<low>{_NUMBER})?\s*\.\.\s*(?P<high>{_NUMBER})?)\s*"
)
_FORMS = "expected name=a..b, name=a.., name=..b, name>a, name>=a, name<b, name<=b or, for a count, name=a, joined by commas"


@dataclass(frozen=True)
class Window:
    """What one property should be.

    Attributes:
        name: a key of `molvae.chem.properties.PROPERTIES`.
        low: lowest value, in the unit of the property.
        high: highest value.
        above: whether `low` itself is left out.
        below: whether `high` itself is left out.
    """

    name: str
    low: float = -math.inf
    high: float = math.inf
    above: bool = False
    below: bool = False

    @property
    def edges(self) -> tuple[float, float]:
        """Where the window ends on the number line; for a count half-way to the first whole number outside, so that it has a width."""
        if self.name not in COUNTS:
            return self.low, self.high
        return _whole(self.low, self.above) - 0.5, -_whole(-self.high, self.below) + 0.5

    def contains(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether each value lies in the window, of any shape; NaN never does.

        >>> Window("logP", 2, 3, above=True).contains(np.array([2, 2.5, 3, np.nan])).tolist()
        [False, True, True, False]
        """
        over = values > self.low if self.above else values >= self.low
        under = values < self.high if self.below else values <= self.high
        return np.asarray(over & under)

    def __str__(self) -> str:
        low, high = f"{self.low:.15g}", f"{self.high:.15g}"
        if self.low == self.high:
            return f"{self.name}={low}"
        if not self.above and not self.below and math.isfinite(self.low + self.high):
            return f"{self.name}={low}..{high}"
        sides = [f"{self.name}>{'' if self.above else '='}{low}"] if self.low > -math.inf else []
        sides += [f"{self.name}<{'' if self.below else '='}{high}"] if self.high < math.inf else []
        return ",".join(sides)


def windows(where: Where) -> list[Window]:
    """The windows of a request, one a property.

    Args:
        where: conditions joined by commas: `name=a..b` (both ends belong to it), `name=a..`, `name=..b`, `name>a`, `name>=a`, `name<b`,
            `name<=b`, and `name=a` for a property that is a whole number. The same name twice: both must hold. Or a mapping of names
            to (lowest, highest), None where there is no bound, or to the number of a count.

    Raises:
        DataError: something that cannot be understood, an unknown property (with the nearest names), or a window that no molecule can
            be in: upside down, outside the bounds of the property, without a whole number, contradictory, or a single point.

    >>> [str(window) for window in windows("logP=-2.5..-2, QED>0.8, rings=2")]
    ['logP=-2.5..-2', 'QED>0.8', 'rings=2']
    >>> windows({"MW": (150, None)}) == windows("MW>=150") == windows("MW=150..")
    True
    """
    asked = _of_text(where) if isinstance(where, str) else _of_mapping(where)
    if not asked:
        raise DataError(f"no property was given a window; {_FORMS}")
    lookup([window.name for window in asked])
    found: dict[str, Window] = {}
    for window in asked:
        found[window.name] = _both(found[window.name], window) if window.name in found else window
    for window in found.values():
        _check(window)
    return list(found.values())


def values_of(smiles: Sequence[str], wanted: Sequence[Window]) -> NDArray[np.float64]:
    """The properties that windows are about, computed for each SMILES: (n, windows)."""
    return np.asarray(compute(smiles, [window.name for window in wanted]).to_numpy(dtype=np.float64))


def _of_text(text: str) -> list[Window]:
    return [_of_part(part, text) for part in text.split(",")]


def _of_part(part: str, text: str) -> Window:
    found = _PART.fullmatch(part)
    if found is None:
        raise DataError(f"{part.strip()!r} in {text!r} cannot be understood; {_FORMS}")
    name, sign, value = found["name"], found["sign"], found["value"]
    if sign is None:
        low, high = found["low"], found["high"]
        if low is None and high is None:
            raise DataError(f"{part.strip()!r} in {text!r} has no bound at all; {_FORMS}")
        return Window(name, -math.inf if low is None else float(low), math.inf if high is None else float(high))
    number = float(value)
    if sign == "=":
        return Window(name, number, number)
    return Window(name, low=number, above=sign == ">") if sign[0] == ">" else Window(name, high=number, below=sign == "<")


def _of_mapping(where: Mapping[str, Bounds]) -> list[Window]:
    return [_of_bounds(str(name), bounds) for name, bounds in where.items()]


def _of_bounds(name: str, bounds: Bounds) -> Window:
    pair = bounds if isinstance(bounds, (tuple, list)) else (bounds, bounds)
    try:
        low, high = pair
        window = Window(name, -math.inf if low is None else float(low), math.inf if high is None else float(high))
    except (TypeError, ValueError) as error:
        raise DataError(f"the window of {name} is {bounds!r}, expected (lowest, highest), None for no bound, or a number") from error
    if math.isnan(window.low) or math.isnan(window.high) or (window.low, window.high) == (-math.inf, math.inf):
        raise DataError(f"the window of {name} is {bounds!r}, expected at least one bound, and numbers")
    return window


def _both(one: Window, other: Window) -> Window:
    """What lies in both windows of a property; the stricter of two equal ends is kept."""
    low, above = max((one.low, one.above), (other.low, other.above))
    high, open_end = max((-one.high, one.below), (-other.high, other.below))
    return replace(one, low=low, above=above, high=-high, below=open_end)


def _check(window: Window) -> None:
    """Refuse what no molecule can be."""
    if _empty(window):
        raise DataError(f"{_conditions(window)}: no number is both; the lower bound comes first")
    low, high = BOUNDS.get(window.name, (-math.inf, math.inf))
    if _empty(_both(window, Window(window.name, low, high))):
        raise DataError(f"{window}: no molecule can have this, {window.name} lies between {low:g} and {high:g}")
    if window.name in COUNTS:
        first, last = (edge + step for edge, step in zip(window.edges, (0.5, -0.5), strict=True))
        if first > last:
            raise DataError(f"{window}: there is no whole number in it, and {window.name} is one")
    elif window.low == window.high:
        raise DataError(
            f"{window}: hardly a molecule has exactly this; give a range such as {window.name}={window.low - 1:g}..{window.low:g}"
        )


def _conditions(window: Window) -> str:
    low, high = (">" if window.above else ">="), ("<" if window.below else "<=")
    return f"{window.name}{low}{window.low:g} and {window.name}{high}{window.high:g}"


def _empty(window: Window) -> bool:
    return window.low > window.high or (window.low == window.high and (window.above or window.below))


def _whole(bound: float, beyond: bool) -> float:
    """The first whole number from a bound upward, or beyond it."""
    if math.isinf(bound):
        return bound
    return float(math.floor(bound) + 1 if beyond else math.ceil(bound))
