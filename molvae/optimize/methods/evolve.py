"""`evolve`: mutation and crossover of codes, screened by a Gaussian process on fingerprints before a call is spent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from molvae.optimize.methods.screen import TanimotoProcess, features
from molvae.optimize.methods.told import Allowed, Stream, Told

if TYPE_CHECKING:
    from molvae.model import MolVAE

_Floats = NDArray[np.float64]
_Codes = NDArray[np.float32]


@dataclass(frozen=True)
class EvolveSettings:
    """How `evolve` searches.

    Attributes:
        first: molecules of the prior (and starts) asked before evolution begins.
        population: parents, the best molecules so far.
        generations: rounds of children within one ask; each later round has the most promising children among its parents.
        children: codes decoded a generation.
        crossed: share of the children that lie between two parents.
        widths: how far children are from their parents, see `molvae.latent.neighbors.codes_around`; each child draws one.
        greed: parents are drawn with a chance that falls as 1 / (greed * population + rank) (Tripp et al. 2020, arXiv:2006.09191).
        learned: scores the process is fitted to: the better half of these are the best, the rest the latest.
        boldness: least and most standard deviations that are added to the expected score; the molecules of a batch take values between.
        diverse: share of a batch whose Tanimoto similarity to the others of the batch stays below 0.6.
    """

    first: int = 100
    population: int = 100
    generations: int = 3
    children: int = 512
    crossed: float = 0.5
    widths: tuple[float, ...] = (0.5, 1.0, 1.4, 2.0)
    greed: float = 0.05
    learned: int = 2000
    boldness: tuple[float, float] = (0.01, 1.0)
    diverse: float = 0.25


_ALIKE = 0.6  # similarity from which on two molecules do not count as diverse


@dataclass(frozen=True)
class _Pool:
    """Molecules that may become parents or be asked.

    Attributes:
        smiles: canonical SMILES.
        worth: what they scored, or are hoped to score, (n,).
    """

    smiles: list[str]
    worth: _Floats

    def best(self, n: int) -> _Pool:
        """The n of the most worth."""
        order = np.argsort(-self.worth, kind="stable")[:n]
        return _Pool([self.smiles[row] for row in order], self.worth[order])

    def __add__(self, other: _Pool) -> _Pool:
        return _Pool(self.smiles + other.smiles, np.concatenate([self.worth, other.worth]))


class Evolve:
    """Evolution in the latent space.

    Each ask makes some generations of children from the best molecules: codes around one parent or on the arc between two, decoded by
    chance, kept when they survive the round trip and were not asked. A Gaussian process fitted to what is known judges them; its
    favourites are parents of the next generation, by the code that they are encoded to, not the one they were decoded from
    (a decoder seldom writes quite what a code means). The best of all generations are asked.

    Args:
        model: encodes and decodes.
        seed: of everything random.
        starts: SMILES to ask first; those the model cannot encode are asked but have no children.
        allowed: says of a canonical SMILES whether it may be asked at all, for constraints that cost no call; None allows all.
        settings: how to search.
    """

    def __init__(
        self,
        model: MolVAE,
        *,
        seed: int = 0,
        starts: Sequence[str] = (),
        allowed: Allowed | None = None,
        settings: EvolveSettings | None = None,
    ) -> None:
        self._model, self._seed, self._settings = model, seed, settings or EvolveSettings()
        self._told, self._stream = Told(allowed), Stream(model, seed, starts)

    def ask(self, n: int) -> list[str]:
        """The most promising children of the best molecules; molecules of the prior at first, and where there are too few children."""
        enough = len(self._told) >= self._settings.first and len(self._told.best(2)[0]) == 2  # the rest may be failures
        chosen = self._evolved(n) if enough else []
        if len(chosen) < n:
            chosen += [smiles for smiles in self._stream.new(self._told, n) if smiles not in chosen][: n - len(chosen)]
        return chosen

    def tell(self, smiles: Sequence[str], scores: Sequence[float | None]) -> None:
        """Remember scores."""
        self._told.tell(smiles, scores)

    def _evolved(self, n: int) -> list[str]:
        random = np.random.default_rng([self._seed, len(self._told)])
        process = self._process()
        known = parents = _Pool(*self._told.best(self._settings.population))
        found: dict[str, tuple[float, float]] = {}  # mean and deviation of each child
        for _ in range(self._settings.generations):
            children = [smiles for smiles in self._told.new(self._children(parents, random)) if smiles not in found]
            if children:
                belief = process(features(children))
                found |= dict(zip(children, zip(belief.mean.tolist(), belief.deviation.tolist(), strict=True), strict=True))
            bold = float(np.exp(random.uniform(*np.log(self._settings.boldness))))
            hoped = _Pool(list(found), np.array([mean + bold * deviation for mean, deviation in found.values()]))
            parents = (known + hoped).best(self._settings.population)
        return self._chosen(found, n) if found else []

    def _process(self) -> TanimotoProcess:
        """Fitted to the best and the latest."""
        smiles, scores = self._told.scored()
        half = self._settings.learned // 2
        best = np.argsort(-scores, kind="stable")[:half]
        rows = np.union1d(best, np.arange(max(len(scores) - half, 0), len(scores)))
        return TanimotoProcess(features([smiles[row] for row in rows]), scores[rows])

    def _children(self, parents: _Pool, random: np.random.Generator) -> list[str]:
        """Molecules written for codes around and between parents."""
        from molvae.latent.neighbors import codes_around
        from molvae.latent.paths import slerp

        encoded = self._model.encode_all(parents.smiles)
        usable = np.array(encoded.usable, dtype=np.int64)
        if not len(usable):
            return []
        n, s = self._settings.children, self._settings
        chances = 1 / (s.greed * s.population + usable)
        one, other = random.choice(usable, size=(2, n), p=chances / chances.sum())
        share = random.random((n, 1), dtype=np.float32) * 0.5 * (random.random((n, 1)) < s.crossed)
        middle: _Codes = slerp(encoded.codes[one], encoded.codes[other], share.astype(np.float32))
        widths = random.choice(np.array(s.widths, dtype=np.float32), size=(n, 1))
        codes = codes_around(middle, encoded.log_variances[one], widths, random.standard_normal(middle.shape, dtype=np.float32))
        written = self._model.decode(codes, temperature=1.0, seed=int(random.integers(2**31)), surviving=True)
        return [str(smiles) for smiles in written["smiles"]]

    def _chosen(self, found: dict[str, tuple[float, float]], n: int) -> list[str]:
        """The n most promising children, each for another boldness, the last of them unlike those before."""
        smiles, belief = list(found), np.array(list(found.values()))
        free = np.ones(len(smiles), dtype=bool)
        chosen: list[int] = []
        bits = features(smiles)
        unlike = round(n * self._settings.diverse)
        for place, bold in enumerate(np.geomspace(*self._settings.boldness, num=n)):
            allowed = free & (_similarity(bits, bits[chosen]) < _ALIKE) if place >= n - unlike else free
            if not allowed.any():
                allowed = free
            if not allowed.any():
                break
            chosen.append(int(np.argmax(np.where(allowed, belief[:, 0] + bold * belief[:, 1], -np.inf))))
            free[chosen[-1]] = False
        return [smiles[row] for row in chosen]


def _similarity(bits: NDArray[np.uint8], chosen: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Tanimoto similarity of each row to the most similar of those chosen, (n,)."""
    from molvae.chem.similarity import tanimoto

    return np.asarray(tanimoto(bits, chosen).max(axis=1, initial=0))
