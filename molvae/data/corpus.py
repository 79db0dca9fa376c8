"""The token corpus on disk: built once, in parallel, resumable after a kill, then memory-mapped.

A corpus is a folder:

    meta.json        settings, counts, refusals by reason
    tokenizer.json
    tokens.bin       ids of all molecules one after the other, int16
    offsets.npy      where each molecule starts, int64, (n + 1,)
    fingerprints.npy 64-bit fingerprints of the canonical SMILES, uint64, (n,)
    rejects.csv      row, input, reason, detail of everything that was refused

It is built beside its final place, under the same name with `.partial`, and renamed when it is whole.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from itertools import chain, islice
from pathlib import Path

import joblib
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import rdkit
from numpy.typing import NDArray

from molvae.chem.molecules import Standardizer
from molvae.chem.selfies import CONSTRAINTS, Notation, relative, selfies_version, split, to_text
from molvae.data.formats import Row, read_rows
from molvae.data.novelty import fingerprint64
from molvae.data.tokenizer import Tokenizer, alphabet_of
from molvae.errors import DataError, MoleculeError

_CHUNK = 20_000
_SAMPLE = 200_000  # molecules the merges are learned from
_MOST_NEW = 256  # symbols a tokenizer is extended by; more are those of single odd molecules, too few to learn from
_FORMAT = 1

#: Called with the number of rows read so far while a corpus is built.
Progress = Callable[[int], None]


@dataclass(frozen=True)
class CorpusSettings:
    """What decides the content of a corpus, beside the file.

    Args:
        vocabulary: ids of the tokenizer to learn; 0 for plain symbols. Ignored when a tokenizer is given.
        standardizer: how molecules are brought to one form.
        column: name of the column that holds the SMILES; found by itself when None.
        notation: what the tokens spell, "selfies" or "relative" symbols. That of the tokenizer when one is given.
    """

    vocabulary: int = 512
    standardizer: Standardizer = field(default_factory=Standardizer)
    column: str | None = None
    notation: Notation = "selfies"


class Corpus:
    """Molecules as token ids, memory-mapped.

    Args:
        folder: where the corpus lies.

    Raises:
        DataError: the folder holds no whole corpus.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        try:
            self.meta = json.loads((self.folder / "meta.json").read_text(encoding="utf-8"))
            self.offsets: NDArray[np.int64] = np.load(self.folder / "offsets.npy")
            self.fingerprints: NDArray[np.uint64] = np.load(self.folder / "fingerprints.npy", mmap_mode="r")
            self._tokens = np.memmap(self.folder / "tokens.bin", dtype=np.int16, mode="r", shape=(int(self.offsets[-1]),))
        except (OSError, EOFError, ValueError, IndexError) as error:
            raise DataError(f"{self.folder} is not a whole corpus: {error}; remove the folder to have it built again") from error
        self.tokenizer = Tokenizer.load(self.folder / "tokenizer.json")

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each molecule, (n,)."""
        return np.diff(self.offsets)

    def __getitem__(self, molecule: int) -> NDArray[np.int16]:
        return np.asarray(self._tokens[self.offsets[molecule] : self.offsets[molecule + 1]])

    def batch(self, molecules: NDArray[np.int64]) -> NDArray[np.int64]:
        """Ids of molecules of one length: (B, T)."""
        starts = self.offsets[molecules]
        length = int(self.offsets[molecules[0] + 1] - starts[0])
        return np.asarray(self._tokens[starts[:, None] + np.arange(length)], dtype=np.int64)

    @property
    def refused(self) -> dict[str, int]:
        """Refused rows by reason."""
        return dict(self.meta["refused"])


def build_corpus(
    source: Path,
    root: Path,
    settings: CorpusSettings = CorpusSettings(),
    tokenizer: Tokenizer | None = None,
    extend: bool = False,
    jobs: int = -1,
    progress: Progress | None = None,
) -> Corpus:
    """The corpus of a file: opened when it was built before from the same content and settings, else built.

    Args:
        source: a file of molecules, see `molvae.data.formats`.
        root: folder that holds corpora, each under its key.
        settings: see `CorpusSettings`.
        tokenizer: use this one instead of learning one; molecules with symbols it lacks are refused.
        extend: give it the symbols it lacks instead, the 256 that stand in most molecules; the corpus has the tokenizer so extended.
        jobs: processes; -1 for all cores.
        progress: told the rows done.

    Raises:
        DataError: the file cannot be read, or no molecule in it can be used.
    """
    source = Path(source)
    settings = replace(settings, notation=tokenizer.notation) if tokenizer else settings
    folder = Path(root) / corpus_key(source, settings, tokenizer, extend)
    if not (folder / "meta.json").exists():
        partial = folder.with_suffix(".partial")
        try:
            partial.mkdir(parents=True, exist_ok=True)
            _encode_chunks(source, partial, settings, jobs, progress)
            _assemble(source, partial, settings, tokenizer, extend, jobs)
            partial.replace(folder)
        except OSError as error:
            raise DataError(f"the corpus of {source} could not be written to {partial}: {error}; what is done is kept") from error
    return Corpus(folder)


def learned_tokenizer(source: Path, root: Path, settings: CorpusSettings) -> str | None:
    """The tokenizer, as JSON, that was learned for the corpus of a file, where that was built before."""
    path = Path(root) / corpus_key(source, settings) / "tokenizer.json"
    return Tokenizer.load(path).to_json() if path.exists() else None


def corpus_key(source: Path, settings: CorpusSettings, tokenizer: Tokenizer | None = None, extend: bool = False) -> str:
    """Name of a corpus: a hash of the file's bytes and of everything that decides what becomes of them."""
    if not source.is_file():
        raise DataError(f"{source}: no such file")
    digest = sha256()
    with source.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    parts = [_FORMAT, source.name.split(".", 1)[-1], asdict(settings), CONSTRAINTS, selfies_version(), rdkit.__version__]
    digest.update(json.dumps(parts, sort_keys=True).encode())
    digest.update(tokenizer.to_json().encode() + b"extended" * extend if tokenizer else b"")
    return digest.hexdigest()[:16]


def _encode_chunks(source: Path, folder: Path, settings: CorpusSettings, jobs: int, progress: Progress | None) -> None:
    """Standardise and encode every row to symbols, a parquet file a chunk; chunks already there are kept."""
    chunks = enumerate(_chunks(read_rows(source, settings.column)))
    todo = (joblib.delayed(_encode_chunk)(rows, folder / f"chunk-{number:05}.parquet", settings) for number, rows in chunks)
    done = 0
    for rows in joblib.Parallel(n_jobs=jobs, return_as="generator_unordered", pre_dispatch="2*n_jobs")(todo):
        done += rows
        if progress:
            progress(done)
    if not done:
        raise DataError(f"{source} holds no rows")


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    rows = iter(rows)
    while chunk := list(islice(rows, _CHUNK)):
        yield chunk


def _encode_chunk(rows: list[Row], path: Path, settings: CorpusSettings) -> int:
    """Encode one chunk unless its file is there; returns its number of rows."""
    if not path.exists():
        # all of one kind of work, then all of the other: by turns each has to fetch its code and tables anew
        standard = [_standardized(row, settings.standardizer) for row in rows]
        entries = [_encoded(row, smiles, settings.notation) for row, smiles in zip(rows, standard, strict=True)]
        table = pa.table([list(column) for column in zip(*entries, strict=True)], schema=_SCHEMA)
        alphabet = sorted(alphabet_of(table["symbols"].drop_null().to_pylist()))
        pq.write_table(table.replace_schema_metadata({"alphabet": json.dumps(alphabet)}), path.with_suffix(".tmp"))
        path.with_suffix(".tmp").replace(path)
    return len(rows)


_STRINGS = ("input", "symbols", "reason", "detail")
_SCHEMA = pa.schema([("row", pa.int64()), ("fingerprint", pa.uint64()), *((name, pa.string()) for name in _STRINGS)])

#: One row of a chunk: row, fingerprint, input, symbols, reason, detail.
_Entry = tuple[int, int | None, str, str | None, str | None, str | None]


def _standardized(row: Row, standardizer: Standardizer) -> str | MoleculeError:
    try:
        return standardizer(row.checked())
    except MoleculeError as error:
        return error


def _encoded(row: Row, smiles: str | MoleculeError, notation: Notation) -> _Entry:
    try:
        if isinstance(smiles, MoleculeError):
            raise smiles
        text = to_text(smiles)
        return row.row, fingerprint64(smiles), row.text, "".join(relative(split(text))) if notation == "relative" else text, None, None
    except MoleculeError as error:
        return row.row, None, row.text[:1000], None, error.reason, error.detail


def _assemble(source: Path, folder: Path, settings: CorpusSettings, tokenizer: Tokenizer | None, extend: bool, jobs: int) -> None:
    """Turn the chunks into the files of a corpus and remove them; meta.json comes last."""
    chunks = sorted(folder.glob("chunk-*.parquet"))
    if tokenizer and extend:
        tokenizer = tokenizer.extended(_foreign(chunks, tokenizer))
    tokenizer = tokenizer or _learn(chunks, settings.vocabulary, settings.notation)
    tokenizer.save(folder / "tokenizer.json")
    lengths, fingerprints, refused = _write_tokens(chunks, folder, tokenizer, jobs)
    if not len(lengths):
        raise DataError(f"{source}: no usable molecule; refused: {_listing(refused)}; see {folder / 'rejects.csv'}")
    np.save(folder / "offsets.npy", np.concatenate([[0], np.cumsum(lengths)]))
    np.save(folder / "fingerprints.npy", fingerprints)
    meta = {"format": _FORMAT, "source": source.name, "settings": asdict(settings), "molecules": len(lengths), "refused": refused}
    (folder / "meta.json").write_text(json.dumps(meta, indent=1), encoding="utf-8")
    for chunk in chunks:
        chunk.unlink()


def _listing(counts: dict[str, int]) -> str:
    return ", ".join(f"{reason} ({count:,})" for reason, count in counts.items())


def _learn(chunks: Sequence[Path], vocabulary: int, notation: Notation) -> Tokenizer:
    """Learn merges from molecules spread over all chunks; the alphabet holds every symbol of every chunk."""
    each = -(-_SAMPLE // len(chunks))
    alphabet: set[str] = set()
    sample: list[str] = []
    for chunk in chunks:
        table = pq.read_table(chunk, columns=["symbols"])
        alphabet.update(_alphabet(table))
        texts = table["symbols"].drop_null()
        sample += texts.take(np.arange(0, len(texts), max(1, len(texts) // each))).to_pylist()
    return Tokenizer.train_on_texts(sample, vocabulary, alphabet, notation)


def _foreign(chunks: Sequence[Path], tokenizer: Tokenizer) -> list[str]:
    """Symbols that a tokenizer lacks, those of most molecules first."""
    counts: Counter[str] = Counter()
    for chunk in chunks:
        table = pq.read_table(chunk, columns=["symbols"])
        texts = table["symbols"].drop_null().to_pylist()
        counts.update({symbol: sum(symbol in text for text in texts) for symbol in _alphabet(table) if symbol not in tokenizer})
    return sorted(counts, key=lambda symbol: (-counts[symbol], symbol))[:_MOST_NEW]


def _alphabet(chunk: pa.Table) -> list[str]:
    """The symbols of a chunk."""
    return list(json.loads(chunk.schema.metadata[b"alphabet"]))


@dataclass(frozen=True)
class _Tokens:
    """A chunk in its final form."""

    ids: NDArray[np.int16]
    lengths: NDArray[np.int64]
    fingerprints: NDArray[np.uint64]
    rejects: list[tuple[int, str, str, str]]


def _write_tokens(
    chunks: Sequence[Path], folder: Path, tokenizer: Tokenizer, jobs: int
) -> tuple[NDArray[np.int64], NDArray[np.uint64], dict[str, int]]:
    """Write tokens.bin and rejects.csv; returns lengths and fingerprints of the molecules kept, and refusals by reason."""
    first = _first_of_its_kind(chunks)
    todo = (joblib.delayed(_tokens)(chunk, fresh, folder) for chunk, fresh in zip(chunks, first, strict=True))
    refused: Counter[str] = Counter()
    lengths, fingerprints = [], []
    with (folder / "tokens.bin").open("wb") as tokens, (folder / "rejects.csv").open("w", newline="", encoding="utf-8") as file:
        rejects = csv.writer(file)
        rejects.writerow(["row", "input", "reason", "detail"])
        for part in joblib.Parallel(n_jobs=jobs if len(chunks) > 1 else 1, return_as="generator")(todo):
            tokens.write(part.ids.tobytes())
            rejects.writerows(part.rejects)
            refused.update(reason for _, _, reason, _ in part.rejects)
            lengths.append(part.lengths)
            fingerprints.append(part.fingerprints)
    return np.concatenate(lengths), np.concatenate(fingerprints), dict(refused.most_common())


def _first_of_its_kind(chunks: Sequence[Path]) -> list[NDArray[np.bool_]]:
    """For each row of each chunk, whether its molecule was not seen in an earlier row."""
    columns = [pq.read_table(chunk, columns=["fingerprint"])["fingerprint"].fill_null(0).to_numpy() for chunk in chunks]
    prints = np.concatenate(columns)
    first = np.zeros(len(prints), dtype=np.bool_)
    first[np.unique(prints, return_index=True)[1]] = True
    return np.split(first, np.cumsum([len(column) for column in columns])[:-1])


def _tokens(chunk: Path, first: NDArray[np.bool_], folder: Path) -> _Tokens:
    """Tokenise what a chunk holds and say what is refused after all."""
    tokenizer = Tokenizer.load(folder / "tokenizer.json")
    table = pq.read_table(chunk)
    texts = table["symbols"].to_pylist()
    foreign = any(symbol not in tokenizer for symbol in _alphabet(table))
    problems = [_problem(text, fresh, tokenizer if foreign else None) for text, fresh in zip(texts, first.tolist(), strict=True)]
    kept = np.array([bool(text) and not problem for text, problem in zip(texts, problems, strict=True)], dtype=np.bool_)
    ids = tokenizer.encode_texts([texts[i] for i in np.flatnonzero(kept)])
    rejects = [
        (entry["row"], entry["input"], *(problem or (entry["reason"], entry["detail"])))
        for entry, problem in zip(table.filter(~kept).to_pylist(), (problems[i] for i in np.flatnonzero(~kept)), strict=True)
    ]
    prints = table["fingerprint"].fill_null(0).to_numpy()[kept]
    lengths = np.array([len(molecule) for molecule in ids], dtype=np.int64)
    return _Tokens(np.array(list(chain.from_iterable(ids)), dtype=np.int16), lengths, prints, rejects)


def _problem(text: str | None, first: bool, tokenizer: Tokenizer | None) -> tuple[str, str] | None:
    """Reason and detail for an encoded molecule that cannot be kept; without a tokenizer its symbols are known to be in order."""
    if text and not first:
        return "duplicate of an earlier row", ""
    try:
        if tokenizer:
            tokenizer.check(split(text or ""))
    except MoleculeError as error:
        return error.reason, error.detail
    return None
