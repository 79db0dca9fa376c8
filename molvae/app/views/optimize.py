"""Campaigns: what is wished, the search for it, and the best so far."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from molvae.app.boxes import molecule_box
from molvae.app.session import Outcome, current, launch, outcome, say_note
from molvae.app.shelf import cards, shelf
from molvae.app.tables import unpacked
from molvae.chem.properties import PROPERTIES

PAGE = "optimize"

_LEAD = "optimize lead"  # the box of the molecule to start from
_SHOWN = 8  # molecules drawn while it goes on
_HIGH, _LOW, _BETWEEN = "high", "low", "between"
_FIRST = {"QED": _HIGH, "logP": _BETWEEN}
_METHODS = {
    "evolve": "evolve: children of the best, screened",
    "gradient": "gradient: ascent over codes",
    "cma": "cma: CMA-ES over codes",
    "turbo": "turbo: Bayesian optimization",
    "stoned": "stoned: changes of SELFIES, no model",
    "random": "random: samples, unguided",
}


def show() -> None:
    """The page."""
    st.caption("Say what you wish; the search spends a budget of molecules on it. All values are computed by RDKit.")
    names = st.multiselect("Properties", list(PROPERTIES), list(_FIRST), key="optimize names", persist_state="session")
    terms = [_term(name) for name in names]
    campaign = {"method": "evolve", "budget": 300, "seed": 0}
    with st.expander("A lead, and how to search", expanded=_has_lead()):
        campaign |= _lead()
        campaign |= _search()
    ready = bool(terms) and ("lead" in campaign or not _has_lead()) and current(PAGE) is None
    if st.button("Optimize", type="primary", icon=":material/play_arrow:", disabled=not ready):
        launch(PAGE, "optimize", recipe={"campaign": campaign, "term": terms})
        st.rerun()
    found = outcome(PAGE, _live)
    if found is not None and current(PAGE) is None:
        _ended(found)


def _term(name: str) -> dict[str, Any]:
    """A wish of one property."""
    low, high = PROPERTIES[name].range
    unit = f" ({PROPERTIES[name].unit})" if PROPERTIES[name].unit else ""
    way, span = st.columns([1.3, 2], vertical_alignment="bottom")
    chosen = way.segmented_control(
        f"{name}{unit}", [_HIGH, _LOW, _BETWEEN], default=_FIRST.get(name, _HIGH), required=True, key=f"optimize way {name}",
        persist_state="session", wrap=True,
    )  # fmt: skip
    if chosen != _BETWEEN:
        return {"property": name, "goal": "maximize" if chosen == _HIGH else "minimize"}
    middle = (2.0, 3.0) if name == "logP" else (low + (high - low) / 4, low + (high - low) / 2)
    ends = span.slider(f"{name} from and to", low, high, middle, key=f"optimize span {name}", persist_state="session")
    return {"property": name, "low": ends[0], "high": ends[1]}


def _has_lead() -> bool:
    """Whether something stands in the box of the lead, usable or not."""
    return bool((st.session_state.get(_LEAD) or "").strip())


def _lead() -> dict[str, Any]:
    """The molecule to start from, where there is one."""
    lead = molecule_box("Start from (may be empty)", _LEAD)
    least = st.slider("Least similarity to it (0: no bound)", 0.0, 0.9, 0.0, 0.05, key="optimize least", persist_state="session")
    if lead is None:
        return {}
    return {"lead": lead} | ({"min_similarity": least} if least > 0 else {})


def _search() -> dict[str, Any]:
    method, budget, seed = st.columns([2.4, 1.2, 1], vertical_alignment="bottom")
    return {
        "method": method.selectbox("Method", _METHODS, format_func=_METHODS.__getitem__, key="optimize method", persist_state="session"),
        "budget": int(budget.number_input("Molecules in all", 20, 20_000, 300, 100, key="optimize budget", persist_state="session")),
        "seed": int(seed.number_input("Seed", 0, 2**31 - 1, 0, key="optimize seed", persist_state="session")),
    }


def _live(known: Mapping[str, Any]) -> None:
    """The curve and the best so far, while it goes on."""
    _curve(known["curve"], "live")
    st.markdown("**Best so far**")
    best = unpacked(known["table"]).head(_SHOWN)
    cards(best, "best so far", ["score", *_named(best)])


def _ended(found: Outcome) -> None:
    table, curve = found.table, found.result["curve"]
    budget = found.options["recipe"]["campaign"]["budget"]
    said = f"{len(curve):,} of {budget:,} molecules asked in {found.seconds:.0f} s, by {found.model}"
    say_note(f"Stopped: {said}; what was found is kept." if found.stopped else f"{said}.")
    _curve(curve, "ended")
    shelf(table, PAGE, st.session_state["number of optimize"], ("score", *_named(table)))


def _named(table: pd.DataFrame) -> tuple[str, ...]:
    return tuple(str(name) for name in table if name not in ("smiles", "score", "call"))


def _curve(curve: list[list[float | None]], key: str) -> None:
    calls = list(range(1, len(curve) + 1))
    figure = go.Figure()
    for at, (name, colour) in enumerate((("best", "#0f6e6e"), ("mean of the ten best", "#e69f00"))):
        figure.add_scatter(x=calls, y=[point[at] for point in curve], name=name, mode="lines", line={"color": colour, "width": 2})
    figure.update_layout(
        height=260, margin={"l": 10, "r": 10, "t": 10, "b": 10}, xaxis_title="molecules asked", yaxis_title="score",
        legend={"orientation": "h", "x": 0, "y": 1.15},
    )  # fmt: skip
    st.plotly_chart(figure, key=f"curve {key}", config={"displayModeBar": False})
