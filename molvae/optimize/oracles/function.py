"""A user's Python function as an oracle."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from molvae.errors import DataError
from molvae.optimize.oracles.base import Answer
from molvae.optimize.oracles.limit import at_most
from molvae.optimize.oracles.spread import spread

_AT_ONCE = 8  # molecules in a part when there are several processes: a user's function may take long


@dataclass(frozen=True)
class FunctionOracle:
    """Asks a Python function. What it raises, and NaN, None or text for a number, are failures of the molecules concerned.

    Attributes:
        name: what it is called in tables.
        function: from one SMILES to a number; with `batched` from a list of SMILES to as many numbers.
        batched: give all molecules at once.
        higher_is_better: whether a large value is the aim.
        jobs: processes for a function that is not batched; None is one, or what `joblib.parallel_config` says; -1 is one a core.
        timeout: seconds that one call of the function may take, see `molvae.optimize.oracles.limit`; None for no limit.
    """

    name: str
    function: Callable[[Any], Any]
    batched: bool = False
    higher_is_better: bool = True
    jobs: int | None = None
    timeout: float | None = None

    def __call__(self, smiles: Sequence[str]) -> list[Answer]:
        """One answer a molecule, in the order of `smiles`."""
        if self.batched:
            return _batch(self.function, list(smiles), self.timeout)
        return spread(partial(_each, self.function, self.timeout), smiles, self.jobs, _AT_ONCE)


def found(path: str) -> Callable[[Any], Any]:
    """The function "module.function"; modules are also looked for in the current folder, after those that are installed.

    Raises:
        DataError: there is no such module, it cannot be imported, it has no such function, or what it has cannot be called.
    """
    module_name, _, name = path.rpartition(".")
    if not module_name:
        raise DataError(f"python:{path} does not say where the function is; expected python:module.function")
    module = _imported(module_name)
    if not hasattr(module, name):
        near = ", ".join(get_close_matches(name, vars(module)))
        raise DataError(f"{module_name} has no function {name!r}{f'; nearest: {near}' if near else ''}")
    function = getattr(module, name)
    if not callable(function):
        raise DataError(f"{path} is no function but {type(function).__name__}")
    return function  # type: ignore[no-any-return]  # what a user's function takes and gives is found out when it is called


def _imported(name: str) -> Any:
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.append(here)  # stays: the function may import more when it is called, and worker processes get the same path
    try:
        return import_module(name)
    except (Exception, SystemExit) as error:  # a user's module may raise anything
        raise DataError(f"the module {name} cannot be imported from {here} ({type(error).__name__}: {error})") from error


def _each(function: Callable[[Any], Any], timeout: float | None, smiles: Sequence[str]) -> list[Answer]:
    return [_one(function, text, timeout) for text in smiles]


def _one(function: Callable[[Any], Any], text: str, timeout: float | None) -> Answer:
    try:
        with at_most(timeout):
            return Answer.of(function(text))
    except (Exception, SystemExit) as error:  # noqa: BLE001  a user's function may raise anything
        return Answer(None, f"{type(error).__name__}: {error}")


def _batch(function: Callable[[Any], Any], smiles: list[str], timeout: float | None) -> list[Answer]:
    try:
        with at_most(timeout):
            values = list(function(list(smiles)))
    except (Exception, SystemExit) as error:  # noqa: BLE001  a user's function may raise anything
        return [Answer(None, f"{type(error).__name__}: {error}")] * len(smiles)
    if len(values) != len(smiles):
        return [Answer(None, f"{len(values)} values came for {len(smiles)} molecules")] * len(smiles)
    return [Answer.of(value) for value in values]
