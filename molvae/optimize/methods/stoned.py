"""`stoned`: random changes of SELFIES symbols in the best molecules, without a latent (Nigam et al. 2021, doi:10.1039/D1SC00231G)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from molvae.chem.selfies import to_smiles, to_symbols
from molvae.errors import MoleculeError
from molvae.optimize.methods.told import Allowed, Stream, Told

if TYPE_CHECKING:
    from molvae.model import MolVAE

_CHANGES = 2  # at most, a child
_TRIES = 200  # children made for each one wanted before giving up


class Stoned:
    """The graph-free baseline: the best molecules so far, each with a symbol or two replaced, put in or taken out.

    Args:
        model: gives the alphabet and the first molecules; its codes are not used.
        seed: of everything random.
        starts: SMILES to ask first.
        allowed: says of a canonical SMILES whether it may be asked at all, for constraints that cost no call; None allows all.
        first: molecules of the prior (and starts) asked before mutations begin.
        parents: the best molecules that are changed.
    """

    def __init__(
        self,
        model: MolVAE,
        *,
        seed: int = 0,
        starts: Sequence[str] = (),
        allowed: Allowed | None = None,
        first: int = 100,
        parents: int = 50,
    ) -> None:
        self._alphabet = model.checkpoint.tokenizer.selfies_symbols
        self._told, self._stream = Told(allowed), Stream(model, seed, starts)
        self._seed, self._first, self._parents = seed, first, parents

    def ask(self, n: int) -> list[str]:
        """Children of the best molecules; of the prior at first, and where the best have no new children."""
        parents = self._spelled() if len(self._told) >= self._first else []
        children = self._children(parents, n) if parents else []
        if len(children) < n:
            children += [smiles for smiles in self._stream.new(self._told, n) if smiles not in children][: n - len(children)]
        return children

    def tell(self, smiles: Sequence[str], scores: Sequence[float | None]) -> None:
        """Remember scores."""
        self._told.tell(smiles, scores)

    def _spelled(self) -> list[list[str]]:
        """Symbols of the best molecules; those that SELFIES cannot express are left out."""
        spelled = []
        for smiles in self._told.best(self._parents)[0]:
            try:
                spelled.append(to_symbols(smiles))
            except MoleculeError:  # only a start can be one
                continue
        return spelled

    def _children(self, parents: Sequence[list[str]], n: int) -> list[str]:
        random = np.random.default_rng([self._seed, len(self._told)])
        made = (to_smiles(self._changed(parents[int(random.integers(len(parents)))], random)) for _ in range(n * _TRIES))
        return [child for child, _ in zip(self._told.new(made), range(n), strict=False)]

    def _changed(self, symbols: Sequence[str], random: np.random.Generator) -> list[str]:
        """Symbols with one or two of them replaced, put in before another, or taken out."""
        changed = list(symbols)
        for _ in range(1 + int(random.integers(_CHANGES))):
            place, symbol = int(random.integers(len(changed))), self._alphabet[random.integers(len(self._alphabet))]
            kind = random.integers(3)
            changed[place : place + (kind != 1)] = [symbol] if kind < 2 else []
            if not changed:
                return [symbol]
        return changed
