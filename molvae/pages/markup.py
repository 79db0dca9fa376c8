"""HTML and SVG from nested calls; every plain text is escaped, so that nothing from a file can become markup."""

from __future__ import annotations

from html import escape

_VOID = ("img", "meta")  # elements of HTML that have no end tag


class Markup(str):
    """Text that is markup already, as `element` gives it."""

    __slots__ = ()


def element(tag: str, *children: str, **attributes: object) -> Markup:
    """An element; children and attributes that are no `Markup` are escaped.

    Args:
        tag: its name.
        children: what is in it; those that are empty leave no trace.
        attributes: a trailing underscore of a name is dropped (`class_`), other underscores become hyphens; None leaves it out.

    >>> element("p", "1 < 2", element("b", "yes"), class_="note")
    '<p class="note">1 &lt; 2<b>yes</b></p>'
    """
    pairs = [(name.removesuffix("_").replace("_", "-"), value) for name, value in attributes.items() if value is not None]
    head = "".join(f' {name}="{escape(str(value))}"' for name, value in pairs)
    return Markup(f"<{tag}{head}>" if tag in _VOID else f"<{tag}{head}>{joined(*children)}</{tag}>")


def joined(*children: str) -> Markup:
    """Children one after another, escaped where they are no `Markup`.

    >>> joined("a & ", element("b", "c"))
    'a &amp; <b>c</b>'
    """
    return Markup("".join(child if isinstance(child, Markup) else escape(child) for child in children))
