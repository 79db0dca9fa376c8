"""Walks between two molecules: from one to the other in small steps, each a molecule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from molvae.chem.molecules import parse
from molvae.chem.properties import compute, lookup
from molvae.chem.similarity import bit_matrix, tanimoto
from molvae.errors import DataError
from molvae.latent.likelihood import writing_cost
from molvae.latent.neighbors import codes_around
from molvae.latent.paths import slerp, smoothest, straight
from molvae.sampling import BLOCK

if TYPE_CHECKING:
    from molvae.model import Encoded, MolVAE

#: How a walk goes: a straight line or an arc between the codes, or a chain of small structural steps through molecules around them.
Method = Literal["path", "slerp", "linear"]

_Floats = NDArray[np.float32]
_BLOCKS = 10  # of codes, of which all but the first are drawn where the structure jumps
_PATIENCE = 20  # blocks at most where too few molecules are found
_RADII = (0.25, 0.5, 1.0, 1.5)  # of the codes around a path, see `codes_around`
_POWER = 8  # of a jump in the cost of a chain: the largest decides
_NAT = 1e-5  # cost of a nat of -log p(x|z), in jumps to that power: decides between nearly equal jumps
_LEAST_LOG_VARIANCE = -12.0  # as the encoder of a VAE; that of an autoencoder has none


def interpolate(
    model: MolVAE,
    a: str,
    b: str,
    *,
    steps: int = 8,
    method: Method = "path",
    properties: Sequence[str] | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Molecules on the way from one to another, both included.

    A block of codes is drawn all along the way and written, then more where the structure jumps most. Of all molecules that survive the
    round trip the chain is taken that has exactly `steps` different ones, goes forward, and whose largest Tanimoto distances are smallest;
    among nearly equal ones the likelier molecule is taken.

    Args:
        model: the model.
        a: where to start, a SMILES.
        b: where to end, a SMILES.
        steps: molecules wanted, a and b included; fewer come back where no more are found.
        method: "path" looks for molecules all around, and around those it has found; "slerp" and "linear" only along the arc or the
            straight line between the two codes, which is for looking at the latent space rather than for a smooth walk.
        properties: names of properties to add, see `molvae.chem.properties`; its usual ones when None.
        seed: the same seed gives the same molecules.

    Returns:
        DataFrame of `step` (from 0), `t` (from 0 to 1: along the line, or for "path" the share of the Tanimoto distance to a in the sum
        of those to a and b), `smiles` (canonical), `similarity_to_a`, `similarity_to_b`, `similarity_to_previous` (Tanimoto, Morgan
        fingerprints of radius 2; NaN in the first row) and the properties. One row where a and b are the same molecule.
        `attrs` holds `asked`, `found` (different molecules to choose from), `method` and `seed`.

    Raises:
        DataError: a or b cannot be encoded (with the reason), or an argument is out of its range.
    """
    if steps < 2:
        raise DataError(f"{steps} steps were asked for; a and b alone are 2")
    if method not in get_args(Method):
        raise DataError(f"method is {method!r}, expected one of {', '.join(get_args(Method))}")
    lookup(properties or [])
    ends = encoded_all(model, [a, b])
    walk = _Walk(model, ends, method, seed)
    chain = [0, 1] if ends.smiles[0] != ends.smiles[1] else [0]
    while len(chain) > 1 and (walk.blocks < _BLOCKS or (len(walk.smiles) < steps and walk.blocks < _PATIENCE)):
        walk.explore(chain)
        chain = walk.chain(steps)
    frame = _table([walk.smiles[row] for row in chain], walk.order[chain].tolist(), properties)
    frame.attrs = {"asked": steps, "found": len(set(walk.smiles)), "method": method, "seed": seed}
    return frame


def encoded_all(model: MolVAE, smiles: Sequence[str]) -> Encoded:
    """Posteriors of molecules; raises DataError, with the reason, where one is refused."""
    encoded = model.encode_all(smiles)
    for text, problem in zip(smiles, encoded.problems, strict=True):
        if problem:
            raise DataError(f"{text!r} cannot be encoded: {problem}") from problem
    return encoded


class _Walk:
    """Molecules found between two, which are the first two rows.

    Args:
        model: the model.
        ends: the two.
        method: as of `interpolate`.
        seed: of the codes drawn.

    Attributes:
        smiles: n different molecules.
        order: how far along each is, 0 to 1, (n,).
        blocks: blocks of codes drawn.
    """

    def __init__(self, model: MolVAE, ends: Encoded, method: Method, seed: int) -> None:
        self._model, self._ends, self._method, self._seed = model, ends, method, seed
        self._line = straight if method == "linear" else slerp
        self.smiles = list(ends.smiles)
        self._bits = bit_matrix(map(parse, self.smiles))
        self._nats = np.zeros(2)  # the ends are there whatever they cost
        self.order = np.array([0.0, 1.0])
        self.blocks = 0

    def chain(self, steps: int) -> list[int]:
        """Rows of the smoothest chain."""
        distances = 1 - tanimoto(self._bits, self._bits)
        return smoothest(distances**_POWER + np.float32(_NAT) * self._nats.astype(np.float32), self.order, steps)

    def explore(self, chain: Sequence[int]) -> None:
        """Write a block of codes between the neighbours of a chain, most where the jump is largest, and keep what is new."""
        random = np.random.default_rng([self._seed, self.blocks])
        bits = self._bits[chain]
        jumps = (1 - np.diag(tanimoto(bits[:-1], bits[1:])).astype(np.float64) + 1e-3) ** 4
        left = random.choice(len(jumps), BLOCK, p=jumps / jumps.sum())
        share = random.random((BLOCK, 1), dtype=np.float32)
        means, log_variances = self._posteriors(chain)
        middle = self._line(means[left], means[left + 1], share)
        width = straight(log_variances[left], log_variances[left + 1], share)
        noise = random.standard_normal(middle.shape, dtype=np.float32)
        codes = codes_around(middle, width, self._radii(random), noise)
        along = self.order[chain]
        self._add(codes, along[left] + share[:, 0] * (along[left + 1] - along[left]))
        self.blocks += 1

    def _posteriors(self, chain: Sequence[int]) -> tuple[_Floats, _Floats]:
        """Means and log-variances, (n, D) each: those of the molecules of a chain, or of where on the line they were found."""
        if self._method == "path":
            encoded = self._model.encode_all([self.smiles[row] for row in chain])
            means, log_variances = encoded.codes, encoded.log_variances
        else:
            t = self.order[chain].astype(np.float32)[:, None]
            a, b = np.repeat(self._ends.codes[:, None], len(t), axis=1)
            means, log_variances = self._line(a, b, t), straight(self._ends.log_variances[0], self._ends.log_variances[1], t)
        return means, np.maximum(log_variances, _LEAST_LOG_VARIANCE)

    def _radii(self, random: np.random.Generator) -> _Floats:
        """How far from the line each code is, (BLOCK, 1): not at all on a line, while enough is found there."""
        if self._method != "path" and self.blocks < _BLOCKS:
            return np.zeros((BLOCK, 1), dtype=np.float32)
        return random.choice(np.array(_RADII, dtype=np.float32), (BLOCK, 1))

    def _add(self, codes: _Floats, along: NDArray[np.float64]) -> None:
        """Keep the new molecules of some codes that survive the round trip."""
        sampling = self._model.checkpoint.sampling
        written = self._model.decode(
            codes, temperature=sampling.temperature, top_p=sampling.top_p, seed=self._seed + self.blocks, surviving=True
        )
        fresh = written[~written["smiles"].isin(self.smiles)].drop_duplicates("smiles")
        new, rows = fresh["smiles"].tolist(), fresh["code"].to_numpy()
        bits = bit_matrix(map(parse, new))
        if self._method == "path":
            apart = 1 - tanimoto(bits, self._bits[:2]).astype(np.float64)  # (n, 2): from a and from b
            along = apart[:, 0] / np.maximum(apart.sum(axis=1), 1e-9)
        else:
            along = along[rows]
        self.smiles += new
        self._bits = np.concatenate([self._bits, bits])
        self._nats = np.concatenate([self._nats, writing_cost(self._model, codes[rows], new)])
        self.order = np.concatenate([self.order, along])


def _table(smiles: list[str], t: Sequence[float], properties: Sequence[str] | None) -> pd.DataFrame:
    bits = bit_matrix(map(parse, smiles))
    similar = tanimoto(bits, bits).astype(float).round(4)
    columns = {
        "step": range(len(smiles)),
        "t": t,
        "smiles": smiles,
        "similarity_to_a": similar[:, 0],
        "similarity_to_b": similar[:, -1],
        "similarity_to_previous": [np.nan, *np.diag(similar, 1)],
    }
    return pd.concat([pd.DataFrame(columns), compute(smiles, properties)], axis=1)
