"""A server of `molvae app`; what a page says on its console and asks of the network is watched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[2]
WAIT = 180_000  # milliseconds; a busy machine takes long to load torch

#: Thrown by the drawing editor while it starts; nothing of ours.
KETCHER = "reading 'eventBus'"


@pytest.fixture(scope="session")
def address(cache: Path) -> Iterator[str]:
    """Where a server answers that `molvae app` started."""
    command = [sys.executable, "-m", "molvae", "app"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, encoding="utf-8", env=os.environ | {"COLUMNS": "200"}) as server:
        assert server.stderr is not None
        said = next((line for line in server.stderr if "http://" in line), "")
        try:
            yield said.split("http://")[1].split()[0].join(["http://", ""])
        finally:
            server.send_signal(signal.SIGINT)
            server.stderr.read()  # until it has ended
    assert server.returncode in (0, 130)


class Visit:
    """A look at the page, each in a session of its own."""

    def __init__(self, browser: Browser, address: str, width: int = 1280, height: int = 1100) -> None:
        self.address, self.problems = address, list[str]()
        self.context = browser.new_context(viewport={"width": width, "height": height}, accept_downloads=True)
        self.context.set_default_timeout(WAIT)
        self.context.on("request", self._asked)
        self.context.on("weberror", self._threw)
        self.page: Page = self.context.new_page()
        self.page.on("console", self._said)
        self.page.goto(address)
        self.page.get_by_role("button", name="Sample", exact=True).wait_for()

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.problems.append(f"asked for {request.url}")

    def _threw(self, error: Any) -> None:
        if KETCHER not in str(error.error):
            self.problems.append(f"threw {error.error}")

    def _said(self, message: Any) -> None:
        if message.type == "error":
            self.problems.append(f"console: {message.text}")

    def go(self, title: str) -> None:
        """Turn to a page by its name."""
        self.page.get_by_test_id("stSidebarNav").get_by_role("link", name=title).click()
        self.page.get_by_role("heading", name=title, exact=True).wait_for()

    def press(self, label: str) -> None:
        """Press a button."""
        self.page.get_by_role("button", name=label, exact=True).click()

    def rest(self) -> None:
        """Wait until the server has nothing more to say; a click while the page changes can get lost."""
        self.page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()

    def see(self, text: str) -> None:
        """Wait until a text is on the screen."""
        self.page.get_by_text(text).first.wait_for()

    def structures(self, at_least: int = 1) -> list[str]:
        """SMILES of the structures on the screen, once there are so many and all are drawn."""
        self.page.wait_for_function(
            """least => {
                const shelves = [...document.querySelectorAll('*')].map(each => each.shadowRoot?.querySelector('.shelf')).filter(Boolean);
                const images = shelves.flatMap(shelf => [...shelf.querySelectorAll('.card img')]);
                return images.length >= least && images.every(image => image.complete && image.naturalWidth > 0);
            }""",
            arg=at_least,
        )
        return [str(card.get_attribute("data-smiles")) for card in self.page.locator(".card").all()]

    def rising(self, name: str) -> None:
        """Wait until the numbers of this name under the structures rise."""
        self.page.wait_for_function(
            """name => {
                const shelf = [...document.querySelectorAll('*')].map(each => each.shadowRoot?.querySelector('.shelf')).find(Boolean);
                const lines = [...shelf.querySelectorAll('.line')].filter(line => line.children[0].textContent === name);
                const numbers = lines.map(line => Number(line.children[1].textContent));
                return numbers.length > 1 && numbers.every((number, at) => at === 0 || numbers[at - 1] <= number);
            }""",
            arg=name,
        )

    def download(self, label: str, path: Path) -> Path:
        """Press a button that gives a file."""
        with self.page.expect_download() as found:
            self.page.get_by_role("button", name=label).click()
        found.value.save_as(path)
        return path

    def keep(self, name: str) -> None:
        """A picture of the screen, in out/screenshots."""
        folder = ROOT / "out" / "screenshots"
        folder.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=folder / f"{name}.png")


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Callable[..., Visit]]:
    """Opens the page; at the end nothing may have gone wrong in it, and nothing may have been asked from elsewhere."""
    visits: list[Visit] = []

    def opened(**size: int) -> Visit:
        visits.append(Visit(browser, address, **size))
        return visits[-1]

    yield opened
    for each in visits:
        each.context.close()
    assert [problem for each in visits for problem in each.problems] == []
