"""A grid of molecules: sorted, filtered, selected, downloaded, and handed to other pages."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from importlib.resources import files
from typing import Any

import pandas as pd
import streamlit as st

from molvae.app.structures import address
from molvae.app.tables import arranged, csv_bytes, numbers_of, sdf_bytes

_SIZES = (24, 48, 100)  # molecules drawn at once
_LINES = ("score", "similarity", "similarity_to_previous", "logP", "QED", "SA", "MW")  # numbers under a structure, where there are any
_AS_FOUND = "as found"
_TITLE = {"similarity_to_previous": "sim. to previous", "rotatable_bonds": "rotatable bonds", "heavy_atoms": "heavy atoms"}


def shelf(frame: pd.DataFrame, page: str, number: int = 0, show: tuple[str, ...] = ()) -> None:
    """Show a table of molecules as structures, with what one does with them.

    Args:
        frame: `smiles`, numbers, and `name` where there is one.
        page: the page it is on.
        number: another one forgets what was selected and filtered.
        show: numbers to show first under each structure.
    """
    if not len(frame):
        return
    frame = frame.drop_duplicates("smiles")
    key = f"{page} {number}"
    picked = f"picked {key}"
    st.session_state.setdefault(picked, [])
    seen = _toolbar(frame, key)
    shown = _part(seen, key)
    _cards(shown, key, picked, [*show, *(name for name in _LINES if name not in show)])
    _below(frame, seen, page, picked)


def _toolbar(frame: pd.DataFrame, key: str) -> pd.DataFrame:
    """Controls for order and filter; the table as they ask."""
    numbers = [name for name in numbers_of(frame) if name not in ("x", "y")]
    by, order, narrow = st.columns([2, 2, 1.4], vertical_alignment="bottom")
    chosen = by.selectbox("Sort by", [_AS_FOUND, *numbers], key=f"by {key}", format_func=_called, persist_state="session")
    way = order.segmented_control(
        "Order", ["rising", "falling"], default="rising", required=True, key=f"way {key}", persist_state="session", width="stretch"
    )
    with narrow.popover("Filter", icon=":material/filter_list:", width="stretch"):
        ranges = _ranges(frame, numbers, key)
    seen = arranged(frame, None if chosen == _AS_FOUND else chosen, way == "falling", ranges)
    if len(seen) < len(frame):
        st.caption(f"{len(seen):,} of {len(frame):,} molecules pass the filter.")
    return seen


def _called(name: str) -> str:
    return _TITLE.get(name, name.replace("_", " "))


def _ranges(frame: pd.DataFrame, numbers: list[str], key: str) -> dict[str, tuple[float, float]]:
    """Ranges that the user sets for some of the numbers."""
    chosen = st.multiselect("Only molecules by", numbers, key=f"filters {key}", format_func=_called, persist_state="session")
    found = {}
    for name in chosen:
        low, high = float(frame[name].min()), float(frame[name].max())
        if low < high:
            found[name] = st.slider(_called(name), low, high, (low, high), key=f"range {name} {key}", persist_state="session")
    return found


def _part(seen: pd.DataFrame, key: str) -> pd.DataFrame:
    """The molecules drawn: all, or a part of them that the user turns to."""
    if len(seen) <= _SIZES[0]:
        return seen
    size, at, _ = st.columns([2, 2, 1.4], vertical_alignment="bottom")
    chosen = size.segmented_control(
        "Drawn at once", _SIZES, default=_SIZES[0], required=True, key=f"size {key}", persist_state="session", width="stretch"
    )
    parts = -(-len(seen) // int(chosen or _SIZES[0]))
    place = int(at.number_input(f"Part, of {parts}", 1, parts, 1, key=f"part {key} {chosen} {parts}")) - 1 if parts > 1 else 0
    return seen.iloc[place * int(chosen) : (place + 1) * int(chosen)]


def _cards(shown: pd.DataFrame, key: str, picked: str, names: list[str]) -> None:
    lines = [name for name in names if name in shown][:4]
    cards = [_card(row, lines) for row in shown.to_dict("records")]
    drawn = {card["smiles"] for card in cards}

    def told() -> None:
        now = (st.session_state.get(f"cards {key}") or {}).get("selected") or []
        kept = [text for text in st.session_state[picked] if text not in drawn]
        st.session_state[picked] = kept + [text for text in now if text in drawn]

    data = {"cards": cards, "selected": [text for text in st.session_state[picked] if text in drawn], "selectable": True}
    _component()(key=f"cards {key}", data=data, on_selected_change=told)


def _card(row: dict[Any, Any], lines: list[str]) -> dict[str, Any]:
    smiles = str(row["smiles"])
    numbers = [(_called(name), _figure(row[name])) for name in lines]
    return {"smiles": smiles, "picture": address(smiles), "title": str(row.get("name") or ""), "lines": numbers}


def _figure(value: Any) -> str:
    """A number in few digits.

    >>> _figure(304.3129), _figure(0.41234), _figure(3), _figure(None)
    ('304.3', '0.412', '3', '-')
    """
    if value is None or math.isnan(value):
        return "-"
    return f"{value:.1f}" if abs(value) >= 100 and value % 1 else f"{value:.3g}" if value % 1 else f"{value:.0f}"


@st.cache_resource
def _component() -> Callable[..., Any]:
    read = files("molvae.app")
    js, css = (read.joinpath(f"shelf.{kind}").read_text(encoding="utf-8") for kind in ("js", "css"))
    return st.components.v2.component("molvae_shelf", html='<div class="shelf"></div>', css=css, js=js)


def _below(frame: pd.DataFrame, seen: pd.DataFrame, page: str, picked: str) -> None:
    """What one does with the molecules selected, or with all that are seen."""
    chosen = [text for text in st.session_state[picked] if text in set(frame["smiles"])]
    taken = frame[frame["smiles"].isin(chosen)] if chosen else seen
    what = f"{len(chosen):,} selected" if chosen else f"all {len(taken):,}" if len(taken) != 1 else "the one"
    with st.container(horizontal=True, vertical_alignment="center"):
        for kind, make, mime in (("SDF", sdf_bytes, "chemical/x-mdl-sdfile"), ("CSV", csv_bytes, "text/csv")):
            st.download_button(
                f"{kind} ({what})",
                partial(make, taken),
                f"molvae-{page.split(maxsplit=1)[0]}.{kind.lower()}",
                mime,
                key=f"{kind} {picked}",
                on_click="ignore",
                icon=":material/download:",
                type="primary" if kind == "SDF" else "secondary",
                disabled=not len(taken),
            )
        if st.button("Neighbours", disabled=len(chosen) != 1, key=f"near {picked}", help="Select one molecule to look around it."):
            hand_over("around", {"around molecule": chosen[0]})
        if st.button("Interpolate", disabled=len(chosen) != 2, key=f"walk {picked}", help="Select two molecules to walk between them."):
            hand_over("interpolate", {"interpolate a": chosen[0], "interpolate b": chosen[1]})
        if chosen and st.button("Clear selection", key=f"clear {picked}", type="tertiary"):
            st.session_state[picked] = []
            st.rerun()


def hand_over(page: str, molecules: dict[str, str]) -> None:
    """Go to another page with molecules in its boxes."""
    for box, smiles in molecules.items():
        st.session_state[f"new {box}"] = smiles
    st.switch_page(st.session_state["pages"][page])
