"""The journal of a campaign: every oracle call is on disk before its value is used.

One line a call, only ever appended: a JSON object whose last key is the CRC-32 of the bytes before it. Line 1 holds the recipe. Each
append is flushed to the disk (fsync), so a process that is killed loses at most the answers that had not been handed over yet.
"""

from __future__ import annotations

import json
import os
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from molvae.errors import DataError
from molvae.files import replacing

_VERSION = 1
_LINE = re.compile(rb'(\{.*), "crc": "([0-9a-f]{8})"\}', re.DOTALL)
_MISSING = "nothing"


@dataclass(frozen=True)
class Entry:
    """One oracle call.

    Attributes:
        call: its number, from 1.
        round: the batch it was asked in, from 1.
        smiles: canonical SMILES.
        value: the score, None for a failure.
        problem: why there is no value, or which constraint is not met; else empty.
        parts: the parts of the score by name; None where one is missing.
    """

    call: int
    round: int
    smiles: str
    value: float | None
    problem: str = ""
    parts: dict[str, float | None] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether the oracle gave no number; a constraint that is not met is no failure, even where it leaves no value."""
        return self.value is None and (not self.parts or None in self.parts.values())

    @property
    def is_met(self) -> bool:
        """Whether there is a value and no constraint speaks against it."""
        return self.value is not None and not self.problem


class Journal:
    """An open journal; a context manager. See `Journal.create` and `Journal.resume`.

    Attributes:
        path: the file.
        entries: every call so far, in the order of the calls.
        note: what was repaired when the journal was opened, else empty.
    """

    def __init__(self, path: Path, entries: list[Entry], note: str = "") -> None:
        self.path, self.entries, self.note = path, entries, note
        self._known = {entry.smiles for entry in entries}
        self._file = _opened(path)

    @classmethod
    def create(cls, path: str | Path, recipe: Mapping[str, Any]) -> Journal:
        """Start a journal.

        Args:
            path: a file that is not there yet.
            recipe: what the campaign is, of JSON types; resuming asks for the very same.

        Raises:
            DataError: there is such a file; it cannot be written; the recipe holds something JSON cannot.
        """
        path = Path(path)
        if path.exists():
            raise DataError(f"{path} is there already: resume that campaign or choose another folder")
        try:
            line = _line({"journal": _VERSION, "recipe": dict(recipe)})
        except (TypeError, ValueError) as error:
            raise DataError(f"the recipe cannot be written to {path}: {error}") from error
        with replacing(path) as partial, partial.open("wb") as stream:  # whole or not at all
            stream.write(line)
            stream.flush()
            os.fsync(stream.fileno())
        _sync_folder(path.absolute().parent)
        return cls(path, [])

    @classmethod
    def resume(cls, path: str | Path, recipe: Mapping[str, Any]) -> Journal:
        """Open a journal to go on, after checking every line; a last line that was cut off is removed, and `note` says so.

        Raises:
            DataError: no such file; a damaged line, with its number; another recipe, with the differences; the journal is in use.
        """
        path = Path(path)
        found, entries, whole, size = _read(path)
        if differences := list(_differences(found, json.loads(json.dumps(dict(recipe))))):
            raise DataError(f"{path} was started with another recipe: {'; '.join(differences)}")
        note = f"{path}: the last line was cut off ({size - whole} bytes) and is removed" if size > whole else ""
        journal = cls(path, entries, note)
        journal._repair(whole, size)
        return journal

    def append(self, entries: Sequence[Entry]) -> None:
        """Put calls on the disk; once this returns, their values may be used.

        Raises:
            DataError: a call out of turn, a molecule asked before, a value that is no number, or a disk that takes no more; the
                journal is then as it was.
        """
        self._check(entries)
        try:
            text = b"".join(_line(asdict(entry)) for entry in entries)
        except (TypeError, ValueError) as error:
            raise DataError(f"{self.path}: {len(entries)} calls cannot be written: {error}") from error
        self._write(text)
        self.entries += entries
        self._known.update(entry.smiles for entry in entries)

    def __contains__(self, smiles: object) -> bool:
        """Whether a molecule was asked."""
        return smiles in self._known

    def __len__(self) -> int:
        return len(self.entries)

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        os.close(self._file)

    def _check(self, entries: Sequence[Entry]) -> None:
        asked = set()
        for call, entry in enumerate(entries, len(self) + 1):
            if entry.call != call:
                raise DataError(f"{self.path}: call {entry.call} came where call {call} was expected")
            if entry.smiles in self or entry.smiles in asked:
                raise DataError(f"{self.path}: {entry.smiles} was asked before, call {call} would ask it again")
            asked.add(entry.smiles)

    def _write(self, text: bytes) -> None:
        before = os.fstat(self._file).st_size
        try:
            rest = memoryview(text)
            while rest:
                rest = rest[os.write(self._file, rest) :]
            os.fsync(self._file)
        except OSError as error:
            os.ftruncate(self._file, before)
            kept = f"{len(self):,} calls are safe in it, those just answered are not; make room and resume"
            raise DataError(f"{self.path} cannot be written: {error.strerror or error}; {kept}") from error

    def _repair(self, whole: int, size: int) -> None:
        """Remove what was cut off; or add the line end that alone is missing."""
        if size > whole:
            os.ftruncate(self._file, whole)
            os.fsync(self._file)
        elif size < whole:
            self._write(b"\n")


def read_journal(path: str | Path) -> tuple[dict[str, Any], list[Entry]]:
    """The recipe and the calls of a journal, for reports; nothing is changed, a last line that was cut off is passed over.

    Raises:
        DataError: no such file, or a damaged line, with its number.
    """
    recipe, entries, _, _ = _read(Path(path))
    return recipe, entries


def _line(record: Mapping[str, Any]) -> bytes:
    body = json.dumps(record, allow_nan=False).encode()[:-1]
    return body + b', "crc": "%08x"}\n' % zlib.crc32(body)


def _record(line: bytes) -> dict[str, Any] | None:
    """What a line without its end says; None for a damaged one."""
    found = _LINE.fullmatch(line)
    if not found or zlib.crc32(found[1]) != int(found[2], 16):
        return None
    record: dict[str, Any] = json.loads(found[1] + b"}")
    return record


def _read(path: Path) -> tuple[dict[str, Any], list[Entry], int, int]:
    """Recipe, calls, bytes that are whole (one more than there are where only the last line end is missing), and bytes there are."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    *lines, tail = data.split(b"\n")
    if _record(tail[:-1]) is not None:
        raise _damaged(path, len(lines) + 1)  # a whole line and one byte: its end was changed, it was not cut off
    if complete := _record(tail) is not None:
        lines.append(tail)
    records = [_record(line) for line in lines]
    if None in records:
        raise _damaged(path, records.index(None) + 1)
    whole = len(data) + 1 if complete else len(data) - len(tail)
    return *_contents(path, [record for record in records if record is not None]), whole, len(data)


def _contents(path: Path, records: Sequence[dict[str, Any]]) -> tuple[dict[str, Any], list[Entry]]:
    if not records or records[0].get("journal") != _VERSION:
        raise DataError(f"{path} is no journal of a campaign: line 1 is expected to hold version {_VERSION} and the recipe")
    entries = []
    for call, record in enumerate(records[1:], 1):
        if record.get("call") != call:
            raise DataError(f"{path}, line {call + 1}: call {record.get('call')} stands where call {call} is expected")
        entries.append(Entry(**record))
    return records[0]["recipe"], entries


def _damaged(path: Path, line: int) -> DataError:
    return DataError(f"{path}, line {line} is damaged: its checksum does not fit; restore the file from a copy")


def _differences(old: Any, new: Any, name: str = "") -> Iterator[str]:
    """Where two recipes differ, as 'name: this in the journal, that now'."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from _differences(old.get(key, _MISSING), new.get(key, _MISSING), f"{name}.{key}" if name else key)
    elif old != new:
        yield f"{name}: {old} in the journal, {new} now"


def _opened(path: Path) -> int:
    """Open to append, for this process alone."""
    try:
        file = os.open(path, os.O_RDWR | os.O_APPEND | getattr(os, "O_BINARY", 0))
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror or error}") from error
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:  # Windows; there a second campaign is found by the numbers of its calls
        pass
    except OSError as error:
        os.close(file)
        raise DataError(f"{path} is in use by another campaign") from error
    return file


def _sync_folder(folder: Path) -> None:
    """Put a new name on the disk, where folders can be synced."""
    if os.name == "posix":
        file = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)
