"""The page of a campaign: what was wanted, how the search went, what it found."""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from molvae.optimize.campaign import Outcome
from molvae.optimize.objective import Objective
from molvae.optimize.recipe import Campaign
from molvae.optimize.terms import Term
from molvae.page.document import document
from molvae.page.markup import Markup, element
from molvae.page.structures import structures
from molvae.page.tables import listing

_SHOWN = 24  # molecules drawn


def report(outcome: Outcome, objective: Objective, campaign: Campaign, folder: Path) -> str:
    """HTML of the page; pictures of the folder are carried within it, so that it opens anywhere, offline.

    Args:
        outcome: what was found.
        objective: what was wanted.
        campaign: the recipe.
        folder: holds `progress.png`, and `front.png` where there is a front.
    """
    return document(
        f"Campaign with {campaign.part.method}",
        _tiles(outcome),
        _section("What was wanted", listing(("wish", "what it asks", "weight"), [_row(term) for term in objective.terms], numbers=(2,)),
                 element("p", _combined(objective), class_="note")),
        _section("How it went", _image(folder / "progress.png", "scores, the best, and the mean of the ten best against calls")),
        _front(folder) if objective.combine == "pareto" else "",
        _section("Best molecules", _molecules(outcome, objective)),
        _failures(outcome),
        _section("Settings", listing(("setting", "value"), _settings(campaign))),
    )  # fmt: skip


def _section(title: str, *children: str) -> Markup:
    return element("section", element("h2", title), *children)


def _front(folder: Path) -> Markup:
    return _section("Front", _image(folder / "front.png", "hypervolume against calls, and the front"))


def _tiles(outcome: Outcome) -> Markup:
    scores = sorted((score for score in outcome.scores if score is not None), reverse=True)
    facts = {
        "oracle calls": f"{len(outcome.entries):,} of {outcome.budget:,}",
        "without a score": f"{len(outcome.entries) - len(scores):,}",
    }
    if scores:
        top = scores[:10]
        facts = {
            "best score": f"{top[0]:.4g}",
            "mean of the ten best": f"{sum(top) / len(top):.4g}",
            "AUC top 10": f"{outcome.auc():.4g}",
        } | facts
    tiles = (element("div", element("b", value), name, class_="tile") for name, value in facts.items())
    return element("div", *tiles, class_="tiles")


def _row(term: Term) -> tuple[str, str, str]:
    return term.label, in_words(term), "" if term.hard else f"{term.weight:g}"


def in_words(term: Term) -> str:
    """What a term asks.

    >>> in_words(Term(property="logP", low=2, high=3)), in_words(Term(lacks="[N+](=O)[O-]"))
    ('between 2 and 3', 'must not be there')
    """
    if term.is_pattern:
        verb = "must" if term.hard else "should"
        return f"{verb} be there" if term.kind == "contains" else f"{verb} not be there"
    if term.goal == "range":
        low, high = term.bounds
        ends = (
            f"between {low:g} and {high:g}"
            if abs(low) + abs(high) < float("inf")
            else f"at least {low:g}"
            if term.low is not None
            else f"at most {high:g}"
        )
        return f"must be {ends}" if term.hard else ends
    if term.goal == "target":
        return f"{term.target:g}"
    numbers = f" from {term.bad:g} to {term.good:g}" if term.bad is not None and term.good is not None else ""
    return f"as {'high' if term.goal == 'maximize' else 'low'} as possible{numbers}"


def _combined(objective: Objective) -> str:
    guard = (
        "Silly optima are refused by the filters of MOSES and rules of size and rings."
        if objective.guard
        else "Nothing guards against silly optima."
    )
    if objective.is_plain:
        return f"The score is the value itself{', with its sign turned' if objective.soft[0].goal == 'minimize' else ''}. {guard}"
    kept = (
        "The wishes are kept apart: what counts is the Pareto front. The score shown is"
        if objective.combine == "pareto"
        else "The score is"
    )
    return f"{kept} the weighted geometric mean of the desirabilities (0 to 1). {guard}"


def _image(path: Path, alternative: str) -> Markup:
    data = b64encode(path.read_bytes()).decode()
    return element("figure", element("img", src=f"data:image/png;base64,{data}", alt=alternative))


def _molecules(outcome: Outcome, objective: Objective) -> Markup:
    best = outcome.best(_SHOWN)
    if not len(best):
        return element("p", "No molecule has a score.")
    cells = []
    for drawing, row in zip(structures(best["smiles"].tolist()), best.to_dict("records"), strict=True):
        lines = [element("div", text) for text in _parts(row, objective)]
        caption = element("figcaption", element("b", f"{row['score']:.4g}"), f" (call {row['call']:,})", *lines)
        cells.append(element("figure", drawing, caption, element("figcaption", row["smiles"], class_="smiles")))
    return element("div", *cells, class_="molecules")


def _parts(row: Mapping[Any, Any], objective: Objective) -> list[str]:
    """What was looked at, with its desirability where it has one; substructures that must or must not be there are left out."""
    shown = [(name, term) for name, term in zip(objective.names, objective.terms, strict=True) if not (term.hard and term.is_pattern)]
    lines = []
    for name, term in shown:
        value, part = row.get(name), row.get(f"{name}_part")
        if value is not None:
            lines.append(f"{name}: {value:.3g}" + (f" (worth {part:.3g})" if part is not None and not term.hard else ""))
    return lines


def _failures(outcome: Outcome) -> Markup:
    reasons = Counter(entry.problem for entry in outcome.entries if entry.value is None)
    if not reasons:
        return Markup("")
    rows = [(reason, f"{count:,}") for reason, count in reasons.most_common(20)]
    return _section("Calls without a score", listing(("reason", "calls"), rows, numbers=(1,)))


def _settings(campaign: Campaign) -> list[tuple[str, str]]:
    return [(name, str(value)) for name, value in campaign.part.model_dump().items() if value not in (None, {})]
