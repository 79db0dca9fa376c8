"""Batches: every molecule once an epoch, one length a batch, and any step can be found again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molvae.data.batching import EqualLengthBatches

LENGTHS = st.lists(st.integers(1, 6), min_size=1, max_size=80)
SIZES = st.integers(1, 20)


def flat(batches: list[np.ndarray]) -> list[list[int]]:
    return [batch.tolist() for batch in batches]


@given(lengths=LENGTHS, size=SIZES, seed=st.integers(0, 9), epoch=st.integers(0, 9))
def test_an_epoch_holds_each_molecule_just_once_in_batches_of_one_length(lengths: list[int], size: int, seed: int, epoch: int) -> None:
    batches = EqualLengthBatches(np.array(lengths), size, seed)
    found = flat(batches.epoch(epoch))
    assert sorted(molecule for batch in found for molecule in batch) == list(range(len(lengths)))
    assert all(1 <= len(batch) <= size for batch in found)
    assert all(len({lengths[molecule] for molecule in batch}) == 1 for batch in found)
    assert len(batches) == len(found) == sum(-(-lengths.count(length) // size) for length in set(lengths)), "no more batches than needed"


@given(lengths=LENGTHS, size=SIZES, steps=st.lists(st.integers(0, 200), min_size=1, max_size=8))
def test_any_step_is_found_again_in_any_order(lengths: list[int], size: int, steps: list[int]) -> None:
    batches = EqualLengthBatches(np.array(lengths), size, seed=3)
    wanted = {
        step: flat(EqualLengthBatches(np.array(lengths), size, seed=3).epoch(step // len(batches)))[step % len(batches)] for step in steps
    }
    assert {step: batches.at(step).tolist() for step in steps} == wanted


def test_the_order_changes_with_epoch_and_seed() -> None:
    lengths = np.repeat([4, 7, 9], 100)
    orders = [flat(EqualLengthBatches(lengths, 16, seed).epoch(epoch)) for seed, epoch in ((0, 0), (0, 1), (1, 0))]
    assert all(a != b for i, a in enumerate(orders) for b in orders[:i])
    mixed = [sorted(batch) for batch in orders[0]]
    assert all(sorted(batch) not in mixed for batch in orders[1] if len(batch) == 16), "the company of a molecule changes too"


def test_lengths_are_not_met_in_order() -> None:
    lengths = np.repeat(np.arange(1, 21), 10)
    met = [int(lengths[batch[0]]) for batch in EqualLengthBatches(lengths, 5).epoch(0)]
    assert met != sorted(met)


@pytest.mark.parametrize("lengths", [np.zeros(0, dtype=np.int64), []])
def test_no_molecules_no_batches(lengths: object) -> None:
    batches = EqualLengthBatches(np.asarray(lengths, dtype=np.int64), 4)
    assert len(batches) == 0
