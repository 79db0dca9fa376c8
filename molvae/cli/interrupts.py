"""Ctrl-C that nothing swallows."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt even while RDKit searches for substructures.

    RDKit catches SIGINT during a search, ends the search with what it has, and tells nobody: Ctrl-C would be lost and the answer be wrong.
    So the signal is kept from all threads but one, which wakes the main thread by another signal; from those that were there before it is
    not kept, so numpy, torch and RDKit are imported within. Does nothing on Windows, outside the main thread, and where Ctrl-C is ignored.
    """
    main = threading.current_thread()
    mine = main is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not mine or not hasattr(signal, "pthread_sigmask"):
        yield
        return
    ended = threading.Event()

    def watch() -> None:
        while not ended.is_set():
            signal.sigwait({signal.SIGINT})
            if not ended.is_set() and main.ident is not None:
                signal.pthread_kill(main.ident, signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, signal.default_int_handler)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # before the thread starts, which inherits it
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        if watcher.ident is not None:
            signal.pthread_kill(watcher.ident, signal.SIGINT)
        watcher.join()
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGUSR1, before)
