import pytest

from molvae.errors import DataError
from molvae.evaluate.samples import Samples


def test_keeps_order_and_repeats_and_counts_what_it_refuses():
    samples = Samples.of(["OCC", "", "c1ccccc1", "CCO", "C(C)(C)(C)(C)C", "x", "[Na+].[Cl-]"], jobs=1)
    assert samples.rows == 7
    assert samples.smiles == ["CCO", "c1ccccc1", "CCO", "[Cl-].[Na+]"]
    assert samples.unique == ["CCO", "c1ccccc1", "[Cl-].[Na+]"]
    assert samples.duplicates == 1
    assert samples.refused == {"empty": 1, "impossible valence or aromaticity": 1, "not a SMILES": 1}


def test_reads_a_file_with_blank_rows_and_short_ones(tmp_path):
    path = tmp_path / "some.csv"
    path.write_text("id,smiles\n1,CCO\n\n2\n3,OCC\n4,C1CC\n")
    samples = Samples.read(path, jobs=1)
    assert samples == Samples(5, ["CCO", "CCO"], {"too few fields": 1, "empty": 1, "not a SMILES": 1})


def test_a_missing_column_is_an_error(tmp_path):
    path = tmp_path / "some.csv"
    path.write_text("id,smiles\n1,CCO\n")
    with pytest.raises(DataError, match="no column 'ligand'"):
        Samples.read(path, "ligand", jobs=1)


def test_no_rows_are_no_molecules():
    assert Samples.of([], jobs=1) == Samples(0, [], {})


def test_processes_change_nothing(smiles):
    many = [*smiles, "x"] * 10
    assert len(many) >= 4_000
    assert Samples.of(many, jobs=2) == Samples.of(many, jobs=1)
