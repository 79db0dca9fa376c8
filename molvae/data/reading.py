"""Reading what a model wrote, many rows at once: each different string once, on all cores where it pays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import joblib

from molvae.chem.selfies import Reading, pinned, read, survivor

_PAYS = 4_000  # rows from which on other processes are worth their start
_AT_ONCE = 1_000
_In = TypeVar("_In")
_Out = TypeVar("_Out")


def in_parts(work: Callable[[Sequence[_In]], list[_Out]], rows: Sequence[_In]) -> list[_Out]:
    """`work(rows)`, on all cores where there are many rows.

    >>> in_parts(sorted, [2, 1])
    [1, 2]
    """
    parts = [rows[start : start + _AT_ONCE] for start in range(0, len(rows), _AT_ONCE)]
    done = joblib.Parallel(n_jobs=-1 if len(rows) >= _PAYS else 1)(joblib.delayed(work)(part) for part in parts)
    return [result for part in done for result in part]


def read_all(rows: Sequence[tuple[str, ...]]) -> list[Reading]:
    """`molvae.chem.selfies.read` of each row of symbols.

    >>> [reading.smiles for reading in read_all([("[C]", "[O]"), ("[C]", "[O]"), ()])]
    ['CO', 'CO', '']
    """
    return _once(_read, rows)


def survivors(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """`molvae.chem.selfies.survivor` of each row of symbols.

    >>> survivors([("[C]", "[O]"), ("[O]", "[C]"), ()])
    ['CO', '', '']
    """
    return _once(_survivors, rows)


def _once(work: Callable[[Sequence[tuple[str, ...]]], list[_Out]], rows: Sequence[tuple[str, ...]]) -> list[_Out]:
    different = list(dict.fromkeys(rows))
    once = dict(zip(different, in_parts(work, different), strict=True))
    return [once[symbols] for symbols in rows]


def _read(rows: Sequence[tuple[str, ...]]) -> list[Reading]:
    with pinned():
        return [read(symbols) for symbols in rows]


def _survivors(rows: Sequence[tuple[str, ...]]) -> list[str]:
    with pinned():
        return [survivor(symbols) for symbols in rows]
