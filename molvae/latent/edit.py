"""Analogues of a molecule that move properties as asked and stay similar to it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rdkit import Chem

from molvae.chem.molecules import parse
from molvae.chem.properties import Property, lookup
from molvae.chem.similarity import bit_matrix, tanimoto
from molvae.errors import DataError
from molvae.latent.directions import Direction, direction
from molvae.sampling import BLOCK

if TYPE_CHECKING:
    from molvae.model import Encoded, MolVAE

_PARENTS = 24  # the best so far, around which the next round looks
_RADII = (0.5, 1.0, 1.5)  # standard deviations of a parent's posterior
_LONGEST = 2.0  # of a shift along a direction, where codes have a standard deviation of 1
_TEMPERATURE = 0.7  # of the decoder
_AT_TARGET = 0.05  # spreads of a property that count as being at the target


@dataclass(frozen=True)
class _Wish:
    """What is asked of one property.

    Attributes:
        property: the property.
        target: the value to come to; infinity to raise, minus infinity to lower.
        before: the value of the molecule that is edited.
        along: the direction of the property.
    """

    property: Property
    target: float
    before: float
    along: Direction

    def gain(self, value: float) -> float:
        """How far a value moved as asked, in spreads of the property."""
        if math.isinf(self.target):
            return math.copysign(1, self.target) * (value - self.before) / self.along.spread
        return (abs(self.before - self.target) - abs(value - self.target)) / self.along.spread

    def holds(self, value: float) -> bool:
        """Whether a value moved as asked; one that was at its target need only stay there."""
        return self.gain(value) > 0 or abs(value - self.target) <= _AT_TARGET * self.along.spread

    def push(self, value: float) -> NDArray[np.float32]:
        """The shift of a code that would bring the property from a value to the target, no longer than `_LONGEST`: (D,)."""
        return np.float32(np.clip((self.target - value) / self.along.slope, -_LONGEST, _LONGEST)) * self.along.vector


@dataclass(frozen=True)
class _Found:
    """A molecule within the similarity bound.

    Attributes:
        smiles: canonical.
        similarity: to the molecule that is edited.
        properties: values of those asked for, in the order of the wishes.
        score: their gains in sum; a property that moves the wrong way counts threefold.
        code: its own posterior mean, (D,).
        deviation: the standard deviations of its posterior, (D,).
    """

    smiles: str
    similarity: float
    properties: tuple[float, ...]
    score: float
    code: NDArray[np.float32]
    deviation: NDArray[np.float32]


def edit(
    model: MolVAE,
    smiles: str,
    *,
    set: Mapping[str, float] | None = None,
    raise_: str | Sequence[str] = (),
    lower: str | Sequence[str] = (),
    similarity: float = 0.4,
    n: int = 20,
    seed: int = 0,
    rounds: int = 8,
) -> pd.DataFrame:
    """Analogues of a molecule that move properties as asked, best first.

    An evolutionary search: each round writes 512 codes, made from those of the best molecules so far by interpolation between
    two, shifts along the directions of the properties and noise of their posteriors. What survives the round trip, is new and
    similar enough is encoded again, so that a molecule always stands at its own code. Properties are computed, never guessed.

    Args:
        model: the model.
        smiles: the molecule to edit.
        set: property to target value, e.g. {"logP": 3.0}.
        raise_: properties to raise.
        lower: properties to lower.
        similarity: least Tanimoto similarity to the molecule (Morgan fingerprints of radius 2), 0 to 1.
        n: most molecules returned.
        seed: the same seed gives the same molecules.
        rounds: of 512 decodings each.

    Returns:
        DataFrame of `smiles` (canonical, distinct, never the molecule itself), `similarity`, for each property P its `P_before`,
        `P_after` and, with a target, `P_distance` to it, and `score` (how far the properties moved as asked, in standard deviations
        of each among molecules of the model, summed), by falling score. Each property of each row moved as asked: up, down or
        nearer to its target (within a twentieth of a standard deviation of it also counts). No rows where nothing was found.
        `attrs` holds `input` (canonical), `before` (property values), `found` (molecules as asked), `similar` (molecules within the
        bound), `decoded` and `seed`.

    Raises:
        DataError: the molecule cannot be encoded, or the request cannot be understood.
    """
    if not 0 <= similarity <= 1:
        raise DataError(f"similarity is {similarity}, expected 0 to 1")
    if n < 1 or rounds < 1:
        raise DataError(f"{n} molecules in {rounds} rounds were asked for, expected at least 1 of each")
    targets = _targets(set or {}, raise_, lower)
    encoded = model.encode_all([smiles])
    if problem := encoded.problems[0]:
        raise DataError(f"{smiles!r} cannot be edited: {problem}") from problem
    search = _Search(model, encoded, targets, similarity, seed)
    for number in range(rounds):
        search.go_on(number)
    frame = _table(search, n)
    frame.attrs |= {"decoded": rounds * BLOCK, "seed": seed}
    return frame


def _targets(values: Mapping[str, float], raised: str | Sequence[str], lowered: str | Sequence[str]) -> dict[str, float]:
    """The target of each property; infinity to raise, minus infinity to lower."""
    asked = [(name, float(value)) for name, value in values.items()]
    for name, value in asked:
        if not math.isfinite(value):
            raise DataError(f"{name} is to be set to {value}, expected a number")
    for names, infinite in ((raised, math.inf), (lowered, -math.inf)):
        asked += [(name, infinite) for name in ([names] if isinstance(names, str) else names)]
    if not asked:
        raise DataError("nothing was asked for; set, raise or lower at least one property")
    lookup([name for name, _ in asked])
    if len(dict(asked)) < len(asked):
        raise DataError(f"the properties {', '.join(name for name, _ in asked)} were asked for, expected each only once")
    return dict(asked)


class _Search:
    """The molecules found so far, from the edited one on."""

    def __init__(self, model: MolVAE, encoded: Encoded, targets: Mapping[str, float], bound: float, seed: int) -> None:
        self._model, self._bound, self._seed = model, bound, seed
        smiles = encoded.smiles[0]
        mol = parse(smiles)
        self._bits = bit_matrix([mol])
        named = zip(lookup(list(targets)), targets.values(), strict=True)
        self.wishes = [_Wish(each, target, float(each.function(mol)), direction(model, each.name)) for each, target in named]
        self._seen = {smiles}
        self.found: list[_Found] = []
        self._keep([(smiles, mol, 1.0)], encoded)

    def go_on(self, number: int) -> None:
        """One round: decode around the best, keep what is new and similar enough."""
        random = np.random.default_rng([self._seed, number])
        seed = int(random.integers(2**31))
        written = self._model.decode(self._children(random), temperature=_TEMPERATURE, seed=seed, surviving=True)
        new = [text for text in written["smiles"].unique() if text not in self._seen]
        self._seen.update(new)
        mols = [parse(text) for text in new]
        similar = tanimoto(bit_matrix(mols), self._bits)[:, 0].tolist()
        near = [each for each in zip(new, mols, similar, strict=True) if each[2] >= self._bound]
        self._keep(near, self._model.encode_all([text for text, _, _ in near]))

    def _keep(self, candidates: Sequence[tuple[str, Chem.Mol, float]], encoded: Encoded) -> None:
        """Take in candidates and compute their properties; one that cannot be encoded in the very form it has is left out."""
        for row, (text, mol, similar) in enumerate(candidates):
            if encoded.smiles[row] == text:
                values = tuple(float(wish.property.function(mol)) for wish in self.wishes)
                gains = [wish.gain(value) for wish, value in zip(self.wishes, values, strict=True)]
                score = sum(gains) + 2 * sum(min(gain, 0) for gain in gains)
                deviation = np.exp(0.5 * encoded.log_variances[row])
                self.found.append(_Found(text, similar, values, score, encoded.codes[row], deviation))

    def _children(self, random: np.random.Generator) -> NDArray[np.float32]:
        """Codes to decode: (BLOCK, D)."""
        start, *others = self.found
        parents = [start, *sorted(others, key=lambda each: (-each.score, each.smiles))[: _PARENTS - 1]]
        codes, deviations, pushes = (
            np.stack(rows) for rows in ([p.code for p in parents], [p.deviation for p in parents], [self._push(p) for p in parents])
        )
        one, other = random.integers(len(parents), size=(2, BLOCK))
        between, length = random.random((2, BLOCK, 1), dtype=np.float32) * (random.random((2, BLOCK, 1)) < 0.5)
        radius = random.choice(np.array(_RADII, dtype=np.float32), size=(BLOCK, 1))
        noise = random.standard_normal((BLOCK, codes.shape[1]), dtype=np.float32)
        middle = codes[one] + between * (codes[other] - codes[one])
        return np.asarray(middle + length * pushes[one] + radius * deviations[one] * noise, dtype=np.float32)

    def _push(self, parent: _Found) -> NDArray[np.float32]:
        pushes = [wish.push(value) for wish, value in zip(self.wishes, parent.properties, strict=True)]
        return np.asarray(np.sum(pushes, axis=0), dtype=np.float32)


def _table(search: _Search, n: int) -> pd.DataFrame:
    """The best n molecules that fulfil every wish."""
    start, *others = search.found
    good = [each for each in others if all(wish.holds(value) for wish, value in zip(search.wishes, each.properties, strict=True))]
    best = sorted(good, key=lambda each: (-each.score, -each.similarity, each.smiles))[:n]
    columns: dict[str, object] = {"smiles": [each.smiles for each in best], "similarity": _numbers(each.similarity for each in best)}
    for place, wish in enumerate(search.wishes):
        after = _numbers(each.properties[place] for each in best)
        columns |= {f"{wish.property.name}_before": np.full(len(best), wish.before), f"{wish.property.name}_after": after}
        if math.isfinite(wish.target):
            columns[f"{wish.property.name}_distance"] = abs(after - wish.target)
    frame = pd.DataFrame(columns | {"score": _numbers(each.score for each in best)})
    before = {wish.property.name: wish.before for wish in search.wishes}
    frame.attrs = {"input": start.smiles, "before": before, "found": len(good), "similar": len(others)}
    return frame


def _numbers(values: Iterable[float]) -> NDArray[np.float64]:
    """A column of floats, also where there are none."""
    return np.array(list(values), dtype=np.float64)
