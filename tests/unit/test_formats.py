"""Files of molecules: what is written is read back, what cannot be read is refused with a reason, and nothing is held in memory."""

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pandas
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from molvae.chem.molecules import canonical, parse
from molvae.data.formats import Row, read_rows, smiles_column
from molvae.data.writers import Reject, Rejects, check_output, write_table
from molvae.errors import DataError, MoleculeError

FORMATS = [".smi", ".txt", ".csv", ".tsv", ".sdf", ".smi.gz", ".txt.gz", ".csv.gz", ".tsv.gz", ".sdf.gz", ".parquet"]
TEXTS = [".smi", ".txt", ".csv", ".tsv"]
DRUGS = [
    "CCO",
    "CC(=O)Oc1ccccc1C(=O)O",
    "C[C@H](N)C(=O)O",
    "F/C=C/F",
    "F/C=C\\F",
    "[2H]OC",
    "CC(=O)[O-].[Na+]",
    "C[N+](C)(C)CC(=O)[O-]",
    "C[C@]12CC[C@H]3[C@@H](CCC4=CC(=O)CC[C@@]43C)[C@@H]1CC[C@@H]2O",
    "[CH3]",
]


def smiles_of(path: Path, column: str | None = None) -> list[str]:
    return [row.text for row in read_rows(path, column)]


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    data = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


@pytest.mark.parametrize("suffix", FORMATS)
def test_what_is_written_is_read_back(tmp_path: Path, suffix: str) -> None:
    frame = pandas.DataFrame({"smiles": DRUGS, "name": [f"drug {i}" for i in range(len(DRUGS))], "score": 0.5})
    path = tmp_path / "new" / "folder" / f"out{suffix}"
    write_table(frame, path)
    rows = list(read_rows(path))
    assert [canonical(parse(row.text)) for row in rows] == [canonical(parse(text)) for text in DRUGS]
    assert [row.row for row in rows] == list(range(1, len(DRUGS) + 1))
    assert [row.name for row in rows] == list(frame["name"])
    assert list(path.parent.iterdir()) == [path]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(st.sampled_from(["", *DRUGS]), st.text(st.characters(codec="utf-8", exclude_characters="\0"))), min_size=1),
    suffix=st.sampled_from(FORMATS),
)
def test_no_row_is_lost_whatever_the_names(tmp_path: Path, rows: list[tuple[str, str]], suffix: str) -> None:
    rows = [*rows, ("CCO", "last")]  # trailing blank lines of a .smi are no rows
    path = tmp_path / f"out{suffix}"
    write_table(pandas.DataFrame(rows, columns=["smiles", "name"]), path)
    found = [text and canonical(parse(text)) for text in smiles_of(path)]
    assert found == [smiles and canonical(parse(smiles)) for smiles, _ in rows]


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_line_ends_within_a_field_are_quoted(tmp_path: Path, suffix: str, end: str) -> None:
    write_table(pandas.DataFrame({"smiles": ["CCO", "CCN"], "name": [f"a{end}b", "c"]}), tmp_path / f"out{suffix}")
    assert list(read_rows(tmp_path / f"out{suffix}")) == [Row(1, "CCO", "a\nb"), Row(2, "CCN", "c")]
    with Rejects(tmp_path / "out") as rejects:
        rejects.add(Reject(1, f"a{end}b", "not a SMILES"))
    assert (tmp_path / "out.rejects.csv").read_text().count('"') == 2
    assert b"\r\n" not in (tmp_path / f"out{suffix}").read_bytes()


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_same_table_gives_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    frame = pandas.DataFrame({"smiles": DRUGS})
    write_table(frame, tmp_path / f"a{suffix}")
    write_table(frame, tmp_path / f"b{suffix}")
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


@pytest.mark.parametrize("name", [f"in{suffix}{gz}" for suffix in TEXTS for gz in ("", ".gz")] + ["IN.SMI", "in.v2.Csv.GZ"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_byte_order_mark_and_mixed_line_ends(tmp_path: Path, name: str, mark: str) -> None:
    content = (mark + "SMILES\r\nCCO\rCCN\nCCC\r\n\r\nCCF\n\n\r\n  \n").encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.lower().endswith(".gz") else content)
    if name.lower().startswith(("in.smi", "in.txt")):
        assert [(row.row, row.text) for row in read_rows(tmp_path / name)] == list(enumerate(["CCO", "CCN", "CCC", "", "CCF"], 2))
    else:
        rows = [(row.row, row.text) for row in read_rows(tmp_path / name)]
        assert rows[:5] == list(enumerate(["CCO", "CCN", "CCC", "", "CCF"], 1))


def test_line_ends_that_fall_between_two_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "in.smi", "CCO é\r\nCCN ü\r\nCCC\r\n")
    for block in range(1, 12):
        monkeypatch.setattr("molvae.data.text._BLOCK", block)
        assert [(row.row, row.text, row.name) for row in read_rows(path)] == [(1, "CCO", "é"), (2, "CCN", "ü"), (3, "CCC", None)]


@pytest.mark.parametrize("header", ["smiles", "SMILES", "Canonical SMILES", "isomeric-smiles", "Molecule_Smiles", "Structure", "mol"])
@pytest.mark.parametrize(("suffix", "comma"), [(".csv", ","), (".csv", ";"), (".csv", "\t"), (".tsv", "\t")])
def test_the_smiles_column_is_found(tmp_path: Path, header: str, suffix: str, comma: str) -> None:
    path = written(tmp_path, f"in{suffix}", f'ID{comma}{header}{comma}note\n7{comma}CCO{comma}"a{comma} ""b""\nc"\n')
    assert list(read_rows(path)) == [Row(1, "CCO", "7")]


def test_a_named_column_is_matched_exactly_then_by_case(tmp_path: Path) -> None:
    path = written(tmp_path, "in.csv", "LIGAND,ligand,smiles\nCCO,CCN,CCC\n")
    assert [smiles_of(path, column) for column in ("ligand", "LIGAND", "Ligand", None)] == [["CCN"], ["CCO"], ["CCO"], ["CCC"]]


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_a_single_column_without_header(tmp_path: Path, suffix: str) -> None:
    assert smiles_of(written(tmp_path, f"in{suffix}", "CCO\nCCN\n")) == ["CCO", "CCN"]
    assert smiles_of(written(tmp_path, f"one{suffix}", "CCO")) == ["CCO"]


def test_one_row_files(tmp_path: Path) -> None:
    assert [smiles_of(written(tmp_path, name, "CCO")) for name in ("in.smi", "in.txt.gz")] == [["CCO"], ["CCO"]]
    assert smiles_of(written(tmp_path, "in.csv", "smiles\nCCO")) == ["CCO"]


def test_a_row_with_too_few_fields_keeps_its_number_and_says_why(tmp_path: Path) -> None:
    rows = list(read_rows(written(tmp_path, "in.csv", "id,smiles\n1,CCO\n2\n3,CCN\n")))
    assert [(row.row, row.text, row.problem is None) for row in rows] == [(1, "CCO", True), (2, "", False), (3, "CCN", True)]
    with pytest.raises(MoleculeError, match="too few fields: 1 fields"):
        rows[1].checked()


def test_an_unreadable_sdf_record_keeps_its_number_and_says_why(tmp_path: Path) -> None:
    path = tmp_path / "in.sdf"
    write_table(pandas.DataFrame({"smiles": ["CCO", "CCN", "C[N+](C)(C)C"]}), path)
    first, second, third, _ = path.read_text().split("$$$$\n")
    third = third.replace("M  CHG", "M  ISO")  # a neutral nitrogen with four bonds
    path.write_text("$$$$\n".join([first, "rubbish\n", second, third, first]).replace("\n", "\r\n"))
    rows = list(read_rows(path))
    assert [(row.row, row.text) for row in rows] == [(1, "CCO"), (2, ""), (3, "CCN"), (4, ""), (5, "CCO")]
    assert [row.problem.reason for row in rows if row.problem] == ["unreadable SDF record"] * 2
    assert rows[3].problem is not None and "valence" in rows[3].problem.detail


def test_large_molecules_pass_through_sdf(tmp_path: Path) -> None:
    write_table(pandas.DataFrame({"smiles": ["C" * 1001]}), tmp_path / "in.sdf")
    assert smiles_of(tmp_path / "in.sdf") == ["C" * 1001]


def bad_files() -> Iterator[tuple[str, bytes, str | None, str]]:
    packed = gzip.compress(b"CCO\n" * 1000)
    yield "in.smi", b"", None, "is empty|has no rows"
    yield "in.csv", b"", None, "is empty"
    yield "in.csv", b"\n\r\n \n", None, "is empty"
    yield "in.sdf", b"", None, "has no rows"
    yield "in.smi", b"\n\n", None, "has no rows"
    yield "in.smi", b"smiles name\n", None, "has no rows"
    yield "in.csv", b"id,smiles\n\n", None, "has no rows"
    yield "in.xlsx", b"PK", None, "unknown suffix '.xlsx', expected one of .smi, .*parquet"
    yield "in", b"CCO", None, "unknown suffix ''"
    yield "in.gz", b"CCO", None, "unknown suffix '.gz'"
    yield "in.csv", b"id,ligand\n1,CCO\n", None, "no column is called smiles.*id, ligand"
    yield "in.csv", b"id,smiles\n1,CCO\n", "smile", "no column 'smile'; the file has: id, smiles"
    yield "in.smi", b"CCO\n", "smiles", "no named columns"
    yield "in.txt", b"SMILES,SPLIT\nCCO,train\n", None, "give it the suffix .csv"
    yield "in.smi", b"CCO\nCC\xff\n", None, "not UTF-8 text: byte 6 is 0xff"
    yield "in.smi", b"CCO \xc3", None, "not UTF-8 text: byte 4 is 0xc3"
    yield "in.smi", b"\xef\xbb\xbfCCO \xe9\n", None, "not UTF-8 text: byte 7 is 0xe9"
    yield "in.smi", b"CCO\n\0\0", None, "binary data .a zero at byte 4."
    yield "in.csv", b"\xff\xfes\0m\0", None, "UTF-16"
    yield "in.smi", packed, None, "not UTF-8 text: byte 1 |binary data"
    yield "in.smi.gz", b"CCO\n", None, "not a gzip file"
    yield "in.smi.gz", packed[:-9], None, "damaged"
    yield "in.smi.gz", packed[:20] + b"\xff\xff" + packed[22:], None, "damaged"
    yield "in.csv", b'smiles,name\nCCO,"open\nCCN,b\n', None, "line 3: .*quotation mark"
    yield "in.parquet", b"PAR1 nonsense", None, "damaged or not a Parquet file"
    yield "in.parquet", b"", None, "damaged or not a Parquet file"


@pytest.mark.parametrize(("name", "content", "column", "message"), list(bad_files()))
def test_bad_files_are_refused_with_their_cause(tmp_path: Path, name: str, content: bytes, column: str | None, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        list(read_rows(tmp_path / name, column))
    assert name in str(caught.value)


def test_missing_files_and_folders_are_refused_before_the_first_row(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_rows(tmp_path / "none.smi")
    (tmp_path / "dir.smi").mkdir()
    with pytest.raises(DataError, match="is a directory"):
        read_rows(tmp_path / "dir.smi")


def test_bytes_are_counted_over_blocks(tmp_path: Path) -> None:
    path = written(tmp_path, "in.smi", b"CCO\n" * 600_000 + b"\xc3(")
    with pytest.raises(DataError, match="byte 2400000 is 0xc3"):
        list(read_rows(path))


def test_parquet_columns(tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    frame = pandas.DataFrame({"n": [1, 2, 3], "Smiles": ["CCO", None, "CCN"], "kind": pandas.Categorical(["CC", "CN", "CC"])})
    frame.to_parquet(path)
    assert list(read_rows(path)) == [Row(1, "CCO"), Row(2, ""), Row(3, "CCN")]
    assert smiles_of(path, "kind") == ["CC", "CN", "CC"]
    with pytest.raises(DataError, match="column 'n' holds int64, expected text"):
        list(read_rows(path, "n"))


@pytest.mark.parametrize("name", ["in.smi", "in.csv.gz", "in.parquet"])
def test_rows_are_streamed(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write_table(pandas.DataFrame({"smiles": [f"{'C' * 60}[{i}CH3]" for i in range(100_000)]}), path)
    next(read_rows(path))  # imports and the first block
    tracemalloc.start()
    assert sum(1 for _ in read_rows(path)) == 100_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3_000_000  # the text alone is 7 MB, the rows 20 MB


def test_rows_before_the_damage_are_given(tmp_path: Path) -> None:
    path = written(tmp_path, "in.smi", b"CCO\n" * 600_000 + b"\xff")
    rows = read_rows(path)
    assert next(rows) == Row(1, "CCO")


def test_a_file_of_one_endless_line_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("molvae.data.text.LONGEST", 1000)
    with pytest.raises(DataError, match="line 2 is longer than 1000"):
        list(read_rows(written(tmp_path, "in.smi", "CCO\n" + "C" * 2000)))


def test_rejects_are_counted_and_written(tmp_path: Path) -> None:
    out = tmp_path / "new" / "out.csv"
    with Rejects(out) as rejects:
        assert not out.parent.exists()
        rejects.add(Reject.of(Row(2, "CC*"), MoleculeError("a wildcard", "at 3")))
        for row in range(3, 14):
            rejects.add(Reject(row, 'a "b", c', "not a SMILES"))
    assert (rejects.total, rejects.summary()) == (12, "11 not a SMILES\n 1 a wildcard")
    table = pandas.read_csv(tmp_path / "new" / "out.csv.rejects.csv", keep_default_na=False)
    assert list(table.columns) == ["row", "input", "reason", "detail"]
    assert table.iloc[:2].to_numpy().tolist() == [[2, "CC*", "a wildcard", "at 3"], [3, 'a "b", c', "not a SMILES", ""]]


def test_no_rejects_no_file(tmp_path: Path) -> None:
    stale = written(tmp_path, "out.csv.rejects.csv", "from an earlier run")
    with Rejects(tmp_path / "out.csv") as rejects:
        pass
    assert (rejects.total, rejects.summary(), stale.exists()) == (0, "", False)


def test_rejects_that_cannot_be_written_say_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with Rejects(tmp_path / "file" / "out.csv") as rejects, pytest.raises(DataError, match=r"out.csv.rejects.csv cannot be written"):
        rejects.add(Reject(1, "", "empty"))


@pytest.mark.parametrize(
    ("name", "message"), [("out.xls", "unknown suffix '.xls'"), ("file/out.csv", "not a folder"), ("d.csv", "is a directory")]
)
def test_outputs_are_checked_before_the_work(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "d.csv").mkdir()
    for check in (check_output, lambda path: write_table(pandas.DataFrame({"smiles": ["C"]}), path)):
        with pytest.raises(DataError, match=message):
            check(tmp_path / name)
    assert check_output(tmp_path / "a" / "b" / "out.smi.gz") == tmp_path / "a" / "b" / "out.smi.gz"
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_full_disk_leaves_the_earlier_output(tmp_path: Path, suffix: str) -> None:
    resource = pytest.importorskip("resource")  # a limit on the size of files stands in for a full disk; not on Windows
    path = tmp_path / f"out{suffix}"
    write_table(pandas.DataFrame({"smiles": ["CCO"]}), path)
    before, limits = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    numbers = range(1, 200)
    frame = pandas.DataFrame({"smiles": [f"{'C' * 9}[{i}CH3]" for i in numbers], "x": [f"{i * 7919 % 1009}" for i in numbers]})
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 100, limits[1]))
    try:
        with pytest.raises(DataError, match=f"out{suffix} cannot be written: "):
            write_table(frame, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", [".smi", ".sdf"])
def test_a_table_without_the_column_is_refused(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(DataError, match="no column 'smiles' to write; the table has: a, b"):
        write_table(pandas.DataFrame({"a": [1], "b": [2]}), tmp_path / f"out{suffix}")


def test_parquet_says_what_it_cannot_hold(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="parquet file cannot hold"):
        write_table(pandas.DataFrame({"smiles": ["C", 3]}), tmp_path / "out.parquet")
    assert not list(tmp_path.iterdir())


def test_a_long_header_is_shown_in_part() -> None:
    with pytest.raises(DataError, match="c19 and 30 more"):
        smiles_column([f"c{i}" for i in range(50)], None, "in.csv")
