"""Directions of the latent space along which a property changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from molvae.chem.properties import Property, compute, lookup
from molvae.data.formats import read_rows
from molvae.errors import DataError

if TYPE_CHECKING:
    from molvae.model import Encoded, MolVAE


@dataclass(frozen=True)
class Direction:
    """The direction of the latent space along which a property rises fastest.

    Attributes:
        name: of the property.
        unit: of the property, empty for a pure number.
        vector: of length 1, (D,).
        slope: change of the property per unit length along `vector`, in its unit.
        r2: share of the variance of the property that a code explains linearly, adjusted for its D numbers.
        spread: standard deviation of the property among the molecules, in its unit.
        molecules: how many the regression saw.
        refused: how many molecules were left out because they cannot be encoded.
    """

    name: str
    unit: str
    vector: NDArray[np.float32]
    slope: float
    r2: float
    spread: float
    molecules: int
    refused: int


@dataclass(frozen=True)
class _Prior:
    """Molecules drawn from a model, and the directions found with them, by name of the property."""

    encoded: Encoded
    directions: dict[str, Direction] = field(default_factory=dict)


#: Of each model, by number of draws and seed: drawing, encoding and describing molecules takes longer than the rest of a short edit.
_PRIORS: WeakKeyDictionary[MolVAE, dict[tuple[int, int], _Prior]] = WeakKeyDictionary()


def direction(model: MolVAE, name: str, *, molecules: Sequence[str] | str | Path | None = None, n: int = 1024, seed: int = 0) -> Direction:
    """The direction along which a property rises fastest, by linear regression of the property on codes of molecules.

    The codes are those that the posteriors of the molecules may give, not their means alone: the regression is over all draws
    from them at once. A dimension that the model does not use, whose means hardly vary, thus gets no weight.

    Args:
        model: the model.
        name: of the property, a key of `molvae.chem.properties.PROPERTIES`.
        molecules: a list of SMILES, or the path of a file of molecules; those that cannot be encoded are left out and counted.
            None takes the distinct survivors of `n` draws from the model itself, so that nothing else is needed; they are kept
            with the model for the next call.
        n: draws (not with `molecules`).
        seed: of the draws.

    Raises:
        DataError: an unknown property, fewer than D + 2 molecules that can be encoded, or a property that is the same for all.
    """
    (wanted,) = lookup([name])
    if molecules is not None:
        return _fitted(wanted, model.encode_all(_texts(molecules)))
    prior = _prior(model, n, seed)
    if name not in prior.directions:
        prior.directions[name] = _fitted(wanted, prior.encoded)
    return prior.directions[name]


def _texts(molecules: Sequence[str] | str | Path) -> list[str]:
    if isinstance(molecules, (str, Path)):
        return [row.text for row in read_rows(Path(molecules))]
    return list(molecules)


def _prior(model: MolVAE, n: int, seed: int) -> _Prior:
    kept = _PRIORS.setdefault(model, {})
    if (n, seed) not in kept:
        drawn = model.sample(n, seed=seed, raw=True)
        kept[n, seed] = _Prior(model.encode_all(drawn.loc[drawn["survives"], "smiles"].unique().tolist()))
    return kept[n, seed]


def _fitted(wanted: Property, encoded: Encoded) -> Direction:
    """Least squares with an intercept over all draws from the posteriors; their covariance is that of the means plus the mean variance."""
    rows = encoded.usable
    n, size = len(rows), encoded.codes.shape[1]
    if n < size + 2:
        raise DataError(f"{n} of {len(encoded.smiles)} molecules can be encoded; a direction needs at least {size + 2}")
    values = compute([encoded.smiles[row] for row in rows], [wanted.name])[wanted.name].to_numpy()
    if not values.std() > 0:
        raise DataError(f"{wanted.name} is {values[0]:g} for all {n} molecules; a direction needs molecules that differ in it")
    codes, variances = encoded.codes[rows].astype(np.float64), np.exp(encoded.log_variances[rows].astype(np.float64))
    covariance = np.cov(codes, rowvar=False, bias=True) + np.diag(variances.mean(axis=0))
    shared = (codes - codes.mean(axis=0)).T @ (values - values.mean()) / n
    slopes = np.linalg.solve(covariance, shared)
    length, explained = float(np.linalg.norm(slopes)), float(slopes @ shared / values.var())
    return Direction(
        name=wanted.name,
        unit=wanted.unit,
        vector=(slopes / length).astype(np.float32),
        slope=length,
        r2=1 - (1 - explained) * (n - 1) / (n - size - 1),
        spread=float(values.std()),
        molecules=n,
        refused=len(encoded.smiles) - n,
    )
