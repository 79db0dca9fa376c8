"""Molecules that a campaign starts from: a lead with molecules around it, and those of a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from molvae.chem.editable import Editable
from molvae.chem.edits import mutant
from molvae.chem.molecules import canonical, parse
from molvae.data.formats import Row, read_rows
from molvae.errors import DataError, MoleculeError
from molvae.latent.neighbors import neighbors
from molvae.optimize.options import default
from molvae.optimize.recipe import Settings

if TYPE_CHECKING:
    from molvae.model import MolVAE
    from molvae.optimize.objective import Objective

_AROUND = 100  # molecules around a lead for a method that does not say how many it begins with
_BLOCK = 500  # rows of a file looked at together
_TRIES = 5000  # changes of atoms and bonds, where codes around a lead bring too few molecules


@dataclass(frozen=True)
class Starts:
    """What is asked first.

    Attributes:
        smiles: canonical, all different, all meeting the constraints that cost no call.
        note: what was left out, and why; else empty.
    """

    smiles: tuple[str, ...] = ()
    note: str = ""


def starts_of(settings: Settings, objective: Objective, model: MolVAE) -> Starts:
    """The lead, with a bound of similarity also molecules around it that meet the bound, and the molecules of the start file.

    Draws from the prior hardly ever meet a bound of similarity, so the molecules around the lead are what a method learns from: as many as
    it begins with, written for codes around that of the lead, and where these are too few, made from it by small changes.

    Raises:
        DataError: the model cannot encode the lead; a file that cannot be read, or that holds no molecule that may be asked.
    """
    around = _around(settings, objective, model) if settings.lead is not None else []
    read, note = _read(settings, objective) if settings.start_file is not None else ([], "")
    return Starts(tuple(dict.fromkeys([*around, *read])), note)


def _around(settings: Settings, objective: Objective, model: MolVAE) -> list[str]:
    lead = str(settings.lead)
    if problem := model.encode_all([lead]).problems[0]:
        raise DataError(f"the model {settings.model} cannot encode the lead {lead!r}: {problem}; `molvae finetune` adds symbols to a model")
    n = default(settings.method, "first", settings.options) or _AROUND
    bound, found = settings.min_similarity, [lead]
    if bound is not None:
        found += neighbors(model, lead, n, min_similarity=bound, properties=[], seed=settings.seed)["smiles"].tolist()
    kept = [text for text, reason in zip(found, objective.violations(found), strict=True) if not reason]
    return kept if bound is None or len(kept) >= n else [*kept, *islice(_edited(lead, kept, objective, settings.seed), n - len(kept))]


def _edited(lead: str, known: list[str], objective: Objective, seed: int) -> Iterator[str]:
    """More molecules that may be asked, each a small change of atoms or bonds away from the lead or from one of those before."""
    random = np.random.default_rng(seed)
    seen = {lead, *known}
    parents = [lead, *known]
    for _ in range(_TRIES):
        child = mutant(Editable.of(parents[int(random.integers(len(parents)))]), random)
        if child and child not in seen and not objective.violations([child])[0]:
            yield child
            parents.append(child)
        seen.add(child)


def _read(settings: Settings, objective: Objective) -> tuple[list[str], str]:
    """Molecules of the start file that may be asked, as many as there are calls, and a note on the others."""
    reasons: Counter[str] = Counter()
    usable = list(islice(_usable(settings, objective, reasons), settings.budget))
    said = "; ".join(f"{count:,} {reason}" for reason, count in reasons.most_common(3))
    more = f" and {len(reasons) - 3} reasons more" if len(reasons) > 3 else ""
    if not usable:
        raise DataError(f"{settings.start_file} holds no molecule that can be asked: {said}{more}")
    return usable, f"{settings.start_file}: {reasons.total():,} rows are left out ({said}{more})" if reasons else ""


def _usable(settings: Settings, objective: Objective, reasons: Counter[str]) -> Iterator[str]:
    every = read_rows(str(settings.start_file), settings.column)
    while rows := list(islice(every, _BLOCK)):
        known = [text for row in rows if (text := _canonical(row, reasons))]
        for text, reason in zip(known, objective.violations(known), strict=True):
            if reason:
                reasons[reason] += 1
            else:
                yield text


def _canonical(row: Row, reasons: Counter[str]) -> str:
    try:
        return canonical(parse(row.checked()))
    except MoleculeError as error:
        reasons[error.reason] += 1
        return ""
