"""Reads old scikit-learn pickles as data: arrays, numbers and texts. Nothing that a pickle names is imported, and nothing in it can run.

A pickle says which functions are to be called with what. Here each of the few names that a model needs stands for a holder that keeps
what it is given; any other name is an error. The arrays are then made of the kept bytes.
"""

from __future__ import annotations

import io
import pickle
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from molvae.errors import DataError


class _Holder:
    """Keeps what a pickle would call a function or class with, and the state it would set."""

    args: tuple[Any, ...]
    state: Any

    def __new__(cls, *args: Any) -> _Holder:
        made = object.__new__(cls)
        made.args, made.state = args, None
        return made

    def __init__(self, *args: Any) -> None:
        """What there is to do was done in `__new__`, which alone a pickle may call."""

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Array(_Holder):
    pass


class _Scalar(_Holder):
    pass


class _Dtype(_Holder):
    pass


class _Record(_Holder):
    pass


class _Name(_Holder):
    pass


_KNOWN = {
    "numpy.core.multiarray._reconstruct": _Array,
    "numpy.core.multiarray.scalar": _Scalar,
    "numpy.dtype": _Dtype,
    "numpy.ndarray": _Name,
    "sklearn.ensemble._forest.RandomForestClassifier": _Record,
    "sklearn.svm._classes.SVC": _Record,
    "sklearn.tree._classes.DecisionTreeClassifier": _Record,
    "sklearn.tree._tree.Tree": _Record,
}


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> type[_Holder]:
        """The holder of a known name."""
        if f"{module}.{name}" not in _KNOWN:
            raise DataError(f"the pickle names {module}.{name}, which no model needs; it was not read further, and nothing in it was run")
        return _KNOWN[f"{module}.{name}"]


def read(data: bytes) -> Any:
    """What a pickle holds, with a dict for each scikit-learn object (its attributes) and an array for each NumPy array.

    Raises:
        DataError: a name that no model needs, or bytes that are no such pickle.
    """
    try:
        return _plain(_Reader(io.BytesIO(data)).load())
    except (pickle.UnpicklingError, EOFError, AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"this is no pickle of a model: {error}") from error


def _plain(held: Any) -> Any:
    match held:
        case _Array():
            return _array(held.state)
        case _Scalar():
            return np.frombuffer(held.args[1], _dtype(held.args[0]))[0]
        case _Record():
            return _plain(held.state)
        case dict():
            return {key: _plain(value) for key, value in held.items()}
        case list() | tuple():
            return [_plain(value) for value in held]
        case _:
            return held


def _array(state: tuple[Any, ...]) -> NDArray[Any]:
    _, shape, dtype, by_columns, data = state
    return np.frombuffer(data, _dtype(dtype)).reshape(shape, order="F" if by_columns else "C")


def _dtype(held: _Dtype) -> np.dtype[Any]:
    """A NumPy type of its kept description: integers and floats, and records of them."""
    _, order, _, fields, places, size = held.state[:6]
    if fields is not None:
        types = [_dtype(places[name][0]) for name in fields]
        return np.dtype({"names": fields, "formats": types, "offsets": [places[name][1] for name in fields], "itemsize": size})
    if not re.fullmatch(r"[fiu][1248]", held.args[0]):
        raise DataError(f"the pickle holds an array of type {held.args[0]!r}, expected numbers")
    made: np.dtype[Any] = np.dtype(order.replace("|", "=") + held.args[0])
    return made
