"""Correcting sequences of units (characters, symbols, tokens) by the noisy channel: what was likely to be written, and to be spoilt so.

A language is learnt from examples (`Language`); `corrections` is a beam search for the sequences x that make
-log p(x) - log p(what was read | x) small (Shannon 1948; Kernighan, Church and Gale 1990, doi:10.3115/997939.997975).
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Units = tuple[str, ...]
_Row = NDArray[np.float64]

END = "\n"  # ends every example; no unit of a text read from a line


class Language:
    """Interpolated n-grams (Witten and Bell 1991, doi:10.1109/18.87000): p(unit | the units before it).

    Args:
        examples: sequences of units.
        order: units of a run, the one foretold included.

    >>> language = Language([("C", "C", "O")] * 9, order=3)
    >>> likeliest, cost = language.likeliest(("C", "C"))[0]
    >>> likeliest, cost < 0.1
    ('O', True)
    """

    def __init__(self, examples: Iterable[Sequence[str]], order: int) -> None:
        self._reach = order - 1
        self._counts: defaultdict[Units, dict[str, int]] = defaultdict(dict)
        for example in examples:
            self._count((*example, END))
        self.units = sorted(self._counts[()])
        self._place = {unit: place for place, unit in enumerate(self.units)}
        self._rows: dict[Units, _Row] = {}
        self._likeliest: dict[Units, list[tuple[str, float]]] = {}

    def _count(self, example: Units) -> None:
        for place, unit in enumerate(example):
            for start in range(max(0, place - self._reach), place + 1):
                seen = self._counts[example[start:place]]
                seen[unit] = seen.get(unit, 0) + 1

    def cost(self, before: Units, unit: str) -> float:
        """-log p(unit | before) in nats; infinity for a unit that no example holds."""
        place = self._place.get(unit)
        return float("inf") if place is None else float(self._row(self._context(before))[place])

    def likeliest(self, before: Units, most: int = 24) -> list[tuple[str, float]]:
        """The likeliest next units with their -log p in nats, the end left out."""
        context = self._context(before)
        if context not in self._likeliest:
            row = self._row(context)
            best = np.argsort(row, kind="stable")[: most + 1]
            self._likeliest[context] = [(self.units[i], float(row[i])) for i in best if self.units[i] != END][:most]
        return self._likeliest[context]

    def _context(self, before: Units) -> Units:
        """The longest end of `before` that was seen."""
        context = before[-self._reach :] if self._reach else ()
        while context and context not in self._counts:
            context = context[1:]
        return context

    def _row(self, context: Units) -> _Row:
        if context not in self._rows:
            self._rows[context] = -np.log(self._probabilities(context))
        return self._rows[context]

    def _probabilities(self, context: Units) -> _Row:
        if not self.units:
            return np.ones(0)
        seen = self._counts[context]
        shorter = np.exp(-self._row(context[1:])) if context else np.full(len(self.units), 1 / len(self.units))
        probabilities = shorter * len(seen)
        for unit, count in seen.items():
            probabilities[self._place[unit]] += count
        return probabilities / (sum(seen.values()) + len(seen))


@dataclass(frozen=True)
class Channel:
    """What each slip costs: -log of how often it happens, in nats.

    Attributes:
        lost: a unit of the original is not there.
        swapped: two neighbours have changed places.
        replaced: another unit stands there.
        added: a unit stands there that the original has not.
    """

    lost: float = 4.0
    swapped: float = 4.0
    replaced: float = 6.0
    added: float = 6.0

    def cost(self, meant: Units, read: Units) -> tuple[float, int]:
        """-log p(read | meant) in nats and the number of slips, of the likeliest slips (Damerau 1964, doi:10.1145/363958.363994).

        >>> Channel().cost(("C", "O", "N"), ("O", "C")), Channel().cost(("C",), ("C",))
        ((8.0, 2), (0.0, 0))
        """
        rows: list[list[tuple[float, int]]] = []
        for i in range(len(meant) + 1):
            rows.append([])
            for j in range(len(read) + 1):
                rows[i].append(min(self._ways(meant, read, rows, i, j), default=(0.0, 0)))
        return rows[-1][-1]

    def _ways(self, meant: Units, read: Units, rows: list[list[tuple[float, int]]], i: int, j: int) -> Iterator[tuple[float, int]]:
        """What it costs to come to the first i units meant and the first j read, by the last step."""
        if i:
            yield _plus(rows[i - 1][j], self.lost)
        if j:
            yield _plus(rows[i][j - 1], self.added)
        if i and j:
            yield _plus(rows[i - 1][j - 1], 0.0 if meant[i - 1] == read[j - 1] else self.replaced)
        if i > 1 and j > 1 and meant[i - 2 : i] == read[j - 2 : j][::-1]:
            yield _plus(rows[i - 2][j - 2], self.swapped)


def _plus(before: tuple[float, int], cost: float) -> tuple[float, int]:
    return before[0] + cost, before[1] + (cost > 0)


class Syntax(Protocol):
    """What a sequence must hold to be whole, e.g. that each bracket is closed."""

    def start(self) -> Hashable:
        """State before the first unit."""

    def step(self, state: Hashable, unit: str) -> Hashable | None:
        """State after a unit, None where it cannot stand."""

    def debts(self, units: Units) -> list[Hashable]:
        """For each place what the units from there on will change."""

    def debt(self, state: Hashable, rest: Hashable) -> int:
        """The least number of slips still to be mended, given the state and what is still to be read."""


class NoSyntax:
    """Every sequence is whole, as with SELFIES."""

    def start(self) -> Hashable:
        """No state."""
        return 0

    def step(self, state: Hashable, unit: str) -> Hashable | None:
        """No state."""
        return state

    def debts(self, units: Units) -> list[Hashable]:
        """Nothing to mend."""
        return [None] * (len(units) + 1)

    def debt(self, state: Hashable, rest: Hashable) -> int:
        """Nothing to mend."""
        return 0


@dataclass(frozen=True, slots=True)
class Correction:
    """A sequence that may have been meant.

    Attributes:
        units: the sequence.
        channel: -log p(what was read | units) of the slips assumed, in nats.
        edits: how many slips.
    """

    units: Units
    channel: float
    edits: int


@dataclass(slots=True)
class _Path:
    """A beginning of a correction, with its costs in nats."""

    units: Units
    state: Hashable
    language: float
    channel: float
    edits: int
    cost: float = 0.0


@dataclass(frozen=True)
class Corrector:
    """Searches for corrections.

    Args:
        language: of what is meant.
        channel: costs of slips.
        syntax: what a whole sequence must hold.
        width: paths kept at each place of the text.
        choices: likeliest units that are tried as lost or replaced at each place.
        reach: by how much a path may be dearer than the best one at its place, in nats.
    """

    language: Language
    channel: Channel = Channel()
    syntax: Syntax = field(default_factory=NoSyntax)
    width: int = 100
    choices: int = 12
    reach: float = 16.0

    def corrections(self, read: Units) -> list[Correction]:
        """Sequences that may have been meant, the likeliest first."""
        rests = self.syntax.debts(read)
        columns: list[dict[Units, _Path]] = [{} for _ in range(len(read) + 3)]
        columns[0][()] = _Path((), self.syntax.start(), 0.0, 0.0, 0)
        for place in range(len(read) + 1):
            paths = self._pruned(self._with_lost(columns[place], rests[place]))
            if place == len(read):
                return self._ended(paths, rests[place])
            limit = paths[0].cost + self.reach if paths else 0.0
            for path in paths:
                self._read_on(path, read, place, columns, rests, limit)
            columns[place] = {}
        return []

    def _pruned(self, paths: Iterable[_Path]) -> list[_Path]:
        return heapq.nsmallest(self.width, paths, key=lambda path: path.cost)

    def _with_lost(self, column: dict[Units, _Path], rest: Hashable) -> list[_Path]:
        """The paths of a column and those that have one or two more units put in."""
        fresh = self._pruned(column.values())
        limit = fresh[0].cost + self.reach if fresh else 0.0
        for _ in range(2):
            grown: dict[Units, _Path] = {}
            for path in fresh:
                for unit, cost in self._choices(path, self.channel.lost, limit):
                    self._put(grown, self._after(path, (unit,), cost, self.channel.lost, rest))
            fresh = self._pruned(grown.values())
            for path in fresh:
                self._put(column, path)
        return list(column.values())

    def _read_on(
        self, path: _Path, read: Units, place: int, columns: list[dict[Units, _Path]], rests: list[Hashable], limit: float
    ) -> None:
        """Take the unit that is read as it is, for another one, as too much, or as swapped with the next."""
        unit, column, rest = read[place], columns[place + 1], rests[place + 1]
        kept = self.language.cost(path.units, unit)
        self._put(column, self._after(path, (unit,), kept, 0.0, rest))
        self._put(column, self._after(path, (), 0.0, self.channel.added, rest))
        for other, cost in self._choices(path, self.channel.replaced, limit):
            if other != unit:
                self._put(column, self._after(path, (other,), cost, self.channel.replaced, rest))
        if place + 1 < len(read) and read[place + 1] != unit:
            pair = (read[place + 1], unit)
            cost = self.language.cost(path.units, pair[0]) + self.language.cost((*path.units, pair[0]), unit)
            self._put(columns[place + 2], self._after(path, pair, cost, self.channel.swapped, rests[place + 2]))

    def _choices(self, path: _Path, slip: float, limit: float) -> Iterator[tuple[str, float]]:
        """The likeliest next units with their costs, as long as the path stays below a limit with them."""
        for unit, cost in self.language.likeliest(path.units)[: self.choices]:
            if path.language + path.channel + slip + cost > limit:
                return
            yield unit, cost

    def _after(self, path: _Path, units: Units, language: float, channel: float, rest: Hashable) -> _Path | None:
        """The path with units added, None where they cannot stand."""
        state: Hashable | None = path.state
        for unit in units:
            state = self.syntax.step(state, unit)
            if state is None:
                return None
        spent, slips = path.language + language, path.channel + channel
        if spent == float("inf"):
            return None
        cost = spent + slips + self.syntax.debt(state, rest) * self.channel.lost
        return _Path(path.units + units, state, spent, slips, path.edits + (channel > 0), cost)

    @staticmethod
    def _put(column: dict[Units, _Path], path: _Path | None) -> None:
        if path is not None and ((known := column.get(path.units)) is None or path.channel < known.channel):
            column[path.units] = path

    def _ended(self, paths: list[_Path], rest: Hashable) -> list[Correction]:
        whole = [path for path in paths if not self.syntax.debt(path.state, rest)]
        ranked = sorted(whole, key=lambda path: path.cost + self.language.cost(path.units, END))
        return [Correction(path.units, path.channel, path.edits) for path in ranked]
