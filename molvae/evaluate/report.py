"""Writes an evaluation as a page for people and as JSON for programs."""

from __future__ import annotations

import json
from pathlib import Path

from molvae.evaluate.evaluation import Evaluation
from molvae.evaluate.page import page
from molvae.files import replacing

__all__ = ["Evaluation", "write_html", "write_json"]


def write_html(evaluation: Evaluation, path: str | Path) -> None:
    """Write the report: one file without scripts, opened by any browser, offline; it appears whole or not at all.

    Raises:
        DataError: the file cannot be written.
    """
    text = page(evaluation)
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(evaluation: Evaluation, path: str | Path) -> None:
    """Write `Evaluation.to_json`; the file appears whole or not at all.

    Raises:
        DataError: the file cannot be written.
    """
    text = json.dumps(evaluation.to_json(), indent=2, ensure_ascii=False, allow_nan=False)
    with replacing(path) as partial:
        partial.write_text(text + "\n", encoding="utf-8")
