"""`random`: molecules of the prior, unguided; what every other method has to beat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from molvae.optimize.methods.told import Allowed, Stream, Told

if TYPE_CHECKING:
    from molvae.model import MolVAE


class Random:
    """Random search: codes of the prior, written at the model's own temperature, kept when they survive the round trip.

    Args:
        model: writes the molecules.
        seed: the same seed gives the same molecules.
        starts: SMILES to ask first.
        allowed: says of a canonical SMILES whether it may be asked at all, for constraints that cost no call; None allows all.
    """

    def __init__(self, model: MolVAE, *, seed: int = 0, starts: Sequence[str] = (), allowed: Allowed | None = None) -> None:
        self._told, self._stream = Told(allowed), Stream(model, seed, starts)

    def ask(self, n: int) -> list[str]:
        """The next n molecules of the prior that are new."""
        return self._stream.new(self._told, n)

    def tell(self, smiles: Sequence[str], scores: Sequence[float | None]) -> None:
        """Remember what was asked."""
        self._told.tell(smiles, scores)
