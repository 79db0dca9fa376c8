"""New molecules from the model."""

from __future__ import annotations

import secrets

import streamlit as st

from molvae.app.session import Outcome, current, launch, outcome, say_note
from molvae.app.shelf import shelf
from molvae.app.sources import Loaded, counted

PAGE = "sample"

_MOST = 20_000


def show() -> None:
    """The page."""
    st.caption("New molecules drawn from the model: valid, distinct, and with properties computed by RDKit.")
    n, novel, button = st.columns([2, 2, 1.4], vertical_alignment="bottom")
    count = n.number_input("How many", 1, _MOST, 100, 50, key="sample n", persist_state="session")
    only = novel.checkbox("Only novel", True, key="sample novel", persist_state="session", help="None that is in the training set.")
    asked = button.button("Sample", type="primary", icon=":material/play_arrow:", width="stretch", disabled=current(PAGE) is not None)
    with st.expander("More", expanded=bool(st.session_state.get("sample where"))):
        seed, where = _more()
    if asked:
        launch(PAGE, "sample", n=int(count), novel=only, where=where.strip(), seed=secrets.randbelow(2**31) if seed is None else int(seed))
        st.rerun()
    found = outcome(PAGE)
    if found is None:
        if current(PAGE) is None:
            st.info("Press Sample; the first molecules come in a few seconds.", icon=":material/info:")
        return
    _said(found)
    shelf(found.table, PAGE, st.session_state["number of sample"])


def _more() -> tuple[float | None, str]:
    """Seed and windows."""
    left, right = st.columns(2)
    seed = left.number_input("Seed", 0, 2**31 - 1, None, key="sample seed", persist_state="session", placeholder="another each time")
    where = right.text_input(
        "Only with these properties",
        key="sample where",
        persist_state="session",
        placeholder="logP=2..3,QED>0.8",
        help="Searches the latent space for molecules whose computed properties lie in these windows.",
    )
    return seed, where or ""


def _said(found: Outcome) -> None:
    drawn = found.result.get("drawn")
    table = found.table
    tried = f" from {drawn:,} draws" if drawn else ""
    say_note(f"{counted(len(table))}{tried} by {found.model} in {found.seconds:.1f} s, seed {found.result.get('seed')}.")
    if len(table) < found.options["n"]:
        st.warning(f"{found.options['n']:,} were asked for; the search found no more.")


def made() -> Loaded | None:
    """What this page made last, for other pages."""
    found: Outcome | None = st.session_state.get(f"outcome of {PAGE}")
    if found is None or not len(found.table):
        return None
    return Loaded("the page Sample", found.table[["smiles"]], {})
