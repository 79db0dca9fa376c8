"""Molecules that contain a scaffold: grown from it by the decoder, and found around its code."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rdkit import Chem

from molvae.chem.filters import passes
from molvae.chem.molecules import parse
from molvae.chem.properties import compute
from molvae.chem.substructure import Scaffold, read_scaffold, spelled_up_to
from molvae.data.reading import read_all
from molvae.errors import DataError, MoleculeError
from molvae.latent.likelihood import negative_log_likelihood
from molvae.latent.neighbors import codes_around
from molvae.model import Encoded
from molvae.nn.sampling import Truncation
from molvae.sampling import BLOCK, write_block

if TYPE_CHECKING:
    from molvae.model import MolVAE

_TEMPERATURE = 0.7  # of the decoder
_CHOICE = 3  # molecules found for each one asked for, of which the likeliest are kept
_NEAR, _FAR = 0.7, 2.0  # radii of the codes around a parent
_AS_IT_IS = 0.5  # share of the growth that starts from the bare scaffold
_TOKENS = 4  # room a prefix must leave


@dataclass(frozen=True)
class Budget:
    """What a search may spend; one of the two is infinite.

    Attributes:
        seconds: of wall clock; the round it ends in is finished.
        draws: codes drawn.
    """

    seconds: float
    draws: float

    @classmethod
    def of(cls, text: str | int) -> Budget:
        """Read "20s" as seconds, and "20000" or 20000 as draws.

        Raises:
            DataError: neither, or nothing to spend.

        >>> Budget.of("1.5s"), Budget.of(512)
        (Budget(seconds=1.5, draws=inf), Budget(seconds=inf, draws=512.0))
        """
        found = re.fullmatch(r"(\d+(?:\.\d+)?)(s?)", str(text).strip())
        if not found or not float(found[1]):
            raise DataError(f"the budget is {text!r}, expected seconds such as 20s or a number of draws such as 20000")
        amount = float(found[1])
        return cls(amount, np.inf) if found[2] else cls(np.inf, amount)


def complete(
    model: MolVAE, scaffold: str, n: int = 100, *, budget: str | int = "20s", properties: Sequence[str] | None = None, seed: int = 0
) -> pd.DataFrame:
    """Distinct molecules that contain a scaffold, the likeliest first; every one is checked to contain it and to be larger.

    The decoder writes the scaffold's own symbols, atoms in random order up to one that may grow, and goes on from there as it
    likes; what was found is grown further, and searched around in the latent space. Of three times as many as asked for the likeliest
    are kept.

    Args:
        model: the model.
        scaffold: SMILES, or SMARTS where it is no SMILES. With attachment points (*) molecules are joined to it there only, by
            a bond of that kind and no more of them; an attachment point may stay free.
        n: molecules wanted.
        budget: "20s" for seconds, a number for draws (codes drawn). Fewer than n come back when it does not suffice.
        properties: names of properties to add, see `molvae.chem.properties`; its usual ones when None.
        seed: the same seed gives the same molecules, unless the search ends because its seconds are spent.

    Returns:
        DataFrame of `smiles` (canonical), `nll` (-log p in nats, an upper bound), `passes` (the filters of MOSES) and the properties.
        `attrs` holds `scaffold`, `asked`, `found` (before the choice), `drawn`, `seconds`, `seed` and `refused` (why the bare scaffold
        cannot be encoded, or an empty string).

    Raises:
        DataError: the scaffold cannot be read (with the reason), or an argument is out of its range.
    """
    if n < 1:
        raise DataError(f"{n} molecules were asked for; at least 1 is needed")
    limit, start = Budget.of(budget), time.perf_counter()
    try:
        search = _Search(model, read_scaffold(scaffold), seed)
    except MoleculeError as error:
        raise DataError(f"the scaffold {scaffold!r} cannot be read: {error}") from error
    while len(search.found) < _CHOICE * n and search.drawn < limit.draws and time.perf_counter() - start < limit.seconds:
        search.round()
    frame = _table(model, search.found, n, properties)
    frame.attrs = {"scaffold": scaffold, "asked": n, "found": len(search.found), "drawn": search.drawn, "seed": seed}
    frame.attrs |= {"seconds": time.perf_counter() - start, "refused": search.refused}
    return frame


@dataclass(frozen=True)
class _Parent:
    """A molecule to grow from or to search around.

    Attributes:
        smiles: canonical.
        code: its posterior mean, (D,).
        log_variance: of its posterior, (D,).
    """

    smiles: str
    code: NDArray[np.float32]
    log_variance: NDArray[np.float32]


@dataclass
class _Search:
    """A search for molecules with a scaffold; round k depends on the seed and the rounds before it.

    Attributes:
        found: the molecules, by their canonical SMILES.
        drawn: codes drawn so far.
        refused: why the bare scaffold cannot be encoded, or an empty string.
    """

    model: MolVAE
    scaffold: Scaffold
    seed: int
    found: dict[str, _Parent] = field(default_factory=dict)
    drawn: int = 0
    refused: str = ""

    def __post_init__(self) -> None:
        bare = self.model.encode_all([self.scaffold.example])
        self.refused = str(bare.problems[0] or "")
        self._bare = None if self.refused else _parents(bare)[0]

    def round(self) -> None:
        """Draw a block of codes around what there is, and one more with the strings of what there is as prefixes."""
        random = np.random.default_rng([self.seed, self.drawn])
        codes = self._codes(self._chosen(random), random)
        written = self.model.decode(codes, temperature=_TEMPERATURE, seed=self.seed + self.drawn, surviving=True)
        self.drawn += BLOCK
        self._keep(written["smiles"].tolist())
        if parents := self._chosen(random):
            self._grow(parents, random)

    def _chosen(self, random: np.random.Generator) -> list[_Parent]:
        """A parent for each row of a block, none where nothing is known yet."""
        known = list(self.found.values())
        if self._bare is None and not known:
            return []
        asis = random.random(BLOCK) < (_AS_IT_IS if known else 1.0)
        rows = random.integers(max(len(known), 1), size=BLOCK)
        return [self._bare if self._bare and (bare or not known) else known[row] for bare, row in zip(asis, rows, strict=True)]

    def _codes(self, parents: Sequence[_Parent], random: np.random.Generator) -> NDArray[np.float32]:
        """A code around each parent, or codes of the prior where there are none."""
        noise = random.standard_normal((BLOCK, self.model.latent_size), dtype=np.float32)
        if not parents:
            return noise
        radius = random.uniform(_NEAR, _FAR, (BLOCK, 1)).astype(np.float32)
        means, log_variances = (np.stack(arrays) for arrays in zip(*((p.code, p.log_variance) for p in parents), strict=True))
        return codes_around(means, log_variances, radius, noise)

    def _grow(self, parents: Sequence[_Parent], random: np.random.Generator) -> None:
        """Let the decoder go on from the strings of parents, each up to an atom that may grow."""
        checkpoint = self.model.checkpoint
        prefixes = [self._prefix(parent.smiles, random) for parent in parents]
        codes = self._codes(parents, random)
        rows = [row for row, ids in enumerate(prefixes) if 0 < len(ids) <= checkpoint.max_tokens - _TOKENS]
        if rows:
            prefix = np.full((len(rows), max(len(prefixes[row]) for row in rows)), -1, dtype=np.int64)
            for at, row in enumerate(rows):
                prefix[at, : len(prefixes[row])] = prefixes[row]
            symbols = write_block(checkpoint, codes[rows], Truncation(_TEMPERATURE), random, prefix)
            self._keep([reading.smiles for reading in read_all(symbols)])
        self.drawn += BLOCK

    def _prefix(self, smiles: str, random: np.random.Generator) -> list[int]:
        """Token ids of a molecule up to one of its atoms that may grow; empty where there is none."""
        mol = parse(smiles)
        atoms = self.scaffold.open_atoms(mol)
        if not atoms:
            return []
        symbols = spelled_up_to(mol, int(random.choice(atoms)), int(random.integers(1, 2**31)))
        try:
            return [int(i) for i in self.model.checkpoint.tokenizer.encode([symbols])[0]] if symbols else []
        except MoleculeError:  # a symbol the model does not know
            return []

    def _keep(self, smiles: Sequence[str]) -> None:
        """Add those that are new, contain the scaffold, are larger than it and can be encoded."""
        new = [text for text in dict.fromkeys(smiles) if text and text not in self.found and self._completes(parse(text))]
        if new:
            self.found |= {parent.smiles: parent for parent in _parents(self.model.encode_all(new))}

    def _completes(self, mol: Chem.Mol) -> bool:
        return mol.GetNumHeavyAtoms() > self.scaffold.size and self.scaffold.is_in(mol)


def _parents(encoded: Encoded) -> list[_Parent]:
    return [_Parent(encoded.smiles[row], encoded.codes[row], encoded.log_variances[row]) for row in encoded.usable]


def _table(model: MolVAE, found: dict[str, _Parent], n: int, properties: Sequence[str] | None) -> pd.DataFrame:
    """The n likeliest of what was found."""
    smiles = list(found)
    codes, log_variances = (
        np.stack(arrays) if found else np.zeros((0, model.latent_size), dtype=np.float32)
        for arrays in ([p.code for p in found.values()], [p.log_variance for p in found.values()])
    )
    nll = negative_log_likelihood(model, Encoded(codes, log_variances, smiles, [None] * len(smiles)))
    frame = pd.DataFrame({"smiles": pd.Series(smiles, dtype=object), "nll": nll}).sort_values("nll", ignore_index=True).head(n)
    frame["passes"] = [passes(parse(text)) for text in frame["smiles"]]
    return pd.concat([frame, compute(frame["smiles"].tolist(), properties)], axis=1)
