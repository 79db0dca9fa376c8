"""What a term may look at and wish, by the names of recipes."""

from __future__ import annotations

from typing import Literal, get_args

#: What a term may look at; each term has one of these keys.
Kind = Literal["property", "head", "oracle", "similar_to", "contains", "lacks"]
Goal = Literal["maximize", "minimize", "target", "range"]

KINDS: tuple[Kind, ...] = get_args(Kind)
#: The numbers that go with each goal.
NUMBERS: dict[Goal, tuple[str, ...]] = {
    "maximize": ("bad", "good"),
    "minimize": ("bad", "good"),
    "target": ("target", "tolerance"),
    "range": ("low", "high", "tolerance"),
}
#: How the names of published tasks begin, whose values lie between 0 (bad) and 1.
PUBLISHED = ("guacamol:", "pmo:")
#: How the names of a user's own oracles begin.
OWN = ("python:", "command:")
