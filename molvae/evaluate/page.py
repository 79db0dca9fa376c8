"""The one-page report of an evaluation, as HTML that needs nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from molvae.chem.properties import PROPERTIES
from molvae.evaluate.evaluation import Evaluation, summary
from molvae.evaluate.figures import histogram, scatter
from molvae.evaluate.metrics import Metrics
from molvae.evaluate.published import GUACAMOL, GUACAMOL_COLUMNS, MOSES, MOSES_COLUMNS, TRADEOFFS, Column
from molvae.evaluate.tables import beside_peers, sources, tradeoffs
from molvae.pages.document import document, note, section, tiles
from molvae.pages.markup import Markup, element, joined
from molvae.pages.pictures import structures
from molvae.pages.tables import figure, listing

_SHOWN = 24  # molecules drawn
_PAIRS = 12  # reconstructions drawn
_MISSES = 100  # misses listed as text

#: Of the latent: what it is called, its unit, and what it says.
_LATENT = {
    "rate": ("rate", "nats a molecule", "KL from the posterior to the prior: how much the code tells"),
    "distortion": ("distortion", "nats a molecule", "what the decoder still has to guess"),
    "elbo": ("ELBO", "nats a molecule", "distortion and rate: upper bound of the negative log likelihood; low is good"),
    "iwae": ("IWAE", "nats a molecule", "a tighter bound, of many codes a molecule; low is good"),
    "exact_reconstruction": ("exact reconstruction", "share", "held-out molecules that come back, from the mean code"),
    "exact_reconstruction_sampled": ("exact reconstruction, sampled", "share", "the same from a code drawn of the posterior"),
    "tanimoto_of_misses": ("Tanimoto of misses", "0 to 1", "how similar those are that do not come back"),
    "active_units": ("active units", "dimensions", "dimensions of the code that depend on the molecule"),
    "dimensions": ("dimensions", "", "of the code, in all"),
    "mutual_information": ("mutual information", "nats", "between molecule and code: at most this, the rate less the prior gap"),
    "prior_gap": (
        "prior gap",
        "nats",
        "KL from the codes of all molecules together to the prior, by mean and covariance: at least this; low is good",
    ),
}


def page(evaluation: Evaluation) -> str:
    """The report of an evaluation; the order is verdict, counts, metrics, properties, structures, latent, what is missing."""
    parts = (_opening, _rows, _moses, _guacamol, _properties, _structures, _latent, _reconstructions, _map, _missing, _settings)
    return document(f"Evaluation of {evaluation.source}", *(part(evaluation) for part in parts))


def _opening(evaluation: Evaluation) -> Markup:
    compared = element("p", f"Compared with {evaluation.reference}.", class_="soft")
    caution = evaluation.settings.get("caution")
    remark = note(f"Caution: {caution}.") if caution else ""
    return joined(compared, _verdict(evaluation.settings.get("verdict")), remark, tiles(_tiles(evaluation)))


def _verdict(verdict: object) -> Markup:
    if not verdict:
        return Markup()
    text = str(verdict)
    kind = "good" if text.startswith("alive") else "bad" if "collapse" in text.lower() else "open"
    return element("p", f"Latent: {text}", class_=f"verdict {kind}", role="status")


def _tiles(evaluation: Evaluation) -> list[tuple[str, str]]:
    moses, latent = evaluation.moses.values, evaluation.latent.values if evaluation.latent else {}
    found = [("rows judged", f"{evaluation.samples.rows:,}")]
    found += [(title, _percent(moses[name])) for name, title in (("valid", "valid"), ("Novelty", "novel")) if name in moses]
    found += [(name.replace("/", " to "), figure(value)) for name, value in moses.items() if name.startswith("FCD/")]
    found += [("reconstructed exactly", _percent(latent["exact_reconstruction"]))] if "exact_reconstruction" in latent else []
    return found


def _percent(share: float) -> str:
    """A share in percent; one just below all is not rounded up to it.

    >>> [_percent(share) for share in (1.0, 0.9999, 0.9748)]
    ['100%', '>99.9%', '97.5%']
    """
    return "100%" if share == 1 else ">99.9%" if share > 0.999 else f"{share:.1%}"


def _rows(evaluation: Evaluation) -> Markup:
    samples = evaluation.samples
    counts = [("rows", samples.rows), ("valid", len(samples.smiles)), ("different", len(samples.unique)), ("repeats", samples.duplicates)]
    refused = sorted(samples.refused.items(), key=lambda item: (-item[1], item[0]))
    counts += [(f"refused: {reason}", count) for reason, count in refused]
    return section("Rows", listing(("Rows", "Number"), ((what, f"{count:,}") for what, count in counts), numbers=(1,)))


def _moses(evaluation: Evaluation) -> Markup:
    where = f"Published figures: models trained on MOSES, 30,000 samples, the test sets of MOSES. Here: {_here(evaluation)}."
    return section(
        "MOSES",
        note(f"{where} Unless both agree, the rows do not compare; FCD in particular falls with the number of samples. {_MARKS}"),
        beside_peers(evaluation.source, evaluation.moses, MOSES_COLUMNS, MOSES),
        _others(evaluation.moses, MOSES_COLUMNS),
        sources(MOSES),
    )


_MARKS = "Shaded: best of its column; italic: molecules of the data itself, no model."


def _here(evaluation: Evaluation) -> str:
    return f"{len(evaluation.samples.smiles):,} valid molecules of {evaluation.source}, compared with {evaluation.reference}"


def _guacamol(evaluation: Evaluation) -> Markup:
    where = "Published figures: models trained on ChEMBL as GuacaMol cut it, 10,000 samples"
    return section(
        "GuacaMol",
        note(f"{where}. Here: {_here(evaluation)}. A model trained on other molecules has an easier or a harder task. {_MARKS}"),
        beside_peers(evaluation.source, evaluation.guacamol, GUACAMOL_COLUMNS, GUACAMOL),
        _others(evaluation.guacamol, GUACAMOL_COLUMNS),
        sources(GUACAMOL),
    )


def _others(metrics: Metrics, columns: Sequence[Column]) -> Markup:
    """The metrics that have no column in the published table."""
    shown = {column.name for column in columns}
    rest = [(name, figure(value)) for name, value in metrics.values.items() if name not in shown]
    if not rest:
        return Markup()
    table = listing(("Metric", "Value"), rest, numbers=(1,))
    return element("details", element("summary", f"{len(rest)} more without published figures here"), table)


def _properties(evaluation: Evaluation) -> Markup:
    if not evaluation.properties:
        return Markup()
    charts = [_property(name, *values) for name, values in evaluation.properties.items()]
    ours = element("span", element("span", class_="key ours"), "samples")
    theirs = element("span", element("span", class_="key theirs"), f"reference: {evaluation.reference}")
    legend = element("p", ours, theirs, class_="legend soft")
    remark = note("Each distribution has area one; the outermost bins also hold the values beyond the axis, one in a thousand a side.")
    return section("Properties", legend, remark, element("div", *charts, class_="charts"))


def _property(name: str, ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> Markup:
    unit = _unit(name)
    label = f"{name} ({unit})" if unit else name
    means = [f"{found['mean']:.4g}" if (found := summary(each))["number"] else "-" for each in (ours, theirs)]
    caption = f"{label}: mean {means[0]}, reference {means[1]}"
    return element("figure", histogram(ours, theirs, label), element("figcaption", caption))


def _unit(name: str) -> str:
    known = PROPERTIES.get({"weight": "MW"}.get(name, name))
    return known.unit if known else ""


def _structures(evaluation: Evaluation) -> Markup:
    shown = evaluation.samples.unique[:_SHOWN]
    if not shown:
        return Markup()
    drawn = [element("figure", picture, _smiles(text)) for picture, text in zip(structures(shown), shown, strict=True)]
    remark = note(f"The first {len(shown)} different valid molecules, in the order they came; none was picked.")
    return section("Samples", remark, element("div", *drawn, class_="molecules"))


def _smiles(text: str) -> Markup:
    return element("figcaption", text or "nothing", class_="smiles")


def _latent(evaluation: Evaluation) -> Markup:
    if evaluation.latent is None:
        return Markup()
    values = evaluation.latent.values
    named = [(*_LATENT.get(name, (name, "", "")), value) for name, value in values.items()]
    rows = [(title, figure(value), unit, meaning) for title, unit, meaning, value in named]
    exact, fcd = values.get("exact_reconstruction"), evaluation.moses.values.get("FCD/Test")
    point = (exact, fcd) if exact is not None and fcd is not None else None
    return section(
        "Latent",
        listing(("Measure", "Value", "Unit", "Meaning"), rows, numbers=(1,)),
        note("A model that tells its molecules apart pays in the quality of samples from the prior; published points of that trade:"),
        tradeoffs(point, TRADEOFFS),
        note(f"Published figures: {TRADEOFFS[0].source}."),
    )


def _reconstructions(evaluation: Evaluation) -> Markup:
    pairs = evaluation.reconstructions
    if not pairs:
        return Markup()
    misses = [pair for pair in pairs if pair[0] != pair[1]]
    exact = len(pairs) - len(misses)
    remark = f"{exact:,} of {len(pairs):,} held-out molecules came back exactly. Drawn: the first {min(_PAIRS, len(pairs))}, as they came."
    shown = pairs[:_PAIRS]
    pictures = structures([text for pair in shown for text in pair])
    drawn = [_pair(*pair, *pictures[2 * at : 2 * at + 2]) for at, pair in enumerate(shown)]
    return section("Reconstructions", note(remark), element("div", *drawn, class_="pairs"), _listed(misses))


def _pair(given: str, back: str, before: Markup, after: Markup) -> Markup:
    exact = given == back
    sides = [element("div", picture, _smiles(text)) for picture, text in ((before, given), (after, back))]
    mark = element("div", "✓ exact" if exact else "✗ miss: input, and what came back", class_="mark")
    return element("figure", mark, element("div", *sides, class_="sides"), class_=None if exact else "miss")


def _listed(misses: Sequence[tuple[str, str]]) -> Markup:
    if not misses:
        return Markup()
    table = listing(("Input", "Came back"), ((given, back or "nothing") for given, back in misses[:_MISSES]))
    shown = f"the first {_MISSES} of {len(misses):,} misses" if len(misses) > _MISSES else f"all {len(misses)} misses"
    return element("details", element("summary", f"As text: {shown}"), table)


def _map(evaluation: Evaluation) -> Markup:
    if evaluation.codes is None:
        return Markup()
    real = element("span", "● codes of real molecules", class_="real")
    prior = element("span", "✕ draws from the prior", class_="draw")
    legend = element("p", real, prior, class_="legend soft")
    remark = note(
        "Two principal components, one scale. Crosses far from all dots are codes that the decoder never saw; "
        "that the two overlap here does not prove that they do in all dimensions."
    )
    return section("Map of codes", legend, remark, element("figure", scatter(*evaluation.codes), class_="map"))


def _missing(evaluation: Evaluation) -> Markup:
    if not evaluation.missing:
        return Markup()
    return section("Not computed", listing(("Set", "Metric", "Why"), evaluation.missing))


def _settings(evaluation: Evaluation) -> Markup:
    rows = [(name, str(value)) for name, value in evaluation.settings.items() if name != "verdict"]
    return section("Settings", listing(("Setting", "Value"), rows)) if rows else Markup()
