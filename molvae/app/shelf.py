"""A grid of molecules: sorted, filtered, selected, downloaded, and handed to other pages."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from importlib.resources import files
from typing import Any

import pandas as pd
import streamlit as st

from molvae.app.structures import address
from molvae.app.tables import arranged, csv_bytes, numbers_of, sdf_bytes

_SIZES = (24, 48, 100)  # molecules drawn at once
_LINES = ("score", "similarity", "similarity_to_previous", "logP", "QED", "SA", "MW")  # numbers under a structure, where there are any
_MOST_LINES = 4
_AS_FOUND, _RISING, _FALLING = "as found", "rising", "falling"
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
    shown, seen = _toolbar(frame, key)
    _actions(frame, seen, page, picked)
    cards(shown, key, [*show, *(name for name in _LINES if name not in show)], picked)


def _toolbar(frame: pd.DataFrame, key: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Controls for order, filter and how many; the molecules drawn, and all that pass the filter."""
    numbers = [name for name in numbers_of(frame) if name not in ("x", "y")]
    by, order, narrow, size, part = st.columns([2, 1.4, 1.4, 1.2, 1.4], vertical_alignment="bottom")
    chosen = by.selectbox("Sort by", [_AS_FOUND, *numbers], key=f"by {key}", format_func=_called, persist_state="session")
    way = order.selectbox("Order", [_RISING, _FALLING], key=f"way {key}", persist_state="session")
    with narrow.popover("Filter", width="stretch"):
        ranges = _ranges(frame, numbers, key)
    seen = arranged(frame, None if chosen == _AS_FOUND else chosen, way == _FALLING, ranges)
    if len(seen) < len(frame):
        st.caption(f"{len(seen):,} of {len(frame):,} molecules pass the filter.")
    if len(frame) <= _SIZES[0]:
        return seen, seen
    many = int(size.selectbox("Shown", _SIZES, key=f"size {key}", persist_state="session"))
    parts = max(-(-len(seen) // many), 1)
    at = int(part.number_input(f"Part, of {parts}", 1, parts, 1, key=f"part {key} {many} {parts}")) - 1
    return seen.iloc[at * many : (at + 1) * many], seen


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


def cards(shown: pd.DataFrame, key: str, names: Sequence[str], picked: str | None = None) -> None:
    """Molecules as structures, each with a few numbers under it.

    Args:
        shown: `smiles`, numbers, and `name` where there is one.
        key: of the grid.
        names: of the numbers; those that are there, four at most.
        picked: where the session keeps the molecules selected; None for a grid to look at.
    """
    lines = [name for name in names if name in shown][:_MOST_LINES]
    each = [_card(row, lines) for row in shown.to_dict("records")]
    drawn = {card["smiles"] for card in each}
    if picked is None:
        _component()(key=f"cards {key}", data={"cards": each, "selected": [], "selectable": False}, on_selected_change=_ignored)
        return

    def told() -> None:
        now = (st.session_state.get(f"cards {key}") or {}).get("selected") or []
        kept = [text for text in st.session_state[picked] if text not in drawn]
        st.session_state[picked] = kept + [text for text in now if text in drawn]

    data = {"cards": each, "selected": [text for text in st.session_state[picked] if text in drawn], "selectable": True}
    _component()(key=f"cards {key}", data=data, on_selected_change=told)


def _ignored() -> None:
    """Nothing can be selected."""


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


def _actions(frame: pd.DataFrame, seen: pd.DataFrame, page: str, picked: str) -> None:
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
