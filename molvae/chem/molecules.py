"""Parse, standardise and canonicalise molecules; refuse with a reason what cannot be used."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from rdkit import Chem, rdBase
from rdkit.Chem.MolStandardize import rdMolStandardize

from molvae.errors import MoleculeError

#: The longest text that is tried as a SMILES, in characters.
MAX_CHARACTERS = 20_000

# RDKit's own rules charge-separate sulfoxides (S=O to [S+]-[O-]); medicinal chemistry writes them neutral, so they are put back.
_NEUTRAL_SULFOXIDE = "Sulfoxide to S=O\t[!O:1][S+1;X3:2]([!O:3])[O-1:4]>>[*:1][S+0:2]([*:3])=[O+0:4]"

#: What SMILES of uncharged molecules without stereo marks, isotopes or hydrogen atoms are written with, beside [nH].
_PLAIN = frozenset("BCFINOSclnosr()=#-0123456789")


@cache
def _normalizers() -> tuple[rdMolStandardize.Normalizer, rdMolStandardize.Normalizer]:
    parameters = rdMolStandardize.CleanupParameters()
    return rdMolStandardize.Normalizer(), rdMolStandardize.NormalizerFromData(_NEUTRAL_SULFOXIDE, parameters)


def parse(text: str) -> Chem.Mol:
    """Read one SMILES.

    Raises:
        MoleculeError: with a reason that tells an empty text, a reaction, a wildcard, a text that is no SMILES and a SMILES
            that is no molecule (valence, aromaticity) apart.

    >>> parse("OCC").GetNumAtoms()
    3
    >>> parse("aspirin")
    Traceback (most recent call last):
    molvae.errors.MoleculeError: not a SMILES
    """
    text = text.strip()
    if not text:
        raise MoleculeError("empty")
    if len(text) > MAX_CHARACTERS:
        raise MoleculeError("too large", f"{len(text)} characters, at most {MAX_CHARACTERS}")
    if not (text.isprintable() and text.isascii()):  # RDKit reads the first of two lines, and passes over other letters at the end
        raise MoleculeError("not a SMILES", "a line end, tab, invisible character or letter beyond ASCII in it")
    if ">" in text:
        raise MoleculeError("a reaction, not a molecule")
    if "*" in text:
        raise MoleculeError("attachment point or wildcard atom (*)")
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(text)
        if mol is None:
            raise _why_not(text)
    if mol.GetNumAtoms() == 0:
        raise MoleculeError("empty")
    return mol


def _why_not(text: str) -> MoleculeError:
    raw = Chem.MolFromSmiles(text, sanitize=False)
    if raw is None:
        return MoleculeError("not a SMILES")
    problems = Chem.DetectChemistryProblems(raw)
    return MoleculeError("impossible valence or aromaticity", problems[0].Message() if problems else "")


def plain(text: str) -> Chem.Mol | None:
    """The molecule of a SMILES without stereo marks, charges, isotopes or hydrogen atoms, in less time than `parse`; else None.

    >>> plain("c1cc[nH]c1").GetNumAtoms(), plain("C[C@H](N)O"), plain("C(C)(C)(C)(C)C")
    (5, None, None)
    """
    if not text or len(text) > MAX_CHARACTERS or not _PLAIN.issuperset(text.replace("[nH]", "").replace("[NH1]", "")):
        return None
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(text, _unsanitized())
        sound = mol is not None and Chem.SanitizeMol(mol, catchErrors=True) == Chem.SanitizeFlags.SANITIZE_NONE
    return mol if sound else None


@cache
def _unsanitized() -> Any:
    parameters: Any = Chem.SmilesParserParams()  # the stubs give its settings the wrong type
    parameters.sanitize = False
    parameters.removeHs = False
    return parameters


def is_molecule(text: str) -> bool:
    """Whether a text is the SMILES of a molecule.

    >>> is_molecule("CCO"), is_molecule("ethanol")
    (True, False)
    """
    try:
        parse(text)
    except MoleculeError:
        return False
    return True


def canonical(mol: Chem.Mol) -> str:
    """RDKit's canonical isomeric SMILES of a molecule.

    >>> canonical(parse("OCC"))
    'CCO'
    """
    return str(Chem.MolToSmiles(mol))


def without_stereo(text: str) -> str:
    """Canonical SMILES without stereo and isotopes; a text that is no molecule comes back as it is.

    >>> without_stereo("C[C@H](N)C(=O)O"), without_stereo("aspirin")
    ('CC(N)C(=O)O', 'aspirin')
    """
    try:
        return str(Chem.MolToSmiles(parse(text), isomericSmiles=False))
    except MoleculeError:
        return text


@dataclass(frozen=True)
class Standardizer:
    """Brings SMILES into the one form the rest of molvae works on. Stereo and charges are kept unless asked otherwise.

    Args:
        largest_fragment: keep the largest organic fragment of a salt or mixture; without it such input is refused.
        neutralize: remove charges where a proton can be added or taken.
        max_atoms: the most heavy atoms a molecule may have.

    >>> Standardizer()("C[S+]([O-])C")
    'CS(C)=O'
    >>> Standardizer(largest_fragment=True, neutralize=True)("CC(=O)[O-].[Na+]")
    'CC(=O)O'
    """

    largest_fragment: bool = False
    neutralize: bool = False
    max_atoms: int = 256

    def __call__(self, text: str) -> str:
        """Canonical SMILES of the standardised molecule; raises MoleculeError where it is refused."""
        mol = plain(text) or parse(text)
        if "." in text:  # without it all atoms are joined
            mol = self._one_fragment(mol)
        if mol.GetNumHeavyAtoms() > self.max_atoms:
            raise MoleculeError("too large", f"{mol.GetNumHeavyAtoms()} heavy atoms, at most {self.max_atoms}")
        smiles = canonical(mol)
        if "+" not in smiles and "-]" not in smiles and "P" not in smiles and "As" not in smiles:
            return smiles  # every rule of the normaliser needs a charge or a hypervalent pnictogen
        with rdBase.BlockLogs():
            for normalizer in _normalizers():
                mol = normalizer.normalize(mol)
            if self.neutralize:
                mol = rdMolStandardize.Uncharger().uncharge(mol)
        return canonical(parse(canonical(mol)))

    def _one_fragment(self, mol: Chem.Mol) -> Chem.Mol:
        fragments = len(Chem.GetMolFrags(mol))
        if fragments == 1:
            return mol
        if not self.largest_fragment:
            raise MoleculeError("several fragments (a salt or mixture)", f"{fragments} fragments; give the one that counts")
        with rdBase.BlockLogs():
            return rdMolStandardize.LargestFragmentChooser(preferOrganic=True).choose(mol)
