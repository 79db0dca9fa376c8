"""The report: everything in it, nothing from elsewhere, and no text of a file becomes markup."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from molvae.errors import DataError
from molvae.evaluate.figures import finite, histogram, scatter
from molvae.evaluate.metrics import Metrics
from molvae.evaluate.page import page
from molvae.evaluate.published import GUACAMOL, GUACAMOL_COLUMNS, MOSES, MOSES_COLUMNS, TRADEOFFS
from molvae.evaluate.report import Evaluation, write_html, write_json
from molvae.evaluate.samples import Samples
from molvae.evaluate.tables import beside_peers
from molvae.pages.pictures import structures

EVIL = "<script>alert('x')</script>&\"<img src=x onerror=y>"


class Reader(HTMLParser):
    """Counts tags, gathers text, and checks that every element is closed in its turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data + " "


@pytest.fixture
def evaluation(smiles: list[str]) -> Evaluation:
    values = np.random.default_rng(0).normal(size=(2, 300))
    return Evaluation(
        source="samples.smi",
        reference="held-out molecules",
        samples=Samples.of([*smiles[:30], smiles[0], "CC(", ""], jobs=1),
        moses=Metrics({"valid": 0.9394, "FCD/Test": 0.05, "weight": 1.25}, {"Novelty": "needs the training set"}),
        guacamol=Metrics({"validity": 0.9394}, {"fcd_score": "no ChemNet"}),
        latent=Metrics({"exact_reconstruction": 0.75, "rate": 21.5}, {"iwae": "not asked for"}),
        settings={"seed": 7, "verdict": "alive: 33 of 64 dimensions are active"},
        reconstructions=[("CCO", "CCO"), ("CCN", "CCC"), ("CCCl", "")],
        properties={"logP": (values[0], values[1])},
        codes=(values.T, values.T + 1),
    )


def bare() -> Evaluation:
    """Only what cannot be left out."""
    nothing = Metrics({}, {})
    return Evaluation("empty.smi", "nothing", Samples.of([], jobs=1), nothing, nothing)


def test_the_page_holds_every_part(evaluation: Evaluation) -> None:
    text = Reader(page(evaluation)).text
    for expected in (
        "samples.smi", "held-out molecules", "alive: 33 of 64", "not a SMILES", "CharRNN", "SMILES LSTM", "0.9394", "1.25",
        "nats a molecule", "1 of 3 held-out molecules came back exactly", "needs the training set", "no ChemNet", "not asked for", "seed",
    ):  # fmt: skip
        assert expected in text


def test_every_element_is_closed_and_nothing_comes_from_elsewhere(evaluation: Evaluation) -> None:
    read = Reader(page(evaluation))
    assert read.open == []
    assert not {"script", "link", "iframe"} & set(read.tags)
    sources = [value for name, value in read.attributes if name in ("src", "href", "srcset")]
    assert sources and all(source.startswith("data:image/svg+xml;base64,") for source in sources)
    assert not re.search(r"url\(|@import", page(evaluation))


def test_text_of_a_file_never_becomes_markup(evaluation: Evaluation) -> None:
    samples = Samples(3, [], {EVIL: 3})
    latent = Metrics({EVIL: 1.0}, {EVIL: EVIL})
    evil = replace(
        evaluation, source=EVIL, reference=EVIL, samples=samples, latent=latent, moses=latent, guacamol=latent,
        settings={EVIL: EVIL, "verdict": EVIL}, reconstructions=[(EVIL, EVIL), (EVIL, "C")],
        properties={EVIL: evaluation.properties["logP"]},
    )  # fmt: skip
    read = Reader(page(evil))
    assert read.open == []
    assert "script" not in read.tags
    assert not [name for name, _ in read.attributes if name.startswith("on")]
    assert read.text.count(EVIL) > 10


def test_an_evaluation_with_nothing_in_it_has_a_page(evaluation: Evaluation) -> None:
    read = Reader(page(bare()))
    assert read.open == []
    assert "<h2>Latent</h2>" in page(evaluation) and "<h2>Latent</h2>" not in page(bare())
    assert "Not computed" not in read.text


def test_misses_are_marked(evaluation: Evaluation) -> None:
    text = page(evaluation)
    assert text.count("✓ exact") == 1
    assert text.count('class="miss"') == text.count("✗ miss") == 2
    assert "all 2 misses" in text
    assert "nothing" in Reader(text).text  # what the third came back as


@pytest.mark.parametrize(("verdict", "kind"), [("alive: yes", "good"), ("posterior collapse: no rate", "bad"), ("not judged", "open")])
def test_the_verdict_stands_out(evaluation: Evaluation, verdict: str, kind: str) -> None:
    text = page(replace(evaluation, settings={"verdict": verdict}))
    assert f'<p class="verdict {kind}" role="status">Latent: {verdict}</p>' in text


def marked(text: str, name: str) -> list[bool]:
    """Of the row of a model, which cells are marked as the best of their column."""
    row = next(row for row in re.findall("<tr.*?</tr>", text) if f">{name}</th>" in row)
    return ["best" in cell for cell in re.findall("<td[^>]*>", row)]


def test_the_best_of_a_column_is_marked_and_the_data_compete_for_nothing() -> None:
    text = beside_peers("mine", Metrics({"valid": 1.0, "FCD/Test": 0.05, "SNN/Test": float("nan")}, {}), MOSES_COLUMNS, MOSES)
    names = [column.name for column in MOSES_COLUMNS]
    mine = dict(zip(names, marked(text, "mine"), strict=True))
    assert mine["valid"] and mine["FCD/Test"]
    assert not mine["SNN/Test"] and not mine["Novelty"]
    assert dict(zip(names, marked(text, "CharRNN"), strict=True))["FCD/TestSF"]
    assert not any(marked(text, "training set"))
    worse = beside_peers("mine", Metrics({"FCD/Test": 0.08}, {}), MOSES_COLUMNS, MOSES)
    assert not any(marked(worse, "mine"))
    assert dict(zip(names, marked(worse, "CharRNN"), strict=True))["FCD/Test"]


def test_published_figures_are_well_formed() -> None:
    for peers, columns in ((MOSES, MOSES_COLUMNS), (GUACAMOL, GUACAMOL_COLUMNS)):
        assert len({peer.name for peer in peers}) == len(peers)
        for peer in peers:
            assert peer.source
            assert set(peer.values) <= {column.name for column in columns}
            assert all(0 <= value <= 1 for name, value in peer.values.items() if not name.startswith("FCD/"))
    for one, next_one in pairwise(TRADEOFFS):
        assert one.name != next_one.name or (one.exact < next_one.exact and one.fcd < next_one.fcd)


def test_json_has_the_figures_and_is_strict(evaluation: Evaluation, tmp_path: Path) -> None:
    odd = replace(
        evaluation,
        moses=Metrics({"FCD/Test": float("nan"), "valid": 0.5}, {}),
        settings={"where": Path("x"), "share": np.float32(0.5), "numbers": (1, 2)},
        properties={"logP": (np.array([1.0, 3.0, np.nan]), np.array([]))},
    )
    write_json(odd, tmp_path / "new" / "figures.json")

    def refuse(text: str) -> None:
        raise AssertionError(f"{text} is no JSON")

    read = json.loads((tmp_path / "new" / "figures.json").read_text(encoding="utf-8"), parse_constant=refuse)
    assert read == odd.to_json()
    assert read["samples"] == {"rows": 33, "valid": 31, "different": 30, "repeats": 1, "refused": {"not a SMILES": 1, "empty": 1}}
    assert read["moses"]["values"] == {"FCD/Test": None, "valid": 0.5}
    assert read["settings"] == {"where": "x", "share": 0.5, "numbers": [1, 2]}
    assert read["properties"]["logP"]["samples"]["mean"] == 2.0
    assert read["properties"]["logP"]["reference"] == {"number": 0}
    assert read["reconstructions"][2] == {"input": "CCCl", "reconstruction": ""}
    assert bare().to_json()["latent"] is None


def test_html_is_written_whole_or_not_at_all(evaluation: Evaluation, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_html(evaluation, path)
    assert path.read_text(encoding="utf-8") == page(evaluation)
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]
    with pytest.raises(DataError, match="cannot be written"):
        write_html(evaluation, path / "below_a_file.html")


def heights(figure: str, kind: str) -> list[float]:
    path = next(each for each in ElementTree.fromstring(figure).iter("path") if each.get("class") == kind)
    return [float(point.split(",")[1]) for point in re.findall(r"[\d.]+,[\d.]+", path.get("d") or "")]


def test_a_histogram_shows_where_the_values_are() -> None:
    figure = histogram(np.zeros(50), np.concatenate([np.zeros(50), np.ones(50)]), "x")
    line = heights(figure, "samples")
    assert min(line) == line[0] < line[-1]  # a high first bin, an empty last one; y grows downwards
    area = heights(figure, "reference")[1:-1]
    assert area[0] == area[-1] == pytest.approx((line[0] + line[-1]) / 2, abs=0.1)


@pytest.mark.parametrize("values", [[], [3.0], [3.0, 3.0], [np.nan, np.inf, 1.0], [0.0, 1e9], [-1e-12, 1e-12]])
def test_any_numbers_make_a_histogram(values: list[float]) -> None:
    for each in (np.array(values), np.array([])):
        ElementTree.fromstring(histogram(np.array(values), each, "a < b"))
    assert finite(np.array([np.nan, 2.0])).tolist() == [2.0]


def test_a_map_keeps_to_its_square_and_leaves_out_what_is_not_finite() -> None:
    real, prior = np.array([[0.0, 0.0], [np.nan, 1.0], [10.0, 2.0]]), np.array([[-5.0, 3.0]])
    root = ElementTree.fromstring(scatter(real, prior))
    dots = [(float(dot.get("cx") or "nan"), float(dot.get("cy") or "nan")) for dot in root.iter("circle")]
    assert len(dots) == 2 and len(list(root.iter("path"))) == 1
    assert all(0 <= place <= 460 for dot in dots for place in dot)
    assert dots[1][0] > dots[0][0] and dots[1][1] < dots[0][1]  # to the right and up
    ElementTree.fromstring(scatter(np.ones((2, 2)), np.ones((1, 2))))
    assert "no codes" in scatter(np.empty((0, 2)), np.empty((0, 2)))


def test_each_structure_is_a_picture_of_its_own() -> None:
    ethanol, ring, nothing = structures(["CCO", "c1ccccc1", ""])
    assert len({ethanol, ring, nothing}) == 3
    assert all(each.startswith('<img src="data:image/svg+xml;base64,') for each in (ethanol, ring, nothing))
    assert 'alt="no molecule"' in nothing
