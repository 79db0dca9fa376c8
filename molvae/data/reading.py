"""Reading what a model wrote, many rows at once: each different string once, on all cores where it pays."""

from __future__ import annotations

from collections.abc import Sequence

import joblib

from molvae.chem.selfies import Reading, pinned, read

_PAYS = 8_000  # different strings from which on other processes are worth their start
_AT_ONCE = 1_000


def read_all(rows: Sequence[tuple[str, ...]]) -> list[Reading]:
    """`molvae.chem.selfies.read` of each row of symbols.

    >>> [reading.smiles for reading in read_all([("[C]", "[O]"), ("[C]", "[O]"), ()])]
    ['CO', 'CO', '']
    """
    different = list(dict.fromkeys(rows))
    parts = [different[start : start + _AT_ONCE] for start in range(0, len(different), _AT_ONCE)]
    readings = joblib.Parallel(n_jobs=-1 if len(different) >= _PAYS else 1)(joblib.delayed(_read)(part) for part in parts)
    once = dict(zip(different, (reading for part in readings for reading in part), strict=True))
    return [once[symbols] for symbols in rows]


def _read(rows: Sequence[tuple[str, ...]]) -> list[Reading]:
    with pinned():
        return [read(symbols) for symbols in rows]
