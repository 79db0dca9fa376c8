"""PMO's area under the curve on cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from molvae.errors import DataError
from molvae.optimize.curves import Curves, auc_top, top_means


def test_a_full_budget_is_the_trapezoid_rule() -> None:
    # after 100 calls the ten best are 0.2, after 200 they are 0.4: (0 + .2)/2 * 100 + (.2 + .4)/2 * 100 over 200
    assert auc_top([0.2] * 100 + [0.4] * 100, 200) == pytest.approx((10 + 30) / 200)


def test_an_early_end_is_filled_with_the_last_value() -> None:
    # 150 calls of 400: 100 * .1, then 50 * .2 between the points, then 250 * .2
    assert auc_top([0.2] * 150, 400) == pytest.approx((10 + 10 + 50) / 400)
    assert auc_top([0.2], 10_000) == pytest.approx((0.1 + 9_999 * 0.2) / 10_000)


def test_only_the_best_k_count_and_fewer_where_there_are_fewer() -> None:
    scores = [0.0] * 95 + [1.0] * 5
    assert auc_top(scores, 100, k=10) == pytest.approx(0.5 / 2)
    assert auc_top(scores, 100, k=1) == pytest.approx(1 / 2)
    assert auc_top([0.3, 0.5], 2, k=10) == pytest.approx(0.4 / 2)


def test_what_lies_between_two_points_of_the_curve_does_not_count() -> None:
    early, late = [1.0] * 10 + [0.0] * 190, [0.0] * 90 + [1.0] * 10 + [0.0] * 100
    assert auc_top(early, 200) == auc_top(late, 200) == pytest.approx((50 + 100) / 200)


def test_a_failure_costs_a_call_and_is_no_zero() -> None:
    assert auc_top([None, 0.6] * 50, 100) == pytest.approx(0.6 / 2)
    assert auc_top([None] * 100, 100) == 0
    assert auc_top([], 100) == 0
    assert top_means([None, -1.0, None], 10).tolist() == [0, -1, -1]


def test_more_scores_than_the_budget_are_refused() -> None:
    with pytest.raises(DataError, match="11 scores, budget 10"):
        auc_top([0.5] * 11, 10)
    with pytest.raises(DataError, match="k 0"):
        auc_top([0.5], 10, k=0)


def test_curves_end_at_the_figures() -> None:
    scores = np.random.default_rng(1).random(230).tolist()
    curves = Curves.of(scores)
    assert [len(line) for line in (curves.best, curves.top, curves.auc)] == [230] * 3
    assert curves.best[-1] == max(scores)
    assert curves.auc[-1] == pytest.approx(auc_top(scores, 230, every=2))
    assert (np.diff(curves.best) >= 0).all()
