import numpy as np
import pytest

from molvae.errors import DataError
from molvae.evaluate import chemnet, reference
from molvae.evaluate.reference import PROPERTIES, Reference, cached_reference, references
from molvae.evaluate.samples import Samples


@pytest.fixture
def file(tmp_path, smiles):
    path = tmp_path / "set.smi"
    path.write_text("\n".join([*smiles[:40], "x"]) + "\n")
    return path


@pytest.fixture
def no_chemnet(monkeypatch):
    monkeypatch.setattr(chemnet, "available", lambda: False)


def same(a, b):
    assert (a.name, a.count, a.fragments, a.scaffolds) == (b.name, b.count, b.fragments, b.scaffolds)
    assert (a.fingerprints == b.fingerprints).all()
    assert list(a.properties) == list(b.properties) == list(PROPERTIES)
    assert all((a.properties[name] == b.properties[name]).all() for name in PROPERTIES)


@pytest.mark.usefixtures("no_chemnet")
def test_comes_back_from_the_cache_without_being_made_again(file, tmp_path, monkeypatch):
    made = cached_reference(file, tmp_path / "kept", jobs=1)
    same(made, Reference.of(Samples.read(file, jobs=1).smiles, jobs=1))
    monkeypatch.setattr(Samples, "read", None)
    same(cached_reference(file, tmp_path / "kept"), made)


@pytest.mark.usefixtures("no_chemnet")
def test_a_changed_file_or_another_rdkit_is_another_entry(file, tmp_path, monkeypatch):
    assert cached_reference(file, tmp_path / "kept", jobs=1).count == 40
    file.write_text(file.read_text() + "CCO\n")
    assert cached_reference(file, tmp_path / "kept", jobs=1).count == 41
    monkeypatch.setattr(reference.rdBase, "rdkitVersion", "another")
    cached_reference(file, tmp_path / "kept", jobs=1)
    assert len(list((tmp_path / "kept").iterdir())) == 3


@pytest.mark.usefixtures("no_chemnet")
def test_a_damaged_entry_is_made_again(file, tmp_path):
    made = cached_reference(file, tmp_path / "kept", jobs=1)
    (entry,) = (tmp_path / "kept").iterdir()
    entry.write_bytes(entry.read_bytes()[:1000])
    same(cached_reference(file, tmp_path / "kept", jobs=1), made)


def test_an_entry_made_without_chemnet_is_completed_when_it_is_there(file, tmp_path, monkeypatch):
    monkeypatch.setattr(chemnet, "available", lambda: False)
    assert cached_reference(file, tmp_path / "kept", jobs=1).chemnet is None
    found = chemnet.Gaussian(np.arange(3.0), np.eye(3))
    monkeypatch.setattr(chemnet, "available", lambda: True)
    monkeypatch.setattr(chemnet, "statistics", lambda smiles, progress: found)
    assert cached_reference(file, tmp_path / "kept", jobs=1).chemnet == found
    monkeypatch.setattr(chemnet, "statistics", None)
    again = cached_reference(file, tmp_path / "kept", jobs=1).chemnet
    assert (again.mean == found.mean).all()
    assert (again.covariance == found.covariance).all()


@pytest.mark.usefixtures("no_chemnet")
def test_properties_that_are_not_asked_for_are_not_there(file, tmp_path):
    assert cached_reference(file, tmp_path / "kept", jobs=1, properties=False).properties == {}


@pytest.mark.usefixtures("no_chemnet")
def test_a_file_is_one_reference(file, tmp_path):
    (found,) = references(file, tmp_path / "kept", jobs=1)
    assert found.name == "Reference"


def test_the_counts_are_right():
    found = Reference.of(["c1ccc(Oc2ccccc2)cc1"] * 3 + ["Cc1ccccc1"], jobs=1, with_chemnet=False)
    assert found.fragments == {"[16*]c1ccccc1": 6, "[3*]O[3*]": 3, "Cc1ccccc1": 1}
    assert found.scaffolds == {"c1ccc(Oc2ccccc2)cc1": 3}
    assert found.properties["weight"][3] == pytest.approx(92.14, abs=0.01)


def test_unusable_files_are_errors(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        cached_reference(tmp_path / "none.smi", tmp_path)
    bad = tmp_path / "bad.smi"
    bad.write_text("x\ny\n")
    with pytest.raises(DataError, match="no valid molecule in 2 rows"):
        cached_reference(bad, tmp_path, jobs=1)
