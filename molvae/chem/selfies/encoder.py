"""SELFIES of everyday SMILES: symbol for symbol what `selfies.encoder` gives, in a fraction of its time.

Covered are uncharged molecules of C, N, O, S, F, Cl and Br without stereo marks or isotopes, [nH] being the one bracket, written
the way RDKit writes canonical SMILES. For anything else, and for whatever `selfies.encoder` would refuse, `encode` gives None.

A SMILES is cut into tokens: one atom with its ring digits, or a run of chain atoms with their short branches. What a token turns
into (a `_Piece`) is worked out once and kept, so a molecule is written in some fifteen steps. Bonds between aromatic atoms are
written as single ones; at the end it is settled which of them are double, and their symbols are changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Generic, NamedTuple, TypeVar

K = TypeVar("K")
V = TypeVar("V")

_ELEMENT = r"Cl|Br|[CNOSF]"
_LINK = rf"[=#]?(?:{_ELEMENT})(?![-=#]?\d|%)"  # a chain atom without ring digits
_BUD = rf"\((?:{_LINK})+\)"
_TWIG = rf"\((?:{_LINK}|{_BUD})+\)"
_RUN = rf"(?:{_LINK}|{_TWIG})+"
_ATOM = re.compile(rf"([(^]?)([-=#]?)({_ELEMENT}|[cnos]|\[nH\])((?:-?\d)*)")
_TOKEN = re.compile(rf"\^{_LINK}(?:{_RUN})?|{_RUN}|[(^]?[-=#]?(?:{_ELEMENT}|[cnos]|\[nH\])(?:-?\d)*|\)")
_PART = re.compile(rf"[(^]?[=#]?(?:{_ELEMENT})|\)")
_DIGIT = re.compile(r"(-?)(\d)")

_START = "^"  # written before the first atom
_ORDER = {"": 1, "-": 1, "=": 2, "#": 3}
#: Bonds an atom can have; an aromatic one that has fewer needs a double bond.
_BONDS = {"C": 4, "N": 3, "O": 2, "S": 6, "F": 1, "Cl": 1, "Br": 1, "c": 4, "n": 3, "o": 2, "s": 2, "[nH]": 2}
_AROMATIC = ("c", "n", "o", "s", "[nH]")
_ANY = 1_000_000  # more bonds than a run can take from the atom before it
#: What stand for 0 to 15 after the symbol of a ring or a branch.
INDEX_SYMBOLS = (
    "[C]", "[Ring1]", "[Ring2]", "[Branch1]", "[=Branch1]", "[#Branch1]", "[Branch2]", "[=Branch2]", "[#Branch2]",
    "[O]", "[N]", "[=N]", "[=C]", "[#C]", "[S]", "[P]",
)  # fmt: skip


class _Memo(dict[K, V], Generic[K, V]):
    """A dict that works out what it lacks, and starts afresh when it has grown too large."""

    def __init__(self, make: Callable[[K], V], limit: int = 100_000) -> None:
        super().__init__()
        self._make, self._limit = make, limit

    def __missing__(self, key: K) -> V:
        value = self._make(key)
        if len(self) >= self._limit:
            self.clear()
        self[key] = value
        return value


class _Piece(NamedTuple):
    """What one token turns into."""

    text: str = ""  # its symbols; none for the end of a branch
    size: int = 1  # symbols
    opens: str = ""  # how the branch symbol before it begins, where it begins a branch
    lead: int = _ANY + 1  # bond orders to the atom before, in sum
    room: int = -1  # bonds that its last chain atom can still make; -1 where it is branches only
    atoms: int = 1
    last: int = 0  # number of its last chain atom, from 0
    double: str = ""  # the symbol of an aromatic atom after a double bond; empty for other tokens
    plain: bool = False  # no bond sign before it
    digits: tuple[tuple[str, str], ...] = ()  # bond signs and numbers of rings


#: An aromatic bond: its two atoms, where its symbol is, what the symbol is if the bond is double (empty for a ring symbol), and
#: whether the symbol of a branch stands before it.
_Bond = tuple[int, int, int, str, bool]


class _Spelling:
    """Symbols of a row of pieces, and what can still be bonded to what. Atoms are numbered, base 0 being what the row hangs on.

    Attributes:
        room: for each atom the bonds it can still make; of a run only the last chain atom is there.
    """

    def __init__(self, room: int) -> None:
        self.written: list[str] = []
        self.size = 0
        self.atoms = 0
        self.here = 0
        self.room = [room]
        self.number = [-1]
        self.near: dict[int, list[int]] = {}
        self.bonds: list[_Bond] = []
        self._rings: dict[str, tuple[int, str]] = {}

    def write(self, pieces: Iterable[_Piece]) -> bool:
        """Write pieces one after the other; false where they make no molecule.

        Every token of every molecule passes this loop, so it works on local names.
        """
        written, room, number, near, bonds = self.written, self.room, self.number, self.near, self.bonds
        size = atoms = here = 0
        branches: list[tuple[int, int, int]] = []
        for text, symbols, opens, lead, left, count, last, double, plain, digits in pieces:
            if not text:
                if not branches:
                    return False
                slot, before, here = branches.pop()
                name, symbols = _INDICES[size - before - 1]  # noqa: PLW2901
                written[slot] += name
                size += symbols
                continue
            room[here] -= lead
            if opens:
                branches.append((len(written), size, here))
                written.append(opens)
            written.append(text)
            size += symbols
            if left >= 0:
                new = len(room)
                room.append(left)
                number.append(atoms + last)
                if double:
                    near[new] = []
                    if plain and here in near:
                        near[here].append(new)
                        near[new].append(here)
                        bonds.append((here, new, len(written) - 1, double, bool(opens)))
                if digits:
                    ended = self._rings_of(digits, here, new)
                    if ended < 0:
                        return False
                    size += ended
                here = new
            atoms += count
        self.size, self.atoms, self.here = size, atoms, here
        return not branches and not self._rings and min(room) >= 0

    def _rings_of(self, digits: Iterable[tuple[str, str]], before: int, atom: int) -> int:
        """Begin and end rings at an atom; the number of symbols written, or -1 for a bond that is there already."""
        size, partners = 0, {before, atom}
        for sign, digit in digits:
            start, other = self._rings.pop(digit, (-1, ""))
            if start < 0:
                self._rings[digit] = atom, sign
                continue
            if start in partners:
                return -1
            partners.add(start)
            name, symbols = _INDICES[self.number[atom] - self.number[start] - 1]
            if not sign and not other and start in self.near and atom in self.near:
                self.near[start].append(atom)
                self.near[atom].append(start)
                self.bonds.append((start, atom, len(self.written), "", False))
            self.written.append("[Ring" + name)
            size += symbols
        return size

    def kekulize(self) -> bool:
        """Make aromatic bonds double so that every aromatic atom has its bonds; false where the plain rule does not get there."""
        pairs = self._pairs() if self.near else {}
        if pairs is None:
            return False
        written = self.written
        for first, second, slot, double, opens in self.bonds:
            if pairs.get(first) == second:
                written[slot] = double or "[=" + written[slot][1:]
                if opens:
                    written[slot - 1] = "[=" + written[slot - 1][1:]
        return True

    def _pairs(self) -> dict[int, int] | None:
        """Which aromatic atoms get a double bond between them, by the rule that `selfies` begins with; None if some are left over.

        The atom with the fewest free neighbours comes first, of several the first one in the SMILES; of its free neighbours it gets
        the one it was bonded to first. Atoms with one free neighbour may come in any order: that pair is in every solution.
        """
        near, room, pairs = self.near, self.room, {}
        free = [0] * len(room)  # neighbours of a free atom that are free; 0 for atoms that are not
        for first, second, *_ in self.bonds:
            if room[first] and room[second]:
                free[first] += 1
                free[second] += 1
        if any(room[atom] and others and not free[atom] for atom, others in near.items()):
            return None
        forced = [atom for atom in near if free[atom] == 1]
        while forced or any(free):
            atom = forced.pop() if forced else min((atom for atom in near if free[atom]), key=free.__getitem__)
            if not free[atom]:
                continue
            partner = next(other for other in near[atom] if free[other])
            pairs[atom], pairs[partner] = partner, atom
            free[atom] = free[partner] = 0
            for other in near[atom] + near[partner]:
                if free[other] == 1:
                    return None
                if free[other]:
                    free[other] -= 1
                    if free[other] == 1:
                        forced.append(other)
        return pairs


def encode(smiles: str) -> str | None:
    """SELFIES of a SMILES as `selfies.encoder` gives it under the pinned constraints, or None where that is left to it.

    >>> encode("c1ccccc1O")
    '[C][=C][C][=C][C][=C][Ring1][=Branch1][O]'
    >>> encode("C[NH3+]") is None
    True
    """
    tokens = _TOKEN.findall(_START + smiles)
    if "))" in smiles or smiles[-1:] == ")" or _START in smiles or len("".join(tokens)) <= len(smiles):
        return None  # a branch at the end of a branch or of the whole; something that is no token
    spelling = _Spelling(0)
    if not spelling.write([_PIECES[token] for token in tokens]) or not spelling.kekulize():
        return None
    return "".join(spelling.written)


def _index(number: int) -> tuple[str, int]:
    """The end of a ring or branch symbol and the symbols after it that stand for a number; and how many symbols that makes."""
    digits = [number % 16]
    while number := number // 16:
        digits.append(number % 16)
    return f"{len(digits)}]" + "".join(INDEX_SYMBOLS[digit] for digit in reversed(digits)), len(digits) + 1


def _piece(token: str) -> _Piece:
    if token == ")":
        return _Piece()
    atom = _ATOM.fullmatch(token)
    return _single(*atom.groups()) if atom else _run(token)


def _single(opens: str, bond: str, element: str, rings: str) -> _Piece:
    """One atom; `opens` is an open bracket, the start of the molecule, or empty."""
    lead = 0 if opens == _START else _ORDER[bond]
    digits = tuple(_DIGIT.findall(rings))
    room = _BONDS[element] - lead - len(digits)
    shown = bond.removeprefix("-")
    if room < 0 or (opens == _START and bond):
        return _Piece("?")  # the lead of which no atom has room for
    symbol = "NH1" if element == "[nH]" else element.capitalize()
    return _Piece(
        text=f"[{shown}{symbol}]",
        opens=f"[{shown}Branch" if opens == "(" else "",
        lead=lead,
        room=room,
        double=f"[={symbol}]" if element in _AROMATIC else "",
        plain=not bond,
        digits=digits,
    )


def _run(token: str) -> _Piece:
    """Chain atoms and short branches."""
    spelling = _Spelling(_ANY)
    if not spelling.write(map(_piece, _PART.findall(token))):
        return _Piece("?")
    return _Piece(
        text="".join(spelling.written),
        size=spelling.size,
        lead=_ANY - spelling.room[0],
        room=spelling.room[spelling.here] if spelling.here else -1,
        atoms=spelling.atoms,
        last=spelling.number[spelling.here],
    )


_PIECES = _Memo(_piece)
_INDICES = _Memo(_index)
