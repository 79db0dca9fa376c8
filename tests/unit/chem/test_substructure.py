"""Scaffolds: what they match, where they may grow, and strings that leave off at an atom."""

from __future__ import annotations

import pytest
from rdkit import Chem

from molvae.chem.selfies import to_smiles
from molvae.chem.substructure import read_scaffold, spelled_up_to


@pytest.mark.parametrize(
    ("scaffold", "inside", "outside"),
    [
        ("c1ccccc1", ["Cc1ccccc1", "c1ccc2ccccc2c1"], ["C1CCCCC1"]),
        ("*c1ccccc1", ["Cc1ccccc1", "c1ccccc1", "O=S(=O)(N)c1ccccc1"], ["Cc1ccccc1C", "c1ccc2ccccc2c1"]),
        ("*N(*)C(=O)c1ccccc1", ["CNC(=O)c1ccccc1", "CN(C)C(=O)c1ccccc1"], ["CN(C)C(=O)c1ccccc1F", "CNC(=S)c1ccccc1"]),
        ("*C1CCCC1", ["CC1CCCC1"], ["O=C1CCCC1", "CC1(C)CCCC1"]),
        ("*=C1CCCC1", ["O=C1CCCC1", "CC=C1CCCC1"], ["OC1CCCC1"]),
        ("*n1cccc1", ["Cn1cccc1", "c1cc[nH]c1"], ["Cc1ccc[nH]1"]),
        ("*~C1CCCC1", ["O=C1CCCC1", "OC1CCCC1"], ["CC1(C)CCCC1"]),
        ("[N,O]1CCCCC1", ["CN1CCCCC1", "C1CCOCC1"], ["C1CCCCC1"]),
        ("cC(=O)N", ["NC(=O)c1ccccc1"], ["CC(N)=O"]),
    ],
)
def test_a_scaffold_is_in_what_it_should_be(scaffold: str, inside: list[str], outside: list[str]) -> None:
    read = read_scaffold(scaffold)
    assert [text for text in inside if not read.is_in(Chem.MolFromSmiles(text))] == []
    assert [text for text in outside if read.is_in(Chem.MolFromSmiles(text))] == []


@pytest.mark.parametrize(
    ("scaffold", "example"),
    [
        ("*n1cccc1", "c1cc[nH]c1"),
        ("*=C1CCCC1", "C1CCCC1"),
        ("[N,O]1CCCCC1", "C1CCNCC1"),
        ("[C;X5]", ""),
        ("[#7]1CCCCC1", "C1CCNCC1"),
        ("*C(=O)N", "NC=O"),
    ],
)
def test_the_example_is_the_bare_scaffold(scaffold: str, example: str) -> None:
    assert read_scaffold(scaffold).example == example


def test_open_atoms_are_those_of_the_attachment_points_and_outside() -> None:
    mol = Chem.MolFromSmiles("CCc1ccc(F)cc1")
    assert read_scaffold("*c1ccc(F)cc1").open_atoms(mol) == [0, 1]
    assert read_scaffold("c1ccc(F)cc1").open_atoms(mol) == [0, 1, 3, 4, 7, 8]


@pytest.mark.parametrize("text", ["CCc1ccc[nH]1", "O=C(NCc1ccoc1)c1ccccc1", "C[N+](C)(C)CC[O-]", "C1CC2CC1CC2", "CC(C)CN"])
def test_a_string_that_leaves_off_at_an_atom_goes_on_there(text: str) -> None:
    mol = Chem.MolFromSmiles(text)
    for atom in mol.GetAtoms():
        if not atom.GetTotalNumHs():
            continue
        written = next(filter(None, (spelled_up_to(mol, atom.GetIdx(), seed) for seed in range(1, 40))))
        assert to_smiles([*written, "[F]"]) == _with_fluorine(mol, atom.GetIdx())


def _with_fluorine(mol: Chem.Mol, at: int) -> str:
    grown = Chem.RWMol(mol)
    grown.AddBond(at, grown.AddAtom(Chem.Atom("F")), Chem.BondType.SINGLE)
    grown.GetAtomWithIdx(at).SetNumExplicitHs(0)
    Chem.SanitizeMol(grown)
    return Chem.CanonSmiles(Chem.MolToSmiles(grown))
