"""Changes of graphs: what comes out is a canonical sound molecule, near its parent, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from rdkit import Chem

from molvae.chem.editable import Editable
from molvae.chem.edits import crossing, mutant
from molvae.errors import MoleculeError

MOLECULES = [
    "CC(=O)Nc1ccc(O)cc1",
    "CN1CCC(Oc2ccccc2)CC1",
    "CS(=O)(=O)c1cc[nH]c1",
    "C[N+](C)(C)CC(=O)[O-]",
    "O=[N+]([O-])c1ccccc1F",
    "C[C@H](N)C(=O)O",
]


def mutants(smiles: str, n: int = 60) -> list[str]:
    random, parent = np.random.default_rng(1), Editable.of(smiles)
    return [text for _ in range(n) if (text := mutant(parent, random))]


@pytest.mark.parametrize("smiles", MOLECULES)
def test_mutants_are_canonical_sound_and_in_one_piece(smiles: str) -> None:
    made = mutants(smiles)
    assert len(made) > 50
    assert len(set(made)) > 15
    assert made == [Chem.CanonSmiles(text) for text in made]
    for text in made:
        mol = Chem.MolFromSmiles(text)
        assert "." not in text
        assert not any(atom.GetNumRadicalElectrons() for atom in mol.GetAtoms())
        assert all(len(ring) <= 8 for ring in mol.GetRingInfo().AtomRings())


def test_most_mutants_differ_by_an_atom_or_a_bond() -> None:
    atoms = Chem.MolFromSmiles(MOLECULES[0]).GetNumAtoms()
    apart = [abs(Chem.MolFromSmiles(text).GetNumAtoms() - atoms) for text in mutants(MOLECULES[0], 100)]
    assert np.mean(np.array(apart) <= 1) > 0.8


def test_charged_atoms_keep_their_element() -> None:
    made = [text for text in mutants("C[N+](C)(C)CCCC", 100) if "+" in text]
    assert len(made) > 50
    assert all("[N" in text for text in made)


@pytest.mark.parametrize(("parent", "child"), [
    ("CCO", "CCCO"), ("CCO", "CO"), ("CCO", "CCN"), ("CCO", "CC=O"), ("CCCCCC", "C1CCCCC1"), ("C1CCCCC1", "CCCCCC"),
    ("Cc1ccccc1CN", "Cc1cccc(CN)c1"),

    ("c1ccccc1", "c1ccncc1"), ("Cc1ccccc1CN", "Cc1ccccc1"), ("CCOCCC", "CCCOCC"),
])  # fmt: skip
def test_every_kind_of_change_happens(parent: str, child: str) -> None:
    assert Chem.CanonSmiles(child) in mutants(parent, 1500)


def test_crossings_hold_parts_of_both() -> None:
    random = np.random.default_rng(2)
    one, other = Editable.of("Clc1ccccc1CCC"), Editable.of("Brc1ccncc1CCC")
    made = {text for _ in range(80) if (text := crossing(one, other, random))}
    assert len(made) > 15
    assert any("Cl" in text and "Br" in text for text in made)
    assert all("." not in text and Chem.CanonSmiles(text) == text for text in made)


def test_the_same_seed_gives_the_same_children() -> None:
    parent = Editable.of(MOLECULES[1])
    one, other = ([mutant(parent, random) for _ in range(20)] for random in (np.random.default_rng(5), np.random.default_rng(5)))
    assert one == other
    assert Chem.MolToSmiles(parent.mol) == Chem.MolToSmiles(Editable.of(MOLECULES[1]).mol), "the parent stays as it is"


def test_what_is_no_molecule_is_refused_and_what_cannot_be_changed_gives_nothing() -> None:
    with pytest.raises(MoleculeError, match="not a SMILES"):
        Editable.of("aspirin")
    assert mutant(Editable.of("[Na+].[Cl-]"), np.random.default_rng(0)) == ""
