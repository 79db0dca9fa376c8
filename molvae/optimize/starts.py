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
from molvae.chem.similarity import similarity_of
from molvae.data.formats import Row, read_rows
from molvae.errors import DataError, MoleculeError
from molvae.latent.neighbors import neighbors
from molvae.optimize.guard import refused as guarded
from molvae.optimize.options import default
from molvae.optimize.recipe import Settings

if TYPE_CHECKING:
    from molvae.model import MolVAE
    from molvae.optimize.objective import Objective

_AROUND = 100  # molecules around a lead for a method that does not say how many it begins with
_NEAR = 0.4  # Tanimoto similarity to a lead that is not asked, where no bound is given
_BLOCK = 500  # rows of a file looked at together
_OTHERS = "the model zinc250k knows charges and stereo, `molvae finetune` adds symbols to a model"
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
    it begins with, written for codes around that of the lead, and where these are too few, made from it by small changes. The same for a
    lead that misses a constraint itself.

    Raises:
        DataError: the model cannot encode the lead; nothing around it meets the constraints; a file that cannot be read, or that holds no
            molecule that may be asked.
    """
    around, said = _around(settings, objective, model) if settings.lead is not None else ([], "")
    read, left_out = _read(settings, objective) if settings.start_file is not None else ([], "")
    return Starts(tuple(dict.fromkeys([*around, *read])), "; ".join(filter(None, (said, left_out))))


def _around(settings: Settings, objective: Objective, model: MolVAE) -> tuple[list[str], str]:
    lead = str(settings.lead)
    if problem := model.encode_all([lead]).problems[0]:
        said = f"{problem.reason}; give the part that counts" if "." in lead else f"{problem}; {_OTHERS}"
        raise DataError(f"the model {settings.model} cannot encode the lead {lead!r}: {said}")
    n = default(settings.method, "first", settings.options) or _AROUND
    bound, found, refused = settings.min_similarity, [lead], objective.violations([lead])[0]
    if grown := bound is not None or bool(refused):
        found += neighbors(model, lead, n, min_similarity=bound or _NEAR, properties=[], seed=settings.seed)["smiles"].tolist()
    reasons = objective.violations(found)
    kept = [text for text, reason in zip(found, reasons, strict=True) if not reason]
    if grown and len(kept) < n:
        kept += islice(_edited(lead, kept, objective, bound or _NEAR, settings.seed), n - len(kept))
    if not kept:
        said = "; ".join(f"{count} {reason}" for reason, count in Counter(reasons).most_common(3))
        raise DataError(f"neither the lead {lead!r} nor anything around it meets the constraints: {said}{_guarded(lead, refused)}")
    return kept, f"the lead is not asked, molecules around it are: {refused}{_guarded(lead, refused)}" if refused else ""


def _guarded(lead: str, reason: str) -> str:
    return " (guard = false in [objective] turns the rules against silly optima off)" if reason and guarded(parse(lead)) == reason else ""


def _edited(lead: str, known: list[str], objective: Objective, near: float, seed: int) -> Iterator[str]:
    """More molecules that may be asked, each a small change of atoms or bonds away from the lead or from one of those before."""
    random = np.random.default_rng(seed)
    seen = {lead, *known}
    parents = [lead, *known]
    for _ in range(_TRIES):
        child = mutant(Editable.of(parents[int(random.integers(len(parents)))]), random)
        if child and child not in seen and similarity_of(child, lead) >= near and not objective.violations([child])[0]:
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
    every, seen = read_rows(str(settings.start_file), settings.column), set[str]()
    while rows := list(islice(every, _BLOCK)):
        known = [text for text in dict.fromkeys(_canonical(row, reasons) for row in rows) if text and text not in seen]
        seen.update(known)
        for text, reason in zip(known, objective.violations(known), strict=True):
            if reason:
                reasons[reason] += 1
            else:
                yield text


def _canonical(row: Row, reasons: Counter[str]) -> str:
    try:
        text = canonical(parse(row.checked()))
    except MoleculeError as error:
        reasons[error.reason] += 1
        return ""
    if "." in text:
        reasons["several parts, such as a salt"] += 1
        return ""
    return text
