"""Reads old scikit-learn pickles as data: arrays, numbers and texts. Nothing that a pickle names is imported, and nothing in it can run.

A pickle is a list of instructions for a stack machine. `pickletools` only lists them; the machine here knows those that old models need.
Where one says which function to call with what, a holder keeps what it is given; a name that no model needs is an error. The arrays are
then made of the kept bytes.
"""

from __future__ import annotations

import pickletools
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from molvae.errors import DataError


class _Holder:
    """Keeps what a pickle would call a function or class with, and the state it would set."""

    def __init__(self, *args: Any) -> None:
        self.args = args
        self.state: Any = None


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


_MARK = object()
_LITERALS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None, "NEWTRUE": lambda: True, "NEWFALSE": lambda: False,
    "EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_TUPLE": tuple, "MARK": lambda: _MARK,
}  # fmt: skip
_VALUES = {
    "INT", "LONG", "LONG1", "LONG4", "BININT", "BININT1", "BININT2", "FLOAT", "BINFLOAT", "STRING", "BINSTRING", "SHORT_BINSTRING",
    "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8",
}  # fmt: skip
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


class _Machine:
    """The stack, the memo, and the instructions that change them."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self, data: bytes) -> Any:
        """What is left on the stack at the end."""
        for operation, argument, _ in pickletools.genops(data):
            name = operation.name
            if name in _LITERALS:
                self.stack.append(_LITERALS[name]())
            elif name in _VALUES:
                self.stack.append(argument)
            elif name in _TUPLES:
                self.stack[-_TUPLES[name] :] = [tuple(self.stack[-_TUPLES[name] :])]
            elif name not in ("PROTO", "FRAME", "STOP"):
                self._step(name, argument)
        return self.stack.pop()

    def _step(self, name: str, argument: Any) -> None:
        step = getattr(self, f"_{name.lower()}", None)
        if step is None:
            raise DataError(
                f"the pickle has the instruction {name}, which no model needs; it was not read further, and nothing in it was run"
            )
        step(argument)

    def _marked(self) -> list[Any]:
        at = max(place for place, held in enumerate(self.stack) if held is _MARK)
        found, self.stack[at:] = self.stack[at + 1 :], []
        return found

    def _named(self, name: str) -> None:
        if name not in _KNOWN:
            raise DataError(f"the pickle names {name}, which no model needs; it was not read further, and nothing in it was run")
        self.stack.append(_KNOWN[name])

    def _global(self, argument: str) -> None:
        self._named(argument.replace(" ", "."))

    def _stack_global(self, _: None) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        self._named(f"{module}.{name}")

    def _reduce(self, _: None) -> None:
        args, held = self.stack.pop(), self.stack.pop()
        self.stack.append(held(*args) if held in _KNOWN.values() else held)

    _newobj = _reduce

    def _build(self, _: None) -> None:
        state = self.stack.pop()
        self.stack[-1].state = state

    def _tuple(self, _: None) -> None:
        self.stack.append(tuple(self._marked()))

    def _append(self, _: None) -> None:
        value = self.stack.pop()
        self.stack[-1].append(value)

    def _appends(self, _: None) -> None:
        values = self._marked()
        self.stack[-1].extend(values)

    def _setitem(self, _: None) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self.stack[-1][key] = value

    def _setitems(self, _: None) -> None:
        pairs: Iterator[Any] = iter(self._marked())
        self.stack[-1].update(zip(pairs, pairs, strict=True))

    def _memoize(self, _: None) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def _put(self, place: int) -> None:
        self.memo[place] = self.stack[-1]

    _binput = _long_binput = _put

    def _get(self, place: int) -> None:
        self.stack.append(self.memo[place])

    _binget = _long_binget = _get


def read(data: bytes) -> Any:
    """What a pickle holds, with a dict for each scikit-learn object (its attributes) and an array for each NumPy array.

    Raises:
        DataError: a name that no model needs, or bytes that are no such pickle.
    """
    try:
        return _plain(_Machine().run(data))
    except (EOFError, AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
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
