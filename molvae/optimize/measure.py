"""What the terms of an objective look at, as numbers; all that costs no oracle call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase

from molvae.chem.molecules import parse
from molvae.chem.properties import PROPERTIES
from molvae.chem.similarity import bit_matrix, tanimoto
from molvae.errors import MoleculeError

if TYPE_CHECKING:
    from molvae.model import MolVAE
    from molvae.optimize.terms import Term

_DIGITS = 6  # of a similarity, which is computed in single precision


def read(smiles: Sequence[str]) -> tuple[list[Chem.Mol], list[str]]:
    """Molecules, and why a row is none; a row that is none holds methane, whose values nobody sees."""
    mols, refusals = [], []
    for text in smiles:
        try:
            mols.append(parse(text))
            refusals.append("")
        except MoleculeError as error:
            mols.append(Chem.MolFromSmiles("C"))
            refusals.append(str(error))
    return mols, refusals


def measured(terms: Sequence[Term], smiles: Sequence[str], mols: Sequence[Chem.Mol], model: MolVAE | None) -> NDArray[np.float64]:
    """Values of the free terms among T: (n, T); NaN for an oracle, and for a head where the model cannot encode the molecule.

    A similarity is rounded to six digits, a substructure is 1 or 0.
    """
    values = np.full((len(smiles), len(terms)), np.nan)
    bits = bit_matrix(mols) if any(term.kind == "similar_to" for term in terms) else None
    for at, term in enumerate(terms):
        if term.kind == "property":
            with rdBase.BlockLogs():
                values[:, at] = [PROPERTIES[term.key].function(mol) for mol in mols]
        elif term.kind == "similar_to" and bits is not None:
            values[:, at] = tanimoto(bits, bit_matrix([parse(term.key)]))[:, 0].astype(np.float64).round(_DIGITS)
        elif term.is_pattern:
            values[:, at] = [mol.HasSubstructMatch(term.pattern) for mol in mols]
    heads = [at for at, term in enumerate(terms) if term.kind == "head"]
    if heads and model is not None:
        values[:, heads] = model.predict_codes(model.encode_all(smiles).codes, [terms[at].key for at in heads])[0]
    return values
