"""Tokens: what is encoded comes back, any ids spell a molecule, and a symbol that is not known is an error."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rdkit import Chem

from molvae.chem.selfies import to_smiles
from molvae.data import tokenizer as module
from molvae.data.tokenizer import BOS, EOS, Tokenizer
from molvae.errors import CheckpointError, MoleculeError

SYMBOLS = ["[C]", "[=C]", "[#C]", "[N]", "[=N]", "[O]", "[=O]", "[F]", "[S]", "[Branch1]", "[=Branch1]", "[Ring1]", "[C@@H1]", "[N+1]"]
BENZENE = ["[C]", "[=C]", "[C]", "[=C]", "[C]", "[=C]", "[Ring1]", "[=Branch1]"]
SAMPLE = [BENZENE + ["[O]"] * k for k in range(20)] + [["[C]", "[C]", "[O]"] * k for k in range(20)]
MERGED = Tokenizer.train(SAMPLE, vocabulary=60, symbols=SYMBOLS)
PLAIN = Tokenizer.train(SAMPLE, vocabulary=0, symbols=SYMBOLS)
MOLECULES = st.lists(st.lists(st.sampled_from(SYMBOLS), max_size=40), max_size=5)


@pytest.mark.parametrize("tokenizer", [MERGED, PLAIN])
@given(molecules=MOLECULES)
@settings(deadline=None)
def test_what_is_encoded_comes_back(tokenizer: Tokenizer, molecules: list[list[str]]) -> None:
    encoded = tokenizer.encode(molecules)
    assert [tokenizer.symbols_of(ids) for ids in encoded] == molecules
    for ids in encoded:
        assert ids.dtype == np.int16
        assert not {BOS, EOS} & set(ids.tolist())
        assert all(2 <= i < len(tokenizer) for i in ids)


@settings(max_examples=200, deadline=None)
@given(ids=st.lists(st.integers(0, len(MERGED) - 1) | st.sampled_from([BOS, EOS]), max_size=30))
def test_any_ids_spell_a_molecule_or_nothing(ids: list[int]) -> None:
    symbols = MERGED.symbols_of(ids)
    text = to_smiles(symbols)
    mol = Chem.MolFromSmiles(text)
    assert text == "" or (mol is not None and mol.GetNumHeavyAtoms() > 0)
    assert set(symbols) <= set(SYMBOLS)


@given(before=st.lists(st.integers(2, len(MERGED) - 1), max_size=9), after=st.lists(st.integers(0, len(MERGED) - 1), max_size=9))
def test_reading_ends_at_the_first_eos_and_passes_over_bos(before: list[int], after: list[int]) -> None:
    spelled = MERGED.symbols_of(before)
    assert MERGED.symbols_of([*before, EOS, *after]) == spelled
    assert MERGED.symbols_of([BOS, *before, BOS, BOS]) == spelled


def test_merging_shortens_and_keeps_to_the_size_asked_for() -> None:
    assert len(MERGED) == 60
    assert len(MERGED.encode([BENZENE])[0]) < len(BENZENE)


def test_vocabulary_zero_keeps_plain_symbols() -> None:
    assert len(PLAIN) == len(SYMBOLS) + 2
    assert all(len(PLAIN.symbols_of([i])) == 1 for i in range(2, len(PLAIN)))
    assert len(PLAIN.encode([BENZENE])[0]) == len(BENZENE)


def test_a_vocabulary_smaller_than_the_alphabet_still_holds_every_symbol() -> None:
    tokenizer = Tokenizer.train(SAMPLE, vocabulary=3, symbols=SYMBOLS)
    assert tokenizer.symbols_of(tokenizer.encode([SYMBOLS])[0]) == SYMBOLS


@given(place=st.integers(0, 5), symbol=st.sampled_from(["[Xe]", "C", "", "[c]", "<eos>", "[C][C]", "一"]))
def test_an_unknown_symbol_is_named(place: int, symbol: str) -> None:
    molecule = ["[C]"] * 5
    molecule.insert(place, symbol)
    with pytest.raises(MoleculeError) as caught:
        MERGED.encode([["[C]"], molecule])
    assert (caught.value.reason, caught.value.detail) == ("symbol not in the vocabulary", symbol)
    assert symbol not in MERGED
    assert "[C]" in MERGED


def test_too_large_a_vocabulary_is_refused() -> None:
    with pytest.raises(ValueError, match="40000"):
        Tokenizer.train(SAMPLE, vocabulary=40_000)


def test_training_does_not_depend_on_the_order_of_the_alphabet() -> None:
    assert Tokenizer.train(SAMPLE, 60, SYMBOLS[::-1]).to_json() == MERGED.to_json()


@pytest.mark.parametrize("tokenizer", [MERGED, PLAIN])
def test_save_and_load_are_inverse(tokenizer: Tokenizer, tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    tokenizer.save(path)
    loaded = Tokenizer.load(path)
    assert loaded.to_json() == tokenizer.to_json()
    assert len(loaded) == len(tokenizer)
    assert [loaded.symbols_of([i]) for i in range(len(loaded))] == [tokenizer.symbols_of([i]) for i in range(len(loaded))]
    assert [a.tolist() for a in loaded.encode(SAMPLE)] == [a.tolist() for a in tokenizer.encode(SAMPLE)]


def edited(**changes: object) -> str:
    return json.dumps(json.loads(MERGED.to_json()) | changes)


DAMAGED: dict[str, Callable[[], str]] = {
    "empty": lambda: "",
    "cut": lambda: MERGED.to_json()[:-20],
    "a list": lambda: "[1, 2]",
    "without merges": lambda: json.dumps({"symbols": SYMBOLS}),
    "without symbols": lambda: json.dumps({"bpe": json.loads(MERGED.to_json())["bpe"]}),
    "another bpe": lambda: edited(bpe={"version": "1.0"}),
    "fewer symbols than the merges use": lambda: edited(symbols=SYMBOLS[:3]),
    "a number for symbols": lambda: edited(symbols=7),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_file_is_a_checkpoint_error(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(DAMAGED[damage](), encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"tokenizer\.json is not a molvae tokenizer"):
        Tokenizer.load(path)


def test_binary_and_missing_files_are_checkpoint_errors(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    with pytest.raises(CheckpointError, match="is missing"):
        Tokenizer.load(path)
    path.write_bytes(b"\xff\xfe\x00junk")
    with pytest.raises(CheckpointError, match="is not a molvae tokenizer"):
        Tokenizer.load(path)


@pytest.mark.parametrize("block", [1, 2, 5_000])
@given(molecules=MOLECULES)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_texts_are_encoded_as_their_symbols_are(block: int, monkeypatch: pytest.MonkeyPatch, molecules: list[list[str]]) -> None:
    monkeypatch.setattr(module, "_BLOCK", block)
    texts = ["".join(molecule) for molecule in molecules]
    assert MERGED.encode_texts(texts) == [ids.tolist() for ids in MERGED.encode(molecules)]


@pytest.mark.parametrize("text", ["[C][Xe]", "[Xe][C]", "[C", "[C][O", "C"])
def test_a_text_with_a_foreign_symbol_is_refused(text: str) -> None:
    with pytest.raises(MoleculeError, match="symbol not in the vocabulary"):
        MERGED.encode_texts(["[C]", text, "[O]"])
    with pytest.raises(MoleculeError, match="symbol not in the vocabulary"):
        MERGED.encode_texts([text])


@given(molecules=MOLECULES)
@settings(deadline=None)
def test_an_extended_tokenizer_gives_what_it_knew_the_same_ids(molecules: list[list[str]]) -> None:
    larger = MERGED.extended(["[Br]", "[C]", "[P]", "[Br]"])
    assert len(larger) == len(MERGED) + 2
    assert [ids.tolist() for ids in larger.encode(molecules)] == [ids.tolist() for ids in MERGED.encode(molecules)]
    assert [larger.symbols_of([i]) for i in range(len(MERGED))] == [MERGED.symbols_of([i]) for i in range(len(MERGED))]
    assert [larger.symbols_of([len(MERGED) + k]) for k in range(2)] == [["[Br]"], ["[P]"]]
    assert "[Br]" not in MERGED


def test_an_extended_tokenizer_reads_its_new_symbols_and_survives_saving(tmp_path: Path) -> None:
    larger = MERGED.extended(["[Br]"]).extended(["[P]"])
    larger.save(tmp_path / "tokenizer.json")
    loaded = Tokenizer.load(tmp_path / "tokenizer.json")
    molecule = [*BENZENE, "[Br]", "[P]", "[C]", "[C]", "[O]"]
    assert loaded.encode([molecule])[0].tolist() == larger.encode([molecule])[0].tolist()
    assert loaded.symbols_of(loaded.encode([molecule])[0]) == molecule
    assert loaded.to_json() == larger.to_json()


def test_a_vocabulary_has_its_limit() -> None:
    with pytest.raises(ValueError, match=r"21014 symbols \(at most 20992\)"):
        PLAIN.extended(f"[{number}C]" for number in range(21_000))
