"""The command line: every command writes what it says, every bad input ends with a code and a sentence, none with a traceback."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rdkit import Chem

from molvae import MolVAE
from molvae.data.formats import read_rows

OUTPUTS = [".csv", ".smi", ".sdf", ".parquet", ".tsv", ".csv.gz"]


Run = Callable[..., Any]


def table(path: Path) -> pd.DataFrame:
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    return pd.read_csv(path, sep="\t" if path.suffix == ".tsv" else ",", keep_default_na=False)


def molecules_in(path: Path) -> list[str]:
    return [Chem.CanonSmiles(row.text) for row in read_rows(path)]


# --- what works


@pytest.mark.parametrize("suffix", OUTPUTS)
def test_sample_writes_every_format(suffix: str, run: Run, trained: Path, model: MolVAE) -> None:
    done = run("sample", "-n", 20, "--seed", 1, "--model", trained, "--out", f"new/out{suffix}", "--no-properties")
    assert (done.code, done.out) == (0, "")
    assert molecules_in(Path(f"new/out{suffix}")) == model.sample(20, seed=1)["smiles"].tolist()
    assert "20 rows written" in done.err
    assert "survive the round trip" in done.err


def test_sample_prints_csv_without_out(run: Run, trained: Path, model: MolVAE) -> None:
    done = run("sample", "-n", 5, "--seed", 1, "--model", trained)
    frame = pd.read_csv(StringIO(done.out))
    assert done.code == 0
    assert frame["smiles"].tolist() == model.sample(5, seed=1)["smiles"].tolist()
    assert frame["logP"].notna().all()
    assert frame["QED"].between(0, 1).all()


def test_sample_with_every_option(run: Run, trained: Path, smiles: list[str]) -> None:
    words = ["sample", "-n", 30, "--seed", 2, "--model", trained, "--temperature", 0.9, "--top-p", 0.95, "--novel"]
    done = run(*words, "--out", "out.csv", "--picture", "grid.svg")
    assert done.code == 0
    assert not set(molecules_in(Path("out.csv"))) & set(smiles)
    assert "<svg" in Path("grid.svg").read_text()
    again = run(*words, "--out", "again.csv")
    assert again.code == 0
    assert Path("again.csv").read_bytes() == Path("out.csv").read_bytes()


def test_raw_samples_with_properties(run: Run, trained: Path) -> None:
    assert run("sample", "-n", 300, "--raw", "--seed", 2, "--temperature", 2.0, "--model", trained, "--out", "out.csv").code == 0
    frame = table(Path("out.csv"))
    assert len(frame) == 300
    assert not frame["survives"].all()


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet", ".csv.gz"])
def test_encode_decode_and_reconstruct_agree(suffix: str, run: Run, trained: Path, model: MolVAE, training_file: Path) -> None:
    codes, decoded, rebuilt = (f"{name}{suffix}" for name in ("codes", "decoded", "rebuilt"))
    assert run("encode", training_file, "--model", trained, "--out", codes).code == 0
    assert run("decode", codes, "--model", trained, "--out", decoded).code == 0
    assert run("reconstruct", training_file, "--model", trained, "--out", rebuilt).code == 0
    encoded, frame = table(Path(codes)), table(Path(rebuilt))
    texts = training_file.read_text().split()
    assert encoded["row"].tolist() == frame["row"].tolist() == list(range(1, len(texts) + 1))
    np.testing.assert_allclose(encoded[[f"z{i}" for i in range(4)]], model.encode(texts), rtol=1e-4, atol=1e-5)
    assert table(Path(decoded))["smiles"].tolist() == frame["reconstruction"].tolist()
    assert frame["exact"].tolist() == (frame["smiles"] == frame["reconstruction"]).tolist()
    assert not list(Path().glob("*.rejects.csv"))


def test_codes_and_reconstructions_as_sdf(run: Run, trained: Path, training_file: Path) -> None:
    for command in ("encode", "reconstruct"):
        assert run(command, training_file, "--model", trained, "--out", f"{command}.sdf").code == 0
        assert molecules_in(Path(f"{command}.sdf")) == training_file.read_text().split()


@pytest.mark.parametrize("suffix", [".smi", ".sdf"])
def test_decode_writes_molecules(suffix: str, run: Run, trained: Path) -> None:
    pd.DataFrame(np.random.default_rng(0).standard_normal((6, 4)), columns=[f"z{i}" for i in range(4)]).to_csv("codes.csv")
    words = ["decode", "codes.csv", "--n", 3, "--temperature", 1, "--seed", 1, "--model", trained]
    assert run(*words, "--out", f"out{suffix}").code == 0
    assert run(*words, "--out", "out.csv").code == 0
    assert table(Path("out.csv"))["code"].tolist() == np.repeat(range(6), 3).tolist()
    assert molecules_in(Path(f"out{suffix}")) == table(Path("out.csv"))["smiles"].tolist()


def test_info_writes_json(run: Run, trained: Path, model: MolVAE) -> None:
    done = run("info", "--model", trained, "--json", "facts/info.json")
    assert done.code == 0
    assert json.loads(Path("facts/info.json").read_text()) == json.loads(json.dumps(model.info()))
    assert "training_molecules" in done.err


def test_the_same_seed_gives_the_same_posterior_draws(run: Run, trained: Path, training_file: Path) -> None:
    for name in ("a", "b", "c"):
        assert run("encode", training_file, "--model", trained, "--sample", "--seed", 1 + (name == "c"), "--out", f"{name}.csv").code == 0
    a, b, c = (Path(f"{name}.csv").read_bytes() for name in "abc")
    assert a == b
    assert a != c


RECIPE = """
[data]
vocabulary = 48
validation = 16
[model]
latent_size = 4
embedding = 16
encoder_hidden = 32
decoder_hidden = 32
[train]
batch_size = 32
max_time = "10m"
precision = "32-true"
"""


def test_train_makes_a_model_and_refuses_to_overwrite_it(run: Run, training_file: Path) -> None:
    Path("tiny.toml").write_text(RECIPE)
    words = ["train", "tiny.toml", "--data", training_file, "--out", "run", "--max-steps", 3, "--accelerator", "cpu"]
    done = run(*words)
    assert done.code == 0
    assert "done: the model is in run" in done.err
    assert f"molvae train tiny.toml --data {training_file}" in Path("run/README.md").read_text()
    before = Path("run/model.safetensors").read_bytes()
    again = run(*words)
    assert again.code == 2
    assert "run holds a run already; go on with it (--resume) or choose another folder" in again.err
    assert Path("run/model.safetensors").read_bytes() == before
    assert run(*words, "--resume").code == 0
    assert run("sample", "-n", 3, "--raw", "--model", "run", "--out", "out.smi").code == 0


# --- bad tables of molecules

WORKS: dict[str, tuple[str, bytes, int]] = {
    "mixed line ends": ("in.csv", b"id,smiles\r\n1,NCCF\n2,NCCC\r3,NCCO\r\n", 3),
    "byte-order mark": ("in.csv", b"\xef\xbb\xbfsmiles,id\nNCCF,1\nNCCC,2\n", 2),
    "one row": ("in.smi", b"NCCF", 1),
    "semicolons": ("in.csv", b"name;SMILES\na;NCCF\nb;NCCC\n", 2),
    "gzip": ("in.smi.gz", gzip.compress(b"NCCF\nNCCC\n"), 2),
}
REFUSED: dict[str, tuple[str, bytes, str]] = {
    "missing": ("none.csv", b"", "none.csv: no such file"),
    "empty": ("in.csv", b"", "in.csv is empty"),
    "empty list": ("in.smi", b"", "in.smi has no rows"),
    "header alone": ("in.csv", b"smiles,id\n", "in.csv has no rows"),
    "binary": ("in.csv", bytes(range(256)) * 8, "in.csv"),
    "no gzip": ("in.smi.gz", b"NCCF\n", "in.smi.gz"),
    "no parquet": ("in.parquet", b"PAR1 junk", "in.parquet"),
    "no SDF": ("in.sdf", b"\x00\x01\x02" * 50, "in.sdf"),
    "suffix": ("in.docx", b"NCCF\n", "unknown suffix '.docx'"),
    "half a megabyte": ("in.csv", b"smiles\n" + b"C" * 500_000, "in.csv, line 2"),
    "no SMILES column": ("in.csv", b"id,weight\n1,2\n", "id, weight"),
}


def put(name: str, content: bytes) -> None:
    if name != "none.csv":
        Path(name).write_bytes(content)


@pytest.mark.parametrize("command", ["encode", "reconstruct"])
@pytest.mark.parametrize("what", WORKS)
def test_odd_but_good_tables_are_read(what: str, command: str, run: Run, trained: Path) -> None:
    name, content, rows = WORKS[what]
    put(name, content)
    assert run(command, name, "--model", trained, "--out", "out.csv").code == 0
    assert table(Path("out.csv"))["smiles"].tolist() == ["NCCF", "CCCN", "NCCO"][:rows]


@pytest.mark.parametrize("command", ["encode", "reconstruct", "train"])
@pytest.mark.parametrize("what", REFUSED)
def test_tables_that_cannot_be_used_are_told(what: str, command: str, run: Run, trained: Path) -> None:
    name, content, message = REFUSED[what]
    put(name, content)
    words = ["train", "--data", name] if command == "train" else [command, name, "--model", trained]
    done = run(*words, "--out", "out" if command == "train" else "out.csv")
    assert done.code == 2
    assert message in done.err
    assert not Path("out.csv").exists()


def test_a_wrong_column_is_told_with_those_there_are(run: Run, trained: Path) -> None:
    Path("in.csv").write_text("id,SMILES,weight\n1,NCCF,2\n")
    done = run("encode", "in.csv", "--column", "structure", "--model", trained, "--out", "out.csv")
    assert done.code == 2
    assert all(word in done.err for word in ("structure", "id", "SMILES", "weight"))
    assert run("encode", "in.csv", "--column", "smiles", "--model", trained, "--out", "out.csv").code == 0


MOLECULES = {
    "salt": "NCCF.Cl",
    "isotope": "[13CH3]CN",
    "radical": "[CH2]CN",
    "metal": "C[Pt](N)(Cl)Cl",
    "bare ion": "[Na+]",
    "wildcard": "*CCN",
    "reaction": "CCO>>CC=O",
    "name": "paracetamol",
    "valence": "FC(F)(F)(F)F",
    "unclosed ring": "C1CC",
    "markup": "[nH][/bold]",
    "10,000 atoms": "NCC(=O)" * 2_500,
    "100,000 characters": "C" * 100_000,
    "quotes": "C'\"C",
    "not ASCII": "Cé",
}


@pytest.mark.parametrize("command", ["encode", "reconstruct"])
def test_rows_that_cannot_be_used_are_listed_with_row_and_reason(command: str, run: Run, trained: Path) -> None:
    texts = ["NCCF", *MOLECULES.values(), "NCCC"]
    pd.DataFrame({"smiles": texts}).to_csv("in.csv", index=False)
    done = run(command, "in.csv", "--model", trained, "--out", "out.csv")
    assert done.code == 3
    assert f"{len(MOLECULES)} of {len(texts)} rows refused, listed in out.csv.rejects.csv" in done.err
    assert table(Path("out.csv"))["row"].tolist() == [1, len(texts)]
    rejects = table(Path("out.csv.rejects.csv"))
    assert list(rejects.columns) == ["row", "input", "reason", "detail"]
    assert rejects["row"].tolist() == list(range(2, len(texts)))
    assert (rejects["reason"] != "").all()
    told = dict(zip(MOLECULES, rejects["reason"], strict=True))
    assert told["salt"].startswith("several fragments")
    assert told["wildcard"].startswith("attachment point")
    assert told["reaction"].startswith("a reaction")
    assert told["name"] == told["unclosed ring"] == "not a SMILES"
    assert told["10,000 atoms"] == told["100,000 characters"] == "too large"


@pytest.mark.parametrize("command", ["encode", "reconstruct"])
@pytest.mark.parametrize("what", [what for what in MOLECULES if what != "10,000 atoms"])  # RDKit takes a second for those
def test_a_file_of_one_bad_molecule(what: str, command: str, run: Run, trained: Path) -> None:
    pd.DataFrame({"smiles": [MOLECULES[what]]}).to_csv("in.csv", index=False)
    done = run(command, "in.csv", "--model", trained, "--out", "out.csv")
    assert done.code == 3
    assert table(Path("out.csv.rejects.csv"))["row"].tolist() == [1]
    assert len(table(Path("out.csv"))) == 0


def test_refused_rows_without_out_are_told_on_the_screen(run: Run, trained: Path) -> None:
    Path("in.smi").write_text("NCCF\naspirin\n")
    done = run("encode", "in.smi", "--model", trained)
    assert done.code == 3
    assert len(pd.read_csv(StringIO(done.out))) == 1
    assert "1 of 2 rows refused" in done.err
    assert "not a SMILES" in done.err


# --- bad models, options, outputs


def harmed(trained: Path, what: str) -> Path:
    """A copy of the model with something wrong."""
    folder = Path("harmed").absolute()
    shutil.copytree(trained, folder)
    if what == "cut weights":
        path = folder / "model.safetensors"
        path.write_bytes(path.read_bytes()[:-100])
    elif what == "bad config":
        (folder / "config.json").write_text("{")
    else:
        (folder / what).unlink()
    return folder


@pytest.mark.parametrize("command", ["sample", "encode", "decode", "reconstruct", "info"])
@pytest.mark.parametrize("what", ["unknown", "empty folder", "cut weights", "bad config", "tokenizer.json"])
def test_a_model_that_cannot_be_used_is_told(what: str, command: str, run: Run, trained: Path, tmp_path: Path) -> None:
    Path("in.csv").write_text("smiles,z0,z1,z2,z3\nNCCF,0,0,0,0\n")
    if what == "empty folder":
        Path("nothing").mkdir()
    name = {"unknown": "mosess", "empty folder": "nothing"}.get(what) or harmed(trained, what)
    message = {"unknown": "mosess is neither a folder nor a bundled model", "empty folder": "has no config.json", "cut weights": "damaged",
               "bad config": "config.json is damaged", "tokenizer.json": "tokenizer.json is missing"}  # fmt: skip
    done = run(command, *(["in.csv"] if command in ("encode", "decode", "reconstruct") else []), "--model", name)
    assert done.code == 2
    assert message[what] in done.err
    assert done.out == ""


BAD_OPTIONS: dict[str, tuple[list[object], str]] = {
    "temperature": (["sample", "--temperature", -1], "temperature is -1"),
    "hot": (["sample", "--temperature", 1e9], "temperature is"),
    "no number": (["sample", "--temperature", "hot"], "'--temperature'"),
    "top_p nought": (["sample", "--top-p", 0], "top_p is 0"),
    "top_p": (["sample", "--top-p", 1.5], "top_p is 1.5"),
    "nan": (["sample", "--top-p", "nan"], "top_p is nan"),
    "n": (["sample", "-n", 0], "'--n'"),
    "negative seed": (["sample", "--seed", -1], "'--seed'"),
    "suffix": (["sample", "--out", "out.docx"], "unknown suffix '.docx'"),
    "no suffix": (["sample", "--out", "out"], "unknown suffix ''"),
    "folder": (["sample", "--out", "folder.csv"], "folder.csv is a directory"),
    "below a file": (["sample", "--out", "codes.csv/out.csv"], "codes.csv is not a folder"),
    "proc": (["sample", "-n", 3, "--out", "/proc/out.csv"], "/proc/out.csv cannot be written"),
    "picture": (["sample", "--picture", "out.gif"], "a picture is .png or .svg"),
    "picture in no place": (["sample", "-n", 3, "--picture", "/proc/out.svg"], "/proc/out.svg cannot be written"),
    "markup in a name": (["sample", "--out", "[/red].docx"], "unknown suffix '.docx'"),
    "json in no place": (["info", "--json", "/proc/info.json"], "/proc/info.json cannot be written"),
    "option": (["sample", "--temprature", 1], "--temprature"),
    "command": (["smaple"], "smaple"),
    "prior": (["sample", "--prior", "flat"], "prior is 'flat', expected one of gaussian, learned, written, none"),
    "no prior": (["sample", "--prior", "learned"], "no learned prior; fit one (molvae fit-prior)"),
    "no critic": (["sample", "--critic"], "no critic; fit one (molvae fit-critic)"),
    "codes of a .smi": (["encode", "in.smi", "--out", "codes.smi"], "cannot hold codes"),
    "codes missing": (["decode", "none.csv"], "none.csv cannot be read"),
    "codes without z": (["decode", "other.csv"], "other.csv lacks the columns z0, z1, z2, z3"),
    "codes without numbers": (["decode", "words.csv"], "words.csv holds something that is no number"),
    "codes with gaps": (["decode", "gaps.csv"], "code 1 holds NaN"),
    "codes that are empty": (["decode", "empty.csv"], "empty.csv"),
    "codes without rows": (["decode", "bare.csv"], "bare.csv has no rows"),
    "codes that are binary": (["decode", "binary.csv"], "binary.csv"),
    "codes that are no parquet": (["decode", "binary.parquet"], "binary.parquet"),
    "codes that are ragged": (["decode", "ragged.csv"], "ragged.csv"),
    "codes suffix": (["decode", "in.smi"], "unknown suffix '.smi'"),
    "n a code": (["decode", "codes.csv", "-n", 0], "'--n'"),
}


@pytest.mark.parametrize("what", BAD_OPTIONS)
def test_bad_options_are_told(what: str, run: Run, trained: Path) -> None:
    Path("in.smi").write_text("NCCF\n")
    Path("folder.csv").mkdir()
    head = "z0,z1,z2,z3\n"
    tables = {"codes": head + "0,0,0,0\n", "other": "a,b\n1,2\n", "words": head + "a,b,c,d\n", "gaps": head + "0,0,0,0\n0,,0,0\n",
              "empty": "", "bare": head, "ragged": head + "0,0,0,0\n1,2,3,4,5,6\n"}  # fmt: skip
    for name, text in tables.items():
        Path(f"{name}.csv").write_text(text)
    for suffix in (".csv", ".parquet"):
        Path(f"binary{suffix}").write_bytes(bytes(range(256)) * 8)
    words, message = BAD_OPTIONS[what]
    done = run(*words, *(["--model", trained] if words[0] != "smaple" else []))
    assert done.code == 2
    assert message in done.err
    if "--picture" not in words:
        assert done.out == ""


BAD_TRAINING: dict[str, tuple[list[object], str]] = {
    "unknown key": (["bad.toml"], "bad.toml: unknown key train.learning_rat"),
    "no recipe": (["none.toml"], "none.toml cannot be read"),
    "no TOML": (["in.smi"], "in.smi is not TOML"),
    "one row": (["--data", "one.smi"], "holds 1 usable molecule (refused: none); at least 2 are needed"),
    "nothing usable": (["--data", "names.smi"], "no usable molecule; refused: not a SMILES (2)"),
    "no data": (["--data", "none.smi"], "none.smi: no such file"),
    "duration": (["--data", "in.smi", "--max-time", "soon"], "'soon' is not a duration"),
    "devices": (["--data", "in.smi", "--devices", "two"], "--devices is 'two'"),
    "no devices": (["--data", "in.smi", "--devices", 0], "devices"),
    "accelerator": (["--data", "in.smi", "--accelerator", "abacus"], "abacus"),
    "no such accelerator here": (["--data", "in.smi", "--accelerator", "tpu"], "accelerator 'tpu' with devices"),
    "negative seed": (["--data", "in.smi", "--seed", -1], "train.seed"),
    "divergence": (["wild.toml", "--data", "in.smi", "--max-steps", 30], "its gradient is not finite; lower learning_rate"),
    "steps": (["--data", "in.smi", "--max-steps", 0], "max-steps"),
    "nothing to resume": (["--data", "in.smi", "--resume"], "holds no run to resume"),
    "nothing to start from": (["--data", "in.smi", "--start", "nowhere"], "nowhere"),
    "a start of other sizes": (
        ["--data", "in.smi", "--start", "moses", "tiny.toml"],
        "cannot start from moses: latent_size is 4 in the recipe, 44 in the model",
    ),
    "a file for a folder": (["--data", "in.smi", "--out", "in.smi"], "in.smi"),
    "unwritable": (["--data", "in.smi", "--out", "/proc/run", "--max-steps", 1], "/proc/run"),
}


@pytest.mark.parametrize("what", BAD_TRAINING)
def test_training_that_cannot_be_is_told(what: str, run: Run) -> None:
    Path("tiny.toml").write_text(RECIPE)
    Path("bad.toml").write_text("[train]\nlearning_rat = 1\n")
    Path("wild.toml").write_text("[train]\nlearning_rate = 1e20\nprecision = '32-true'\n")
    Path("in.smi").write_text("NCCF\nNCCC\nNCCO\n")
    Path("one.smi").write_text("NCCF\n")
    Path("names.smi").write_text("aspirin\nibuprofen\n")
    words, message = BAD_TRAINING[what]
    done = run("train", *(["--out", "run"] if "--out" not in words else []), *words)
    assert done.code == 2
    assert message in done.err


def test_a_prior_and_a_critic_are_added_to_a_copy(run: Run, trained: Path, training_file: Path) -> None:
    before = sorted(path.name for path in trained.iterdir())
    done = run("fit-prior", trained, "--data", training_file, "--steps", 5, "--out", "more")
    assert done.code == 0
    assert "draws that survive" in done.err
    done = run("fit-critic", "more", "--data", training_file, "--draws", 4096)
    assert done.code == 0
    assert "the critic ranks a real molecule above a written one" in done.err
    assert sorted(path.name for path in trained.iterdir()) == before, "the model itself is as it was"
    assert {"prior.safetensors", "critic.safetensors"} <= {path.name for path in Path("more").iterdir()}
    done = run("sample", "-n", 20, "--seed", 1, "--model", "more", "--prior", "learned", "--out", "out.csv", "--json", "out.json")
    assert done.code == 0
    assert "learned prior, with critic" in done.err
    about = json.loads(Path("out.json").read_text())
    assert 0 < about["accepted"] < about["surviving"] < 1


@pytest.mark.parametrize("command", ["fit-prior", "fit-critic"])
def test_what_cannot_be_fitted_is_told(command: str, run: Run, trained: Path) -> None:
    Path("in.smi").write_text("NCCF\nNCCO\n")
    bundled = run(command, "moses", "--data", "in.smi")
    assert bundled.code == 2
    assert "moses is no folder, so there is nothing to change; say with --out" in bundled.err
    few = run(command, trained, "--data", "in.smi", "--out", "more", *(["--draws", 512] if command == "fit-critic" else []))
    assert few.code == 2
    assert "at least 100" in few.err
    assert not Path("more").exists()
    assert run(command, trained, "--data", "none.smi", "--out", "more").code == 2


def test_names_with_brackets_are_shown_as_they_are(run: Run, trained: Path) -> None:
    done = run("sample", "-n", 2, "--model", trained, "--out", "a[red][b].smi", "--picture", "c[d]e.svg")
    assert done.code == 0
    assert "a[red][b].smi" in done.err
    assert "c[d]e.svg" in done.err


def test_a_gpu_that_is_not_there_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lightning_fabric.accelerators.cuda.CUDAAccelerator.is_available", staticmethod(lambda: False))
    Path("in.smi").write_text("NCCF\nNCCC\n")
    done = run("train", "--data", "in.smi", "--accelerator", "cuda")
    assert done.code == 2
    assert "accelerator 'cuda' with devices" in done.err


def test_an_unknown_data_set_is_told(run: Run) -> None:
    done = run("data", "zinc")
    assert done.code == 2
    assert "no data set 'zinc'; there is: moses" in done.err


def test_a_wheel_that_is_none_is_told(run: Run) -> None:
    Path("some.whl").write_bytes(b"junk")
    for wheel, message in (("some.whl", "some.whl is not the wheel"), ("none.whl", "none.whl: no such file")):
        done = run("data", "moses", "--folder", "sets", "--wheel", wheel)
        assert done.code == 2
        assert message in done.err


# --- as a process


def spawn(*words: object, code: str = "", **options: object) -> subprocess.CompletedProcess[str]:
    start = ["-c", code] if code else ["-m", "molvae"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "1000"}
    command = [sys.executable, *start, *map(str, words)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200, check=False, **options)


def test_a_process_samples(trained: Path, tmp_path: Path) -> None:
    done = spawn("sample", "-n", 3, "--seed", 1, "--model", trained, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 4


def test_a_process_tells_what_is_wrong(tmp_path: Path) -> None:
    done = spawn("sample", "--model", "nonsense", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("molvae: nonsense is neither a folder nor a bundled model")
    assert "Traceback" not in done.stderr


def test_help_needs_neither_torch_nor_rdkit(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "sys.modules.update(dict.fromkeys(['torch', 'rdkit', 'selfies', 'pandas', 'numpy', 'lightning_fabric']))\n"
        "from molvae.cli.app import main\n"
        "from molvae.cli.app import app\n"
        "words = [command.name or command.callback.__name__.replace('_', '-') for command in app.registered_commands]\n"
        "for word in ['', *words]:\n"
        "    sys.argv = ['molvae', *([word] if word else []), '--help']\n"
        "    try:\n"
        "        main()\n"
        "    except SystemExit as end:\n"
        "        assert not end.code, word\n"
    )
    done = spawn(code=code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Usage") == 1 + 24
