"""The Pareto front of a campaign as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from molvae.files import replacing
from molvae.optimize.picture import check_picture

_OURS, _SOFT = "#0072b2", "#bbbbb5"


def front_picture(
    points: NDArray[np.float64], front: Sequence[int], names: Sequence[str], calls: NDArray[np.int64], volumes: Sequence[float], path: Path
) -> None:
    """Draw the hypervolume against calls, and the molecules with the front for each pair of wishes; whole or not at all.

    Args:
        points: desirabilities of the molecules asked, (n, m); NaN for those without.
        front: rows that no other dominates.
        names: of the m wishes.
        calls: at which the hypervolume was taken, (k,).
        volumes: hypervolumes there, 0 to 1.
        path: a .png or .svg file.

    Raises:
        DataError: unknown suffix, or a file that cannot be written.
        MissingExtraError: matplotlib is needed.
    """
    check_picture(path)
    from matplotlib.figure import Figure

    pairs = list(combinations(range(len(names)), 2))
    figure = Figure(figsize=(4.2 * (1 + len(pairs)), 3.8), layout="constrained", facecolor="white")
    first, *others = np.atleast_1d(np.array(figure.subplots(1, 1 + len(pairs)), dtype=object)).tolist()
    first.plot(calls, volumes, color=_OURS, linewidth=1.8)
    first.set(xlabel="oracle calls", ylabel="hypervolume", ylim=(0, None), xlim=(0, max(len(points), 1)))
    for axes, (x, y) in zip(others, pairs, strict=True):
        axes.scatter(points[:, x], points[:, y], s=8, color=_SOFT, linewidths=0, rasterized=True, label="each molecule")
        order = sorted(front, key=lambda row: float(points[row, x]))
        axes.plot(points[order, x], points[order, y], "o-" if len(names) == 2 else "o", color=_OURS, markersize=4, label="front")
        axes.set(xlabel=_plain(names[x]), ylabel=_plain(names[y]), xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
        axes.legend(frameon=False, fontsize=9, loc="lower left")
    for axes in (first, *others):
        axes.spines[["top", "right"]].set_visible(False)
    with replacing(path) as partial:
        figure.savefig(partial, format=path.suffix[1:].lower(), dpi=140)


def _plain(name: str) -> str:
    """A name that matplotlib does not take for a formula."""
    return name.replace("$", r"\$")
