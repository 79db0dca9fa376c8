"""A molecule as the changes of `molvae.chem.edits` need it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from molvae.chem.molecules import parse
from molvae.errors import MoleculeError


@dataclass(frozen=True)
class Editable:
    """A molecule ready to be changed.

    Attributes:
        mol: without aromatic bonds.
        hydrogens: of each atom, (atoms,).
        bonds: ends and order of each bond, (bonds, 3).
        cuts: rows of `bonds` that are single and in no ring.
        distances: bonds between two atoms, (atoms, atoms); 65535 for those of two parts.
        neutral: whether an atom may become another element, (atoms,).
    """

    mol: Chem.Mol
    hydrogens: NDArray[np.int64]
    bonds: NDArray[np.int64]
    cuts: NDArray[np.int64]
    distances: NDArray[np.uint16]
    neutral: NDArray[np.bool_]

    @classmethod
    def of(cls, smiles: str) -> Editable:
        """Read a SMILES; raises MoleculeError for one that is none, or that RDKit cannot write without aromatic bonds."""
        mol = parse(smiles)
        try:
            Chem.Kekulize(mol, clearAromaticFlags=True)
        except Chem.KekulizeException as error:
            raise MoleculeError("impossible valence or aromaticity", str(error)) from error
        atoms = [mol.GetAtomWithIdx(at) for at in range(mol.GetNumAtoms())]
        hydrogens = np.array([atom.GetTotalNumHs() for atom in atoms], dtype=np.int64)
        neutral = np.array([not atom.GetFormalCharge() and not atom.GetIsotope() for atom in atoms])
        for atom in atoms:
            if not atom.GetNumRadicalElectrons():  # hydrogens make up for bonds that are taken away
                atom.SetNoImplicit(False)
                atom.SetNumExplicitHs(0)
        every = [mol.GetBondWithIdx(row) for row in range(mol.GetNumBonds())]
        bonds = [(b.GetBeginAtomIdx(), b.GetEndAtomIdx(), int(b.GetBondTypeAsDouble())) for b in every]
        cuts = [row for row, b in enumerate(every) if bonds[row][2] == 1 and not b.IsInRing()]
        distances = Chem.GetDistanceMatrix(Chem.Mol(mol))  # of a copy: a molecule keeps its matrix, 500 kB for 250 atoms
        return cls(
            mol, hydrogens, np.array(bonds, dtype=np.int64).reshape(-1, 3), np.array(cuts, dtype=np.int64),
            np.minimum(distances, np.iinfo(np.uint16).max).astype(np.uint16), neutral,
        )  # fmt: skip
