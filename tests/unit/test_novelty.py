"""The index of molecules trained on: members are always found, and it is small."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molvae.data.novelty import TrainingIndex, fingerprint64, fingerprints64
from molvae.errors import CheckpointError

TEXTS = st.lists(st.text("CNOFclnos()=#123[]@H+-", min_size=1, max_size=20), max_size=60)


@given(members=TEXTS)
def test_members_are_always_found(members: list[str]) -> None:
    index = TrainingIndex.of(fingerprints64(members))
    assert index.contains(members).all()
    assert index.contains([]).shape == (0,)
    assert len(index) <= len(set(members))


def test_strangers_are_hardly_ever_taken_for_members() -> None:
    index = TrainingIndex.of(fingerprints64([f"member {i}" for i in range(50_000)]))
    assert index.contains([f"stranger {i}" for i in range(20_000)]).sum() <= 5  # 0.23 expected
    assert not TrainingIndex.of(fingerprints64([])).contains(["CCO"]).any()


def test_a_fingerprint_is_the_same_everywhere() -> None:
    from hashlib import blake2b

    assert fingerprint64("CCO") == int(blake2b(b"CCO", digest_size=8).hexdigest(), 16)
    assert fingerprints64(["CCO"]).tolist() == [fingerprint64("CCO")]


@pytest.mark.parametrize("count", [0, 1, 1_000])
def test_save_and_load_are_inverse(count: int, tmp_path: Path) -> None:
    members = [f"member {i}" for i in range(count)]
    index = TrainingIndex.of(fingerprints64(members))
    index.save(tmp_path / "index")
    loaded = TrainingIndex.load(tmp_path / "index")
    asked = [*members, *(f"stranger {i}" for i in range(1_000))]
    assert loaded.contains(asked).tolist() == index.contains(asked).tolist()
    assert len(loaded) == len(index)


def test_it_takes_two_bytes_a_molecule_on_disk(tmp_path: Path) -> None:
    sizes = []
    for count in (100_000, 300_000):
        TrainingIndex.of(np.random.default_rng(0).integers(2**64, size=count, dtype=np.uint64)).save(tmp_path / "index")
        sizes.append((tmp_path / "index").stat().st_size)
    assert (sizes[1] - sizes[0]) / 200_000 == pytest.approx(2, rel=0.01)
    assert sizes[0] < 2 * 100_000 + 300_000, "and a quarter of a megabyte at most beside"


@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "junk", "other", "short", "wrong type"])
def test_a_damaged_index_is_a_checkpoint_error(damage: str, tmp_path: Path) -> None:
    import safetensors.numpy

    path = tmp_path / "training_index.safetensors"
    TrainingIndex.of(fingerprints64(["CCO"])).save(path)
    whole = path.read_bytes()
    counts, low = np.zeros(2**16, dtype=np.int32), np.zeros(3, dtype=np.uint16)
    content = {
        "empty": b"",
        "cut": whole[:-9],
        "junk": b"junk" * 99,
        "other": safetensors.numpy.save({"x": low}),
        "short": safetensors.numpy.save({"counts": counts + 1, "low": low}),
        "wrong type": safetensors.numpy.save({"counts": counts.astype(np.float32), "low": low}),
    }
    path.write_bytes(content.get(damage, b""))
    if damage == "missing":
        path.unlink()
    with pytest.raises(CheckpointError, match=r"training_index\.safetensors"):
        TrainingIndex.load(path)


def test_a_union_holds_the_molecules_of_both() -> None:
    one, two = (TrainingIndex.of(fingerprints64(members)) for members in (["CCO", "CCN"], ["CCN", "CCC"]))
    assert (one | two).contains(["CCO", "CCN", "CCC", "CCS"]).tolist() == [True, True, True, False]
    assert len(one | two) == 3
    assert one.holds(fingerprints64(["CCN", "CCC"])).tolist() == [True, False]
