"""What one user's page keeps: runs under way and what came out. It lives in Streamlit's session state, so no other session sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.runtime import get_instance
from streamlit.runtime.scriptrunner import get_script_run_ctx

from molvae.app.house import HOUSE
from molvae.app.tables import unpacked
from molvae.app.workers import Run
from molvae.errors import DataError
from molvae.pages.markup import element

_EVERY = 1.0  # seconds between looks at a run
_UNKNOWN, _OTHER = "symbol not in the vocabulary", "; the model zinc250k knows charges and stereo"


@dataclass(frozen=True)
class Outcome:
    """What came out of a run.

    Attributes:
        result: as the job gave it.
        stopped: whether it was stopped before its end.
        seconds: how long it took.
        options: of the job, the model among them.
    """

    result: Mapping[str, Any]
    stopped: bool
    seconds: float
    options: Mapping[str, Any]

    @property
    def model(self) -> str:
        """The model it is from."""
        return str(self.options["model"])

    @property
    def table(self) -> pd.DataFrame:
        """The molecules."""
        return unpacked(self.result["table"])


def model() -> str:
    """The model that is chosen."""
    return str(st.session_state.get("model", HOUSE.open_workers.model))


def say_error(text: str) -> None:
    """An error; whatever is in it stands there as text, for Streamlit's own messages would read Markdown and follow links."""
    st.html(element("p", text, class_="molvae-error", role="alert"))


def say_note(text: str) -> None:
    """A remark that may hold words of a user, as text."""
    st.html(element("p", text, class_="molvae-note"))


def launch(page: str, job: str, **options: Any) -> None:
    """Begin the work of a page in the background; work of the same page that goes on is stopped."""
    if (before := st.session_state.get(f"run of {page}")) is not None:
        before.stop()
    options = {"model": model()} | options
    try:
        run = HOUSE.open_workers.start(job, options, _present())
    except DataError as error:
        st.session_state[f"problem of {page}"] = str(error)
        return
    st.session_state[f"run of {page}"] = run
    st.session_state[f"options of {page}"] = options
    st.session_state.pop(f"problem of {page}", None)


def _present() -> Callable[[], bool]:
    """Whether the page of this session is still there."""
    context = get_script_run_ctx()
    name, server = (context.session_id, get_instance()) if context else ("", None)
    return lambda: server is None or server.is_active_session(name)


def outcome(page: str, live: Callable[[Mapping[str, Any]], None] | None = None) -> Outcome | None:
    """What came out last for a page, None before anything did. Work that goes on is shown with its progress and a button to stop it.

    Args:
        page: whose work it is.
        live: draws what is known so far, while it goes on.
    """
    run: Run | None = st.session_state.get(f"run of {page}")
    if run is not None and not run.going:
        _take_in(page, run)
        run = None
    if run is not None:
        _progress(run, page, live)
    found: Outcome | None = st.session_state.get(f"outcome of {page}")
    if problem := st.session_state.get(f"problem of {page}"):
        say_error(problem)
        if found is not None:
            say_note("What follows came out before.")
    return found


def current(page: str) -> Run | None:
    """The work of a page that goes on."""
    run: Run | None = st.session_state.get(f"run of {page}")
    return run if run is not None and run.going else None


def pages_at_work() -> list[str]:
    """Pages whose work goes on."""
    runs = {str(key): run for key, run in st.session_state.items() if str(key).startswith("run of ")}
    return [key.removeprefix("run of ") for key, run in runs.items() if run.going]


def _take_in(page: str, run: Run) -> None:
    """Keep what an ended run gave; what came out before it stays where it gave nothing."""
    options = st.session_state.pop(f"options of {page}", {})
    del st.session_state[f"run of {page}"]
    result = run.result if run.state == "done" else run.partial
    if run.state == "failed":
        helped = _UNKNOWN in run.problem and options["model"] == "moses" and _OTHER not in run.problem
        st.session_state[f"problem of {page}"] = run.problem + (_OTHER if helped else "")
    if result is not None:
        st.session_state[f"outcome of {page}"] = Outcome(result, run.state != "done", run.seconds, options)
        st.session_state[f"number of {page}"] = st.session_state.get(f"number of {page}", 0) + 1
    elif run.state == "stopped":
        st.session_state[f"problem of {page}"] = "Stopped before there was anything to keep."


@st.fragment(run_every=_EVERY)
def _progress(run: Run, page: str, live: Callable[[Mapping[str, Any]], None] | None) -> None:
    if not run.going:
        st.rerun()
    far = run.far
    counted = f", {far.done:,} of {far.total:,}" if far.total else ""
    said = f"{far.what or 'working'}{counted}, {run.seconds:.0f} s"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(far.share or 0.0, said[0].upper() + said[1:])
        stopped = st.button("Stop", key=f"stop {page}")
    if stopped:
        run.stop()
        st.rerun()
    if live and run.partial is not None:
        live(run.partial)
