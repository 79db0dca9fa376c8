"""Relative symbols: SELFIES without counting, one to one.

SELFIES announces how many symbols a branch will have before it is written, and closes a ring by the number of atoms to go back, so
whoever writes them must count. Relative symbols say the same by structure:

    SELFIES              relative          meaning
    [=Branch1][C] ...    [={] ... [}]      a branch, closed where it ends
    [=Ring1][Ring1]      [=R2]             a bond to the ancestor two bonds up the tree of what is written (in a plain chain)
    [-/Ring1][Ring1]     [-/R2]            the same with the stereo marks of a ring bond
    [C]                  [C]               an atom, as before

Every sequence of relative symbols spells a SELFIES text: branches left open are closed at the end, a close too many, an empty branch and a
bond to an ancestor that is not there are passed over. Pure strings; nothing here knows chemistry.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, get_args

from molvae.chem.selfies.encoder import INDEX_SYMBOLS
from molvae.errors import MoleculeError

#: How a model's strings are written: as SELFIES, or in relative symbols.
Notation = Literal["selfies", "relative"]
NOTATIONS: tuple[Notation, ...] = get_args(Notation)
#: Closes the branch that was opened last.
CLOSE = "[}]"
_BASE = len(INDEX_SYMBOLS)
_INDEX = {symbol: value for value, symbol in enumerate(INDEX_SYMBOLS)}
_MOST_DIGITS = 3  # of a SELFIES number
_FORK = re.compile(r"\[(.{0,2})(Branch|Ring)([123])\]")
_OPEN = re.compile(r"\[(.?)\{\]")
_RING = re.compile(r"\[(.{0,2})R([1-9][0-9]*)\]")

_ATOM, _RISE, _BIND, _SHUT = range(4)


class _Kinds(dict[str, tuple[int, str, int]]):
    """What each symbol is: its kind, the marks of its bond, and its digits (SELFIES) or bonds up the tree (relative)."""

    def __init__(self, opening: re.Pattern[str] | None) -> None:
        super().__init__()
        self._opening = opening

    def __missing__(self, symbol: str) -> tuple[int, str, int]:
        self[symbol] = kind = self._kind_of(symbol)
        return kind

    def _kind_of(self, symbol: str) -> tuple[int, str, int]:
        if self._opening is None:
            fork = _FORK.fullmatch(symbol)
            return (_RISE if fork[2] == "Branch" else _BIND, fork[1], int(fork[3])) if fork else (_ATOM, "", 0)
        if symbol == CLOSE:
            return _SHUT, "", 0
        if branch := self._opening.fullmatch(symbol):
            return _RISE, branch[1], 0
        ring = _RING.fullmatch(symbol)
        return (_BIND, ring[1], int(ring[2])) if ring else (_ATOM, "", 0)


_OF_SELFIES, _OF_RELATIVE = _Kinds(None), _Kinds(_OPEN)


def relative(symbols: Sequence[str]) -> list[str]:
    """Relative symbols of SELFIES symbols.

    Raises:
        MoleculeError: a ring does not end at an ancestor, or a branch ends beyond the text or the branch around it; no SELFIES that was
            encoded from a molecule is like that.

    >>> relative(["[C]", "[Branch1]", "[C]", "[O]", "[C]", "[C]", "[Ring1]", "[Ring2]"])
    ['[C]', '[{]', '[O]', '[}]', '[C]', '[C]', '[R2]']
    """
    kinds, written = _OF_SELFIES, []  # type: _Kinds, list[str]
    parents: list[int] = []
    here, place = -1, 0
    branches: list[tuple[int, int]] = []  # where each open branch ends, and the atom it hangs on
    while place < len(symbols):
        symbol = symbols[place]
        place += 1
        kind, bond, digits = kinds[symbol]
        if kind == _ATOM:
            parents.append(here)
            here = len(parents) - 1
            written.append(symbol)
        else:
            number = 0
            for digit in symbols[place : place + digits]:
                number = number * _BASE + _INDEX.get(digit, 0)
            place += digits
            if kind == _RISE:
                branches.append((place + number + 1, here))
                written.append(f"[{bond}{{]")
                continue
            written.append(f"[{bond}R{_bonds_up(parents, here, here - number - 1)}]")
        while branches and place >= branches[-1][0]:
            end, here = branches.pop()
            if place > end:
                raise MoleculeError("a branch of the SELFIES ends within a number", "".join(symbols))
            written.append(CLOSE)
    if branches:
        raise MoleculeError("a branch of the SELFIES is longer than the text", "".join(symbols))
    return written


def _bonds_up(parents: Sequence[int], atom: int, ancestor: int) -> int:
    """Bonds from an atom up to its ancestor."""
    bonds, reached = 0, atom
    while reached > max(ancestor, -1):
        reached = parents[reached]
        bonds += 1
    if reached != ancestor or reached < 0:
        raise MoleculeError("a ring of the SELFIES does not end at an ancestor", f"atom {atom} to {ancestor}")
    return bonds


def absolute(symbols: Sequence[str]) -> list[str]:
    """SELFIES symbols of relative symbols, whatever they are.

    >>> absolute(["[C]", "[{]", "[O]", "[}]", "[C]", "[C]", "[R2]"])
    ['[C]', '[Branch1]', '[C]', '[O]', '[C]', '[C]', '[Ring1]', '[Ring2]']
    >>> absolute(["[}]", "[C]", "[R7]", "[={]", "[O]"])
    ['[C]', '[=Branch1]', '[C]', '[O]']
    """
    kinds = _OF_RELATIVE
    parents: list[int] = []
    here = -1
    text: list[str] = []
    around: list[tuple[str, int, list[str]]] = []  # of each open branch its bond, the atom it hangs on and the text before it
    for symbol in symbols:
        kind, bond, bonds = kinds[symbol]
        if kind == _ATOM:
            parents.append(here)
            here = len(parents) - 1
            text.append(symbol)
        elif kind == _RISE:
            around.append((bond, here, text))
            text = []
        elif kind == _BIND:
            ancestor = here
            while bonds and ancestor >= 0:
                ancestor = parents[ancestor]
                bonds -= 1
            if ancestor >= 0:
                text += _counted(f"{bond}Ring", here - ancestor - 1)
        elif around:
            here, text = _closed(*around.pop(), text)
    while around:
        here, text = _closed(*around.pop(), text)
    return text


def _closed(bond: str, atom: int, before: list[str], branch: list[str]) -> tuple[int, list[str]]:
    """The atom to go on from after a branch, and the text with it."""
    head = _counted(f"{bond}Branch", len(branch) - 1) if branch else []
    return atom, [*before, *head, *branch] if head else before


_COUNTED: dict[tuple[str, int], list[str]] = {}


def _counted(name: str, number: int) -> list[str]:
    """A ring or branch symbol with its number; empty where the number is larger than SELFIES can say."""
    found = _COUNTED.get((name, number))
    if found is None:
        digits = [INDEX_SYMBOLS[number % _BASE]]
        while number >= _BASE ** len(digits):
            digits.append(INDEX_SYMBOLS[number // _BASE ** len(digits) % _BASE])
        found = [f"[{name}{len(digits)}]", *reversed(digits)] if len(digits) <= _MOST_DIGITS else []
        if len(_COUNTED) < 100_000:  # a bound, whatever is read
            _COUNTED[name, number] = found
    return found


def selfies_alphabet(symbols: Sequence[str]) -> list[str]:
    """The SELFIES symbols that a text of these relative symbols may hold, in order, rings and branches of one digit with their numbers.

    >>> len(selfies_alphabet([])), set(selfies_alphabet(["[F]", "[=R5]", "[={]", "[}]"])) - set(selfies_alphabet([])) == {"[F]", "[=Ring1]"}
    (16, True)
    """
    found = set(INDEX_SYMBOLS)
    for symbol in symbols:
        kind, bond, _ = _OF_RELATIVE[symbol]
        found |= {symbol} if kind == _ATOM else {f"[{bond}Branch1]"} if kind == _RISE else {f"[{bond}Ring1]"} if kind == _BIND else set()
    return sorted(found)
