"""The search behind `molvae.latent.conditional`: what was found, around what it looks next, and what it cost."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from molvae.chem.windows import Window, values_of
from molvae.data.reading import in_parts
from molvae.latent.proposals import FEWEST, Aim, Parents, Radii
from molvae.latent.screen import Screen
from molvae.nn.sampling import SamplingSettings
from molvae.sampling import BLOCK, Sampler

if TYPE_CHECKING:
    from molvae.model import MolVAE

#: Draws from the prior end after so many blocks of 512, or hits.
PRIOR_BLOCKS, PRIOR_HITS = 10, 100
#: Molecules in the windows from which on the search has settled there.
SETTLED = 64
_SMALL, _LARGE = 2, 8  # blocks of each round: so few at first, so many with a molecule in the windows for every eighth code
_SCREENED = 8  # codes screened for each one decoded

_Codes = NDArray[np.float32]


@dataclass(frozen=True)
class Tally:
    """Some decodings and what came of them.

    Attributes:
        decoded: codes written.
        survived: of these, those that survived the round trip.
        inside: of these, those with all properties in the windows, repeats counted.
        hits: of these, molecules not found before (and not in the training set where that is asked).
    """

    decoded: int = 0
    survived: int = 0
    inside: int = 0
    hits: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.decoded + other.decoded, self.survived + other.survived, self.inside + other.inside, self.hits + other.hits)

    @property
    def share(self) -> float:
        """New molecules in the windows for each decoding; 0 without decodings."""
        return self.hits / max(self.decoded, 1)


@dataclass(frozen=True)
class _Written:
    """Molecules that were not written before.

    Attributes:
        smiles: canonical, m of them.
        rows: of the codes they were written for, (m,).
        codes: those codes, (m, D).
        values: their properties, (m, windows).
    """

    smiles: list[str]
    rows: NDArray[np.int64]
    codes: _Codes
    values: NDArray[np.float64]


class WindowSearch:
    """A search for molecules whose properties lie in windows.

    Args:
        model: the model.
        wanted: the windows.
        settings: how codes and tokens are drawn.
        seed: of everything random.
        novel: whether molecules of the training set do not count.

    Attributes:
        found: the molecules in the windows, canonical SMILES, with their properties, in the order they were found.
        tallies: "rejection" (draws from the prior), "walk" (rounds until 64 molecules were found) and "search" (rounds after that).
    """

    def __init__(self, model: MolVAE, wanted: Sequence[Window], settings: SamplingSettings, seed: int, novel: bool) -> None:
        self.found: dict[str, tuple[float, ...]] = {}
        self.tallies = {"rejection": Tally(), "walk": Tally(), "search": Tally()}
        self._model, self._wanted, self._settings, self._seed, self._novel = model, wanted, settings, seed, novel
        self._sampler = Sampler(model.checkpoint, settings, seed)
        self._inside: dict[str, bool] = {}  # every molecule written so far
        self._parents = Parents.none(len(wanted), model.latent_size)
        self._radii = Radii()

    @property
    def spent(self) -> Tally:
        """All decodings together."""
        return sum(self.tallies.values(), Tally())

    def rounds(self, budget: int, n: int) -> Iterator[int]:
        """Draw from the prior, then search until n molecules were found or the budget is spent; yields how many were found."""
        drawn = []
        for block in range(PRIOR_BLOCKS):
            size, random = min(BLOCK, budget - self.spent.decoded), np.random.default_rng([self._seed, 0, block])
            if not size or len(self.found) >= min(n, PRIOR_HITS):
                break
            drawn.append(self._write("rejection", self._prior(size, random), random))
            yield len(self.found)
        screen = self._screen(drawn)
        for number in count(1):
            phase = "walk" if len(self.found) < SETTLED else "search"
            blocks = min(max(len(self.found) * 8 // BLOCK, _SMALL), _LARGE)
            size, random = min(blocks * BLOCK, budget - self.spent.decoded), np.random.default_rng([self._seed, number])
            if not size or len(self.found) >= n:
                break
            self._round(phase, screen, size, random)
            yield len(self.found)

    def _prior(self, n: int, random: np.random.Generator) -> _Codes:
        return self._sampler.codes(random.standard_normal((n, self._model.latent_size), dtype=np.float32), random)

    def _round(self, phase: str, screen: Screen, n: int, random: np.random.Generator) -> None:
        """Decode n codes and learn from what comes of them."""
        counts = self._radii.draw(n) if len(self._parents) else [0] * (len(Radii.known) - 1) + [n]
        aim = screen.aim()
        pools = [self._pool(_SCREENED * size, radius, aim, random) for size, radius in zip(counts, Radii.known, strict=True)]
        codes = np.concatenate([screen.draw(pool, size, random) for pool, size in zip(pools, counts, strict=True)])
        written = self._write(phase, codes, random)
        hits = [row for row, text in zip(written.rows.tolist(), written.smiles, strict=True) if text in self.found]
        self._radii.learn(counts, np.histogram(hits, bins=np.cumsum([0, *counts]))[0].tolist())
        screen.learn(written.codes, written.values)
        self._look_around(screen, written, random)

    def _pool(self, n: int, radius: float, aim: Aim, random: np.random.Generator) -> _Codes:
        """Codes to choose from: (n, D)."""
        return self._prior(n, random) if math.isinf(radius) else self._parents.children(n, radius, aim, random)

    def _write(self, phase: str, codes: _Codes, random: np.random.Generator) -> _Written:
        """Decode codes, count what comes of them, and keep what lies in the windows."""
        temperature, top_p = self._settings.temperature, self._settings.top_p
        seed = int(random.integers(2**31))
        frame = self._model.decode(codes, temperature=temperature, top_p=top_p, seed=seed, surviving=True)
        first = frame[[text not in self._inside for text in frame["smiles"]]].drop_duplicates("smiles")
        rows, smiles = first["code"].to_numpy(dtype=np.int64), first["smiles"].tolist()
        written = _Written(smiles, rows, codes[rows], self._computed(smiles))
        self._count(phase, len(codes), frame["smiles"].tolist(), written)
        return written

    def _computed(self, smiles: Sequence[str]) -> NDArray[np.float64]:
        return np.array(in_parts(partial(_values, self._wanted), smiles)).reshape(-1, len(self._wanted))

    def _count(self, phase: str, decoded: int, texts: Sequence[str], written: _Written) -> None:
        columns = zip(self._wanted, written.values.T, strict=True)
        inside = np.all([window.contains(values) for window, values in columns], axis=0)
        self._inside |= dict(zip(written.smiles, inside.tolist(), strict=True))
        counting = inside & ~(self._model.checkpoint.index.contains(written.smiles) & self._novel)
        self.found |= {written.smiles[row]: tuple(written.values[row].tolist()) for row in np.flatnonzero(counting).tolist()}
        self.tallies[phase] += Tally(decoded, len(texts), sum(self._inside[text] for text in texts), int(counting.sum()))

    def _screen(self, drawn: Sequence[_Written]) -> Screen:
        """From what the prior gave: how wide the properties scatter, what they depend on, and the first parents."""
        written = _Written(
            [text for each in drawn for text in each.smiles],
            np.asarray(np.concatenate([each.rows for each in drawn]), dtype=np.int64),
            np.asarray(np.concatenate([each.codes for each in drawn]), dtype=np.float32),
            np.asarray(np.concatenate([each.values for each in drawn]), dtype=np.float64),
        )
        center, scale = np.zeros(len(self._wanted)), np.ones(len(self._wanted))
        if written.smiles:
            spread = written.values.std(axis=0)
            center, scale = written.values.mean(axis=0), np.where(spread > 0, spread, 1.0)
        screen = Screen(self._model, self._wanted, center, scale, self._seed)
        screen.learn(written.codes, written.values)
        self._look_around(screen, written, np.random.default_rng([self._seed, 0]))
        return screen

    def _look_around(self, screen: Screen, written: _Written, random: np.random.Generator) -> None:
        """Make parents of the new molecules in the windows and of the nearest others, at their own codes."""
        gaps = screen.gaps(written.values)
        near = [row for place, row in enumerate(np.argsort(gaps, kind="stable").tolist()) if gaps[row] == 0 or place < FEWEST]
        encoded = self._model.encode_all([written.smiles[row] for row in near])
        usable = encoded.usable
        values = written.values[near][usable]
        new = Parents(screen.gaps(values), screen.scaled(values), encoded.codes[usable], encoded.log_variances[usable])
        self._parents = self._parents.best_with(new, random)


def _values(wanted: Sequence[Window], smiles: Sequence[str]) -> list[tuple[float, ...]]:
    return [tuple(row) for row in values_of(smiles, wanted).tolist()]
