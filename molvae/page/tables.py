"""Plain tables of a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from molvae.page.markup import Markup, element


def listing(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int] = ()) -> Markup:
    """A plain table of texts; `numbers` are the columns set to the right."""
    body = [element("tr", *(element("td", text, class_=None if at in numbers else "text") for at, text in enumerate(row))) for row in rows]
    titles = element("tr", *(element("th", title, scope="col", class_=None if at in numbers else "text") for at, title in enumerate(head)))
    return scrolling(element("thead", titles), element("tbody", *body))


def scrolling(*children: str) -> Markup:
    """A table that scrolls within the page where it is too wide for it."""
    return element("div", element("table", *children), class_="scroll")
