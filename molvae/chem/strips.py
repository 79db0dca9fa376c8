"""A walk from molecule to molecule as a picture, with what each step changed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from rdkit import Chem
from rdkit.Chem import rdFMCS

from molvae.chem.drawing import grid
from molvae.chem.molecules import parse

_SECONDS = 2  # for the common part of two molecules; what was found by then is taken


def strip(smiles: Sequence[str], path: str | Path, legends: Sequence[str] | None = None, columns: int = 5) -> None:
    """Draw a walk in reading order; the atoms that the step before did not have are coloured. The file appears whole or not at all.

    Args:
        smiles: valid SMILES, one a step.
        path: a .png or .svg file.
        legends: one line under each molecule.
        columns: most cells in a row.

    Raises:
        MoleculeError: one of `smiles` is no molecule.
        DataError: as `molvae.chem.drawing.grid`.
    """
    mols = [parse(text) for text in smiles]
    changes = [[], *(changed_atoms(before, after) for before, after in pairwise(mols))]
    grid(smiles, path, legends, columns, size=(260, 200), highlights=changes)


def changed_atoms(before: Chem.Mol, after: Chem.Mol) -> list[int]:
    """Atoms of `after` outside the largest connected part the two have in common, in which rings match whole rings.

    >>> changed_atoms(parse("c1ccccc1C"), parse("c1ccccc1CO"))
    [7]
    >>> changed_atoms(parse("CCO"), parse("CCO"))
    []
    """
    common = rdFMCS.FindMCS([before, after], timeout=_SECONDS, ringMatchesRingOnly=True, completeRingsOnly=True)
    part = Chem.MolFromSmarts(common.smartsString) if common.numAtoms else None
    kept = set(after.GetSubstructMatch(part)) if part else set()
    return [at for at in range(after.GetNumAtoms()) if at not in kept]
