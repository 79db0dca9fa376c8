"""Pictures of molecules that a page carries within it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from molvae.chem.drawing import grid
from molvae.page.markup import Markup, element

_CELL = (220, 170)


def structures(smiles: Sequence[str]) -> list[Markup]:
    """A picture of each molecule, carried within the page; a text that is no SMILES gets an empty one."""
    with TemporaryDirectory() as folder:
        return [_picture(text, Path(folder) / "molecule.svg") for text in smiles]


def _picture(smiles: str, path: Path) -> Markup:
    grid([smiles], path, columns=1, size=_CELL)
    data = b64encode(path.read_bytes()).decode()
    alternative = smiles or "no molecule"
    return element("img", src=f"data:image/svg+xml;base64,{data}", alt=alternative, width=_CELL[0], height=_CELL[1])
