import csv
from pathlib import Path

import numpy as np
import pytest

import molvae
from molvae.data.novelty import TrainingIndex, fingerprints64
from molvae.evaluate import chemnet, moses
from molvae.evaluate.moses import moses_metrics, wasserstein
from molvae.evaluate.reference import Reference
from molvae.evaluate.samples import Samples

# What get_all_metrics of molsets 0.3.1 gives for rows 1 to 300 of data/moses_10k.csv and the rows of OTHERS after them, with k = [100,
# 310], rows 301 to 1,300 as the test set, 1,301 to 2,300 as the other one, and 201 to 2,000 as the training set; run on RDKit 2026.9.1
# with three changes that let it import: `_mcf.append` written as `pd.concat`, np.NaN as np.nan, and ChemNet from fcd 1.2.2.
OTHERS = [
    "", "CC(", "C1CCCCCCC1", "C[N+](C)(C)C", "O=C=Nc1ccccc1", "CC=O", "C[Si](C)(C)C", "CCO", "CCO", "OCC", "CCO.CC", "C",
    "O=[N+]([O-])c1ccccc1", "N#CC=C(C)C", "c1ccc2c(c1)ccc1ccccc12", "CI", "FC(F)(F)C(F)(F)C(F)(F)F", "Oc1ccc(N=Nc2ccccc2)cc1", "CSSC",
    "C(C)(C)(C)(C)C",
]  # fmt: skip
MOSES = {
    "valid": 0.990625, "unique@100": 1.0, "unique@310": 0.9935483870967742,
    "FCD/Test": 5.744846774113938, "SNN/Test": 0.36673288822338596, "Frag/Test": 0.9922174496512085, "Scaf/Test": 0.12693351589073265,
    "FCD/TestSF": 5.623795254967888, "SNN/TestSF": 0.36467701278932463,
    "Frag/TestSF": 0.9919184639376764, "Scaf/TestSF": 0.1140534167876176,
    "IntDiv": 0.8608987187920235, "IntDiv2": 0.8448563606131776, "Filters": 0.9652996845425867, "Novelty": 0.6825396825396826,
    "logP": 0.09705544586750789, "SA": 0.061842235475372306, "QED": 0.033957461598395515, "weight": 11.261927299684546,
}  # fmt: skip


@pytest.fixture(scope="module")
def rows():
    with (Path(molvae.__file__).parents[1] / "data" / "moses_10k.csv").open() as file:
        return [row["SMILES"] for row in csv.DictReader(file)][:2300]


@pytest.fixture(scope="module")
def sets(rows):
    """Without ChemNet, which has a test of its own."""
    parts = (("Test", rows[300:1300]), ("TestSF", rows[1300:]))
    return [Reference.of(Samples.of(part, jobs=1).smiles, name, jobs=1, with_chemnet=False) for name, part in parts]


@pytest.fixture
def ethanol():
    return Reference.of(["CCO", "CCN"], jobs=1, with_chemnet=False)


def test_agrees_with_the_code_of_moses(rows, sets, monkeypatch):
    monkeypatch.setattr(moses, "UNIQUE_AT", (100, 310))
    metrics = moses_metrics(Samples.of(rows[:300] + OTHERS, jobs=1), sets, set(rows[200:2000]), jobs=1)
    assert metrics.values == pytest.approx({name: value for name, value in MOSES.items() if "FCD" not in name}, abs=1e-6)
    assert list(metrics.values) == [name for name in MOSES if "FCD" not in name]
    assert set(metrics.missing) == {"FCD/Test", "FCD/TestSF"}


@pytest.mark.skipif(not chemnet.available(), reason="the extra evaluate is not installed")
def test_the_fcd_agrees_with_the_code_of_moses(rows):
    mine = chemnet.statistics(Samples.of(rows[:300] + OTHERS, jobs=1).smiles)
    test = chemnet.statistics(Samples.of(rows[300:1300], jobs=1).smiles)
    assert chemnet.frechet(mine, test) == pytest.approx(MOSES["FCD/Test"], abs=1e-4)


def test_says_what_few_samples_cannot_give(ethanol):
    metrics = moses_metrics(Samples.of(["CCO", "x", "CCN"], jobs=1), [ethanol], jobs=1)
    assert metrics.missing["unique@1000"] == "needs 1,000 valid samples, got 2"
    assert metrics.missing["unique@10000"] == "needs 10,000 valid samples, got 2"
    assert metrics.missing["Scaf/Reference"] == "needs a scaffold of two rings or more, the samples have none"
    assert metrics.missing["Novelty"] == "needs the training set"
    assert metrics.values["valid"] == pytest.approx(2 / 3)
    assert metrics.values["SNN/Reference"] == 1.0
    assert metrics.values["logP"] == pytest.approx(0, abs=1e-12)


def test_without_a_valid_molecule_all_but_valid_is_missing(ethanol):
    metrics = moses_metrics(Samples.of(["x", ""], jobs=1), [ethanol], {"CCO"}, jobs=1)
    assert metrics.values == {"valid": 0.0}
    assert len(metrics.missing) == 14
    assert metrics.missing["IntDiv"] == "needs 1 valid sample, got 0"


def test_without_rows_nothing_is_there(ethanol):
    metrics = moses_metrics(Samples.of([], jobs=1), [ethanol], jobs=1)
    assert metrics.values == {}
    assert metrics.missing["valid"] == "needs 1 row, got 0"


def test_the_missing_extra_is_named(ethanol, monkeypatch):
    monkeypatch.setattr(chemnet, "available", lambda: False)
    metrics = moses_metrics(Samples.of(["CCO", "CCN"], jobs=1), [ethanol], jobs=1)
    assert metrics.missing["FCD/Reference"] == "needs the extra: pip install 'molvae[evaluate]'"


def test_novelty_by_a_training_index_is_that_by_the_set(ethanol):
    samples = Samples.of(["CCO", "OCC", "CCC", "CCN"], jobs=1)
    index = TrainingIndex.of(fingerprints64(["CCO", "CCN"]))
    found = [moses_metrics(samples, [ethanol], train, jobs=1).values["Novelty"] for train in (index, {"CCO", "CCN"})]
    assert found == [pytest.approx(1 / 3)] * 2


def test_progress_is_told(ethanol):
    told = []
    moses_metrics(Samples.of(["CCO"], jobs=1), [ethanol], jobs=1, progress=lambda *each: told.append(each))
    assert ("filters", 1, 1) in told
    assert all(0 < done <= total for _, done, total in told)


def test_wasserstein_bears_sets_of_different_sizes():
    assert wasserstein(np.array([0.0]), np.array([1.0, 2.0, 6.0])) == pytest.approx(3.0)
    assert wasserstein(np.array([0.0, 2.0]), np.array([1.0])) == pytest.approx(1.0)
