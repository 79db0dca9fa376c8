"""A copy of the model that is tuned to the best molecules as a campaign goes on."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from molvae.chem.selfies import to_symbols
from molvae.errors import MoleculeError
from molvae.optimize.methods.told import Told

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from molvae.model import MolVAE

_BEST = 500  # molecules that are replayed
_GREED = 0.01  # rank coefficient, as in Genetic-guided GFlowNet (Kim et al. 2024, arXiv:2402.05961)


class TunedModel:
    """The model as it is after some scores: tuned a step further whenever so many more are known.

    What is tuned to follows from the first scores alone, those up to the step, so a campaign that goes on after a kill has the same model.

    Args:
        model: stays as it is.
        every: scores between two steps; 0 never tunes.
        steps: batches of a step.
        seed: of the draws.
    """

    def __init__(self, model: MolVAE, every: int, steps: int, seed: int) -> None:
        self._model, self._every, self._steps, self._seed = model, every, steps, seed
        self._done = 0

    def after(self, told: Told) -> MolVAE:
        """The model for what was told."""
        smiles, scores = told.scored()
        while self._every and len(smiles) >= self._every * (self._done + 1):
            self._done += 1
            known = self._every * self._done
            self._tune(smiles[:known], scores[:known])
        return self._model

    def _tune(self, smiles: list[str], scores: NDArray[np.float64]) -> None:
        from molvae.model import MolVAE
        from molvae.training.replay import replay

        order = np.argsort(-scores, kind="stable")[:_BEST]
        ids = [ids for row in order.tolist() if (ids := self._spelt(smiles[row])) is not None]
        if not ids:
            return
        vae = copy.deepcopy(self._model.checkpoint.vae)
        chances = 1 / (_GREED * len(ids) + np.arange(len(ids)))
        replay(vae, ids, chances / chances.sum(), steps=self._steps, seed=self._seed * 1000 + self._done)
        self._model = MolVAE(replace(self._model.checkpoint, vae=vae), next(vae.parameters()).device)

    def _spelt(self, smiles: str) -> NDArray[np.int16] | None:
        """Tokens of a molecule; None where the model lacks a symbol."""
        try:
            return self._model.checkpoint.tokenizer.encode([to_symbols(smiles)])[0]
        except MoleculeError:
            return None
