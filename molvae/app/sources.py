"""Molecules that a user types, pastes or uploads; what is too much, or no molecule, is said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from molvae.chem.molecules import canonical, parse
from molvae.data.formats import Row, read_rows
from molvae.errors import DataError, MoleculeError

#: Largest file that may be uploaded, megabytes.
UPLOAD = 50
#: Most characters that may be pasted.
PASTED = 1_000_000
#: Most molecules read from a file or text.
ROWS = 50_000
#: Suffixes of files that may be uploaded.
SUFFIXES = ("smi", "txt", "csv", "tsv", "sdf", "gz", "parquet")

_SHOWN = 80  # characters of a user's text in a message


@dataclass(frozen=True)
class Loaded:
    """Molecules of a user.

    Attributes:
        source: what they are from.
        frame: `name` (where there are any) and `smiles` (canonical), one row a molecule.
        refused: how many rows were refused, by the reason.
        cut: whether there were more rows than are read.
    """

    source: str
    frame: pd.DataFrame
    refused: dict[str, int]
    cut: bool = False

    @property
    def summary(self) -> str:
        """What was read, in a line."""
        said = [f"{counted(len(self.frame))} of {self.source}"]
        said += [f"the first {ROWS:,} rows were read"] if self.cut else []
        said += [f"{count:,} refused: {reason}" for reason, count in self.refused.items()]
        return "; ".join(said)


def counted(n: int) -> str:
    """So many molecules.

    >>> counted(1), counted(2000)
    ('1 molecule', '2,000 molecules')
    """
    return f"{n:,} molecule{'' if n == 1 else 's'}"


def shortened(text: str) -> str:
    """The beginning of a text of any length, on one line.

    >>> len(shortened("C" * 10_000_000))
    81
    """
    line = " ".join(text[: 4 * _SHOWN].split())
    return line if len(line) <= _SHOWN and len(text) <= 4 * _SHOWN else line[:_SHOWN] + "…"


def molecule(text: str) -> str:
    """Canonical SMILES of what was typed.

    Raises:
        DataError: it is no molecule; says what came and why it is refused.

    >>> molecule(" OCC ")
    'CCO'
    >>> molecule("aspirin")
    Traceback (most recent call last):
    molvae.errors.DataError: “aspirin” cannot be used: not a SMILES
    """
    try:
        return canonical(parse(text))
    except MoleculeError as error:
        raise DataError(f"“{shortened(text)}” cannot be used: {error}" if text.strip() else "type or draw a molecule first") from error


def pasted(text: str) -> Loaded:
    r"""Molecules of a text, one a line, each with a name after a space where there is one.

    Raises:
        DataError: too long a text, or not one molecule in it.

    >>> pasted("CCO ethanol\nnonsense").summary
    '1 molecule of the text; 1 refused: not a SMILES'
    """
    if len(text) > PASTED:
        raise DataError(f"the text has {len(text):,} characters, at most {PASTED:,} can be pasted; upload a file instead")
    lines = (line.split(maxsplit=1) for line in text.splitlines() if line.strip())
    return _loaded("the text", (Row(number, parts[0], parts[1] if len(parts) > 1 else None) for number, parts in enumerate(lines, 1)))


def uploaded(name: str, content: bytes) -> Loaded:
    """Molecules of a file that was uploaded; its suffix tells the format.

    Raises:
        DataError: an unknown suffix, a damaged or too large file, or not one molecule in it.
    """
    if len(content) > UPLOAD * 2**20:
        raise DataError(f"{shortened(name)} has {len(content) / 2**20:,.0f} MB, at most {UPLOAD} MB can be uploaded")
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"upload{''.join(Path(name).suffixes[-2:]).lower()}"
        path.write_bytes(content)
        try:
            return _loaded(shortened(name), read_rows(path))
        except DataError as error:
            said = str(error).replace(str(path), shortened(name)).replace("name the one to use", "call the one to use SMILES")
            raise DataError(said) from error


def bundled(path: Path, source: str) -> Loaded:
    """Molecules of a file that comes with molvae."""
    return _loaded(source, read_rows(path))


def _loaded(source: str, rows: Iterable[Row]) -> Loaded:
    rows = iter(rows)
    read = list(islice(rows, ROWS))
    refused: Counter[str] = Counter()
    kept = list(_molecules(read, refused))
    if not kept:
        said = "; ".join(f"{count:,} refused: {reason}" for reason, count in refused.items())
        raise DataError(f"there is not one molecule in {source}" + (f" ({said})" if said else ""))
    frame = pd.DataFrame(kept, columns=["name", "smiles"])
    if not frame["name"].any():
        frame = frame.drop(columns="name")
    return Loaded(source, frame, dict(refused), next(rows, None) is not None)


def _molecules(rows: Iterable[Row], refused: Counter[str]) -> Iterator[tuple[str, str]]:
    """Name and canonical SMILES of each row that holds a molecule."""
    for row in rows:
        try:
            yield row.name or "", canonical(parse(row.checked()))
        except MoleculeError as error:
            refused[error.reason] += 1
