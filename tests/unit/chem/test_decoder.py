"""The quick decoder says what `selfies.decoder` says, or leaves it to it."""

import pytest
import selfies
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from molvae.chem.selfies import CONSTRAINTS, pinned, read, split, survivor, to_text
from molvae.chem.selfies.decoder import Decoder

DECODER = Decoder(CONSTRAINTS)
SYMBOLS = [
    *(f"[{sign}{kind}{digits}]" for sign in ("", "=", "#") for kind in ("Ring", "Branch") for digits in (1, 2)),
    "[C]",
    "[=C]",
    "[#C]",
    "[N]",
    "[=N]",
    "[#N]",
    "[O]",
    "[=O]",
    "[S]",
    "[=S]",
    "[F]",
    "[Cl]",
    "[NH1]",
    "[N+1]",
    "[O-1]",
    "[13C]",
]


def by_package(text: str) -> str:
    with pinned():
        return Chem.CanonSmiles(selfies.decoder(text))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(SYMBOLS), min_size=1, max_size=25))
def test_any_symbols_are_decoded_as_the_package_does_or_refused(symbols):
    text = DECODER.decode(symbols)
    assert text is not None
    if text:
        assert Chem.CanonSmiles(text) == by_package("".join(symbols))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(SYMBOLS), min_size=1, max_size=25))
def test_a_survivor_is_what_reading_says(symbols):
    reading = read(symbols)
    assert survivor(symbols) == (reading.smiles if reading.survives else "")


def test_what_a_molecule_is_written_as_is_taken_at_its_word(smiles):
    for text in smiles:
        symbols = split(to_text(text))
        assert Chem.CanonSmiles(DECODER.decode(symbols)) == text
        assert survivor(symbols) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[C][=O][C]",  # something after a full atom
        "[F][=C]",  # a bond order for which there is no room
        "[C][Branch1][C]",  # a branch that is not there
        "[C][Branch1][=Branch1][O]",  # one that is cut short
        "[F][Branch1][C][F][C]",  # a branch for which there is no room
        "[C][C][Ring1][Ring1]",  # a ring to before the first atom
        "[C][C][Ring1][C]",  # a ring of two atoms
        "[F][C][C][Ring1][Ring1]",  # a ring to a full atom
        "[=C][O]",  # a bond to nothing
        "[Ring1][C]",
        "[C][Branch1][C][Ring1][C]",  # a branch that begins with a ring
        "[C][C][C][Ring1][F]",  # no number
    ],
)
def test_what_would_be_repaired_is_refused(text):
    assert DECODER.decode(split(text)) == ""
    assert survivor(split(text)) == ""


@pytest.mark.parametrize("text", ["[C@@H1][N]", "[C][/C][=C][/C]", "[CH9]", "[nop]"])
def test_the_rest_is_left_to_the_package(text):
    assert DECODER.decode(split(text)) is None


def test_more_rings_than_one_digit_can_name():
    symbols = split("[C]" * 3 + "[Ring1][Ring1]" + "[C][C][C][Ring1][Ring1]" * 11)
    assert Chem.MolFromSmiles(DECODER.decode(symbols)).GetRingInfo().NumRings() == 12


def test_a_survivor_with_stereo_marks():
    assert survivor(split(to_text("C[C@H](N)O"))) == "C[C@H](N)O"
