"""The page of a campaign: one file of HTML that opens offline."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from molvae.optimize.found import Found
from molvae.optimize.front_picture import front_picture
from molvae.optimize.picture import progress_picture
from molvae.optimize.words import rule, wish
from molvae.pages.document import document, note, section, tiles
from molvae.pages.markup import Markup, element
from molvae.pages.pictures import carried, structures
from molvae.pages.tables import figure, listing

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 24  # molecules drawn
_REASONS = 20  # failures listed
_ROWS = 100  # of the front


def page(found: Found) -> str:
    """The report of a campaign: figures, wishes, progress, front, best molecules, failures, settings."""
    parts = (_opening, _objective, _progress, _front, _best, _diverse, _failures, _settings)
    return document(f"Campaign {found.recipe.where}", *(part(found) for part in parts))


def _opening(found: Found) -> Markup:
    outcome = found.outcome
    best = outcome.best(10)["score"]
    figures = [("oracle calls", f"{len(outcome.entries):,} of {outcome.budget:,}")]
    if len(best):
        figures += [("best score", figure(best.max())), ("mean of the best 10", figure(best.mean()))]
    figures += [("AUC top 10", figure(outcome.auc())), ("failed calls", f"{found.failures.total():,}")]
    if unmet := found.unmet:
        figures += [("missed a constraint", f"{unmet.total():,}")]
    if found.objective.combine == "pareto":
        figures += [("molecules on the front", f"{len(found.objective.front(found.scores)):,}")]
        figures += [("hypervolume", figure(found.objective.hypervolume(found.scores)))]
    dry = ["The method had nothing new to ask before the budget was spent."] if outcome.exhausted else []
    return element("div", tiles(figures), *(note(text) for text in [*filter(None, found.notes), *dry]))


def _objective(found: Found) -> Markup:
    terms = zip(found.objective.names, found.objective.terms, strict=True)
    rows = [(name, wish(term), "must" if term.hard else "wish", "" if term.hard else f"{term.weight:g}") for name, term in terms]
    return section(
        "What is wished", element("p", rule(found.objective)), listing(("Name", "In words", "Kind", "Weight"), rows, numbers=(3,))
    )


def _progress(found: Found) -> Markup:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "progress.svg"
        progress_picture(found.outcome.scores, path)
        return section("Progress", element("figure", carried(path, "scores against oracle calls"), class_="wide"))


def _front(found: Found) -> Markup:
    table = found.front()
    if table is None or not len(table):
        return Markup()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "front.svg"
        front_picture(found.objective.points(found.scores), found.soft_names, path)
        picture = element("figure", carried(path, "hypervolume against oracle calls, and the front for each pair of wishes"), class_="wide")
    shown = table.sort_values("score", ascending=False).head(_ROWS)
    remark = f"Each axis is what a wish makes of its number, from 0 (bad) to 1 (good). {_some(len(shown), len(table))}"
    rows = [(str(row["smiles"]), _cell(row["score"]), *(_worth(name, row) for name in found.soft_names)) for row in _rows(shown)]
    columns = ("SMILES", "score", *found.soft_names)
    return section("Front", picture, note(remark), listing(columns, rows, numbers=range(1, len(columns))))


def _rows(table: pd.DataFrame) -> list[dict[str, object]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _some(shown: int, all_: int) -> str:
    return f"All {all_} molecules of the front:" if shown == all_ else f"The {shown} of {all_} molecules of the front with the best scores:"


def _cell(value: object) -> str:
    return figure(float(value)) if isinstance(value, int | float) else str(value)


def _best(found: Found) -> Markup:
    worth = "" if found.objective.is_plain else " and what it is worth from 0 to 1, where that is another number"
    return _drawn("Best molecules", found.outcome.best(_SHOWN), f"The score, and for each wish its number{worth}.", _shown(found))


def _shown(found: Found) -> dict[str, bool]:
    """Names of the terms whose numbers differ from molecule to molecule, and whether they are wishes; all have the same substructures."""
    terms = zip(found.objective.names, found.objective.terms, strict=True)
    return {name: not term.hard for name, term in terms if not (term.hard and term.is_pattern)}


def _diverse(found: Found) -> Markup:
    table = found.diverse()
    if table is None:
        return Markup()
    bound = f"The best of which no two are as similar as {found.recipe.settings.max_similarity:g} (Tanimoto)."
    return _drawn("Best and unlike each other", table.head(_SHOWN), bound, _shown(found))


def _drawn(title: str, table: pd.DataFrame, remark: str, names: dict[str, bool]) -> Markup:
    if not len(table):
        return Markup()
    pictures = structures(table["smiles"].tolist())
    figures = [_molecule(row, names, picture) for row, picture in zip(_rows(table), pictures, strict=True)]
    return section(title, note(remark), element("div", *figures, class_="molecules"))


def _molecule(row: dict[str, object], names: dict[str, bool], picture: Markup) -> Markup:
    head = element("figcaption", element("b", _cell(row["score"])), f" · call {row['call']}")
    numbers = {name: _worth(name, row) if soft else _cell(row[name]) for name, soft in names.items()}
    parts = [element("div", element("span", name), element("span", number)) for name, number in numbers.items()]
    return element(
        "figure", picture, head, element("div", *parts, class_="parts"), element("figcaption", str(row["smiles"]), class_="smiles")
    )


def _worth(name: str, row: dict[str, object]) -> str:
    """The number of a wish, and what it is worth where that is something else."""
    number, part = _cell(row[name]), row.get(f"{name}_part")
    return number if part is None or _cell(part) == number else f"{number} → {_cell(part)}"


def _failures(found: Found) -> Markup:
    failures = found.failures
    if not failures:
        return Markup()
    rows = [(reason, f"{count:,}") for reason, count in failures.most_common(_REASONS)]
    rest = failures.total() - sum(count for _, count in failures.most_common(_REASONS))
    rows += [("other reasons", f"{rest:,}")] if rest else []
    remark = note("Calls that an oracle gave no number for; they have no score, which is not a score of 0.")
    return section("Failed calls", remark, listing(("Reason", "Calls"), rows, numbers=(1,)))


def _settings(found: Found) -> Markup:
    settings = found.recipe.settings.model_dump(exclude_none=True)
    options = {f"option {name}": value for name, value in settings.pop("options").items()}
    return section("Settings", listing(("Setting", "Value"), [(name, str(value)) for name, value in (settings | options).items()]))
