"""A limit to the time that Python code may take."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def at_most(seconds: float | None) -> Iterator[None]:
    """Raise TimeoutError in code that takes longer, by an alarm of the system.

    Only where there are such alarms (not on Windows), in the main thread, and only once the code is back in Python: what hangs within a
    compiled library is not stopped; a command is.

    Args:
        seconds: None for no limit.
    """
    if seconds is None or not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def late(_: int, __: FrameType | None) -> None:
        raise TimeoutError(f"no answer within {seconds:g} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
