"""The molecules around which a search looks, and codes worth decoding around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molvae.latent.neighbors import codes_around
from molvae.latent.paths import slerp

#: Parents: at least so many, and more when all of them lie in the windows.
FEWEST, _MOST = 128, 2_048
_CROSSED = 0.5  # share of the children that have two parents
_DOUBT, _MEMORY = 50, 0.6  # decodings without which a radius is not judged; what of the past counts in the next round
_MARGIN = 0.25  # how far inside the windows shifts aim, in standard deviations of the property

_Codes = NDArray[np.float32]
_Values = NDArray[np.float64]


@dataclass(frozen=True)
class Parents:
    """Molecules around which a search looks.

    Attributes:
        gaps: how far each is outside the windows, 0 inside, (n,).
        values: properties, in their standard deviations, (n, P).
        codes: posterior means, (n, D).
        log_variances: of the posteriors, (n, D).
    """

    gaps: _Values
    values: _Values
    codes: _Codes
    log_variances: _Codes

    @classmethod
    def none(cls, properties: int, size: int) -> Parents:
        """No molecule, for P properties and codes of D numbers."""
        return cls(np.zeros(0), np.zeros((0, properties)), *(np.zeros((0, size), dtype=np.float32) for _ in range(2)))

    def __len__(self) -> int:
        return len(self.gaps)

    def __getitem__(self, rows: NDArray[np.int64]) -> Parents:
        return Parents(self.gaps[rows], self.values[rows], self.codes[rows], self.log_variances[rows])

    def best_with(self, other: Parents, random: np.random.Generator) -> Parents:
        """The best of both, drawn by chance among equals: all in the windows up to 2,048, or the nearest 128."""
        both = Parents(*(np.concatenate([getattr(each, name) for each in (self, other)]) for name in self.__dataclass_fields__))
        order = np.lexsort((random.random(len(both)), both.gaps))
        return both[order[: min(max(int((both.gaps == 0).sum()), FEWEST), _MOST)]]

    def children(self, n: int, radius: float, aim: Aim, random: np.random.Generator) -> _Codes:
        """Codes around parents, half of them between two, kept in the windows or shifted towards them: (n, D).

        What the noise does to a property is foreseen by the slopes of the aim and taken back, so that children may go far from their
        parents and still have the properties asked for.

        Args:
            n: how many.
            radius: how far from the parents, see `molvae.latent.neighbors.codes_around`.
            aim: where the properties should go.
            random: source of everything random.
        """
        one, other = random.integers(len(self), size=(2, n))
        parents = self[one]
        between = 0.5 * random.random((n, 1), dtype=np.float32) * (random.random((n, 1)) < _CROSSED)
        middle = slerp(parents.codes, self.codes[other], between)
        around = codes_around(middle, parents.log_variances, radius, random.standard_normal(middle.shape, dtype=np.float32))
        push = aim.push(parents.values + (around - parents.codes) @ aim.slopes.T)
        return (around + push).astype(np.float32)


@dataclass(frozen=True)
class Aim:
    """Where properties should go, and how codes take them there; all in standard deviations of each property.

    Attributes:
        low: of the windows, (P,).
        high: of the windows, (P,).
        slopes: change of each property along each dimension of a code, by linear regression, (P, D).
        noise: variance of each property that the regression leaves, (P,).
    """

    low: _Values
    high: _Values
    slopes: _Values
    noise: _Values

    def push(self, values: _Values) -> _Values:
        """Shifts of codes that bring properties (n, P) into the windows: (n, D).

        Of all shifts, the one expected under the prior N(0, I) when the properties are to change so (conditioning a linear Gaussian
        model): where the regression explains little it hardly moves, instead of going far astray.
        """
        margin = np.minimum((self.high - self.low) / 4, _MARGIN)
        short = np.clip(values, self.low + margin, self.high - margin) - values
        gain = np.linalg.solve(self.slopes @ self.slopes.T + np.diag(self.noise), self.slopes)
        return np.asarray(short @ gain)


class Radii:
    """How far from known molecules it pays to look: each radius is used by what it has brought of late.

    Near a molecule the decoder mostly repeats it, far away the properties are lost; where the best lies between depends on the
    windows, on the model and on how much has been found.

    Attributes:
        known: the radii, from near to far; the last stands for the prior.
    """

    known = (0.7, 1.0, 1.4, 2.0, float("inf"))

    def __init__(self) -> None:
        self._decoded, self._hits = np.zeros((2, len(self.known)))

    def draw(self, n: int) -> list[int]:
        """How many of n codes to take at each radius: in proportion to the square of its share of hits."""
        weights = ((self._hits + 1) / (self._decoded + _DOUBT)) ** 2
        counts = np.floor(n * weights / weights.sum()).astype(int)
        counts[np.argmax(weights)] += n - counts.sum()
        return [int(count) for count in counts]

    def learn(self, decoded: Sequence[int], hits: Sequence[int]) -> None:
        """Take in how many codes were decoded at each radius, and how many new molecules in the windows these gave."""
        self._decoded = _MEMORY * self._decoded + np.array(decoded)
        self._hits = _MEMORY * self._hits + np.array(hits)
