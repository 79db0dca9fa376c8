"""SMILES of SELFIES whose every symbol means what it says, in a fraction of the time of `selfies.decoder`.

`selfies.decoder` repairs what cannot be: it lowers bond orders, leaves out branches and rings for which there is no room, and passes
over what follows a full atom. Whatever is repaired cannot be the SELFIES of its own molecule, so those who ask for the latter need
not know what it would be repaired to.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from molvae.chem.selfies.encoder import INDEX_SYMBOLS

_ATOM = re.compile(r"\[([=#]?)(\d*[A-Z][a-z]?)(H[1-9])?([+-][1-9])?\]")
_FORK = re.compile(r"\[([=#]?)(Ring|Branch)([123])\]")
_BARE = ("B", "C", "N", "O", "S", "P", "F", "Cl", "Br", "I")
_SIGNS = ("", "", "=", "#")
_INDEX = {symbol: value for value, symbol in enumerate(INDEX_SYMBOLS)}
_FAR = 1 << 20  # what any other symbol stands for: further than any molecule goes
_NO_RING = 100  # the first ring number that SMILES cannot write


class _Meaning(NamedTuple):
    """What a symbol says.

    Attributes:
        order: of its bond.
        text: an atom in SMILES; empty for rings and branches.
        bonds: that the atom can have.
        digits: symbols after it that hold a number; 0 for atoms.
        ring: a ring, not a branch.
    """

    order: int
    text: str = ""
    bonds: int = 0
    digits: int = 0
    ring: bool = False


class Decoder:
    """Reads SELFIES under fixed constraints.

    Args:
        constraints: most bonds of an atom, as `selfies.set_semantic_constraints` takes them.
    """

    def __init__(self, constraints: Mapping[str, int]) -> None:
        self._constraints = dict(constraints)
        self._meanings: dict[str, _Meaning | None] = {}

    def _meaning(self, symbol: str) -> _Meaning | None:
        if symbol not in self._meanings:
            self._meanings[symbol] = self._read(symbol)
        return self._meanings[symbol]

    def _read(self, symbol: str) -> _Meaning | None:
        if fork := _FORK.fullmatch(symbol):
            sign, kind, digits = fork.groups()
            return _Meaning(max(1, _SIGNS.index(sign, 1)), digits=int(digits), ring=kind == "Ring")
        if not (atom := _ATOM.fullmatch(symbol)):
            return None
        sign, element, hydrogens, charge = atom.groups(default="")
        bonds = self._constraints.get(element.lstrip("0123456789") + charge, self._constraints["?"]) - int(hydrogens[1:] or 0)
        bare = element in _BARE and not hydrogens and not charge
        text = element if bare else f"[{element}{hydrogens}{charge}]"
        return _Meaning(max(1, _SIGNS.index(sign, 1)), text, bonds) if bonds >= 0 else None

    def decode(self, symbols: Sequence[str]) -> str | None:
        """SMILES of the molecule that symbols spell; empty where one of them cannot be taken at its word.

        Returns:
            None where that is left to `selfies.decoder`: stereo marks and symbols that are not SELFIES.

        >>> Decoder({"C": 4, "O": 2, "?": 8}).decode(["[C]", "[=C]", "[O]"])
        'C=CO'
        >>> Decoder({"C": 4, "O": 2, "?": 8}).decode(["[C]", "[=O]", "[O]"])
        ''
        """
        meanings = [self._meaning(symbol) for symbol in symbols]
        known = [meaning for meaning in meanings if meaning]
        return _Molecule().write(symbols, known) if len(known) == len(meanings) else None


class _Molecule:
    """A molecule while it is written.

    Attributes:
        parts: of the SMILES.
        places: where in them each atom is.
        free: bonds that each atom can still make.
        before: the atom each one was bonded to when it was written.
        rings: both atoms, the earlier one first, and the order.
        here: the atom that what follows is bonded to; -1 for none.
        room: bonds that may follow from it.
        end: where its branch ends.
        outer: the same three of the branches around.
        fresh: no atom was written in this branch so far.
    """

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.places: list[int] = []
        self.free: list[int] = []
        self.before: list[int] = []
        self.rings: list[tuple[int, int, int]] = []
        self.here, self.room, self.end, self.fresh = -1, 0, 0, True
        self.outer: list[tuple[int, int, int]] = []

    def write(self, symbols: Sequence[str], meanings: Sequence[_Meaning]) -> str:
        """The SMILES, or an empty text."""
        place, self.end = 0, len(symbols)
        while place < self.end:
            order, text, bonds, digits, ring = meanings[place]
            place += 1 + digits
            if text:
                sound = self._atom(order, text, bonds)
            elif self.fresh or place > self.end:
                return ""
            else:
                number = 1
                for symbol in symbols[place - digits : place]:
                    number = (number - 1) * 16 + _INDEX.get(symbol, _FAR) + 1
                sound = self._ring(order, number) if ring else self._branch(order, place, number)
            if not sound:
                return ""
            while place == self.end and self.outer and not self.fresh:
                self.here, self.room, self.end = self.outer.pop()
                self.parts.append(")")
        return "".join(self.parts) if self._close() else ""

    def _atom(self, order: int, text: str, bonds: int) -> bool:
        if self.here < 0:
            order -= 1  # the first atom is bonded to nothing
        else:
            self.free[self.here] -= order
        if order > self.room or order > bonds:
            return False
        self.before.append(self.here)
        self.places.append(len(self.parts))
        self.parts.append(_SIGNS[order] + text)
        self.here, self.room, self.fresh = len(self.free), bonds - order, False
        self.free.append(self.room)
        return True

    def _ring(self, order: int, back: int) -> bool:
        """A bond to the atom so many before."""
        self.rings.append((self.here - back, self.here, order))
        self.room -= order
        return self.room >= 0 and back <= self.here

    def _branch(self, order: int, place: int, length: int) -> bool:
        self.outer.append((self.here, self.room - order, self.end))
        self.parts.append("(")
        within = place + length <= self.end
        self.room, self.end, self.fresh = order, place + length, True
        return within and self.outer[-1][1] > 0

    def _close(self) -> bool:
        """Write the rings; false where one cannot be."""
        made = set()
        for label, (first, last, order) in enumerate(self.rings, start=1):
            bonded = self.before[last] == first or (first, last) in made
            if bonded or self.free[first] < order or self.free[last] < order or label >= _NO_RING:
                return False
            made.add((first, last))
            self.free[first] -= order
            self.free[last] -= order
            digit = str(label) if label < 10 else f"%{label}"
            self.parts[self.places[first]] += digit
            self.parts[self.places[last]] += _SIGNS[order] + digit
        return bool(self.places)
