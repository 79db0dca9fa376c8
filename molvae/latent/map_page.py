"""A map as one page that works without a network: hover shows the structure."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rdkit import Chem, rdBase
from rdkit.Chem import rdDepictor

from molvae.data.reading import in_parts
from molvae.errors import DataError
from molvae.files import replacing
from molvae.latent.map_colours import GROUPS, NONE, SCALE, Colours
from molvae.latent.maps import LatentMap

#: Most points whose structure is in a page, unless asked otherwise.
STRUCTURES = 10_000

_STEPS = 4_095  # of a place, from one side of the map to the other
_PIXELS = 24  # units of a bond in a structure


def page(
    found: LatentMap,
    path: str | Path,
    colours: Colours | None = None,
    *,
    names: Sequence[str] | None = None,
    title: str = "Map of molecules",
    structures: int = STRUCTURES,
    background: bool = False,
) -> None:
    """Write a map as HTML: drag, zoom, and hover over a point for its structure; the file appears whole or not at all.

    Args:
        found: the map.
        path: a .html file.
        colours: of the points, one for each row of the map; None for one colour.
        names: of the molecules, shown on hover; as many as rows.
        title: heading.
        structures: most points with a structure, representatives first, then by chance; the others show their SMILES. The page says so.
        background: show the molecules the map was made of in grey, for molecules placed on it later.

    Raises:
        DataError: another suffix, or a file that cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise DataError(f"{path}: unknown suffix {path.suffix!r}, expected .html")
    data = json.dumps(_data(found, colours, names, structures, background), separators=(",", ":"), ensure_ascii=True)
    text = files("molvae.latent").joinpath("map.html").read_text(encoding="utf-8")
    # "<" would end the script element it stands in; as an escape it is the same letter to JSON
    parts = {"title": html.escape(title), "data": data.replace("<", "\\u003c")}
    text = re.sub(r"\{\{(title|data)\}\}", lambda found: parts[found[1]], text)
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def _data(found: LatentMap, colours: Colours | None, names: Sequence[str] | None, structures: int, background: bool) -> dict[str, Any]:
    """All that the page shows."""
    frame = found.frame
    rows = np.flatnonzero(frame["x"].notna())
    placed = frame[["x", "y"]].to_numpy()[rows]
    behind = found.projection.places if background else np.zeros((0, 2), np.float32)
    low, width = _frame_of(np.concatenate([placed, behind]))
    drawn = _drawn(frame, rows, structures)
    texts = frame["smiles"].tolist()
    share = found.projection.share
    return {
        "places": _steps(placed, low, width),
        "behind": _steps(behind, low, width),
        "smiles": [texts[row] for row in rows.tolist()],
        "names": None if names is None else [str(names[row]) for row in rows.tolist()],
        "colour": _colour(colours, rows),
        "palette": {"groups": GROUPS, "scale": SCALE, "none": NONE},
        "structures": {int(np.searchsorted(rows, row)): shape for row, shape in zip(drawn, _shapes(frame, drawn), strict=True)},
        "clusters": _clusters(frame, rows),
        "method": found.projection.method.upper(),
        "share": None if np.isnan(share) else share,
    }


def _frame_of(places: NDArray[np.floating]) -> tuple[NDArray[np.floating], float]:
    """Lower left corner and side of the square that holds all places."""
    low = places.min(axis=0)
    return low, float(max((places.max(axis=0) - low).max(), 1e-9))


def _steps(places: NDArray[np.floating], low: NDArray[np.floating], width: float) -> list[int]:
    """x, y, x, y, ... in steps of the side."""
    return [int(value) for value in np.rint((places - low) / width * _STEPS).ravel()]


def _colour(colours: Colours | None, rows: NDArray[np.intp]) -> dict[str, Any] | None:
    if colours is None:
        return None
    values = [None if np.isnan(value) else float(f"{value:.4g}") for value in colours.numbers[rows]]
    return {"title": colours.title, "values": values, "groups": colours.groups, "limits": colours.limits}


def _clusters(frame: pd.DataFrame, rows: NDArray[np.intp]) -> list[list[int]]:
    """Number, molecules and point of the representative of each cluster."""
    counts = frame["cluster"].value_counts()
    numbers = frame["cluster"].to_numpy()
    chosen = sorted(np.flatnonzero(frame["representative"]), key=lambda row: numbers[row])
    return [[int(numbers[row]), int(counts[numbers[row]]), int(np.searchsorted(rows, row))] for row in chosen]


def _drawn(frame: pd.DataFrame, rows: NDArray[np.intp], structures: int) -> list[int]:
    """Rows that get a structure."""
    first = np.flatnonzero(frame["representative"])
    others = np.random.default_rng(0).permutation(np.setdiff1d(rows, first))
    return sorted(int(row) for row in np.concatenate([first, others])[:structures])


def _shapes(frame: pd.DataFrame, rows: Sequence[int]) -> list[list[Any]]:
    texts = frame["smiles"].tolist()
    return in_parts(_shapes_of, [texts[row] for row in rows])


def _shapes_of(smiles: Sequence[str]) -> list[list[Any]]:
    return [_shape(text) for text in smiles]


def _shape(smiles: str) -> list[Any]:
    """Places of the atoms [x, y, ...], bonds [from, to, order, ...] and labels {atom: text} of a flat drawing, without stereo marks."""
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(smiles)
        Chem.Kekulize(mol, clearAromaticFlags=True)
    rdDepictor.Compute2DCoords(mol)
    places = np.rint(mol.GetConformer().GetPositions()[:, :2] / 1.5 * _PIXELS * [1, -1]).astype(int)
    bonds = [int(value) for bond in mol.GetBonds() for value in (bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(), bond.GetBondTypeAsDouble())]
    labels = {atom.GetIdx(): _label(atom) for atom in mol.GetAtoms() if _label(atom)}
    return [places.ravel().tolist(), bonds, labels]


def _label(atom: Chem.Atom) -> str:
    """Element, hydrogen atoms and charge; empty for a carbon of a chain or ring."""
    charge = atom.GetFormalCharge()
    if atom.GetSymbol() == "C" and not charge and not atom.GetIsotope() and atom.GetDegree():
        return ""
    hydrogens = atom.GetTotalNumHs()
    isotope = str(atom.GetIsotope() or "")
    amount = "H" * bool(hydrogens) + (str(hydrogens) if hydrogens > 1 else "")
    return isotope + atom.GetSymbol() + amount + (str(abs(charge)) if abs(charge) > 1 else "") + ("+" if charge > 0 else "-" * bool(charge))
