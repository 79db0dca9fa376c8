"""Writing files: the old content or the new, never something between."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from molvae.errors import DataError
from molvae.files import replacing


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "file.txt"
    path.write_text("old")
    return path


def test_the_new_content_takes_the_place_of_the_old(target: Path) -> None:
    with replacing(target) as partial:
        partial.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("error", [ValueError("bad"), KeyboardInterrupt()])
def test_a_failure_leaves_the_old_content_and_nothing_else(target: Path, error: BaseException) -> None:
    with pytest.raises(type(error)), replacing(target) as partial:
        partial.write_text("half")
        raise error
    assert target.read_text() == "old"
    assert list(target.parent.iterdir()) == [target]


def test_a_full_disk_is_a_data_error_that_names_file_and_cause(target: Path) -> None:
    with pytest.raises(DataError, match=r"file\.txt cannot be written: No space left on device"), replacing(target) as partial:
        partial.write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert target.read_text() == "old"
    assert list(target.parent.iterdir()) == [target]


def test_missing_folders_are_made(tmp_path: Path) -> None:
    with replacing(tmp_path / "a" / "b" / "c.txt") as partial:
        partial.write_text("new")
    assert (tmp_path / "a" / "b" / "c.txt").read_text() == "new"


def test_a_folder_that_cannot_be_made_is_a_data_error(target: Path) -> None:
    with pytest.raises(DataError, match="cannot be written"), replacing(target / "below" / "a file"):
        pytest.fail("the block must not run")


def test_a_link_stays_a_link(target: Path) -> None:
    link = target.with_name("link")
    link.symlink_to(target)
    with replacing(link) as partial:
        partial.write_text("new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_a_block_that_writes_nothing_is_an_error(target: Path) -> None:
    with pytest.raises(DataError), replacing(target):
        pass
    assert target.read_text() == "old"
