"""Texts as they are given: SMILES or SELFIES, whole or not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from molvae.chem.molecules import Standardizer
from molvae.chem.selfies import is_whole, to_smiles
from molvae.data.spelling import Units
from molvae.errors import MoleculeError
from molvae.model import MolVAE

Format = Literal["auto", "smiles", "selfies"]


@dataclass(frozen=True)
class Text:
    """A text as it was given.

    Attributes:
        units: its characters, or its SELFIES symbols.
        selfies: whether it is SELFIES.
        own: canonical SMILES of the molecule it spells as it stands, empty where something is wrong with it.
        respelt: how many symbols the model did not know and were taken for the one spelt most alike.
    """

    units: Units
    selfies: bool
    own: str
    respelt: int = 0


def read_text(model: MolVAE, text: str, kind: Format) -> Text:
    """Tell SELFIES from SMILES, and whether anything is wrong with it."""
    known = model.checkpoint.tokenizer.selfies_symbols
    pieces = pieces_of(text)
    if kind == "selfies" or (kind == "auto" and _looks_like_selfies(text, pieces, known)):
        whole = text == "".join(pieces) and is_whole(pieces)
        respelt = sum(piece not in known for piece in pieces)
        return Text(_nearest(pieces, known), True, to_smiles(pieces) if whole else "", respelt)
    try:
        return Text(tuple(text), False, Standardizer(**model.checkpoint.standardizer)(text))
    except MoleculeError:
        return Text(tuple(text), False, "")


def pieces_of(text: str) -> list[str]:
    """Symbols of a SELFIES text some of whose brackets may be missing.

    >>> pieces_of("[C][=CO][N]")
    ['[C]', '[=CO]', '[N]']
    >>> pieces_of("[C][=C[O]N]")
    ['[C]', '[=C]', '[O]', '[N]']
    """
    return [f"[{inner}]" for inner in re.findall(r"[^\[\]]+", text)]


def _looks_like_selfies(text: str, pieces: Sequence[str], known: Sequence[str]) -> bool:
    """Nearly all of it stands in brackets, and much of that the model knows as symbols."""
    brackets = text.count("[") + text.count("]")
    return brackets >= len(pieces) > 0 and 2 * sum(piece in known for piece in pieces) >= len(pieces) and text.count("[") * 2 > len(pieces)


def _nearest(pieces: Sequence[str], known: Sequence[str]) -> Units:
    """Known symbols as they are, others as the one spelt most alike, or as they are where none is."""
    return tuple(piece if piece in known else (*get_close_matches(piece, known, 1), piece)[0] for piece in pieces)
