"""Pictures: the kind the suffix says, of the right size, whole or not at all."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from molvae.chem.drawing import grid
from molvae.errors import DataError

DRUGS = ["CCO", "CC(=O)Oc1ccccc1C(=O)O", "CN1C=NC2=C1C(=O)N(C(=O)N2C)C"]


def png_size(path: Path) -> tuple[int, ...]:
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", data[16:24])


@pytest.mark.parametrize(("count", "columns", "cells"), [(1, 5, (1, 1)), (5, 5, (5, 1)), (6, 5, (5, 2)), (3, 1, (1, 3))])
def test_png_has_the_size_of_its_cells(tmp_path: Path, count: int, columns: int, cells: tuple[int, int]) -> None:
    path = tmp_path / "new" / "out.PNG"
    grid(["CCO"] * count, path, columns=columns, size=(100, 80))
    assert png_size(path) == (cells[0] * 100, cells[1] * 80)
    assert list(path.parent.iterdir()) == [path]


def test_svg_is_white_with_bonds(tmp_path: Path) -> None:
    grid(DRUGS, tmp_path / "out.svg", legends=["a", "b", "c"])
    text = (tmp_path / "out.svg").read_text()
    assert "width='660px' height='180px'" in text and "fill:#FFFFFF" in text and "bond-0" in text
    assert "class='legend'" in text


@pytest.mark.parametrize("bad", ["", "aspirin", "CC(C)(C)(C)C", "*"])
def test_a_bad_molecule_is_an_empty_cell_with_its_legend(tmp_path: Path, bad: str, capfd: pytest.CaptureFixture[str]) -> None:
    grid([bad], tmp_path / "legend.svg", legends=["none"])
    grid([bad], tmp_path / "plain.svg")
    legend, plain = ((tmp_path / name).read_text() for name in ("legend.svg", "plain.svg"))
    assert "bond-" not in legend and "class='legend'" in legend
    assert "class='legend'" not in plain
    assert capfd.readouterr() == ("", "")


def test_the_same_molecules_give_the_same_picture(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        grid(DRUGS, tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize(
    ("count", "name", "options", "message"),
    [
        (1, "out.jpg", {}, "unknown suffix '.jpg', expected .png or .svg"),
        (0, "out.png", {}, "no molecules"),
        (1, "out.png", {"legends": ["a", "b"]}, "2 legends for 1 molecules"),
        (1, "out.png", {"columns": 0}, "0 columns"),
        (1000, "out.png", {"columns": 1}, "220 x 180000 pixels"),
        (1, "taken.png", {}, "taken.png cannot be written"),
    ],
)
def test_what_cannot_be_drawn_is_refused(tmp_path: Path, count: int, name: str, options: dict, message: str) -> None:
    (tmp_path / "taken.png").mkdir()
    with pytest.raises(DataError, match=message):
        grid(["CCO"] * count, tmp_path / name, **options)
    assert [path.name for path in tmp_path.iterdir()] == ["taken.png"]
