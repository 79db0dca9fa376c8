"""Tables of measured properties: what is read, and every kind of bad input that is told."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from molvae.data.assays import check_trainable, is_binary, read_table
from molvae.data.writers import write_table
from molvae.errors import DataError

TEXT = """id,SMILES,pIC50,active,remark
a,CCO,5.1,yes,good
b,CCN,,No,
c, CCF ,NA,,"dirty, old"
d,CCCl,1e1,YES,x
"""


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.tsv", "a.tsv.gz", "b.csv"])
def test_a_table_is_read_with_its_empty_cells(tmp_path: Path, name: str) -> None:
    delimiter = "\t" if ".tsv" in name else ";" if name == "b.csv" else ","
    text = TEXT if delimiter == "," else TEXT.replace('"dirty, old"', "dirty").replace(",", delimiter)
    table = read_table(written(tmp_path, name, text), ["active", "pIC50"])
    assert table.smiles == ["CCO", "CCN", "CCF", "CCCl"]
    assert table.column == "SMILES"
    pd.testing.assert_frame_equal(table.values, pd.DataFrame({"active": [1, 0, np.nan, 1], "pIC50": [5.1, np.nan, np.nan, 10]}))
    assert list(table.frame.columns) == ["id", "SMILES", "pIC50", "active", "remark"]
    assert table.frame["pIC50"].tolist() == ["5.1", "", "NA", "1e1"]  # as it is written


def test_without_names_the_numeric_columns_are_taken(tmp_path: Path) -> None:
    assert list(read_table(written(tmp_path, "a.csv", TEXT)).values) == ["pIC50", "active"]
    numbered = written(tmp_path, "b.csv", "ID,smiles,x\n1,CCO,\n2,CCN,3\n")
    assert list(read_table(numbered).values) == ["x"]


@pytest.mark.parametrize("suffix", [".sdf", ".sdf.gz", ".parquet", ".tsv"])
def test_other_formats_hold_the_same_table(tmp_path: Path, suffix: str) -> None:
    frame = pd.DataFrame({"smiles": ["CCO", "CCN"], "name": ["a", "b"], "x": [1.5, np.nan], "y": [np.nan, -2.0]})
    write_table(frame, tmp_path / f"a{suffix}")
    table = read_table(tmp_path / f"a{suffix}", ["x", "y"])
    assert table.smiles == ["CCO", "CCN"]
    pd.testing.assert_frame_equal(table.values, frame[["x", "y"]])


def test_parquet_keeps_booleans_and_numbers(tmp_path: Path) -> None:
    frame = pd.DataFrame({"smiles": ["CCO", None, "CCN"], "hit": [True, False, True], "n": [1, 2, 3]})
    frame.to_parquet(tmp_path / "a.parquet")
    table = read_table(tmp_path / "a.parquet")
    assert table.smiles == ["CCO", "", "CCN"]
    assert table.values.to_numpy().tolist() == [[1, 1], [0, 2], [1, 3]]


def test_blank_lines_and_short_rows_keep_the_numbers_of_rows(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "a.csv", "smiles,x,y\nCCO,1\n\nCCN,2,3\n\n\n"), ["x", "y"])
    assert table.smiles == ["CCO", "", "CCN"]
    np.testing.assert_array_equal(table.values.to_numpy(), [[1, np.nan], [np.nan, np.nan], [2, 3]])


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["0", "1"], [0, 1]), (["No", "YES"], [0, 1]), (["TRUE", "false"], [1, 0]), (["active", "Inactive"], [1, 0]),
        (["positive", "negative"], [1, 0]), (["t", "f"], [1, 0]), (["active", "active"], [1, 1]),
    ],
)  # fmt: skip
def test_words_of_two_are_one_and_zero(tmp_path: Path, cells: list[str], values: list[float]) -> None:
    table = read_table(written(tmp_path, "a.csv", f"smiles,x\nC,{cells[0]}\nCC,{cells[1]}\nCCC,\n"), ["x"])
    assert table.values["x"].tolist()[:2] == values
    assert np.isnan(table.values["x"][2])


BAD = {
    "no such column": ("smiles,pIC50,logS\nC,1,2\n", ["pic50"], "no column 'pic50'; the file has: smiles, pIC50, logS; nearest: pIC50"),
    "far from any": ("smiles,pIC50\nC,1\n", ["zzz"], "no column 'zzz'; the file has: smiles, pIC50"),
    "no SMILES": ("drug,x\nC,1\n", ["x"], "no column is called smiles"),
    "no number": ("smiles,x\nC,1\nCC,>10\nCCC,<2\n", ["x"], "column 'x', row 2: '>10' is no number (2 such cells)"),
    "decimal comma": ('smiles,x\nC,"1,5"\n', ["x"], "row 1: '1,5' is no number"),
    "a word among numbers": ("smiles,x\nC,1\nCC,yes\n", ["x"], "row 2: 'yes' is no number"),
    "words of two pairs": ("smiles,x\nC,yes\nCC,inactive\n", ["x"], "row 1: 'yes' is no number"),
    "infinite": ("smiles,x\nC,1\nCC,2\nCCC,-inf\n", ["x"], "column 'x', row 3: '-inf' is infinite"),
    "too large": ("smiles,x\nC,1e999\n", ["x"], "row 1: '1e999' is infinite"),
    "infinite without names": ("smiles,x\nC,1\nCC,inf\n", None, "row 2: 'inf' is infinite"),
    "hardly numeric": ("smiles,x\nC,1\nCC,2\nCCC,bad\n", None, "row 3: 'bad' is no number"),
    "no numbers": ("smiles,remark\nC,good\n", None, "has no column of numbers; it has: smiles, remark"),
    "twice in the file": ("smiles,x,x\nC,1,2\n", ["x"], "more than one column 'x'"),
    "asked twice": ("smiles,x\nC,1\n", ["x", "x"], "asked for twice: x, x"),
    "too many cells": ("smiles,x\nC,1\nCC,1,5\n", ["x"], "row 2 has 3 cells, the header 2"),
    "no rows": ("smiles,x\n", ["x"], "has no rows"),
    "open quote": ('smiles,x\n"C,1\nCC,2\n', ["x"], "quotation mark"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_tables_are_told(tmp_path: Path, what: str) -> None:
    text, columns, message = BAD[what]
    with pytest.raises(DataError) as error:
        read_table(written(tmp_path, "a.csv", text), columns)
    assert message in str(error.value)
    assert "a.csv" in str(error.value) or what == "asked twice"


def test_bad_files_are_told(tmp_path: Path) -> None:
    for name, message in {"a.xlsx": "unknown suffix", "b.csv": "no such file", "c.parquet": "damaged or not a Parquet file"}.items():
        if name.startswith("c"):
            written(tmp_path, name, "text")
        with pytest.raises(DataError, match=message):
            read_table(tmp_path / name)


def test_an_infinity_of_parquet_is_told(tmp_path: Path) -> None:
    pd.DataFrame({"smiles": ["C", "CC"], "x": [1.0, np.inf]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataError, match="column 'x', row 2: 'inf' is infinite"):
        read_table(tmp_path / "a.parquet", ["x"])


def test_what_cannot_be_learned_is_told() -> None:
    with pytest.raises(DataError, match="column 'x' has 9 values in 1,000 rows; at least 10 are needed"):
        check_trainable(pd.DataFrame({"x": [*range(9), *[np.nan] * 991]}, dtype=float))
    with pytest.raises(DataError, match="column 'y' is constant: all 10 values are 3"):
        check_trainable(pd.DataFrame({"x": range(11), "y": [3.0] * 10 + [np.nan]}, dtype=float))


def test_a_column_that_is_99_percent_empty_is_used() -> None:
    check_trainable(pd.DataFrame({"x": [*range(10), *[np.nan] * 990]}, dtype=float))


def test_binary_is_what_has_two_values() -> None:
    assert is_binary(pd.Series([1.0, 2.0, 2.0, np.nan]))
    assert not is_binary(pd.Series([1.0, 1.0, np.nan]))
