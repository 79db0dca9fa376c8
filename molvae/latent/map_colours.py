"""What the points of a map are coloured by: a number, or a group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from molvae.chem.properties import compute, lookup
from molvae.data.reading import in_parts

#: Colours of groups, told apart by most people who are colour-blind (Okabe and Ito 2008); repeated where there are more groups.
GROUPS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#8a7f00", "#666666")
#: Colours of numbers, from low to high.
SCALE = ("#440154", "#414487", "#2a788e", "#22a884", "#7ad151", "#fde725")
#: Colour of points that have neither group nor number.
NONE = "#9a9a9a"

_SHOWN = 0.01  # share of the numbers left out at each end of the scale


@dataclass(frozen=True, eq=False)
class Colours:
    """What points are coloured by.

    Attributes:
        title: its name.
        numbers: one for each point, (n,), NaN where there is none; of groups the number of the group, from 0.
        groups: their names, as many as there are; empty where the numbers are values.
        limits: the ends of the scale of values; those beyond get the colours of the ends.
    """

    title: str
    numbers: NDArray[np.float64]
    groups: tuple[str, ...] = ()
    limits: tuple[float, float] = (0.0, 1.0)


def by_group(title: str, labels: Sequence[str]) -> Colours:
    """Colours of groups, in the order of their first points.

    >>> by_group("file", ["b", "a", "b"]).groups
    ('b', 'a')
    """
    codes, names = pd.factorize(np.asarray(labels, dtype=object))
    return Colours(title, codes.astype(np.float64), tuple(map(str, names)))


def by_cluster(numbers: Sequence[int]) -> Colours:
    """Colours of clusters, numbered from 1; 0 is none."""
    values = np.asarray(numbers, dtype=np.float64)
    return Colours("cluster", np.where(values > 0, values - 1, np.nan), tuple(str(i + 1) for i in range(int(values.max(initial=0)))))


def by_property(name: str, smiles: Sequence[str]) -> Colours:
    """Colours of a property of `molvae.chem.properties`; an empty SMILES has none.

    Raises:
        DataError: an unknown name.
    """
    (known,) = lookup([name])
    values = np.array(in_parts(partial(_property, name), list(smiles)), dtype=np.float64)
    seen = values[np.isfinite(values)]
    low, high = np.quantile(seen, [_SHOWN, 1 - _SHOWN]) if len(seen) else (0.0, 1.0)
    return Colours(f"{name} ({known.unit})" if known.unit else name, values, limits=(float(low), float(max(high, low + 1e-9))))


def _property(name: str, smiles: Sequence[str]) -> list[float]:
    return [float(value) for value in compute(smiles, [name])[name]]
