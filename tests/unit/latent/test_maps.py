"""Maps: the projection is the one it says, saved maps place the same, pages run nothing that stood in a file."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from molvae import MolVAE
from molvae.chem.properties import compute
from molvae.errors import DataError, MissingExtraError
from molvae.latent import maps
from molvae.latent.map_colours import by_cluster, by_group, by_property
from molvae.latent.map_page import page
from molvae.latent.map_picture import picture
from molvae.latent.maps import LatentMap, Projection, latent_map


@pytest.fixture(scope="module")
def found(model: MolVAE, smiles: list[str]) -> LatentMap:
    return latent_map(model, [*smiles[:120], "aspirin", "C[Si](C)(C)C"], clusters=4)


def places(found: LatentMap) -> np.ndarray:
    return found.frame[["x", "y"]].dropna().to_numpy()


def test_the_axes_are_the_principal_components(found: LatentMap, model: MolVAE, smiles: list[str]) -> None:
    codes = model.encode(smiles[:120]).astype(np.float64)
    variances = np.linalg.svd(codes - codes.mean(axis=0), compute_uv=False) ** 2
    np.testing.assert_allclose(places(found).var(axis=0) * 120, variances[:2], rtol=1e-3)
    assert found.projection.share == pytest.approx(variances[:2].sum() / variances.sum(), rel=1e-4)
    assert abs(np.corrcoef(places(found).T)[0, 1]) < 1e-3


def test_refused_molecules_keep_their_rows(found: LatentMap, smiles: list[str]) -> None:
    assert list(found.frame.columns) == ["input", "smiles", "x", "y", "cluster", "representative", "reason"]
    refused = found.frame.iloc[120:]
    assert refused["reason"].tolist() == ["not a SMILES", "symbol not in the vocabulary: [Si]"]
    assert refused[["x", "y"]].isna().all(axis=None)
    assert refused["cluster"].tolist() == [0, 0]
    assert (found.frame["reason"][:120] == "").all()


def test_every_molecule_is_in_the_nearest_cluster_and_each_has_its_nearest(found: LatentMap, model: MolVAE, smiles: list[str]) -> None:
    codes, centres = model.encode(smiles[:120]), found.projection.centres
    distances = np.linalg.norm(codes[:, None] - centres[None], axis=2)
    assert found.frame["cluster"][:120].tolist() == (distances.argmin(axis=1) + 1).tolist()
    chosen = np.flatnonzero(found.frame["representative"])
    assert sorted(chosen.tolist()) == sorted(
        int(np.where(distances.argmin(axis=1) == number, distances[:, number], np.inf).argmin()) for number in range(4)
    )
    groups = found.representatives
    assert groups["cluster"].tolist() == [1, 2, 3, 4]
    assert groups["molecules"].sum() == 120
    assert set(groups["smiles"]) <= set(smiles)


@pytest.mark.parametrize("method", ["pca", "umap"])
def test_a_saved_map_places_molecules_where_they_were(
    method: Any, model: MolVAE, smiles: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maps, "_umap", lambda codes, seed: codes[:, 1:3] * 2)
    whole = latent_map(model, smiles[:60], method=method, clusters=3)
    whole.save(tmp_path / "map.npz")
    again = latent_map(model, smiles[20:40][::-1], onto=tmp_path / "map.npz")
    np.testing.assert_allclose(places(again)[::-1], places(whole)[20:40], atol=1e-3)
    assert again.frame["cluster"].tolist()[::-1] == whole.frame["cluster"].tolist()[20:40]
    assert again.projection.method == method


def test_new_molecules_lie_between_the_nearest_anchors(model: MolVAE, smiles: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """With places that are two dimensions of the code, those of other molecules come out near their own two."""
    monkeypatch.setattr(maps, "_umap", lambda codes, seed: codes[:, 1:3])
    monkeypatch.setattr(maps, "_ANCHORS", 300)
    found = latent_map(model, smiles, method="umap")
    assert len(found.projection.anchors) == 300
    codes = model.encode(smiles)[:, 1:3]
    errors = np.linalg.norm(places(found) - codes, axis=1)
    assert (errors < 1e-2).sum() >= 300
    assert np.median(errors[errors > 1e-2]) < 0.5 * np.median(np.linalg.norm(codes - codes.mean(axis=0), axis=1))


def test_umap_is_asked_for_the_places_of_the_codes(model: MolVAE, smiles: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """By a stand-in: compiling the real one takes a minute."""

    class Umap:
        def __init__(self, *, random_state: int, n_jobs: int) -> None:
            self.shift = random_state

        def fit_transform(self, codes: np.ndarray) -> np.ndarray:
            return codes[:, :2].astype(np.float64) + self.shift

    monkeypatch.setitem(sys.modules, "umap", SimpleNamespace(UMAP=Umap))
    found = latent_map(model, smiles[:30], method="umap", seed=7)
    np.testing.assert_allclose(places(found), model.encode(smiles[:30])[:, :2] + 7, atol=1e-2)
    assert np.isnan(found.projection.share)
    with pytest.raises(DataError, match="needs at least 20"):
        latent_map(model, smiles[:10], method="umap")


def test_bad_arguments_are_refused(model: MolVAE, smiles: list[str], found: LatentMap, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="method is 'tsne', expected one of pca, umap"):
        latent_map(model, smiles[:5], method="tsne")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="2 of 3 molecules can be encoded; such a map needs at least 3"):
        latent_map(model, [*smiles[:2], "x"])
    with pytest.raises(DataError, match="0 of 0"):
        latent_map(model, [], onto=found.projection)
    with pytest.raises(DataError, match="6 clusters of 5 molecules"):
        latent_map(model, smiles[:5], clusters=6)
    with pytest.raises(DataError, match="has its clusters already"):
        latent_map(model, smiles[:5], clusters=2, onto=found.projection)
    with pytest.raises(DataError, match="made with another model"):
        latent_map(model, smiles[:5], onto=replace(found.projection, model="other"))
    with pytest.raises(DataError, match=r"saved as \.npz"):
        found.save(tmp_path / "map.pkl")


@pytest.mark.parametrize("what", ["missing", "text", "cut", "pickle", "another npz", "shapes"])
def test_a_file_that_is_no_map_is_refused(what: str, found: LatentMap, tmp_path: Path) -> None:
    path = tmp_path / "map.npz"
    if what == "text":
        path.write_text("no map")
    elif what == "cut":
        found.save(path)
        path.write_bytes(path.read_bytes()[:-200])
    elif what == "pickle":
        np.savez(path, **vars(found.projection) | {"centre": np.array([object()], dtype=object)})
    elif what == "another npz":
        np.savez(path, a=np.zeros(3))
    elif what == "shapes":
        replace(found.projection, axes=np.zeros((2, 7), np.float32)).save(path)
    with pytest.raises(DataError, match="is not a map saved by molvae"):
        Projection.load(path)


@pytest.mark.parametrize(("package", "options"), [("sklearn.cluster", {"clusters": 2}), ("umap", {"method": "umap"})])
def test_a_missing_extra_is_named(
    package: str, options: dict[str, Any], model: MolVAE, smiles: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=r"pip install 'molvae\[(maps|umap)\]'"):
        latent_map(model, smiles[:30], **options)


# --- colours


def test_colours_are_those_of_the_molecules(smiles: list[str]) -> None:
    colours = by_property("MW", [smiles[0], "", smiles[1]])
    np.testing.assert_allclose(colours.numbers[[0, 2]], compute(smiles[:2], ["MW"])["MW"])
    assert np.isnan(colours.numbers[1])
    assert colours.title == "MW (Da)"
    assert colours.limits[0] < colours.limits[1]
    assert by_group("file", ["b", "a", "b"]).numbers.tolist() == [0, 1, 0]
    np.testing.assert_array_equal(by_cluster([2, 0, 1]).numbers, [1, np.nan, 0])
    with pytest.raises(DataError, match="unknown property 'colour'"):
        by_property("colour", smiles[:1])


# --- pictures


@pytest.mark.parametrize("suffix", [".png", ".svg"])
@pytest.mark.parametrize("kind", ["none", "groups", "numbers"])
def test_pictures_are_drawn(suffix: str, kind: str, found: LatentMap, tmp_path: Path) -> None:
    labels = ["_a$b$" if row % 2 else "c" for row in range(len(found.frame))]
    colours = {"none": None, "groups": by_group("file", labels), "numbers": by_property("logP", found.frame["smiles"].tolist())}[kind]
    paths = [tmp_path / f"{name}{suffix}" for name in "ab"]
    for path in paths:
        picture(found, path, colours, background=True)
    start = paths[0].read_bytes()
    assert start.startswith(b"\x89PNG" if suffix == ".png" else b"<?xml")
    assert start == paths[1].read_bytes()
    assert len(start) > 10_000


def test_a_picture_of_another_kind_is_refused(found: LatentMap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"expected \.png or \.svg"):
        picture(found, tmp_path / "map.gif")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"molvae\[maps\]"):
        picture(found, tmp_path / "map.png")


# --- pages


class Elements(HTMLParser):
    """Elements of a page with their attributes, and the text of its scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self.scripts += [""] * (tag == "script")

    def handle_data(self, data: str) -> None:
        if self.found and self.found[-1][0] == "script":
            self.scripts[-1] += data


def read(path: Path) -> tuple[Elements, dict[str, Any]]:
    elements = Elements()
    elements.feed(path.read_text())
    return elements, json.loads(elements.scripts[0])


def test_a_page_holds_the_map(found: LatentMap, smiles: list[str], tmp_path: Path) -> None:
    page(found, tmp_path / "map.html", by_property("MW", found.frame["smiles"].tolist()), structures=10)
    elements, data = read(tmp_path / "map.html")
    assert data["smiles"] == smiles[:120]
    placed = np.array(data["places"]).reshape(-1, 2)
    expected = places(found) - places(found).min(axis=0)
    np.testing.assert_allclose(placed / 4095, expected / expected.max(), atol=1 / 4095)
    assert len(data["structures"]) == 10
    representatives = found.representatives
    assert {str(point) for _, _, point in data["clusters"]} <= set(data["structures"])
    assert [data["smiles"][point] for _, _, point in data["clusters"]] == representatives["smiles"].tolist()
    assert len(elements.scripts) == 2


def test_structures_are_those_of_the_molecules(found: LatentMap, tmp_path: Path) -> None:
    from rdkit import Chem

    page(found, tmp_path / "map.html")
    _, data = read(tmp_path / "map.html")
    assert len(data["structures"]) == 120
    for point, (atoms, bonds, labels) in data["structures"].items():
        mol = Chem.MolFromSmiles(data["smiles"][int(point)])
        assert len(atoms) == 2 * mol.GetNumAtoms()
        assert len(bonds) == 3 * mol.GetNumBonds()
        joined = {frozenset(bonds[at : at + 2]) for at in range(0, len(bonds), 3)}
        assert joined == {frozenset((bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())) for bond in mol.GetBonds()}
        assert {int(at) for at in labels} == {atom.GetIdx() for atom in mol.GetAtoms() if atom.GetSymbol() != "C"}


def test_nothing_of_a_file_runs_in_a_page(found: LatentMap, tmp_path: Path) -> None:
    evil = '</script><script>alert(1)</script><img src=x onerror="alert(2)">{{data}}&\u2028'
    colours = by_group(evil, [evil] * len(found.frame))
    page(found, tmp_path / "map.html", colours, names=[evil] * len(found.frame), title=evil)
    elements, data = read(tmp_path / "map.html")
    assert [tag for tag, _ in elements.found].count("script") == 2
    assert "img" not in [tag for tag, _ in elements.found]
    assert set(data["names"]) == {evil}
    assert data["colour"]["groups"] == [evil]
    assert "innerHTML" not in elements.scripts[1]
    assert all(not name.startswith("on") for _, attributes in elements.found for name in attributes)


def test_a_page_needs_no_network(found: LatentMap, tmp_path: Path) -> None:
    page(found, tmp_path / "map.html")
    elements, _ = read(tmp_path / "map.html")
    assert not any({"src", "href"} & set(attributes) for _, attributes in elements.found)
    assert not re.search(r"https?://|fetch\(|XMLHttpRequest|import\(|url\(", (tmp_path / "map.html").read_text())


def test_a_page_shows_the_map_it_was_placed_on(model: MolVAE, found: LatentMap, smiles: list[str], tmp_path: Path) -> None:
    later = latent_map(model, smiles[200:205], onto=found.projection)
    page(later, tmp_path / "map.html", background=True)
    _, data = read(tmp_path / "map.html")
    assert len(data["behind"]) == 240
    assert len(data["smiles"]) == 5
    assert {*data["behind"], *data["places"]} <= set(range(4096))
    with pytest.raises(DataError, match=r"expected \.html"):
        page(later, tmp_path / "map.txt")


def test_molecules_in_one_place_make_a_map(model: MolVAE, smiles: list[str], tmp_path: Path) -> None:
    found = latent_map(model, [smiles[0]] * 5)
    page(found, tmp_path / "map.html")
    picture(found, tmp_path / "map.png")
    assert places(found) == pytest.approx(np.zeros((5, 2)), abs=1e-4)
    assert isinstance(found.representatives, pd.DataFrame)
    assert len(found.representatives) == 0
