"""`cma`: evolution strategy with covariance matrix adaptation over codes (Hansen 2016, arXiv:1604.00772; the package `cma`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from molvae.errors import MissingExtraError
from molvae.optimize.methods.latent import Known, LatentMethod
from molvae.optimize.methods.told import Allowed

if TYPE_CHECKING:
    from molvae.model import MolVAE


@dataclass(frozen=True)
class CmaSettings:
    """How `cma` searches.

    Attributes:
        first: molecules of the prior (and starts) asked before the search begins at the best of them.
        population: new molecules of a generation, at least 4.
        parents: the best of a generation, whose mean is the center of the next.
        patience: generations without a better molecule after which the search begins anew at another good one.
        width: standard deviation of codes at the beginning.
        narrow: standard deviation below which the search has converged and begins anew as well.
        samples: codes drawn from each generation's distribution; those whose decodings bring nothing new are passed over.
        each: decodings of a code.
        temperature: of the decoder.
    """

    first: int = 100
    population: int = 20
    parents: int = 3
    patience: int = 10
    width: float = 0.5
    narrow: float = 0.05
    samples: int = 256
    each: int = 4
    temperature: float = 0.6


class Cma(LatentMethod):
    """CMA-ES over the latent, begun anew when it converges.

    A generation learns from the codes that asked molecules are encoded to, not from those it drew. The library's object moves on only
    when molecules are told, and draws the next generation's codes there and then, so that it can be rebuilt from what was told.

    Args:
        model: encodes and decodes.
        seed: of everything random.
        starts: SMILES to ask first; nothing is learned from those that the model cannot encode.
        allowed: says of a canonical SMILES whether it may be asked at all, for constraints that cost no call; None allows all.
        settings: how to search.

    Raises:
        MissingExtraError: the package `cma` is not installed.
    """

    def __init__(
        self,
        model: MolVAE,
        *,
        seed: int = 0,
        starts: Sequence[str] = (),
        allowed: Allowed | None = None,
        settings: CmaSettings | None = None,
    ) -> None:
        self._settings = settings or CmaSettings()
        self._cma = _cma()
        super().__init__(model, seed, starts, allowed, first=self._settings.first, temperature=self._settings.temperature)

    def _begin(self) -> None:
        self._start(int(self._known.ranked()[0]))

    def _start(self, row: int) -> None:
        """Search anew around a molecule."""
        random, s = self._random(), self._settings
        silent = {"verbose": -9, "verb_log": 0, "verb_disp": 0}
        own = {"randn": lambda *shape: random.standard_normal(shape), "seed": np.nan}  # numpy's global state is left alone
        options = {"popsize": s.population + 1, "CMA_mu": s.parents, "tolx": s.narrow} | own | silent
        self._strategy = self._cma.CMAEvolutionStrategy(self._known.codes[row].astype(np.float64), s.width, options)
        self._codes = self._drawn()
        self._best = self._known[np.array([row])]
        self._waiting = self._known[np.zeros(0, dtype=np.int64)]  # told, but not enough for a generation yet
        self._idle = 0

    def _drawn(self) -> NDArray[np.float32]:
        return np.array(self._strategy.ask(self._settings.samples), dtype=np.float32)

    def _learn(self, new: Known) -> None:
        """Move on by a generation as soon as enough was told."""
        self._waiting += new
        size = self._settings.population
        while len(self._waiting) >= size:
            generation, self._waiting = self._waiting[np.arange(size)], self._waiting[np.arange(size, len(self._waiting))]
            self._move_on(generation)

    def _move_on(self, generation: Known) -> None:
        """Learn from new molecules and the best before them; begin anew where that leads nowhere any more."""
        both = self._best + generation  # the best is told again: that costs no call and keeps the center near it
        self._strategy.tell(list(both.codes.astype(np.float64)), (-both.scores).tolist())
        best = both.ranked()[:1]
        self._best, self._idle = both[best], self._idle + 1 if best[0] == 0 else 0
        if self._idle >= self._settings.patience or self._strategy.stop():
            self._start(int(self._known.good(1, self._random())[0]))
        else:
            self._codes = self._drawn()

    def _proposed(self, n: int, random: np.random.Generator) -> list[str]:
        """A new molecule for each code of the generation, until there are n."""
        found = self._written(self._codes, random, self._settings.each)
        _, rows = np.unique(found.sources, return_index=True)
        return [found.smiles[row] for row in rows[:n]]


def _cma() -> Any:
    try:
        import cma
    except ImportError as error:
        raise MissingExtraError("the method cma needs the package cma, which is missing: pip install 'molvae[optimize]'") from error
    return cma
