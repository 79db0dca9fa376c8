import numpy as np
import pytest
from rdkit import DataStructs
from rdkit.Chem import rdFingerprintGenerator

from molvae.chem.molecules import parse
from molvae.chem.similarity import bit_matrix, fragments, pack, scaffold, tanimoto, unpack

TEXTS = ["CCO", "c1ccccc1", "CC(=O)Oc1ccccc1C(=O)O", "CN1CCC[C@H]1c1cccnc1", "O=C(Nc1ccccc1)c1ccc2[nH]ccc2c1"]


@pytest.fixture(scope="module")
def bits():
    return bit_matrix(parse(text) for text in TEXTS)


def test_tanimoto_is_that_of_rdkit(bits):
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=1024)
    vectors = [generator.GetFingerprint(parse(text)) for text in TEXTS]
    wanted = [DataStructs.BulkTanimotoSimilarity(vector, vectors) for vector in vectors]
    np.testing.assert_allclose(tanimoto(bits, bits), wanted, atol=1e-6)


def test_the_spelling_of_a_molecule_does_not_change_its_bits():
    one, other = bit_matrix([parse("OCCc1ccccc1")]), bit_matrix([parse("c1ccc(cc1)CCO")])
    assert (one == other).all()


def test_packing_loses_nothing(bits):
    assert pack(bits).shape == (len(TEXTS), 128)
    assert (unpack(pack(bits)) == bits).all()


def test_two_rows_without_bits_are_alike_as_in_moses():
    nothing = np.zeros((1, 1024), dtype=np.uint8)
    assert tanimoto(nothing, nothing).tolist() == [[1.0]]
    assert tanimoto(nothing, bit_matrix([parse("C")])).tolist() == [[0.0]]


def test_no_molecules_are_an_empty_matrix():
    assert bit_matrix([]).shape == (0, 1024)


@pytest.mark.parametrize(
    ("text", "all_rings", "two_rings"),
    [
        ("CCO", "", ""),
        ("Cc1ccccc1", "c1ccccc1", ""),
        ("COc1ccccc1CCC1CC1", "c1ccc(CCC2CC2)cc1", "c1ccc(CCC2CC2)cc1"),
        ("CC1CC2CCC1C2", "C1CC2CCC1C2", "C1CC2CCC1C2"),
    ],
)
def test_scaffolds_with_too_few_rings_are_none(text, all_rings, two_rings):
    assert scaffold(parse(text)) == all_rings
    assert scaffold(parse(text), min_rings=2) == two_rings


def test_a_repeated_fragment_is_repeated_and_a_molecule_without_brics_bonds_is_one():
    assert fragments(parse("c1ccccc1OCCOc1ccccc1")).count("[16*]c1ccccc1") == 2
    assert fragments(parse("CCC")) == ["CCC"]
