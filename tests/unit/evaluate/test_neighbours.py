import numpy as np
import pytest

from molvae.chem.molecules import parse
from molvae.chem.similarity import bit_matrix, pack, tanimoto, unpack
from molvae.evaluate import neighbours
from molvae.evaluate.neighbours import mean_similarities, nearest


@pytest.fixture(scope="module")
def packed(smiles):
    return pack(bit_matrix(parse(text) for text in smiles))


@pytest.fixture(params=[7, 4096])
def at_once(request, monkeypatch):
    monkeypatch.setattr(neighbours, "_AT_ONCE", request.param)


@pytest.mark.usefixtures("at_once")
def test_nearest_is_the_best_of_all_pairs(packed):
    samples, reference = packed[:50], packed[100:200]
    wanted = tanimoto(unpack(samples), unpack(reference)).max(axis=1)
    np.testing.assert_allclose(nearest(samples, reference), wanted, atol=1e-6)


@pytest.mark.usefixtures("at_once")
def test_means_are_over_all_pairs_with_each_row_itself(packed):
    every = tanimoto(unpack(packed[:60]), unpack(packed[:60])).astype(np.float64)
    means, squares = mean_similarities(packed[:60])
    np.testing.assert_allclose(means, every.mean(axis=1), atol=1e-6)
    np.testing.assert_allclose(squares, (every**2).mean(axis=1), atol=1e-6)


def test_a_molecule_of_the_reference_is_its_own_neighbour(packed):
    assert nearest(packed[:9], packed).tolist() == [1.0] * 9


def test_rows_without_bits_are_alike():
    nothing = np.zeros((1, 128), dtype=np.uint8)
    assert nearest(nothing, nothing).tolist() == [1.0]
    assert mean_similarities(nothing)[0].tolist() == [1.0]
