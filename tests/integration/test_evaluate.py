"""Samples judged from end to end, on small files: what is found, what is missing and why, and what stops with an error."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from molvae import MolVAE
from molvae.data import moses as moses_data
from molvae.data.novelty import TrainingIndex, fingerprints64
from molvae.errors import CheckpointError, DataError
from molvae.evaluate import Evaluation, Samples, chemnet, evaluate, judge, reference, training, write_html, write_json
from molvae.evaluate.latent import NAMES
from molvae.evaluate.moses import moses_metrics

Parts = dict[str, list[str]]


@pytest.fixture
def no_chemnet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chemnet, "available", lambda: False)


@pytest.fixture
def fake_chemnet(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Activations of three numbers that follow from the letters; the list tells how many molecules it was asked for each time."""
    asked: list[int] = []

    def activations(smiles: list[str], progress: object = None) -> np.ndarray:
        asked.append(len(smiles))
        return np.array([[len(text), text.count("C"), text.count("c")] for text in smiles], dtype=np.float32)

    monkeypatch.setattr(chemnet, "available", lambda: True)
    monkeypatch.setattr(chemnet, "activations", activations)
    return asked


@pytest.fixture
def known(tmp_path: Path, smiles: list[str]) -> Path:
    """The reference: 120 molecules."""
    return written(tmp_path / "known.smi", smiles[:120])


@pytest.fixture
def moses(tmp_path: Path, smiles: list[str], monkeypatch: pytest.MonkeyPatch) -> Parts:
    """Small files in place of the three of MOSES."""
    parts = {"train": smiles[:200], "test": smiles[200:320], "test_scaffolds": smiles[320:420]}
    files = {name: written(tmp_path / f"{name}.smi", texts) for name, texts in parts.items()}
    for module in (reference, training, judge):
        monkeypatch.setattr(module, "moses_file", lambda name: files[name])
    return parts


def written(path: Path, texts: list[str]) -> Path:
    path.write_text("\n".join(texts) + "\n")
    return path


@pytest.mark.usefixtures("no_chemnet")
def test_a_file_against_a_file(tmp_path: Path, smiles: list[str], known: Path) -> None:
    rows = ["smiles", *smiles[100:180], smiles[100], "", "CC(", "C(C)(C)(C)(C)C", *smiles[180:190]]
    samples = tmp_path / "samples.csv"
    samples.write_text("\n".join(rows) + "\n")
    found = evaluate(samples, known, jobs=1, cache=tmp_path / "kept")
    assert (found.source, found.reference, found.latent) == ("samples.csv", "known.smi", None)
    assert (found.samples.rows, len(found.samples.smiles), found.samples.duplicates) == (94, 91, 1)
    assert found.samples.refused == {"empty": 1, "not a SMILES": 1, "impossible valence or aromaticity": 1}
    values = found.moses.values
    assert values["valid"] == pytest.approx(91 / 94)
    assert values["Novelty"] == pytest.approx(70 / 90)
    assert {"SNN/Reference", "Frag/Reference", "IntDiv", "IntDiv2", "Filters", "logP", "SA", "QED", "weight"} <= set(values)
    assert "Scaf/Reference" in found.moses.missing  # no molecule here has two rings
    assert found.moses.missing["unique@1000"] == "needs 1,000 valid samples, got 91"
    assert "molvae[evaluate]" in found.moses.missing["FCD/Reference"]
    assert found.guacamol.missing["validity"] == "needs 10,000 rows, got 94"
    assert {len(ours) for ours, _ in found.properties.values()} == {91}
    assert {len(theirs) for _, theirs in found.properties.values()} == {120}


@pytest.mark.usefixtures("no_chemnet")
def test_the_reference_against_itself_is_the_best_there_is(tmp_path: Path, known: Path) -> None:
    values = evaluate(known, known, jobs=1, cache=tmp_path / "kept").moses.values
    assert values["valid"] == values["SNN/Reference"] == pytest.approx(1)
    assert values["Frag/Reference"] == pytest.approx(1)
    assert [values[name] for name in ("Novelty", "logP", "SA", "QED", "weight")] == pytest.approx([0] * 5, abs=1e-12)


def test_the_figures_are_those_of_the_parts(tmp_path: Path, smiles: list[str], known: Path, fake_chemnet: list[int]) -> None:
    found = evaluate(smiles[60:160], known, jobs=1, cache=tmp_path / "kept")
    assert fake_chemnet == [120, 100]  # the reference, then the samples once
    others = reference.references(known, tmp_path / "kept", jobs=1)
    alone = moses_metrics(Samples.of(smiles[60:160], jobs=1), others, set(smiles[:120]), jobs=1)
    assert found.moses == alone
    assert found.moses.values["FCD/Reference"] > 0


def test_guacamol_with_an_fcd(
    tmp_path: Path, smiles: list[str], known: Path, fake_chemnet: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judge, "NUMBER", 100)
    found = evaluate(smiles[60:170], known, jobs=1, cache=tmp_path / "kept").guacamol
    assert found.missing == {}
    assert found.values["novelty"] == pytest.approx(0.4)
    drawn = training.draw(Samples.read(known, jobs=1).smiles, 100, 0)
    wanted = chemnet.frechet(chemnet.statistics(smiles[60:160]), chemnet.statistics(drawn))
    assert found.values["fcd_score"] == pytest.approx(np.exp(-0.2 * wanted))
    before = len(fake_chemnet)
    evaluate(smiles[60:170], known, jobs=1, cache=tmp_path / "kept")
    assert fake_chemnet[before:] == [110]  # all else was kept


@pytest.mark.usefixtures("no_chemnet")
def test_a_guacamol_score_that_lacks_chemnet_says_what_to_install(
    tmp_path: Path, smiles: list[str], known: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judge, "NUMBER", 50)
    found = evaluate(smiles[60:170], known, jobs=1, cache=tmp_path / "kept").guacamol
    assert found.missing == {"fcd_score": "needs the extra: pip install 'molvae[evaluate]'"}


@pytest.mark.usefixtures("fake_chemnet")
def test_a_guacamol_score_that_lacks_training_molecules_says_so(
    tmp_path: Path, smiles: list[str], known: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judge, "NUMBER", 130)
    found = evaluate(smiles[60:200], known, jobs=1, cache=tmp_path / "kept").guacamol
    assert found.missing["fcd_score"] == found.missing["kl_score"] == "needs 130 training molecules, got 120"


@pytest.mark.usefixtures("no_chemnet")
def test_against_moses(tmp_path: Path, smiles: list[str], moses: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "NUMBER", 50)
    found = evaluate(smiles[150:250], jobs=1, cache=tmp_path / "kept")
    assert found.reference == "the test sets of MOSES"
    assert {f"{name}/{part}" for name in ("SNN", "Frag") for part in ("Test", "TestSF")} <= set(found.moses.values)
    assert found.moses.values["Novelty"] == pytest.approx(0.5)  # 50 of the training set
    assert found.guacamol.values["novelty"] == 0  # of the first 50
    assert found.guacamol.values["kl_score"] > 0.5
    assert len(found.properties["logP"][1]) == len(moses["test"])
    assert list((tmp_path / "kept").glob("moses-train-*"))


@pytest.mark.usefixtures("no_chemnet", "moses")
def test_the_index_of_moses_is_kept_and_a_damaged_one_made_again(tmp_path: Path, smiles: list[str]) -> None:
    def novelty() -> float:
        return evaluate(smiles[150:250], jobs=1, cache=tmp_path / "kept").moses.values["Novelty"]

    assert novelty() == pytest.approx(0.5)
    (kept,) = (tmp_path / "kept").glob("moses-train-*")
    TrainingIndex.of(fingerprints64(smiles)).save(kept)
    assert novelty() == 0  # it was read
    kept.write_bytes(kept.read_bytes()[:100])
    assert novelty() == pytest.approx(0.5)


@pytest.mark.usefixtures("no_chemnet", "moses")
@pytest.mark.parametrize(("source", "rdkit", "carried"), [("moses", None, True), ("mine.smi", None, False), ("moses", "2020.03.1", False)])
def test_a_model_of_moses_brings_its_index(
    source: str, rdkit: str | None, carried: bool, model: MolVAE, smiles: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    saved = model.checkpoint
    made_with = saved.made_with | ({"rdkit": rdkit} if rdkit else {})
    index = TrainingIndex.of(fingerprints64(smiles[:200]))
    trained = MolVAE(replace(saved, recipe=saved.recipe | {"data": {"source": source}}, made_with=made_with, index=index))
    monkeypatch.setitem(moses_data.COUNTS, "train", 200)
    found = training.of_moses(trained, 50, 0, tmp_path / "kept", 1, None)
    assert (found.index is index) == carried
    assert (tmp_path / "kept").exists() != carried
    assert found.index is not None
    assert found.index.contains(smiles[150:250]).sum() == 50
    assert len(set(found.molecules) & set(smiles[:200])) == 50


@pytest.mark.usefixtures("no_chemnet")
def test_with_a_model(tmp_path: Path, smiles: list[str], known: Path, model: MolVAE) -> None:
    told: list[tuple[str, int, int]] = []
    found = evaluate(smiles[100:160], known, model, jobs=1, cache=tmp_path / "kept", progress=lambda *news: told.append(news))
    assert found.latent is not None
    assert tuple(found.latent.values) == NAMES
    assert str(found.settings["verdict"]).startswith("alive: ")
    assert found.settings["molecules encoded"] == 120
    assert found.settings["share of the molecules encoded that the model was trained on"] == 1
    assert "trained on 100%" in str(found.settings["caution"])
    assert len(found.reconstructions) == 24
    assert found.codes is not None
    assert {"fingerprints and fragments", "filters", "bounds", "importance-weighted bound"} <= {what for what, _, _ in told}
    assert all(0 < done <= total for _, done, total in told)


@pytest.mark.usefixtures("no_chemnet")
def test_a_model_that_can_encode_nothing_of_the_reference_has_no_latent_metrics(tmp_path: Path, smiles: list[str], model: MolVAE) -> None:
    foreign = written(tmp_path / "foreign.smi", ["[Na+].[Cl-]", "[SiH4]"])
    found = evaluate(smiles[:20], foreign, model, jobs=1, cache=tmp_path / "kept")
    assert found.latent is not None
    assert found.latent.values == {}
    assert set(found.latent.missing) == set(NAMES)
    assert "none of the 2 molecules" in found.latent.missing["rate"]
    assert found.codes is None


@pytest.mark.usefixtures("no_chemnet")
def test_the_report_holds_all_of_it(tmp_path: Path, smiles: list[str], known: Path, model: MolVAE) -> None:
    found = evaluate([*smiles[100:160], "CC(", "", ""], known, model, jobs=1, cache=tmp_path / "kept")
    write_json(found, tmp_path / "out.json")
    write_html(found, tmp_path / "out.html")
    content, page = json.loads((tmp_path / "out.json").read_text()), (tmp_path / "out.html").read_text()
    assert content["samples"]["refused"] == {"not a SMILES": 1, "empty": 2}
    assert content["moses"]["missing"]["unique@1000"] == "needs 1,000 valid samples, got 60"
    assert content["latent"]["values"]["dimensions"] == 4
    assert content["settings"]["verdict"] == found.settings["verdict"]
    for said in (
        "refused: not a SMILES",
        "refused: empty",
        "needs 1,000 valid samples, got 60",
        "alive: ",
        "Caution: the model was",
        "Map of codes",
    ):
        assert said in page


@pytest.mark.usefixtures("no_chemnet")
def test_the_same_seed_gives_the_same(tmp_path: Path, smiles: list[str], known: Path, model: MolVAE) -> None:
    def content(seed: int) -> dict[str, object]:
        return evaluate(smiles[100:130], known, model, seed=seed, jobs=1, cache=tmp_path / "kept").to_json()

    first = content(1)
    assert content(1) == first
    assert content(2)["latent"] != first["latent"]


@pytest.mark.usefixtures("no_chemnet")
def test_columns_are_named_for_each_file(tmp_path: Path, smiles: list[str]) -> None:
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text("left\n" + "\n".join(smiles[:20]) + "\n")
    second.write_text("right\n" + "\n".join(smiles[10:40]) + "\n")
    found = evaluate(first, second, column="left", reference_column="right", jobs=1, cache=tmp_path / "kept")
    assert found.moses.values["Novelty"] == pytest.approx(0.5)


# --- what is hardly enough, and what is not


@pytest.mark.usefixtures("no_chemnet")
def test_samples_without_a_valid_row_are_judged_all_the_same(tmp_path: Path, known: Path) -> None:
    bad = written(tmp_path / "bad.smi", ["CC(", "nothing", "F(F)F"])
    found = evaluate(bad, known, jobs=1, cache=tmp_path / "kept")
    assert found.moses.values == {"valid": 0}
    assert "needs 1 valid sample, got 0" in found.moses.missing["SNN/Reference"]
    assert sum(found.samples.refused.values()) == 3
    write_html(found, tmp_path / "out.html")
    assert "Not computed" in (tmp_path / "out.html").read_text()


@pytest.mark.usefixtures("fake_chemnet")
def test_a_reference_of_one_molecule(tmp_path: Path, smiles: list[str], model: MolVAE) -> None:
    one = written(tmp_path / "one.smi", smiles[:1])
    found = evaluate(smiles[:20], one, model, jobs=1, cache=tmp_path / "kept")
    assert "of 2 molecules at least; this one has 1" in found.moses.missing["FCD/Reference"]
    assert found.moses.values["Novelty"] == pytest.approx(0.95)
    assert found.latent is not None
    assert found.latent.missing["prior_gap"] == "needs 40 molecules, 10 a dimension, got 1"
    assert found.latent.values["rate"] > 0
    write_html(found, tmp_path / "out.html")


@pytest.mark.usefixtures("no_chemnet")
def test_one_sample(tmp_path: Path, known: Path) -> None:
    assert evaluate(["CCO"], known, jobs=1, cache=tmp_path / "kept").moses.values["IntDiv"] == pytest.approx(0)


@pytest.mark.usefixtures("no_chemnet")
def test_what_cannot_be_used_is_an_error(tmp_path: Path, smiles: list[str], known: Path) -> None:
    empty, bad = written(tmp_path / "empty.smi", []), written(tmp_path / "bad.smi", ["x", "y"])
    for samples, other, model, error, said in (
        (empty, known, None, DataError, "has no rows"),
        ([], known, None, DataError, "no samples"),
        (tmp_path / "none.smi", known, None, DataError, "no such file"),
        (known, tmp_path / "none.smi", None, DataError, "no such file"),
        (known, empty, None, DataError, "has no rows"),
        (known, bad, None, DataError, "no valid molecule in 2 rows"),
        (smiles[:5], known, "nonesuch", CheckpointError, "nonesuch"),
    ):
        with pytest.raises(error, match=said):
            evaluate(samples, other, model, jobs=1, cache=tmp_path / "kept")


@pytest.mark.skipif(not chemnet.available(), reason="the extra evaluate is not installed")
def test_with_chemnet_itself(tmp_path: Path, smiles: list[str]) -> None:
    few = written(tmp_path / "few.smi", smiles[:12])
    same = evaluate(few, few, jobs=1, cache=tmp_path / "kept")
    assert same.moses.values["FCD/Reference"] == pytest.approx(0, abs=1e-4)
    assert evaluate(smiles[20:30], few, jobs=1, cache=tmp_path / "kept").moses.values["FCD/Reference"] > 1


def test_the_package_is_light_until_it_is_used() -> None:
    code = "import sys, molvae.evaluate; assert not {'torch', 'rdkit', 'numpy'} & set(sys.modules); molvae.evaluate.Samples"
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(ImportError, match="nonesuch"):
        from molvae.evaluate import nonesuch  # type: ignore[attr-defined]  # noqa: F401
    assert Evaluation.__module__ == "molvae.evaluate.evaluation"
