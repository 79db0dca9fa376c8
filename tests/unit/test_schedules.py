"""Schedules: the learning rate ends where it should and the rate comes to its target."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molvae.training.recipe import RatePart, TrainPart
from molvae.training.schedules import RateControl, learning_rate

SHARES = st.floats(0, 1)


@given(peak=st.floats(1e-5, 1), warmup=SHARES, final=SHARES, progress=SHARES)
def test_the_learning_rate_stays_between_nought_and_its_peak(peak: float, warmup: float, final: float, progress: float) -> None:
    part = TrainPart(learning_rate=peak, warmup=warmup, final_learning_rate=final)
    assert 0 <= learning_rate(progress, part) <= peak * (1 + 1e-9)


@given(peak=st.floats(1e-5, 1), warmup=st.floats(0, 0.9), final=SHARES)
def test_it_starts_peaks_and_ends_where_it_should(peak: float, warmup: float, final: float) -> None:
    part = TrainPart(learning_rate=peak, warmup=warmup, final_learning_rate=final)
    assert learning_rate(warmup, part) == pytest.approx(peak)
    assert learning_rate(1.0, part) == pytest.approx(final * peak)
    assert learning_rate((1 + warmup) / 2, part) == pytest.approx(peak * (1 + final) / 2), "half-way down the cosine"
    if warmup > 1e-6:
        assert learning_rate(0.0, part) == 0
        assert learning_rate(warmup / 2, part) == pytest.approx(peak / 2)


def test_it_falls_all_the_way_after_the_warm_up() -> None:
    part = TrainPart(warmup=0.1)
    course = [learning_rate(0.1 + 0.9 * i / 99, part) for i in range(100)]
    assert course == sorted(course, reverse=True)


PLANTS: dict[str, Callable[[float], float]] = {
    "inverse": lambda beta: 4 / beta,
    "logarithm": lambda beta: max(20 - 10 * math.log(beta), 0.0),
    "root": lambda beta: 15 / math.sqrt(beta),
}


@pytest.mark.parametrize("plant", PLANTS)
@pytest.mark.parametrize("start", [0.02, 2.0])
def test_rate_control_brings_a_plant_to_its_target(plant: str, start: float) -> None:
    control = RateControl(RatePart(target=((0.0, 20.0),), beta_start=start))
    for _ in range(2_000):
        control.update(PLANTS[plant](control.beta), 0.5)
    assert PLANTS[plant](control.beta) == pytest.approx(20, rel=0.01)


def test_rate_control_follows_a_target_that_moves() -> None:
    control = RateControl(RatePart(target=((0.0, 10.0), (1.0, 30.0))))
    for step in range(5_000):
        control.update(4 / control.beta, step / 5_000)
    assert 4 / control.beta == pytest.approx(30, rel=0.02)


@given(rates=st.lists(st.floats(0, 1e6), max_size=50), weight=SHARES)
def test_beta_moves_by_no_more_than_the_gain_and_stays_in_bounds(rates: list[float], weight: float) -> None:
    part = RatePart(gain=0.1, beta_min=0.05, beta_max=1.0)
    control = RateControl(part)
    for rate in rates:
        before = control.log_beta
        control.update(rate, 0.0, weight)
        assert abs(control.log_beta - before) <= 0.1 * weight + 1e-12
        assert 0.05 * (1 - 1e-9) <= control.beta <= 1 + 1e-9
        assert (control.log_beta - before) * (rate - 20) >= 0, "too high a rate never lowers beta"


@given(progress=SHARES)
def test_the_target_joins_its_points_by_lines_in_any_order(progress: float) -> None:
    control = RateControl(RatePart(target=((1.0, 30.0), (0.0, 10.0))))
    assert control.target(progress) == pytest.approx(10 + 20 * progress)


def test_rate_control_goes_on_from_where_it_was() -> None:
    whole = RateControl(RatePart())
    for rate in (5.0, 50.0, 21.0):
        whole.update(rate, 0.1)
    half = RateControl(RatePart())
    half.update(5.0, 0.1)
    rest = RateControl(RatePart(), half.log_beta)
    for rate in (50.0, 21.0):
        rest.update(rate, 0.1)
    assert rest.beta == whole.beta
