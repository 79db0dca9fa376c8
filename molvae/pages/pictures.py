"""Pictures carried within a page."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from tempfile import TemporaryDirectory

from molvae.chem.drawing import grid
from molvae.pages.markup import Markup, element

_CELL = (220, 170)


def structures(smiles: list[str]) -> list[Markup]:
    """A picture of each molecule, carried within the page; a text that is no SMILES gets an empty one."""
    with TemporaryDirectory() as folder:
        return [_picture(text, Path(folder) / "molecule.svg") for text in smiles]


def _picture(smiles: str, path: Path) -> Markup:
    grid([smiles], path, columns=1, size=_CELL)
    return carried(path, smiles or "no molecule", width=_CELL[0], height=_CELL[1])


def carried(path: Path, alternative: str, **attributes: object) -> Markup:
    """An .svg file as an image within the page."""
    data = b64encode(path.read_bytes()).decode()
    return element("img", src=f"data:image/svg+xml;base64,{data}", alt=alternative, **attributes)
