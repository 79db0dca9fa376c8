"""Files of molecules in, streamed: ten million rows need no more memory than a hundred thousand.

`read_rows` yields one `Row` a record of a .smi, .txt, .csv, .tsv, .sdf (each also .gz) or .parquet file, in the file's order and
with its row number. Writing, and the report of the rows that were refused, is in `writers.py`.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from rdkit import Chem, rdBase

from molvae.chem.molecules import canonical, parse
from molvae.data.text import LONGEST, first_line, lines_of
from molvae.errors import DataError, MoleculeError

#: Headers taken for the SMILES column when none is named, best first; case, spaces and hyphens do not matter.
SMILES_COLUMNS = (
    "smiles", "canonical_smiles", "isomeric_smiles", "molecule_smiles", "structure_smiles", "smi", "structure", "molecule", "mol",
)  # fmt: skip
#: Headers taken for the column of names, best first.
NAME_COLUMNS = ("name", "id", "title", "compound_name", "compound_id", "molecule_name", "molecule_chembl_id", "zinc_id")

# What a reader knows of one record: the SMILES, its name, and why it could not be read; None is a blank line.
_Record = tuple[str, str | None, MoleculeError | None]


class Row(NamedTuple):
    """One record of a file.

    Attributes:
        row: for .smi and .txt the line number in the file, for the others the number of the data row; both start at 1.
        text: the SMILES as written, stripped; empty where there is none.
        name: what the record is called, where the file says so.
        problem: why the record could not be read, or None; `text` is then empty.
    """

    row: int
    text: str
    name: str | None = None
    problem: MoleculeError | None = None

    def checked(self) -> str:
        """The SMILES as written; raises the MoleculeError of a record that could not be read.

        >>> Row(1, "OCC").checked()
        'OCC'
        """
        if self.problem is not None:
            raise self.problem
        return self.text


def read_rows(path: str | Path, column: str | None = None) -> Iterator[Row]:
    r"""Rows of a file of molecules, one at a time; the format is told by the suffix.

    A blank line between rows is a Row with an empty text; blank lines at the end are no rows. An SDF record that RDKit cannot read,
    and a row with too few fields, is a Row with a `problem`: nothing is dropped in silence.

    Args:
        path: a .smi, .txt, .csv, .tsv, .sdf (each also .gz) or .parquet file.
        column: header of the SMILES column, matched exactly, then without regard to case; None looks for `SMILES_COLUMNS`.

    Raises:
        DataError: at once for a missing file, a directory, an unknown suffix, or a column named for a format without columns;
            while reading for an empty or damaged file, one that is no UTF-8 text, or one without such a column or any rows.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "two.smi"
    >>> _ = path.write_text("CCO ethanol\nc1ccccc1 benzene\n")
    >>> [(row.row, row.text, row.name) for row in read_rows(path)]
    [(1, 'CCO', 'ethanol'), (2, 'c1ccccc1', 'benzene')]
    """
    path = Path(path)
    read = _READERS[suffix_of(path, _READERS)]
    if not path.exists():
        raise DataError(f"{path}: no such file")
    if path.is_dir():
        raise DataError(f"{path} is a directory, expected a file")
    if column is not None and read in (_text_rows, _sdf_rows):
        raise DataError(f"{path} has no named columns, but column {column!r} was asked for")
    return _at_least_one(path, read(path, column))


def suffix_of(path: Path, known: Iterable[str]) -> str:
    """The suffix of a file, in lower case and with its .gz; raises DataError when it is not a known one.

    >>> suffix_of(Path("zinc.250k.SMI.gz"), [".smi", ".smi.gz"])
    '.smi.gz'
    """
    known = list(known)
    suffix = "".join(path.suffixes[-2 if path.suffix.lower() == ".gz" else -1 :]).lower()
    if suffix not in known:
        raise DataError(f"{path}: unknown suffix {suffix!r}, expected one of {', '.join(known)}")
    return suffix


def _at_least_one(path: Path, rows: Iterator[Row]) -> Iterator[Row]:
    first = next(rows, None)
    if first is None:
        raise DataError(f"{path} has no rows")
    yield first
    yield from rows


def _numbered(records: Iterable[_Record | None], first: int = 1) -> Iterator[Row]:
    """Number the records; a blank line counts once something follows it."""
    blanks = 0
    for number, record in enumerate(records, first):
        if record is None:
            blanks += 1
            continue
        for blank in range(number - blanks, number):
            yield Row(blank, "")
        blanks = 0
        yield Row(number, *record)


def _text_rows(path: Path, _: str | None) -> Iterator[Row]:
    lines = lines_of(path)
    first = next(lines, "")
    header = first.strip().lower()
    if not header.startswith("smiles"):
        return (yield from _numbered(map(_token, chain([first], lines))))
    if "," in header or ";" in header:
        raise DataError(f"{path} has the header {first.strip()!r}: a table; give it the suffix .csv")
    yield from _numbered(map(_token, lines), first=2)


def _token(line: str) -> _Record | None:
    parts = line.split(maxsplit=1)
    if not parts:
        return None
    return parts[0], parts[1].strip() if len(parts) > 1 else None, None


def _table_rows(path: Path, column: str | None) -> Iterator[Row]:
    table = table_fields(path)
    header = next(table)
    if column is None and _is_one_smiles(header):
        table, header = chain([header], table), ["smiles"]
    at, name_at = smiles_column(header, column, path), _find(header, NAME_COLUMNS)
    yield from _numbered(_cells(fields, at, name_at) for fields in table)


def table_fields(path: Path) -> Iterator[list[str]]:
    """Fields of each line of a .csv or .tsv file (also .gz), its header first; raises DataError as `read_rows` does."""
    lines = lines_of(path)
    head = first_line(path, lines)
    delimiter = "\t" if suffix_of(path, _READERS).startswith(".tsv") else max(",;\t", key=head.count)
    return _fields(path, (line + "\n" for line in chain([head], lines)), delimiter)


def _fields(path: Path, lines: Iterator[str], delimiter: str) -> Iterator[list[str]]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)  # strict: an open quote must not swallow the rows after it
    try:
        yield from reader
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: {error}; is a quotation mark left open?") from error


def _is_one_smiles(header: Sequence[str]) -> bool:
    """Whether the header of a table is its first molecule: one field, no known name, and a SMILES."""
    if len(header) != 1 or _find(header, SMILES_COLUMNS) is not None:
        return False
    try:
        parse(header[0])
    except MoleculeError:
        return False
    return True


def _cells(fields: list[str], at: int, name_at: int | None) -> _Record | None:
    if not any(fields):
        return None
    if at >= len(fields):
        return "", None, MoleculeError("too few fields", f"{len(fields)} fields, the SMILES is expected in number {at + 1}")
    name = fields[name_at].strip() if name_at is not None and name_at < len(fields) else ""
    return fields[at].strip(), name or None, None


def _plain(header: str) -> str:
    return header.strip().lower().replace(" ", "_").replace("-", "_")


def _find(header: Sequence[str], wanted: Iterable[str]) -> int | None:
    plain = [_plain(name) for name in header]
    return next((plain.index(_plain(name)) for name in wanted if _plain(name) in plain), None)


def smiles_column(header: Sequence[str], column: str | None, path: str | Path) -> int:
    """Position of the SMILES column in a header; raises DataError, naming the columns that are there, when it is not.

    >>> smiles_column(["id", "Canonical SMILES"], None, "a.csv")
    1
    >>> smiles_column(["id", "ligand"], "smiles", "a.csv")
    Traceback (most recent call last):
    molvae.errors.DataError: a.csv: no column 'smiles'; the file has: id, ligand
    """
    if column is not None and column in header:
        return list(header).index(column)
    found = _find(header, SMILES_COLUMNS if column is None else [column])
    if found is not None:
        return found
    shown = ", ".join(header[:20]) + (f" and {len(header) - 20} more" if len(header) > 20 else "")
    if column is None:
        raise DataError(f"{path}: no column is called smiles or the like, name the one to use; the file has: {shown}")
    raise DataError(f"{path}: no column {column!r}; the file has: {shown}")


def _parquet_rows(path: Path, column: str | None) -> Iterator[Row]:
    import pyarrow

    try:
        yield from _numbered(_parquet_records(path, column))
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"{path} is damaged or not a Parquet file: {error}") from error


def _parquet_records(path: Path, column: str | None) -> Iterator[_Record]:
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(path) as file:
        schema = file.schema_arrow
        at, name_at = smiles_column(schema.names, column, path), _find(schema.names, NAME_COLUMNS)
        _check_text(path, schema.field(at))
        used = [schema.names[i] for i in {at, at if name_at is None else name_at}]
        for batch in file.iter_batches(columns=used, batch_size=10_000):
            texts = batch.column(schema.names[at]).to_pylist()
            names = batch.column(schema.names[name_at]).to_pylist() if name_at is not None else [None] * len(texts)
            for text, name in zip(texts, names, strict=True):
                yield (text or "").strip(), None if name is None else str(name), None


def _check_text(path: Path, field: Any) -> None:
    import pyarrow.types

    kind = field.type.value_type if pyarrow.types.is_dictionary(field.type) else field.type
    if not (pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind) or pyarrow.types.is_string_view(kind)):
        raise DataError(f"{path}: column {field.name!r} holds {field.type}, expected text")


def _sdf_rows(path: Path, _: str | None) -> Iterator[Row]:
    yield from _numbered(_sdf_record(block) for block in _mol_blocks(path))


def _mol_blocks(path: Path) -> Iterator[list[str]]:
    """Lines of each record up to its M  END; the properties after it are passed over."""
    block: list[str] = []
    kept, size = True, 0
    for line in lines_of(path, errors="replace"):  # names in old SD files are often Latin-1
        if line.startswith("$$$$"):
            yield block
            block, kept, size = [], True, 0
        elif kept:
            block.append(line)
            kept, size = not line.startswith("M  END"), size + len(line)
            _check_size(path, size)
    if any(line.strip() for line in block):
        yield block


def _check_size(path: Path, size: int) -> None:
    if size > LONGEST:
        raise DataError(f"{path} holds a record of more than {LONGEST} characters; is this an SD file?")


def _sdf_record(block: list[str]) -> _Record:
    name = block[0].strip() or None if block else None
    text = "\n".join(block)
    with rdBase.BlockLogs():
        mol = Chem.MolFromMolBlock(text)
        if mol is None:
            return "", name, MoleculeError("unreadable SDF record", _why_not(text))
        return canonical(mol), name, None


def _why_not(block: str) -> str:
    raw = Chem.MolFromMolBlock(block, sanitize=False)
    problems = Chem.DetectChemistryProblems(raw) if raw is not None else []
    return problems[0].Message() if problems else ""


_READERS: dict[str, Callable[[Path, str | None], Iterator[Row]]] = {
    **{f"{suffix}{gz}": _text_rows for suffix in (".smi", ".txt") for gz in ("", ".gz")},
    **{f"{suffix}{gz}": _table_rows for suffix in (".csv", ".tsv") for gz in ("", ".gz")},
    **{f".sdf{gz}": _sdf_rows for gz in ("", ".gz")},
    ".parquet": _parquet_rows,
}
