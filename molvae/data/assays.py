"""Tables of measured properties: molecules, and numbers that some of them have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from molvae.data.formats import NAME_COLUMNS, read_rows, smiles_column, suffix_of, table_fields
from molvae.data.text import lines_of
from molvae.errors import DataError

#: Rows with a value that a column needs before anything is learned from it.
LEAST = 10
#: Words for a missing value, in lower case; an empty cell is one too.
MISSING = ("", "na", "n/a", "#n/a", "nan", "none", "null", "-")
#: Pairs of words that stand for 0 and 1, in lower case.
WORDS = (("no", "yes"), ("false", "true"), ("inactive", "active"), ("negative", "positive"), ("n", "y"), ("f", "t"))

_TABLES = (*tuple(f"{suffix}{gz}" for suffix in (".csv", ".tsv", ".sdf") for gz in ("", ".gz")), ".parquet")


@dataclass(frozen=True)
class Table:
    """A file of molecules with properties.

    Attributes:
        frame: the whole file, one row a data row; text cells as they are written (all of them, but for Parquet).
        smiles: of each row as written, empty where there is none.
        values: the properties asked for, float, NaN where a cell is empty; words such as yes and no are 1 and 0.
        column: name of the column of `frame` that holds the SMILES.
    """

    frame: pd.DataFrame
    smiles: list[str]
    values: pd.DataFrame
    column: str


def read_table(path: str | Path, columns: Sequence[str] | None = None, smiles: str | None = None) -> Table:
    """Read molecules and their properties from a .csv, .tsv, .sdf (each also .gz) or .parquet file.

    A cell is a number, one of two words of `WORDS` (in any case), or missing: empty or one of `MISSING`. Columns may be all but
    empty; how many values learning needs is for `check_trainable` to say.

    Args:
        path: the file.
        columns: names of the properties, matched exactly. None takes every column at least half of whose filled cells are such
            values, but for names and numbers of compounds (`molvae.data.formats.NAME_COLUMNS`).
        smiles: name of the column of SMILES; found by itself when None.

    Raises:
        DataError: no such file or column (with those there are), a column that is there twice, a cell that is neither number nor
            missing or that is infinite, with its row (data rows count from 1), or no column with numbers.
    """
    path = Path(path)
    frame, smiles_at = _read(path, smiles)
    _check_names(path, list(frame.columns), columns)
    chosen = _numeric(frame.drop(columns=smiles_at)) if columns is None else list(columns)
    if not chosen:
        raise DataError(f"{path} has no column of numbers; it has: {', '.join(frame.columns)}")
    values = pd.DataFrame({name: _numbers(frame[name], f"{path}: column {name!r}") for name in chosen})
    return Table(frame, _texts(frame[smiles_at]).tolist(), values, smiles_at)


def check_trainable(values: pd.DataFrame) -> None:
    """Raise DataError for the first column that nothing can be learned from: fewer than 10 values, or one and the same.

    >>> check_trainable(pd.DataFrame({"pIC50": [5.0] * 12}))
    Traceback (most recent call last):
    molvae.errors.DataError: column 'pIC50' is constant: all 12 values are 5; there is nothing to learn
    """
    for name, column in values.items():
        there = column.dropna()
        if len(there) < LEAST:
            raise DataError(f"column {name!r} has {len(there)} values in {len(column):,} rows; at least {LEAST} are needed")
        if there.min() == there.max():
            raise DataError(f"column {name!r} is constant: all {len(there):,} values are {there.iloc[0]:g}; there is nothing to learn")


def is_binary(values: pd.Series[float]) -> bool:
    """Whether a column has two different values only.

    >>> is_binary(pd.Series([0.0, 1.0, np.nan])), is_binary(pd.Series([0.0, 0.5, 1.0]))
    (True, False)
    """
    return values.nunique() == 2


def _read(path: Path, smiles: str | None) -> tuple[pd.DataFrame, str]:
    """A file as a frame, and its column of SMILES."""
    suffix = suffix_of(path, _TABLES)
    if not path.is_file():
        raise DataError(f"{path}: {'a directory, expected a file' if path.is_dir() else 'no such file'}")
    if suffix.startswith(".sdf"):
        frame = _sdf(path, smiles)
        return frame, "smiles"
    frame = _parquet(path) if suffix == ".parquet" else _delimited(path)
    at = smiles_column(list(frame.columns), smiles, path)
    if frame.empty:
        raise DataError(f"{path} has no rows")
    return frame, str(frame.columns[at])


def _parquet(path: Path) -> pd.DataFrame:
    import pyarrow

    try:
        return pd.read_parquet(path).reset_index(drop=True)
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"{path} is damaged or not a Parquet file: {error}") from error


def _delimited(path: Path) -> pd.DataFrame:
    fields = table_fields(path)
    header = [name.strip() for name in next(fields)]
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise DataError(f"{path} has more than one column {twice[0]!r}")
    rows = [_filled(row, len(header), f"{path}, row {number}") for number, row in enumerate(fields, 1)]
    while rows and not any(rows[-1]):  # blank lines at the end are no rows
        rows.pop()
    return pd.DataFrame(rows, columns=[name or f"column {at}" for at, name in enumerate(header, 1)], dtype=str)


def _filled(row: list[str], width: int, where: str) -> list[str]:
    """A row of `width` cells: those left off at its end are empty."""
    if any(row[width:]):
        raise DataError(f"{where} has {len(row)} cells, the header {width}; is there a delimiter in a cell without quotation marks?")
    return [*row[:width], *[""] * (width - len(row))]


def _sdf(path: Path, smiles: str | None) -> pd.DataFrame:
    """Structures as canonical SMILES, and the data of the records."""
    texts = [row.text for row in read_rows(path, smiles)]
    return pd.DataFrame([{"smiles": text} | data for text, data in zip(texts, _sdf_data(path), strict=True)]).fillna("")


def _sdf_data(path: Path) -> Iterator[dict[str, str]]:
    """The data of each record by name (BIOVIA, CTfile Formats: a line `> <name>`, then the value, then a blank line)."""
    data: dict[str, str] = {}
    name, lines = "", 0
    for line in lines_of(path, errors="replace"):
        lines += bool(line.strip())
        if line.startswith("$$$$"):
            yield data
            data, name, lines = {}, "", 0
        elif line.startswith(">") and "<" in line:
            name = line[line.index("<") + 1 : line.rindex(">")].strip()
        elif name and line.strip():
            data[name] = f"{data[name]}\n{line}" if name in data else line.strip()
        else:
            name = ""
    if lines:
        yield data


def _check_names(path: Path, there: list[str], wanted: Sequence[str] | None) -> None:
    absent = [name for name in wanted or () if name not in there]
    if absent:
        plain = {name.lower(): name for name in reversed(there)}
        near = [plain[found] for name in absent for found in get_close_matches(name.strip().lower(), plain, 1)]
        nearest = f"; nearest: {', '.join(dict.fromkeys(near))}" if near else ""
        raise DataError(f"{path}: no column {', '.join(map(repr, absent))}; the file has: {', '.join(there)}{nearest}")
    if wanted is not None and len(set(wanted)) < len(wanted):
        raise DataError(f"a column was asked for twice: {', '.join(wanted)}")


def _numeric(frame: pd.DataFrame) -> list[str]:
    """Columns that seem meant to hold numbers."""
    found = []
    for name, column in frame.items():
        cells = _cells(column)
        filled = ~cells.isin(MISSING)
        named = str(name).lower() in NAME_COLUMNS or column.dtype.kind == "M"
        if filled.any() and not named and _values(cells)[filled].notna().mean() >= 0.5:
            found.append(str(name))
    return found


def _numbers(column: pd.Series[Any], where: str) -> pd.Series[float]:
    """The values of a column; raises DataError for what is none."""
    cells = _cells(column)
    values = _values(cells)
    wrong = values.isna() & ~cells.isin(MISSING)
    for bad, what in ((wrong, "no number"), (pd.Series(np.isinf(values)), "infinite")):
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            more = f" ({bad.sum():,} such cells)" if bad.sum() > 1 else ""
            raise DataError(
                f"{where}, row {row + 1}: {str(column.iloc[row])[:40]!r} is {what}{more}; leave the cell empty where none is known"
            )
    return values


def _texts(column: pd.Series[Any]) -> pd.Series[str]:
    """Cells as text without spaces around it, empty where there is nothing."""
    return column.astype(object).where(column.notna(), "").astype(str).str.strip()


def _cells(column: pd.Series[Any]) -> pd.Series[str]:
    return _texts(column).str.lower()


def _values(cells: pd.Series[str]) -> pd.Series[float]:
    """Numbers of cells, NaN for what is neither a number nor one of two words."""
    words = set(cells) - set(MISSING)
    pair = next((pair for pair in WORDS if words and words <= set(pair)), None)
    if pair is not None:
        return cells.map({pair[0]: 0.0, pair[1]: 1.0}).astype(float)
    return pd.to_numeric(cells, errors="coerce").astype(float)
