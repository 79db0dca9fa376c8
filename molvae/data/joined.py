"""Two corpora as one, so that a model can be trained on both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molvae.data.corpus import Corpus


@dataclass(frozen=True)
class Joined:
    """Two corpora of the same tokens as one; the molecules of the second are numbered after those of the first.

    Args:
        first: molecules 0 to n - 1.
        second: molecules n on.
    """

    first: Corpus
    second: Corpus

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each molecule, (n + m,)."""
        return np.concatenate([self.first.lengths, self.second.lengths])

    def batch(self, molecules: NDArray[np.int64]) -> NDArray[np.int64]:
        """Ids of molecules of one length: (B, T)."""
        behind = molecules >= len(self.first)
        parts = [(self.first, molecules[~behind]), (self.second, molecules[behind] - len(self.first))]
        ids = np.concatenate([corpus.batch(numbers) for corpus, numbers in parts if len(numbers)])
        return np.asarray(ids[np.argsort(np.argsort(behind, kind="stable"), kind="stable")])
