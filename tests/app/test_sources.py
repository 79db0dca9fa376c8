from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from molvae.app import sources
from molvae.app.sources import molecule, pasted, uploaded
from molvae.app.structures import picture
from molvae.errors import DataError


@pytest.mark.parametrize("text", ["", "aspirin", "C" * 10_000_000, "CC\n![x](http://a.b)", "C(", "<script>alert(1)</script>"])
def test_nonsense_is_refused_in_few_words(text: str) -> None:
    with pytest.raises(DataError) as error:
        molecule(text)
    assert len(str(error.value)) < 250


def test_a_pasted_list_keeps_names_and_counts_what_is_refused() -> None:
    found = pasted("OCC =cmd()\n\nnonsense here\nc1ccccc1\n")
    assert found.frame.to_dict("list") == {"name": ["=cmd()", ""], "smiles": ["CCO", "c1ccccc1"]}
    assert found.refused == {"not a SMILES": 1}
    assert "name" not in pasted("C\nCC").frame


def test_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="10,000,000 characters"):
        pasted("C\n" * 5_000_000)
    with pytest.raises(DataError, match="at most 50 MB"):
        uploaded("a.smi", bytes(51 * 2**20))
    monkeypatch.setattr(sources, "ROWS", 3)
    found = uploaded("many.smi.gz", gzip.compress(b"C\n" * 1000))
    assert (len(found.frame), found.cut) == (3, True)


@pytest.mark.parametrize(
    ("name", "content"), [("a.exe", b"C\n"), ("a.smi", b""), ("a.smi", b"x\xff\xfe\n"), ("a.csv", b"a,b\n1,2\n"), ("a.parquet", b"no")]
)
def test_a_bad_file_is_named_without_folders(name: str, content: bytes, tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        uploaded(name, content)
    assert "/tmp" not in str(error.value)
    assert str(tmp_path.parent) not in str(error.value)


def test_an_sdf_is_read() -> None:
    from molvae.app.tables import sdf_bytes

    made = pasted("OCC ethanol\nc1ccccc1 benzene")
    assert uploaded("../../x.sdf", sdf_bytes(made.frame)).frame.to_dict("list") == made.frame.to_dict("list")


def test_pictures_hold_no_text_of_the_user() -> None:
    for text in ("<script>alert(1)</script>", "C" * 100_000, ""):
        drawn = picture(text)
        assert drawn.startswith(b"<?xml")
        assert b"script" not in drawn
    assert picture("CCO") != picture("")
