"""A whole page."""

from __future__ import annotations

from molvae.page.markup import Markup, element
from molvae.page.style import CSS


def document(title: str, *children: str) -> str:
    """HTML of a page with this title and these children, in one style; nothing is fetched from elsewhere."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("style", Markup(CSS)),
    )
    body = element("body", element("main", element("h1", title), *children))
    return "<!DOCTYPE html>\n" + element("html", head, body, lang="en") + "\n"
