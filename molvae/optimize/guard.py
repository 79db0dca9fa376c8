"""Constraints against silly optima, such as a chain of 46 carbons that has the largest logP of all."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from rdkit import Chem, rdBase

from molvae.chem.filters import alerts, passes
from molvae.chem.properties import PROPERTIES
from molvae.optimize.sound import contradiction
from molvae.optimize.terms import Term

_CHARGED = "charged atom"  # MOSES has none, but a charge is nothing silly


@cache
def guard() -> tuple[Term, ...]:
    """The constraints, the quick ones first; the filters of MOSES (see `molvae.chem.filters`) come on top, but that charges pass.

    They are wider than drugs need: three in a thousand molecules of ZINC250k miss them, and none of MOSES.
    """
    return (
        Term(property="heavy_atoms", low=5, high=50, hard=True),
        Term(property="rotatable_bonds", high=12, hard=True),
        Term(property="rings", high=6, hard=True),
        Term(lacks="[CX4;!R]" * 8, name="a chain of eight saturated carbons"),
        Term(lacks="OO", name="a peroxide"),
        Term(lacks="*=C=*", name="cumulated double bonds"),
        Term(lacks="C#CC#C", name="a diyne"),
        Term(lacks="*@#*", name="a triple bond in a ring"),
        Term(lacks="[r3]=[r3]", name="a double bond in a ring of three"),
        Term(lacks="[r4]=[r4]", name="a double bond in a ring of four"),
        Term(property="SA", high=6, hard=True),
    )


def refused(mol: Chem.Mol) -> str:
    """Why a molecule is a silly optimum; empty when it is none.

    >>> from molvae.chem.molecules import parse
    >>> refused(parse("CC(=O)Nc1ccccc1")), refused(parse("C" * 46)), refused(parse("C" * 10))
    ('', 'rotatable_bonds is 43, at most 12', 'it has a chain of eight saturated carbons')
    """
    for term in guard():
        value = float(mol.HasSubstructMatch(term.pattern)) if term.is_pattern else PROPERTIES[term.key].function(mol)
        if not term.meets(value):
            return unmet(term, value)
    if any(atom.GetNumRadicalElectrons() for atom in mol.GetAtoms()):
        return "it has an unpaired electron"
    return "" if passes(mol) else next((f"filters: {reason}" for reason in alerts(mol) if reason != _CHARGED), "")


def unmet(term: Term, value: float) -> str:
    """How a value misses a hard term.

    >>> unmet(Term(property="logP", low=1, high=3, hard=True), 4.0)
    'logP is 4, at most 3'
    """
    if term.is_pattern:
        return f"it has {term.name or term.key}" if term.kind == "lacks" else f"it has no {term.name or term.key}"
    low, high = term.bounds
    what = f"similarity to {term.key}" if term.kind == "similar_to" else term.key
    return f"{what} is {value:.4g}, " + (f"at least {low:g}" if value < low else f"at most {high:g}")


def against_guard(terms: Sequence[Term]) -> str:
    """Why no molecule that passes can be as terms wish, empty when nothing is known against it."""
    for term in terms:
        reasons = _certain(term.key) if term.kind == "contains" else []
        found = f"filters: {reasons[0]}" if reasons else next((c for own in guard() if (c := contradiction([term, own]))), "")
        if found:
            return f"no molecule that passes the constraints against silly optima meets the term {term.label!r}: {found}"
    return ""


def _certain(pattern: str) -> list[str]:
    """What the filters find in every molecule with a pattern: elements; rings and alerts depend on the rest of it."""
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(pattern)
    return [] if mol is None else [reason for reason in alerts(mol) if reason.startswith("element")]
