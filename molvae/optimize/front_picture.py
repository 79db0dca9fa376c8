"""The Pareto front of a campaign as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from molvae.files import replacing
from molvae.optimize.pareto import front, hypervolume
from molvae.optimize.picture import check_picture, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_Points = NDArray[np.float64]

_PLACES = 100  # of the curve
_COLUMNS = 3
_MOST = 8  # pairs of wishes that are drawn
_FRONT, _OTHERS, _LINE = "#d55e00", "#bbbbb5", "#0072b2"


def hypervolumes(points: _Points, calls: Sequence[int]) -> _Points:
    """Hypervolume of the first so many points, from 0 on each axis.

    Args:
        points: (n, m); NaN where there is no score.
        calls: ascending, (k,).

    Returns:
        (k,).

    >>> hypervolumes(np.array([[1.0, 0.5], [np.nan, np.nan], [0.5, 1.0]]), [1, 2, 3]).tolist()
    [0.5, 0.5, 0.75]
    """
    held = np.zeros((0, points.shape[1]))
    found, before = [], 0
    for place in calls:
        new = points[before:place]
        held = np.concatenate([held, new[np.isfinite(new).all(axis=1)]])
        held = held[front(held)]
        found.append(hypervolume(held))
        before = place
    return np.array(found)


def front_picture(points: _Points, names: Sequence[str], path: str | Path) -> None:
    """Draw the hypervolume against calls, and all molecules with the front among them for each pair of wishes; whole or not at all.

    Args:
        points: what each wish makes of each molecule, in the order of the calls, (n, m); NaN where there is no score.
        names: of the wishes, m of them.
        path: a .png or .svg file.

    Raises:
        DataError: unknown suffix, or a file that cannot be written.
        MissingExtraError: matplotlib is needed.
    """
    check_picture(path)
    from matplotlib.figure import Figure

    pairs = list(combinations(range(len(names)), 2))[:_MOST]
    columns = min(_COLUMNS, len(pairs) + 1)
    rows = ceil((len(pairs) + 1) / columns)
    figure = Figure(figsize=(4.2 * columns, 3.8 * rows), layout="constrained", facecolor="white")
    axes = [figure.add_subplot(rows, columns, place + 1) for place in range(len(pairs) + 1)]
    _curve(axes[0], points)
    best = points[np.isfinite(points).all(axis=1)]
    rows_of_front = front(best)
    for one, (x, y) in zip(axes[1:], pairs, strict=True):
        _pair(one, best[:, [x, y]], rows_of_front, len(names) == 2)
        one.set(xlabel=_plain(names[x]), ylabel=_plain(names[y]))
    with replacing(path) as partial:
        save(figure, partial, Path(path).suffix)


def _curve(axes: Axes, points: _Points) -> None:
    calls = sorted({max(1, round(len(points) * share / _PLACES)) for share in range(1, _PLACES + 1)}) if len(points) else []
    volumes = hypervolumes(points, calls)
    axes.plot([0, *calls], [0.0, *volumes.tolist()], color=_LINE, linewidth=1.8, drawstyle="steps-post")
    axes.set(xlabel="oracle calls", ylabel="hypervolume", xlim=(0, max(len(points), 1)), ylim=(0, None))
    axes.spines[["top", "right"]].set_visible(False)


def _pair(axes: Axes, points: _Points, rows: list[int], joined: bool) -> None:
    """Two wishes against each other; with only two the front is a staircase."""
    best = points[rows][np.argsort(points[rows][:, 0])]
    axes.scatter(points[:, 0], points[:, 1], s=8, color=_OTHERS, linewidths=0, rasterized=True, label="each molecule")
    if joined:
        axes.step(best[:, 0], best[:, 1], where="pre", color=_FRONT, linewidth=1.2)
    axes.scatter(best[:, 0], best[:, 1], s=18, color=_FRONT, linewidths=0, label="front", clip_on=False, zorder=3)
    right, top = 1.05 * points.max(axis=0, initial=0.01)
    axes.set(xlim=(0, right), ylim=(0, top))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="best", fontsize=8, frameon=True, framealpha=0.8, edgecolor="none")


def _plain(name: str) -> str:
    """A name as a label; no sign in it is mathematics, and a long one is cut."""
    return (name if len(name) <= 40 else f"{name[:37]}...").replace("$", r"\$")
