"""Where a molecule is typed or drawn, and where sets of molecules come from."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import streamlit as st

from molvae.app.session import say_error, say_note
from molvae.app.sources import SUFFIXES, UPLOAD, Loaded, bundled, molecule, pasted, uploaded
from molvae.app.structures import address
from molvae.chem.molecules import MAX_CHARACTERS
from molvae.errors import DataError
from molvae.pages.markup import element
from molvae.pretrained import MOSES_TRAINING

_MOSES, _MADE, _PASTE, _FILE = "2,000 molecules of MOSES", "What Sample made", "Paste", "Upload a file"


def molecule_box(label: str, key: str, default: str = "") -> str | None:
    """A box for a SMILES with its structure under it, and a button to draw one; the canonical SMILES, None where it is no molecule."""
    if (new := st.session_state.pop(f"new {key}", None)) is not None:
        st.session_state[key] = new
    st.session_state.setdefault(key, default)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input(label, key=key, placeholder="SMILES", persist_state="session") or ""
        pressed = st.button("Draw", key=f"draw {key}")
    if pressed:
        _draw(key)
    refused = f"refused {key}"
    if not text.strip():
        if refused in st.session_state:
            say_error(st.session_state[refused])
        return None
    st.session_state.pop(refused, None)
    try:
        smiles = molecule(text)
    except DataError as error:
        if len(text) > MAX_CHARACTERS:  # kept in the box it would slow down every further look at the page
            st.session_state[refused], st.session_state[f"new {key}"] = str(error), ""
            st.rerun()
        say_error(str(error))
        return None
    st.html(element("img", src=address(smiles), alt=smiles, height=150, style="display:block;margin:0 auto;background:#fff"))
    return smiles


@st.dialog("Draw a molecule", width="large")
def _draw(key: str) -> None:
    from streamlit_ketcher import st_ketcher

    st.caption("Press Apply in the editor, then use the molecule.")
    drawn = st_ketcher(st.session_state.get(key, ""), key=f"ketcher {key}", height=480) or ""
    box, button = st.columns([4, 1], vertical_alignment="bottom")
    box.text_input("SMILES", drawn, key=f"drawn {key} {drawn}", disabled=True)
    if button.button("Use it", key=f"use {key}", type="primary", disabled=not drawn, width="stretch"):
        st.session_state[f"new {key}"] = drawn
        st.rerun()


def molecules_box(key: str, made: Loaded | None) -> Loaded | None:
    """Where molecules come from; None where there are none yet.

    Args:
        key: of the box.
        made: what the page Sample made.
    """
    known = [*([_MADE] if made else []), _MOSES, _PASTE, _FILE]
    chosen = st.segmented_control(
        "Molecules", known, default=known[0], required=True, key=f"{key} source", persist_state="session", wrap=True
    )
    try:
        found = _of(str(chosen), key, made)
    except DataError as error:
        say_error(str(error))
        return None
    if found is not None:
        say_note(found.summary)
    return found


def _of(chosen: str, key: str, made: Loaded | None) -> Loaded | None:
    if chosen == _MADE:
        return made
    if chosen == _MOSES:
        return _moses()
    if chosen == _PASTE:
        text = st.text_area("One SMILES a line, a name after it if there is one", key=f"{key} text", height=150, persist_state="session")
        return _kept(key, (len(text), hash(text)), lambda: pasted(text)) if text and text.strip() else None
    kinds = ", ".join(suffix for suffix in SUFFIXES if suffix != "gz")
    label = f"{kinds}, also packed as gz; a file of more than {UPLOAD} MB is marked red and not taken"
    return file_box(label, key)


def file_box(label: str, key: str) -> Loaded | None:
    """Molecules of a file of the user, also after another page was looked at; None where there is none.

    Raises:
        DataError: the file cannot be used.
    """
    kept = f"{key} uploaded"
    file = st.file_uploader(label, SUFFIXES, key=f"{key} file", on_change=lambda: st.session_state.pop(kept, None))
    if file is not None:
        st.session_state[kept] = _kept(key, file.file_id, lambda: uploaded(file.name, file.getvalue()))
    found: Loaded | None = st.session_state.get(kept)
    return found


def _kept(key: str, mark: Hashable, read: Callable[[], Loaded]) -> Loaded:
    """What was read for this mark, once."""
    known = st.session_state.get(f"{key} read")
    if known is None or known[0] != mark:
        known = (mark, read())
        st.session_state[f"{key} read"] = known
    found: Loaded = known[1]
    return found


@st.cache_resource
def _moses() -> Loaded:
    return bundled(MOSES_TRAINING, "the training set of MOSES")
