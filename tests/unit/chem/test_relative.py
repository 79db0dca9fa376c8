"""Relative symbols: one to one with SELFIES, and every sequence of them spells a molecule or nothing."""

import gzip
from pathlib import Path

import pytest
import selfies
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem

from molvae.chem.selfies import absolute, pinned, relative, split, to_smiles, to_symbols, to_text
from molvae.errors import MoleculeError
from molvae.pretrained import MOSES_TRAINING

SYMBOLS = [
    "[C]",
    "[=C]",
    "[#N]",
    "[O]",
    "[F]",
    "[C@@H1]",
    "[N+1]",
    "[{]",
    "[={]",
    "[#{]",
    "[}]",
    "[R1]",
    "[R2]",
    "[R5]",
    "[=R4]",
    "[-/R3]",
    "[R999]",
]
MACROCYCLE = "C1" + "C" * 300 + "1"
ODD = [
    "C1CC/C=C/CC1",
    "C[C@H](N)C(=O)O",
    "O=C1CCC/C=C\\CCO1",
    "F/C=C/F",
    "C[N+](C)(C)CC(=O)[O-]",
    "O=[N+]([O-])c1ccccc1",
    "C1CC2CCC1C2",
    "c1ccc2c(c1)ccc1ccccc12",
    "CC(C)(C)C(C(C)(C)C)C(C)(C)C",
    MACROCYCLE,
    "CC(" + "C" * 400 + ")C",
]


def selfies_of(smiles):
    """SELFIES symbols of a SMILES by the selfies package, with its stereo marks on ring bonds where there are any."""
    with pinned():
        return split(selfies.encoder(smiles))


@pytest.mark.parametrize("smiles", ODD)
def test_there_and_back(smiles):
    symbols = selfies_of(smiles)
    assert absolute(relative(symbols)) == symbols


def test_there_and_back_for_moses():
    with gzip.open(Path(MOSES_TRAINING), "rt") as file:
        for line in file:
            symbols = split(to_text(line.strip()))
            written = relative(symbols)
            assert absolute(written) == symbols
            assert not any("Branch" in symbol or "Ring" in symbol for symbol in written)


def test_a_ring_bond_with_stereo_marks_keeps_them():
    symbols = ["[C]", "[C]", "[C]", "[C]", "[-/Ring1]", "[Ring2]"]
    assert relative(symbols) == ["[C]", "[C]", "[C]", "[C]", "[-/R3]"]
    assert absolute(["[C]", "[C]", "[C]", "[C]", "[-/R3]"]) == symbols


def test_numbers_of_several_digits():
    symbols = selfies_of(MACROCYCLE)
    assert "[Ring2]" in symbols or "[Ring3]" in symbols
    assert relative(symbols)[-1] == "[R300]"


def test_the_size_of_a_branch_is_not_written():
    shorter, longer = (relative(to_symbols(f"CC({'C' * size})(C)C")) for size in (3, 40))
    assert set(shorter) == set(longer) == {"[C]", "[{]", "[}]"}


@given(st.lists(st.sampled_from(SYMBOLS), max_size=60))
def test_any_sequence_spells_a_molecule_or_nothing(symbols):
    smiles = to_smiles(absolute(symbols))
    assert smiles == "" or Chem.MolFromSmiles(smiles) is not None


@given(st.lists(st.sampled_from(SYMBOLS), max_size=60))
def test_what_was_repaired_once_stays(symbols):
    once = absolute(symbols)
    assert absolute(relative(once)) == once


@pytest.mark.parametrize(
    ("symbols", "reason"),
    [
        (["[C]", "[Branch1]", "[C]", "[O]", "[Ring1]", "[C]"], "does not end at an ancestor"),
        (["[C]", "[C]", "[Ring1]", "[#C]"], "does not end at an ancestor"),
        (["[C]", "[Branch1]", "[#C]", "[O]"], "longer than the text"),
        (["[C]", "[C]", "[C]", "[Branch1]", "[Ring1]", "[O]", "[Ring1]", "[Ring1]"], "within a number"),
    ],
)
def test_selfies_that_no_molecule_has_are_refused_by_name(symbols, reason):
    if "ancestor" in reason and symbols[1] == "[Branch1]":
        symbols = ["[C]", "[Branch1]", "[C]", "[O]", "[C]", "[Ring1]", "[C]"]  # from the chain to the end of the branch
    with pytest.raises(MoleculeError, match=reason):
        relative(symbols)
