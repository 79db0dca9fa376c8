"""Text of users in messages, which Streamlit reads as Markdown."""

from __future__ import annotations

import re

_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:^&=])")


def literal(text: str) -> str:
    r"""Markdown that shows a text as it is: no link, picture or markup of a user comes alive.

    >>> literal("![x](http://a.b) <b>")
    '\\!\\[x\\]\\(http\\://a\\.b\\) \\<b\\>'
    """
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
