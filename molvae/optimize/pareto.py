"""Several scores kept apart: which molecules no other one beats, and how much of the space they cover. Higher is better throughout."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from molvae.errors import DataError


def ranks(points: ArrayLike) -> NDArray[np.int64]:
    """Front of each point: 0 for those no other dominates, 1 for those only the first front dominates, and so on.

    A point dominates another when it is nowhere lower and somewhere higher; equal points share a front. By efficient non-dominated
    sorting with binary search (Zhang et al. 2015, doi:10.1109/TEVC.2014.2308305).

    Args:
        points: (n, m) finite numbers.

    Returns:
        (n,).

    Raises:
        DataError: another shape, or something that is no finite number.

    >>> ranks([[1, 0], [0, 1], [0, 0], [0.5, 0.5], [0.4, 0.5]]).tolist()
    [0, 0, 2, 0, 1]
    """
    array = _points(points)
    found = np.zeros(len(array), dtype=np.int64)
    fronts: list[list[int]] = []
    for row in np.lexsort(-array.T[::-1]).tolist():  # by falling coordinates, the first before the second: none is dominated by a later one
        low, high = 0, len(fronts)
        while low < high:
            middle = (low + high) // 2
            if _dominated(array[row], array[fronts[middle]]):
                low = middle + 1
            else:
                high = middle
        if low == len(fronts):
            fronts.append([])
        fronts[low].append(row)
        found[row] = low
    return found


def front(points: ArrayLike) -> list[int]:
    """Rows of the points (n, m) that no other dominates, in their order.

    >>> front([[1, 0], [0, 1], [0, 0]])
    [0, 1]
    """
    return np.flatnonzero(ranks(points) == 0).tolist()


def hypervolume(points: ArrayLike, reference: Sequence[float] | None = None) -> float:
    """Volume of what the points dominate above a reference point, exactly, for any number of scores.

    The space is cut into slabs along the last score (Knowles 2002, hypervolume by slicing objectives); two scores are a staircase. n points
    cost n log n for two scores and n times as much for each further one.

    Args:
        points: (n, m) finite numbers; those not above the reference add nothing.
        reference: m numbers; zeros when None, as fits desirabilities.

    Raises:
        DataError: another shape, or something that is no finite number.

    >>> hypervolume([[1, 3], [2, 2], [3, 1]]), hypervolume([[1, 1, 1], [2, 1, 1]], [0, 0, 0])
    (6.0, 2.0)
    """
    array = _points(points)
    base = np.zeros(array.shape[1]) if reference is None else np.asarray(reference, dtype=np.float64)
    if base.shape != array.shape[1:] or not np.isfinite(base).all():
        raise DataError(f"the reference point is {reference}, expected {array.shape[1]} finite numbers")
    above = array - base
    return _volume(above[(above > 0).all(axis=1)])


def _points(points: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(points, dtype=np.float64)
    if array.ndim != 2 or not array.shape[1]:
        raise DataError(f"points have shape {array.shape}, expected (n, m) with at least one score")
    if not np.isfinite(array).all():
        bad = int(np.flatnonzero(~np.isfinite(array).all(axis=1))[0])
        raise DataError(f"row {bad + 1} of the points is {array[bad].tolist()}, expected finite numbers; leave out what has no score")
    return array


def _dominated(point: NDArray[np.float64], others: NDArray[np.float64]) -> bool:
    return bool(((others >= point).all(axis=1) & (others > point).any(axis=1)).any())


def _volume(points: NDArray[np.float64]) -> float:
    """Hypervolume above 0 of positive points (n, m)."""
    if not len(points):
        return 0.0
    if points.shape[1] == 1:
        return float(points.max())
    ordered = points[np.argsort(-points[:, -1], kind="stable")]
    heights = -np.diff(ordered[:, -1], append=0.0)  # of each slab, down to the next point
    if points.shape[1] == 2:
        return float(np.maximum.accumulate(ordered[:, 0]) @ heights)
    kept = np.flatnonzero(heights)
    return float(sum(heights[last] * _volume(ordered[: last + 1, :-1]) for last in kept))
