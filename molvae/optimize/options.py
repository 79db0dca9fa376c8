"""Options of methods by plain keys, as recipes have them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import fields
from importlib import import_module
from typing import Any

import pydantic

from molvae.optimize.keys import nearest

_OWN = ("self", "model", "seed", "starts", "allowed", "settings")  # what the campaign itself gives


def checked(method: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Keywords of `molvae.optimize.methods.method` for the options of one: its settings as one object where it has such, else each.

    Args:
        method: its name.
        options: by the names of its settings or parameters.

    Raises:
        ValueError: an unknown option, with the nearest, or a value of another type.

    >>> checked("stoned", {"first": 20}), checked("evolve", {"first": 20})["settings"].first
    ({'first': 20}, 20)
    """
    settings, defaults = _settings(method), _defaults(method)
    if isinstance(first := options.get("first", 1), int | float) and first < 1:
        raise ValueError(f"options of method {method}: first is {first}, expected at least 1")
    for name in options:
        if name not in defaults:
            known = f", it has {', '.join(defaults)}" if defaults else ", it has none"
            raise ValueError(f"method {method} has no option {name!r}{nearest(name, defaults) or known}")
    try:
        if settings is not None:
            return {"settings": pydantic.TypeAdapter(settings).validate_python(dict(options))}
        return {name: pydantic.TypeAdapter(type(defaults[name])).validate_python(value) for name, value in options.items()}
    except pydantic.ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, item['loc']))} is {item['input']!r}: {item['msg']}" for item in error.errors())
        raise ValueError(f"options of method {method}: {said}") from error


def default(method: str, name: str, options: Mapping[str, Any]) -> Any:
    """The value of an option, given or not; None where the method has no such.

    >>> default("stoned", "first", {}), default("stoned", "first", {"first": 5}), default("random", "first", {})
    (100, 5, None)
    """
    return options.get(name, _defaults(method).get(name))


def _module(method: str) -> Any:
    return import_module(f"molvae.optimize.methods.{method}")


def _settings(method: str) -> type[Any] | None:
    """The dataclass of its settings: by convention `EvolveSettings` beside `Evolve`."""
    return getattr(_module(method), f"{method.capitalize()}Settings", None)


def _defaults(method: str) -> dict[str, Any]:
    if (settings := _settings(method)) is not None:
        return {field.name: field.default for field in fields(settings)}
    parameters = inspect.signature(getattr(_module(method), method.capitalize())).parameters
    return {name: parameter.default for name, parameter in parameters.items() if name not in _OWN}
