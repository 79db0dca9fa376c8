"""Corrupted SMILES and SELFIES to the molecules that were probably meant, by the noisy channel.

Candidates come from a beam search over what the text may have been (`molvae.data.spelling`; its language is learnt from molecules that
the model writes) and, for SELFIES, from the network: merged tokens replaced by what it expects in their place (`substitutions`).
They are ranked by -log p(molecule) - log p(text | molecule): how
unlikely the model finds the molecule, and how unlikely it was spoilt into this text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

import joblib
import numpy as np
import pandas as pd
import torch

from molvae.chem.brackets import Brackets
from molvae.chem.molecules import Standardizer
from molvae.chem.selfies import split, to_text
from molvae.data.reading import survivors
from molvae.data.spelling import Channel, Correction, Corrector, Language, Units
from molvae.errors import DataError, MoleculeError
from molvae.latent.likelihood import negative_log_likelihood
from molvae.latent.substitutions import substitutions
from molvae.latent.texts import Format, Text, read_text
from molvae.model import MolVAE

#: The longest text that is searched, in characters for SMILES, in symbols for SELFIES.
LONGEST = 400
_EXAMPLES = 8_192  # codes decoded to learn the language from
_SAMPLES = 4  # codes a candidate is weighed with
_CHOICES = (64, 16)  # tokens tried at each place, first with one replaced, then with two
_BEAMS = 4  # with one replaced, that go on to two
_KEPT = 100  # of each
_ALONE = 4  # texts from which on other processes are worth their start
#: Slips of whole tokens: one replaced is any of some 500 others.
TOKENS = Channel(lost=8.0, swapped=8.0, replaced=8.0, added=8.0)


@dataclass(frozen=True)
class Candidate:
    """A molecule that may have been meant.

    Attributes:
        smiles: canonical.
        channel: -log p(text | molecule) in nats, of the slips that are assumed.
        edits: how many slips.
    """

    smiles: str
    channel: float
    edits: int


def denoise(model: MolVAE, texts: Iterable[str], *, n: int = 5, seed: int = 0, kind: Format = "auto", trust: bool = True) -> pd.DataFrame:
    """The molecules that corrupted SMILES or SELFIES probably were, the likeliest first.

    Mended are units (characters, symbols, merged tokens) lost, swapped, replaced or added, rings and branches left open, and symbols
    that are misspelt. The first call for a model takes some seconds in which its language is learnt.

    Args:
        model: the model.
        texts: one text or several; they may be of both kinds.
        n: molecules a text at most.
        seed: of the codes; a row's molecules depend on it and on its text alone.
        kind: "smiles", "selfies", or "auto", which takes for SELFIES what stands in brackets the model mostly knows as symbols.
        trust: take a text that reads as a molecule at its word: it alone comes back, marked intact. False says that every text is
            known to be corrupted, so that the molecule it spells is left out.

    Returns:
        DataFrame of `row` (place in `texts`, from 0), `input`, `rank` (from 1), `smiles` (canonical), `score` (-log p(molecule) -
        log p(text | molecule) in nats, lower is likelier; of an intact text the first part alone, NaN where the model has no symbols
        for it), `share` (of the probability of all candidates found for the text), `edits` (slips between the text and the molecule
        as it was probably written) and `intact`. `attrs["problems"]` says for each row without a molecule why (MoleculeError).

    Raises:
        DataError: n below 1, an unknown kind, or a model that is a plain autoencoder, which has no likelihood.
    """
    given = [texts] if isinstance(texts, str) else [str(text).strip() for text in texts]
    if n < 1:
        raise DataError(f"{n} molecules a text were asked for; at least 1 is needed")
    if kind not in ("auto", "smiles", "selfies"):
        raise DataError(f"kind is {kind!r}, expected 'auto', 'smiles' or 'selfies'")
    read = [read_text(model, text, kind) for text in given]
    problems = {row: problem for row, text in enumerate(read) if (problem := _problem(text, trust))}
    found = {row: [Candidate(text.own, 0.0, 0)] for row, text in enumerate(read) if text.own and trust}
    search = [row for row in range(len(read)) if row not in problems and row not in found]
    if search:
        found |= dict(zip(search, Denoiser.of(model).candidates([read[row] for row in search], seed), strict=True))
    scores = _scores(model, {candidate.smiles for row in search for candidate in found[row]} | {read[r].own for r in found}, seed)
    parts = [_ranked(row, given[row], candidates, scores, n, row not in search) for row, candidates in sorted(found.items())]
    lines = [line for part in parts for line in part]
    problems |= {row: MoleculeError("nothing sensible found near it") for row in set(search) - {line["row"] for line in lines}}
    return _table(lines, problems)


def _problem(text: Text, trust: bool) -> MoleculeError | None:
    """Why a text is not worked on."""
    if not text.units:
        return MoleculeError("empty")
    if len(text.units) > LONGEST and not (text.own and trust):
        return MoleculeError("too long to search", f"{len(text.units)} characters or symbols, at most {LONGEST}")
    return None


def _table(lines: list[dict[str, Any]], problems: dict[int, MoleculeError]) -> pd.DataFrame:
    columns = ["row", "input", "rank", "smiles", "score", "share", "edits", "intact"]
    frame = pd.DataFrame(lines, columns=columns)
    frame.attrs["problems"] = dict(sorted(problems.items()))
    return frame


def _ranked(row: int, text: str, candidates: list[Candidate], scores: dict[str, float], n: int, intact: bool) -> list[dict[str, Any]]:
    """The n best candidates of a text."""
    total = {c.smiles: scores[c.smiles] + c.channel for c in candidates if intact or np.isfinite(scores[c.smiles])}
    best = sorted((c for c in candidates if c.smiles in total), key=lambda c: (total[c.smiles], c.smiles))
    weights = np.exp(min(total.values(), default=0.0) - np.array([total[c.smiles] for c in best]))
    shares = np.ones(1) if intact else weights / max(weights.sum(), 1e-300)
    head = {"row": row, "input": text}
    return [
        head | {"rank": rank, "smiles": c.smiles, "score": total[c.smiles], "share": share, "edits": c.edits, "intact": intact}
        for rank, (c, share) in enumerate(zip(best[:n], shares.tolist(), strict=False), 1)
    ]


def _scores(model: MolVAE, smiles: set[str], seed: int, samples: int = _SAMPLES) -> dict[str, float]:
    """-log p of molecules in nats, NaN where the model has no symbols for one."""
    ordered = sorted(smiles)
    encoded = model.encode_all(ordered)
    return dict(zip(ordered, negative_log_likelihood(model, encoded, samples=samples, seed=seed).tolist(), strict=True))


class Denoiser:
    """The languages of a model, and the searches in them.

    Args:
        model: the model.
    """

    _made: ClassVar[WeakKeyDictionary[MolVAE, Denoiser]] = WeakKeyDictionary()

    def __init__(self, model: MolVAE) -> None:
        self._checkpoint = model.checkpoint
        codes = np.random.default_rng(0).standard_normal((_EXAMPLES, model.latent_size), dtype=np.float32)
        drawn = model.decode(codes, temperature=model.checkpoint.sampling.temperature, surviving=True)
        examples = list(dict.fromkeys(drawn["smiles"]))
        symbols = [split(to_text(text)) for text in examples]
        self._characters = Corrector(Language(examples, 6), Channel(), Brackets())
        self._symbols = Corrector(Language(symbols, 6))

    @classmethod
    def of(cls, model: MolVAE) -> Denoiser:
        """The denoiser of a model, made once (some seconds)."""
        if model not in cls._made:
            cls._made[model] = cls(model)
        return cls._made[model]

    def candidates(self, texts: Sequence[Text], seed: int) -> list[list[Candidate]]:
        """What each text may have meant, its own molecule left out."""
        found: list[list[Candidate]] = [[] for _ in texts]
        for selfies in (False, True):
            rows = [row for row, text in enumerate(texts) if text.selfies == selfies]
            units = [texts[row].units for row in rows]
            for row, each in zip(rows, (self._of_selfies(units, seed) if selfies else self._of_smiles(units)), strict=True):
                found[row] = [_respelt(c, texts[row].respelt) for c in _best(each) if c.smiles != texts[row].own]
        return found

    def _of_smiles(self, texts: list[Units]) -> list[list[Candidate]]:
        return [
            [Candidate(smiles, c.channel, c.edits) for c in each if (smiles := self._molecule(c.units))]
            for each in spread(self._characters.corrections, texts)
        ]

    def _molecule(self, characters: Units) -> str:
        """Canonical SMILES of a corrected SMILES, empty where it is no molecule."""
        try:
            return Standardizer(**self._checkpoint.standardizer)("".join(characters))
        except MoleculeError:
            return ""

    def _of_selfies(self, texts: list[Units], seed: int) -> list[list[Candidate]]:
        found = []
        for read, corrections in zip(texts, spread(self._symbols.corrections, texts), strict=True):
            by_symbol = {c.units: (c.channel, c.edits) for c in corrections}
            ids = self._ids(read)
            written = list(dict.fromkeys([*by_symbol, *self._proposals(ids, seed)]))
            whole = [(symbols, smiles) for symbols, smiles in zip(written, survivors(written), strict=True) if smiles]
            ways = [min(by_symbol.get(symbols, (np.inf, 0)), self._by_token(symbols, ids)) for symbols, _ in whole]
            found.append([Candidate(smiles, *way) for (_, smiles), way in zip(whole, ways, strict=True)])
        return found

    def _by_token(self, symbols: Units, read: list[int]) -> tuple[float, int]:
        """What it costs to read tokens for symbols, and the number of slips."""
        return TOKENS.cost(tuple(map(str, self._ids(symbols))), tuple(map(str, read)))

    def _proposals(self, ids: list[int], seed: int) -> list[Units]:
        """What the network makes of tokens: some of them replaced."""
        if not ids:
            return []
        vae, generator = self._checkpoint.vae, torch.Generator().manual_seed(seed)
        tokens = torch.tensor(ids, device=next(vae.parameters()).device)
        replaced = substitutions(vae, tokens, _CHOICES, beams=_BEAMS, keep=_KEPT, generator=generator)
        return [tuple(self._checkpoint.tokenizer.symbols_of(row)) for row in replaced.tolist()]

    def _ids(self, symbols: Sequence[str]) -> list[int]:
        """Token ids of the symbols that the model has."""
        tokenizer = self._checkpoint.tokenizer
        if tokenizer.notation == "selfies":
            symbols = [symbol for symbol in symbols if symbol in tokenizer]
        try:
            return [int(i) for i in tokenizer.encode([symbols])[0]]
        except MoleculeError:  # spoilt SELFIES may have no relative symbols
            return []


def _respelt(candidate: Candidate, symbols: int) -> Candidate:
    """A candidate that symbols taken for others count against."""
    return replace(candidate, channel=candidate.channel + symbols * Channel().replaced, edits=candidate.edits + symbols)


def _best(candidates: list[Candidate]) -> list[Candidate]:
    """Each molecule once, by the way that costs least."""
    cheapest: dict[str, Candidate] = {}
    for candidate in candidates:
        if candidate.smiles not in cheapest or candidate.channel < cheapest[candidate.smiles].channel:
            cheapest[candidate.smiles] = candidate
    return list(cheapest.values())


def spread(work: Callable[[Units], list[Correction]], texts: list[Units]) -> list[list[Correction]]:
    """`work` on each text, on all cores where there are several."""
    jobs = joblib.cpu_count() if len(texts) >= _ALONE else 1
    parts = [texts[start::jobs] for start in range(jobs)]
    done = joblib.Parallel(n_jobs=jobs)(joblib.delayed(_each)(work, part) for part in parts)
    return [done[row % jobs][row // jobs] for row in range(len(texts))]


def _each(work: Callable[[Units], list[Correction]], texts: list[Units]) -> list[list[Correction]]:
    return [work(text) for text in texts]
