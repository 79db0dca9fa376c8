"""What the published tasks are put together from: similarities, descriptors, substructures and formulas, shaped and averaged.

The definitions are those of GuacaMol (Brown et al. 2019, doi:10.1021/acs.jcim.8b00839, section 3 and its supporting information).
A term is a function from an RDKit molecule to a number; a shape is a function from that number to [0, 1].
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from statistics import fmean
from typing import Any

from rdkit import Chem, DataStructs
from rdkit.Chem import GraphDescriptors, rdFingerprintGenerator, rdMolDescriptors

from molvae.chem.molecules import parse
from molvae.chem.properties import PROPERTIES

#: From a molecule to a number.
Term = Callable[[Chem.Mol], float]
#: From a number to a score in [0, 1].
Shape = Callable[[float], float]

#: Descriptors of the tasks that are no properties of their own, beside `PROPERTIES`.
_MORE: dict[str, Term] = {"aromatic_rings": rdMolDescriptors.CalcNumAromaticRings, "BertzCT": GraphDescriptors.BertzCT}


def as_is(x: float) -> float:
    """The number itself."""
    return x


def gaussian(mu: float, sigma: float) -> Shape:
    """1 at `mu`, falling on both sides like a normal density of width `sigma`.

    >>> round(gaussian(2, 0.5)(1), 4)
    0.1353
    """
    return lambda x: math.exp(-0.5 * ((x - mu) / sigma) ** 2)


def at_most(mu: float, sigma: float) -> Shape:
    """1 up to `mu`, falling beyond it (GuacaMol's min-Gaussian).

    >>> at_most(4, 1)(3), round(at_most(4, 1)(5), 4)
    (1.0, 0.6065)
    """
    bell = gaussian(mu, sigma)
    return lambda x: bell(max(x, mu))


def at_least(mu: float, sigma: float) -> Shape:
    """1 from `mu` on, falling below it (GuacaMol's max-Gaussian).

    >>> at_least(4, 1)(5), round(at_least(4, 1)(3), 4)
    (1.0, 0.6065)
    """
    bell = gaussian(mu, sigma)
    return lambda x: bell(min(x, mu))


def clipped(upper: float) -> Shape:
    """In proportion up to `upper`, where it is 1; for numbers from 0 on the same as GuacaMol's thresholded.

    >>> clipped(0.75)(0.375), clipped(0.75)(0.9)
    (0.5, 1.0)
    """
    return lambda x: min(max(x / upper, 0.0), 1.0)


def arithmetic(*terms: Term) -> Term:
    """The arithmetic mean of terms."""
    return lambda mol: fmean(term(mol) for term in terms)


def geometric(*terms: Term) -> Term:
    """The geometric mean of terms that are 0 or more: 0 where one of them is."""
    return lambda mol: geometric_mean([term(mol) for term in terms])


def geometric_mean(values: list[float]) -> float:
    """The geometric mean, through logarithms so that many small factors do not vanish; 0 where one of them is 0.

    >>> geometric_mean([0.25, 1.0]), geometric_mean([0.0, 1.0])
    (0.5, 0.0)
    """
    return math.exp(fmean(map(math.log, values))) if min(values) > 0 else 0.0


def described(name: str, shape: Shape = as_is) -> Term:
    """A property of `PROPERTIES`, "aromatic_rings" or "BertzCT" (Bertz's complexity index)."""
    function = _MORE.get(name) or PROPERTIES[name].function
    return lambda mol: shape(float(function(mol)))


def of_molecule(name: str, smiles: str, sigma: float) -> Term:
    """How near a descriptor is to that of a reference molecule: a Gaussian of width `sigma`."""
    return described(name, gaussian(described(name)(parse(smiles)), sigma))


def similar(smiles: str, kind: str, shape: Shape = as_is) -> Term:
    """Tanimoto similarity to a reference molecule, by counts of features (ECFP4, ECFP6, FCFP4, AP) or their presence (PHCO)."""
    make = fingerprint(kind)
    target = make(parse(smiles))
    return lambda mol: shape(float(DataStructs.TanimotoSimilarity(make(mol), target)))


@cache
def fingerprint(kind: str) -> Callable[[Chem.Mol], Any]:
    """Fingerprints as the tasks use them, none of them folded.

    ECFP4 and ECFP6: Morgan of radius 2 and 3. FCFP4 and FCFP6: the same on functional classes of atoms. AP: atom pairs up to 10 bonds
    apart. PHCO: Gobbi and Poppinger's 2D pharmacophores.
    """
    if kind == "PHCO":
        from molvae.optimize.oracles.pharmacophores import pharmacophores

        return pharmacophores
    if kind == "AP":
        return rdFingerprintGenerator.GetAtomPairGenerator(maxDistance=10).GetSparseCountFingerprint
    features = rdFingerprintGenerator.GetMorganFeatureAtomInvGen() if kind.startswith("FCFP") else None
    return rdFingerprintGenerator.GetMorganGenerator(radius=int(kind[-1]) // 2, atomInvariantsGenerator=features).GetSparseCountFingerprint


def has(smarts: str) -> Term:
    """1 where the substructure is present, else 0."""
    pattern = Chem.MolFromSmarts(smarts)
    return lambda mol: float(mol.HasSubstructMatch(pattern))


def lacks(smarts: str) -> Term:
    """1 where the substructure is absent, else 0."""
    present = has(smarts)
    return lambda mol: 1.0 - present(mol)


def fluorines(target: int) -> Term:
    """How near the number of fluorine atoms is to a target: a Gaussian of width 1."""
    shape = gaussian(target, 1)
    return lambda mol: shape(atom_counts(mol)["F"])


def isomer(formula: str) -> Term:
    """How near a molecule is to a molecular formula.

    The geometric mean of one Gaussian of width 1 for each element of the formula, and one of width 2 for the number of all atoms,
    hydrogens counted. That is also the corrected form of the PMO tasks (TDC after 0.3.6); before, TDC counted atoms in the SMILES text.

    >>> round(isomer("C2H6O")(parse("CO")), 4)  # one carbon and two hydrogens too few: ((exp -.5) (exp -2) 1 (exp -1.125)) ** (1 / 4)
    0.404
    """
    wanted = {symbol: int(number or 1) for symbol, number in re.findall(r"([A-Z][a-z]?)(\d*)", formula)}
    of_all = gaussian(sum(wanted.values()), 2)

    def term(mol: Chem.Mol) -> float:
        counts = atom_counts(mol)
        return geometric_mean([*(gaussian(number, 1)(counts[symbol]) for symbol, number in wanted.items()), of_all(counts.total())])

    return term


def atom_counts(mol: Chem.Mol) -> Counter[str]:
    """Atoms by their element, hydrogens among them.

    >>> dict(atom_counts(parse("CCO")))
    {'C': 2, 'O': 1, 'H': 6}
    """
    counts = Counter(atom.GetSymbol() for atom in mol.GetAtoms())
    counts["H"] += sum(atom.GetTotalNumHs() for atom in mol.GetAtoms())  # hydrogens that are atoms of their own are counted above
    return counts
