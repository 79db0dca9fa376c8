"""Terms: what a value is worth, and that what cannot be meant is refused with the key, what came and what was expected."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molvae.errors import RecipeError
from molvae.optimize.desirability import desirability, geometric_mean
from molvae.optimize.terms import Term

CURVES = ("linear", "sigmoid", "gaussian", "step")
ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"


@pytest.mark.parametrize("curve", CURVES)
def test_every_curve_rises_from_0_to_1(curve: Any) -> None:
    values = desirability(np.linspace(-3, 4, 141), curve)
    assert (np.diff(values) >= 0).all()
    assert values.min() < 0.05
    assert values.max() == pytest.approx(1, abs=1e-5)
    assert values[0] >= 0
    assert values[-1] <= 1
    assert np.isfinite(desirability([-1e9, 1e9], curve)).all()


@pytest.mark.parametrize(
    ("keys", "value", "wanted"),
    [
        ({"goal": "maximize", "bad": 1, "good": 3}, [0, 1, 2, 3, 9], [0, 0, 0.5, 1, 1]),
        ({"goal": "minimise", "bad": 3, "good": 1}, [0, 1, 2, 3, 9], [1, 1, 0.5, 0, 0]),
        ({"goal": "maximize", "bad": 1, "good": 3, "floor": 0.2}, [0, 2, 3], [0.2, 0.5, 1]),
        ({"goal": "maximize", "bad": 1, "good": 3, "curve": "sigmoid"}, [1, 2, 3], [0.05, 0.5, 0.95]),
        ({"goal": "maximize", "bad": 1, "good": 3, "curve": "step"}, [2.99, 3], [0, 1]),
        ({"target": 2, "tolerance": 1, "curve": "linear"}, [1, 1.5, 2, 2.5, 3.5], [0, 0.5, 1, 0.5, 0]),
        ({"target": 2, "tolerance": 1}, [1, 2, 3], [0.05, 1, 0.05]),
        ({"low": 1, "high": 3, "tolerance": 1}, [0, 1, 2, 3, 4], [0.05, 1, 1, 1, 0.05]),
        ({"low": 1, "tolerance": 1, "curve": "linear"}, [0, 0.5, 1, 99], [0, 0.5, 1, 1]),
        ({"high": 1, "tolerance": 1, "curve": "linear"}, [-99, 1, 1.5, 2], [1, 1, 0.5, 0]),
    ],
)
def test_values_become_desirabilities(keys: dict[str, Any], value: list[float], wanted: list[float]) -> None:
    assert Term(property="logP", **keys).desirabilities(value).tolist() == pytest.approx(wanted)


def test_what_is_left_out_is_filled_in_from_the_span() -> None:
    up, down, near = (
        Term(property="QED", **keys).filled(0, 2) for keys in ({"goal": "maximize"}, {"goal": "minimize", "good": 0.5}, {"target": 0.7})
    )
    assert (up.bad, up.good) == (0, 2)
    assert (down.bad, down.good) == (2, 0.5)
    assert near.tolerance == pytest.approx(0.2)


def test_a_substructure_is_hard_unless_said_and_soft_ones_have_a_floor() -> None:
    hard, soft = Term(lacks="N=O"), Term(contains="c1ccncc1", hard=False)
    assert (hard.hard, hard.meets(0.0), hard.meets(1.0)) == (True, True, False)
    assert soft.desirabilities([0.0, 1.0]).tolist() == [0.1, 1.0]


@given(
    values=st.lists(st.floats(0.01, 1), min_size=1, max_size=5),
    weights=st.lists(st.floats(0.1, 10), min_size=5, max_size=5),
    scale=st.floats(0.1, 10),
)
def test_the_geometric_mean_lies_between_and_knows_no_scale_of_weights(values: list[float], weights: list[float], scale: float) -> None:
    weights = weights[: len(values)]
    mean = geometric_mean(values, weights)
    assert min(values) - 1e-9 <= mean <= max(values) + 1e-9
    assert mean == pytest.approx(geometric_mean(values, [scale * weight for weight in weights]))
    assert mean == pytest.approx(math.prod(v ** (w / sum(weights)) for v, w in zip(values, weights, strict=True)))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"property": "lopP", "goal": "maximize"}, r"unknown property 'lopP'.*nearest: logP"),
        ({"propery": "logP"}, r"unknown key propery; nearest: property"),
        ({"property": "logP", "goal": "maximal"}, r"goal is 'maximal'"),
        ({"property": "logP"}, r"property 'logP' needs a goal"),
        ({}, r"exactly one of property.*this one has none"),
        ({"property": "logP", "head": "logP", "goal": "maximize"}, r"this one has property, head"),
        ({"property": "logP", "low": 3, "high": 1}, r"upside down: low is 3, high is 1"),
        ({"property": "QED", "low": 1.2}, r"no molecule can have QED of at least 1.2: it lies between 0 and 1"),
        ({"property": "MW", "target": -5}, r"no molecule can have MW of -5"),
        ({"property": "logP", "goal": "range"}, r"needs low, high or both"),
        ({"property": "logP", "goal": "target"}, r"needs target"),
        ({"property": "logP", "target": 2, "low": 1}, r"low does not go with a soft target"),
        ({"property": "logP", "goal": "maximize", "target": 2}, r"target does not go with a soft maximize, which takes bad, curve"),
        ({"property": "logP", "goal": "maximize", "bad": 3, "good": 1}, r"bad is 3 and good is 1, expected bad below good"),
        ({"property": "logP", "goal": "minimize", "bad": 1, "good": 3}, r"expected bad above good"),
        ({"property": "logP", "goal": "maximize", "bad": 1, "good": 1}, r"expected bad below good"),
        ({"property": "logP", "target": 2, "curve": "sigmoid"}, r"no peak"),
        ({"property": "logP", "target": 2, "curve": "cubic"}, r"curve is 'cubic'"),
        ({"property": "logP", "goal": "maximize", "hard": True}, r"a hard constraint is a range"),
        ({"property": "logP", "low": 1, "hard": True, "weight": 2}, r"weight does not go with a hard range, which takes high, low"),
        ({"property": "logP", "low": 1, "weight": 0}, r"weight is 0: .*greater than 0"),
        ({"property": "logP", "low": 1, "weight": -1.0}, r"weight is -1.0"),
        ({"property": "logP", "low": 1, "weight": math.inf}, r"weight is inf"),
        ({"property": "logP", "low": math.nan}, r"low is nan"),
        ({"property": "logP", "low": 1, "tolerance": 0}, r"tolerance is 0"),
        ({"property": "logP", "low": 1, "floor": 1}, r"floor is 1"),
        ({"similar_to": ASPIRIN, "low": 1.2}, r"low is 1.2, expected 0 to 1, for it is a similarity"),
        ({"similar_to": ASPIRIN, "good": 1.5}, r"good is 1.5, expected 0 to 1"),
        ({"similar_to": "aspirin"}, r"similar_to is 'aspirin': not a SMILES"),
        ({"similar_to": "C(C)(C)(C)(C)C"}, r"impossible valence"),
        ({"contains": "c1ccc"}, r"contains is 'c1ccc': no SMARTS"),
        ({"lacks": "[N+"}, r"lacks is '\[N\+': no SMARTS"),
        ({"lacks": ""}, r"lacks is '': empty"),
        ({"lacks": "N=O", "low": 1}, r"low does not go with a hard lacks, which takes no numbers"),
        ({"lacks": "N=O", "goal": "maximize"}, r"lacks takes no goal"),
        ({"oracle": " ", "goal": "maximize"}, r"oracle is empty"),
    ],
)
def test_what_cannot_be_meant_is_refused(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        Term(**keys)
