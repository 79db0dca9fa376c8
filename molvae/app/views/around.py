"""Around one molecule: its neighbours, analogues with other properties, and molecules grown from a scaffold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from molvae.app.boxes import molecule_box
from molvae.app.session import Outcome, current, launch, outcome, say_note
from molvae.app.shelf import shelf
from molvae.app.sources import counted, shortened
from molvae.chem.properties import DEFAULT, PROPERTIES

_NEAR, _GROW = "Neighbours", "Grow a scaffold"
_RAISE, _LOWER, _SET = "raise", "lower", "set to"


def show() -> None:
    """The page."""
    if "new around molecule" in st.session_state and st.session_state.get("around kind") == _GROW:
        st.session_state["around kind"] = _NEAR  # a molecule was handed over
    kind = st.segmented_control("What", list(_KINDS), default=_NEAR, required=True, key="around kind", persist_state="session", wrap=True)
    page, asked = _KINDS[str(kind)]
    asked(page)
    if (found := outcome(page)) is not None:
        _said(found, page)
        shelf(found.table, page, st.session_state[f"number of {page}"], ("similarity", *_changed(found)))


def _neighbours(page: str) -> None:
    st.caption("Distinct molecules around yours, the most similar first.")
    smiles = molecule_box("Molecule", "around molecule", "CC(=O)Nc1ccc(O)cc1")
    n, similarity, button = st.columns([1.4, 2.6, 1.4], vertical_alignment="bottom")
    count = n.number_input("How many", 1, 1000, 48, key="around n", persist_state="session")
    least = similarity.slider("Least similarity (Tanimoto)", 0.0, 1.0, 0.0, 0.05, key="around least", persist_state="session")
    if _button(button, page, "Find neighbours", smiles is not None):
        _begin(page, "neighbors", smiles=smiles, n=int(count), min_similarity=least, seed=0)


def _edit(page: str) -> None:
    st.caption("Analogues that move properties as you ask and stay similar. All values are computed by RDKit.")
    smiles = molecule_box("Molecule", "around molecule", "CC(=O)Nc1ccc(O)cc1")
    names = st.multiselect("Properties to move", DEFAULT, ["QED"], key="edit names", persist_state="session")
    wishes = {name: _wish(name) for name in names}
    similarity, button = st.columns([4, 1.4], vertical_alignment="bottom")
    least = similarity.slider("Least similarity (Tanimoto)", 0.0, 1.0, 0.4, 0.05, key="edit least", persist_state="session")
    if _button(button, page, "Find analogues", smiles is not None and bool(wishes)):
        raised, lowered = ([name for name, (way, _) in wishes.items() if way == asked] for asked in (_RAISE, _LOWER))
        values = {name: value for name, (way, value) in wishes.items() if way == _SET}
        _begin(page, "edit", smiles=smiles, set=values, raise_=raised, lower=lowered, similarity=least, n=48, seed=0)


def _wish(name: str) -> tuple[str, float]:
    """Which way a property shall move, and where to."""
    way, value = st.columns([2, 2], vertical_alignment="bottom")
    unit = f" ({PROPERTIES[name].unit})" if PROPERTIES[name].unit else ""
    chosen = way.segmented_control(
        f"{name}{unit}", [_RAISE, _LOWER, _SET], default=_RAISE, required=True, key=f"edit way {name}", persist_state="session"
    )
    number = 0.0
    if chosen == _SET:
        number = float(value.number_input("Value", value=0.0, key=f"edit value {name}", persist_state="session"))
    return str(chosen), number


def _grow(page: str) -> None:
    st.caption("Molecules that contain a scaffold, the likeliest first. With attachment points (*) they grow there only.")
    scaffold = st.text_input("Scaffold, a SMILES or SMARTS", "*C(=O)Nc1ccc(*)cc1", key="grow scaffold", persist_state="session")
    n, budget, button = st.columns([1.4, 2.6, 1.4], vertical_alignment="bottom")
    count = n.number_input("How many", 1, 1000, 48, key="grow n", persist_state="session")
    seconds = budget.slider("Seconds at most", 5, 60, 20, key="grow budget", persist_state="session")
    if _button(button, page, "Grow", bool((scaffold or "").strip())):
        _begin(page, "complete", scaffold=scaffold, n=int(count), budget=f"{seconds}s", seed=0)


_HELP = {
    "around": "ask for less similarity",
    "around edit": "ask for less similarity or smaller changes",
    "around grow": "give it more seconds, or another scaffold",
}

#: What one can do here: the page its work goes by, and its controls.
_KINDS: dict[str, tuple[str, Callable[[str], None]]] = {
    _NEAR: ("around", _neighbours),
    "Edit properties": ("around edit", _edit),
    _GROW: ("around grow", _grow),
}


def _button(place: Any, page: str, label: str, ready: bool) -> bool:
    usable = ready and current(page) is None
    return bool(place.button(label, type="primary", icon=":material/play_arrow:", width="stretch", disabled=not usable))


def _begin(page: str, job: str, **options: Any) -> None:
    launch(page, job, **options)
    st.rerun()


def _said(found: Outcome, page: str) -> None:
    of = found.options.get("smiles") or found.options["scaffold"]
    say_note(f"{counted(len(found.table))} for {shortened(of)} by {found.model}, in {found.seconds:.1f} s.")
    if not len(found.table):
        st.warning(f"Nothing was found; {_HELP[page]}.")


def _changed(found: Outcome) -> tuple[str, ...]:
    """Columns of what an edit moved."""
    return tuple(str(name) for name in found.table if str(name).endswith("_after"))
