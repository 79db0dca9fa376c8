"""`evolve`: children of the best molecules, by code, by symbol and by graph, screened by a Gaussian process before a call is spent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from molvae.chem.molecules import without_stereo
from molvae.optimize.methods.proposals import Codes, Graphs, Parents, Source, Symbols
from molvae.optimize.methods.screen import Features, Surrogate
from molvae.optimize.methods.told import Allowed, Stream, Told
from molvae.optimize.methods.tuned import TunedModel

if TYPE_CHECKING:
    from molvae.model import MolVAE

_Floats = NDArray[np.float64]

_ALIKE = 0.6  # similarity from which on two molecules do not count as diverse
_KEPT = 20_000  # molecules whose features are kept


@dataclass(frozen=True)
class EvolveSettings:
    """How `evolve` searches.

    Attributes:
        first: molecules of the prior (and starts) asked before evolution begins.
        population: parents, the best molecules so far.
        generations: rounds of children within one ask; each later round has the most promising children among its parents.
        children: made in one ask for each molecule asked, over all generations.
        fewest: children made in one ask, at least.
        sources: where children come from: "codes", "between" (codes between two parents), "regrown" (the beginning of one, and the
            rest written anew), "symbols", "graphs" and "crossings".
        widths: how far codes of children are from their parents', see `molvae.latent.neighbors.codes_around`; each child draws one.
        greed: parents are drawn with a chance that falls as 1 / (greed * population + rank) (Tripp et al. 2020, arXiv:2006.09191).
        learned: scores the process is fitted to: half of these are the best, the rest the latest.
        boldness: least and most standard deviations that are added to the expected score; the molecules of a batch take values between.
        diverse: share of a batch whose Tanimoto similarity to the others of the batch stays below 0.6.
        screened: whether the process chooses; without it children are asked by chance.
        tuned_every: scores after which a copy of the model is tuned to the best; 0 for never.
        tuned_steps: batches of one tuning.
    """

    first: int = 100
    population: int = 100
    generations: int = 3
    children: int = 25
    fewest: int = 600
    sources: tuple[str, ...] = ("codes", "between", "regrown", "symbols", "graphs", "crossings")
    widths: tuple[float, ...] = (0.2, 0.5, 1.0)
    greed: float = 0.05
    learned: int = 2000
    boldness: tuple[float, float] = (0.01, 1.0)
    diverse: float = 0.25
    screened: bool = True
    tuned_every: int = 500
    tuned_steps: int = 40


class Evolve:
    """Evolution of molecules in several representations at once.

    Each ask makes some generations of children from the best molecules: codes around one parent or between two, written by chance,
    anew or after the beginning of a parent; changed SELFIES symbols; changed atoms and bonds; parts of two parents joined. A Gaussian
    process fitted to what is known judges them; its favourites are parents of the next generation. A source has as large a share of a
    generation as it has of the favourites so far (and never nothing), so effort goes where it pays. The best of all generations are
    asked. Now and then a copy of the model is tuned to the best molecules, which draws codes and what is written for them towards what
    scores well.

    Args:
        model: encodes and decodes.
        seed: of everything random.
        starts: SMILES to ask first; those the model cannot encode have children by graph only.
        allowed: says of a canonical SMILES whether it may be asked at all, for constraints that cost no call; None allows all.
        settings: how to search.

    Attributes:
        settings: as given.
        origins: for the molecules asked here, the source each came from; of use for reports only.
    """

    def __init__(
        self,
        model: MolVAE,
        *,
        seed: int = 0,
        starts: Sequence[str] = (),
        allowed: Allowed | None = None,
        settings: EvolveSettings | None = None,
    ) -> None:
        self.settings, self.origins = settings or EvolveSettings(), dict[str, str]()
        self._seed, self._told, self._stream = seed, Told(allowed), Stream(model, seed, starts)
        self._tuned = TunedModel(model, self.settings.tuned_every, self.settings.tuned_steps, seed)
        self._seen: dict[str, Features] = {}
        self._kinds: set[str] = set()
        self._graphs = {name: Graphs(crossed) for name, crossed in (("graphs", 0.0), ("crossings", 1.0))}
        self._symbols = Symbols(model.checkpoint.tokenizer.selfies_symbols)

    def ask(self, n: int) -> list[str]:
        """The most promising children of the best molecules; molecules of the prior at first, and where there are too few children."""
        enough = len(self._told) >= self.settings.first and len(self._told.best(2)[0]) == 2  # the rest may be failures
        chosen = self._evolved(n) if enough else []
        if len(chosen) < n:
            chosen += [smiles for smiles in self._stream.new(self._told, n) if smiles not in chosen][: n - len(chosen)]
        return chosen

    def tell(self, smiles: Sequence[str], scores: Sequence[float | None]) -> None:
        """Remember scores."""
        self._told.tell(smiles, scores)
        self._kinds.update(map(_flat, smiles))

    def _evolved(self, n: int) -> list[str]:
        random, s = np.random.default_rng([self._seed, len(self._told)]), self.settings
        children = Children(self._sources(), *self._told.best(s.population), s, self._kinds)
        screen = self._surrogate() if s.screened else None
        for _ in range(s.generations):
            made = children.generation(max(s.children * n, s.fewest) // s.generations, self._told, random)
            if made:
                seen = self._features(made)
                children.add(made, seen, screen, random)
        self.origins |= (chosen := children.chosen(n))
        return list(chosen)

    def _sources(self) -> dict[str, Source]:
        codes = Codes(self._tuned.after(self._told), self.settings.widths)  # anew: a code differs in its last digits with its batch
        written: dict[str, Source] = {"codes": codes.around, "between": codes.between, "regrown": codes.regrown}
        every = written | {"symbols": self._symbols} | self._graphs
        return {name: every[name] for name in self.settings.sources}

    def _surrogate(self) -> Surrogate:
        """Fitted to the best and the latest."""
        smiles, scores = self._told.scored()
        half = self.settings.learned // 2
        best = np.argsort(-scores, kind="stable")[:half]
        rows = np.union1d(best, np.arange(max(len(scores) - half, 0), len(scores)))
        return Surrogate(self._features([smiles[row] for row in rows]), scores[rows])

    def _features(self, smiles: Sequence[str]) -> Features:
        """Features of molecules, those seen before from memory."""
        if len(self._seen) > _KEPT:
            self._seen.clear()
        if new := [text for text in smiles if text not in self._seen]:
            found = Features.of(new)
            self._seen |= {text: found.rows([row]) for row, text in enumerate(new)}
        rows = [self._seen[text] for text in smiles]
        return Features(np.concatenate([row.bits for row in rows]), np.concatenate([row.descriptors for row in rows]))


class Children:
    """The children of one ask, and what is hoped of them.

    Args:
        sources: by name.
        smiles: the best molecules that are known, the best first.
        scores: theirs, (n,).
        settings: how to search.
        kinds: molecules without stereo that no child may be: the screen cannot tell stereoisomers apart, and would ask all of them.
    """

    def __init__(
        self, sources: dict[str, Source], smiles: list[str], scores: _Floats, settings: EvolveSettings, kinds: Iterable[str] = ()
    ) -> None:
        self._sources, self._settings = sources, settings
        self._known, self._scores = smiles, scores
        self._parents, self._kinds = smiles, set(kinds)
        self._origin: dict[str, str] = {}
        self._made = dict.fromkeys(sources, 0)
        self._won = dict.fromkeys(sources, 0)
        self._smiles: list[str] = []
        self._mean = self._deviation = np.zeros(0)
        self._bits = np.zeros((0, 0), dtype=np.uint8)

    def generation(self, n: int, told: Told, random: np.random.Generator) -> list[str]:
        """About n new children."""
        chances = 1 / (self._settings.greed * self._settings.population + np.arange(len(self._parents)))
        parents = Parents(self._parents, chances / chances.sum())
        new: list[str] = []
        for name, share in self._shares().items():
            wanted = round(share * n)
            made = [text for text in told.new(self._sources[name](parents, wanted, random)) if self._is_new(text)]
            self._origin |= dict.fromkeys(made, name)
            self._made[name] += wanted
            new += made
        return new

    def _is_new(self, smiles: str) -> bool:
        before = len(self._kinds)
        self._kinds.add(_flat(smiles))
        return len(self._kinds) > before

    def _shares(self) -> dict[str, float]:
        """Of a generation for each source: equal at first, then by the share of its children so far that became parents."""
        worth = {name: (self._won[name] + 1) / (self._made[name] + 20) for name in self._sources}
        total, least = sum(worth.values()), 0.3 / len(worth)
        return {name: least + 0.7 * each / total for name, each in worth.items()}

    def add(self, made: list[str], seen: Features, screen: Surrogate | None, random: np.random.Generator) -> None:
        """Judge children, and let the most promising be parents."""
        belief = screen(seen) if screen else None
        self._smiles += made
        self._mean = np.concatenate([self._mean, belief.mean if belief else random.random(len(made))])
        self._deviation = np.concatenate([self._deviation, belief.deviation if belief else np.zeros(len(made))])
        self._bits = seen.bits if not len(self._bits) else np.concatenate([self._bits, seen.bits])
        if belief is None:
            return
        bold = float(np.exp(random.uniform(*np.log(self._settings.boldness))))
        everyone = self._known + self._smiles
        order = np.argsort(-np.concatenate([self._scores, self._mean + bold * self._deviation]), kind="stable")[: self._settings.population]
        self._parents = [everyone[row] for row in order.tolist()]
        origins = [self._origin[text] for text in self._parents if text in self._origin]
        self._won = {name: origins.count(name) for name in self._sources}

    def chosen(self, n: int) -> dict[str, str]:
        """The n most promising children, each for another boldness, the last of them unlike those before; with their sources."""
        s = self._settings
        free = np.ones(len(self._smiles), dtype=bool)
        alike = np.zeros(len(self._smiles), dtype=np.float32)
        chosen: list[int] = []
        unlike = round(n * s.diverse)
        for place, bold in enumerate(np.geomspace(*s.boldness, num=n)):
            allowed = free & (alike < _ALIKE) if place >= n - unlike else free
            allowed = allowed if allowed.any() else free
            if not allowed.any():
                break
            chosen.append(int(np.argmax(np.where(allowed, self._mean + bold * self._deviation, -np.inf))))
            free[chosen[-1]] = False
            alike = np.maximum(alike, _similarity(self._bits, self._bits[chosen[-1:]]))
        return {self._smiles[row]: self._origin[self._smiles[row]] for row in chosen}


def _flat(smiles: str) -> str:
    """Without stereo."""
    return without_stereo(smiles) if any(mark in smiles for mark in "@/\\") else smiles


def _similarity(bits: NDArray[np.uint8], chosen: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Tanimoto similarity of each row to one chosen, (n,)."""
    both = bits[:, chosen[0] > 0].sum(axis=1, dtype=np.float32)
    either = bits.sum(axis=1, dtype=np.float32) + np.float32(chosen.sum()) - both
    return np.asarray(both / np.maximum(either, 1), dtype=np.float32)
