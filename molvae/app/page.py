"""The script that Streamlit runs for each look at the page."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from molvae.app.house import HOUSE
from molvae.app.session import pages_at_work, say_error
from molvae.app.views import around, evaluate, interpolate, latent_map, optimize, sample
from molvae.errors import CheckpointError
from molvae.pretrained import find_pretrained, pretrained_names

#: Pages by their addresses: title, icon and what draws them.
TITLES = {
    "sample": ("Sample", ":material/casino:", sample.show),
    "interpolate": ("Interpolate", ":material/timeline:", interpolate.show),
    "around": ("Neighbours and edit", ":material/hub:", around.show),
    "optimize": ("Optimize", ":material/trending_up:", optimize.show),
    "map": ("Map", ":material/scatter_plot:", latent_map.show),
    "evaluate": ("Evaluate", ":material/fact_check:", evaluate.show),
}
_FOLDER = "a folder …"


def main() -> None:
    """The chosen page beside the list of pages and the choice of a model."""
    st.set_page_config("molvae", _here("icon.svg"), layout="wide", initial_sidebar_state=230)
    st.logo(_here("logo.svg"), size="large")
    st.html(_here("page.css"))
    pages = {name: st.Page(show, title=title, icon=icon, url_path=name) for name, (title, icon, show) in TITLES.items()}
    st.session_state["pages"] = pages
    chosen = st.navigation(list(pages.values()))
    if (asked := st.query_params.get("page")) in pages and pages[asked] is not chosen:
        st.switch_page(pages[asked])
    with st.sidebar:
        ready = _model()
        at_work = {TITLES[page.split()[0]][0] for page in pages_at_work()}
        for title in sorted(at_work - {chosen.title}):
            st.caption(f":material/hourglass: {title} goes on.")
    st.header(chosen.title)
    if ready:
        chosen.run()
    else:
        st.info("No model is chosen yet: give the folder of one in the sidebar.", icon=":material/folder_open:")


def _here(name: str) -> Path:
    return Path(__file__).with_name(name)


def _model() -> bool:
    """The choice of a model; whether there is one."""
    first = HOUSE.open_workers.model
    known = [*dict.fromkeys([first, *pretrained_names()]), _FOLDER]
    chosen = st.selectbox("Model", known, key="model chosen", persist_state="session", help="A bundled model, or the folder of yours.")
    if chosen == _FOLDER:
        chosen = st.text_input("Folder of a model", key="model folder", persist_state="session", placeholder="runs/mine")
        if not chosen:
            return False
    try:
        folder = find_pretrained(chosen)
        if not (folder / "config.json").is_file():
            raise CheckpointError(f"{folder} holds no model: there is no config.json in it")
    except CheckpointError as error:
        say_error(str(error))
        return False
    st.session_state["model"] = chosen
    return True


if __name__ == "__main__":
    main()
