"""Fetching MOSES: what is wrong with a wheel is said, and nothing half-fetched stays."""

from __future__ import annotations

import subprocess
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

from molvae.data import moses
from molvae.data.moses import moses_file
from molvae.errors import DataError

SETS = {"train": b"one", "test": b"two", "test_scaffolds": b"three"}


def wheel(folder: Path, parts: dict[str, bytes]) -> Path:
    path = folder / "molsets.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(f"moses/dataset/data/{name}.csv.gz", data)
    return path


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moses, "_FILE_SHA256", {name: sha256(data).hexdigest() for name, data in SETS.items()})


@pytest.mark.usefixtures("known")
def test_all_sets_are_unpacked_and_a_damaged_one_is_put_right(tmp_path: Path) -> None:
    given = wheel(tmp_path, SETS)
    path = moses_file("test", tmp_path / "kept", given)
    assert path.read_bytes() == b"two"
    assert sorted(p.name for p in path.parent.iterdir()) == ["test.csv.gz", "test_scaffolds.csv.gz", "train.csv.gz"]
    path.write_bytes(b"damaged")
    assert moses_file("test", tmp_path / "kept", given).read_bytes() == b"two"


@pytest.mark.usefixtures("known")
def test_what_is_there_is_not_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moses_file("train", tmp_path / "kept", wheel(tmp_path, SETS))
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("fetched again"))
    assert moses_file("train", tmp_path / "kept").read_bytes() == b"one"


@pytest.mark.parametrize("parts", [{}, {**SETS, "test": b"another"}])
@pytest.mark.usefixtures("known")
def test_a_wheel_with_other_content_is_refused(tmp_path: Path, parts: dict[str, bytes]) -> None:
    with pytest.raises(DataError, match="molsets"):
        moses_file("test", tmp_path / "kept", wheel(tmp_path, parts))
    assert not (tmp_path / "kept" / "test.csv.gz").exists()


@pytest.mark.parametrize(("content", "said"), [(None, "no such file"), (b"not a zip", "is not the wheel")])
def test_a_file_that_is_no_wheel_is_refused(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "molsets.whl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=said):
        moses_file("train", tmp_path / "kept", path)


def test_without_a_network_the_message_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = subprocess.CompletedProcess([], 1, "", "ERROR: no matching distribution")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(DataError, match=r"no matching distribution.*--wheel FILE"):
        moses_file("train", tmp_path / "kept")
