"""Lines of a text file, streamed: unpacked, decoded as UTF-8, without byte-order mark, whatever the line ends are."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from molvae.errors import DataError

#: Most characters in a line, or in one SDF record, before the file is taken for something else.
LONGEST = 10_000_000

_BLOCK = 1 << 18  # bytes read at a time


def _blocks(path: Path) -> Iterator[bytes]:
    """Bytes of a file, unpacked when it is a .gz."""
    try:
        with gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                yield block
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path} is damaged or not a gzip file: {error}") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error


def _characters(path: Path, errors: str) -> Iterator[str]:
    """Text of a file without its byte-order mark and with every line end as one newline."""
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8-sig")(errors), translate=True)
    end = 0  # bytes given to the decoder so far
    for block in chain(_blocks(path), [b""]):
        if end == 0 and block.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise DataError(f"{path} is UTF-16 text, expected UTF-8: save it again as UTF-8")
        if (nul := block.find(b"\0")) >= 0:
            raise DataError(f"{path} holds binary data (a zero at byte {end + nul}), expected UTF-8 text")
        end += len(block)
        try:
            yield decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:  # error.object ends where the block ends, but may begin before it
            at = end - len(error.object) + error.start
            raise DataError(f"{path} is not UTF-8 text: byte {at} is 0x{error.object[error.start]:02x}") from error


def lines_of(path: Path, errors: str = "strict") -> Iterator[str]:
    """Lines of a text file without their ends, whatever those are (mixed ones too)."""
    tail, count = "", 0
    for text in _characters(path, errors):
        *lines, tail = (tail + text).split("\n")
        count += len(lines)
        yield from lines
        if len(tail) > LONGEST:
            raise DataError(f"{path}: line {count + 1} is longer than {LONGEST} characters; is this a file of molecules?")
    if tail:
        yield tail


def first_line(path: Path, lines: Iterator[str]) -> str:
    """The first line that is not blank."""
    for line in lines:
        if line.strip():
            return line
    raise DataError(f"{path} is empty")
