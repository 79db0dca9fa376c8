"""Correction by the noisy channel: languages are distributions, slips are mended, and the costs are what they are said to be."""

from __future__ import annotations

import math

import pytest

from molvae.chem.brackets import Brackets
from molvae.data.spelling import Channel, Corrector, Language

WORDS = ["CC(C)C", "C1CCCCC1", "CCO", "CC(=O)O", "C1CCNCC1", "CC(C)O", "OC1CCCCC1", "CC(=O)N"] * 5


@pytest.fixture(scope="module")
def language() -> Language:
    return Language(WORDS, order=4)


@pytest.mark.parametrize("before", [(), ("C",), ("C", "("), ("O", "O", "O", "O")])
def test_a_language_is_a_distribution(language: Language, before: tuple[str, ...]) -> None:
    assert sum(math.exp(-language.cost(before, unit)) for unit in language.units) == pytest.approx(1)


def test_what_was_never_seen_cannot_be_meant(language: Language) -> None:
    assert language.cost(("C",), "Z") == math.inf


def test_the_likeliest_come_first_and_the_end_is_none_of_them(language: Language) -> None:
    costs = [cost for _, cost in language.likeliest(("C",))]
    assert costs == sorted(costs)
    assert {unit for unit, _ in language.likeliest(("C",))} == set(language.units) - {"\n"}


@pytest.mark.parametrize(
    ("read", "meant"),
    [("C1CCCCC", "C1CCCCC1"), ("CC(CC", "CC(C)C"), ("CC(=OO", "CC(=O)O"), ("CC=(O)N", "CC(=O)N"), ("C1CCNCC?", "C1CCNCC1")],
)
def test_slips_are_mended(language: Language, read: str, meant: str) -> None:
    found = Corrector(language, syntax=Brackets()).corrections(tuple(read))
    assert meant in ["".join(each.units) for each in found[:5]]


def test_whole_texts_only_and_no_slip_is_counted_twice(language: Language) -> None:
    corrector, brackets = Corrector(language, syntax=Brackets()), Brackets()
    read = tuple("CC(=OO")
    found = corrector.corrections(read)
    assert len({each.units for each in found}) == len(found) > 5
    for each in found:
        assert brackets.debt(brackets.start(), brackets.debts(each.units)[0]) == 0
        assert corrector.channel.cost(each.units, read)[0] <= each.channel + 1e-9


@pytest.mark.parametrize(
    ("meant", "read", "slips"), [("CCO", "CCO", 0), ("CCO", "CC", 1), ("CNO", "NCO", 1), ("CCO", "CCN", 1), ("CC", "CCFF", 2), ("", "C", 1)]
)
def test_the_channel_counts_slips(meant: str, read: str, slips: int) -> None:
    cost, counted = Channel().cost(tuple(meant), tuple(read))
    assert counted == slips
    assert (cost == 0) == (slips == 0)


@pytest.mark.parametrize(("text", "debt"), [("C1CC1", 0), ("C1CC", 1), ("C1CC(C2", 3), ("[nH", 1), ("c1c[13CH]1", 0), ("CC)C", 1)])
def test_open_brackets_and_rings_are_debts(text: str, debt: int) -> None:
    brackets = Brackets()
    assert brackets.debt(brackets.start(), brackets.debts(text)[0]) == debt


def test_nothing_is_closed_that_is_not_open() -> None:
    brackets = Brackets()
    assert brackets.step(brackets.start(), ")") is None
    assert brackets.step(brackets.start(), "]") is None
