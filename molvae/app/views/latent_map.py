"""Molecules as points, near where their codes are near."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pandas as pd
import streamlit as st

from molvae.app.boxes import molecules_box
from molvae.app.session import Outcome, current, launch, outcome, say_note
from molvae.app.shelf import shelf
from molvae.app.sources import counted
from molvae.app.structures import ADDRESS
from molvae.app.tables import numbers_of, packed
from molvae.app.views.sample import made
from molvae.latent.map_colours import GROUPS, SCALE

PAGE = "map"

_PROPERTIES = ("logP", "QED", "SA", "MW", "TPSA")
_METHODS = {"pca": "PCA, quick", "umap": "UMAP, slow, keeps neighbours together"}


def show() -> None:
    """The page."""
    st.caption("Molecules as points, near where their codes are near. Hover for a structure; click, or select with the lasso.")
    molecules = molecules_box("map", made())
    way, number, button = st.columns([2, 2, 1.4], vertical_alignment="bottom")
    method = way.selectbox("Projection", _METHODS, format_func=_METHODS.__getitem__, key="map method", persist_state="session")
    clusters = number.number_input("Clusters (0: none)", 0, 50, 8, key="map clusters", persist_state="session")
    ready = molecules is not None and current(PAGE) is None
    if button.button("Draw the map", type="primary", icon=":material/play_arrow:", width="stretch", disabled=not ready) and molecules:
        asked = {"method": method, "clusters": int(clusters), "properties": list(_PROPERTIES), "seed": 0}
        launch(PAGE, "place", molecules=packed(molecules.frame), **asked)
        st.rerun()
    if (found := outcome(PAGE)) is not None:
        _drawn(found)


def _drawn(found: Outcome) -> None:
    table, key = found.table, f"map {st.session_state['number of map']}"
    shown, _ = st.columns([2, 3.4])
    names = ["cluster", *(name for name in numbers_of(table) if name in _PROPERTIES)]
    by = shown.selectbox("Colour", names, key=f"colour {key}", persist_state="session")
    picked = f"selected {key}"
    st.session_state.setdefault(picked, [])

    def told() -> None:
        st.session_state[picked] = (st.session_state.get(f"chart {key}") or {}).get("selected") or []

    _component()(key=f"chart {key}", data=_data(table, by), on_selected_change=told, height=560)
    say_note(_said(found, len(table)))
    rows = [row for row in st.session_state[picked] if 0 <= row < len(table)]
    if not rows:
        st.info("Nothing is selected yet: click a point, or draw around some with the lasso.", icon=":material/touch_app:")
        return
    st.markdown(f"**{len(rows):,} selected on the map**")
    shelf(table.iloc[rows].drop(columns=["representative"]), PAGE, hash(tuple(rows)))


def _said(found: Outcome, placed: int) -> str:
    said = [f"{counted(placed)} by {found.model}, {found.seconds:.1f} s"]
    if found.result["share"] is not None:
        said.append(f"the two axes hold {found.result['share']:.0%} of the variance of the codes")
    if found.result["refused"]:
        said.append(f"{found.result['refused']:,} molecules the model cannot encode are left out")
    return "; ".join(said) + "."


def _data(table: pd.DataFrame, by: str) -> dict[str, Any]:
    """What the chart needs: places, molecules and a number a point for its colour."""
    values = table[by].astype(float)
    return {
        "x": table["x"].round(4).tolist(),
        "y": table["y"].round(4).tolist(),
        "smiles": table["smiles"].tolist(),
        "names": table["name"].fillna("").tolist() if "name" in table else [],
        "values": values.round(4).tolist(),
        "by": by,
        "grouped": by == "cluster",
        "limits": [float(values.quantile(0.01)), float(values.quantile(0.99))],
        "groups": list(GROUPS),
        "scale": list(SCALE),
        "structure": ADDRESS,
        "script": "/molvae/plotly.js",
    }


@st.cache_resource
def _component() -> Callable[..., Any]:
    read = files("molvae.app")
    js, css = (read.joinpath(f"map.{kind}").read_text(encoding="utf-8") for kind in ("js", "css"))
    html = '<div class="map"><div class="chart"></div><div class="hint" hidden><img alt=""><div></div></div></div>'
    return st.components.v2.component("molvae_map", html=html, css=css, js=js, isolate_styles=False)
