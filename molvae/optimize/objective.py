"""Objectives: several wishes of a molecule as one score, with its parts, or kept apart."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pydantic
from numpy.typing import NDArray
from rdkit import Chem

from molvae.errors import DataError, RecipeError
from molvae.optimize.desirability import geometric_mean
from molvae.optimize.guard import against_guard, refused, unmet
from molvae.optimize.keys import nearest, problems
from molvae.optimize.kinds import OWN
from molvae.optimize.measure import measured, read
from molvae.optimize.oracles.molecular import known, names
from molvae.optimize.pareto import front, hypervolume
from molvae.optimize.score import Score, answers_of
from molvae.optimize.sound import contradiction
from molvae.optimize.spans import span
from molvae.optimize.terms import Term

if TYPE_CHECKING:
    import pandas as pd

    from molvae.model import MolVAE
    from molvae.optimize.oracles.base import Answer

__all__ = ["Objective", "Score", "Term"]

#: How the desirabilities of the soft terms are used: as one weighted geometric mean, or each by itself for a Pareto front.
Combine = Literal["product", "pareto"]

_RESERVED = ("smiles", "score", "call")  # columns that results have anyway
_Values = NDArray[np.float64]


class _Own(pydantic.BaseModel):
    """The table [objective]."""

    model_config = pydantic.ConfigDict(extra="forbid")
    combine: Combine = "product"
    guard: bool = True


class _Tables(pydantic.BaseModel):
    """A recipe: the table [objective] and the tables [[term]]."""

    model_config = pydantic.ConfigDict(extra="forbid")
    objective: _Own = _Own()
    term: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Objective:
    """Wishes of a molecule: soft terms, which make the score, and hard ones, which are met or not.

    Where numbers are left out, a term spans what is known (see `molvae.optimize.spans`): the usual range of a property, the values a head
    was trained on, 0 to 1 for a similarity and for an oracle of GuacaMol or PMO; a user's own oracle needs its numbers. An objective of
    one soft term that is maximised or minimised without any numbers is plain: its score is the number itself, with the sign turned when
    it is minimised.

    Args:
        terms: the wishes; at least one is soft.
        combine: "product", or "pareto" for two soft terms or more that are kept apart. The value of a score is the geometric mean either
            way: of one molecule alone, it rises and falls with the hypervolume (equal weights).
        guard: refuse silly optima, by the filters of MOSES and rules of size and rings; see `molvae.optimize.guard`.
        model: whose heads are asked; only needed for terms with `head`.

    Raises:
        RecipeError: no terms, none that is soft, terms that contradict each other or the guard, a head without a model, an oracle whose
            numbers are not known.
        DataError: the model has no such head.

    >>> objective = Objective((Term(property="QED", goal="maximize"), Term(property="logP", low=1, high=3)))
    >>> {name: round(part, 2) for name, part in objective.score({}, ["CC(=O)Nc1ccccc1"])[0].parts.items()}
    {'QED': 0.62, 'QED_part': 0.62, 'logP': 1.64, 'logP_part': 1.0}
    """

    terms: tuple[Term, ...]
    combine: Combine = "product"
    guard: bool = True
    model: MolVAE | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "terms", tuple(self.terms))
        _check(self)
        spans = {term: span(term, self.model, self.is_plain) for term in self.terms if not term.hard or term.kind == "head"}
        if not self.is_plain:
            object.__setattr__(self, "terms", tuple(term if term.hard else term.filled(*spans[term]) for term in self.terms))

    @classmethod
    def of(cls, tables: Mapping[str, Any], where: str = "objective", model: MolVAE | None = None) -> Objective:
        """From the tables of a recipe: `objective` (keys `combine` and `guard`; may be absent) and `term`, a list of terms.

        Raises:
            RecipeError: as for the constructor, a head that the model does not have, and an unknown key or oracle, with the nearest one.
                (An oracle of one's own that is no "python:..." or "command:..." needs the constructor.)
        """
        try:
            given = _Tables.model_validate(dict(tables))
        except pydantic.ValidationError as error:
            raise RecipeError(f"{where}: {problems(error, [*_Tables.model_fields, *_Own.model_fields])}") from error
        try:
            terms = tuple(_term(table, number) for number, table in enumerate(given.term, 1))
            return cls(terms, given.objective.combine, given.objective.guard, model)
        except (RecipeError, DataError) as error:
            raise RecipeError(f"{where}: {error}") from error

    @classmethod
    def load(cls, path: str | Path, model: MolVAE | None = None) -> Objective:
        """From a TOML file with a table [objective] and tables [[term]]; raises RecipeError as `of` does."""
        try:
            return cls.of(tomllib.loads(Path(path).read_text(encoding="utf-8-sig")), str(path), model)
        except (OSError, UnicodeDecodeError) as error:
            raise RecipeError(f"{path} cannot be read: {error}") from error
        except tomllib.TOMLDecodeError as error:
            raise RecipeError(f"{path} is not TOML: {error}") from error

    def recipe(self) -> dict[str, Any]:
        """The tables that `of` reads, with the numbers that were left out filled in."""
        terms = [term.model_dump(exclude_unset=True) for term in self.terms]
        return {"objective": {"combine": self.combine, "guard": self.guard}, "term": terms}

    @property
    def soft(self) -> list[Term]:
        """The wishes that make the score."""
        return [term for term in self.terms if not term.hard]

    @property
    def is_plain(self) -> bool:
        """Whether the score is the number of the only soft term itself."""
        return len(self.soft) == 1 and self.soft[0].is_plain

    @property
    def oracles(self) -> list[str]:
        """Names of the oracles that are asked, each once: what costs calls."""
        return list(dict.fromkeys(term.key for term in self.terms if term.kind == "oracle"))

    @cached_property
    def names(self) -> list[str]:
        """Names of the terms, as in the parts of a score; a number tells equal ones apart."""
        seen: Counter[str] = Counter()
        names = []
        for term in self.terms:
            seen[term.label] += 1
            names.append(term.label if seen[term.label] == 1 else f"{term.label} {seen[term.label]}")
        return names

    def violations(self, smiles: Sequence[str]) -> list[str]:
        """Which constraint each molecule does not meet, of those that cost no oracle call; empty where it meets all.

        For molecules that are about to be asked: those with a violation need not be.
        """
        mols, refusals = read(smiles)
        hard = [term for term in self.terms if term.hard and term.kind != "oracle"]
        values = measured(hard, smiles, mols, self.model)
        return [refusals[row] or self._unmet(mols[row], hard, values[row]) for row in range(len(smiles))]

    def score(self, answers: Mapping[str, Sequence[Answer]], smiles: Sequence[str]) -> list[Score]:
        """Score molecules.

        Args:
            answers: by the name of each of `oracles` one answer a molecule.
            smiles: molecules; one that cannot be read has no score.

        Raises:
            DataError: the answers of an oracle are missing, or are not one a molecule.
        """
        mols, refusals = read(smiles)
        values = measured(self.terms, smiles, mols, self.model)
        said = [dict.fromkeys(range(len(smiles)), "the model cannot encode the molecule") for _ in self.terms]
        for at, term in enumerate(self.terms):
            if term.kind == "oracle":
                given = answers_of(answers, term.key, len(smiles))
                values[:, at] = [np.nan if answer.value is None else answer.value for answer in given]
                said[at] = {row: answer.problem or "no answer" for row, answer in enumerate(given)}
        values[~np.isfinite(values)] = np.nan
        parts = self._parts(values)
        return [
            self._refused(refusals[row]) if refusals[row] else self._score(mols[row], values[row], parts[row], [each[row] for each in said])
            for row in range(len(smiles))
        ]

    def points(self, scores: Sequence[Score]) -> _Values:
        """Parts of the soft terms, the axes of a Pareto front: (n, soft terms); NaN where there is no score or a constraint is not met."""
        names = [f"{name}_part" for name, term in zip(self.names, self.terms, strict=True) if not term.hard]
        rows = [[score.parts.get(name) if score.feasible and score.value is not None else None for name in names] for score in scores]
        return np.array(rows, dtype=np.float64).reshape(len(rows), len(names))

    def front(self, scores: Sequence[Score]) -> list[int]:
        """Rows that are feasible, have a score and are dominated by no other: the Pareto front."""
        points = self.points(scores)
        known = np.flatnonzero(np.isfinite(points).all(axis=1))
        return [int(known[row]) for row in front(points[known])]

    def hypervolume(self, scores: Sequence[Score]) -> float:
        """Share of the space of the soft terms that the molecules dominate, 0 to 1, exact; from 0 on each axis."""
        points = self.points(scores)
        return hypervolume(points[np.isfinite(points).all(axis=1)])

    def table(self, smiles: Sequence[str], scores: Sequence[Score]) -> pd.DataFrame:
        """One row a molecule: `smiles`, `score`, `feasible`, `problem`, and the parts of the score."""
        import pandas as pd

        columns: dict[str, Any] = {
            "smiles": list(smiles),
            "score": pd.Series([score.value for score in scores], dtype=float),
            "feasible": pd.Series([score.feasible for score in scores], dtype=bool),
            "problem": [score.problem for score in scores],
        }
        return pd.DataFrame(columns | {name: pd.Series([s.parts[name] for s in scores], dtype=float) for name in self.part_names})

    def _parts(self, values: _Values) -> _Values:
        """What each value (n, T) is worth: (n, T); NaN for a value that is missing."""
        parts = np.full(values.shape, np.nan)
        for at, term in enumerate(self.terms):
            known = ~np.isnan(values[:, at])
            column = values[known, at]
            if term.hard:
                parts[known, at] = [term.meets(value) for value in column.tolist()]
            elif self.is_plain:
                parts[known, at] = column if term.goal == "maximize" else 0.0 - column
            else:
                parts[known, at] = term.desirabilities(column)
        return parts

    def _score(self, mol: Chem.Mol, values: _Values, parts: _Values, said: Sequence[str]) -> Score:
        hard = [at for at, term in enumerate(self.terms) if term.hard]
        unmet = self._unmet(mol, [self.terms[at] for at in hard], values[hard])
        missing = [f"{self.names[at]}: {said[at]}" for at in np.flatnonzero(np.isnan(values)).tolist()]
        feasible = not unmet and not np.isnan(values[hard]).any()
        problem = unmet or "; ".join(missing)
        worst = None if self.is_plain else 0.0
        value = worst if unmet else None if missing else self._value(parts)
        return Score(value, problem, self._named(values, parts), feasible)

    def _value(self, parts: _Values) -> float:
        soft = [at for at, term in enumerate(self.terms) if not term.hard]
        if self.is_plain:
            return float(parts[soft[0]])
        return geometric_mean(parts[soft].tolist(), [self.terms[at].weight for at in soft])

    def _unmet(self, mol: Chem.Mol, hard: Sequence[Term], values: _Values) -> str:
        """The first constraint that a molecule does not meet; a value that is missing says nothing."""
        pairs = zip(hard, values.tolist(), strict=True)
        said = next((unmet(term, value) for term, value in pairs if not np.isnan(value) and not term.meets(value)), "")
        return said or (refused(mol) if self.guard else "")

    def _refused(self, reason: str) -> Score:
        return Score(None, reason, dict.fromkeys(self.part_names), False)

    @property
    def part_names(self) -> list[str]:
        """Names of the parts of a score."""
        return [key for name in self.names for key in ((name,) if self.is_plain else (name, f"{name}_part"))]

    def _named(self, values: _Values, parts: _Values) -> dict[str, float | None]:
        numbers = values if self.is_plain else np.stack([values, parts], axis=1).ravel()
        return {name: None if np.isnan(x) else x for name, x in zip(self.part_names, numbers.tolist(), strict=True)}


def _term(table: Mapping[str, Any], number: int) -> Term:
    try:
        term = Term(**table)
    except RecipeError as error:
        raise RecipeError(f"term {number}: {error}") from error
    if term.kind == "oracle" and not term.key.startswith(OWN) and not known(term.key):
        raise RecipeError(f"term {number}: unknown oracle {term.key!r}{nearest(term.key, names())}")
    return term


def _check(objective: Objective) -> None:
    """Refuse what cannot be meant."""
    if not objective.soft:
        what = "only constraints" if objective.terms else "no terms"
        raise RecipeError(f"the objective has {what}; it needs at least one soft term ([[term]]), which says what is better")
    own = [*_RESERVED, *objective.part_names]
    if twice := [name for name, count in Counter(own).items() if count > 1]:
        raise RecipeError(f"{twice[0]!r} would name two columns of the results: give the term another name")
    if objective.combine == "pareto" and len(objective.soft) < 2:
        raise RecipeError("a Pareto front needs at least two soft terms, this objective has one")
    if found := contradiction(objective.terms):
        raise RecipeError(f"the terms contradict each other: {found}")
    if objective.guard and (found := against_guard(objective.terms)):
        raise RecipeError(f"{found}; guard = false in [objective] turns the constraints against silly optima off")
