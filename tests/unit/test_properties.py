"""Properties against published values, their ranges and their errors."""

from __future__ import annotations

import sys

import numpy
import pytest
from rdkit.Chem import Descriptors

from molvae.chem.molecules import parse
from molvae.chem.properties import DEFAULT, PROPERTIES, compute, lookup
from molvae.errors import DataError

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"
DRUGS = [ASPIRIN, "CN1C=NC2=C1C(=O)N(C(=O)N2C)C", "C[C@]12CC[C@H]3[C@@H](CCC4=CC(=O)CC[C@@]43C)[C@@H]1CC[C@@H]2O", "CCO"]


def test_aspirin() -> None:
    got = compute([ASPIRIN], list(PROPERTIES)).iloc[0].to_dict()
    expected = {
        "logP": 1.3101, "QED": 0.5501, "SA": 1.58, "MW": 180.159, "TPSA": 63.6, "HBD": 1, "HBA": 3, "rotatable_bonds": 2, "rings": 1,
        "Fsp3": 1 / 9, "heavy_atoms": 13, "penalized_logP": 1.3101 - 1.58,
    }  # fmt: skip
    assert got == pytest.approx(expected, abs=1e-3)


def test_weight_is_the_average_one() -> None:
    assert compute(["BrBr"], ["MW"]).iloc[0, 0] == pytest.approx(Descriptors.MolWt(parse("BrBr"))) == pytest.approx(159.808)


def test_names_are_the_keys_and_drugs_lie_in_the_ranges() -> None:
    assert [each.name for each in PROPERTIES.values()] == list(PROPERTIES)
    for each in PROPERTIES.values():
        low, high = each.range
        assert low < high and each.description
        assert compute(DRUGS, [each.name])[each.name].between(low, high).all(), each.name


def test_penalized_logp_counts_the_atoms_beyond_six_of_the_largest_ring() -> None:
    table = compute(["C1CCCCCCCC1", "C1CCCCC1", "CCO"], ["penalized_logP", "logP", "SA"])
    assert (table["logP"] - table["SA"] - table["penalized_logP"]).tolist() == pytest.approx([3, 0, 0])


def test_rows_and_columns_keep_their_order() -> None:
    table = compute(DRUGS)
    assert list(table.columns) == list(DEFAULT)
    assert compute(DRUGS[::-1])[::-1].reset_index(drop=True).equals(table)
    assert list(compute(DRUGS, ["rings", "logP"]).columns) == ["rings", "logP"]


def test_no_molecule_has_no_properties() -> None:
    table = compute(["", "CCO", ""], list(PROPERTIES))
    assert table.isna().all(axis=1).tolist() == [True, False, True]
    assert (table.dtypes == numpy.float64).all()


def test_no_rows() -> None:
    assert compute([]).shape == (0, len(DEFAULT))


@pytest.mark.parametrize("smiles", ["[Na+]", "[Fe]", "[H][H]", "[CH3]", "C" * 300, "[13CH4]", "CC(=O)[O-].[Na+]"])
def test_odd_molecules_have_numbers(smiles: str) -> None:
    assert compute([smiles], list(PROPERTIES)).notna().all(axis=None)


def test_an_unknown_name_is_told_the_known_ones() -> None:
    with pytest.raises(DataError, match="unknown property 'logp', 'X', expected one of logP, QED, SA"):
        compute(["CCO"], ["logp", "QED", "X"])
    with pytest.raises(DataError, match="; nearest: logP"):
        lookup(["logP "])
    with pytest.raises(DataError, match=r"heavy_atoms, penalized_logP$"):
        lookup(["zzz"])


def test_a_bad_molecule_is_told_its_row() -> None:
    with pytest.raises(DataError, match="row 2: 'aspirin' has no properties: not a SMILES"):
        compute(["CCO", "aspirin"], ["rings"])


def test_the_import_path_stays_as_it_was() -> None:
    before = list(sys.path)
    compute(["CCO"], ["SA"])
    assert sys.path == before and "sascorer" not in sys.modules
