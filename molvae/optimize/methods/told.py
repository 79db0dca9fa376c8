"""What every method remembers, and the molecules it starts from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from molvae.chem.molecules import canonical, parse
from molvae.data.reading import survivors
from molvae.errors import DataError, MoleculeError

if TYPE_CHECKING:
    from molvae.model import MolVAE

#: Says of a canonical SMILES whether it may be asked.
Allowed = Callable[[str], bool]

_PATIENCE = 20  # blocks of draws in a row that may bring nothing new before the prior has run dry


class Told:
    """Molecules and their scores in the order they were told; what a method proposes depends on these and on its seed alone.

    Args:
        allowed: says of a canonical SMILES whether it may be asked at all; for free constraints, which cost no call. None allows all.
    """

    def __init__(self, allowed: Allowed | None = None) -> None:
        self._scores: dict[str, float | None] = {}
        self._allowed = cache(allowed) if allowed else None

    def __contains__(self, smiles: object) -> bool:
        return smiles in self._scores

    def __len__(self) -> int:
        return len(self._scores)

    def tell(self, smiles: Sequence[str], scores: Sequence[float | None]) -> None:
        """Remember scores; None is a failure: never asked again, nothing learned from it."""
        self._scores.update(zip(smiles, scores, strict=True))

    def scored(self) -> tuple[list[str], np.ndarray[tuple[int], np.dtype[np.float64]]]:
        """Molecules that have a score, in the order they were told, and the scores (n,)."""
        known = {smiles: score for smiles, score in self._scores.items() if score is not None}
        return list(known), np.array(list(known.values()), dtype=np.float64)

    def best(self, n: int) -> tuple[list[str], np.ndarray[tuple[int], np.dtype[np.float64]]]:
        """The n molecules with the highest scores, the best first, the earlier one first among equals."""
        smiles, scores = self.scored()
        order = np.argsort(-scores, kind="stable")[:n]
        return [smiles[row] for row in order], scores[order]

    def new(self, candidates: Iterable[str]) -> Iterator[str]:
        """Each candidate that was not told and is allowed, once; none that RDKit writes otherwise when it reads it again."""
        seen: set[str] = set()
        for smiles in candidates:
            if smiles and smiles not in self and smiles not in seen:
                seen.add(smiles)
                if _settled(smiles) and (self._allowed is None or self._allowed(smiles)):
                    yield smiles


def _settled(smiles: str) -> bool:
    """Whether a canonical SMILES stays what it is: seldom one with stereo does not, and would be asked twice.

    >>> _settled("C[C@H](N)C(=O)O"), _settled("O[C@]1(Cl)CC[C@](S)CC1")
    (True, False)
    """
    return ("@" not in smiles and "/" not in smiles) or canonical(parse(smiles)) == smiles


class Stream:
    """Given molecules and then draws from the prior of a model that survive the round trip: the same ones for the same seed.

    Args:
        model: the model to draw from.
        seed: of the draws.
        starts: SMILES that come first, such as a lead or known actives.

    Raises:
        DataError: a start is no molecule, with its row (from 1).
    """

    def __init__(self, model: MolVAE, seed: int, starts: Sequence[str] = ()) -> None:
        from dataclasses import replace

        from molvae.sampling import Sampler

        self._sampler = Sampler(model.checkpoint, replace(model.checkpoint.sampling, critic=False), seed)
        self._drawn = [_start(text, row) for row, text in enumerate(starts, 1)]
        self._blocks = 0

    def new(self, told: Told, n: int) -> list[str]:
        """The first n molecules of the stream that were not told; fewer when the prior writes nothing new any more."""
        fresh = list(told.new(self._drawn))
        idle = 0
        while len(fresh) < n and idle < _PATIENCE:
            before = len(fresh)
            self._drawn += survivors(self._sampler.draw(self._blocks, 1).symbols)
            self._blocks += 1
            fresh = list(told.new(self._drawn))
            idle = 0 if len(fresh) > before else idle + 1
        return fresh[:n]


def _start(text: str, row: int) -> str:
    try:
        return canonical(parse(text))
    except MoleculeError as error:
        raise DataError(f"start {row}: {text[:80]!r} cannot be a start: {error}") from error
