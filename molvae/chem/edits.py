"""Small changes of a molecule's graph, and crossings of two: the moves of a genetic algorithm on graphs.

After Jensen 2019, doi:10.1039/C8SC05372C, written here as edits of atoms and bonds. Every change keeps valences; what comes out is
sanitised by RDKit, in one piece, and free of rings that hardly exist.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase

from molvae.chem.editable import Editable
from molvae.chem.molecules import canonical, parse
from molvae.errors import MoleculeError

#: Elements that may be put in, with how often, and the most bonds each makes then.
_ELEMENTS: dict[str, tuple[float, int]] = {
    "C": (0.44, 4), "N": (0.19, 3), "O": (0.17, 2), "S": (0.05, 2), "F": (0.06, 1), "Cl": (0.05, 1), "Br": (0.02, 1), "P": (0.01, 3),
    "I": (0.01, 1),
}  # fmt: skip
_NUMBERS = {name: Chem.GetPeriodicTable().GetAtomicNumber(name) for name in _ELEMENTS}
_NAMES = list(_ELEMENTS)
_OFTEN = np.cumsum([often for often, _ in _ELEMENTS.values()])
_ORDERS = {1: Chem.BondType.SINGLE, 2: Chem.BondType.DOUBLE, 3: Chem.BondType.TRIPLE}
_RINGS = {2: 0.03, 3: 0.05, 4: 0.35, 5: 0.5, 6: 0.07}  # bonds between the ends of a new ring, and how often it is closed there
_LARGEST_RING = 8
_MOST_ATOMS = 70  # heavy atoms of a child, unless its parent has more
_TRIES = 8

_Random = np.random.Generator
_Edit = Callable[[Editable, _Random], Chem.RWMol | None]


def mutant(parent: Editable, random: np.random.Generator) -> str:
    """Canonical SMILES of a molecule a small change away, such as an atom more, less or another, a ring closed or opened, a group moved.

    Returns:
        An empty string where no sound molecule was found in some tries.

    >>> random = np.random.default_rng(0)
    >>> [mutant(Editable.of("CCO"), random) for _ in range(3)]
    ['NCCO', 'CC(=O)O', 'CNCO']
    """
    return _first(lambda: _edit(random)(parent, random), parent.mol.GetNumAtoms())


def crossing(one: Editable, other: Editable, random: np.random.Generator) -> str:
    """Canonical SMILES of a part of one molecule joined by a single bond to a part of another.

    Both are cut at a single bond outside rings, or whole; the ends of the cuts are joined.

    Returns:
        An empty string where no sound molecule was found in some tries.
    """
    return _first(lambda: _joined(one, other, random), max(one.mol.GetNumAtoms(), other.mol.GetNumAtoms()))


def _first(make: Callable[[], Chem.RWMol | None], atoms: int) -> str:
    """The first sound molecule of some tries."""
    with rdBase.BlockLogs():
        for _ in range(_TRIES):
            made = make()
            if made is not None and made.GetNumAtoms() and (text := _written(made, max(_MOST_ATOMS, atoms))):
                return text
    return ""


def _written(mol: Chem.RWMol, most: int) -> str:
    """Canonical SMILES of a sound molecule, else an empty string."""
    if mol.GetNumAtoms() > most or Chem.SanitizeMol(mol, catchErrors=True) != Chem.SanitizeFlags.SANITIZE_NONE or not _is_sound(mol):
        return ""
    try:
        return canonical(parse(str(Chem.MolToSmiles(mol))))
    except MoleculeError:
        return ""


def _is_sound(mol: Chem.Mol) -> bool:
    """In one piece, without large rings, and without a ring that multiple bonds would break."""
    rings = mol.GetRingInfo()
    if any(len(ring) > _LARGEST_RING for ring in rings.AtomRings()):
        return False
    return all(_holds(mol.GetBondWithIdx(row), len(ring)) for ring in rings.BondRings() for row in ring)


def _holds(bond: Chem.Bond, size: int) -> bool:
    """Whether a bond can be part of a ring of some size."""
    if bond.GetBondType() == Chem.BondType.TRIPLE:
        return False
    ends = (bond.GetBeginAtom(), bond.GetEndAtom())
    return bond.GetBondType() != Chem.BondType.DOUBLE or (size > 4 and all(e.GetHybridization() != Chem.HybridizationType.SP for e in ends))


def _edit(random: _Random) -> _Edit:
    return _EDITS[int(np.searchsorted(_EDITS_OFTEN, random.random() * _EDITS_OFTEN[-1]))]


def _element(random: _Random, bonds: int) -> str | None:
    """An element that can make so many bonds."""
    name = _NAMES[int(np.searchsorted(_OFTEN, random.random() * _OFTEN[-1]))]
    return name if _ELEMENTS[name][1] >= bonds else None


def _any(random: _Random, rows: NDArray[np.int64]) -> int | None:
    return int(rows[random.integers(len(rows))]) if len(rows) else None


def _open_atom(parent: Editable, random: _Random) -> int | None:
    """An atom with a hydrogen."""
    return _any(random, np.flatnonzero(parent.hydrogens))


def _order(random: _Random, most: int) -> int:
    """Mostly 1."""
    return min(most, 1 + int(random.random() < 0.25) + int(random.random() < 0.05))


def _append(parent: Editable, random: _Random) -> Chem.RWMol | None:
    """An atom more at the rim."""
    if (at := _open_atom(parent, random)) is None:
        return None
    order = _order(random, int(parent.hydrogens[at]))
    if (element := _element(random, order)) is None:
        return None
    mol = Chem.RWMol(parent.mol)
    mol.AddBond(at, mol.AddAtom(Chem.Atom(_NUMBERS[element])), _ORDERS[order])
    return mol


def _insert(parent: Editable, random: _Random) -> Chem.RWMol | None:
    """An atom more within a bond; the bond keeps its order on one side."""
    if (row := _any(random, np.arange(len(parent.bonds)))) is None:
        return None
    a, b, order = parent.bonds[row].tolist()
    if (element := _element(random, order + 1)) is None or order not in _ORDERS:
        return None
    mol = Chem.RWMol(parent.mol)
    mol.RemoveBond(a, b)
    new = mol.AddAtom(Chem.Atom(_NUMBERS[element]))
    if random.random() < 0.5:
        a, b = b, a
    mol.AddBond(a, new, _ORDERS[order])
    mol.AddBond(new, b, Chem.BondType.SINGLE)
    return mol


def _remove(parent: Editable, random: _Random) -> Chem.RWMol | None:
    """An atom less: at the rim, or between two that are then joined."""
    at = int(random.integers(parent.mol.GetNumAtoms()))
    around = [atom.GetIdx() for atom in parent.mol.GetAtomWithIdx(at).GetNeighbors()]
    mol = Chem.RWMol(parent.mol)
    if len(around) > 2 or not around:
        return None
    if len(around) == 2:
        if mol.GetBondBetweenAtoms(*around) is not None:
            return None
        mol.AddBond(around[0], around[1], Chem.BondType.SINGLE)
    mol.RemoveAtom(at)
    return mol


def _reorder(parent: Editable, random: _Random) -> Chem.RWMol | None:
    """Another order of a bond."""
    if (row := _any(random, np.arange(len(parent.bonds)))) is None:
        return None
    a, b, order = parent.bonds[row].tolist()
    most = min(3, order + int(min(parent.hydrogens[a], parent.hydrogens[b])))
    if not (choices := [new for new in range(1, most + 1) if new != order]):
        return None
    mol = Chem.RWMol(parent.mol)
    mol.GetBondBetweenAtoms(a, b).SetBondType(_ORDERS[choices[int(random.integers(len(choices)))]])
    return mol


def _replace(parent: Editable, random: _Random) -> Chem.RWMol | None:
    """Another element in the place of an atom."""
    if (at := _any(random, np.flatnonzero(parent.neutral))) is None:
        return None
    bonds = int(parent.bonds[(parent.bonds[:, :2] == at).any(axis=1), 2].sum())
    element = _element(random, bonds)
    if element is None or parent.mol.GetAtomWithIdx(at).GetAtomicNum() == _NUMBERS[element]:
        return None
    mol = Chem.RWMol(parent.mol)
    mol.GetAtomWithIdx(at).SetAtomicNum(_NUMBERS[element])
    return mol


def _exchange(parent: Editable, random: _Random) -> Chem.RWMol | None:
    """Two atoms of different elements change places."""
    choices = np.flatnonzero(parent.neutral)
    if len(choices) < 2:
        return None
    mol = Chem.RWMol(parent.mol)
    one, other = (mol.GetAtomWithIdx(int(row)) for row in random.choice(choices, size=2, replace=False))
    first, second = one.GetAtomicNum(), other.GetAtomicNum()
    if first == second:
        return None
    one.SetAtomicNum(second)
    other.SetAtomicNum(first)
    return mol


def _close(parent: Editable, random: _Random) -> Chem.RWMol | None:
    """A ring more, by a bond between two atoms that are near."""
    if (at := _open_atom(parent, random)) is None:
        return None
    apart = int(random.choice(list(_RINGS), p=list(_RINGS.values())))
    if (end := _any(random, np.flatnonzero((parent.distances[at] == apart) & (parent.hydrogens > 0)))) is None:
        return None
    mol = Chem.RWMol(parent.mol)
    mol.AddBond(at, end, Chem.BondType.SINGLE)
    return mol


def _open(parent: Editable, random: _Random) -> Chem.RWMol | None:
    """A ring less, by a bond less."""
    if (row := _any(random, np.setdiff1d(np.flatnonzero(parent.bonds[:, 2] == 1), parent.cuts))) is None:
        return None
    mol = Chem.RWMol(parent.mol)
    mol.RemoveBond(*parent.bonds[row, :2].tolist())
    return mol


def _shed(parent: Editable, random: _Random) -> Chem.RWMol | None:
    """A group less."""
    side = _side(parent, random)
    return None if side is None else _without(parent, side.rest)


def _move(parent: Editable, random: _Random) -> Chem.RWMol | None:
    """A group at another place."""
    if (side := _side(parent, random)) is None:
        return None
    free = np.flatnonzero((parent.hydrogens > 0) & ~side.rest)
    if (place := _any(random, free[free != side.end])) is None:
        return None
    mol = Chem.RWMol(parent.mol)
    mol.RemoveBond(side.end, side.start)
    mol.AddBond(place, side.start, Chem.BondType.SINGLE)
    return mol


@dataclass(frozen=True)
class _Side:
    """A cut through a single bond outside rings.

    Attributes:
        end: the atom at the cut that is kept.
        start: the one on the other side.
        rest: whether an atom is on the other side, (atoms,).
    """

    end: int
    start: int
    rest: NDArray[np.bool_]


def _side(parent: Editable, random: _Random) -> _Side | None:
    if (row := _any(random, parent.cuts)) is None:
        return None
    a, b = parent.bonds[row, :2].tolist()
    if random.random() < 0.5:
        a, b = b, a
    return _Side(a, b, parent.distances[b] < parent.distances[a])


def _without(parent: Editable, rest: NDArray[np.bool_]) -> Chem.RWMol:
    mol = Chem.RWMol(parent.mol)
    mol.BeginBatchEdit()
    for at in np.flatnonzero(rest).tolist():
        mol.RemoveAtom(at)
    mol.CommitBatchEdit()
    return mol


def _joined(one: Editable, other: Editable, random: _Random) -> Chem.RWMol | None:
    """A part of one and a part of another, joined."""
    parts = [_part(each, random) for each in (one, other)]
    if parts[0] is None or parts[1] is None:
        return None
    (left, end), (right, start) = parts[0], parts[1]
    mol = Chem.RWMol(Chem.CombineMols(left, right))
    mol.AddBond(end, left.GetNumAtoms() + start, Chem.BondType.SINGLE)
    return mol


def _part(parent: Editable, random: _Random) -> tuple[Chem.Mol, int] | None:
    """One side of a cut, or seldom the whole, and the atom at which it is joined."""
    side = _side(parent, random) if random.random() < 0.9 else None
    if side is not None:
        return _without(parent, side.rest), int((~side.rest[: side.end]).sum())
    at = _open_atom(parent, random)
    return None if at is None else (parent.mol, at)


_OFTEN_EDITED: dict[_Edit, float] = {
    _append: 0.16, _insert: 0.1, _remove: 0.16, _reorder: 0.1, _replace: 0.14, _exchange: 0.06, _close: 0.08, _open: 0.05, _shed: 0.06,
    _move: 0.09,
}  # fmt: skip
_EDITS = list(_OFTEN_EDITED)
_EDITS_OFTEN = np.cumsum(list(_OFTEN_EDITED.values()))
