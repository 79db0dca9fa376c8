"""What every set of metrics gives: the numbers, and which of them could not be had and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

#: Told of the progress of long work: what is done, how much of it is, how much there is in all.
Progress = Callable[[str, int, int], None]


class Known(Protocol):
    """Knows the molecules a model was trained on, such as `molvae.data.novelty.TrainingIndex`."""

    def contains(self, smiles: Sequence[str]) -> NDArray[np.bool_]:
        """For each canonical SMILES, whether it is known: (n,)."""


@dataclass(frozen=True)
class Metrics:
    """Metrics of a set of molecules.

    Attributes:
        values: the numbers by name, in the order of the published tables.
        missing: why a metric could not be computed, by its name.

    >>> Metrics({"valid": 0.5}, {"unique@1000": "needs 1,000 valid molecules, got 812"}).values["valid"]
    0.5
    """

    values: dict[str, float]
    missing: dict[str, str] = field(default_factory=dict)
