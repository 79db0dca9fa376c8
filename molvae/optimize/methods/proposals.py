"""Where `evolve` takes its proposals from: codes, SELFIES symbols and graphs of the best molecules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from molvae.chem.editable import Editable
from molvae.chem.edits import crossing, mutant
from molvae.chem.selfies import pinned, to_smiles, to_symbols
from molvae.errors import MoleculeError
from molvae.nn.sampling import Truncation

if TYPE_CHECKING:
    from molvae.model import MolVAE

_Floats = NDArray[np.float64]
_Codes = NDArray[np.float32]


@dataclass(frozen=True)
class Parents:
    """Molecules that have children.

    Attributes:
        smiles: canonical SMILES, the best first.
        chances: how often each is drawn, summing to 1, (n,).
    """

    smiles: list[str]
    chances: _Floats

    def draw(self, n: int, random: np.random.Generator) -> list[str]:
        """N of them, with repeats."""
        return [self.smiles[row] for row in random.choice(len(self.smiles), size=n, p=self.chances).tolist()]


class Source(Protocol):
    """A kind of proposals."""

    def __call__(self, parents: Parents, n: int, random: np.random.Generator) -> list[str]:
        """Canonical SMILES of about n children; fewer where some came to nothing, perhaps with repeats and parents among them."""
        ...


class Symbols:
    """One to three SELFIES symbols of a molecule replaced, put in or taken out; or the beginning of one and the end of another.

    Args:
        alphabet: the symbols to put in.
        spliced: share of the children that have two parents.
    """

    def __init__(self, alphabet: Sequence[str], spliced: float = 0.3) -> None:
        self._alphabet, self._spliced = alphabet, spliced
        self._spelt = lru_cache(maxsize=4096)(_spelt)

    def __call__(self, parents: Parents, n: int, random: np.random.Generator) -> list[str]:
        """See `Source`."""
        ones, others = parents.draw(n, random), parents.draw(n, random)
        with pinned():
            return [text for one, other in zip(ones, others, strict=True) if (text := self._child(one, other, random))]

    def _child(self, one: str, other: str, random: np.random.Generator) -> str:
        mine = list(self._spelt(one))
        if random.random() < self._spliced:
            theirs = self._spelt(other)
            mine = mine[: random.integers(len(mine) + 1)] + list(theirs[random.integers(len(theirs) + 1) :])
        else:
            for _ in range(1 + int(random.integers(3))):
                self._change(mine, random)
        return to_smiles(mine)

    def _change(self, symbols: list[str], random: np.random.Generator) -> None:
        place, kind = int(random.integers(len(symbols) + 1)), int(random.integers(3))
        new = [self._alphabet[int(random.integers(len(self._alphabet)))]] if kind < 2 else []
        symbols[place : place + (kind != 1)] = new


def _spelt(smiles: str) -> tuple[str, ...]:
    """Symbols of a molecule, none where SELFIES cannot express it."""
    try:
        return tuple(to_symbols(smiles))
    except MoleculeError:
        return ()


class Graphs:
    """Atoms and bonds of a molecule changed, or parts of two molecules joined; see `molvae.chem.edits`.

    Args:
        crossed: share of the children that have two parents; half of these are changed too.
        again: chance that a child is changed once more.
    """

    def __init__(self, crossed: float, again: float = 0.35) -> None:
        self._crossed, self._again = crossed, again
        self._read = lru_cache(maxsize=1024)(_editable)  # 350 kB each for 250 atoms

    def __call__(self, parents: Parents, n: int, random: np.random.Generator) -> list[str]:
        """See `Source`."""
        ones, others = parents.draw(n, random), parents.draw(n, random)
        return [text for one, other in zip(ones, others, strict=True) if (text := self._child(one, other, random))]

    def _child(self, one: str, other: str, random: np.random.Generator) -> str:
        if crossed := random.random() < self._crossed:
            left, right = self._read(one), self._read(other)
            child = crossing(left, right, random) if left and right else ""
        else:
            child = one
        changes = int(random.random() < 0.5) if crossed else 1
        while changes and child and (editable := self._read(child)):
            child = mutant(editable, random)
            changes = int(random.random() < self._again)
        return child


def _editable(smiles: str) -> Editable | None:
    try:
        return Editable.of(smiles)
    except MoleculeError:
        return None


@dataclass(frozen=True)
class _Encodings:
    """Molecules as codes.

    Attributes:
        means: (n, D).
        log_variances: (n, D).
        smiles: as the model reads them, n.
        rows: which of the molecules asked for they are, (n,).
    """

    means: _Codes
    log_variances: _Codes
    smiles: list[str]
    rows: NDArray[np.int64]


class Codes:
    """Molecules written for codes near those of others; each molecule is encoded once.

    Args:
        model: encodes and writes.
        widths: how far children are from their parents, see `molvae.latent.neighbors.codes_around`; each child draws one.
    """

    def __init__(self, model: MolVAE, widths: Sequence[float]) -> None:
        self._model, self._widths = model, np.array(widths, dtype=np.float32)
        self._known: dict[str, tuple[_Codes, _Codes, str] | None] = {}

    def around(self, parents: Parents, n: int, random: np.random.Generator) -> list[str]:
        """Written for codes around those of parents; see `Source`."""
        return self._children(parents, np.zeros((n, 1), dtype=np.float32), random)

    def between(self, parents: Parents, n: int, random: np.random.Generator) -> list[str]:
        """Written for codes around the arc from one parent half way to another; see `Source`."""
        return self._children(parents, 0.5 * random.random((n, 1), dtype=np.float32), random)

    def regrown(self, parents: Parents, n: int, random: np.random.Generator) -> list[str]:
        """Begun as one parent is and gone on with for a code on the arc from it to another; see `Source`."""
        return self._children(parents, random.random((n, 1), dtype=np.float32), random, begun=True)

    def _children(self, parents: Parents, share: _Codes, random: np.random.Generator, begun: bool = False) -> list[str]:
        from molvae.latent.neighbors import codes_around
        from molvae.latent.paths import slerp

        encoded = self._encoded(parents.smiles)
        if not len(encoded.rows) or not len(share):
            return []
        chances = parents.chances[encoded.rows] / parents.chances[encoded.rows].sum()
        one, other = random.choice(len(encoded.rows), size=(2, len(share)), p=chances)
        middle: _Codes = slerp(encoded.means[one], encoded.means[other], share)
        widths, noise = random.choice(self._widths, size=share.shape), random.standard_normal(middle.shape, dtype=np.float32)
        beginnings = [self._beginning(encoded.smiles[row], random) for row in one.tolist()] if begun else []
        return self._written(codes_around(middle, encoded.log_variances[one], widths, noise), beginnings, random)

    def _beginning(self, smiles: str, random: np.random.Generator) -> NDArray[np.int16]:
        """The first tokens of a molecule, none to all but one."""
        ids = self._model.checkpoint.tokenizer.encode([to_symbols(smiles)])[0][: self._model.checkpoint.max_tokens]
        return ids[: random.integers(len(ids))]

    def _encoded(self, smiles: Sequence[str]) -> _Encodings:
        """The molecules that can be encoded."""
        if new := [text for text in smiles if text not in self._known]:
            found = self._model.encode_all(new)
            rows = zip(new, found.codes, found.log_variances, found.smiles, found.problems, strict=True)
            self._known |= {text: None if problem else (mean, variance, own) for text, mean, variance, own, problem in rows}
        usable = [row for row, text in enumerate(smiles) if self._known[text]]
        known = [kept for text in smiles if (kept := self._known[text])]
        empty = np.zeros((0, self._model.latent_size), dtype=np.float32)
        means = np.stack([mean for mean, _, _ in known]) if known else empty
        log_variances = np.stack([variance for _, variance, _ in known]) if known else empty
        return _Encodings(means, log_variances, [own for _, _, own in known], np.array(usable, dtype=np.int64))

    def _written(self, codes: _Codes, beginnings: Sequence[NDArray[np.int16]], random: np.random.Generator) -> list[str]:
        """What is written for codes by chance, after its beginning where there are any; slips that SELFIES repair are children too."""
        import torch

        checkpoint = self._model.checkpoint
        device = next(checkpoint.vae.parameters()).device
        uniforms = torch.from_numpy(random.random((len(codes), checkpoint.max_tokens), dtype=np.float32)).to(device)
        prefix = torch.from_numpy(_padded(beginnings)).to(device) if beginnings else None
        ids = checkpoint.vae.write(torch.from_numpy(codes).to(device), Truncation(), uniforms, checkpoint.max_tokens, prefix)
        with pinned():
            return [text for row in dict.fromkeys(map(tuple, ids.tolist())) if (text := to_smiles(checkpoint.tokenizer.symbols_of(row)))]


def _padded(rows: Sequence[NDArray[np.int16]]) -> NDArray[np.int64]:
    """Rows of different lengths as one array, -1 after the end of each, (n, longest)."""
    whole = np.full((len(rows), max(map(len, rows))), -1, dtype=np.int64)
    for place, row in enumerate(rows):
        whole[place, : len(row)] = row
    return whole
