"""The loop of a campaign: propose, ask the oracle, journal, learn."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from molvae.chem.molecules import canonical, parse
from molvae.errors import DataError, MoleculeError
from molvae.optimize.curves import auc_top
from molvae.optimize.journal import Entry, Journal
from molvae.optimize.methods.base import Method

if TYPE_CHECKING:
    import pandas as pd

    from molvae.optimize.oracles.base import Answer

#: Scores molecules: canonical SMILES to one answer each, in their order; higher is better.
Scorer = Callable[[Sequence[str]], Sequence["Answer"]]

_BEST = 100  # molecules in the tables


@dataclass(frozen=True)
class Progress:
    """How far a campaign is.

    Attributes:
        calls: oracle calls so far, those of before a resume included; no molecule is asked twice, so as many different molecules.
        budget: calls that may be made.
        best: the highest score, None before the first.
        top: mean of the ten highest scores, None before the first.
        new: calls journaled since this was told last.
    """

    calls: int
    budget: int
    best: float | None
    top: float | None
    new: int = 0


@dataclass(frozen=True)
class Outcome:
    """What a campaign found.

    Attributes:
        entries: every call, in order.
        budget: calls that could be made.
        note: what was repaired in the journal on resuming, else empty.
    """

    entries: tuple[Entry, ...]
    budget: int
    note: str = ""

    @property
    def scores(self) -> list[float | None]:
        """Scores in the order of the calls; None is a failure."""
        return [entry.value for entry in self.entries]

    @property
    def exhausted(self) -> bool:
        """Whether the method had nothing new to propose before the budget was spent."""
        return len(self.entries) < self.budget

    def auc(self, k: int = 10) -> float:
        """Area under the mean of the k best against calls; with a budget of 10,000 that of PMO, see `molvae.optimize.curves.auc_top`."""
        return auc_top(self.scores, self.budget, k, max(self.budget // 100, 1))

    def best(self, n: int = _BEST) -> pd.DataFrame:
        """The n molecules with the highest scores that meet every constraint: `smiles`, `score`, `call`, and the parts of the score."""
        ranked = sorted((entry for entry in self.entries if entry.is_met), key=lambda entry: -(entry.value or 0.0))
        return self.table(ranked[:n])

    @staticmethod
    def table(entries: Sequence[Entry]) -> pd.DataFrame:
        """Calls as a table with the columns of `best`."""
        import pandas as pd

        names = dict.fromkeys(name for entry in entries for name in entry.parts)
        own = {"smiles": [e.smiles for e in entries], "score": [e.value for e in entries], "call": [e.call for e in entries]}
        return pd.DataFrame(own | {name: [entry.parts.get(name) for entry in entries] for name in names if name not in own})

    def write(self, folder: str | Path, picture: bool = True) -> None:
        """Write `best.csv`, `best.sdf` and `progress.png` into a folder, each whole or not at all.

        Raises:
            DataError: a file cannot be written.
            MissingExtraError: the picture needs matplotlib.
        """
        from molvae.data.writers import write_table
        from molvae.optimize.picture import progress_picture

        for name in ("best.csv", "best.sdf"):
            write_table(self.best(), Path(folder) / name)
        if picture:
            progress_picture(self.scores, Path(folder) / "progress.png", f"{len(self.entries):,} of {self.budget:,} calls")


def run_campaign(
    method: Method,
    scorer: Scorer,
    folder: str | Path,
    *,
    recipe: Mapping[str, Any],
    budget: int = 1000,
    batch: int = 20,
    resume: bool = False,
    picture: bool = True,
    progress: Callable[[Progress], None] | None = None,
) -> Outcome:
    """Spend oracle calls on what a method proposes, each of them journaled before it is used.

    A campaign that was stopped, even by kill -9, goes on with `resume`: the journal is told to a new method of the same recipe, round by
    round, and no molecule in it is asked again. Answers that the scorer had not given yet when it was stopped are asked anew; a scorer with
    a number `at_once` is asked so many molecules of a batch at a time, and each of these answers is journaled before the next question.

    Args:
        method: new, of the same kind, model and seed when resuming.
        scorer: asked with canonical SMILES, none of them twice; higher is better.
        folder: gets `journal.jsonl`, `best.csv`, `best.sdf` and `progress.png`.
        recipe: whatever decides which molecules are asked (method and its options, model, seed, scorer), of JSON types; written into the
            journal with `batch`, and compared with it on resuming. The budget is no part of it: it may be raised.
        budget: oracle calls in all, those of before a resume included; never exceeded.
        batch: molecules proposed at once, which a method learns from together.
        resume: go on with the journal of the folder.
        picture: draw the progress; needs matplotlib.
        progress: told after every batch, or part of one. What it raises ends the campaign, and calls that failed last are forgotten.

    Raises:
        DataError: a budget or batch below 1, or a budget below the calls made; another recipe than the journal's, or a damaged journal; a
            scorer that does not give one answer a molecule; a method that proposes the same or no molecules; a disk that takes no more.
        MissingExtraError: the picture needs matplotlib.
    """
    from molvae.optimize.picture import check_picture

    if budget < 1 or batch < 1:
        raise DataError(f"budget {budget} and batch {batch}: both are expected to be at least 1")
    folder = Path(folder)
    if picture:
        check_picture(folder / "progress.png")
    whole = {**recipe, "batch": batch}
    with (Journal.resume if resume else Journal.create)(folder / "journal.jsonl", whole) as journal:
        if len(journal) > budget:
            raise DataError(f"{journal.path} holds {len(journal)} calls, more than the budget of {budget}")
        for new in _rounds(method, scorer, journal, budget, batch):
            if progress:
                progress(_progress(journal, budget, new))
        outcome = Outcome(tuple(journal.entries), budget, journal.note)
    outcome.write(folder, picture)
    return outcome


def _replay(method: Method, entries: Sequence[Entry], batch: int, budget: int) -> tuple[list[Entry], list[str]]:
    """Tell a method what it was told before, in the same rounds.

    Returns:
        Of a last round that was cut off, what was answered and which molecules were not asked yet; else nothing.
    """
    rounds = [list(told) for _, told in groupby(entries, key=lambda entry: entry.round)]
    last = rounds.pop() if rounds and len(rounds[-1]) < batch and len(entries) < budget else []
    for told in rounds:
        _tell(method, told)
    known = [entry.smiles for entry in last]
    proposed = method.ask(min(batch, budget - len(entries) + len(last))) if last else []
    if proposed[: len(known)] == known and len(proposed) > len(known):
        return last, proposed[len(known) :]
    if last:  # it was whole
        _tell(method, last)
    return [], []


def _tell(method: Method, entries: Sequence[Entry]) -> None:
    method.tell([entry.smiles for entry in entries], [entry.value for entry in entries])


def _rounds(method: Method, scorer: Scorer, journal: Journal, budget: int, batch: int) -> Iterator[int]:
    """Rounds of asking until the budget is spent or the method has nothing new; after each part of one, how many calls were journaled.

    Calls that failed are journaled with the next one that did not, or at the end: when the oracle has broken down and the campaign is
    stopped, they are asked again on resuming.
    """
    size = getattr(scorer, "at_once", None) or batch
    number = journal.entries[-1].round if journal.entries else 0
    told, left = _replay(method, journal.entries, batch, budget)
    failed: list[Entry] = []
    while True:
        if not left:
            free = min(batch, budget - len(journal) - len(failed))
            if not free or not (left := _proposed(method, journal, free)):
                break
            number += 1
        while left:
            part, left = left[:size], left[size:]
            entries = _asked(scorer, part, len(journal) + len(failed), number)
            told, failed, before = told + entries, failed + entries, len(journal)
            if not all(entry.failed for entry in entries):
                journal.append(failed)
                failed = []
            yield len(journal) - before
        _tell(method, told)
        told = []
    journal.append(failed)


def _proposed(method: Method, journal: Journal, n: int) -> list[str]:
    """What the method proposes, checked: a method that repeats itself would spend calls on nothing."""
    smiles = method.ask(n)
    if len(smiles) > n:
        raise DataError(f"the method proposed {len(smiles)} molecules where {n} were asked for")
    for text in smiles:
        try:
            written = canonical(parse(text))
        except MoleculeError as error:
            raise DataError(f"the method proposed {text!r}: {error}") from error
        if written != text:
            raise DataError(f"the method proposed {text!r}, which is not canonical: {written!r}")
        if text in journal:
            raise DataError(f"the method proposed {text!r}, which was asked before")
    if len(set(smiles)) < len(smiles):
        raise DataError(f"the method proposed {len(smiles)} molecules of which {len(set(smiles))} are different")
    return smiles


def _asked(scorer: Scorer, smiles: Sequence[str], before: int, number: int) -> list[Entry]:
    """Entries for the answers of the scorer."""
    answers = scorer(smiles)
    if len(answers) != len(smiles):
        raise DataError(f"the scorer gave {len(answers)} answers to {len(smiles)} molecules (from call {before + 1} on)")
    return [_entry(before + place, number, text, answer) for place, (text, answer) in enumerate(zip(smiles, answers, strict=True), 1)]


def _entry(call: int, number: int, smiles: str, answer: Answer) -> Entry:
    value, problem = answer.value, answer.problem
    if value is not None and not math.isfinite(value):
        value, problem = None, f"the scorer gave {value}"
    parts = {name: _finite(part) for name, part in getattr(answer, "parts", {}).items()}  # scores of an objective have parts
    return Entry(call, number, smiles, None if value is None else float(value), problem, parts)


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def _progress(journal: Journal, budget: int, new: int) -> Progress:
    scores = sorted((entry.value for entry in journal.entries if entry.value is not None), reverse=True)[:10]
    return Progress(len(journal), budget, scores[0] if scores else None, sum(scores) / len(scores) if scores else None, new)
