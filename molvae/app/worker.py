"""A process that does jobs, one after another: a line of JSON in, lines of JSON out. It ends when its input does.

{"order": 1, "job": "sample", "options": {...}}    in
{"order": 1, "progress": ["molecules", 12, 100]}   out, any number
{"order": 1, "partial": {...}}                     out, any number
{"order": 1, "result": {...}}                      out, the last; or "refused" and why for an error molvae raises on purpose, else "broken"
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import IO, Any

from molvae.app.jobs import JOBS, Tell
from molvae.errors import MolvaeError


def main() -> None:
    """Do the jobs of the standard input until it ends, even in the middle of one."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints must not come between the lines
    waiting: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_listen, args=(waiting,), daemon=True).start()
    while True:
        order = json.loads(waiting.get())
        say = partial(_say, out, order["order"])
        say(answer(order["job"], order["options"], say))


def _listen(waiting: queue.Queue[str]) -> None:
    for line in sys.stdin:
        waiting.put(line)
    os._exit(0)  # the server is gone; nobody waits for the job


def answer(job: str, options: dict[str, Any], say: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Do one job; what it tells goes to `say`, how it ended is returned."""
    tell = Tell(lambda *far: say({"progress": far}), lambda known: say({"partial": known}))
    try:
        return {"result": JOBS[job](options, tell)}
    except (MolvaeError, ValueError) as error:
        return {"refused": str(error)}
    except Exception as error:  # noqa: BLE001  the page says what broke, and the worker goes on
        return {"broken": f"{type(error).__name__}: {error}"}


def _say(out: IO[str], order: int, what: dict[str, Any]) -> None:
    out.write(json.dumps({"order": order} | what) + "\n")
    out.flush()


if __name__ == "__main__":
    main()
