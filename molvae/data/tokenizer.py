"""SELFIES symbols <-> relative symbols <-> merged tokens <-> ids.

A tokenizer has a notation: its tokens spell SELFIES symbols, or relative symbols, which need no counting (see
`molvae.chem.selfies.relative`). Either way SELFIES symbols go in and come out.

Frequent runs of symbols are merged into one token by byte-pair encoding (Sennrich et al. 2016, doi:10.18653/v1/P16-1162): each
symbol is written as one character, and the `tokenizers` library learns the merges. Any sequence of merged tokens spells a
sequence of symbols, so it still decodes to a valid molecule.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import tokenizers
from numpy.typing import NDArray

from molvae.chem.selfies import NOTATIONS, Notation, absolute, relative, selfies_alphabet
from molvae.errors import CheckpointError, MoleculeError

BOS, EOS = 0, 1
_SPECIAL = ["<bos>", "<eos>"]
_FIRST_CHARACTER = 0x4E00  # a block of 20,992 consecutive letters
_MAX_SYMBOLS = 20_992
_MAX_VOCABULARY = 32_000  # ids are int16
_BLOCK = 5_000


class Tokenizer:
    """Reversible map between lists of SELFIES symbols and arrays of token ids (int16).

    Args:
        symbols: the symbols of its notation, in the order of their characters.
        bpe: the `tokenizers` object over those characters.
        notation: what the symbols are, "selfies" or "relative".

    >>> tokenizer = Tokenizer.train([["[C]", "[C]", "[O]"]] * 9, vocabulary=5)
    >>> ids = tokenizer.encode([["[C]", "[C]", "[O]"]])[0]
    >>> len(ids), tokenizer.symbols_of(ids)
    (2, ['[C]', '[C]', '[O]'])
    """

    def __init__(self, symbols: Sequence[str], bpe: tokenizers.Tokenizer, notation: Notation = "selfies") -> None:
        if notation not in NOTATIONS:
            raise ValueError(f"notation is {notation!r}, expected one of {NOTATIONS}")
        self.symbols, self.notation = list(symbols), notation
        self._bpe = bpe
        self._character = {symbol: chr(_FIRST_CHARACTER + i) for i, symbol in enumerate(self.symbols)}
        self._spelling = self._spell()

    @classmethod
    def train(
        cls, molecules: Iterable[Sequence[str]], vocabulary: int = 512, symbols: Iterable[str] = (), notation: Notation = "selfies"
    ) -> Tokenizer:
        """Learn the merges from molecules given as symbols of the notation.

        Args:
            molecules: a sample large enough to count runs of symbols in.
            vocabulary: number of ids wanted, the two special ones included; 0 keeps plain symbols.
            symbols: symbols that must be in the alphabet even if the sample lacks them.
            notation: what the symbols are.
        """
        return cls.train_on_texts(["".join(molecule) for molecule in molecules], vocabulary, symbols, notation)

    @classmethod
    def train_on_texts(
        cls, texts: Sequence[str], vocabulary: int = 512, symbols: Iterable[str] = (), notation: Notation = "selfies"
    ) -> Tokenizer:
        """As `train`, from the symbols of each molecule one after the other."""
        alphabet = sorted(alphabet_of(texts) | set(symbols))
        if len(alphabet) > _MAX_SYMBOLS or vocabulary > _MAX_VOCABULARY:
            raise ValueError(f"{len(alphabet)} symbols (at most {_MAX_SYMBOLS}), vocabulary {vocabulary} (at most {_MAX_VOCABULARY})")
        characters = {symbol: chr(_FIRST_CHARACTER + i) for i, symbol in enumerate(alphabet)}
        bpe = tokenizers.Tokenizer(tokenizers.models.BPE())
        trainer = tokenizers.trainers.BpeTrainer(
            vocab_size=max(vocabulary, len(alphabet) + len(_SPECIAL)),
            special_tokens=_SPECIAL,
            initial_alphabet=list(characters.values()),
            show_progress=False,
        )
        bpe.train_from_iterator(chain.from_iterable(_spellings(texts, characters)), trainer)
        return cls(alphabet, bpe, notation)

    def extended(self, symbols: Iterable[str]) -> Tokenizer:
        """A tokenizer that knows further symbols too: each gets an id after those that are there, which stay as they are with their merges.

        Raises:
            ValueError: more symbols or ids than fit.

        >>> tokenizer = Tokenizer.train([["[C]", "[C]", "[O]"]] * 9, vocabulary=5)
        >>> larger = tokenizer.extended(["[N+1]", "[C]"])
        >>> len(tokenizer), len(larger), larger.encode_texts(["[C][C][O][N+1]"])
        (5, 6, [[4, 3, 5]])
        """
        new = [symbol for symbol in dict.fromkeys(symbols) if symbol not in self]
        whole = [*self.symbols, *new]
        if len(whole) > _MAX_SYMBOLS or len(self) + len(new) > _MAX_VOCABULARY:
            raise ValueError(f"{len(whole)} symbols (at most {_MAX_SYMBOLS}), {len(self) + len(new)} ids (at most {_MAX_VOCABULARY})")
        bpe = json.loads(self._bpe.to_str())
        characters = (chr(_FIRST_CHARACTER + i) for i in range(len(self.symbols), len(whole)))
        bpe["model"]["vocab"] |= {character: len(self) + i for i, character in enumerate(characters)}
        return Tokenizer(whole, tokenizers.Tokenizer.from_str(json.dumps(bpe)), self.notation)

    def __len__(self) -> int:
        """Number of ids, BOS and EOS among them."""
        return int(self._bpe.get_vocab_size())

    def __contains__(self, symbol: str) -> bool:
        """Whether a symbol of the notation is in the alphabet."""
        return symbol in self._character

    @property
    def selfies_symbols(self) -> list[str]:
        """The SELFIES symbols that the tokens can spell; of relative symbols, rings and branches of one digit stand for all."""
        return selfies_alphabet(self.symbols) if self.notation == "relative" else self.symbols

    def _spell(self) -> list[list[str]]:
        """For each id the symbols it stands for."""
        by_id = {i: token for token, i in self._bpe.get_vocab().items()}
        special = [[], []]  # type: list[list[str]]
        return special + [[self.symbols[ord(c) - _FIRST_CHARACTER] for c in by_id[i]] for i in range(len(special), len(by_id))]

    def check(self, molecule: Sequence[str]) -> None:
        """Raise MoleculeError for the first symbol (of the notation) outside the alphabet; there is no unknown token."""
        for symbol in molecule:
            if symbol not in self._character:
                raise MoleculeError("symbol not in the vocabulary", symbol)

    def encode(self, molecules: Sequence[Sequence[str]]) -> list[NDArray[np.int16]]:
        """Ids of molecules given as SELFIES symbols, without BOS and EOS; raises MoleculeError for a symbol outside the alphabet."""
        if self.notation == "relative":
            molecules = [relative(molecule) for molecule in molecules]
        for molecule in molecules:
            self.check(molecule)
        texts = ["".join(self._character[s] for s in molecule) for molecule in molecules]
        return [np.asarray(e.ids, dtype=np.int16) for e in self._bpe.encode_batch_fast(texts)]

    def encode_texts(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of each text of the notation, as `encode` gives for symbols; the quick way for many at once.

        Raises:
            MoleculeError: a symbol outside the alphabet.

        >>> Tokenizer.train([], 0, ["[C]", "[O]"]).encode_texts(["[C][O]", "[O]"])
        [[2, 3], [3]]
        """
        try:
            return [encoding.ids for block in _spellings(texts, self._character) for encoding in self._bpe.encode_batch_fast(block)]
        except KeyError as error:
            raise MoleculeError("symbol not in the vocabulary", str(error.args[0])) from error

    def symbols_of(self, ids: Iterable[int]) -> list[str]:
        """SELFIES symbols that ids spell, up to the first EOS; any ids in range are accepted.

        Where relative symbols had to be repaired, a `[nop]` stands at the end, which SELFIES read as nothing: such a string does not
        survive its round trip.
        """
        symbols: list[str] = []
        for i in ids:
            if i == EOS:
                break
            symbols += self._spelling[i]
        return _marked(symbols) if self.notation == "relative" else symbols

    def to_json(self) -> str:
        """The tokenizer as JSON text: its symbols and the `tokenizers` model."""
        return json.dumps({"notation": self.notation, "symbols": self.symbols, "bpe": json.loads(self._bpe.to_str())}, indent=1)

    def save(self, path: Path) -> None:
        """Write tokenizer.json."""
        path.write_text(self.to_json(), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Tokenizer:
        """Read tokenizer.json; raises CheckpointError where it is missing or not one of ours."""
        try:
            parts = json.loads(path.read_text(encoding="utf-8"))
            return cls(parts["symbols"], tokenizers.Tokenizer.from_str(json.dumps(parts["bpe"])), parts.get("notation", "selfies"))
        except FileNotFoundError as error:
            raise CheckpointError(f"{path} is missing") from error
        except Exception as error:  # the Rust library raises plain Exception for a text it cannot read
            raise CheckpointError(f"{path} is not a molvae tokenizer: {error}") from error


def _marked(symbols: Sequence[str]) -> list[str]:
    """SELFIES symbols of relative symbols, with a mark at the end where those are not as SELFIES would be written in them."""
    text = absolute(symbols)
    try:
        return text if relative(text) == symbols else [*text, "[nop]"]
    except MoleculeError:
        return [*text, "[nop]"]


def alphabet_of(texts: Sequence[str]) -> set[str]:
    """Symbols that texts are made of, SELFIES or relative.

    >>> sorted(alphabet_of(["[C][O]", "[C]"]))
    ['[C]', '[O]']
    """
    return {part + "]" for block in _blocks(texts) for part in set("".join(block).split("]")[:-1])}


def _spellings(texts: Sequence[str], characters: Mapping[str, str]) -> Iterator[list[str]]:
    """Blocks of texts with a character for each symbol; raises KeyError for a symbol that has none."""
    letters = {symbol.removesuffix("]"): character for symbol, character in characters.items()} | {"\n": "\n"}
    for block in _blocks(texts):
        parts = "\n]".join(block).split("]")  # the line end is a symbol of its own, so that one look-up serves a whole block
        if rest := parts.pop():
            raise KeyError(rest)
        try:
            yield "".join(map(letters.__getitem__, parts)).split("\n")
        except KeyError as error:
            raise KeyError(error.args[0] + "]") from None


def _blocks(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """A few thousand texts at a time: cut into symbols they take fifty times the room."""
    return (texts[start : start + _BLOCK] for start in range(0, len(texts), _BLOCK))
