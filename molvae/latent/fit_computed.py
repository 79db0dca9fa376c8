"""Heads for properties that RDKit computes, learned from molecules like those a model was trained on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from molvae.chem.properties import Property, compute, lookup
from molvae.data.reading import in_parts
from molvae.latent.domain import domain
from molvae.latent.fit_properties import install
from molvae.nn.heads import Column
from molvae.second_stage import training_molecules
from molvae.training.gaussian_process import fit_heads
from molvae.training.heads import FittedHeads

if TYPE_CHECKING:
    from molvae.model import MolVAE

_BOUNDED = 5_000  # molecules the applicability bound is taken from


def fit_computed(
    model: MolVAE,
    source: str | Path,
    names: Sequence[str],
    *,
    molecules: int = 150_000,
    seed: int = 1,
    listener: Callable[[int, float], None] | None = None,
) -> FittedHeads:
    """Learn computed properties and put heads for them into a model, so that codes can be searched without writing molecules.

    Args:
        model: changed in place; save it afterwards. Heads it had for the same properties are replaced.
        source: a file of molecules like those it was trained on, or "moses".
        names: keys of `molvae.chem.properties.PROPERTIES`.
        molecules: at most so many are used, drawn at random.
        seed: of everything random.
        listener: told the steps done and the mean error on molecules held out, in standardised units.

    Raises:
        DataError: an unknown property, fewer than 10 usable molecules, or a property that is the same for all.
    """
    chosen = lookup(names)
    encoded = model.encode_all(training_molecules(source, molecules, seed))
    rows = encoded.usable
    smiles = [encoded.smiles[row] for row in rows]
    targets = np.array(in_parts(partial(_values, names=names), smiles), dtype=np.float64).reshape(len(smiles), len(chosen))
    columns = [_column(each, targets[:, at]) for at, each in enumerate(chosen)]
    codes = encoded.codes[rows]
    fitted = fit_heads(codes, targets, columns, log_variances=encoded.log_variances[rows], seed=seed, listener=listener)
    install(model, fitted)
    for name in names:
        model.checkpoint.figures |= domain(model, name, smiles[:_BOUNDED], codes[:_BOUNDED])
    return fitted


def _values(smiles: Sequence[str], names: Sequence[str]) -> list[list[float]]:
    return [list(row) for row in compute(smiles, names).to_numpy().tolist()]


def _column(each: Property, values: NDArray[np.float64]) -> Column:
    known = values if len(values) else np.zeros(1)  # an empty column is refused by the fit
    return Column(each.name, each.unit, "number", float(known.min()), float(known.max()))
