"""Molecules as pictures: PNG or SVG by suffix."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rdkit import Chem, rdBase
from rdkit.Chem.Draw import rdMolDraw2D

from molvae.chem.molecules import parse
from molvae.errors import DataError, MoleculeError
from molvae.files import replacing

_HIGHLIGHT = (1.0, 0.78, 0.45)  # red, green, blue
_LARGEST_PNG = 32_000  # pixels a side; Cairo's limit is 32,767


def grid(
    smiles: Sequence[str],
    path: str | Path,
    legends: Sequence[str] | None = None,
    columns: int = 5,
    size: tuple[int, int] = (220, 180),
    highlights: Sequence[Sequence[int]] | None = None,
) -> None:
    """Draw molecules in rows on a white ground; the file appears whole or not at all.

    Args:
        smiles: the molecules; one that is no SMILES gets an empty cell with its legend.
        path: a .png or .svg file; missing folders are created.
        legends: one line under each molecule, as many as molecules; None for no legends.
        columns: most cells in a row.
        size: width and height of a cell, pixels.
        highlights: for each molecule the atoms to colour, with the bonds between them; None for none.

    Raises:
        DataError: unknown suffix, nothing to draw, another number of legends than molecules, columns or size below 1, a picture
            larger than a PNG can be, or a file that cannot be written.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in (".png", ".svg"):
        raise DataError(f"{path}: unknown suffix {suffix!r}, expected .png or .svg")
    legends = [""] * len(smiles) if legends is None else list(legends)
    _check(path, len(smiles), len(legends), columns, size)
    picture = _drawn([_cell(text) for text in smiles], legends, columns, size, suffix, highlights)
    with replacing(path) as partial:
        partial.write_bytes(picture)


def structure(smiles: str, size: tuple[int, int] = (220, 180)) -> bytes:
    """An SVG of one molecule, of this width and height in pixels; an empty one for a text that is no SMILES.

    >>> b"<svg" in structure("CCO")
    True
    """
    return _drawn([_cell(smiles)], [""], 1, size, ".svg", None)


def _check(path: Path, molecules: int, legends: int, columns: int, size: tuple[int, int]) -> None:
    if not molecules:
        raise DataError(f"{path}: no molecules to draw")
    if molecules != legends:
        raise DataError(f"{path}: {legends} legends for {molecules} molecules, expected one for each")
    if min(columns, *size) < 1:
        raise DataError(f"{path}: {columns} columns of cells of {size[0]} x {size[1]} pixels, expected at least 1 of each")
    width, height = _canvas(molecules, columns, size)
    if path.suffix.lower() == ".png" and max(width, height) > _LARGEST_PNG:
        raise DataError(f"{path}: {width} x {height} pixels, at most {_LARGEST_PNG} a side; draw fewer molecules or an .svg")


def _canvas(molecules: int, columns: int, size: tuple[int, int]) -> tuple[int, int]:
    """Width and height of the picture, pixels."""
    return min(columns, molecules) * size[0], -(-molecules // columns) * size[1]


def _cell(text: str) -> Chem.Mol:
    """The molecule, or an atom that shows nothing where the text is none: RDKit leaves out the legend of a cell without atoms."""
    try:
        return parse(text)
    except MoleculeError:
        blank = Chem.MolFromSmiles("*")
        blank.GetAtomWithIdx(0).SetProp("atomLabel", " ")
        return blank


def _drawn(mols: Sequence[Chem.Mol], legends: Sequence[str], columns: int, size: tuple[int, int], suffix: str,
           highlights: Sequence[Sequence[int]] | None) -> bytes:  # fmt: skip
    canvas = rdMolDraw2D.MolDraw2DSVG if suffix == ".svg" else rdMolDraw2D.MolDraw2DCairo
    drawer = canvas(*_canvas(len(mols), columns, size), *size)
    options: Any = drawer.drawOptions()  # the stubs give its numbers the wrong type
    options.legendFontSize = 14
    options.legendFraction = 0.14
    options.bondLineWidth = 1
    options.padding = 0.08
    options.fixedBondLength = 28  # pixels at most, so that ethanol is not drawn as large as a steroid
    options.drawMolsSameScale = False
    options.setHighlightColour(_HIGHLIGHT)
    atoms = [list(rows) for rows in highlights] if highlights is not None else [[] for _ in mols]
    bonds = [_between(mol, rows) for mol, rows in zip(mols, atoms, strict=True)]
    with rdBase.BlockLogs():
        drawer.DrawMolecules(list(mols), legends=list(legends), highlightAtoms=atoms, highlightBonds=bonds)
    drawer.FinishDrawing()
    text = drawer.GetDrawingText()
    return text.encode() if isinstance(text, str) else bytes(text)


def _between(mol: Chem.Mol, atoms: Sequence[int]) -> list[int]:
    """Bonds both of whose atoms are among these."""
    among = set(atoms)
    return [bond.GetIdx() for bond in mol.GetBonds() if {bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()} <= among]
