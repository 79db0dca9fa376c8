"""The frame of a page and what its parts are made of."""

from __future__ import annotations

from collections.abc import Iterable

from molvae.pages.markup import Markup, element
from molvae.pages.style import CSS


def document(title: str, *parts: str) -> str:
    """A whole page under a title; it opens without a network."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("style", Markup(CSS)),
    )
    body = element("body", element("main", element("h1", title), *parts))
    return "<!DOCTYPE html>\n" + element("html", head, body, lang="en") + "\n"


def section(title: str, *children: str) -> Markup:
    """A part of the page with a heading."""
    return element("section", element("h2", title), *children)


def note(text: str) -> Markup:
    """A remark in small print."""
    return element("p", text, class_="note")


def tiles(figures: Iterable[tuple[str, str]]) -> Markup:
    """The figures that matter most, each (name, value) in a tile of its own."""
    return element(
        "div",
        *(element("div", element("b", value), element("span", name, class_="soft"), class_="tile") for name, value in figures),
        class_="tiles",
    )
