"""What the methods that search the latent share: codes of what was told, and new molecules for codes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from molvae.optimize.methods.told import Allowed, Stream, Told

if TYPE_CHECKING:
    from molvae.model import MolVAE

_Floats = NDArray[np.float64]
_Codes = NDArray[np.float32]
_Rows = NDArray[np.int64]

_LEAST = 10  # molecules with a score and a code before anything is learned from them


@dataclass(frozen=True)
class Known:
    """Molecules with a score and a code, in the order they were told.

    Attributes:
        smiles: canonical SMILES.
        scores: (n,).
        codes: posterior means, (n, D).
        log_variances: of the posteriors, (n, D).
    """

    smiles: list[str]
    scores: _Floats
    codes: _Codes
    log_variances: _Codes

    def __len__(self) -> int:
        return len(self.smiles)

    def __getitem__(self, rows: _Rows) -> Known:
        return Known([self.smiles[row] for row in rows], self.scores[rows], self.codes[rows], self.log_variances[rows])

    def __add__(self, later: Known) -> Known:
        both = (self, later)
        codes, log_variances = np.concatenate([each.codes for each in both]), np.concatenate([each.log_variances for each in both])
        return Known(self.smiles + later.smiles, np.concatenate([each.scores for each in both]), codes, log_variances)

    @property
    def teaches(self) -> bool:
        """Whether there is anything to learn: some molecules, not all of the same score."""
        return len(self) >= _LEAST and float(self.scores.min()) < float(self.scores.max())

    def ranked(self) -> _Rows:
        """Rows, the highest score first, the earlier one first among equals."""
        return np.argsort(-self.scores, kind="stable")

    def good(self, n: int, random: np.random.Generator, among: int = 100, greed: float = 0.05) -> _Rows:
        """Rows drawn from the best with a chance that falls as 1 / (greed * among + rank) (Tripp et al. 2020, arXiv:2006.09191), (n,)."""
        best = self.ranked()[:among]
        chances = 1 / (greed * among + np.arange(len(best)))
        return random.choice(best, size=n, p=chances / chances.sum())


@dataclass(frozen=True)
class Written:
    """New molecules that were written for codes.

    Attributes:
        smiles: canonical SMILES, all different, none told before, all allowed.
        codes: posterior means of what was written, (n, D): not the codes it was written for, since a decoder seldom writes quite what
            a code means.
        sources: rows of the codes they were first written for, (n,).
    """

    smiles: list[str]
    codes: _Codes
    sources: _Rows


class LatentMethod(ABC):
    """A method that learns from codes of molecules: the first are of the prior, then each kind proposes in its own way.

    What was told is encoded as it is told, round by round, so that a replay sees the very same numbers.

    Args:
        model: encodes and decodes.
        seed: of everything random.
        starts: SMILES to ask first; nothing is learned from those that the model cannot encode.
        allowed: says of a canonical SMILES whether it may be asked at all, for constraints that cost no call; None allows all.
        first: molecules of the prior (and starts) asked before anything is learned.
        temperature: of the decoder.
    """

    def __init__(self, model: MolVAE, seed: int, starts: Sequence[str], allowed: Allowed | None, *, first: int, temperature: float) -> None:
        self._model, self._seed, self._first, self._temperature = model, seed, first, temperature
        self._told, self._stream = Told(allowed), Stream(model, seed, starts)
        self._known = Known([], np.zeros(0), *(np.zeros((0, model.latent_size), dtype=np.float32) for _ in range(2)))

    def ask(self, n: int) -> list[str]:
        """What the method proposes; molecules of the prior at first, and where it proposes too few."""
        chosen = self._proposed(n, self._random()) if self._ready else []
        if len(chosen) < n:
            chosen += [smiles for smiles in self._stream.new(self._told, n) if smiles not in chosen][: n - len(chosen)]
        return chosen

    def tell(self, smiles: Sequence[str], scores: Sequence[float | None]) -> None:
        """Remember scores, and learn from them."""
        new, ready = self._encoded(smiles, scores), self._ready
        self._told.tell(smiles, scores)
        self._known += new
        if ready:
            self._learn(new)
        elif self._ready:
            self._begin()

    @abstractmethod
    def _proposed(self, n: int, random: np.random.Generator) -> list[str]:
        """At most n new molecules; depends on what was told and `random` alone, and changes nothing."""

    def _begin(self) -> None:  # noqa: B027  a method need not keep anything
        """Told once, when the first molecules are known."""

    def _learn(self, new: Known) -> None:  # noqa: B027
        """Told every later round."""

    @property
    def _ready(self) -> bool:
        return len(self._told) >= self._first and self._known.teaches

    def _random(self) -> np.random.Generator:
        """Depends on the seed and on how much was told, so that a resumed method goes on as it would have."""
        return np.random.default_rng([self._seed, len(self._told)])

    def _encoded(self, smiles: Sequence[str], scores: Sequence[float | None]) -> Known:
        encoded = self._model.encode_all(smiles)
        rows = [row for row in encoded.usable if scores[row] is not None]
        return Known([smiles[row] for row in rows], np.array([scores[row] for row in rows], dtype=np.float64),
                     encoded.codes[rows], encoded.log_variances[rows])  # fmt: skip

    def _written(self, codes: _Codes, random: np.random.Generator, each: int = 1) -> Written:
        """New molecules for codes (m, D), each decoded some times by chance, and the codes they are encoded to."""
        seed = int(random.integers(2**31))
        frame = self._model.decode(codes, each, temperature=self._temperature, seed=seed, surviving=True)
        source = dict(zip(reversed(frame["smiles"]), reversed(frame["code"]), strict=True))  # the first of equals stays
        smiles = list(self._told.new(frame["smiles"]))
        encoded = self._model.encode_all(smiles)
        kept = encoded.usable
        return Written([smiles[row] for row in kept], encoded.codes[kept], np.array([source[smiles[row]] for row in kept], dtype=np.int64))
