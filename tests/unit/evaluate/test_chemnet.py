import numpy as np
import pytest

from molvae.errors import MissingExtraError
from molvae.evaluate import chemnet
from molvae.evaluate.chemnet import Gaussian, frechet, moses_statistics, symmetric, triangle


@pytest.fixture
def pair():
    rng = np.random.default_rng(0)
    return [Gaussian(each.mean(axis=0), np.cov(each.T)) for each in (rng.normal(size=(40, 6)), 2 * rng.normal(size=(50, 6)) + 1)]


def test_frechet_of_commuting_covariances_is_that_of_their_roots():
    a, b = Gaussian(np.zeros(3), np.diag([1.0, 4.0, 9.0])), Gaussian(np.array([1.0, 2.0, 2.0]), np.diag([4.0, 4.0, 1.0]))
    assert frechet(a, b) == pytest.approx(9 + 1 + 0 + 4)


def test_frechet_is_symmetric_and_zero_of_the_same(pair):
    one, other = pair
    assert frechet(one, other) == pytest.approx(frechet(other, one))
    assert frechet(one, one) == pytest.approx(0, abs=1e-9)


def test_frechet_bears_singular_covariances():
    flat = Gaussian(np.zeros(2), np.array([[1.0, 1.0], [1.0, 1.0]]))
    assert frechet(flat, flat) == pytest.approx(0, abs=1e-7)


def test_triangles_come_back(pair):
    covariance = pair[0].covariance
    np.testing.assert_allclose(symmetric(triangle(covariance)), covariance, rtol=1e-6)


def test_the_statistics_of_moses_are_covariances():
    test, scaffolds = moses_statistics("test"), moses_statistics("test_scaffolds")
    for each in (test, scaffolds):
        assert each.mean.shape == (512,)
        assert (each.covariance == each.covariance.T).all()
        assert np.linalg.eigvalsh(each.covariance).min() > -1e-6
    assert frechet(test, scaffolds) == pytest.approx(0.468769, abs=1e-5)  # from float64, as benchmarks/make_moses_chemnet.py says


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(chemnet, "available", lambda: False)
    chemnet._net.cache_clear()
    with pytest.raises(MissingExtraError, match=r"pip install 'molvae\[evaluate\]'"):
        chemnet.activations(["CCO"])


@pytest.mark.filterwarnings("ignore:`row_stack`:DeprecationWarning")  # of fcd
@pytest.mark.skipif(not chemnet.available(), reason="the extra evaluate is not installed")
def test_activations_are_those_of_the_fcd_package():
    import fcd

    texts = ["CCO", "c1ccccc1", "CN1CCC[C@H]1c1cccnc1"]
    wanted = fcd.get_predictions(chemnet._net(), texts, n_jobs=0, device="cpu")
    np.testing.assert_allclose(chemnet.activations(texts), wanted, atol=1e-5)


@pytest.mark.skipif(not chemnet.available(), reason="the extra evaluate is not installed")
def test_one_very_long_molecule_changes_no_other():
    short, long = ["CCO", "CCN"], "C" * 400
    beside = chemnet.activations([short[0], long, short[1]])
    np.testing.assert_allclose(beside[[0, 2]], chemnet.activations(short), atol=1e-5)
    np.testing.assert_allclose(beside[1], chemnet.activations([long])[0], atol=1e-5)
