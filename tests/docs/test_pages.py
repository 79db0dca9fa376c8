"""Every block of Python and shell in docs/ runs, and the site builds without a warning.

A page is a user's session: its blocks run in order, in one folder and one namespace. `data` and `recipes` are there as in the
repository; a block with `title="name"` is also written to the file of that name. A line of shell that calls molvae runs in this process,
which spares loading torch again.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
BLOCK = re.compile(r"^```(?P<kind>\w+)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL)
MOLVAE = re.compile(r"(?P<command>molvae [^|#]*?)(?: *\|\| test \$\? -eq (?P<code>\d+))? *(?:#.*)?")


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Attributes:
        kind: what follows the fence, such as "python".
        text: the code.
        title: of the file it stands for, else empty.
        line: where it starts in the page, from 1.
    """

    kind: str
    text: str
    title: str
    line: int


def blocks(page: str) -> list[Block]:
    """The blocks of a page in their order."""
    found = BLOCK.finditer(page)
    return [Block(each["kind"], each["text"], each["title"] or "", page.count("\n", 0, each.start()) + 1) for each in found]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a page is run."""
    for name in ("data", "recipes"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Runs one line of shell, and fails unless it ends with 0, or the code that the line allows."""

    def line(text: str) -> None:
        mine = MOLVAE.fullmatch(text)
        if mine is None:
            done = subprocess.run(["bash", "-e", "-c", text], capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{text}\n{done.stderr}"
            return
        monkeypatch.setattr(sys, "argv", shlex.split(mine["command"]))
        assert _code() in (0, int(mine["code"] or 0)), text

    return line


def _code() -> int:
    from molvae.cli.app import main

    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@pytest.mark.parametrize("path", [path for path in PAGES if blocks(path.read_text(encoding="utf-8"))], ids=lambda p: p.stem)
def test_the_blocks_of_a_page_run(path: Path, folder: Path, run: Callable[[str], None]) -> None:
    names: dict[str, object] = {}
    for block in blocks(path.read_text(encoding="utf-8")):
        if block.title:
            (folder / block.title).write_text(block.text, encoding="utf-8")
        if block.kind == "python":
            exec(compile("\n" * block.line + block.text, str(path), "exec"), names)
        elif block.kind == "sh":
            for line in block.text.strip().splitlines():
                run(line)


def test_blocks_are_of_kinds_that_are_run_or_said_to_be_none() -> None:
    kinds = {block.kind for path in PAGES for block in blocks(path.read_text(encoding="utf-8"))}
    assert kinds <= {"python", "sh", "text", "toml"}
    fences = sum(path.read_text(encoding="utf-8").count("\n```") for path in PAGES)
    assert fences == 2 * sum(len(blocks(path.read_text(encoding="utf-8"))) for path in PAGES)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built strictly."""
    folder = tmp_path_factory.mktemp("site")
    options = ["--strict", "--quiet", "--config-file", str(ROOT / "mkdocs.yml"), "--site-dir", str(folder)]
    done = subprocess.run([sys.executable, "-m", "mkdocs", "build", *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_site_needs_nothing_from_elsewhere(site: Path) -> None:
    fetched = re.compile(r"<(?:script|img|link)\b[^>]*?(?:src|href)=[\"']?(?:https?:)?//[^>]*>")
    for page in site.rglob("*.html"):
        assert not fetched.findall(page.read_text(encoding="utf-8")), page
    assert not [path for path in site.rglob("*.css") if re.search(r"url\([\"']?(?:https?:)?//", path.read_text(encoding="utf-8"))]


def test_the_site_opened_from_the_disk_can_be_searched(site: Path, browser: Browser) -> None:
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((site / "howto" / "sample.html").as_uri())
    page.get_by_role("textbox", name="Search").press_sequentially("outliers")
    page.locator(".md-search-result__link", has_text="Find outliers").first.click()
    page.wait_for_url("**/howto/outliers.html*")
    assert [address for address in asked if not address.startswith(("file:", "data:", "blob:"))] == []
    page.close()
