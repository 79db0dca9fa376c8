"""Fingerprints, Tanimoto similarity, scaffolds and fragments, by the definitions of MOSES."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator
from rdkit.Chem.Scaffolds import MurckoScaffold

from molvae.chem.molecules import parse
from molvae.errors import MoleculeError

#: Bits of a fingerprint.
BITS = 1024
#: Bonds around an atom that a fingerprint sees.
RADIUS = 2
_AT_ONCE = 1_000  # molecules compared with all others at once


@cache
def _morgan() -> rdFingerprintGenerator.FingerprintGenerator64:
    return rdFingerprintGenerator.GetMorganGenerator(radius=RADIUS, fpSize=BITS)


def fingerprint(mol: Chem.Mol) -> NDArray[np.uint8]:
    """Morgan fingerprint of radius 2, 1,024 bits: (1024,) of 0 and 1.

    >>> from molvae.chem.molecules import parse
    >>> int(fingerprint(parse("CCO")).sum())
    6
    """
    return np.asarray(_morgan().GetFingerprintAsNumPy(mol), dtype=np.uint8)


def bit_matrix(mols: Iterable[Chem.Mol]) -> NDArray[np.uint8]:
    """Fingerprints of molecules: (n, 1024) of 0 and 1."""
    rows = [fingerprint(mol) for mol in mols]
    return np.stack(rows) if rows else np.zeros((0, BITS), dtype=np.uint8)


def pack(bits: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Eight bits a byte, for keeping many: (n, 1024) to (n, 128)."""
    return np.packbits(bits, axis=1)


def unpack(packed: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The bits that `pack` packed: (n, 128) to (n, 1024).

    >>> bits = np.eye(3, 1024, dtype=np.uint8)
    >>> bool((unpack(pack(bits)) == bits).all())
    True
    """
    return np.unpackbits(packed, axis=1)


def tanimoto(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Tanimoto similarity of each row of `a` to each of `b`: (n, bits) and (m, bits) of 0 and 1 to (n, m).

    Two rows without a bit have the similarity 1, as in MOSES.

    >>> from molvae.chem.molecules import parse
    >>> ethanol, propanol = (bit_matrix([parse(text)]) for text in ("CCO", "CCCO"))
    >>> round(float(tanimoto(ethanol, propanol)[0, 0]), 4)
    0.5556
    """
    left, right = a.astype(np.float32), b.astype(np.float32)
    both = left @ right.T  # counts of at most 1,024: exact in float32
    either = left.sum(axis=1)[:, None] + right.sum(axis=1)[None, :] - both
    return np.where(either > 0, both / np.maximum(either, 1), 1).astype(np.float32)


def similarity_to_nearest(smiles: Sequence[str], reference: Sequence[str]) -> NDArray[np.float32]:
    """Tanimoto similarity of each molecule to the one most like it among some others: (n,).

    >>> similarity_to_nearest(["CCO", "CCCO"], ["CCO", "c1ccccc1"]).round(4).tolist()
    [1.0, 0.5555999875068665]
    """
    mine = bit_matrix(map(parse, smiles))
    best = np.zeros(len(smiles), dtype=np.float32)
    for start in range(0, len(reference), _AT_ONCE):
        best = np.maximum(best, tanimoto(mine, bit_matrix(map(parse, reference[start : start + _AT_ONCE]))).max(axis=1))
    return best


def similarity_of(given: str, back: str) -> float:
    """Tanimoto similarity of two SMILES; 0 where one of them is no molecule, such as the empty text of nothing written.

    >>> round(similarity_of("CCO", "CCCO"), 4), similarity_of("CCO", "")
    (0.5556, 0.0)
    """
    try:
        rows = bit_matrix([parse(given), parse(back)])
    except MoleculeError:
        return 0.0
    return float(tanimoto(rows[:1], rows[1:])[0, 0])


def scaffold(mol: Chem.Mol, min_rings: int = 1) -> str:
    """Canonical SMILES of the Murcko scaffold (Bemis and Murcko 1996): the rings and what links them.

    Args:
        mol: a molecule.
        min_rings: a scaffold with fewer rings (smallest set) counts as none; MOSES asks for 2.

    Returns:
        An empty string where there is none.

    >>> from molvae.chem.molecules import parse
    >>> scaffold(parse("CCc1ccccc1")), scaffold(parse("CCc1ccccc1"), min_rings=2), scaffold(parse("CCO"))
    ('c1ccccc1', '', '')
    """
    core = MurckoScaffold.GetScaffoldForMol(mol)  # type: ignore[no-untyped-call]
    return str(Chem.MolToSmiles(core)) if core.GetRingInfo().NumRings() >= max(min_rings, 1) else ""


def fragments(mol: Chem.Mol) -> list[str]:
    """SMILES of the pieces between BRICS bonds (Degen et al. 2008), with their attachment points; a repeated piece is repeated.

    >>> from molvae.chem.molecules import parse
    >>> sorted(fragments(parse("CCOc1ccccc1")))
    ['[16*]c1ccccc1', '[3*]O[3*]', '[4*]CC']
    """
    return str(Chem.MolToSmiles(Chem.FragmentOnBRICSBonds(mol))).split(".")
