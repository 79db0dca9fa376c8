"""A user's command as an oracle: one SMILES a line in, one number a line out."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from molvae.errors import DataError
from molvae.optimize.oracles.base import Answer
from molvae.optimize.oracles.spread import spread

_TRIES = 2
_VAIN = 16  # runs that may fail while a batch is halved: enough to find two molecules among a hundred


@dataclass(frozen=True)
class CommandOracle:
    """Asks a command: SMILES on its standard input, one a line, and as many lines with one number each from its standard output.

    A batch that ends with an exit code other than 0, that does not end in time, or that gives another number of lines is tried once more.
    Then its molecules are failures; but after an exit code it is halved again and again before, in at most 16 vain runs, to find the
    molecules that the command stumbles over. A line that is no finite number is a failure of its molecule alone.

    Attributes:
        name: what it is called in tables.
        command: the program and its arguments, as typed in a shell; no shell reads it, so there are no pipes and no wildcards.
        batch: molecules given at once, at most; with several jobs, each gets its share of a small number.
        timeout: seconds that a batch may take; then the command and all it started are killed.
        higher_is_better: whether a large value is the aim.
        jobs: batches at a time; None is one, or what `joblib.parallel_config` says; -1 is one a core.
    """

    name: str
    command: str
    batch: int = 100
    timeout: float = 600.0
    higher_is_better: bool = True
    jobs: int | None = None

    def __post_init__(self) -> None:
        """Raises DataError for a command that cannot be found, and for a batch or time that is not positive."""
        _words(self.command)
        if self.batch < 1 or not self.timeout > 0:
            raise DataError(f"batch {self.batch} and timeout {self.timeout} s, expected at least 1 molecule and more than 0 s")

    def __call__(self, smiles: Sequence[str]) -> list[Answer]:
        """One answer a molecule, in the order of `smiles`."""
        return spread(partial(_asked, self.command, self.timeout), smiles, self.jobs, self.batch)


class _Failed(Exception):  # noqa: N818  the reason why a whole batch has no numbers; it leaves this file as an Answer
    pass


class _Stumbled(_Failed):
    pass


def _words(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise DataError(f"the command {command!r} cannot be read: {error}") from error
    if not words or shutil.which(words[0]) is None:
        raise DataError(f"the command {command!r} cannot be run: no program {(words or [''])[0]!r} here that may be executed")
    return words


def _asked(command: str, timeout: float, smiles: Sequence[str]) -> list[Answer]:
    problem: Exception = _Failed()
    for _ in range(_TRIES):
        try:
            return _answered(command, timeout, smiles)
        except (_Failed, DataError, OSError) as error:
            problem = error
    said = f"{problem} (tried {_TRIES} times)"
    left = [_VAIN if isinstance(problem, _Stumbled) else 0]
    return _halved(command, timeout, smiles, said, left)


def _answered(command: str, timeout: float, smiles: Sequence[str]) -> list[Answer]:
    return [Answer.of(line.strip()) for line in _lines(_words(command), timeout, smiles)]


def _halved(command: str, timeout: float, smiles: Sequence[str], problem: str, left: list[int]) -> list[Answer]:
    """Answers to the halves of a batch that failed, each halved again where it fails too, while vain runs are `left`."""
    if len(smiles) == 1:
        return [Answer(None, problem)]
    answers: list[Answer] = []
    for half in (smiles[: len(smiles) // 2], smiles[len(smiles) // 2 :]):
        if left[0] < 1:
            answers += [Answer(None, problem)] * len(half)
            continue
        try:
            answers += _answered(command, timeout, half)
        except (_Failed, DataError, OSError) as error:
            left[0] = left[0] - 1 if isinstance(error, _Stumbled) else 0
            answers += _halved(command, timeout, half, str(error), left)
    return answers


def _lines(words: list[str], timeout: float, smiles: Sequence[str]) -> list[str]:
    """What the command writes for these molecules; through files, so that no full pipe and no forgotten child can hold it up."""
    with tempfile.TemporaryDirectory(prefix="molvae-") as folder:
        given, out, err = (Path(folder) / name for name in ("in", "out", "err"))
        given.write_text("".join(f"{text}\n" for text in smiles), encoding="utf-8")
        code = _run(words, timeout, given, out, err)
        if code:
            said = err.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise _Stumbled(f"exit code {code}{f': {said[-1][:200]}' if said else ''}")
        lines = out.read_text(encoding="utf-8", errors="replace").splitlines()
    if len(lines) != len(smiles):
        raise _Failed(f"{len(lines)} lines came for {len(smiles)} molecules")
    return lines


def _run(words: list[str], timeout: float, given: Path, out: Path, err: Path) -> int:
    """Exit code of the command, which gets a process group of its own, so that all of it can be killed."""
    with given.open("rb") as stdin, out.open("wb") as stdout, err.open("wb") as stderr:
        process = subprocess.Popen(words, stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=True)
        try:
            return process.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise _Failed(f"no answer within {timeout:g} s") from error
        finally:  # also when the user interrupts the campaign
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
