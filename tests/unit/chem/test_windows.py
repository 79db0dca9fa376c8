"""Windows: every way of writing them, what lies in them, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from molvae.chem.properties import PROPERTIES
from molvae.chem.windows import BOUNDS, COUNTS, Window, values_of, windows
from molvae.errors import DataError

FORMS = {
    "logP=2..3": Window("logP", 2, 3),
    "logP=-2.5..-2": Window("logP", -2.5, -2),
    "logP = -2.5 .. +2": Window("logP", -2.5, 2),
    "MW=..500": Window("MW", high=500),
    "MW=150..": Window("MW", low=150),
    "MW=1.5e2...7e3": Window("MW", 150, 700),
    "QED>0.8": Window("QED", low=0.8, above=True),
    "QED>=.8": Window("QED", low=0.8),
    "logP<-1": Window("logP", high=-1, below=True),
    "logP<= -1": Window("logP", high=-1),
    "rings=2": Window("rings", 2, 2),
    "HBD=0..2": Window("HBD", 0, 2),
    "penalized_logP>3": Window("penalized_logP", low=3, above=True),
}


@pytest.mark.parametrize("text", FORMS)
def test_every_form_is_understood(text: str) -> None:
    assert windows(text) == [FORMS[text]]


def test_many_windows_keep_their_order_and_the_same_name_twice_means_both() -> None:
    assert windows("QED>0.8, logP=2..3 ,rings=1..2") == [Window("QED", 0.8, above=True), Window("logP", 2, 3), Window("rings", 1, 2)]
    assert windows("logP=1..3,logP>2,logP<=2.5") == [Window("logP", 2, 2.5, above=True)]
    assert windows("logP>2,logP>=2,logP<4,logP<=4") == [Window("logP", 2, 4, above=True, below=True)]


def test_a_mapping_says_the_same() -> None:
    asked = {"logP": (-2.5, -2), "MW": (None, 500), "rings": 2, "QED": (0.8, None)}
    assert windows(asked) == windows("logP=-2.5..-2,MW=..500,rings=2,QED>=0.8")


numbers = st.floats(-50, 50, allow_nan=False).map(lambda x: round(x, 3))


@settings(max_examples=50, deadline=None)
@given(
    low=numbers, width=st.floats(0.01, 20).map(lambda x: round(x, 2)), above=st.booleans(), below=st.booleans(), values=st.lists(numbers)
)
def test_the_text_of_a_window_is_the_window(low: float, width: float, above: bool, below: bool, values: list[float]) -> None:
    window = Window("logP", low, round(low + width, 3), above, below)
    assert windows(str(window)) == [window]
    inside = window.contains(np.array(values, dtype=float))
    assert inside.tolist() == [
        (x > window.low if above else x >= window.low) and (x < window.high if below else x <= window.high) for x in values
    ]


@pytest.mark.parametrize(
    ("text", "edges"),
    [("rings=2", (1.5, 2.5)), ("rings>2", (2.5, math.inf)), ("rings>=2", (1.5, math.inf)), ("rings<2.5", (-math.inf, 2.5)),
     ("rings<2", (-math.inf, 1.5)), ("rings=0.5..3.5", (0.5, 3.5)), ("logP=2..3", (2, 3))],
)  # fmt: skip
def test_the_edges_of_a_count_lie_between_whole_numbers(text: str, edges: tuple[float, float]) -> None:
    assert windows(text)[0].edges == edges


def test_values_are_those_asked_for_in_their_order() -> None:
    values = values_of(["CCO", "c1ccccc1"], windows("rings<3,heavy_atoms>1"))
    assert values.tolist() == [[0, 3], [1, 6]]
    assert values_of([], windows("rings<3")).shape == (0, 1)


def test_bounds_are_those_of_known_properties() -> None:
    assert set(PROPERTIES) >= {*BOUNDS} >= {*COUNTS}


BAD = {
    "": "'' in '' cannot be understood; expected name=a..b",
    "logP=2..3,": "'' in 'logP=2..3,' cannot be understood",
    "logP": "'logP' in 'logP' cannot be understood",
    "logP=": "cannot be understood",
    "logP=2,5..3": "'5..3' in 'logP=2,5..3' cannot be understood",
    "2<logP<3": "cannot be understood",
    "logP==2": "cannot be understood",
    "logP!=2": "cannot be understood",
    "logP=2-3": "cannot be understood",
    "logP>two": "cannot be understood",
    "logP>nan": "cannot be understood",
    "logP>inf": "cannot be understood",
    "logP=..": "'logP=..' in 'logP=..' has no bound at all",
    "logp=2..3": "unknown property 'logp'.*nearest: logP",
    "zzz>1": "unknown property 'zzz', expected one of logP",
    "logP=3..2": "logP>=3 and logP<=2: no number is both",
    "logP>2,logP<1": "logP>2 and logP<1: no number is both",
    "logP>2,logP<=2": "logP>2 and logP<=2: no number is both",
    "QED>1.2": "QED>1.2: no molecule can have this, QED lies between 0 and 1",
    "QED>1": "no molecule can have this",
    "SA<1": "SA lies between 1 and 10",
    "MW=-20..-10": "MW lies between 0 and inf",
    "rings<0": "rings lies between 0",
    "rings=1.2..1.8": "there is no whole number in it",
    "HBD>1,HBD<2": "there is no whole number in it",
    "rings=2.5": "there is no whole number in it",
    "logP=2": "hardly a molecule has exactly this; give a range such as logP=1..2",
    "QED=0.8..0.8": "hardly a molecule has exactly this",
}


@pytest.mark.parametrize("text", BAD)
def test_what_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(DataError, match=BAD[text]):
        windows(text)


@pytest.mark.parametrize("bounds", [(None, None), (1, 2, 3), "2..3", (math.nan, 2), None, ("a", 2), (-math.inf, math.inf)])
def test_bounds_that_are_none_are_refused(bounds: object) -> None:
    with pytest.raises(DataError, match="the window of logP is"):
        windows({"logP": bounds})  # type: ignore[dict-item]


def test_an_empty_mapping_is_refused() -> None:
    with pytest.raises(DataError, match="no property was given a window"):
        windows({})
