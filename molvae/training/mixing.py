"""A user's own molecules and old ones, in proportion, for a model that shall learn the first and not forget the second."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from molvae.data.corpus import Corpus
from molvae.data.joined import Joined
from molvae.data.novelty import TrainingIndex
from molvae.training.trainer import Split, TokenSource, split_at_random

#: Own molecules held out, at most, and at most a tenth.
HELD_OUT = 2_000
_DRAWS = 256  # codes drawn for the held-out molecules at an evaluation, at least


@dataclass(frozen=True)
class Material:
    """What is trained on and held out.

    Args:
        own: the user's molecules.
        mixed: old molecules, of the same tokens, or None.
        mix: share of the old ones among those trained on.
        seed: of the choice of those held out.
    """

    own: Corpus
    mixed: Corpus | None
    mix: float
    seed: int

    @property
    def tokens(self) -> TokenSource:
        """All molecules, the own first."""
        return Joined(self.own, self.mixed) if self.mixed else self.own

    @property
    def parts(self) -> Split:
        """The own molecules trained on and held out."""
        return split_at_random(len(self.own), HELD_OUT, self.seed)

    @property
    def turns(self) -> Split:
        """The parts as training takes them: own and old molecules repeated to be in proportion, those held out for many draws."""
        train, validation = self.parts.train, np.repeat(self.parts.validation, -(-_DRAWS // len(self.parts.validation)))
        if self.mixed is None:
            return Split(train, validation)
        old = max(len(self.mixed), round(len(train) * self.mix / (1 - self.mix)))
        numbers = np.resize(len(self.own) + np.arange(len(self.mixed)), old)
        return Split(np.concatenate([np.resize(train, max(len(train), round(old * (1 - self.mix) / self.mix))), numbers]), validation)

    @property
    def index(self) -> TrainingIndex:
        """All molecules of both."""
        own = TrainingIndex.of(self.own.fingerprints)
        return own | TrainingIndex.of(self.mixed.fingerprints) if self.mixed else own
