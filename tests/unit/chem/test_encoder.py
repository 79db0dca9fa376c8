"""Our encoder of SELFIES gives what the selfies package gives, or leaves it to the package."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import pytest
import selfies
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from molvae.chem.selfies import CONSTRAINTS, encoder, pinned, to_smiles
from molvae.chem.selfies.encoder import encode

MOSES = Path(__file__).parents[3] / "data" / "moses_10k.csv"


def _words(text: str) -> list[str]:
    return text.split()


COVERED = [
    *_words("""
    C CC C=C C#N CC(C)(C)C O=C=O FC(F)(F)F CS(C)(=O)=O NS(=O)(=O)c1ccccc1 C1CC1 C1CC2CCC1C2 C1CCC2(CC1)CC2 C1CC2CC3CC1CC(C2)C3 c1ccccc1
    c1ccc2ccccc2c1 c1ccc2cc3ccccc3cc2c1 c1cc2ccc3cccc4ccc(c1)c2c34 c1ccc2cccc-2cc1 c1ccc2c(c1)-c1ccccc1-2 c1ccc2c(c1)Cc1ccccc1-2
    c1cc[nH]c1 c1ccoc1 c1ccsc1 c1c[nH]cn1 c1ccc2[nH]ccc2c1 c1nc2ncncc2[nH]1 Cn1c(=O)c2c(ncn2C)n(C)c1=O O=c1cc[nH]cc1 O=c1cccccc1
    O=c1[nH]c(=O)c2ccccc2[nH]1 c1ccn2cccc2c1 c1cnc2nccn2c1 c1nnn[nH]1 c1ccc(-c2ccccc2)cc1 c1ccc(-n2cccc2)cc1 N=c1cccc[nH]1
    C=c1ccc(=C)cc1 CSc1nc2c(s1)c1nonc1n2C c1ccc2c(c1)[nH]c1ccccc12 O=C1c2ccccc2C(=O)c2ccccc21 c1ccc2c(c1)ccc1c2ccc2ccccc21
    c1cc2cccc3c4cccc5cccc(c(c1)c23)c54
    """),
    "C" * 300,
    f"C1{'C' * 300}1",
    f"CC({'C' * 20})C",
    f"OC({'C' * 300}c1ccccc1)C1{'C' * 30}C1",
]
LEFT = [
    *_words("""
    C[NH3+] C[N+](=O)[O-] F/C=C\\F C[C@H](N)C(=O)O [2H]OC [H][H] CP(C)C OB(O)O CI CCO.C C[Si](C)(C)C C1CC%10CC1CC%10 O=s1cccc1 c1cc[se]c1
    [H]N=C C$C C:C *C
    """),
    "",
]
NONSENSE = [
    *_words("""
    ( ) C( C) C() C(C C(C)) C((C)) C(C) CC(C(C)) C1 C1CC 1CC1 C11 C1C1 C1(C)C1 C12CCC12 =CC CC= -C C==C C(=)C (C)C C(C)1CC1 C=1CC=1
    C=1CC-1 C-1CC1 C(C)(C)(C)(C)C C1(C)(C)(C)CC1 FF F=C O#C CFC ClC1Cl1 N(C)(C)(C)C O(C)(C)C S(C)(C)(C)(C)(C)(C)C c1cccc1 c cc ccc
    c1ccccc1c1ccccc1 c1cc(C)(C)ccc1 c1ccn(C)cc1 [nH]1cccc[nH]1 c1cc[nH](C)c1 o1ccccc1 C=c n(C)c [nH] [nH]c c1=cc=cc=c1 c=1cccc=1
    s1(=O)cccc1 ^C C^C X
    """),
    "C C",
    "\n",
]


def reference(smiles: str) -> str | None:
    """What the package gives, None where it gives nothing."""
    try:
        with pinned():
            return str(selfies.encoder(smiles))
    except Exception:  # malformed texts break it in many ways  # noqa: BLE001
        return None


def test_every_molecule_of_the_moses_sample_is_written_the_same() -> None:
    with MOSES.open(newline="") as file:
        texts = [row["SMILES"] for row in csv.DictReader(file)]
    ours = [encode(text) for text in texts]
    with pinned():
        assert [text for text, mine in zip(texts, ours, strict=True) if mine is not None and mine != selfies.encoder(text)] == []
    assert sum(mine is None for mine in ours) < len(texts) / 1000


@pytest.mark.parametrize("smiles", COVERED)
def test_what_is_covered_is_written_the_same(smiles: str) -> None:
    assert encode(smiles) == reference(smiles) is not None


@pytest.mark.parametrize("smiles", LEFT)
def test_what_is_not_covered_is_left_to_the_package(smiles: str) -> None:
    assert encode(smiles) is None


@pytest.mark.parametrize("smiles", NONSENSE)
def test_nonsense_is_left_to_the_package_or_written_the_same(smiles: str) -> None:
    assert encode(smiles) in (None, reference(smiles))


def test_texts_with_a_slip_are_left_to_the_package_or_written_the_same(smiles: list[str]) -> None:
    draw = random.Random(0)
    for text in draw.sample([*smiles, *COVERED], 400):
        at, letter = draw.randrange(len(text)), draw.choice("CNOSFcnos()123=#-")
        slip = text[:at] + draw.choice(["", letter, letter + text[at]]) + text[at + 1 :]
        assert encode(slip) in (None, reference(slip)), slip


@pytest.mark.parametrize("smiles", [text for text in COVERED if 5 < len(text) < 60])
def test_any_order_of_the_atoms_is_written_the_same_or_left(smiles: str) -> None:
    mol = Chem.MolFromSmiles(smiles)
    for text in Chem.MolToRandomSmilesVect(mol, 5, randomSeed=1):
        assert encode(text) in (None, reference(text)), text


SYMBOLS = sorted(
    symbol
    for symbol in selfies.get_semantic_robust_alphabet()
    if not set("+-BPIH?") & set(symbol) or "Ring" in symbol or "Branch" in symbol
)


@given(st.lists(st.sampled_from(SYMBOLS), max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_molecule_is_written_the_same_or_left(symbols: list[str]) -> None:
    smiles = to_smiles(symbols)
    assert encode(smiles) in (None, reference(smiles))


def test_the_bonds_are_those_of_the_constraints() -> None:
    for element, bonds in encoder._BONDS.items():
        if element in encoder._AROMATIC:
            assert bonds <= CONSTRAINTS[element.strip("[H]").upper()]
        else:
            assert bonds == CONSTRAINTS[element]


def test_what_is_kept_is_bounded() -> None:
    memo = encoder._Memo(len, limit=10)
    assert [memo["x" * size] for size in range(100)] == list(range(100))
    assert len(memo) <= 10
