"""Lines between codes, and the smoothest chain through molecules; numbers only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_Floats = NDArray[np.float32]
_PARALLEL = 1e-4  # radians below which the arc between two codes is their straight line


def straight(a: _Floats, b: _Floats, t: _Floats) -> _Floats:
    """Points of the straight lines from a to b.

    Args:
        a: starts, (n, D).
        b: ends, (n, D).
        t: 0 at the start, 1 at the end, (n, 1).

    Returns:
        (n, D).
    """
    return np.asarray(a + (b - a) * t, dtype=np.float32)


def slerp(a: _Floats, b: _Floats, t: _Floats) -> _Floats:
    """Points of the arcs from a to b, as `straight`: directions and norms change evenly (Shoemake 1985, doi:10.1145/325165.325242).

    A straight line between codes of N(0, I) comes nearer to the origin than codes are; an arc does not.

    >>> east, north, half = np.eye(1, 2, dtype=np.float32), np.eye(1, 2, 1, dtype=np.float32), np.full((1, 1), 0.5, dtype=np.float32)
    >>> slerp(east, 3 * north, half).round(3).tolist()
    [[1.4140000343322754, 1.4140000343322754]]
    """
    long, far = (np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12) for x in (a, b))
    angle = np.arccos(np.clip(((a / long) * (b / far)).sum(axis=1, keepdims=True), -1, 1))
    bent = (angle > _PARALLEL) & (angle < np.pi - _PARALLEL)  # there is no one arc between opposite directions
    sine = np.where(bent, np.sin(angle), 1)
    turned = (np.sin((1 - t) * angle) * a / long + np.sin(t * angle) * b / far) / sine
    return np.where(bent, turned * (long + (far - long) * t), straight(a, b, t)).astype(np.float32)


def smoothest(cost: _Floats, order: NDArray[np.floating], steps: int) -> list[int]:
    """The cheapest chain of exactly `steps` rows from row 0 to row 1, forward in `order` (shortest path over layers, Bellman 1958).

    Args:
        cost: of a step from row i to row j, (n, n). Convex in the jump, so that several small ones are cheaper than a large one.
        order: how far along each row is, (n,); row 0 counts as the first and row 1 as the last, ties stay in the order of the rows.
        steps: rows wanted, from 2 on; all n where there are fewer.

    Returns:
        Different rows, from 0 to 1.

    >>> far = np.abs(np.subtract.outer([0, 10, 1, 5, 6], [0, 10, 1, 5, 6])).astype(np.float32)
    >>> smoothest(far**2, np.array([0, 10, 1, 5, 6]), 3), smoothest(far**2, np.array([0, 10, 1, 5, 6]), 9)
    ([0, 3, 1], [0, 2, 3, 4, 1])
    """
    rows = np.concatenate([[0], 2 + np.argsort(order[2:], kind="stable"), [1]])
    n = len(rows)
    forward = np.where(np.triu(np.ones((n, n), dtype=bool), 1), cost[np.ix_(rows, rows)], np.inf)
    spent, before = forward[0], []
    for _ in range(min(steps, n) - 2):
        sums = spent[:, None] + forward
        before.append(sums.argmin(axis=0))
        spent = sums.min(axis=0)
    places = [n - 1]
    for best in reversed(before):
        places.append(int(best[places[-1]]))
    return [int(rows[place]) for place in [0, *reversed(places)]]
