"""Sets the doctests of docstrings as code, which otherwise markdown takes for quotations."""

from __future__ import annotations

import re
from typing import Any

import griffe

_TEST = re.compile(r"^>>> .*?(?=\n[ \t]*\n|\Z)", re.MULTILINE | re.DOTALL)


class Doctests(griffe.Extension):
    """Puts a fence around each doctest."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Change the docstring of an object, where there is one, before it is read."""
        if obj.docstring is not None:
            obj.docstring.value = _TEST.sub(lambda found: f"```pycon\n{found[0].rstrip()}\n```", obj.docstring.value)
