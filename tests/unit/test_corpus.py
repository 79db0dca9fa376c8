"""The corpus: the same as encoding row by row, every refusal listed, and a kill costs nothing but the chunk it hit."""

from __future__ import annotations

import csv
import errno
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from molvae.chem.molecules import Standardizer
from molvae.chem.selfies import to_symbols
from molvae.data import corpus as module
from molvae.data.corpus import Corpus, CorpusSettings, build_corpus, corpus_key
from molvae.data.novelty import fingerprint64
from molvae.data.tokenizer import Tokenizer
from molvae.errors import DataError

GOOD = ["CCO", "OCC(C)N", "c1ccccc1O", "CC(=O)Nc1ccc(O)cc1", "CS(C)=O", "FC(F)(F)c1ccncc1", "C[N+](C)(C)CC(=O)[O-]", "N#CCCl"]
BAD = {
    "CC*": "attachment point or wildcard atom (*)",
    "aspirin": "not a SMILES",
    "CCO.Cl": "several fragments (a salt or mixture)",
    "C>>O": "a reaction, not a molecule",
    "C(C)(C)(C)(C)C": "impossible valence or aromaticity",
    "OCC": "duplicate of an earlier row",
}
LINES = [*GOOD[:3], *list(BAD)[:3], *GOOD[3:], *list(BAD)[3:]]
SETTINGS = CorpusSettings(vocabulary=30)


class Stop(BaseException):
    """Stands for a kill: no code of ours catches it."""


def file_of(folder: Path, lines: list[str], name: str = "in.smi") -> Path:
    folder.mkdir(exist_ok=True, parents=True)
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    return path


def bytes_of(corpus: Corpus) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(corpus.folder.iterdir())}


def rejects_of(folder: Path) -> dict[int, tuple[str, str]]:
    with (folder / "rejects.csv").open(newline="") as file:
        return {int(row["row"]): (row["input"], row["reason"]) for row in csv.DictReader(file)}


def after(chunks: int) -> Callable[[int], None]:
    """A progress callback that kills the build when some chunks are done."""
    calls: list[int] = []

    def progress(rows: int) -> None:
        calls.append(rows)
        if len(calls) == chunks:
            raise Stop

    return progress


def test_a_corpus_is_the_rows_encoded_one_by_one(tmp_path: Path) -> None:
    corpus = build_corpus(file_of(tmp_path, LINES), tmp_path / "root", SETTINGS, jobs=1)
    standard = [Standardizer()(text) for text in GOOD]
    ids = [corpus.tokenizer.encode([to_symbols(text)])[0].tolist() for text in standard]
    assert [corpus[i].tolist() for i in range(len(corpus))] == ids
    assert corpus.lengths.tolist() == [len(row) for row in ids]
    assert corpus.fingerprints.tolist() == [fingerprint64(text) for text in standard]


def test_every_refusal_has_row_and_reason(tmp_path: Path) -> None:
    corpus = build_corpus(file_of(tmp_path, LINES), tmp_path / "root", SETTINGS, jobs=1)
    wanted = {row: (text, BAD[text]) for row, text in enumerate(LINES, 1) if text in BAD}
    assert rejects_of(corpus.folder) == wanted
    assert corpus.refused == dict.fromkeys(BAD.values(), 1)
    assert len(corpus) + sum(corpus.refused.values()) == len(LINES)
    assert corpus.meta["molecules"] == len(corpus)


def test_duplicates_are_found_across_chunks_and_spellings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHUNK", 2)
    corpus = build_corpus(file_of(tmp_path, ["CCO", "CCN", "CCC", "C(O)C", "OCC", "NCC"]), tmp_path / "root", SETTINGS, jobs=1)
    assert len(corpus) == 3
    assert sorted(rejects_of(corpus.folder)) == [4, 5, 6]


def test_a_batch_holds_the_molecules_asked_for(tmp_path: Path) -> None:
    corpus = build_corpus(file_of(tmp_path, ["CCO", "c1ccccc1", "CCN", "CCC"]), tmp_path / "root", CorpusSettings(vocabulary=0), jobs=1)
    batch = corpus.batch(np.array([3, 0, 2]))
    assert batch.dtype == np.int64
    assert batch.tolist() == [corpus[i].tolist() for i in (3, 0, 2)]


def test_ids_are_mapped_from_disk_as_int16(tmp_path: Path) -> None:
    corpus = build_corpus(file_of(tmp_path, GOOD), tmp_path / "root", SETTINGS, jobs=1)
    array: NDArray[np.int16] | None = corpus[0]
    assert array is not None
    assert array.dtype == np.int16
    while array is not None and not isinstance(array, np.memmap):
        array = array.base
    assert isinstance(array, np.memmap)
    assert (corpus.folder / "tokens.bin").stat().st_size == 2 * corpus.lengths.sum()


def test_a_second_call_opens_what_is_there(tmp_path: Path) -> None:
    path, calls = file_of(tmp_path, LINES), []
    first = build_corpus(path, tmp_path / "root", SETTINGS, jobs=1, progress=calls.append)
    assert calls[-1] == len(LINES)
    times = {file: file.stat().st_mtime_ns for file in first.folder.iterdir()}
    again = build_corpus(path, tmp_path / "root", SETTINGS, jobs=1, progress=lambda rows: pytest.fail("it was built again"))
    assert {file: file.stat().st_mtime_ns for file in again.folder.iterdir()} == times
    assert list((tmp_path / "root").iterdir()) == [first.folder]


def test_the_key_tells_content_settings_and_tokenizer_apart(tmp_path: Path) -> None:
    path = file_of(tmp_path, GOOD)
    tokenizers = [Tokenizer.train([["[C]"]], 0, symbols) for symbols in ([], ["[O]"])]
    keys = [
        corpus_key(path, SETTINGS),
        corpus_key(file_of(tmp_path / "other", GOOD[1:]), SETTINGS),
        corpus_key(path, CorpusSettings(vocabulary=31)),
        corpus_key(path, CorpusSettings(vocabulary=30, column="smiles")),
        corpus_key(path, CorpusSettings(30, Standardizer(largest_fragment=True))),
        corpus_key(path, CorpusSettings(30, Standardizer(neutralize=True))),
        corpus_key(path, CorpusSettings(30, Standardizer(max_atoms=9))),
        *(corpus_key(path, SETTINGS, tokenizer) for tokenizer in tokenizers),
    ]
    assert len(set(keys)) == len(keys)
    assert corpus_key(file_of(tmp_path / "copy", GOOD, "copy.smi"), SETTINGS) == keys[0], "the name of the file does not matter"


def test_a_killed_build_goes_on_and_ends_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHUNK", 3)
    path = file_of(tmp_path, LINES)
    whole = build_corpus(path, tmp_path / "whole", SETTINGS, jobs=1)

    with pytest.raises(Stop):
        build_corpus(path, tmp_path / "killed", SETTINGS, jobs=1, progress=after(chunks=2))
    (partial,) = (tmp_path / "killed").iterdir()
    assert partial.suffix == ".partial"
    done = len(list(partial.glob("chunk-*.parquet")))
    assert 2 <= done < -(-len(LINES) // 3)
    (partial / "chunk-00004.tmp").write_bytes(b"half a chunk")

    encoded, encode = [], module._encoded
    monkeypatch.setattr(module, "_encoded", lambda row, *how: encoded.append(row.row) or encode(row, *how))
    resumed = build_corpus(path, tmp_path / "killed", SETTINGS, jobs=1)
    assert encoded == list(range(3 * done + 1, len(LINES) + 1)), "chunks that were done are not done again"
    assert bytes_of(resumed) == bytes_of(whole)
    assert list((tmp_path / "killed").iterdir()) == [resumed.folder]


def test_a_kill_while_the_parts_are_put_together_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = file_of(tmp_path, LINES)
    whole = build_corpus(path, tmp_path / "whole", SETTINGS, jobs=1)

    def kill(*_: object, **__: object) -> None:
        raise Stop

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", kill)  # the last step: meta.json is there, the chunks are not removed
        with pytest.raises(Stop):
            build_corpus(path, tmp_path / "killed", SETTINGS, jobs=1)
    assert bytes_of(build_corpus(path, tmp_path / "killed", SETTINGS, jobs=1)) == bytes_of(whole)


def test_two_processes_write_the_same_bytes_as_one(tmp_path: Path, smiles: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHUNK", 50)
    path = file_of(tmp_path, smiles + LINES)
    one, two = (build_corpus(path, tmp_path / str(jobs), SETTINGS, jobs=jobs) for jobs in (1, 2))
    assert bytes_of(one) == bytes_of(two)


def test_the_alphabet_holds_a_symbol_that_stands_in_one_molecule_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SAMPLE", 2)
    corpus = build_corpus(file_of(tmp_path, [*("C" * n for n in range(1, 60)), "CCBr"]), tmp_path / "root", SETTINGS, jobs=1)
    assert len(corpus) == 60
    assert "[Br]" in corpus.tokenizer


def test_with_a_tokenizer_given_foreign_symbols_are_refused(tmp_path: Path) -> None:
    tokenizer = Tokenizer.train([["[C]", "[O]"]], 0)
    corpus = build_corpus(file_of(tmp_path, ["CO", "CN", "CCO", "CBr"]), tmp_path / "root", SETTINGS, tokenizer, jobs=1)
    assert corpus.tokenizer.to_json() == tokenizer.to_json()
    assert [tokenizer.symbols_of(corpus[i]) for i in range(len(corpus))] == [["[C]", "[O]"], ["[C]", "[C]", "[O]"]]
    assert {row: reason for row, (_, reason) in rejects_of(corpus.folder).items()} == dict.fromkeys((2, 4), "symbol not in the vocabulary")
    assert "[N]" in (corpus.folder / "rejects.csv").read_text()


def test_no_usable_molecule_is_an_error_with_counts(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"no usable molecule.*not a SMILES \(2\), a reaction, not a molecule \(1\).*rejects\.csv"
    ) as caught:
        build_corpus(file_of(tmp_path, ["aspirin", "C>>O", "ibuprofen"]), tmp_path / "root", SETTINGS, jobs=1)
    rejects = Path(str(caught.value).rsplit(" ", 1)[-1])
    assert sorted(rejects_of(rejects.parent)) == [1, 2, 3]


def test_the_options_of_the_standardizer_are_used(tmp_path: Path) -> None:
    settings = CorpusSettings(0, Standardizer(largest_fragment=True, neutralize=True))
    corpus = build_corpus(file_of(tmp_path, ["CC(=O)[O-].[Na+]"]), tmp_path / "root", settings, jobs=1)
    assert corpus.tokenizer.symbols_of(corpus[0]) == to_symbols("CC(=O)O")


def test_a_full_disk_is_a_data_error_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHUNK", 3)
    path, write, written = file_of(tmp_path, LINES), module.pq.write_table, []

    def full(table: object, where: Path) -> None:
        if len(written) == 2:
            where.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(where)
        write(table, where)

    with monkeypatch.context() as patch:
        patch.setattr(module.pq, "write_table", full)
        with pytest.raises(DataError, match=r"No space left on device.*is kept"):
            build_corpus(path, tmp_path / "root", SETTINGS, jobs=1)
    assert len(build_corpus(path, tmp_path / "root", SETTINGS, jobs=1)) == len(GOOD)


@pytest.mark.parametrize("name", ["meta.json", "offsets.npy", "fingerprints.npy", "tokens.bin"])
@pytest.mark.parametrize("damage", ["missing", "empty", "cut"])
def test_a_damaged_corpus_is_a_data_error(name: str, damage: str, tmp_path: Path) -> None:
    folder = build_corpus(file_of(tmp_path, GOOD), tmp_path / "root", SETTINGS, jobs=1).folder
    path = folder / name
    content = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes(b"" if damage == "empty" else content[: len(content) // 2])
    with pytest.raises(DataError, match="is not a whole corpus"):
        Corpus(folder)


def test_a_missing_file_is_a_data_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.smi: no such file"):
        build_corpus(tmp_path / "none.smi", tmp_path / "root")


def test_a_tokenizer_given_can_be_extended_by_the_symbols_it_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHUNK", 2)
    tokenizer, path = Tokenizer.train([["[C]", "[O]"]], 0), file_of(tmp_path, ["CO", "CN", "CCO", "CBr", "NCN"])
    corpus = build_corpus(path, tmp_path / "root", SETTINGS, tokenizer, extend=True, jobs=1)
    assert corpus.tokenizer.symbols == ["[C]", "[O]", "[N]", "[Br]"], "those of most molecules come first"
    assert len(corpus) == 5
    assert corpus.refused == {}
    assert len(build_corpus(path, tmp_path / "root", SETTINGS, tokenizer, jobs=1)) == 2, "the other corpus is another one"


def test_an_explosion_of_symbols_is_cut_to_the_commonest_and_the_rest_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_NEW", 2)
    rows = ["CO", "CN", "CCN", "CBr", "CCBr", "CI", "CF"]
    corpus = build_corpus(file_of(tmp_path, rows), tmp_path / "root", SETTINGS, Tokenizer.train([["[C]", "[O]"]], 0), extend=True, jobs=1)
    assert corpus.tokenizer.symbols == ["[C]", "[O]", "[Br]", "[N]"]
    assert corpus.refused == {"symbol not in the vocabulary": 2}
    assert sorted(rejects_of(corpus.folder)) == [6, 7]
