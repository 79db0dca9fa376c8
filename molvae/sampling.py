"""Drawing molecules: codes from a prior, strings from the decoder, and what is kept of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from molvae.checkpoint import Checkpoint
from molvae.chem.environments import environments_of
from molvae.data.reading import in_parts, read_all, survivors
from molvae.errors import DataError
from molvae.nn.critic import Bags
from molvae.nn.sampling import SamplingSettings, Truncation

#: Rows the decoder always works on at once, so that a row's molecule never depends on how many were asked for.
BLOCK = 512
_ROUND = 32  # blocks written before they are read, on all cores
_PATIENCE = 20  # blocks in a row that may bring nothing new before sampling gives up


def write_block(
    checkpoint: Checkpoint,
    codes: NDArray[np.float32],
    truncation: Truncation,
    random: np.random.Generator | None,
    prefix: NDArray[np.int64] | None = None,
) -> list[tuple[str, ...]]:
    """SELFIES symbols written for each of at most BLOCK codes (n, D); see `write_ids`."""
    ids = write_ids(checkpoint, codes, truncation, random, prefix)
    return [tuple(checkpoint.tokenizer.symbols_of(row)) for row in ids.tolist()]


def write_ids(
    checkpoint: Checkpoint,
    codes: NDArray[np.float32],
    truncation: Truncation,
    random: np.random.Generator | None,
    prefix: NDArray[np.int64] | None = None,
) -> Tensor:
    """Ids (n, T) written for each of at most BLOCK codes (n, D), EOS from the end of each on; greedily where there is no `random`.

    A `prefix` (n, P) holds the ids each row starts with, -1 after its last.
    """
    device = next(checkpoint.vae.parameters()).device
    rows = np.resize(codes, (BLOCK, codes.shape[1]))  # always a whole block: see BLOCK
    longest = checkpoint.max_tokens
    uniforms = None if random is None else torch.from_numpy(random.random((BLOCK, longest), dtype=np.float32)).to(device)
    start = None if prefix is None else torch.from_numpy(np.resize(prefix, (BLOCK, prefix.shape[1]))).to(device)
    return checkpoint.vae.write(torch.from_numpy(rows).to(device), truncation, uniforms, longest, start)[: len(codes)]


@dataclass(frozen=True)
class _Draws:
    """Some draws.

    Attributes:
        symbols: what was written, one row a draw.
        chances: a uniform number in [0, 1) a draw, for the critic.
    """

    symbols: list[tuple[str, ...]]
    chances: NDArray[np.float32]


@dataclass(frozen=True)
class Sampler:
    """Draws molecules from a model; block k of the draws depends on the seed and k alone.

    Args:
        checkpoint: the model.
        settings: how to draw.
        seed: of everything random.

    Raises:
        DataError: the settings ask for a learned prior or a critic that the model does not have.
    """

    checkpoint: Checkpoint
    settings: SamplingSettings
    seed: int

    def __post_init__(self) -> None:
        if self.settings.prior == "learned" and self.checkpoint.prior is None:
            raise DataError("this model has no learned prior; fit one (molvae fit-prior) or draw from the gaussian")
        if self.settings.critic and self.checkpoint.critic is None:
            raise DataError("this model has no critic; fit one (molvae fit-critic) or draw without")
        if self.settings.prior in ("written", "none") and not self.checkpoint.vae.sizes.second_face:
            raise DataError(f"this model cannot write without a code, which prior {self.settings.prior!r} needs; draw from the gaussian")

    def raw(self, n: int) -> pd.DataFrame:
        """Everything that n draws wrote."""
        blocks = -(-n // BLOCK)
        rounds = (self.draw(first, min(blocks - first, _ROUND)) for first in range(0, blocks, _ROUND))
        readings = [reading for draws in rounds for reading in read_all(draws.symbols)][:n]
        surviving = sum(r.survives for r in readings)
        return self._frame([r.smiles for r in readings], [r.survives for r in readings], n, surviving, surviving)

    def kept(
        self, n: int, distinct: bool = True, novel: bool = False, progress: Callable[[str, int, int], None] | None = None
    ) -> pd.DataFrame:
        """The first n molecules that survive the round trip and satisfy the critic; `progress` is told how many there are.

        Raises:
            DataError: the model writes too few different ones.
        """
        kept: list[str] = []
        seen: set[str] = set()
        drawn = surviving = accepted = idle = 0
        while True:
            wanted = min(max(int((n - len(kept)) * (drawn + 4) / (accepted + 1) / BLOCK), 1), _ROUND)
            draws = self.draw(drawn // BLOCK, wanted)
            written = survivors(draws.symbols)
            good = self._good(written, draws.chances)
            drawn, accepted = drawn + len(written), accepted + len(good)
            surviving += sum(map(bool, written))
            known = self.checkpoint.index.contains(good)
            before = len(kept)
            for smiles, is_known in zip(good, known.tolist(), strict=True):
                if not (distinct and smiles in seen) and not (novel and is_known):
                    kept.append(smiles)
                    seen.add(smiles)
            if progress:
                progress("molecules", min(len(kept), n), n)
            idle = 0 if len(kept) > before else idle + wanted
            if len(kept) >= n:
                return self._frame(kept[:n], [True] * n, drawn, surviving, accepted)
            if idle >= _PATIENCE:
                raise DataError(f"only {len(kept):,} of {n:,} molecules found in {drawn:,} draws; the model writes nothing new any more")

    def draw(self, first: int, blocks: int) -> _Draws:
        """Some blocks of draws in a row."""
        symbols: list[tuple[str, ...]] = []
        chances = []
        for block in range(first, first + blocks):
            random = np.random.default_rng([self.seed, block])
            noise = random.standard_normal((BLOCK, self.checkpoint.vae.sizes.latent_size), dtype=np.float32)
            symbols += self._write(noise, random)
            chances.append(random.random(BLOCK, dtype=np.float32))
        return _Draws(symbols, np.concatenate(chances))

    def _write(self, noise: NDArray[np.float32], random: np.random.Generator) -> list[tuple[str, ...]]:
        """SELFIES symbols of one block of draws, from its noise (BLOCK, D)."""
        checkpoint, truncation = self.checkpoint, self.settings.truncation
        if self.settings.prior == "none":
            return [tuple(checkpoint.tokenizer.symbols_of(row)) for row in self._without_code(random).tolist()]
        codes = self.codes(noise, random)
        greedily = self.settings.prior == "written"  # what is random was written already
        return write_block(checkpoint, codes, Truncation(0.0) if greedily else truncation, None if greedily else random)

    def _without_code(self, random: np.random.Generator) -> Tensor:
        """Ids of one block written without a code: (BLOCK, T)."""
        blank = self.checkpoint.vae.blank(BLOCK).detach().cpu().numpy()
        return write_ids(self.checkpoint, blank, self.settings.truncation, random)

    @torch.inference_mode()
    def codes(self, noise: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
        """Codes of the prior for noise of N(0, I): (n, D) to (n, D); `random` is for what the prior "written" writes first."""
        prior = self.checkpoint.prior
        if self.settings.prior == "written":
            parts = (noise[start : start + BLOCK] for start in range(0, len(noise), BLOCK))
            return np.concatenate([self._read(self._without_code(random)[: len(part)], part) for part in parts])
        if self.settings.prior != "learned" or prior is None:
            return noise
        return np.asarray(prior.push(torch.from_numpy(noise).to(prior.location.device)).cpu().numpy())

    def _read(self, ids: Tensor, noise: NDArray[np.float32]) -> NDArray[np.float32]:
        """A code from the posterior of each sequence: ids (B, T), noise (B, D) -> (B, D); of an empty one from N(0, I)."""
        lengths = (ids != self.checkpoint.vae.eos).sum(dim=1)
        codes = torch.from_numpy(noise).to(ids.device, copy=True)
        for length in sorted(set(lengths.tolist()) - {0}):
            rows = lengths == length
            posterior = self.checkpoint.vae.encoder(ids[rows, :length])
            codes[rows] = posterior.mean + codes[rows] * torch.exp(0.5 * posterior.log_variance)
        return np.asarray(codes.cpu().numpy())

    def _good(self, written: Sequence[str], chances: NDArray[np.float32]) -> list[str]:
        """Those that survived the round trip (the others are empty), and the critic where it is asked."""
        rows = [row for row, smiles in enumerate(written) if smiles]
        critic = self.checkpoint.critic
        if self.settings.critic and critic is not None:
            bags = Bags(in_parts(environments_of, [written[row] for row in rows]))
            keep = torch.from_numpy(chances[rows]) < critic.acceptance(bags.logits(critic)).cpu()
            rows = [row for row, kept in zip(rows, keep.tolist(), strict=True) if kept]
        return [written[row] for row in rows]

    def _frame(self, smiles: list[str], survives: list[bool], drawn: int, surviving: int, accepted: int) -> pd.DataFrame:
        frame = pd.DataFrame({"smiles": smiles, "valid": [bool(text) for text in smiles], "survives": survives})
        frame["novel"] = ~self.checkpoint.index.contains(smiles) & frame["valid"]
        frame["duplicate"] = frame["smiles"].duplicated() & frame["valid"]
        frame.attrs = {"drawn": drawn, "surviving": surviving / drawn, "accepted": accepted / drawn}
        return frame
