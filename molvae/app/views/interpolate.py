"""Walks from one molecule to another."""

from __future__ import annotations

import streamlit as st

from molvae.app.boxes import molecule_box
from molvae.app.session import current, launch, outcome, say_note
from molvae.app.shelf import shelf
from molvae.app.sources import counted

PAGE = "interpolate"

_METHODS = {
    "path": "small steps",
    "slerp": "the arc between the codes",
    "linear": "the line between the codes",
}


def show() -> None:
    """The page."""
    st.caption("Molecules on the way from one to another, in small structural steps. The two ends count and are exactly yours.")
    left, right = st.columns(2, gap="medium")
    with left:
        a = molecule_box("From", "interpolate a", "CC(=O)Nc1ccc(O)cc1")
    with right:
        b = molecule_box("To", "interpolate b", "CN1CCC(Oc2ccccc2)CC1")
    steps, way, button = st.columns([1.4, 2.6, 1.4], vertical_alignment="bottom")
    count = steps.number_input("Molecules", 2, 50, 8, key="interpolate steps", persist_state="session")
    method = way.selectbox("Way", _METHODS, format_func=_METHODS.__getitem__, key="interpolate method", persist_state="session")
    if a is not None and a == b:
        say_note("The two ends are the same molecule.")
    ready = a is not None and b is not None and a != b and current(PAGE) is None
    if button.button("Interpolate", type="primary", icon=":material/play_arrow:", width="stretch", disabled=not ready):
        launch(PAGE, "interpolate", a=a, b=b, steps=int(count), method=method, seed=0)
        st.rerun()
    if (found := outcome(PAGE)) is None:
        return
    table = found.table
    say_note(f"{counted(len(table))} by {found.model} in {found.seconds:.1f} s.")
    if len(table) < found.options["steps"]:
        st.warning(f"{found.options['steps']} were asked for; the way holds no more different ones.")
    shelf(table, PAGE, st.session_state["number of interpolate"], ("step", "similarity_to_previous"))
