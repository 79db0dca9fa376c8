"""What the site shows besides docs/: notebooks with their output, measurements, recipes; links to them as they are in the repository."""

from __future__ import annotations

import base64
import json
import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

_ROOT = Path(__file__).resolve().parent.parent
_CARRIED = ("benchmarks/README.md", "benchmarks/results/*.md", "benchmarks/results/*.png", "recipes/*.toml", "data/README.md")
_LINK = re.compile(r"(\]\(|src=\")([^)\"#\s]+)")
_NO_LINK = re.compile(r"\]\((?![\w./:-]+\.(?:md|png)\)|https?:)")  # [C@H](C): a SMILES in a table
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what lies outside docs/ at the same place in the site as in the repository."""
    for pattern in _CARRIED:
        for path in sorted(_ROOT.glob(pattern)):
            files.append(File.generated(config, path.relative_to(_ROOT).as_posix(), content=path.read_bytes()))
    for path in sorted(_ROOT.glob("notebooks/*.ipynb")):
        for name, content in _page(path).items():
            files.append(File.generated(config, f"notebooks/{name}", content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links that leave docs/ lead to what was added at the same place."""
    if page.file.src_uri.startswith("benchmarks/"):
        return _NO_LINK.sub(r"]\\(", markdown)
    if page.file.src_uri.startswith(("notebooks/", "data/")):
        return markdown
    folder = posixpath.dirname(page.file.src_uri)

    def led(match: re.Match[str]) -> str:
        before, target = match.groups()
        if ":" in target or not target.startswith("../"):
            return match[0]
        whole = posixpath.normpath(posixpath.join("docs", folder, target.replace(".ipynb", ".md")))
        return match[0] if whole.startswith("docs/") else before + posixpath.relpath(whole, folder or ".")

    return _LINK.sub(led, markdown)


def _page(path: Path) -> dict[str, str | bytes]:
    """A notebook as markdown with its pictures, by file name."""
    found: dict[str, str | bytes] = {}
    parts: list[str] = []
    for number, cell in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"]):
        source = "".join(cell["source"])
        parts.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
        for at, output in enumerate(cell.get("outputs", ())):
            parts.append(_shown(output, f"{path.stem}_{number}_{at}.png", found))
    return found | {f"{path.stem}.md": "\n\n".join(filter(None, parts)) + "\n"}


def _shown(output: dict[str, Any], name: str, pictures: dict[str, str | bytes]) -> str:
    """One output of a cell; a picture is added to `pictures`."""
    data = output.get("data", {})
    if "image/png" in data:
        pictures[name] = base64.b64decode(data["image/png"])
        return f'<div class="output"><img src="{name}" alt="output of the cell above"></div>'
    if "text/html" in data:
        table = re.sub(r"<style.*?</style>", "", "".join(data["text/html"]), flags=re.DOTALL)
        return '<div class="output">' + re.sub(r"\n\s*", "", table).replace('border="1" ', "") + "</div>"
    text = "".join(output.get("text", data.get("text/plain", "")))
    return f"```text\n{_COLOUR.sub('', text).rstrip()}\n```" if text.strip() and output.get("name") != "stderr" else ""
