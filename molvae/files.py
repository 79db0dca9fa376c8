"""Writing files so that what was there stays whole until the new content is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from molvae.errors import DataError


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path` to write to; it takes its place when the block ends well, and is removed when it does not.

    Missing folders are created.

    Raises:
        DataError: the file system refuses (a full disk, no permission); the file that was there is untouched.
    """
    target = Path(path).resolve()  # a link stays a link
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield partial
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror or error}; what was there is untouched") from error


def check_writable(path: Path) -> None:
    """Refuse a file that could not be written, before any work is done; writes nothing.

    Raises:
        DataError: the path is a directory, or its folder cannot be created or written to.
    """
    if path.is_dir():
        raise DataError(f"{path} is a directory, expected a file to write")
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if not folder.is_dir():
        raise DataError(f"{path} cannot be written: {folder} is not a folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise DataError(f"{path} cannot be written: no permission to write in {folder}")
