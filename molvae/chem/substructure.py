"""Scaffolds to be completed: what they ask of a molecule, and where a molecule may grow."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rdkit import Chem, rdBase

from molvae.chem.molecules import MAX_CHARACTERS, canonical
from molvae.chem.selfies import spelled
from molvae.errors import MoleculeError

_WRITINGS = 8  # random SMILES looked through for one that ends at an atom; one in four does
_SINGLE = Chem.BondType.SINGLE
_HYDROGENS = re.compile(r"\[([A-Za-z][a-z]?)H\d*\]")  # [nH], [SH]: the hydrogen may be replaced by a substituent
_SMARTS_ONLY = re.compile(r"\[[^]]*#")  # [#6]: RDKit reads it as SMILES too, as an atom without hydrogen
_ELEMENT = re.compile(r"Atom(?:Type|AtomicNum) (\d+) = val")  # how RDKit describes it, with 1000 added where it is aromatic


@dataclass(frozen=True)
class Scaffold:
    """A part that molecules shall contain.

    Attributes:
        query: its atoms without attachment points.
        example: canonical SMILES of a molecule made of these atoms alone, empty where none could be made (some SMARTS).
        bonds: bonds of the attachment points on an atom, by its index in `query`; None where growth is allowed everywhere. A kind
            of None is a bond of any kind (SMARTS ~).

    >>> phenyl = read_scaffold("c1ccccc1*")
    >>> phenyl.example, [phenyl.is_in(Chem.MolFromSmiles(text)) for text in ("Cc1ccccc1", "Cc1ccccc1C", "CCO")]
    ('c1ccccc1', [True, False, False])
    """

    query: Chem.Mol
    example: str
    bonds: Mapping[int, Counter[Chem.BondType | None]] | None

    @property
    def size(self) -> int:
        """Number of its atoms."""
        return int(self.query.GetNumAtoms())

    def is_in(self, mol: Chem.Mol) -> bool:
        """Whether a molecule contains the scaffold and, where there are attachment points, is joined to it by these alone."""
        return next(self._places(mol), None) is not None

    def open_atoms(self, mol: Chem.Mol) -> list[int]:
        """Atoms of a molecule with the scaffold in it that have a hydrogen to lose, and may lose it."""
        closed: set[int] = set()
        if self.bonds is not None:
            place = next(self._places(mol), ())
            closed = {atom for at, atom in enumerate(place) if at not in self.bonds}
        return [atom.GetIdx() for atom in mol.GetAtoms() if atom.GetTotalNumHs() and atom.GetIdx() not in closed]

    def _places(self, mol: Chem.Mol) -> Iterator[tuple[int, ...]]:
        """The atoms of a molecule that stand for those of the scaffold, one tuple a way to see it in the molecule."""
        for place in mol.GetSubstructMatches(self.query, uniquify=self.bonds is None):
            if self.bonds is None or all(not self._strange(mol, place, at) for at in range(self.size)):
                yield place

    def _strange(self, mol: Chem.Mol, place: tuple[int, ...], at: int) -> bool:
        """Whether an atom has a bond that is neither in the scaffold nor one of its attachment points."""
        own = {place[atom.GetIdx()] for atom in self.query.GetAtomWithIdx(at).GetNeighbors()}
        atom = mol.GetAtomWithIdx(place[at])
        found = Counter(bond.GetBondType() for bond in atom.GetBonds() if bond.GetOtherAtomIdx(place[at]) not in own)
        allowed = (self.bonds or {}).get(at, Counter())
        return (found - allowed).total() > allowed[None]


def read_scaffold(text: str) -> Scaffold:
    """Read a scaffold: a SMILES, or else a SMARTS; * with one bond is an attachment point.

    Raises:
        MoleculeError: with the reason: empty, neither SMILES nor SMARTS, several fragments, an attachment point within a chain or
            ring, nothing but attachment points.

    >>> read_scaffold("[#6]1:[#6]:[#7,#8]:[#6]:[#6]1").size
    5
    >>> read_scaffold("C*C")
    Traceback (most recent call last):
    molvae.errors.MoleculeError: an attachment point (*) has one bond: this one has 2
    """
    text = text.strip()
    if not text:
        raise MoleculeError("empty")
    mol = _parsed(text)
    if len(Chem.GetMolFrags(mol)) > 1:
        raise MoleculeError("several fragments", "a scaffold is one")
    points = [atom for atom in mol.GetAtoms() if _is_point(atom)]
    for atom in points:
        if atom.GetDegree() != 1:
            raise MoleculeError("an attachment point (*) has one bond", f"this one has {atom.GetDegree()}")
    if len(points) == mol.GetNumAtoms() or any(_is_point(other) for atom in points for other in atom.GetNeighbors()):
        raise MoleculeError("attachment points (*) alone are no scaffold")
    return _without_points(mol, [atom.GetIdx() for atom in points])


def read_pattern(text: str) -> Chem.Mol:
    """Read a SMARTS; a SMILES without brackets may be written in Kekulé form, and means its aromatic one.

    Raises:
        MoleculeError: with the reason: empty, too long, a reaction, no SMARTS.

    >>> benzoic = Chem.MolFromSmiles("OC(=O)c1ccccc1")
    >>> [benzoic.HasSubstructMatch(read_pattern(text)) for text in ("[OH]", "C1=CC=CC=C1", "[NX3]")]
    [True, True, False]
    >>> Chem.MolFromSmiles("CS(=O)(=O)NC").HasSubstructMatch(read_pattern("S(=O)(=O)N"))
    True
    """
    text = text.strip()
    if not text:
        raise MoleculeError("empty")
    if len(text) > MAX_CHARACTERS:
        raise MoleculeError("too large", f"{len(text)} characters, at most {MAX_CHARACTERS}")
    if ">" in text or not (text.isascii() and text.isprintable()) or " " in text:
        raise MoleculeError("no SMARTS", "a reaction, a blank or a letter beyond ASCII in it")
    with rdBase.BlockLogs():
        plain = None if "[" in text else Chem.MolFromSmiles(text)
        mol = Chem.MolFromSmarts(text if plain is None else _HYDROGENS.sub(r"[\1]", canonical(plain)))
    if mol is None or not mol.GetNumAtoms():
        raise MoleculeError("no SMARTS")
    return mol


def _parsed(text: str) -> Chem.Mol:
    if len(text) > MAX_CHARACTERS:
        raise MoleculeError("too large", f"{len(text)} characters, at most {MAX_CHARACTERS}")
    if ">" in text or not (text.isascii() and text.isprintable()) or " " in text:
        raise MoleculeError("neither SMILES nor SMARTS", "a reaction, a blank or a letter beyond ASCII in it")
    with rdBase.BlockLogs():
        mol = None if _SMARTS_ONLY.search(text) else Chem.MolFromSmiles(text)
        mol = mol if mol is not None else Chem.MolFromSmarts(text)  # such as cC=O: part of a molecule, and none by itself
    if mol is None or not mol.GetNumAtoms():
        raise MoleculeError("neither SMILES nor SMARTS")
    return mol


def _is_point(atom: Chem.Atom) -> bool:
    return atom.GetAtomicNum() == 0 and (not atom.HasQuery() or atom.DescribeQuery().startswith("AtomNull"))


def _without_points(mol: Chem.Mol, points: list[int]) -> Scaffold:
    """The scaffold of a molecule or query with attachment points at these indices."""
    kept = [atom.GetIdx() for atom in mol.GetAtoms() if atom.GetIdx() not in points]
    bonds: dict[int, Counter[Chem.BondType | None]] = {}
    core = Chem.RWMol(mol)
    for point in points:
        bond = mol.GetAtomWithIdx(point).GetBonds()[0]
        holder = bond.GetOtherAtomIdx(point)
        kind = bond.GetBondType()
        bonds.setdefault(kept.index(holder), Counter())[None if kind == Chem.BondType.UNSPECIFIED else kind] += 1
        atom = core.GetAtomWithIdx(holder)
        if not atom.HasQuery() and (atom.GetNoImplicit() or atom.GetIsAromatic()):  # others get their hydrogen by themselves
            atom.SetNumExplicitHs(atom.GetNumExplicitHs() + int(bond.GetBondTypeAsDouble()))
    for point in sorted(points, reverse=True):
        core.RemoveAtom(point)
    query = core.GetMol()
    query.UpdatePropertyCache(strict=False)
    return Scaffold(query, _example(query), bonds or None)


def _example(query: Chem.Mol) -> str:
    """A molecule of the atoms of a query alone: the first element each allows, carbon where it names none."""
    mol = Chem.RWMol(query)
    for atom in query.GetAtoms():
        if atom.HasQuery():
            named = _ELEMENT.search(atom.DescribeQuery())
            plain = Chem.Atom(atom.GetAtomicNum() or (int(named[1]) % 1000 if named else 6))
            plain.SetIsAromatic(atom.GetIsAromatic())
            plain.SetFormalCharge(atom.GetFormalCharge())
            mol.ReplaceAtom(atom.GetIdx(), plain)
    for bond in query.GetBonds():
        if bond.GetBondType() == Chem.BondType.UNSPECIFIED or bond.HasQuery():
            kind = _SINGLE if bond.GetBondType() == Chem.BondType.UNSPECIFIED else bond.GetBondType()
            mol.RemoveBond(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())
            mol.AddBond(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(), kind)
    with rdBase.BlockLogs():
        read = Chem.MolFromSmiles(Chem.MolToSmiles(mol))
    return canonical(read) if read is not None and read.HasSubstructMatch(query) else ""


def spelled_up_to(mol: Chem.Mol, atom: int, seed: int) -> list[str]:
    """SELFIES symbols of a molecule, the last of which leave off at an atom: what is written next is bound to it.

    Args:
        mol: a molecule.
        atom: index of an atom with a hydrogen.
        seed: of the order in which the other atoms are written.

    Returns:
        An empty list where the atom takes no bond or no such order was found.
    """
    grown = Chem.RWMol(mol)
    grown.AddBond(atom, grown.AddAtom(Chem.Atom(0)), _SINGLE)
    holder = grown.GetAtomWithIdx(atom)
    holder.SetNumExplicitHs(max(holder.GetNumExplicitHs() - 1, 0))
    with rdBase.BlockLogs():
        if Chem.SanitizeMol(grown, catchErrors=True) != Chem.SanitizeFlags.SANITIZE_NONE:
            return []
        written = Chem.MolToRandomSmilesVect(grown, _WRITINGS, randomSeed=seed)
    for text in written:
        if text.endswith("*"):
            try:
                return spelled(text[:-1] + "C")[:-1]  # a carbon holds the place, so that every aromatic nitrogen is complete
            except MoleculeError:
                return []
    return []
