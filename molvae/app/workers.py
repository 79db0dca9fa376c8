"""Long work in processes of its own: it tells how far it is, can be stopped at any moment, and cannot bring the server down."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from molvae.errors import DataError

#: How a run stands.
State = Literal["going", "done", "stopped", "failed"]

_GRACE = 60.0  # seconds that a run goes on after its page is gone, for one that comes back
_LOOK = 2.0  # seconds between looks at the page
_NICE = 10  # a worker gives way to the server and to the browser, so that the page stays quick


@dataclass(frozen=True)
class Far:
    """How far a run is: what is done, how much of it is, how much there is in all (0 when not known)."""

    what: str = ""
    done: int = 0
    total: int = 0

    @property
    def share(self) -> float | None:
        """From 0 to 1; None when not known."""
        return min(self.done / self.total, 1.0) if self.total > 0 else None


class _Process:
    """One worker."""

    def __init__(self) -> None:
        self._orders = 0
        environment = os.environ | {"PYTHONUNBUFFERED": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "molvae.app.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            env=environment,
            start_new_session=True,  # Ctrl-C is for the server, which then closes its workers; and a worker ends with its own children
        )
        if hasattr(os, "setpriority"):
            os.setpriority(os.PRIO_PROCESS, self._process.pid, _NICE)

    def order(self, job: str, options: Mapping[str, Any]) -> int:
        """Have a job done after those ordered before; the number that its answers carry."""
        assert self._process.stdin is not None  # a pipe
        self._orders += 1
        self._process.stdin.write(json.dumps({"order": self._orders, "job": job, "options": dict(options)}) + "\n")
        self._process.stdin.flush()
        return self._orders

    def said(self) -> dict[str, Any] | None:
        """The next line; None when the process has ended."""
        assert self._process.stdout is not None  # a pipe
        line = self._process.stdout.readline()
        found: dict[str, Any] | None = json.loads(line) if line.endswith("\n") else None
        return found

    @property
    def number(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        try:
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()
        except ProcessLookupError:
            pass
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None and not pipe.closed:
                _close(pipe)


def _close(pipe: Any) -> None:
    with contextlib.suppress(OSError):  # what was not written yet has nowhere to go
        pipe.close()


class Run:
    """One job under way; made by `Workers.start`.

    Attributes:
        job: its name.
        state: how it stands.
        far: how far it is.
        partial: what was known last, None before anything was.
        result: what came out, None unless it is done.
        problem: why it failed, else empty.
        alive: whether its page is there.
    """

    def __init__(self, workers: Workers, process: _Process, job: str, alive: Callable[[], bool]) -> None:
        self.job, self.state, self.far = job, "going", Far()
        self.partial: dict[str, Any] | None = None
        self.result: dict[str, Any] | None = None
        self.problem = ""
        self._workers, self._process, self._began = workers, process, time.monotonic()
        self.alive = alive
        self._ended = threading.Event()
        self._took = 0.0

    state: State

    @property
    def going(self) -> bool:
        """Whether it has not ended."""
        return self.state == "going"

    @property
    def seconds(self) -> float:
        """How long it has been going, or took."""
        return time.monotonic() - self._began if self.going else self._took

    @property
    def process_id(self) -> int:
        """Of the process that does it."""
        return self._process.number

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the end; whether it came."""
        return self._ended.wait(seconds)

    def stop(self) -> None:
        """End it now; what it told last is kept."""
        if self._end("stopped"):
            self._workers.gone(self._process)

    def follow(self, order: int) -> None:
        """Take in what the process says of its order until that ends; for a thread."""
        while (said := self._process.said()) is not None:
            if said["order"] != order:
                continue
            if "progress" in said:
                self.far = Far(*said["progress"])
            elif "partial" in said:
                self.partial = said["partial"]
            else:
                return self._finish(said)
        if self._end("failed", "the process that did the work has ended; perhaps there was not enough memory"):
            self._workers.gone(self._process)
        return None

    def watch(self) -> None:
        """Stop once its page has been gone for a while; for a thread."""
        seen = time.monotonic()
        while not self.wait(min(_LOOK, self._workers.grace)):
            now = time.monotonic()
            seen = now if self.alive() else seen
            if now - seen > self._workers.grace:
                self.stop()

    def _finish(self, said: Mapping[str, Any]) -> None:
        self.result = said.get("result")
        problem = said.get("refused") or f"something went wrong: {said.get('broken')}"
        if self._end("failed" if self.result is None else "done", "" if self.result is not None else problem):
            self._workers.free(self._process)

    def _end(self, state: State, problem: str = "") -> bool:
        """Whether this was the end, and not one that had come before."""
        with self._workers.lock:
            if not self.going:
                return False
            self._took = self.seconds
            self.problem, self.state = problem, state
            self._workers.left(self._process)
            self._ended.set()
            return True


class Workers:
    """Processes that do jobs; one of them is always kept ready, with a model loaded.

    Args:
        model: the one to load at once.
        most: jobs at the same time, of all pages.
        grace: seconds that a job goes on after its page is gone.
    """

    def __init__(self, model: str, most: int = 4, grace: float = _GRACE) -> None:
        self.model, self.most, self.grace = model, most, grace
        self.lock = threading.RLock()
        self._idle: list[_Process] = []
        self._busy: list[_Process] = []
        self._runs: list[Run] = []
        self._closed = False

    def warm(self) -> None:
        """Start a process and let it load the model, unless one is ready; returns at once."""
        with self.lock:
            if self._closed or self._idle:
                return
            process = _Process()
            process.order("warm", {"model": self.model})
            self._idle.append(process)

    def start(self, job: str, options: Mapping[str, Any], alive: Callable[[], bool] = lambda: True) -> Run:
        """Begin a job.

        Args:
            job: a key of `molvae.app.jobs.JOBS`.
            options: of the job, in types of JSON.
            alive: whether the page that asks is still there.

        Raises:
            DataError: too many are going on.
        """
        self._make_room()
        with self.lock:
            process = self._taken()
            run = Run(self, process, job, alive)
            self._runs = [*(each for each in self._runs if each.going), run]
        try:
            order = process.order(job, options)
        except OSError:  # it ended while idle
            self.left(process)
            self.gone(process)
            return self.start(job, options, alive)
        threading.Thread(target=run.follow, args=(order,), daemon=True).start()
        threading.Thread(target=run.watch, daemon=True).start()
        return run

    def _make_room(self) -> None:
        """Where too much goes on, stop what was begun by a page that is gone, such as one that was loaded anew."""
        if len(self._busy) >= self.most and (left := next((run for run in self._runs if run.going and not run.alive()), None)):
            left.stop()

    def _taken(self) -> _Process:
        if len(self._busy) >= self.most:
            raise DataError(f"{len(self._busy)} pieces of work are going on already; wait for one to end, or stop one")
        while self._idle:
            process = self._idle.pop()
            if process.alive:
                break
            process.end()
        else:
            process = _Process()
        self._busy.append(process)
        return process

    def left(self, process: _Process) -> None:
        """Count a process no more among those at work."""
        with self.lock:
            if process in self._busy:
                self._busy.remove(process)

    def free(self, process: _Process) -> None:
        """Keep a process ready that has ended its job, unless one is."""
        with self.lock:
            if not self._idle and not self._closed:
                return self._idle.append(process)
        return process.end()

    def gone(self, process: _Process) -> None:
        """End a process, and make another ready."""
        process.end()
        self.warm()

    def close(self) -> None:
        """End all processes."""
        with self.lock:
            self._closed = True
            processes, self._idle, self._busy = self._idle + self._busy, [], []
        for process in processes:
            process.end()
