"""MolVAE on a tiny trained model: what it returns is what it says, and no answer depends on the company it was asked in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rdkit import Chem

from molvae import MolVAE
from molvae.checkpoint import Checkpoint
from molvae.chem.selfies import read, to_symbols
from molvae.errors import CheckpointError, DataError
from molvae.sampling import BLOCK

# --- sampling


def test_the_same_seed_gives_the_same_molecules(model: MolVAE) -> None:
    one, two, other = (model.sample(50, seed=seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(one, two)
    assert one["smiles"].tolist() != other["smiles"].tolist()
    assert model.sample(5)["smiles"].tolist() != model.sample(5)["smiles"].tolist(), "without a seed every call differs"


@pytest.mark.parametrize("options", [{}, {"novel": True}, {"distinct": False}, {"raw": True}, {"temperature": 0.5, "top_p": 0.9}], ids=str)
def test_a_small_sample_is_the_beginning_of_a_large_one(model: MolVAE, options: dict) -> None:
    few, many = (model.sample(n, seed=3, **options)["smiles"].tolist() for n in (50, 200))
    assert (len(few), len(many)) == (50, 200)
    assert few == many[:50]


def test_raw_samples_over_several_blocks_keep_their_beginning(model: MolVAE) -> None:
    few, many = (model.sample(n, seed=3, raw=True)["smiles"].tolist() for n in (BLOCK - 1, BLOCK + 40))
    assert few == many[: BLOCK - 1]
    assert many[BLOCK:] != many[:40]


def test_every_molecule_is_valid_survives_and_is_there_once(model: MolVAE) -> None:
    frame = model.sample(150, seed=4)
    assert list(frame.columns) == ["smiles", "valid", "survives", "novel", "duplicate"]
    assert frame["valid"].all()
    assert frame["survives"].all()
    assert not frame["duplicate"].any()
    assert frame["smiles"].is_unique
    for smiles in frame["smiles"]:
        assert Chem.MolToSmiles(Chem.MolFromSmiles(smiles)) == smiles, "canonical"
        assert read(to_symbols(smiles)).survives
    assert frame.attrs["drawn"] >= len(frame) == frame.attrs["asked"]


def test_novel_molecules_are_not_in_the_training_file(model: MolVAE, smiles: list[str]) -> None:
    known = set(smiles)
    frame = model.sample(150, seed=5, novel=True)
    assert frame["novel"].all()
    assert not known & set(frame["smiles"])
    everything = model.sample(1_000, seed=5, raw=True)
    assert known & set(everything["smiles"]), "the model should write some known molecules, or this shows little"
    assert everything["novel"].tolist() == [bool(text) and text not in known for text in everything["smiles"]]


def test_the_flags_of_raw_samples_are_right(model: MolVAE) -> None:
    frame = model.sample(700, seed=6, raw=True, temperature=2.0)
    seen: set[str] = set()
    for row in frame.itertuples():
        assert row.valid == (row.smiles != "")
        assert row.valid or not (row.survives or row.novel or row.duplicate)
        assert row.duplicate == (row.smiles in seen)
        seen |= {row.smiles} - {""}
        assert not row.valid or Chem.MolFromSmiles(row.smiles) is not None
    assert len(set(frame["survives"])) == len(set(frame["duplicate"])) == 2, "both kinds should be there, or this shows little"
    assert frame.attrs["accepted"] == pytest.approx(frame["survives"].mean())
    kept = model.sample(5, seed=6, temperature=2.0)["smiles"].tolist()
    assert kept == frame.loc[frame["survives"], "smiles"].drop_duplicates().tolist()[:5]


def test_a_model_that_writes_too_little_says_so(model: MolVAE) -> None:
    with pytest.raises(DataError, match=r"only [\d,]+ of 100,000 molecules found in [\d,]+ draws"):
        model.sample(100_000, seed=1, temperature=0.0, top_p=0.01)


@pytest.mark.parametrize("n", [0, -1])
def test_fewer_than_one_is_refused(model: MolVAE, n: int) -> None:
    with pytest.raises(DataError, match="at least 1"):
        model.sample(n)


@pytest.mark.parametrize("options", [{"temperature": -1}, {"temperature": float("nan")}, {"top_p": 0}, {"top_p": 2}], ids=str)
def test_bad_options_are_refused(model: MolVAE, options: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        model.sample(1, **options)


# --- encoding


def test_neither_order_nor_company_changes_a_code(model: MolVAE, smiles: list[str]) -> None:
    some = smiles[:60]
    codes = model.encode(some)
    assert codes.shape == (60, model.latent_size)
    assert codes.dtype == np.float32
    order = np.random.default_rng(0).permutation(60)
    np.testing.assert_allclose(model.encode([some[i] for i in order]), codes[order], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(np.concatenate([model.encode(text) for text in some]), codes, rtol=1e-4, atol=1e-5)


def test_a_code_belongs_to_the_molecule_not_to_its_spelling(model: MolVAE) -> None:
    for spellings in (["NCCF", "FCCN", "C(F)CN", " C(CN)F "], ["Cc1ccc(O)cc1", "CC1=CC=C(O)C=C1", "Oc1ccc(C)cc1"]):
        codes = model.encode(spellings)
        np.testing.assert_allclose(codes, codes[:1].repeat(len(codes), axis=0), rtol=1e-4, atol=1e-5)


def test_posterior_samples_scatter_about_the_mean(model: MolVAE, smiles: list[str]) -> None:
    mean, one, again, other = (model.encode(smiles[:20], sample=s, seed=seed) for s, seed in ((False, 0), (True, 1), (True, 1), (True, 2)))
    np.testing.assert_array_equal(one, again)
    assert (one != other).all()
    many = np.stack([model.encode(smiles[:20], sample=True, seed=seed) for seed in range(60)])
    error = many.std(axis=0) / np.sqrt(60)
    assert (np.abs(many.mean(axis=0) - mean) < 5 * error).all()


BAD = ["aspirin", "", "C*", "CCO.Cl", "C>>O", "[U]", "C[Si](C)(C)C", "C(C)(C)(C)(C)C"]


def test_a_refused_molecule_keeps_its_row_and_its_reason(model: MolVAE) -> None:
    texts = ["NCCF", *BAD, "NCCC"]
    found = model.encode_all(texts)
    assert found.usable == [0, len(texts) - 1]
    assert all(found.problems[row] for row in range(1, len(texts) - 1))
    assert found.smiles[1:-1] == [""] * len(BAD)
    codes = model.encode(texts, refused="nan")
    assert np.isnan(codes[1:-1]).all()
    np.testing.assert_allclose(codes[[0, -1]], model.encode(["NCCF", "NCCC"]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("bad", BAD)
def test_raising_names_the_row_and_the_reason(model: MolVAE, bad: str) -> None:
    reason = model.encode_all([bad]).problems[0]
    with pytest.raises(DataError) as caught:
        model.encode(["NCCF", "NCCC", bad, "CC*"])
    assert "molecule 2" in str(caught.value)
    assert str(reason) in str(caught.value)


@pytest.mark.parametrize("value", ["raise", "nan"])
def test_no_molecules_give_no_codes(model: MolVAE, value: str) -> None:
    assert model.encode([], refused=value).shape == (0, model.latent_size)
    assert len(model.reconstruct([])) == 0


def test_salts_are_refused_or_standardised_as_the_model_was_trained(model: MolVAE, trained: Path) -> None:
    with pytest.raises(DataError, match="several fragments"):
        model.encode("NCCF.Cl")
    checkpoint = Checkpoint.load(trained)
    checkpoint.standardizer = {"largest_fragment": True, "neutralize": True}
    tolerant = MolVAE(checkpoint)
    found = tolerant.encode_all(["NCCF.Cl", "[NH3+]CCF.[Cl-]", "NCCF"])
    assert found.smiles == ["NCCF"] * 3
    np.testing.assert_allclose(found.codes, found.codes[:1].repeat(3, axis=0), rtol=1e-4, atol=1e-5)


# --- decoding


def test_decoding_gives_one_row_a_code_in_order(model: MolVAE, smiles: list[str]) -> None:
    codes = model.encode(smiles[:30])
    frame = model.decode(codes)
    assert list(frame.columns) == ["code", "smiles", "survives"]
    assert frame["code"].tolist() == list(range(30))
    for row in (0, 7, 29):
        assert model.decode(codes[row])["smiles"].tolist() == [frame["smiles"][row]], "alone or in company"
    pd.testing.assert_frame_equal(model.decode(codes.tolist()), frame)


def test_several_molecules_a_code(model: MolVAE) -> None:
    codes = np.random.default_rng(1).standard_normal((4, model.latent_size))
    frame = model.decode(codes, n=5, temperature=1.0, seed=2)
    assert frame["code"].tolist() == np.repeat(range(4), 5).tolist()
    assert frame.groupby("code")["smiles"].nunique().max() > 1
    pd.testing.assert_frame_equal(frame, model.decode(codes, n=5, temperature=1.0, seed=2))
    assert frame["smiles"].tolist() != model.decode(codes, n=5, temperature=1.0, seed=3)["smiles"].tolist()
    greedy = model.decode(codes, n=5)
    assert greedy.groupby("code")["smiles"].nunique().eq(1).all()


def test_decoding_more_than_a_block_is_decoding_its_parts(model: MolVAE) -> None:
    codes = np.random.default_rng(1).standard_normal((BLOCK + 9, model.latent_size)).astype(np.float32)
    whole = model.decode(codes)["smiles"].tolist()
    assert whole == model.decode(codes[:BLOCK])["smiles"].tolist() + model.decode(codes[BLOCK:])["smiles"].tolist()


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (np.zeros((2, 3)), r"shape \(2, 3\), expected \(n, 4\)"),
        (np.zeros(5), r"shape \(1, 5\), expected \(n, 4\)"),
        (np.zeros((1, 2, 4)), r"shape \(1, 2, 4\), expected \(n, 4\)"),
        ([[0, 0, 0, 0], [0, np.nan, 0, 0]], "code 1 holds NaN or infinity"),
        ([[np.inf, 0, 0, 0]], "code 0 holds NaN or infinity"),
    ],
)
def test_codes_of_a_wrong_shape_or_without_numbers_are_refused(model: MolVAE, codes: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        model.decode(codes)


# --- reconstruction


def test_reconstruction_has_a_row_for_every_input(model: MolVAE, smiles: list[str]) -> None:
    texts = ["FCCN", "aspirin", *smiles[:20], "CCO.Cl"]
    frame = model.reconstruct(texts)
    assert list(frame.columns) == ["input", "canonical", "reconstruction", "exact", "reason"]
    assert frame["input"].tolist() == texts
    bad = frame["reason"] != ""
    assert frame.index[bad].tolist() == [1, 22]
    assert (frame.loc[bad, ["canonical", "reconstruction"]] == "").all(axis=None)
    assert not frame.loc[bad, "exact"].any()
    assert (frame.loc[~bad, "exact"] == (frame.loc[~bad, "canonical"] == frame.loc[~bad, "reconstruction"])).all()
    assert frame["canonical"][0] == "NCCF"
    greedy = model.decode(model.encode(frame.loc[~bad, "input"]))["smiles"]
    assert greedy.tolist() == frame.loc[~bad, "reconstruction"].tolist()


def test_one_text_is_one_molecule(model: MolVAE) -> None:
    assert len(model.reconstruct("NCCF")) == 1
    assert model.encode("NCCF").shape == (1, model.latent_size)


# --- saving and loading


def test_saving_and_loading_changes_no_sample(model: MolVAE, tmp_path: Path, smiles: list[str]) -> None:
    model.save_pretrained(tmp_path / "copy")
    copy = MolVAE.from_pretrained(tmp_path / "copy")
    pd.testing.assert_frame_equal(copy.sample(100, seed=7, raw=True), model.sample(100, seed=7, raw=True))
    np.testing.assert_array_equal(copy.encode(smiles[:20]), model.encode(smiles[:20]))
    assert copy.info() == model.info()


def test_the_model_on_disk_is_the_one_that_was_trained_up_to_half_precision(trained: Path, model: MolVAE) -> None:
    import safetensors.torch

    state = safetensors.torch.load_file(trained / "training" / "state.safetensors")
    for name, tensor in model.checkpoint.vae.state_dict().items():
        np.testing.assert_array_equal(tensor.numpy(), state[f"model.{name}"].half().float().numpy())


def test_an_unknown_model_is_told_with_those_there_are() -> None:
    with pytest.raises(CheckpointError, match="nonsense is neither a folder nor a bundled model; bundled: "):
        MolVAE.from_pretrained("nonsense")


def test_info_tells_sizes_and_training(model: MolVAE, smiles: list[str]) -> None:
    info = model.info()
    assert info["training_molecules"] == pytest.approx(len(smiles), abs=1)
    assert info["model"]["latent_size"] == model.latent_size == 4
    assert info["parameters"] == sum(parameter.numel() for parameter in model.checkpoint.vae.parameters())


def test_importing_molvae_loads_neither_torch_nor_rdkit() -> None:
    code = (
        "import sys, molvae; heavy = {'torch', 'rdkit', 'pandas', 'numpy', 'selfies'} & set(sys.modules); assert not heavy, heavy; "
        "assert 'MolVAE' in dir(molvae); molvae.MoleculeError; assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_decoding_survivors_alone_gives_those_of_all(model):
    codes = np.random.default_rng(0).standard_normal((40, model.latent_size))
    every = model.decode(codes, 3, temperature=0.7, seed=1)
    alone = model.decode(codes, 3, temperature=0.7, seed=1, surviving=True)
    assert 0 < len(alone) < len(every)
    pd.testing.assert_frame_equal(alone, every[every["survives"]].reset_index(drop=True))
