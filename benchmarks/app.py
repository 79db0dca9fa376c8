"""The web page: how soon it can be used, how long 100 structures take to be drawn, and whether a map of 20,000 points pans smoothly.

    python benchmarks/app.py

In headless Chromium, against a server that `molvae app` starts for each round: seconds from the printed address until the button of the
first page is pressed; from the choice of 100 structures at once until the last picture is there, none of them seen before; frames a second
while a map is dragged, and the longest wait between two. The molecules are samples of the model (seeded), those of the map drawn once
before the first round. Headless Chromium draws without a graphics card; with one it is no slower.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import common
from playwright.sync_api import Page, sync_playwright

from molvae import MolVAE
from molvae.errors import DataError

_POINTS = 20_000
_WAIT = 300_000  # milliseconds
_SECONDS = 3.0  # of dragging
_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
]

#: Counts frames until told to stop: milliseconds between each two.
_FRAMES = """() => {
  window.gaps = [];
  let before = performance.now();
  const frame = (now) => { window.gaps.push(now - before); before = now; window.counting && requestAnimationFrame(frame); };
  window.counting = true;
  requestAnimationFrame(frame);
}"""

#: Waits until 100 cards have their pictures; milliseconds since the choice.
_DRAWN = """() => {
  const shelf = [...document.querySelectorAll('*')].map((each) => each.shadowRoot?.querySelector('.shelf')).find(Boolean);
  const images = shelf ? [...shelf.querySelectorAll('.card img')] : [];
  return images.length >= 100 && images.every((image) => image.complete && image.naturalWidth > 0);
}"""


@contextmanager
def served() -> Iterator[str]:
    """The address of a server, as soon as it is printed."""
    command = [sys.executable, "-m", "molvae", "app"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, encoding="utf-8") as server:
        assert server.stderr is not None
        said = next(line for line in server.stderr if "http://" in line)
        try:
            yield "http://" + said.split("http://")[1].split()[0]
        finally:
            server.terminate()


@contextmanager
def looked_at(address: str) -> Iterator[Page]:
    """A new browser; the page is not opened yet."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        raise DataError("there is no Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.set_default_timeout(_WAIT)
        yield page
        browser.close()


def first_page(page: Page, address: str) -> float:
    """Seconds until a button can be pressed."""
    start = time.perf_counter()
    page.goto(address)
    page.get_by_role("button", name="Sample", exact=True).click()
    return time.perf_counter() - start


def hundred(page: Page) -> float:
    """Seconds until 100 structures are drawn, from the choice of so many."""
    page.locator(".card").first.wait_for()
    page.get_by_role("combobox", name="Shown").click()
    start = time.perf_counter()
    page.get_by_role("option", name="100").click()
    page.wait_for_function(_DRAWN)
    return time.perf_counter() - start


def panned(page: Page, molecules: Path) -> tuple[float, float]:
    """Frames a second while a map is dragged, and the longest time between two in milliseconds."""
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Map").click()
    page.get_by_role("radio", name="Upload a file").click()
    page.locator("input[type=file]").set_input_files(molecules)
    page.get_by_text(f"{_POINTS:,} molecules of").wait_for()
    page.get_by_role("button", name="Draw the map").click()
    chart = page.locator(".chart[data-ready=yes]")
    chart.wait_for()
    page.locator('[data-val="pan"]').click()
    box: Any = chart.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.evaluate(_FRAMES)
    end, step = time.perf_counter() + _SECONDS, 0
    while time.perf_counter() < end:
        step += 1
        page.mouse.move(x + 150 * (step % 20 - 10) / 10, y + 100 * (step % 14 - 7) / 7)
    gaps: list[float] = page.evaluate("() => { window.counting = false; return window.gaps; }")
    page.mouse.up()
    return 1000 / statistics.mean(gaps), max(gaps)


def measured(rounds: int, molecules: Path) -> list[common.Figure]:
    """All figures, a server and a browser a round."""
    values: list[tuple[float, ...]] = []
    for number in range(1, rounds + 1):
        with served() as address, looked_at(address) as page:
            values.append((first_page(page, address), hundred(page), *panned(page, molecules)))
        common.say(f"round {number}/{rounds}: {', '.join(map(common.number_text, values[-1]))}")
    names = (
        ("from the address to the first page that can be used", "s"),
        ("100 structures drawn", "s"),
        (f"map of {_POINTS:,} points dragged", "frames/s"),
        ("longest wait between two frames of it", "ms"),
    )
    return [common.Figure(name, unit, each) for (name, unit), each in zip(names, zip(*values, strict=True), strict=True)]


def main() -> None:
    """Measure, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    common.add_common_arguments(parser, "app.json")
    arguments = parser.parse_args()
    with common.plain_errors(), TemporaryDirectory() as folder:
        before = common.machine()
        molecules = Path(folder) / "samples.smi"
        frame = MolVAE.from_pretrained("moses").sample(_POINTS, seed=1, critic=False)
        molecules.write_text("\n".join(frame["smiles"]) + "\n", encoding="utf-8")
        figures = measured(arguments.rounds, molecules)
        rows = [[each.name, each.unit, *map(common.number_text, each.spread().values())] for each in figures]
        text = common.markdown(["what", "unit", "min", "median", "max"], rows)
        entries = [{"name": each.name, "unit": each.unit, "values": list(each.values)} | each.spread() for each in figures]
        common.write_result(arguments.out, "The web page", entries, text, before, rounds=arguments.rounds)


if __name__ == "__main__":
    main()
