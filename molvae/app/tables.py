"""Tables of molecules: over a pipe and back, sorted, filtered, and as files to download."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from molvae.data.writers import write_table

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet runs what begins with one of these
_MARKS = ("$$$$", ">")  # an SD file reads a line that begins so as its own


def packed(frame: pd.DataFrame) -> dict[str, Any]:
    """A table in types of JSON; what is missing becomes None.

    >>> packed(pd.DataFrame({"smiles": ["C"], "logP": [float("nan")]}))
    {'columns': ['smiles', 'logP'], 'data': [['C', None]]}
    """
    text = frame.reset_index(drop=True).to_json(orient="split", double_precision=10, index=False)
    found: dict[str, Any] = json.loads(text)
    return found


def unpacked(parts: Mapping[str, Any]) -> pd.DataFrame:
    """The table that was packed.

    >>> unpacked({"columns": ["a", "b"], "data": [["x", None], ["y", 2.0]]})["b"].tolist()
    [nan, 2.0]
    """
    return pd.DataFrame(parts["data"], columns=parts["columns"])


def numbers_of(frame: pd.DataFrame) -> list[str]:
    """Names of the columns that hold numbers."""
    return [str(name) for name in frame if pd.api.types.is_numeric_dtype(frame[name]) and not pd.api.types.is_bool_dtype(frame[name])]


def arranged(
    frame: pd.DataFrame, by: str | None = None, falling: bool = False, ranges: Mapping[str, tuple[float, float]] | None = None
) -> pd.DataFrame:
    """The rows within all ranges (both ends included; a row without the number is out), sorted; ties keep their order.

    >>> table = pd.DataFrame({"smiles": ["C", "CC", "CCC"], "logP": [1.0, 3.0, 2.0]})
    >>> arranged(table, "logP", True, {"logP": (0, 2)})["smiles"].tolist()
    ['CCC', 'C']
    """
    for name, (low, high) in (ranges or {}).items():
        if name in frame:
            frame = frame[frame[name].between(low, high)]
    if by is None or by not in frame:
        return frame.iloc[::-1] if falling else frame
    return frame.sort_values(by, ascending=not falling, kind="stable")


def csv_bytes(frame: pd.DataFrame) -> bytes:
    """A table as .csv that no spreadsheet runs: a text that would be a formula begins with an apostrophe.

    >>> csv_bytes(pd.DataFrame({"smiles": ["C"], "name": ["=cmd()"], "logP": [-1.0]})).decode().splitlines()
    ['smiles,name,logP', "C,'=cmd(),-1.0"]
    """
    return _written(_guarded(frame, _FORMULA), ".csv")


def sdf_bytes(frame: pd.DataFrame) -> bytes:
    """A table as .sdf, with 2D coordinates; a text that would end a record begins with an apostrophe."""
    return _written(_guarded(frame, _MARKS), ".sdf")


def _guarded(frame: pd.DataFrame, marks: Sequence[str]) -> pd.DataFrame:
    frame = frame.rename(columns=lambda name: _guard(str(name), marks))
    texts = [name for name in frame if name not in numbers_of(frame) and not pd.api.types.is_bool_dtype(frame[name])]
    return frame.assign(**{str(name): [_guard(value, marks) for value in frame[name]] for name in texts})


def _guard(value: Any, marks: Sequence[str]) -> Any:
    return f"'{value}" if isinstance(value, str) and value.lstrip(" \n").startswith(tuple(marks)) else value


def _written(frame: pd.DataFrame, suffix: str) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"molecules{suffix}"
        write_table(frame, path)
        return path.read_bytes()
