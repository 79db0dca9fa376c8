"""The bundled models, as they ship."""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from molvae import MolVAE
from molvae.chem.properties import compute
from molvae.data.formats import read_rows

MOLECULES = Path(__file__).parents[2] / "data" / "moses_10k.csv"
TEN = ["logP", "QED", "SA", "MW", "TPSA", "HBD", "HBA", "rotatable_bonds", "rings", "Fsp3"]


@pytest.fixture(scope="module")
def moses() -> MolVAE:
    return MolVAE.from_pretrained("moses")


@pytest.fixture(scope="module")
def molecules() -> list[str]:
    return [row.text for row in islice(read_rows(MOLECULES), 300)]


def test_moses_tells_ten_properties_of_molecules(moses: MolVAE, molecules: list[str]) -> None:
    assert [column.name for column in moses.properties] == TEN
    truth = compute(molecules, TEN).to_numpy(dtype=float)
    mean, deviation = moses.predict_codes(moses.encode(molecules), TEN)
    left = ((mean - truth) ** 2).mean(axis=0) / truth.var(axis=0)
    assert (left < 0.15).all()
    within = np.abs(mean - truth) <= 1.645 * deviation
    assert within.mean() == pytest.approx(0.9, abs=0.05)


def test_heads_for_drawn_codes_are_unsure_and_right_to_be(moses: MolVAE, molecules: list[str]) -> None:
    truth = compute(molecules, TEN).to_numpy(dtype=float)
    mean, deviation = moses.predict_codes(moses.encode(molecules, sample=True, seed=1), TEN, drawn=True)
    assert (((mean - truth) ** 2).mean(axis=0) / truth.var(axis=0) < 0.8).all()
    assert (np.abs(mean - truth) <= 1.645 * deviation).mean() == pytest.approx(0.9, abs=0.05)


def test_zinc250k_reads_and_writes_charges_and_stereo() -> None:
    model = MolVAE.from_pretrained("zinc250k")
    assert model.encode(["C[NH2+]C[C@H](O)c1ccccc1", "O=C([O-])/C=C/c1ccccc1"]).shape == (2, 32)
    written = "".join(model.sample(100, seed=1)["smiles"])
    assert "@" in written
    assert "+]" in written
