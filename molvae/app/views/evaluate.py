"""Samples judged: the metrics of MOSES and GuacaMol, and the health of the latent space."""

from __future__ import annotations

import streamlit as st

from molvae.app.boxes import file_box, molecules_box
from molvae.app.session import Outcome, current, launch, outcome, say_error, say_note
from molvae.app.sources import Loaded
from molvae.app.views.sample import made
from molvae.errors import DataError

PAGE = "evaluate"

_BUNDLED, _OWN = "2,000 molecules of MOSES", "A file of mine"


def show() -> None:
    """The page."""
    st.caption("How molecules compare with a reference: the metrics of MOSES and GuacaMol, and the health of the model's latent space.")
    molecules = molecules_box("evaluate", made())
    kind = st.segmented_control(
        "Compared with", [_BUNDLED, _OWN], default=_BUNDLED, required=True, key="evaluate compared", persist_state="session"
    )
    reference = _reference() if kind == _OWN else None
    if kind == _BUNDLED:
        st.caption("Part of the training set of MOSES that comes with molvae; novelty is to these 2,000 alone.")
    latent, button = st.columns([4, 1.4], vertical_alignment="center")
    health = latent.checkbox("Also measure the latent space of the model (slower)", key="evaluate latent", persist_state="session")
    ready = molecules is not None and (reference is not None or kind == _BUNDLED) and current(PAGE) is None
    if button.button("Evaluate", type="primary", icon=":material/play_arrow:", width="stretch", disabled=not ready) and molecules:
        smiles = molecules.frame["smiles"].tolist()
        others = {"reference": reference.frame["smiles"].tolist(), "reference_name": reference.source} if reference else {}
        launch(PAGE, "evaluate", smiles=smiles, latent=health, seed=0, **others)
        st.rerun()
    if (found := outcome(PAGE)) is not None:
        _report(found)


def _reference() -> Loaded | None:
    """A file of the user to compare with; None where there is none that can be used."""
    try:
        found = file_box("Molecules to compare with", "evaluate reference")
    except DataError as error:
        say_error(str(error))
        return None
    if found is not None:
        say_note(found.summary)
    return found


def _report(found: Outcome) -> None:
    missing = found.result["missing"]
    rest = f"; {missing} metrics need more molecules, the report says which" if missing else ""
    st.caption(f"Done in {found.seconds:.0f} s{rest}.")
    with st.container(horizontal=True):
        for kind, mime in (("html", "text/html"), ("json", "application/json")):
            label = "Report as page" if kind == "html" else "Figures as JSON"
            text = str(found.result[kind])
            st.download_button(label, text, f"molvae-report.{kind}", mime, on_click="ignore", icon=":material/download:")
    st.iframe(str(found.result["html"]), height=900)
