"""Draws docs/relative.svg: one molecule, its SELFIES and its relative symbols, with what has to be counted in red.

python docs/relative_picture.py
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from rdkit import Chem
from rdkit.Chem.Draw import rdMolDraw2D

from molvae.chem.selfies import absolute, to_symbols

SMILES = "CC(=O)Nc1ccc(O)cc1"  # paracetamol
_WIDTH, _DRAWING, _BOX, _GAP, _ROW = 1060, 210, 26, 5, 108
_COLOURS = {"count": ("#fde0dd", "#b30000"), "branch": ("#e3eefa", "#08519c"), "ring": ("#e5f5e0", "#006d2c"), "atom": ("#f4f4f4", "#333")}


def main() -> None:
    """Write the picture."""
    selfies = to_symbols(SMILES)
    rows = [("SELFIES: red symbols are numbers that the writer must know beforehand", list(kinds_of_selfies(selfies)))]
    rows.append(("Relative symbols: a branch ends where it ends, a ring names an ancestor", list(kinds_of_relative(relative_of(selfies)))))
    parts = [molecule()]
    for number, (title, symbols) in enumerate(rows):
        parts += row(title, symbols, _DRAWING + 34 + number * _ROW)
    height = _DRAWING + 2 * _ROW + 10
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif">'
    text = f'{head}<rect width="100%" height="100%" fill="white"/>{"".join(parts)}</svg>\n'
    Path(__file__).with_name("relative.svg").write_text(text, encoding="utf-8")


def relative_of(selfies: Sequence[str]) -> list[str]:
    """Relative symbols, checked to come back."""
    from molvae.chem.selfies import relative

    symbols = relative(selfies)
    if absolute(symbols) != list(selfies):
        raise SystemExit("the symbols do not come back")
    return symbols


def kinds_of_selfies(symbols: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each symbol with what it is; the symbols that hold a number are counts."""
    digits = 0
    for symbol in symbols:
        kind = "count" if digits else "branch" if "Branch" in symbol else "ring" if "Ring" in symbol else "atom"
        digits = digits - 1 if digits else int(symbol[-2]) if kind in ("branch", "ring") else 0
        yield symbol, kind


def kinds_of_relative(symbols: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each symbol with what it is."""
    for symbol in symbols:
        yield symbol, "branch" if symbol[-2] in "{}" else "ring" if symbol.strip("[]=#").startswith("R") else "atom"


def row(title: str, symbols: Sequence[tuple[str, str]], top: int) -> Iterator[str]:
    """A line of boxes under a title, as wide as its symbols."""
    yield f'<text x="16" y="{top}" font-size="16" fill="#222">{escape(title)}</text>'
    left, line = 16, top + 14
    for symbol, kind in symbols:
        fill, ink = _COLOURS[kind]
        width = 12 + 8 * len(symbol)
        if left + width > _WIDTH - 16:
            left, line = 16, line + _BOX + _GAP
        yield f'<rect x="{left}" y="{line}" width="{width}" height="{_BOX}" rx="4" fill="{fill}" stroke="{ink}" stroke-width=".6"/>'
        yield (
            f'<text x="{left + width / 2}" y="{line + 18}" font-size="13" font-family="monospace" text-anchor="middle" fill="{ink}">'
            f"{escape(symbol)}</text>"
        )
        left += width + _GAP


def molecule() -> str:
    """The molecule with its atoms numbered in the order in which they are written."""
    drawer = rdMolDraw2D.MolDraw2DSVG(_WIDTH, _DRAWING)
    drawer.drawOptions().addAtomIndices = True
    drawer.drawOptions().clearBackground = False
    mol = Chem.MolFromSmiles(SMILES)
    Chem.Kekulize(mol)
    rdMolDraw2D.PrepareAndDrawMolecule(drawer, mol, kekulize=True)
    drawer.FinishDrawing()
    return drawer.GetDrawingText().split("?>", 1)[1]


if __name__ == "__main__":
    main()
