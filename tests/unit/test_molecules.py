"""Parsing refuses with a reason; standardising is idempotent and keeps what it should."""

from __future__ import annotations

import pickle

import pytest
import selfies
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from molvae.chem.molecules import MAX_CHARACTERS, Standardizer, canonical, parse
from molvae.chem.selfies import to_smiles
from molvae.errors import MoleculeError

ALPHABET = sorted(selfies.get_semantic_robust_alphabet())
PEPTIDE = "NCC(=O)" * 2500 + "O"  # 10,001 heavy atoms
DRUGS = [
    "CC(=O)Oc1ccccc1C(=O)O",
    "CN1C=NC2=C1C(=O)N(C(=O)N2C)C",
    "C[S+]([O-])c1ccccc1",
    "C[N+](C)(C)CC(=O)[O-]",
    "CN=[N+]=[N-]",
    "C[N+](=O)[O-]",
    "CN(=O)=O",
    "CP(=O)(O)O",
    "F/C=C\\F",
    "OC(=O)[C@@H](N)Cc1c[nH]c2ccccc12",
    "[2H]OC",
    "c1cc[n+]([O-])cc1",
]

REFUSED = [
    ("", "empty"),
    (" \t\n", "empty"),
    ("aspirin", "not a SMILES"),
    ("ethanol", "not a SMILES"),
    ("CC(C", "not a SMILES"),
    ("C1CC", "not a SMILES"),
    ("CCO,ethanol", "not a SMILES"),
    ("\ufeffCCO", "not a SMILES"),
    ("CC\0O", "not a SMILES"),
    ("CCO\nCCN", "not a SMILES"),
    ("C" * (MAX_CHARACTERS + 1), "too large"),
    ("CCO>>CC=O", "a reaction, not a molecule"),
    ("CCO>[Pd]>CC=O", "a reaction, not a molecule"),
    ("*CC", "attachment point or wildcard atom (*)"),
    ("[*:1]CC", "attachment point or wildcard atom (*)"),
    ("CC(C)(C)(C)C", "impossible valence or aromaticity"),
    ("c1cccc1", "impossible valence or aromaticity"),
]


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_each_bad_input_has_its_reason(text: str, reason: str) -> None:
    with pytest.raises(MoleculeError) as caught:
        parse(text)
    assert caught.value.reason == reason


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_bad_input_makes_no_noise(text: str, reason: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(MoleculeError):
        Standardizer()(text)
    assert capfd.readouterr() == ("", "")


def test_the_detail_says_where() -> None:
    with pytest.raises(MoleculeError, match=r"atom # 1 C, 5"):
        parse("CC(C)(C)(C)C")


def test_reasons_survive_a_trip_to_another_process() -> None:
    error = pickle.loads(pickle.dumps(MoleculeError("too large", "many")))
    assert (error.reason, error.detail, str(error)) == ("too large", "many", "too large: many")


@given(st.text(max_size=40) | st.text("CNO()[]=#123cn+-@H/\\.%*> ", max_size=40))
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_molecule_or_refused(text: str) -> None:
    try:
        smiles = canonical(parse(text))
    except MoleculeError as error:
        assert error.reason
    else:
        assert Chem.MolFromSmiles(smiles) is not None


def test_a_peptide_of_ten_thousand_atoms_is_refused_unless_asked_for() -> None:
    with pytest.raises(MoleculeError, match="10001 heavy atoms, at most 256"):
        Standardizer()(PEPTIDE)
    assert Standardizer(max_atoms=1)("C") == "C"


@pytest.mark.parametrize("text", DRUGS)
@pytest.mark.parametrize("neutralize", [False, True])
def test_every_spelling_of_a_molecule_gives_one_form(text: str, neutralize: bool) -> None:
    standardize = Standardizer(neutralize=neutralize)
    mol = parse(text)
    spellings = [*Chem.MolToRandomSmilesVect(mol, 10, randomSeed=1), Chem.MolToSmiles(mol, kekuleSmiles=True)]
    assert {standardize(spelling) for spelling in spellings} == {standardize(text)}


@pytest.mark.parametrize("text", DRUGS)
@pytest.mark.parametrize("neutralize", [False, True])
def test_standardising_twice_changes_nothing(text: str, neutralize: bool) -> None:
    standardize = Standardizer(neutralize=neutralize)
    assert standardize(standardize(text)) == standardize(text)


@given(st.lists(st.sampled_from(ALPHABET), min_size=1, max_size=25))
@settings(max_examples=150, deadline=None)
def test_standardising_twice_changes_nothing_even_for_odd_molecules(symbols: list[str]) -> None:
    try:
        once = Standardizer()(to_smiles(symbols))
    except MoleculeError:
        return
    assert Standardizer()(once) == once


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[2H]OC", "[2H]OC"),
        ("[13CH4]", "[13CH4]"),
        ("[CH3]", "[CH3]"),
        ("C[CH]C", "C[CH]C"),
        ("C[N+](C)(C)C", "C[N+](C)(C)C"),
        ("CC(=O)[O-]", "CC(=O)[O-]"),
        ("C[C@H](N)C(=O)O", "C[C@H](N)C(=O)O"),
        ("C(\\F)=C/F", "F/C=C/F"),
        (" OCC\t", "CCO"),
        ("[CH3:7][OH:8]", "[CH3:7][OH:8]"),
    ],
)
def test_isotopes_radicals_charges_and_stereo_are_kept(text: str, expected: str) -> None:
    assert canonical(parse(Standardizer()(text))) == canonical(parse(expected))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("CN(=O)=O", "C[N+](=O)[O-]"), ("C[S+]([O-])C", "CS(C)=O"), ("CN=N#N", "CN=[N+]=[N-]")],
)
def test_one_drawing_of_each_group(text: str, expected: str) -> None:
    assert Standardizer()(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CC(=O)[O-].[Na+]", "CC(=O)[O-]"),
        ("[Na+].[Cl-].CCO", "CCO"),
        ("Cl.NCCc1ccccc1", "NCCc1ccccc1"),
        ("O.O.CCO", "CCO"),
    ],
)
def test_a_salt_is_refused_or_its_largest_organic_fragment_kept(text: str, expected: str) -> None:
    with pytest.raises(MoleculeError, match="several fragments"):
        Standardizer()(text)
    assert Standardizer(largest_fragment=True)(text) == expected


def test_neutralize_moves_protons_only() -> None:
    standardize = Standardizer(neutralize=True)
    assert standardize("[NH3+]CC(=O)[O-]") == "NCC(=O)O"
    assert standardize("C[N+](C)(C)C") == "C[N+](C)(C)C"
