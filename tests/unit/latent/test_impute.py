"""Filling the missing cells of a table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from molvae import MolVAE
from molvae.chem.properties import compute
from molvae.errors import DataError
from molvae.latent.impute import Imputed, impute

Write = Callable[[pd.DataFrame], Path]


@pytest.fixture(scope="module")
def truth(smiles: list[str]) -> pd.DataFrame:
    """Molecules, their weight, a quantity that follows it, one of two words that follows it less, and plain noise."""
    random = np.random.default_rng(0)
    smiles = smiles[:300]
    weight = compute(smiles, ["MW"])["MW"].to_numpy()
    return pd.DataFrame(
        {
            "name": [f"m{row}" for row in range(len(smiles))],
            "smiles": smiles,
            "weight": weight.round(3),
            "twice": (2 * weight + 8 * random.standard_normal(len(smiles))).round(3),
            "heavy": np.where(weight + 20 * random.standard_normal(len(smiles)) > 160, "yes", "no"),
            "noise": random.standard_normal(len(smiles)).round(3),
        }
    )


@pytest.fixture(scope="module")
def hidden(truth: pd.DataFrame) -> pd.DataFrame:
    """`truth` with a third of the cells hidden."""
    mask = np.random.default_rng(1).random((len(truth), 4)) < 0.33
    names = ["weight", "twice", "heavy", "noise"]
    return truth.assign(**{name: truth[name].astype(object).mask(mask[:, at], None) for at, name in enumerate(names)})


@pytest.fixture(scope="module")
def imputed(model: MolVAE, hidden: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Imputed:
    path = tmp_path_factory.mktemp("impute") / "table.csv"
    hidden.to_csv(path, index=False)
    return impute(model, path)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(frame: pd.DataFrame) -> Path:
        frame.to_csv(tmp_path / "table.csv", index=False)
        return tmp_path / "table.csv"

    return write


def test_known_cells_are_untouched_and_all_others_filled(imputed: Imputed, hidden: pd.DataFrame) -> None:
    frame = imputed.frame
    assert list(frame)[:6] == ["name", "smiles", "weight", "weight_sd", "weight_imputed", "twice"]
    assert frame["name"].tolist() == hidden["name"].tolist()
    for name in ("weight", "twice", "heavy", "noise"):
        known = hidden[name].notna()
        assert frame.loc[known, name].tolist() == hidden.loc[known, name].astype(str).tolist()
        assert (frame[f"{name}_imputed"] == ~known).all()
        assert (frame[f"{name}_sd"].isna() == known).all()
        assert np.isfinite(frame.loc[~known, name].astype(float)).all()


def test_a_known_column_informs_an_unknown_one(imputed: Imputed, truth: pd.DataFrame, hidden: pd.DataFrame) -> None:
    error = (imputed.frame["twice"].astype(float) - truth["twice"]) ** 2
    missing, given = hidden["twice"].isna(), hidden["weight"].notna()
    assert np.sqrt(error[missing & given].mean()) < 0.4 * np.sqrt(error[missing & ~given].mean())


def test_intervals_hold_what_they_promise(imputed: Imputed, truth: pd.DataFrame, hidden: pd.DataFrame) -> None:
    for name in ("weight", "twice", "noise"):
        rows = hidden[name].isna()
        error = (imputed.frame.loc[rows, name].astype(float) - truth.loc[rows, name]).abs()
        assert (error <= 1.645 * imputed.frame.loc[rows, f"{name}_sd"]).mean() == pytest.approx(0.9, abs=0.08)


def test_the_error_is_told_beforehand(imputed: Imputed, truth: pd.DataFrame, hidden: pd.DataFrame) -> None:
    for name in ("weight", "twice", "noise"):
        rows = hidden[name].isna()
        error = imputed.frame.loc[rows, name].astype(float) - truth.loc[rows, name]
        figures = imputed.figures[name]
        assert np.sqrt(np.mean(error**2)) == pytest.approx(figures["rmse"], rel=0.25)
        assert figures["mean_rmse"] == pytest.approx(truth[name].std(), rel=0.15)
        assert (figures["known"], figures["missing"]) == ((~rows).sum(), rows.sum())
        assert 0.8 < figures["coverage"] <= 1
    assert imputed.figures["noise"]["rmse"] > 0.95 * imputed.figures["noise"]["mean_rmse"]


def test_two_words_get_a_chance(imputed: Imputed, truth: pd.DataFrame, hidden: pd.DataFrame) -> None:
    rows = hidden["heavy"].isna()
    chance = imputed.frame.loc[rows, "heavy"].astype(float)
    assert chance.between(0, 1).all()
    np.testing.assert_allclose(imputed.frame.loc[rows, "heavy_sd"], np.sqrt(chance * (1 - chance)), atol=1e-3)
    assert ((chance > 0.5) == (truth.loc[rows, "heavy"] == "yes")).mean() > 0.75
    assert np.isnan(imputed.figures["heavy"]["coverage"])


def test_the_same_seed_gives_the_same_table(model: MolVAE, hidden: pd.DataFrame, write: Write, imputed: Imputed) -> None:
    again = model.impute(write(hidden))
    pd.testing.assert_frame_equal(again.frame, imputed.frame)
    assert again.figures["twice"] == imputed.figures["twice"]


def test_a_refused_molecule_is_filled_from_its_other_cells(model: MolVAE, hidden: pd.DataFrame, truth: pd.DataFrame, write: Write) -> None:
    rows = [0, 1, 2]
    changed = hidden.copy()
    changed.loc[rows, "smiles"] = ["[Fe]", "nonsense", None]
    changed.loc[rows, "weight"] = truth.loc[rows, "weight"]
    changed.loc[rows, "twice"] = None
    frame = model.impute(write(changed)).frame
    assert [bool(reason) for reason in frame["not_encoded"]] == [True] * 3 + [False] * (len(frame) - 3)
    assert frame["not_encoded"][1] == "not a SMILES"
    assert frame.loc[rows, "twice_imputed"].all()
    error = frame.loc[rows, "twice"].astype(float) - truth.loc[rows, "twice"]
    assert error.abs().max() < 0.5 * truth["twice"].std()


def test_no_molecule_at_all_still_leaves_the_columns(model: MolVAE, hidden: pd.DataFrame, truth: pd.DataFrame, write: Write) -> None:
    frame = model.impute(write(hidden.assign(smiles="")), columns=["weight", "twice"]).frame
    rows = hidden["twice"].isna() & hidden["weight"].notna()
    error = frame.loc[rows, "twice"].astype(float) - truth.loc[rows, "twice"]
    assert np.sqrt(np.mean(error**2)) < 0.2 * truth["twice"].std()
    nothing = hidden["twice"].isna() & hidden["weight"].isna()
    assert frame.loc[nothing, "twice"].astype(float).to_numpy() == pytest.approx(hidden["twice"].astype(float).mean(), rel=1e-4)


def test_stereo_that_the_model_does_not_know_is_left_out(model: MolVAE, hidden: pd.DataFrame, write: Write) -> None:
    flat = hidden.copy()
    flat.loc[0, ["smiles", "weight"]] = ["CC(N)F", None]
    marked = flat.copy()
    marked.loc[0, "smiles"] = "C[C@H](N)F"
    assert model.encode_all(["C[C@H](N)F"]).problems[0] is not None
    a, b = (model.impute(write(frame), columns=["weight"]).frame for frame in (flat, marked))
    assert b["not_encoded"][0] == ""
    assert a["weight"][0] == b["weight"][0]


def test_nothing_missing_leaves_the_table_as_it_is(model: MolVAE, truth: pd.DataFrame, write: Write) -> None:
    done = model.impute(write(truth))
    pd.testing.assert_frame_equal(done.frame.drop(columns="not_encoded"), truth.astype(str), check_dtype=False)
    assert done.figures["twice"] == {"known": len(truth), "missing": 0}


def test_numbers_of_a_parquet_file_stay_numbers(model: MolVAE, hidden: pd.DataFrame, tmp_path: Path) -> None:
    numbers = hidden[["smiles", "twice", "noise"]].astype({"twice": float, "noise": float})
    numbers.to_parquet(tmp_path / "table.parquet")
    frame = model.impute(tmp_path / "table.parquet").frame
    assert frame["twice"].dtype == float
    assert frame["twice"].notna().all()
    known = numbers["twice"].notna()
    pd.testing.assert_series_equal(frame.loc[known, "twice"], numbers.loc[known, "twice"])


def test_a_column_of_which_99_percent_are_missing(model: MolVAE, truth: pd.DataFrame, write: Write) -> None:
    many = pd.concat([truth] * 4, ignore_index=True)[["smiles", "twice"]]
    many.loc[many.index[12:], "twice"] = None
    done = model.impute(write(many))
    assert done.figures["twice"]["missing"] == len(many) - 12
    assert np.isfinite(done.frame["twice"].astype(float)).all()
    assert done.figures["twice"]["rmse"] < 2 * done.figures["twice"]["mean_rmse"]


def test_conflicting_values_of_one_molecule_are_both_kept(model: MolVAE, hidden: pd.DataFrame, write: Write) -> None:
    twice = pd.concat([hidden, hidden.iloc[[5]].assign(weight=1.0)], ignore_index=True)
    frame = model.impute(write(twice), columns=["weight", "noise"]).frame
    assert frame["weight"].iloc[-1] == "1.0"
    assert frame["weight"].iloc[5] != "1.0"


BAD = {
    "not there": ({}, ["wieght"], "no column 'wieght'; the file has: name, smiles, weight, twice, heavy, noise; nearest: weight"),
    "no number": ({"weight": "heavy!"}, ["weight"], "column 'weight', row 8: 'heavy!' is no number"),
    "infinite": ({"weight": "inf"}, ["weight"], "column 'weight', row 8: 'inf' is infinite"),
    "taken": ({"weight_sd": "1"}, ["weight"], "the table already has a column 'weight_sd'"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_cell_or_column_is_told(what: str, model: MolVAE, hidden: pd.DataFrame, write: Write) -> None:
    cell, columns, message = BAD[what]
    changed = hidden.copy()
    for name, text in cell.items():
        changed.loc[7, name] = text
    with pytest.raises(DataError, match=message.replace("(", r"\(")):
        model.impute(write(changed), columns=columns)


@pytest.mark.parametrize(
    ("kept", "value", "message"),
    [
        (0, None, "has 0 values"),
        (9, None, "column 'weight' has 9 values in 300 rows; at least 10"),
        (200, "5", "column 'weight' is constant"),
    ],
)
def test_a_column_from_which_nothing_can_be_learned_is_told(
    kept: int, value: str | None, message: str, model: MolVAE, truth: pd.DataFrame, write: Write
) -> None:
    weight = truth["weight"].astype(object).where(truth.index < kept, None)
    changed = truth.assign(weight=weight if value is None else weight.where(weight.isna(), value))
    with pytest.raises(DataError, match=message):
        model.impute(write(changed), columns=["weight", "twice"])
