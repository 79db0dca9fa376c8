"""Molecules between four: a grid with one in each corner."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from molvae.chem.molecules import parse
from molvae.chem.properties import compute, lookup
from molvae.chem.similarity import bit_matrix, tanimoto
from molvae.errors import DataError
from molvae.latent.interpolate import encoded_all
from molvae.latent.likelihood import writing_cost
from molvae.latent.neighbors import codes_around
from molvae.latent.paths import slerp, straight

if TYPE_CHECKING:
    from molvae.model import Encoded, MolVAE

_DRAWS = 96  # codes a cell
_RADII = (0.0, 0.5, 1.0)  # of the codes around that of a cell, see `codes_around`
_POWER = 4  # of a distance between neighbouring cells in their cost
_NAT = 1e-3  # cost of a nat of -log p(x|z), in distances to that power
_ROUNDS = 10  # times every cell is chosen anew, at most

_Floats = NDArray[np.float32]


def interpolate_grid(
    model: MolVAE, corners: Sequence[str], rows: int = 5, columns: int = 5, *, properties: Sequence[str] | None = None, seed: int = 0
) -> pd.DataFrame:
    """Molecules between four, as a grid that has these in its corners.

    Each cell has a code on the arcs between those of the corners. Several codes around it are written, and of the molecules that survive
    the round trip each cell takes the one nearest to its neighbours, likelier ones first, and none that another cell has.

    Args:
        model: the model.
        corners: four SMILES: top left, top right, bottom left, bottom right.
        rows: of the grid, from 2 on.
        columns: of the grid, from 2 on.
        properties: names of properties to add, see `molvae.chem.properties`; its usual ones when None.
        seed: the same seed gives the same molecules.

    Returns:
        DataFrame of `row`, `column` (from 0), `smiles` (canonical; empty where no molecule was found for a cell), `similarity_to_a`,
        `_b`, `_c` and `_d` (Tanimoto, Morgan fingerprints of radius 2; NaN where empty) and the properties, rows * columns rows.
        `attrs` holds `rows`, `columns`, `found` (cells with a molecule) and `seed`.

    Raises:
        DataError: not four corners, one of them cannot be encoded (with the reason), or an argument is out of its range.
    """
    if len(corners) != 4:
        raise DataError(f"{len(corners)} corners were given, expected 4: top left, top right, bottom left, bottom right")
    if min(rows, columns) < 2:
        raise DataError(f"a grid of {rows} x {columns} was asked for; the corners alone are 2 x 2")
    lookup(properties or [])
    ends = encoded_all(model, corners)
    cells = _candidates(model, ends, rows, columns, seed)
    smiles = _settled(cells, rows, columns)
    frame = _table(smiles, ends.smiles, columns, properties)
    frame.attrs = {"rows": rows, "columns": columns, "found": sum(map(bool, smiles)), "seed": seed}
    return frame


def _candidates(model: MolVAE, ends: Encoded, rows: int, columns: int, seed: int) -> list[dict[str, float]]:
    """For each cell the molecules it may have and what they cost to write, nats; a corner has one."""
    random = np.random.default_rng(seed)
    means, log_variances = (
        np.repeat(_surface(values, rows, columns, line), _DRAWS, axis=0)
        for values, line in ((ends.codes, slerp), (np.maximum(ends.log_variances, -12.0), straight))
    )
    noise = random.standard_normal(means.shape, dtype=np.float32)
    codes = codes_around(means, log_variances, random.choice(np.array(_RADII, dtype=np.float32), (len(means), 1)), noise)
    sampling = model.checkpoint.sampling
    written = model.decode(codes, temperature=sampling.temperature, top_p=sampling.top_p, seed=seed, surviving=True)
    kept = written.assign(cell=written["code"] // _DRAWS).drop_duplicates(["cell", "smiles"])
    kept["nats"] = writing_cost(model, codes[kept["code"]], kept["smiles"].tolist())
    cells: list[dict[str, float]] = [{} for _ in range(rows * columns)]
    for cell, text, nats in zip(kept["cell"], kept["smiles"], kept["nats"], strict=True):
        cells[cell][text] = float(nats)
    for cell, text in zip((0, columns - 1, (rows - 1) * columns, rows * columns - 1), ends.smiles, strict=True):
        cells[cell] = {text: 0.0}
    return cells


def _surface(values: _Floats, rows: int, columns: int, line: Callable[[_Floats, _Floats, _Floats], _Floats]) -> _Floats:
    """Four vectors (4, D) spread over a grid, by lines down the sides and then across: (rows * columns, D)."""
    down, across = (np.linspace(0, 1, n, dtype=np.float32)[:, None] for n in (rows, columns))
    a, b, c, d = (np.repeat(value[None], rows, axis=0) for value in values)
    left, right = line(a, c, down), line(b, d, down)
    each = [line(np.repeat(left[[row]], columns, axis=0), np.repeat(right[[row]], columns, axis=0), across) for row in range(rows)]
    return np.concatenate(each)


def _settled(cells: list[dict[str, float]], rows: int, columns: int) -> list[str]:
    """One molecule a cell, chosen in reading order from the corners alone, and anew until nothing changes; empty where there is none."""
    bits = {text: bit_matrix([parse(text)])[0] for cell in cells for text in cell}
    corners = {0, columns - 1, (rows - 1) * columns, rows * columns - 1}
    chosen = [next(iter(cell)) if at in corners else "" for at, cell in enumerate(cells)]
    for _ in range(_ROUNDS):
        before = list(chosen)
        for at in sorted(set(range(len(cells))) - corners):
            taken = {*chosen[:at], *chosen[at + 1 :]}
            free = {text: nats for text, nats in cells[at].items() if text not in taken}
            around = [chosen[other] for other in _neighbours(at, rows, columns) if chosen[other]]
            chosen[at] = _nearest(free, around, bits)
        if chosen == before:
            break
    return chosen


def _neighbours(at: int, rows: int, columns: int) -> list[int]:
    """Cells above, below, left and right of one.

    >>> _neighbours(0, 2, 3), _neighbours(4, 2, 3)
    ([3, 1], [1, 3, 5])
    """
    row, column = divmod(at, columns)
    places = [(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)]
    grid = set(product(range(rows), range(columns)))
    return [r * columns + c for r, c in places if (r, c) in grid]


def _nearest(cell: dict[str, float], around: list[str], bits: dict[str, NDArray[np.uint8]]) -> str:
    """Of the molecules of a cell the one nearest to those around it; an empty string where there is none."""
    if not cell:
        return ""
    cost = np.array(list(cell.values())) * _NAT
    if around:
        distances = 1 - tanimoto(np.stack([bits[text] for text in cell]), np.stack([bits[text] for text in around]))
        cost += (distances.astype(np.float64) ** _POWER).sum(axis=1)
    return list(cell)[int(cost.argmin())]


def _table(smiles: list[str], corners: list[str], columns: int, properties: Sequence[str] | None) -> pd.DataFrame:
    places = np.arange(len(smiles))
    frame = pd.DataFrame({"row": places // columns, "column": places % columns, "smiles": smiles})
    full = [row for row, text in enumerate(smiles) if text]
    similar = tanimoto(bit_matrix(parse(smiles[row]) for row in full), bit_matrix(map(parse, corners))).astype(float).round(4)
    for name, values in zip("abcd", similar.T, strict=True):
        frame.loc[full, f"similarity_to_{name}"] = values
    return pd.concat([frame, compute(smiles, properties)], axis=1)
