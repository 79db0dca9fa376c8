"""Oracles by their names: properties, published tasks, a user's function, a user's command."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from molvae.errors import DataError
from molvae.optimize.oracles import molecular
from molvae.optimize.oracles.base import Answer, Oracle
from molvae.optimize.oracles.command import CommandOracle
from molvae.optimize.oracles.function import FunctionOracle, found
from molvae.optimize.oracles.molecular import PMO, MolecularOracle

__all__ = ["PMO", "Answer", "CommandOracle", "FunctionOracle", "MolecularOracle", "Oracle", "names", "oracle"]

#: Every property ("logP") and task ("guacamol:...", "pmo:...") by its name.
names = molecular.names


def oracle(name: str | Callable[[Any], Any], **options: Any) -> Oracle:
    """The oracle of this name.

    Args:
        name: one of `names`; "python:module.function"; "command:./score.sh --fast"; or a function.
        options: fields of the oracle. `jobs` for all; `batched` and `higher_is_better` for functions; `batch`, `timeout` (seconds) and
            `higher_is_better` for commands.

    Raises:
        DataError: an unknown name (the nearest are offered) or option; a function or command that cannot be found; a model that
            cannot be fetched.

    >>> oracle("guacamol:celecoxib_rediscovery")(["CC1=CC=C(C=C1)C1=CC(=NN1C1=CC=C(C=C1)S(N)(=O)=O)C(F)(F)F"])
    [Answer(value=1.0, problem='')]
    >>> oracle("pmo:celecoxib")
    Traceback (most recent call last):
    molvae.errors.DataError: no oracle 'pmo:celecoxib'; nearest: pmo:celecoxib_rediscovery
    """
    if callable(name):
        return _made(FunctionOracle, options, name=getattr(name, "__name__", type(name).__name__), function=name)
    kind, _, rest = name.partition(":")
    if kind == "python":
        return _made(FunctionOracle, options, name=name, function=found(rest))
    if kind == "command":
        return _made(CommandOracle, options, name=name, command=rest)
    if not molecular.known(name):
        raise DataError(f"no oracle {name!r}; {_nearest(name)}")
    made = _made(MolecularOracle, options, name=name)
    molecular.prepare(name)
    return made


def _made(kind: type[Any], options: dict[str, Any], **given: Any) -> Oracle:
    known = [field for field in inspect.signature(kind).parameters if field not in given]
    if unknown := [option for option in options if option not in known]:
        raise DataError(f"{given['name']} has no option {', '.join(map(repr, unknown))}, expected some of {', '.join(known)}")
    try:
        made: Oracle = kind(**given, **options)
    except TypeError as error:
        raise DataError(f"{given['name']}: {error}; got {options}") from error
    return made


def _nearest(name: str) -> str:
    """What an unknown name may have meant: a known one like it, in any case and with or without the name of its suite."""
    plain = {each.lower(): each for each in names()}
    bare = {each.lower().partition(":")[2]: each for each in names() if ":" in each}
    found = [plain[near] for near in get_close_matches(name.lower(), plain)] + [
        bare[near] for near in get_close_matches(name.lower(), bare)
    ]
    return (
        f"nearest: {', '.join(dict.fromkeys(found))}"
        if found
        else "expected a property, guacamol:TASK, pmo:TASK, python:... or command:..."
    )
