"""The registry of properties: name -> function, unit, range."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from rdkit import Chem, RDConfig, rdBase
from rdkit.Chem import QED, Crippen, Descriptors, rdMolDescriptors

from molvae.chem.molecules import parse
from molvae.errors import DataError, MoleculeError

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Property:
    """A number that can be computed from a molecule alone.

    Attributes:
        name: the column it gets.
        function: from an RDKit molecule to the number.
        unit: its unit, empty for a pure number.
        range: lowest and highest value: the bounds of the definition where there are any, otherwise what drug-like molecules
            span. For axes and scaling; a value outside is no error.
        description: one line for people.
    """

    name: str
    function: Callable[[Chem.Mol], float]
    unit: str
    range: tuple[float, float]
    description: str


def _sa(mol: Chem.Mol) -> float:
    return float(_sascorer().calculateScore(mol))


def _penalized_logp(mol: Chem.Mol) -> float:
    largest = max((len(ring) for ring in mol.GetRingInfo().AtomRings()), default=0)
    return float(Crippen.MolLogP(mol) - _sa(mol) - max(largest - 6, 0))  # type: ignore[attr-defined]


@cache
def _sascorer() -> ModuleType:
    """RDKit's Contrib module for the SA score, which is not on the import path; its table is loaded once."""
    path = Path(RDConfig.RDContribDir) / "SA_Score" / "sascorer.py"
    if not path.exists():
        raise DataError(f"the SA score needs {path}, which this RDKit came without; install rdkit from PyPI or conda-forge")
    spec = importlib.util.spec_from_file_location("molvae_sascorer", path)
    assert spec is not None and spec.loader is not None  # a .py file always has both
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_ALL = (
    Property("logP", Crippen.MolLogP, "", (-3.0, 8.0), "octanol-water partition, Wildman and Crippen 1999"),  # type: ignore[attr-defined]
    Property("QED", QED.qed, "", (0.0, 1.0), "quantitative estimate of drug-likeness, Bickerton 2012; high is drug-like"),
    Property("SA", _sa, "", (1.0, 10.0), "synthetic accessibility, Ertl and Schuffenhauer 2009; low is easy"),
    Property("MW", Descriptors.MolWt, "Da", (0.0, 1000.0), "average molecular weight"),  # type: ignore[attr-defined]
    Property("TPSA", rdMolDescriptors.CalcTPSA, "Å²", (0.0, 250.0), "topological polar surface area, Ertl 2000"),
    Property("HBD", rdMolDescriptors.CalcNumHBD, "", (0.0, 10.0), "hydrogen-bond donors"),
    Property("HBA", rdMolDescriptors.CalcNumHBA, "", (0.0, 20.0), "hydrogen-bond acceptors"),
    Property("rotatable_bonds", rdMolDescriptors.CalcNumRotatableBonds, "", (0.0, 20.0), "rotatable bonds, amides not counted"),
    Property("rings", rdMolDescriptors.CalcNumRings, "", (0.0, 10.0), "rings, smallest set"),
    Property("Fsp3", rdMolDescriptors.CalcFractionCSP3, "", (0.0, 1.0), "share of carbons that are sp3"),
    Property("heavy_atoms", Chem.Mol.GetNumHeavyAtoms, "", (0.0, 70.0), "atoms other than hydrogen"),
    Property(
        "penalized_logP",
        _penalized_logp,
        "",
        (-10.0, 6.0),
        "logP - SA - atoms of the largest ring beyond 6, not normalised",
    ),
)

#: Every property by its name.
PROPERTIES: dict[str, Property] = {each.name: each for each in _ALL}

#: What `compute` gives when no names are asked for.
DEFAULT = ("logP", "QED", "SA", "MW", "TPSA", "HBD", "HBA", "rotatable_bonds", "rings", "Fsp3")


def compute(smiles: Sequence[str], names: Sequence[str] | None = None) -> pandas.DataFrame:
    """Properties of molecules: one row a SMILES, one column a name, all float; NaN throughout for an empty string.

    Args:
        smiles: SMILES; an empty string stands for no molecule.
        names: keys of `PROPERTIES`, in the order of the columns; None is `DEFAULT`.

    Raises:
        DataError: an unknown name, or a text that is no molecule, with its row (from 1).

    >>> compute(["CCO", ""], ["heavy_atoms", "rings"])
       heavy_atoms  rings
    0          3.0    0.0
    1          NaN    NaN
    """
    import pandas

    chosen = lookup(DEFAULT if names is None else names)
    rows = [_values(text, row, chosen) for row, text in enumerate(smiles, 1)]
    return pandas.DataFrame(rows, columns=[each.name for each in chosen], dtype=float)


def lookup(names: Sequence[str]) -> list[Property]:
    """The properties of these names; raises DataError, with the nearest and all known ones, when there is no such property.

    >>> [each.unit for each in lookup(["MW", "QED"])]
    ['Da', '']
    """
    unknown = [name for name in names if name not in PROPERTIES]
    if unknown:
        raise DataError(f"unknown property {', '.join(map(repr, unknown))}, expected one of {', '.join(PROPERTIES)}{_nearest(unknown)}")
    return [PROPERTIES[name] for name in names]


def _nearest(unknown: Sequence[str]) -> str:
    """The known names that unknown ones may have meant, as the end of a sentence."""
    known = {name.lower(): name for name in PROPERTIES}
    near = [known[found] for name in unknown for found in get_close_matches(name.strip().lower(), known)]
    return f"; nearest: {', '.join(dict.fromkeys(near))}" if near else ""


def _values(text: str, row: int, chosen: Sequence[Property]) -> list[float]:
    if not text:
        return [float("nan")] * len(chosen)
    try:
        mol = parse(text)
    except MoleculeError as error:
        raise DataError(f"row {row}: {text[:80]!r} has no properties: {error}") from error
    with rdBase.BlockLogs():
        return [float(each.function(mol)) for each in chosen]
