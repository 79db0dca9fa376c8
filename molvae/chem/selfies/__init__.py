"""Molecules as strings: SMILES <-> SELFIES <-> relative symbols, and which strings survive their round trip."""

from molvae.chem.selfies.relative import NOTATIONS, Notation, absolute, relative, selfies_alphabet
from molvae.chem.selfies.symbols import (
    CONSTRAINTS,
    Reading,
    is_whole,
    pinned,
    read,
    selfies_version,
    spelled,
    split,
    survivor,
    to_smiles,
    to_symbols,
    to_text,
)

__all__ = [
    "CONSTRAINTS",
    "NOTATIONS",
    "Notation",
    "Reading",
    "absolute",
    "is_whole",
    "pinned",
    "read",
    "relative",
    "selfies_alphabet",
    "selfies_version",
    "spelled",
    "split",
    "survivor",
    "to_smiles",
    "to_symbols",
    "to_text",
]
