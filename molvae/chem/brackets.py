"""What is open in a SMILES that is read character by character: branches, brackets and ring bonds."""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache
from typing import NamedTuple


class _Open(NamedTuple):
    """What is open.

    Attributes:
        branches: "(" without their ")".
        bracket: inside of "[...]".
        rings: a bit for each digit whose ring is open.
    """

    branches: int = 0
    bracket: bool = False
    rings: int = 0


class Brackets:
    """The `Syntax` of SMILES as far as it can be told from brackets and ring digits; of rings beyond 9 (%10) nothing is said.

    >>> brackets = Brackets()
    >>> brackets.debt(brackets.start(), brackets.debts("C1CC(C")[0])
    2
    """

    def start(self) -> Hashable:
        """Nothing is open."""
        return _Open()

    def step(self, state: Hashable, unit: str) -> Hashable | None:
        """What is open after a character; None where it closes what is not open."""
        return _step(state, unit)

    def debts(self, units: tuple[str, ...] | str) -> list[Hashable]:
        """For each place what the characters from there on open, less what they close."""
        found: list[Hashable] = [_Open()]
        branches, rings, inside = 0, 0, False
        for unit in reversed(units):
            branches += (unit == "(") - (unit == ")")
            inside ^= unit in "[]"
            rings ^= 1 << int(unit) if unit.isdigit() and not inside else 0
            found.append(_Open(branches, inside, rings))
        return found[::-1]

    def debt(self, state: Hashable, rest: Hashable) -> int:
        """Slips that must still be mended for all to be closed at the end."""
        return _debt(state, rest)


@lru_cache(10_000)  # the search asks for the same few again and again
def _step(state: Hashable, unit: str) -> Hashable | None:
    open_ = state if isinstance(state, _Open) else _Open()
    if unit == "(":
        return None if open_.bracket else open_._replace(branches=open_.branches + 1)
    if unit == ")":
        return None if open_.bracket or not open_.branches else open_._replace(branches=open_.branches - 1)
    if unit in "[]":
        return None if open_.bracket == (unit == "[") else open_._replace(bracket=unit == "[")
    if unit.isdigit() and not open_.bracket:
        return open_._replace(rings=open_.rings ^ 1 << int(unit))
    return open_


@lru_cache(10_000)
def _debt(state: Hashable, rest: Hashable) -> int:
    if not (isinstance(state, _Open) and isinstance(rest, _Open)):
        return 0
    return abs(state.branches + rest.branches) + (state.bracket != rest.bracket) + (state.rings ^ rest.rings).bit_count()
