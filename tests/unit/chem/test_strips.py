"""Pictures of walks, and what a step changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from molvae.chem.molecules import parse
from molvae.chem.strips import changed_atoms, strip
from molvae.errors import DataError, MoleculeError


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ("CCO", "CCO", set()),
        ("c1ccccc1", "Clc1ccccc1", {"Cl"}),
        ("Clc1ccccc1", "Fc1ccccc1", {"F"}),
        ("CCOCC", "F", {"F"}),
    ],
)
def test_what_is_new_has_changed(before: str, after: str, changed: set[str]) -> None:
    mol = parse(after)
    assert {mol.GetAtomWithIdx(at).GetSymbol() for at in changed_atoms(parse(before), mol)} == changed


def test_a_ring_that_grows_changes_as_a_whole() -> None:
    assert len(changed_atoms(parse("C1CCCC1"), parse("C1CCCCC1"))) == 6


def test_a_strip_colours_only_what_changed(tmp_path: Path) -> None:
    strip(["CCO", "CCO"], tmp_path / "same.svg")
    strip(["CCO", "CCOC"], tmp_path / "other.svg", ["0", "1"])
    colour = "#FFC6"
    assert colour not in (tmp_path / "same.svg").read_text()
    assert colour in (tmp_path / "other.svg").read_text()


def test_what_cannot_be_drawn_is_told(tmp_path: Path) -> None:
    with pytest.raises(MoleculeError, match="not a SMILES"):
        strip(["CCO", "nonsense"], tmp_path / "out.svg")
    with pytest.raises(DataError, match="no molecules to draw"):
        strip([], tmp_path / "out.svg")
