"""What is known of the values of a term, for the numbers that it leaves out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from molvae.chem.properties import PROPERTIES
from molvae.errors import RecipeError
from molvae.optimize.kinds import PUBLISHED

if TYPE_CHECKING:
    from molvae.model import MolVAE
    from molvae.optimize.terms import Term


def span(term: Term, model: MolVAE | None, plain: bool) -> tuple[float, float]:
    """Lowest and highest usual value: the range of a property, what a head was trained on, 0 to 1 for a similarity and a published task.

    Args:
        term: a term of an objective.
        model: whose heads are asked.
        plain: whether the term needs no numbers.

    Raises:
        RecipeError: the term looks at a head and there is no model, or numbers are left out of which nothing is known.
        DataError: the model has no such head.
    """
    found = _known(term, model)
    if all(map(math.isfinite, found)) or plain or not left_out(term):
        return found
    raise RecipeError(f"the values of {term.kind} {term.key!r} are not known beforehand: give {' and '.join(left_out(term))}")


def left_out(term: Term) -> list[str]:
    """The numbers a soft term leaves out and needs."""
    if term.hard or term.is_pattern:
        return []
    needed = ("bad", "good") if term.goal in ("maximize", "minimize") else ("tolerance",)
    return [name for name in needed if getattr(term, name) is None]


def _known(term: Term, model: MolVAE | None) -> tuple[float, float]:
    if term.kind == "property":
        return PROPERTIES[term.key].range
    if term.kind == "head":
        return _of_head(term.key, model)
    if term.kind == "oracle":
        named = {name.lower(): each.range for name, each in PROPERTIES.items()}
        return (0.0, 1.0) if term.key.startswith(PUBLISHED) else named.get(term.key.lower(), (-math.inf, math.inf))
    return 0.0, 1.0


def _of_head(name: str, model: MolVAE | None) -> tuple[float, float]:
    if model is None:
        raise RecipeError(f"head {name!r} is one of a model, and none was given")
    model.predict_codes([[0.0] * model.latent_size], [name])  # says which heads there are when there is no such one
    column = next(column for column in model.properties if column.name == name)
    return (0.0, 1.0) if column.kind == "binary" else (column.low, column.high)
