"""Which molecules look like what the heads of a model learned from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from molvae.chem.properties import PROPERTIES, compute
from molvae.latent.likelihood import writing_cost

if TYPE_CHECKING:
    from molvae.model import Encoded, MolVAE

_INSIDE = 0.99  # share of the labelled molecules that count as inside


def domain(model: MolVAE, name: str, smiles: Sequence[str], codes: NDArray[np.float32]) -> dict[str, float]:
    """The figure that bounds the domain of a property, from the molecules its head was fitted on.

    Args:
        model: the model.
        name: of the property.
        smiles: n canonical SMILES.
        codes: their posterior means, (n, D).
    """
    return {_figure(name): float(np.quantile(_cost_an_atom(model, smiles, codes), _INSIDE))}


def outside(model: MolVAE, encoded: Encoded, names: Sequence[str]) -> list[str]:
    """Why the predictions for a molecule are not to be trusted, one text a molecule, empty where nothing speaks against them.

    A molecule is outside when the model cannot encode it; when a property that RDKit computes lies beyond all that the head for it
    learned from, such as its weight; or when writing it from its own code costs more nats a heavy atom than it costs for 99% of the
    molecules that a head was fitted on: such a code does not hold the molecule, so nothing read off it need be true of it.
    benchmarks/properties.py measures how much larger errors are outside.

    Args:
        model: the model.
        encoded: molecules, posterior means.
        names: properties that are predicted; the strictest bound among theirs counts.
    """
    reasons = [f"cannot be encoded: {problem}" if problem else "" for problem in encoded.problems]
    if not encoded.usable:
        return reasons
    usable = [encoded.smiles[row] for row in encoded.usable]
    for row, reason in zip(encoded.usable, _beyond(model, usable), strict=True):
        reasons[row] = reason
    if not (limits := [model.checkpoint.figures[_figure(name)] for name in names if _figure(name) in model.checkpoint.figures]):
        return reasons
    for row, nats in zip(encoded.usable, _cost_an_atom(model, usable, encoded.codes[encoded.usable]).tolist(), strict=True):
        if nats > min(limits):
            reasons[row] = (
                f"its code does not hold it: {nats:.2f} nats an atom, 99% of the molecules learned from need at most {min(limits):.2f}"
            )
    return reasons


def _beyond(model: MolVAE, smiles: Sequence[str]) -> list[str]:
    """For each molecule its first property, among those of heads, that is beyond what was learned from; else empty."""
    columns = [column for column in model.properties if column.name in PROPERTIES and column.kind == "number"]
    values = compute(smiles, [column.name for column in columns])
    reasons = [""] * len(smiles)
    for column in reversed(columns):
        for row, value in enumerate(values[column.name]):
            if not column.low <= value <= column.high:
                reasons[row] = f"its {column.name} is {value:.4g}, the molecules learned from have {column.low:.4g} to {column.high:.4g}"
    return reasons


def _cost_an_atom(model: MolVAE, smiles: Sequence[str], codes: NDArray[np.float32]) -> NDArray[np.float64]:
    """-log p(x|z) in nats a heavy atom, (n,)."""
    atoms = compute(smiles, ["heavy_atoms"])["heavy_atoms"].to_numpy()
    return np.asarray(writing_cost(model, codes, smiles) / atoms)


def _figure(name: str) -> str:
    return f"{name}_nats_an_atom"
