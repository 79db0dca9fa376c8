"""Any symbols spell a molecule or nothing; what is encoded comes back; the constraints are ours and only for the moment."""

from __future__ import annotations

import pytest
import selfies
from hypothesis import given, settings
from hypothesis import strategies as st

from molvae.chem.molecules import Standardizer, canonical, parse
from molvae.chem.selfies import CONSTRAINTS, Reading, pinned, read, selfies_version, to_smiles, to_symbols
from molvae.errors import MoleculeError

ALPHABET = sorted(selfies.get_semantic_robust_alphabet() | {"[nop]", "[C@@H1]", "[C@H1]", "[/C]", "[\\C]", "[NH1+1]", "[13C]", "[2H]"})
DRUGS = [
    "CC(=O)Oc1ccccc1C(=O)O",
    "CN1C=NC2=C1C(=O)N(C(=O)N2C)C",
    "C[C@]12CC[C@H]3[C@@H](CCC4=CC(=O)CC[C@@]43C)[C@@H]1CC[C@@H]2O",
    "F/C=C\\F",
    "C[N+](C)(C)CC(=O)[O-]",
    "OC(=O)[C@@H](N)Cc1c[nH]c2ccccc12",
    "C[N+](=O)[O-]",
    "CS(=O)(=O)N",
    "[2H]OC",
    "[13CH4]",
    "O=P(O)(O)OC1CC1",
]
symbol_lists = st.lists(st.sampled_from(ALPHABET), max_size=40)


@given(symbol_lists)
@settings(max_examples=300, deadline=None)
def test_any_symbols_spell_a_canonical_molecule_or_nothing(symbols: list[str]) -> None:
    smiles = to_smiles(symbols)
    assert smiles == "" or canonical(parse(smiles)) == smiles


@given(symbol_lists)
@settings(max_examples=150, deadline=None)
def test_what_survives_is_what_its_molecule_is_written_as(symbols: list[str]) -> None:
    reading = read(symbols)
    assert reading.smiles == to_smiles(symbols)
    if reading.survives:
        assert to_symbols(reading.smiles) == symbols


@given(symbol_lists)
@settings(max_examples=150, deadline=None)
def test_what_is_encoded_comes_back_or_is_refused(symbols: list[str]) -> None:
    smiles = to_smiles(symbols)
    try:
        again = to_symbols(smiles) if smiles else []
    except MoleculeError as error:
        assert error.reason == "SELFIES cannot express this molecule"
    else:
        if "[" in smiles:
            assert to_smiles(again) == smiles


@pytest.mark.parametrize("text", DRUGS)
def test_drugs_come_back_the_same(text: str) -> None:
    smiles = Standardizer()(text)
    symbols = to_symbols(smiles)
    assert to_smiles(symbols) == smiles
    assert read(symbols) == Reading(smiles, True)


@pytest.mark.parametrize("text", ["CI(=O)=O", "C[Cl+2]([O-])[O-]", "[Cu+5]", "F[Xe]F", "[CH2]", "[Fe]"])
def test_what_selfies_cannot_express_is_refused_or_comes_back(text: str) -> None:
    smiles = canonical(parse(text))
    try:
        symbols = to_symbols(smiles)
    except MoleculeError as error:
        assert error.reason == "SELFIES cannot express this molecule"
    else:
        assert to_smiles(symbols) == smiles


@pytest.mark.parametrize("symbols", [[], ["[nop]"], ["[Branch1]"], ["[Ring1]", "[C]"], ["[=C]"], ["[2H]"]])
def test_degenerate_strings(symbols: list[str]) -> None:
    smiles = to_smiles(symbols)
    assert smiles == "" or parse(smiles).GetNumHeavyAtoms() > 0
    assert to_smiles([]) == "" and read([]) == Reading("", False)


def test_constraints_are_pinned_and_put_back() -> None:
    found = {**selfies.get_semantic_constraints(), "C": 3}
    selfies.set_semantic_constraints(found)
    try:
        assert to_smiles(["[C]", "[Branch1]", "[C]", "[C]", "[Branch1]", "[C]", "[C]", "[Branch1]", "[C]", "[C]", "[C]"]) == "CC(C)(C)C"
        with pytest.raises(RuntimeError, match="inside"), pinned():
            assert selfies.get_semantic_constraints() == CONSTRAINTS
            raise RuntimeError("inside")
        assert selfies.get_semantic_constraints() == found
    finally:
        selfies.set_semantic_constraints("default")


def test_the_version_is_the_installed_one() -> None:
    assert selfies_version().startswith("2.")
