import pytest
from rdkit import Chem

from molvae.chem import filters
from molvae.chem.filters import alerts, passes
from molvae.chem.molecules import parse

# What mol_passes_filters of molsets 0.3.1 says, run on RDKit 2026.9.1 with `_mcf.append` written as `pd.concat`.
MOSES = {
    "C1CCCCCCC1": False, "C[N+](C)(C)C": False, "O=C=Nc1ccccc1": False, "CC=O": False, "C[Si](C)(C)C": False, "CCO": True,
    "CCO.CC": True, "C": True, "O=[N+]([O-])c1ccccc1": False, "N#CC=C(C)C": False, "c1ccc2c(c1)ccc1ccccc12": True, "CI": False,
    "FC(F)(F)C(F)(F)C(F)(F)F": False, "Oc1ccc(N=Nc2ccccc2)cc1": False, "CSSC": False,
}  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), MOSES.items())
def test_agrees_with_moses(text, wanted):
    assert passes(parse(text)) is wanted
    assert (alerts(parse(text)) == []) is wanted


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("C[Si](C)(C)C", "element Si"),
        ("CC(=O)[O-].[NH4+]", "charged atom"),
        ("C1CCCCCCC1", "ring of more than 7 atoms"),
        ("CC=O", "MCF7"),
        ("Oc1ccc(N=Nc2ccccc2)cc1", "PAINS azo_A(324)"),
    ],
)
def test_names_what_is_wrong(text, named):
    assert named in alerts(parse(text))


def test_several_reasons_are_all_named():
    assert alerts(parse("C[Si](C)(C)C=O")) == ["element Si", "MCF7"]


def test_rings_of_seven_pass():
    assert passes(parse("C1CCCCCC1"))


def test_every_smarts_is_read_and_has_a_name():
    known = filters._alerts()
    assert len(known.queries) == len(known.names) == 502
    assert all(query is not None for query in known.queries)
    assert len(set(known.names)) == 502


def test_the_screen_hides_no_alert(smiles):
    known = filters._alerts()
    mols = [Chem.AddHs(parse(text)) for text in [*MOSES, *smiles[:60]]]
    without = [[name for name, query in zip(known.names, known.queries, strict=True) if mol.HasSubstructMatch(query)] for mol in mols]
    assert [list(filters._structural(mol)) for mol in mols] == without
    assert sum(map(bool, without)) > 5
