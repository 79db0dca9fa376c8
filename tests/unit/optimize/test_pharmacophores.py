"""Pharmacophores against those that RDKit's own code finds."""

from __future__ import annotations

import pytest
from rdkit import Chem
from rdkit.Chem.Pharm2D import Generate, Gobbi_Pharm2D

from molvae.optimize.oracles.guacamol import HOPPING
from molvae.optimize.oracles.pharmacophores import pharmacophores


@pytest.mark.parametrize(
    "smiles",
    [HOPPING, "C", "CCO", "OC(=O)CC(N)CS", "[Na+].[O-]C(=O)c1ccccc1.CCN", "OB(O)c1ccc(cc1)-c1ccccc1Br", "NCCCCCCCCCCCCCCCCCCCCOc1ccncc1"],
)
def test_the_bits_are_those_of_rdkit(smiles: str) -> None:
    mol = Chem.MolFromSmiles(smiles)
    theirs = Generate.Gen2DFingerprint(mol, Gobbi_Pharm2D.factory)  # type: ignore[no-untyped-call]
    assert list(pharmacophores(mol).GetOnBits()) == list(theirs.GetOnBits())


def test_the_bits_of_data_are_those_of_rdkit(smiles: list[str]) -> None:
    for mol in map(Chem.MolFromSmiles, smiles[:30]):
        theirs = Generate.Gen2DFingerprint(mol, Gobbi_Pharm2D.factory)  # type: ignore[no-untyped-call]
        assert list(pharmacophores(mol).GetOnBits()) == list(theirs.GetOnBits())
