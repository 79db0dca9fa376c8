"""SMILES <-> SELFIES symbols (Krenn et al. 2020, doi:10.1088/2632-2153/aba947), with the constraints pinned.

The selfies package keeps its valence constraints in a process-wide table that any code may change; every function here works
under `CONSTRAINTS` and puts back what it found.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version

import selfies
from rdkit import Chem, rdBase

from molvae.chem.molecules import canonical, plain
from molvae.chem.selfies.decoder import Decoder
from molvae.chem.selfies.encoder import encode
from molvae.errors import MoleculeError

#: Most bonds an atom may have, the default table of selfies 2.x written out so that an upgrade cannot change it; stored with every model.
CONSTRAINTS: dict[str, int] = {
    "H": 1, "F": 1, "Cl": 1, "Br": 1, "I": 1, "?": 8,
    "B": 3, "B+1": 2, "B-1": 4,
    "C": 4, "C+1": 3, "C-1": 3,
    "N": 3, "N+1": 4, "N-1": 2,
    "O": 2, "O+1": 3, "O-1": 1,
    "P": 5, "P+1": 4, "P-1": 6,
    "S": 6, "S+1": 5, "S-1": 5,
}  # fmt: skip

_DECODER = Decoder(CONSTRAINTS)


@contextmanager
def pinned() -> Iterator[None]:
    """Run a block under `CONSTRAINTS`; whatever was in force before is in force again afterwards."""
    found = selfies.get_semantic_constraints()
    if found == CONSTRAINTS:
        yield
        return
    selfies.set_semantic_constraints(CONSTRAINTS)
    try:
        yield
    finally:
        selfies.set_semantic_constraints(found)


def selfies_version() -> str:
    """Version of the installed selfies package (its own `__version__` is out of date in 2.2.0)."""
    return version("selfies")


def to_symbols(smiles: str) -> list[str]:
    """SELFIES symbols of a SMILES.

    Raises:
        MoleculeError: SELFIES has no symbol for something in the molecule, or would not give the same molecule back.

    >>> to_symbols("CCO")
    ['[C]', '[C]', '[O]']
    """
    return split(to_text(smiles))


def to_text(smiles: str) -> str:
    """SELFIES text of a SMILES: the symbols of `to_symbols` one after the other, with the same errors.

    >>> to_text("CCO")
    '[C][C][O]'
    """
    text = encode(smiles)
    if text is not None:
        return text
    text = _encode(smiles)
    if "[" in smiles.replace("[nH]", "") and (back := to_smiles(split(text))) != smiles:
        raise MoleculeError("SELFIES cannot express this molecule", f"it would come back as {back or 'nothing'}")
    return text


def spelled(smiles: str) -> list[str]:
    """SELFIES symbols of a SMILES whose atoms may be in any order; unlike `to_symbols` without a check that the same comes back.

    Raises:
        MoleculeError: SELFIES has no symbol for something in the molecule.

    >>> spelled("OCC")
    ['[O]', '[C]', '[C]']
    """
    return split(encode(smiles) or _encode(smiles))


def split(text: str) -> list[str]:
    """Symbols of a SELFIES text; ten times as fast as `selfies.split_selfies`, since every symbol here ends with a bracket.

    >>> split("[C][=C]")
    ['[C]', '[=C]']
    """
    return [symbol + "]" for symbol in text.split("]")[:-1]]


def _encode(smiles: str) -> str:
    """SELFIES text by the selfies package."""
    try:
        with pinned():
            return str(selfies.encoder(smiles))
    except selfies.EncoderError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise MoleculeError("SELFIES cannot express this molecule", lines[-1] if lines else "") from error


def to_smiles(symbols: Sequence[str]) -> str:
    """Canonical SMILES that the symbols spell; an empty string when they spell no heavy atom.

    Any sequence of SELFIES symbols is accepted: validity is what SELFIES are for.

    >>> to_smiles(["[O]", "[C]", "[C]"])
    'CCO'
    >>> to_smiles([])
    ''
    """
    return _canonical(_DECODER.decode(symbols) or _decode(symbols))


def _decode(symbols: Sequence[str]) -> str:
    """SMILES by the selfies package."""
    with pinned():
        return str(selfies.decoder("".join(symbols)))


def _canonical(text: str) -> str:
    """Canonical SMILES of one that SELFIES gave; empty where it has no heavy atom or RDKit refuses it."""
    mol = plain(text)
    if mol is None:
        with rdBase.BlockLogs():
            mol = Chem.MolFromSmiles(text)
    return canonical(mol) if mol is not None and mol.GetNumHeavyAtoms() else ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a written string of symbols turned out to mean.

    Attributes:
        smiles: canonical SMILES, empty when no molecule was written.
        survives: the string is the one that its own molecule is written as, i.e. decoding, canonicalising and encoding gives
            it back. Strings that do not survive hold a slip of the writer that SELFIES silently repaired.
    """

    smiles: str
    survives: bool


def read(symbols: Sequence[str]) -> Reading:
    """Decode symbols and check their round trip.

    >>> read(["[C]", "[C]", "[O]"])
    Reading(smiles='CCO', survives=True)
    >>> read(["[O]", "[C]", "[C]"])
    Reading(smiles='CCO', survives=False)
    """
    smiles = to_smiles(symbols)
    return Reading(smiles, _is_spelling(smiles, symbols))


def survivor(symbols: Sequence[str]) -> str:
    """What `read` says of symbols that survive, in a quarter of the time; an empty string for others.

    >>> survivor(["[C]", "[C]", "[O]"]), survivor(["[O]", "[C]", "[C]"])
    ('CCO', '')
    """
    text = _DECODER.decode(symbols)
    smiles = _canonical(_decode(symbols) if text is None else text)
    return smiles if _is_spelling(smiles, symbols) else ""


def _is_spelling(smiles: str, symbols: Sequence[str]) -> bool:
    """Whether a canonical SMILES is encoded as these symbols."""
    try:
        return bool(smiles) and spelled(smiles) == list(symbols)
    except MoleculeError:
        return False


def is_whole(symbols: Sequence[str]) -> bool:
    """Whether nothing in the symbols has to be repaired: what they spell, in the order in which they spell it, is written as they are.

    Unlike `Reading.survives` it does not ask for canonical order. Symbols that the selfies package cannot read are not whole.

    >>> is_whole(["[O]", "[C]", "[C]"]), is_whole(["[C]", "[O]", "[=C]"]), is_whole(["[Qq]"])
    (True, False, False)
    """
    text = "".join(symbols)
    try:
        with pinned():
            spelt = selfies.decoder(text)
            return bool(spelt) and str(selfies.encoder(spelt)) == text
    except (selfies.DecoderError, selfies.EncoderError):
        return False
