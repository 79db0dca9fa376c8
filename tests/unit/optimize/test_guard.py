"""The constraints against silly optima."""

from __future__ import annotations

import pytest

from molvae.chem.molecules import parse
from molvae.optimize.guard import refused

DRUGS = [  # celecoxib, paracetamol, imatinib, sildenafil, atorvastatin without its charge, caffeine
    "Cc1ccc(-c2cc(C(F)(F)F)nn2-c2ccc(S(N)(=O)=O)cc2)cc1", "CC(=O)Nc1ccc(O)cc1",
    "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1", "CCCc1nn(C)c2c1nc(-c1cc(S(=O)(=O)N3CCN(C)CC3)ccc1OCC)[nH]c2=O",
    "CC(C)c1c(C(=O)Nc2ccccc2)c(-c2ccccc2)c(-c2ccc(F)cc2)n1CCC(O)CC(O)CC(=O)O", "Cn1c(=O)c2c(ncn2C)n(C)c1=O",
]  # fmt: skip


@pytest.mark.parametrize("text", [*DRUGS, "C[NH+](C)CCOC(c1ccccc1)c1ccccc1", "CC(C)Cc1ccc(cc1)C(C)C(=O)[O-]"])
def test_drugs_pass(text: str) -> None:
    assert refused(parse(text)) == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("C" * 46, "rotatable_bonds is 43, at most 12"),
        ("C" * 9, "it has a chain of eight saturated carbons"),
        ("CCO", "heavy_atoms is 3, at least 5"),
        ("C1CC2(C1)CC1(C2)CC2(C1)CC1(C2)CC2(C1)CC1(C2)CCC1", "rings is 7, at most 6"),
        ("CCOOCC", "it has a peroxide"),
        ("CC(C)C=C=CC", "it has cumulated double bonds"),
        ("CC(C)C#CC#CC", "it has a diyne"),
        ("C1#CCCCCCC1", "it has a triple bond in a ring"),
        ("CC(C)C1=CC1", "it has a double bond in a ring of three"),
        ("CC(C)C1=CCC1", "it has a double bond in a ring of four"),
        ("Cc1ccccc1[NH]", "it has an unpaired electron"),
        ("CCCC[Si](C)(C)C", "filters: element Si"),
        ("C1CCCCCCCC1", "filters: ring of more than 7 atoms"),
        ("Oc1ccc(N=Nc2ccccc2)cc1", "filters: "),
        ("OC1C2CC3C1C1C2C3C1N", "SA is 6.296, at most 6"),
    ],
)
def test_silly_optima_are_refused(text: str, reason: str) -> None:
    assert refused(parse(text)).startswith(reason)
