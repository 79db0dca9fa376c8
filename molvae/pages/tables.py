"""Tables of texts and numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from molvae.pages.markup import Markup, element


def figure(value: float | None) -> str:
    """A number with four decimals at most, as the tables of MOSES have them; small ones with three digits.

    A share just below one is not rounded up to it.

    >>> [figure(value) for value in (0.99, 1.0, 0.99998, 0.00002, 1.0572, 26.4, None)]
    ['0.99', '1', '>0.9999', '2e-05', '1.0572', '26.4', '-']
    """
    if value is None or not math.isfinite(value):
        return "-"
    if 0.9999 < value < 1:
        return ">0.9999"
    if 0 < abs(value) < 0.001:
        return f"{value:.3g}"
    text = f"{value:.4f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def listing(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int] = ()) -> Markup:
    """A plain table of texts; `numbers` are the columns set to the right."""
    body = [element("tr", *(element("td", text, class_=None if at in numbers else "text") for at, text in enumerate(row))) for row in rows]
    titles = element("tr", *(element("th", title, scope="col", class_=None if at in numbers else "text") for at, title in enumerate(head)))
    return scrolling(element("thead", titles), element("tbody", *body))


def scrolling(*children: str) -> Markup:
    """A table that scrolls within the page where it is too wide for it."""
    return element("div", element("table", *children), class_="scroll")
