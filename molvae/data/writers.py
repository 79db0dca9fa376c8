"""Tables of molecules out, whole or not at all, and the report of the rows that were refused."""

from __future__ import annotations

import csv
import gzip
import io
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import astuple, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any

from rdkit import Chem, rdBase
from rdkit.Chem import rdDepictor

from molvae.data.formats import NAME_COLUMNS, Row, suffix_of
from molvae.errors import DataError, MoleculeError
from molvae.files import check_writable, replacing

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that was refused.

    Attributes:
        row: its number, as in `Row`.
        text: what stood there.
        reason: a short fixed phrase, the same for all rows refused for the same cause.
        detail: what is particular to this row, or an empty string.
    """

    row: int
    text: str
    reason: str
    detail: str = ""

    @classmethod
    def of(cls, row: Row, error: MoleculeError) -> Reject:
        """The reject of a row for an error.

        >>> Reject.of(Row(3, "CC*"), MoleculeError("a wildcard"))
        Reject(row=3, text='CC*', reason='a wildcard', detail='')
        """
        return cls(row.row, row.text, error.reason, error.detail)


@dataclass
class Rejects:
    """Counts rejects by reason and streams them to `<out>.rejects.csv`; a context manager.

    The file has the columns row, input, reason, detail. It is there only when something was rejected: one left by an earlier run
    to the same output is removed.

    Args:
        out: the output the rejects belong to; None counts and writes no file.

    Raises:
        DataError: the file cannot be written.

    >>> with Rejects(None) as rejects:
    ...     rejects.add(Reject(1, "aspirin", "not a SMILES"))
    >>> print(rejects.summary())
    1 not a SMILES
    """

    out: str | Path | None
    counts: Counter[str] = field(default_factory=Counter, init=False)
    _stream: IO[str] | None = field(default=None, init=False, repr=False)

    @property
    def path(self) -> Path | None:
        """Where the rejects go, or None."""
        return None if self.out is None else Path(f"{self.out}.rejects.csv")

    @property
    def total(self) -> int:
        """How many rows were rejected."""
        return self.counts.total()

    def add(self, reject: Reject) -> None:
        """Count a reject and write it."""
        self.counts[reject.reason] += 1
        if self.path is None:
            return
        with _said(self.path):
            if self._stream is None:
                self._stream = self._open(self.path)
            csv.writer(_Newlines(self._stream)).writerow(astuple(reject))

    def summary(self) -> str:
        """One line a reason with its count, the most frequent first; empty when nothing was rejected."""
        width = len(str(max(self.counts.values(), default=0)))
        return "\n".join(f"{count:>{width}} {reason}" for reason, count in self.counts.most_common())

    def __enter__(self) -> Rejects:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.path is None:
            return
        with _said(self.path):
            if self._stream is not None:
                self._stream.close()
            elif kind is None and not self.total:
                self.path.unlink(missing_ok=True)

    @staticmethod
    def _open(path: Path) -> IO[str]:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("w", encoding="utf-8", newline="")
        stream.write("row,input,reason,detail\n")
        return stream


@dataclass(frozen=True)
class _Newlines:
    """Takes rows that end in CR LF and ends them in LF: csv quotes a field for its CR only when its line end has one."""

    stream: IO[str]

    def write(self, text: str) -> int:
        return self.stream.write(text.replace("\r\n", "\n"))


@contextmanager
def _said(path: Path) -> Iterator[None]:
    """Turn an error of the file system into a DataError that names the file and the cause."""
    try:
        yield
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror or error}") from error


def check_output(path: str | Path) -> Path:
    """The path, once it is known that `write_table` could write there; writes nothing. For commands to call before long work.

    Raises:
        DataError: unknown suffix; the path is a directory; its folder cannot be created or written to.
    """
    path = Path(path)
    suffix_of(path, _WRITERS)
    check_writable(path)
    return path


def write_table(frame: pandas.DataFrame, path: str | Path, smiles_column: str = "smiles") -> None:
    """Write a table of molecules in the format its suffix tells: .csv, .tsv, .smi, .txt, .sdf (each also .gz) or .parquet.

    The file is written beside its place and moved there when whole, so a failure leaves an earlier output as it was. The same
    table gives the same bytes. A .smi or .txt has one line a row, the SMILES and, where there is a column of names, the name. An
    .sdf has 2D coordinates and the other columns as properties; a row without a valid SMILES is a record without atoms.

    Args:
        frame: one row a molecule.
        path: where to; missing folders are created.
        smiles_column: the column that holds the SMILES; for .smi, .txt and .sdf.

    Raises:
        DataError: as `check_output`; no such column; a full disk or another error of the file system; values Parquet cannot hold.
    """
    path = check_output(path)
    suffix = suffix_of(path, _WRITERS)
    if suffix.removesuffix(".gz") in (".smi", ".txt", ".sdf") and smiles_column not in frame.columns:
        raise DataError(f"{path}: no column {smiles_column!r} to write; the table has: {', '.join(map(str, frame.columns))}")
    with replacing(path) as partial, _packed(partial, suffix.endswith(".gz")) as stream:
        _WRITERS[suffix](frame, stream, smiles_column)


@contextmanager
def _packed(path: Path, gz: bool) -> Iterator[IO[bytes]]:
    with ExitStack() as stack:
        stream: Any = stack.enter_context(path.open("wb"))
        if gz:  # neither name nor time goes into the header: the same table gives the same bytes
            stream = stack.enter_context(gzip.GzipFile("", "wb", compresslevel=6, fileobj=stream, mtime=0))
        yield stream


@contextmanager
def _text(stream: IO[bytes]) -> Iterator[IO[str]]:
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="\n")
    try:
        yield text
    finally:
        text.detach()  # flushes, and leaves the closing to the owner of the stream


def _write_csv(frame: pandas.DataFrame, stream: IO[bytes], _: str, delimiter: str = ",") -> None:
    with _text(stream) as text:
        lines: Any = _Newlines(text)  # all that pandas needs of a file
        frame.to_csv(lines, sep=delimiter, index=False, lineterminator="\r\n")


def _write_tsv(frame: pandas.DataFrame, stream: IO[bytes], _: str) -> None:
    _write_csv(frame, stream, _, delimiter="\t")


def _write_parquet(frame: pandas.DataFrame, stream: IO[bytes], _: str) -> None:
    import pyarrow

    try:
        frame.to_parquet(stream, engine="pyarrow", index=False)
    except (pyarrow.ArrowException, ValueError, TypeError) as error:
        raise DataError(f"a .parquet file cannot hold this table: {error}") from error


def _write_smi(frame: pandas.DataFrame, stream: IO[bytes], smiles_column: str) -> None:
    with _text(stream) as text:
        for smiles, name in zip(_strings(frame, smiles_column), _names(frame, smiles_column), strict=True):
            text.write(f"{smiles} {name}".rstrip() + "\n" if smiles else "\n")  # a name alone would be read as a SMILES


def _write_sdf(frame: pandas.DataFrame, stream: IO[bytes], smiles_column: str) -> None:
    others = [str(column) for column in frame.columns if column != smiles_column]
    values = [_strings(frame, column) for column in frame.columns if column != smiles_column]
    with _text(stream) as text:
        for row, (smiles, name) in enumerate(zip(_strings(frame, smiles_column), _names(frame, smiles_column), strict=True)):
            mol = _drawn(smiles)
            mol.SetProp("_Name", name)
            for column, value in zip(others, values, strict=True):
                if value[row]:
                    mol.SetProp(column, value[row])
            text.write(Chem.SDWriter.GetText(mol))


def _drawn(smiles: str) -> Chem.Mol:
    """The molecule with 2D coordinates, or one without atoms that keeps the text."""
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(smiles)
    if mol is None:
        mol = Chem.Mol()
        mol.SetProp("input", smiles)
    if mol.GetNumAtoms():
        rdDepictor.Compute2DCoords(mol)
    return mol


def _names(frame: pandas.DataFrame, smiles_column: str) -> list[str]:
    """What each row is called, or empty strings where the table does not say."""
    plain = {str(column).lower(): column for column in reversed(frame.columns) if column != smiles_column}
    found = next((plain[name] for name in NAME_COLUMNS if name in plain), None)
    return [""] * len(frame) if found is None else _strings(frame, found)


def _strings(frame: pandas.DataFrame, column: Any) -> list[str]:
    """A column as text on one line each, empty where a value is missing."""
    missing = frame[column].isna()
    return ["" if gone else " ".join(str(value).split()) for value, gone in zip(frame[column], missing, strict=True)]


_WRITERS: dict[str, Callable[[pandas.DataFrame, IO[bytes], str], None]] = {
    **{f"{suffix}{gz}": _write_smi for suffix in (".smi", ".txt") for gz in ("", ".gz")},
    **{f".csv{gz}": _write_csv for gz in ("", ".gz")},
    **{f".tsv{gz}": _write_tsv for gz in ("", ".gz")},
    **{f".sdf{gz}": _write_sdf for gz in ("", ".gz")},
    ".parquet": _write_parquet,
}
