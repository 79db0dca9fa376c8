"""Pictures carried within a page."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

from molvae.chem.drawing import structure
from molvae.pages.markup import Markup, element

_CELL = (220, 170)


def structures(smiles: list[str]) -> list[Markup]:
    """A picture of each molecule, carried within the page; a text that is no SMILES gets an empty one."""
    width, height = _CELL
    return [_image(structure(text, _CELL), text or "no molecule", width=width, height=height) for text in smiles]


def carried(path: Path, alternative: str, **attributes: object) -> Markup:
    """An .svg file as an image within the page."""
    return _image(path.read_bytes(), alternative, **attributes)


def _image(svg: bytes, alternative: str, **attributes: object) -> Markup:
    data = b64encode(svg).decode()
    return element("img", src=f"data:image/svg+xml;base64,{data}", alt=alternative, **attributes)
