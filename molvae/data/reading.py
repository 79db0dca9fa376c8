"""Reading what a model wrote, many rows at once: each different string once, on all cores where it pays."""

from __future__ import annotations

from collections.abc import Sequence

from molvae.chem.selfies import Reading, pinned, read


def read_all(rows: Sequence[tuple[str, ...]]) -> list[Reading]:
    """`molvae.chem.selfies.read` of each row of symbols.

    >>> [reading.smiles for reading in read_all([("[C]", "[O]"), ("[C]", "[O]"), ()])]
    ['CO', 'CO', '']
    """
    with pinned():
        once = {symbols: read(symbols) for symbols in dict.fromkeys(rows)}
    return [once[symbols] for symbols in rows]
