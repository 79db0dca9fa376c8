"""MolVAE: SMILES in, SMILES out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray

from molvae.checkpoint import Checkpoint
from molvae.chem.molecules import Standardizer
from molvae.chem.selfies import Reading, to_symbols
from molvae.data.reading import read_all
from molvae.errors import DataError, MoleculeError
from molvae.nn.sampling import Truncation
from molvae.pretrained import find_pretrained

if TYPE_CHECKING:
    from molvae.training.recipe import Recipe

#: Rows the decoder always works on at once, so that a row's molecule never depends on how many were asked for.
BLOCK = 512
_ROUND = 32  # blocks written before they are read, on all cores
_PATIENCE = 20  # blocks in a row that may bring nothing new before sampling gives up


@dataclass(frozen=True)
class Encoded:
    """Molecules as codes, with what was refused.

    Attributes:
        codes: posterior means, (n, D); NaN where a molecule was refused.
        smiles: canonical SMILES, empty where refused.
        problems: why a molecule was refused, None where it was not.
    """

    codes: NDArray[np.float32]
    smiles: list[str]
    problems: list[MoleculeError | None]

    @property
    def usable(self) -> list[int]:
        """Rows that were not refused."""
        return [row for row, problem in enumerate(self.problems) if problem is None]


class MolVAE:
    """A trained variational autoencoder over molecules.

    Args:
        checkpoint: weights, tokens and settings; see `from_pretrained`.
        device: where the network runs, e.g. "cpu" or "cuda".
    """

    def __init__(self, checkpoint: Checkpoint, device: str | torch.device = "cpu") -> None:
        self.checkpoint = checkpoint
        self._vae = checkpoint.vae.to(device).eval()
        self._device = torch.device(device)
        self._tokenizer = checkpoint.tokenizer
        self._standardizer = Standardizer(**checkpoint.standardizer)

    @classmethod
    def from_pretrained(cls, name: str | Path = "moses", device: str | torch.device = "cpu") -> MolVAE:
        """Load a model.

        Args:
            name: a bundled name ("moses") or the folder of a checkpoint.
            device: where the network runs.

        Raises:
            CheckpointError: there is no such model, or it is damaged; the message says what is wrong.
        """
        return cls(Checkpoint.load(find_pretrained(name)), device)

    def save_pretrained(self, folder: str | Path) -> None:
        """Write the model as one folder of config.json, tokenizer.json and safetensors; see `molvae.checkpoint`."""
        self.checkpoint.save(Path(folder))

    @classmethod
    def fit(cls, source: str | Path, out: str | Path, recipe: Recipe | None = None, **options: Any) -> MolVAE:
        """Train a model on a file of molecules and save it in the folder `out`; see `molvae.fitting.fit` for the options."""
        from molvae.fitting import fit

        return fit(source, out, recipe, **options)

    @property
    def latent_size(self) -> int:
        """Dimensions of a code."""
        return self._vae.sizes.latent

    def info(self) -> dict[str, Any]:
        """Sizes, tokens, training set, recipe and figures of the model."""
        parameters = sum(p.numel() for p in self._vae.parameters())
        config = self.checkpoint.config()
        return {
            "parameters": parameters,
            "training_molecules": len(self.checkpoint.index),
            "symbols": len(self._tokenizer.symbols),
        } | config

    def sample(
        self,
        n: int = 1000,
        *,
        seed: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        raw: bool = False,
        distinct: bool = True,
        novel: bool = False,
    ) -> pd.DataFrame:
        """Draw codes from N(0, I) and write a molecule for each.

        By default only what survives the round trip is kept: SELFIES repair a slip of the decoder silently, so a string is kept
        when decoding and encoding again gives the very symbols that were written.

        Args:
            n: molecules wanted (rows drawn, with `raw`).
            seed: the same seed gives the same molecules, and a larger n starts with those of a smaller one.
            temperature: of the decoder; 0 is greedy. The model's own default when None.
            top_p: share of the probability kept at each token. The model's own default when None.
            raw: keep everything that was written, one row a draw.
            distinct: drop repeats (not with `raw`).
            novel: drop molecules of the training set (not with `raw`).

        Returns:
            DataFrame of `smiles` (canonical, empty for nothing written), `valid`, `survives`, `novel` (not in the training set;
            4 in 10,000 novel ones are taken for known) and `duplicate` (of an earlier row). `attrs` holds `drawn`, `accepted`
            (share of draws that survive) and `asked`.

        Raises:
            DataError: n molecules cannot be found because the model writes too few different ones.
        """
        if n < 1:
            raise DataError(f"{n} molecules were asked for; at least 1 is needed")
        truncation = self._truncation(temperature, top_p)
        seed = int(np.random.default_rng().integers(2**31)) if seed is None else seed
        frame = self._sample_raw(n, seed, truncation) if raw else self._sample_kept(n, seed, truncation, distinct, novel)
        frame.attrs |= {"asked": n, "seed": seed, "temperature": truncation.temperature, "top_p": truncation.top_p}
        return frame

    def _truncation(self, temperature: float | None, top_p: float | None) -> Truncation:
        default = self.checkpoint.sampling
        return Truncation(default["temperature"] if temperature is None else temperature, default["top_p"] if top_p is None else top_p)

    def _sample_raw(self, n: int, seed: int, truncation: Truncation) -> pd.DataFrame:
        readings: list[Reading] = []
        while len(readings) < n:
            wanted = min(-(-(n - len(readings)) // BLOCK), _ROUND)
            readings += self._draw(len(readings) // BLOCK, wanted, seed, truncation)
        readings = readings[:n]
        return self._frame(readings, drawn=n, surviving=sum(r.survives for r in readings))

    def _sample_kept(self, n: int, seed: int, truncation: Truncation, distinct: bool, novel: bool) -> pd.DataFrame:
        kept: list[Reading] = []
        seen: set[str] = set()
        drawn = surviving = idle = 0
        while True:
            acceptance = (surviving + 1) / (drawn + 4)
            wanted = min(max(int((n - len(kept)) / acceptance / BLOCK), 1), _ROUND)
            readings = self._draw(drawn // BLOCK, wanted, seed, truncation)
            survivors = [r for r in readings if r.survives]
            drawn, surviving = drawn + len(readings), surviving + len(survivors)
            known = self.checkpoint.index.contains([r.smiles for r in survivors])
            before = len(kept)
            for reading, is_known in zip(survivors, known.tolist(), strict=True):
                if not (distinct and reading.smiles in seen) and not (novel and is_known):
                    kept.append(reading)
                    seen.add(reading.smiles)
            idle = 0 if len(kept) > before else idle + wanted
            if len(kept) >= n:
                return self._frame(kept[:n], drawn, surviving)
            if idle >= _PATIENCE:
                raise DataError(f"only {len(kept):,} of {n:,} molecules found in {drawn:,} draws; the model writes nothing new any more")

    def _frame(self, readings: Sequence[Reading], drawn: int, surviving: int) -> pd.DataFrame:
        smiles = [r.smiles for r in readings]
        frame = pd.DataFrame({"smiles": smiles, "valid": [bool(s) for s in smiles], "survives": [r.survives for r in readings]})
        frame["novel"] = ~self.checkpoint.index.contains(smiles) & frame["valid"]
        frame["duplicate"] = frame["smiles"].duplicated() & frame["valid"]
        frame.attrs = {"drawn": drawn, "accepted": surviving / drawn}
        return frame

    def _draw(self, first: int, blocks: int, seed: int, truncation: Truncation) -> list[Reading]:
        """Molecules of some blocks in a row, drawn from the prior; block k depends on the seed and k alone."""
        symbols: list[tuple[str, ...]] = []
        for block in range(first, first + blocks):
            random = np.random.default_rng([seed, block])
            symbols += self._write(random.standard_normal((BLOCK, self.latent_size), dtype=np.float32), truncation, random)
        return read_all(symbols)

    def _write(self, codes: NDArray[np.float32], truncation: Truncation, random: np.random.Generator | None) -> list[tuple[str, ...]]:
        """Symbols written for each code of one block of at most BLOCK rows."""
        rows = np.resize(codes, (BLOCK, self.latent_size))  # always a whole block: see BLOCK
        longest = self.checkpoint.max_tokens
        uniforms = None if random is None else torch.from_numpy(random.random((BLOCK, longest), dtype=np.float32)).to(self._device)
        ids = self._vae.write(torch.from_numpy(rows).to(self._device), truncation, uniforms, longest)
        return [tuple(self._tokenizer.symbols_of(row)) for row in ids[: len(codes)].tolist()]

    def encode(
        self, smiles: str | Iterable[str], *, sample: bool = False, seed: int = 0, refused: Literal["raise", "nan"] = "raise"
    ) -> NDArray[np.float32]:
        """Codes of molecules: posterior means, or one posterior sample each.

        Args:
            smiles: one SMILES or several.
            sample: draw from the posterior instead of taking its mean.
            seed: of the draw.
            refused: "raise" raises DataError for the first molecule that cannot be encoded, with its row and reason; "nan"
                gives it a row of NaN.

        Returns:
            (n, D) float32.
        """
        if refused not in ("raise", "nan"):
            raise DataError(f"refused is {refused!r}, expected 'raise' or 'nan'")
        encoded = self.encode_all([smiles] if isinstance(smiles, str) else list(smiles), sample=sample, seed=seed)
        for row, problem in enumerate(encoded.problems):
            if problem and refused == "raise":
                raise DataError(f"molecule {row} cannot be encoded: {problem}") from problem
        return encoded.codes

    def encode_all(self, smiles: Sequence[str], *, sample: bool = False, seed: int = 0) -> Encoded:
        """Codes of molecules, canonical SMILES and reasons of refusal; never raises for a molecule."""
        canonical = [""] * len(smiles)
        problems: list[MoleculeError | None] = [None] * len(smiles)
        ids: dict[int, NDArray[np.int16]] = {}
        for row, text in enumerate(smiles):
            try:
                standard = self._standardizer(str(text))
                ids[row] = self._tokenizer.encode([to_symbols(standard)])[0]
                canonical[row] = standard
            except MoleculeError as error:
                problems[row] = error
        return Encoded(self._codes(ids, len(smiles), sample, seed), canonical, problems)

    @torch.inference_mode()
    def _codes(self, ids: dict[int, NDArray[np.int16]], n: int, sample: bool, seed: int) -> NDArray[np.float32]:
        codes = np.full((n, self.latent_size), np.nan, dtype=np.float32)
        noise = np.random.default_rng(seed).standard_normal(codes.shape, dtype=np.float32)
        for rows in _equal_lengths(ids):
            batch = torch.from_numpy(np.stack([ids[row] for row in rows]).astype(np.int64)).to(self._device)
            posterior = self._vae.encoder(batch)
            codes[rows] = posterior.mean.cpu().numpy()
            if sample:
                codes[rows] += noise[rows] * np.exp(0.5 * posterior.log_variance.cpu().numpy())
        return codes

    def decode(self, codes: ArrayLike, n: int = 1, *, temperature: float = 0.0, top_p: float = 1.0, seed: int = 0) -> pd.DataFrame:
        """Write molecules for codes.

        Args:
            codes: (m, D) or one code (D,).
            n: molecules a code; with the default temperature of 0 they are all the same.
            temperature: 0 takes the likeliest token at each step.
            top_p: share of the probability kept at each token.
            seed: the same seed gives the same molecules.

        Returns:
            DataFrame of `code` (row in `codes`), `smiles` (empty for nothing written) and `survives`, m * n rows.
        """
        array = self._checked(codes)
        truncation = Truncation(temperature, top_p)
        repeated = np.repeat(array, n, axis=0)
        symbols: list[tuple[str, ...]] = []
        for start in range(0, len(repeated), BLOCK):
            random = np.random.default_rng([seed, start // BLOCK]) if temperature > 0 else None
            symbols += self._write(repeated[start : start + BLOCK], truncation, random)
        readings = read_all(symbols)
        rows = np.repeat(np.arange(len(array)), n)
        return pd.DataFrame({"code": rows, "smiles": [r.smiles for r in readings], "survives": [r.survives for r in readings]})

    def _checked(self, codes: ArrayLike) -> NDArray[np.float32]:
        array = np.atleast_2d(np.asarray(codes, dtype=np.float32))
        if array.ndim != 2 or array.shape[1] != self.latent_size:
            raise DataError(f"codes have shape {array.shape}, expected (n, {self.latent_size})")
        bad = np.flatnonzero(~np.isfinite(array).all(axis=1))
        if len(bad):
            raise DataError(f"code {bad[0]} holds NaN or infinity ({len(bad)} of {len(array)} do)")
        return array

    def decode_greedily(self, encoded: Encoded) -> list[str]:
        """The likeliest canonical SMILES for each code, empty where a molecule was refused."""
        written = [""] * len(encoded.smiles)
        if encoded.usable:
            for row, text in zip(encoded.usable, self.decode(encoded.codes[encoded.usable])["smiles"], strict=True):
                written[row] = text
        return written

    def reconstruct(self, smiles: str | Iterable[str]) -> pd.DataFrame:
        """Encode to the posterior mean and decode greedily.

        Returns:
            DataFrame of `input`, `canonical`, `reconstruction`, `exact` (the same canonical SMILES) and `reason` (why a
            molecule was refused, else empty), one row an input.
        """
        texts = [smiles] if isinstance(smiles, str) else [str(s) for s in smiles]
        encoded = self.encode_all(texts)
        frame = pd.DataFrame({"input": texts, "canonical": encoded.smiles, "reconstruction": self.decode_greedily(encoded)})
        frame["exact"] = (frame["canonical"] == frame["reconstruction"]) & (frame["canonical"] != "")
        return frame.assign(reason=[str(problem or "") for problem in encoded.problems])


def _equal_lengths(ids: dict[int, NDArray[np.int16]]) -> Iterator[list[int]]:
    """Rows grouped by number of tokens, at most BLOCK at a time."""
    by_length: dict[int, list[int]] = {}
    for row, tokens in ids.items():
        by_length.setdefault(len(tokens), []).append(row)
    for rows in by_length.values():
        for start in range(0, len(rows), BLOCK):
            yield rows[start : start + BLOCK]
