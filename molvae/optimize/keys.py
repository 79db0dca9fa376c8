"""What is wrong with the keys of a recipe, in words: which key, what came, what was expected, and the nearest known one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

import pydantic

#: Keys that are looked for in a wrong table, and where they are.
_ELSEWHERE = {"combine": "[objective]", "guard": "[objective]", "first": "[campaign.options]"}


def problems(error: pydantic.ValidationError, known: Iterable[str]) -> str:
    """All that pydantic found wrong, as one line; `known` are the keys that an unknown one may have meant."""
    keys = list(known)
    return "; ".join(_problem(tuple(item["loc"]), item["type"], item["input"], item["msg"], keys) for item in error.errors())


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of a sentence that offers the known name nearest to one; empty when none is near.

    >>> nearest("propery", ["property", "oracle"]), nearest("x", ["property"])
    ('; nearest: property', '')
    """
    plain = {each.lower(): each for each in known}
    found = get_close_matches(name.strip().lower(), plain, 1)
    return f"; nearest: {plain[found[0]]}" if found else ""


def _problem(place: tuple[int | str, ...], kind: str, came: object, message: str, known: list[str]) -> str:
    key = ".".join(str(part) for part in place)
    if kind == "extra_forbidden" and place[-1] in _ELSEWHERE:
        return f"unknown key {key}; {place[-1]} belongs into {_ELSEWHERE[str(place[-1])]}"
    if kind == "extra_forbidden":
        return f"unknown key {key}" + (nearest(str(place[-1]), known) or f", expected one of {', '.join(known)}")
    if kind == "tuple_type" and place == ("term",) and isinstance(came, dict):
        return "[term] is one table, of which there may be several: write [[term]]"
    said = message.removeprefix("Value error, ")
    return f"{key} is {came!r}: {said}" if key else said
