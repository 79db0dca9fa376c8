"""The web page in a real browser: the main job of each page, and what a bad input comes to."""

from __future__ import annotations

import csv
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import expect
from rdkit import Chem

Opened = Callable[..., Any]
DRUGS = ["CC(=O)Nc1ccc(O)cc1", "CC(=O)Oc1ccccc1C(=O)O", "CC(C)Cc1ccc(C(C)C(=O)O)cc1", "CN1C(=O)CN=C(c2ccccc2)c2cc(Cl)ccc21"]


def table(path: Path) -> list[dict[str, str]]:
    """Rows of a .csv."""
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_one_click_samples_and_the_next_one_downloads(visit: Opened, tmp_path: Path) -> None:
    look = visit()
    look.keep("sample-empty")
    look.press("Sample")
    assert len(look.structures(24)) == 24
    look.keep("sample")
    molecules = list(Chem.SDMolSupplier(str(look.download("SDF (all 100)", tmp_path / "a.sdf"))))
    assert len(molecules) == 100
    assert None not in molecules
    assert all(float(mol.GetProp("QED")) > 0 for mol in molecules)

    look.page.get_by_role("combobox", name="Sort by").click()
    look.page.get_by_role("option", name="MW").click()
    look.rising("MW")
    rows = table(look.download("CSV (all 100)", tmp_path / "a.csv"))
    weights = [float(row["MW"]) for row in rows]
    assert weights == sorted(weights)

    look.page.locator(".card").nth(0).click()
    look.see("SDF (1 selected)")
    look.page.locator(".card").nth(3).click()
    look.see("SDF (2 selected)")
    look.press("Interpolate")
    look.page.get_by_role("heading", name="Interpolate").wait_for()
    expect(look.page.get_by_role("textbox", name="From")).to_have_value(rows[0]["smiles"])
    expect(look.page.get_by_role("textbox", name="To")).to_have_value(rows[3]["smiles"])
    look.go("Sample")
    look.see("SDF (2 selected)")  # as it was left


def test_a_walk_between_two_molecules(visit: Opened) -> None:
    look = visit(width=800)
    look.go("Interpolate")
    steps = look.page.get_by_role("spinbutton", name="Molecules")
    steps.fill("5")
    steps.press("Enter")
    look.press("Interpolate")
    found = look.structures(5)
    look.keep("interpolate-small-screen")
    assert (found[0], found[-1]) == (DRUGS[0], "CN1CCC(Oc2ccccc2)CC1")
    assert len(set(found)) == 5


def test_a_molecule_is_drawn_and_its_neighbours_are_found_and_edited(visit: Opened) -> None:
    look = visit()
    look.go("Neighbours and edit")
    box = look.page.get_by_role("textbox", name="Molecule")
    box.fill(DRUGS[1])
    box.press("Enter")
    look.page.locator(f'img[alt="{DRUGS[1]}"]').first.wait_for()
    look.press("Draw")
    editor = look.page.frame_locator("iframe[title*=ketcher]")
    editor.get_by_role("button", name="Apply").click()
    look.press("Use it")
    expect(look.page.get_by_role("dialog")).to_have_count(0)
    look.rest()
    look.press("Find neighbours")
    assert DRUGS[1] not in look.structures(24)
    look.keep("neighbours")
    look.page.get_by_role("radio", name="Edit properties").click()
    look.press("Find analogues")
    look.see("QED after")
    assert look.structures()
    look.keep("edit")


def test_a_campaign_shows_its_best_and_is_stopped(visit: Opened) -> None:
    look = visit()
    look.go("Optimize")
    look.press("Optimize")
    look.see("Best so far")
    look.structures()
    look.page.locator(".js-plotly-plot").first.wait_for()
    look.keep("optimize-live")
    look.press("Stop")
    look.see("what was found is kept")
    assert look.structures()
    look.keep("optimize-stopped")


def test_a_lasso_on_the_map_selects(visit: Opened) -> None:
    look = visit()
    look.page.goto(f"{look.address}/map")
    look.page.get_by_role("heading", name="Map", exact=True).wait_for()
    look.page.reload()
    look.page.get_by_role("heading", name="Map", exact=True).wait_for()
    look.press("Draw the map")
    chart = look.page.locator(".chart[data-ready=yes]")
    chart.wait_for()
    box = chart.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    look.page.mouse.move(x, y)
    look.page.mouse.move(x + 2, y + 1)
    look.page.locator(".hint img").wait_for()  # among 2,000 points one is near
    look.keep("map-hover")
    look.page.mouse.move(x - 25, y - 25)
    look.page.mouse.down()
    for across, down in ((25, -25), (25, 25), (-25, 25), (-25, -25)):
        look.page.mouse.move(x + across, y + down, steps=4)
    look.page.mouse.up()
    look.see("selected on the map")
    chosen = look.structures()[0]
    look.keep("map-selected")
    look.page.locator(".card").first.click()
    look.see("SDF (1 selected)")
    look.press("Neighbours")
    look.page.get_by_role("heading", name="Neighbours and edit").wait_for()
    expect(look.page.get_by_role("textbox", name="Molecule")).to_have_value(chosen)


def test_samples_are_evaluated(visit: Opened, smiles: list[str], tmp_path: Path) -> None:
    look = visit()
    look.go("Evaluate")
    look.page.get_by_role("radio", name="Paste").click()
    look.page.get_by_role("textbox", name="One SMILES a line").fill("\n".join(smiles[:60]))
    look.page.get_by_role("textbox", name="One SMILES a line").press("Control+Enter")
    look.see("60 molecules of the text")
    look.page.get_by_role("radio", name="A file of mine").click()
    reference = tmp_path / "reference.smi"
    reference.write_text("\n".join(smiles[60:260]))
    look.page.locator("input[type=file]").set_input_files(reference)
    look.see("200 molecules of reference.smi")
    look.press("Evaluate")
    look.see("Done in")
    report = look.page.frame_locator("iframe").get_by_role("heading", name="Evaluation of samples")
    report.wait_for()
    look.keep("evaluate")
    assert "<h1>Evaluation of samples</h1>" in look.download("Report as page", tmp_path / "report.html").read_text()


def test_bad_input_is_said_and_never_run(visit: Opened, tmp_path: Path) -> None:
    look = visit()
    look.page.on("dialog", lambda dialog: look.problems.append(f"dialog {dialog.message}"))
    look.go("Interpolate")
    box = look.page.get_by_role("textbox", name="From")
    for text in ("aspirin ![x](http://example.com/x.png)", "C" * 10_000_000):
        box.fill(text)
        box.press("Enter")
        look.see("cannot be used: not a SMILES" if "aspirin" in text else "cannot be used: too large")
        expect(look.page.get_by_role("button", name="Interpolate", exact=True)).to_be_disabled()
    look.keep("bad-smiles")

    look.go("Map")
    look.page.get_by_role("radio", name="Upload a file").click()
    large = tmp_path / "large.smi"
    with large.open("wb") as file:
        file.truncate(200 * 2**20)
    look.page.locator("input[type=file]").set_input_files(large)
    look.see("must be 50.0MB or smaller")
    look.keep("bad-upload")
    names = ["=cmd()", "<script>alert(2)</script>", "<img src=x onerror=alert(3)>", "@SUM(1)"]
    named = tmp_path / "named.smi"
    named.write_text("".join(f"{smiles} {name}\n" for smiles, name in zip(DRUGS, names, strict=True)) + "nonsense\n")
    look.page.locator("input[type=file]").set_input_files(named)
    look.see("1 refused: not a SMILES")
    look.press("Draw the map")
    chart = look.page.locator(".chart[data-ready=yes]")
    chart.wait_for()
    box = chart.bounding_box()
    right, bottom = box["width"] - 14, box["height"] - 14
    look.page.mouse.move(box["x"] + 14, box["y"] + 14)
    look.page.mouse.down()
    for across, down in ((right, 14), (right, bottom), (14, bottom), (14, 14)):
        look.page.mouse.move(box["x"] + across, box["y"] + down, steps=4)
    look.page.mouse.up()
    look.see("4 selected on the map")
    look.structures(4)
    assert set(look.page.locator(".card .title").all_text_contents()) == set(names)
    look.keep("bad-names")
    rows = table(look.download("CSV (all 4)", tmp_path / "named.csv"))
    assert {row["name"] for row in rows} == {"'=cmd()", *names[1:3], "'@SUM(1)"}


def test_what_is_shown_belongs_to_what_was_asked(visit: Opened, tmp_path: Path) -> None:
    look = visit()
    look.press("Sample")
    look.structures(24)
    look.see("by moses in")
    look.go("Neighbours and edit")
    look.press("Find neighbours")
    look.see("molecules for CC(=O)Nc1ccc(O)cc1 by moses")
    box = look.page.get_by_role("textbox", name="Molecule")
    box.fill("C[N+](C)(C)CCO")
    box.press("Enter")
    look.page.locator('img[alt="C[N+](C)(C)CCO"]').first.wait_for()
    look.press("Find neighbours")
    look.see("the model zinc250k knows charges and stereo")
    look.see("What follows came out before.")
    look.page.get_by_role("radio", name="Grow a scaffold").click()
    look.page.get_by_role("textbox", name="Scaffold").wait_for()
    look.go("Sample")
    chosen = look.structures(24)[0]
    look.page.locator(".card").first.click()
    look.see("SDF (1 selected)")
    look.press("Neighbours")
    look.page.get_by_role("heading", name="Neighbours and edit").wait_for()
    expect(look.page.get_by_role("textbox", name="Molecule")).to_have_value(chosen)
    look.go("Optimize")
    look.page.get_by_text("A lead, and how to search").click()
    lead = look.page.get_by_role("textbox", name="Start from")
    lead.fill("nonsense")
    lead.press("Enter")
    look.see("cannot be used: not a SMILES")
    expect(look.page.get_by_role("button", name="Optimize", exact=True)).to_be_disabled()
    look.go("Map")
    look.page.get_by_role("radio", name="Upload a file").click()
    some = tmp_path / "some.smi"
    some.write_text("\n".join(DRUGS))
    look.page.locator("input[type=file]").set_input_files(some)
    look.see(f"{len(DRUGS)} molecules of some.smi")
    look.go("Sample")
    look.go("Map")
    look.see(f"{len(DRUGS)} molecules of some.smi")  # still there
    look.page.locator("input[type=file]").set_input_files(some)
    look.page.get_by_role("button", name="Remove some.smi").click()
    expect(look.page.get_by_text("molecules of some.smi")).to_have_count(0)
    expect(look.page.get_by_role("button", name="Draw the map", exact=True)).to_be_disabled()


def test_two_sessions_share_nothing_and_a_closed_browser_harms_nobody(visit: Opened, address: str) -> None:
    one, other = visit(), visit()
    one.go("Optimize")
    one.press("Optimize")
    one.page.get_by_role("button", name="Stop").wait_for()
    one.page.close()  # in the middle of the run
    other.go("Optimize")
    assert other.page.get_by_role("button", name="Stop").count() == 0
    assert other.page.locator(".card").count() == 0
    other.go("Sample")
    other.press("Sample")
    other.structures(24)
    with urllib.request.urlopen(f"{address}/_stcore/health", timeout=10) as answer:
        assert answer.status == 200
