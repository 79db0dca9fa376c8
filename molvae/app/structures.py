"""Pictures of molecules by address: /molvae/structure.svg?smiles=..."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import quote

from molvae.chem.drawing import structure

#: Where the server answers with a picture.
ADDRESS = "/molvae/structure.svg"

_CELL = (220, 160)
_LONGEST = 2_000  # characters of a SMILES that is drawn


def address(smiles: str) -> str:
    """Where the picture of a molecule is.

    >>> address("C#N")
    '/molvae/structure.svg?smiles=C%23N'
    """
    return f"{ADDRESS}?smiles={quote(smiles, safe='')}"


@lru_cache(maxsize=4096)
def picture(smiles: str) -> bytes:
    """An SVG of the molecule; an empty one for a text that is none, or is very long."""
    return structure(smiles if len(smiles) <= _LONGEST else "", _CELL)
