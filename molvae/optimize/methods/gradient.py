"""`gradient`: codes climb an ensemble of small networks that learns scores from codes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from molvae.optimize.methods.latent import Known, LatentMethod, Written
from molvae.optimize.methods.told import Allowed

if TYPE_CHECKING:
    from molvae.model import MolVAE
    from molvae.nn.heads import EnsembleHeads

_Codes = NDArray[np.float32]


@dataclass(frozen=True)
class GradientSettings:
    """How `gradient` searches.

    Attributes:
        first: molecules of the prior (and starts) asked before an ensemble is fitted.
        learned: scores it is fitted to: the better half of these are the best, the rest the latest.
        hidden: width of a layer of its networks.
        members: networks in it, at least 2.
        fits: steps of its optimizer, anew for each ask.
        starts: codes that climb.
        prior: share of these that are drawn from N(0, I), the others around the best molecules.
        widths: how far they start from the molecules, see `molvae.latent.neighbors.codes_around`; each draws one.
        steps: of the ascent.
        stride: length of a step.
        stops: places on the way where a code is decoded, the start not among them.
        each: molecules decoded at each place.
        boldness: least and most standard deviations (of the networks' means) that are added to the expected score, by the code that
            climbs and by the place in a batch.
        typical: weight of the squared distance of a code's length from the square root of D, where N(0, I) lies, in standard deviations
            of the scores.
        temperature: of the decoder.
    """

    first: int = 100
    learned: int = 2000
    hidden: int = 64
    members: int = 4
    fits: int = 300
    starts: int = 128
    prior: float = 0.125
    widths: tuple[float, ...] = (0.5, 1.0)
    steps: int = 16
    stride: float = 0.25
    stops: int = 4
    each: int = 2
    boldness: tuple[float, float] = (0.01, 1.0)
    typical: float = 0.5
    temperature: float = 1.0


class Gradient(LatentMethod):
    """Ascent through heads.

    Each ask fits an ensemble to the codes and scores known, lets codes around the best molecules climb what it expects, and decodes them
    on the way. What was decoded is judged by the code that it is encoded to, and the most promising molecules are asked.

    Args:
        model: encodes and decodes.
        seed: of everything random.
        starts: SMILES to ask first; nothing is learned from those that the model cannot encode.
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
        settings: GradientSettings | None = None,
    ) -> None:
        self._settings = settings or GradientSettings()
        super().__init__(model, seed, starts, allowed, first=self._settings.first, temperature=self._settings.temperature)

    def _proposed(self, n: int, random: np.random.Generator) -> list[str]:
        s, taught = self._settings, self._taught()
        if not taught.teaches:
            return []
        heads = self._fitted(taught, int(random.integers(2**31)))
        codes = self._starts(random)
        bold = np.exp(random.uniform(math.log(s.boldness[0]), math.log(s.boldness[1]), size=len(codes)))
        return self._chosen(heads, self._written(self._climbed(heads, codes, bold), random, s.each), n)

    def _taught(self) -> Known:
        """What the ensemble is fitted to."""
        half = self._settings.learned // 2
        return self._known[np.union1d(self._known.ranked()[:half], np.arange(max(len(self._known) - half, 0), len(self._known)))]

    def _fitted(self, known: Known, seed: int) -> EnsembleHeads:
        from molvae.nn.heads import Column
        from molvae.training.heads import fit_ensemble

        s = self._settings
        fitted = fit_ensemble(known.codes, known.scores[:, None], [Column("score")], log_variances=known.log_variances,
                              hidden=s.hidden, members=s.members, steps=s.fits, batch_size=128, learning_rate=3e-3, seed=seed)  # fmt: skip
        heads: EnsembleHeads = fitted.heads  # type: ignore[assignment]
        return heads

    def _starts(self, random: np.random.Generator) -> _Codes:
        """Codes around good molecules and of the prior, (C, D)."""
        from molvae.latent.neighbors import codes_around

        s = self._settings
        noise = random.standard_normal((s.starts, self._model.latent_size), dtype=np.float32)
        near = self._known[self._known.good(s.starts - round(s.starts * s.prior), random)]
        widths = random.choice(np.array(s.widths, dtype=np.float32), size=(len(near), 1))
        return np.concatenate([codes_around(near.codes, near.log_variances, widths, noise[: len(near)]), noise[len(near) :]])

    def _climbed(self, heads: EnsembleHeads, codes: _Codes, bold: NDArray[np.float64]) -> _Codes:
        """The places on the way up, (stops * C, D)."""
        s, here, stops = self._settings, torch.from_numpy(codes), []
        weights, usual = torch.from_numpy(bold).float(), math.sqrt(codes.shape[1])
        for step in range(1, s.steps + 1):
            here.requires_grad_(True)
            mean, deviation = _belief(heads, here)
            worth = mean + weights * deviation - s.typical * (here.norm(dim=1) - usual).square()
            (slope,) = torch.autograd.grad(worth.sum(), here)
            here = (here + s.stride * slope / slope.norm(dim=1, keepdim=True).clamp(min=1e-12)).detach()
            if step % max(s.steps // s.stops, 1) == 0:
                stops.append(here.numpy())
        return np.concatenate(stops)

    def _chosen(self, heads: EnsembleHeads, found: Written, n: int) -> list[str]:
        """The n most promising molecules, each for another boldness."""
        if not found.smiles:
            return []
        with torch.inference_mode():
            mean, deviation = (part.numpy() for part in _belief(heads, torch.from_numpy(found.codes)))
        free = np.ones(len(mean), dtype=bool)
        chosen: list[int] = []
        for bold in np.geomspace(*self._settings.boldness, num=min(n, len(mean))):
            chosen.append(int(np.argmax(np.where(free, mean + bold * deviation, -np.inf))))
            free[chosen[-1]] = False
        return [found.smiles[row] for row in chosen]


def _belief(heads: EnsembleHeads, codes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation of what the networks expect, (B,) each, in standard deviations of the scores.

    The noise that each of them sees is left out: it is no reason to ask.
    """
    means = heads.members(codes)[0][:, :, 0]
    return means.mean(dim=0), means.std(dim=0)
