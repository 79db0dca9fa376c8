"""MolVAE: SMILES in, SMILES out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray

from molvae.checkpoint import Checkpoint
from molvae.chem.molecules import Standardizer
from molvae.chem.selfies import to_symbols
from molvae.data.reading import in_parts, read_all, survivors
from molvae.errors import DataError, MoleculeError
from molvae.moves import Moves
from molvae.nn.sampling import Prior, Truncation
from molvae.pretrained import find_pretrained
from molvae.sampling import BLOCK, Sampler, write_block

if TYPE_CHECKING:
    from molvae.chem.windows import Where
    from molvae.finetuning import Tuned
    from molvae.training.critic import FittedCritic
    from molvae.training.prior import FittedPrior
    from molvae.training.recipe import Recipe


@dataclass(frozen=True)
class Encoded:
    """Molecules as codes, with what was refused.

    Attributes:
        codes: posterior means (or a sample of each posterior), (n, D); NaN where a molecule was refused.
        log_variances: of the posteriors, (n, D); NaN where a molecule was refused.
        smiles: canonical SMILES, empty where refused.
        problems: why a molecule was refused, None where it was not.
    """

    codes: NDArray[np.float32]
    log_variances: NDArray[np.float32]
    smiles: list[str]
    problems: list[MoleculeError | None]

    @property
    def usable(self) -> list[int]:
        """Rows that were not refused."""
        return [row for row, problem in enumerate(self.problems) if problem is None]


class MolVAE(Moves):
    """A trained variational autoencoder over molecules.

    Args:
        checkpoint: weights, tokens and settings; see `from_pretrained`.
        device: where the network runs, e.g. "cpu" or "cuda".
    """

    def __init__(self, checkpoint: Checkpoint, device: str | torch.device = "cpu") -> None:
        self.checkpoint = checkpoint
        self._vae = checkpoint.vae.to(device).eval()
        for module in (checkpoint.prior, checkpoint.critic, checkpoint.heads):
            if module:
                module.to(device).eval()
        self._device = torch.device(device)
        self._tokenizer = checkpoint.tokenizer
        self._standardizer = Standardizer(**checkpoint.standardizer)

    @classmethod
    def from_pretrained(cls, name: str | Path = "moses", device: str | torch.device = "cpu") -> MolVAE:
        """Load a model.

        Args:
            name: a bundled name ("moses", "zinc250k") or the folder of a checkpoint.
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

    def finetune(self, source: str | Path, out: str | Path, **options: Any) -> Tuned:
        """Tune a copy of the model to the molecules of a file and save it in the folder `out`; see `molvae.finetuning.finetune`."""
        from molvae.finetuning import finetune

        return finetune(self, source, out, **options)

    def fit_prior(self, source: str | Path, **options: Any) -> FittedPrior:
        """Fit a learned prior to the codes of the molecules of a file; see `molvae.second_stage.fit_prior_of` for the options."""
        from molvae.second_stage import fit_prior_of

        return fit_prior_of(self, source, **options)

    def fit_critic(self, source: str | Path, **options: Any) -> FittedCritic:
        """Fit a critic that tells samples from the molecules of a file; see `molvae.second_stage.fit_critic_of` for the options."""
        from molvae.second_stage import fit_critic_of

        return fit_critic_of(self, source, **options)

    @property
    def latent_size(self) -> int:
        """Dimensions of a code."""
        return self._vae.sizes.latent_size

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
        prior: Prior | None = None,
        critic: bool | None = None,
        raw: bool = False,
        distinct: bool = True,
        novel: bool = False,
        where: Where | None = None,
        budget: int | None = None,
        progress: Callable[[str, int, int], None] | None = None,
    ) -> pd.DataFrame:
        """Draw codes from the prior and write a molecule for each.

        By default only what survives the round trip is kept: SELFIES repair a slip of the decoder silently, so a string is kept
        when decoding and encoding again gives the very symbols that were written.

        Args:
            n: molecules wanted (rows drawn, with `raw`).
            seed: the same seed gives the same molecules, and a larger n starts with those of a smaller one.
            temperature: of the decoder; 0 is greedy. The model's own default when None.
            top_p: share of the probability kept at each token. The model's own default when None.
            prior: "gaussian" draws codes from N(0, I), "learned" from the density fitted to the codes of the training molecules, "written"
                from the posteriors of molecules that the model wrote without a code (temperature and top_p are of that writing; the
                codes are decoded greedily), "none" gives those molecules themselves. The model's own default when None.
            critic: of what survives keep each molecule with the probability the model's critic gives, so that those kept come nearer
                to the training molecules. The model's own default when None.
            raw: keep everything that was written, one row a draw.
            distinct: drop repeats (not with `raw`).
            novel: drop molecules of the training set (not with `raw`).
            where: only molecules whose properties lie in windows, such as "logP=2..3,QED>0.8" (see `molvae.chem.windows.windows`), found
                by a search of the latent space (see `molvae.latent.conditional.sample_where`, also for what is returned then). Every
                molecule is checked, the critic is not asked; not with `raw`, repeats or `critic`.
            budget: most decodings of that search; 100 a molecule and at least 50,000 when None.
            progress: told what is counted, how many have been found and how many are wanted; not with `raw`.

        Returns:
            DataFrame of `smiles` (canonical, empty for nothing written), `valid`, `survives`, `novel` (not in the training set;
            4 in 10,000 novel ones are taken for known) and `duplicate` (of an earlier row). `attrs` holds `drawn`, `surviving`
            (share of draws that survive the round trip), `accepted` (share of draws that satisfy the critic too), `asked` and the settings.

        Raises:
            DataError: n molecules cannot be found because the model writes too few different ones, or `where` cannot be understood.
        """
        if n < 1:
            raise DataError(f"{n} molecules were asked for; at least 1 is needed")
        seed = int(np.random.default_rng().integers(2**31)) if seed is None else seed
        asked: dict[str, Any] = {"temperature": temperature, "top_p": top_p, "prior": prior, "critic": critic}
        settings = replace(self.checkpoint.sampling, **{name: value for name, value in asked.items() if value is not None})
        if raw or where is not None:
            settings = replace(settings, critic=False)
        if budget is not None and where is None:
            raise DataError(f"a budget of {budget} decodings goes with where only")
        if where is not None:
            if settings.prior == "none":
                raise DataError("where searches among codes, so it does not go with prior none")
            if raw or critic or not distinct:
                raise DataError("raw, critic and repeats do not go with where: its molecules are checked, distinct and need not be typical")
            from molvae.latent.conditional import sample_where

            frame = sample_where(self, where, n, settings, seed=seed, novel=novel, budget=budget, progress=progress)
        else:
            sampler = Sampler(self.checkpoint, settings, seed)
            frame = sampler.raw(n) if raw else sampler.kept(n, distinct, novel, progress)
        frame.attrs |= {"asked": n, "seed": seed} | asdict(settings)
        return frame

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
        standard = in_parts(partial(_standardized, self._standardizer), [str(text) for text in smiles])
        problems: list[MoleculeError | None] = [None] * len(smiles)
        ids: dict[int, NDArray[np.int16]] = {}
        for row, (_, symbols, problem) in enumerate(standard):
            try:
                if problem:
                    raise problem
                ids[row] = self._tokenizer.encode([symbols])[0]
            except MoleculeError as error:
                problems[row] = error
        canonical = ["" if problem else text for (text, _, _), problem in zip(standard, problems, strict=True)]
        codes, log_variances = self._posteriors(ids, len(smiles))
        if sample:
            noise = np.random.default_rng(seed).standard_normal(codes.shape, dtype=np.float32)
            codes = codes + noise * np.exp(0.5 * log_variances)
        return Encoded(codes, log_variances, canonical, problems)

    @torch.inference_mode()
    def _posteriors(self, ids: dict[int, NDArray[np.int16]], n: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Means and log-variances, (n, D) each."""
        mean, log_variance = (np.full((n, self.latent_size), np.nan, dtype=np.float32) for _ in range(2))
        for rows in _equal_lengths(ids):
            batch = torch.from_numpy(np.stack([ids[row] for row in rows]).astype(np.int64)).to(self._device)
            posterior = self._vae.encoder(batch)
            mean[rows], log_variance[rows] = posterior.mean.cpu().numpy(), posterior.log_variance.cpu().numpy()
        return mean, log_variance

    def log_likelihood(self, smiles: str | Iterable[str]) -> NDArray[np.float64]:
        """Log p(x) in nats of molecules, exact: what the decoder gives them without a code.

        Args:
            smiles: one SMILES or several.

        Returns:
            (n,), NaN where a molecule cannot be encoded.

        Raises:
            DataError: the model was trained without a second face (`[without_code]` of its recipe).
        """
        from molvae.latent.likelihood import log_likelihood_without_code

        return log_likelihood_without_code(self, self.encode_all([smiles] if isinstance(smiles, str) else list(smiles)).smiles)

    def decode(
        self, codes: ArrayLike, n: int = 1, *, temperature: float = 0.0, top_p: float = 1.0, seed: int = 0, surviving: bool = False
    ) -> pd.DataFrame:
        """Write molecules for codes.

        Args:
            codes: (m, D) or one code (D,).
            n: molecules a code; with the default temperature of 0 they are all the same.
            temperature: 0 takes the likeliest token at each step.
            top_p: share of the probability kept at each token.
            seed: the same seed gives the same molecules.
            surviving: leave out what does not survive the round trip (see `sample`), which is quicker than dropping it afterwards.

        Returns:
            DataFrame of `code` (row in `codes`), `smiles` (empty for nothing written) and `survives`; m * n rows unless some are left out.
        """
        array = self._checked(codes)
        truncation = Truncation(temperature, top_p)
        repeated = np.repeat(array, n, axis=0)
        symbols: list[tuple[str, ...]] = []
        for start in range(0, len(repeated), BLOCK):
            random = np.random.default_rng([seed, start // BLOCK]) if temperature > 0 else None
            symbols += write_block(self.checkpoint, repeated[start : start + BLOCK], truncation, random)
        rows = np.repeat(np.arange(len(array)), n)
        if surviving:
            frame = pd.DataFrame({"code": rows, "smiles": survivors(symbols), "survives": True})
            return frame[frame["smiles"] != ""].reset_index(drop=True)
        readings = read_all(symbols)
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


def _standardized(standardizer: Standardizer, smiles: Sequence[str]) -> list[tuple[str, list[str], MoleculeError | None]]:
    """Canonical SMILES and symbols of each molecule, or why it is refused."""
    found: list[tuple[str, list[str], MoleculeError | None]] = []
    for text in smiles:
        try:
            standard = standardizer(text)
            found.append((standard, to_symbols(standard), None))
        except MoleculeError as error:
            found.append(("", [], error))
    return found


def _equal_lengths(ids: dict[int, NDArray[np.int16]]) -> Iterator[list[int]]:
    """Rows grouped by number of tokens, at most BLOCK at a time."""
    by_length: dict[int, list[int]] = {}
    for row, tokens in ids.items():
        by_length.setdefault(len(tokens), []).append(row)
    for rows in by_length.values():
        for start in range(0, len(rows), BLOCK):
            yield rows[start : start + BLOCK]
