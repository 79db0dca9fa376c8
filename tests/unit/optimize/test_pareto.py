"""Fronts and hypervolumes against brute force and values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molvae.errors import DataError
from molvae.optimize.pareto import front, hypervolume, ranks

POINTS = st.integers(2, 4).flatmap(lambda m: st.lists(st.lists(st.integers(0, 4), min_size=m, max_size=m), min_size=1, max_size=12))


def brute_ranks(points: np.ndarray) -> list[int]:
    found, left, number = [-1] * len(points), set(range(len(points))), 0
    while left:
        best = {i for i in left if not any((points[j] >= points[i]).all() and (points[j] > points[i]).any() for j in left)}
        for row in best:
            found[row] = number
        left, number = left - best, number + 1
    return found


@given(POINTS)
def test_ranks_agree_with_peeling_off_fronts(points: list[list[int]]) -> None:
    assert ranks(points).tolist() == brute_ranks(np.array(points))
    assert front(points) == [row for row, rank in enumerate(brute_ranks(np.array(points))) if rank == 0]


@given(POINTS)
def test_the_hypervolume_is_the_number_of_unit_cubes(points: list[list[int]]) -> None:
    array = np.array(points)
    cells = np.stack(np.meshgrid(*[np.arange(4)] * array.shape[1]), axis=-1).reshape(-1, array.shape[1])
    covered = (array[None, :, :] > cells[:, None, :]).all(axis=2).any(axis=1).sum()
    assert hypervolume(points) == pytest.approx(covered)


@pytest.mark.parametrize(
    ("points", "reference", "volume"),
    [
        ([[1, 3], [2, 2], [3, 1]], [0, 0], 6),
        ([[1, 3], [2, 2], [3, 1], [1, 1]], [0, 0], 6),
        ([[0.5, 0.5]], [0.25, 0.0], 0.125),
        ([[1, 1, 1]], [0, 0, 0], 1),
        ([[3, 1, 1], [1, 3, 1], [1, 1, 3]], [0, 0, 0], 7),  # three bars of 3 that share one unit cube
        ([[2, 2, 1], [2, 1, 2], [1, 2, 2]], [0, 0, 0], 7),  # the cube of 8 without one corner
        ([[0, 5], [5, 0]], [0, 0], 0),
        ([[-1, -1]], [0, 0], 0),
    ],
)
def test_known_hypervolumes(points: list[list[float]], reference: list[float], volume: float) -> None:
    assert hypervolume(points, reference) == pytest.approx(volume, abs=1e-12)


def test_a_quarter_circle_of_points_covers_nearly_its_area() -> None:
    angle = np.linspace(0, np.pi / 2, 4001)
    assert hypervolume(np.stack([np.cos(angle), np.sin(angle)], axis=1)) == pytest.approx(np.pi / 4, abs=1e-3)


def test_nothing_covers_nothing() -> None:
    assert hypervolume(np.zeros((0, 2))) == 0
    assert front(np.zeros((0, 3))) == []


@pytest.mark.parametrize("bad", [[[1, np.nan]], [[np.inf, 0]], [1, 2], [[]]])
def test_what_is_no_points_is_refused(bad: list[object]) -> None:
    for function in (ranks, hypervolume):
        with pytest.raises(DataError, match=r"points"):
            function(bad)


def test_a_reference_of_another_size_is_refused() -> None:
    with pytest.raises(DataError, match=r"reference point is \[0\], expected 2 finite numbers"):
        hypervolume([[1, 1]], [0])
