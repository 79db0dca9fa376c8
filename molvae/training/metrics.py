"""Figures of a run, written to metrics.jsonl and, where the package is installed, to TensorBoard files."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any


class MetricsLog:
    """Writes figures as they come; a context manager.

    Args:
        folder: where metrics.jsonl and the TensorBoard files go.
        enabled: False writes nothing (all processes but the first).
        append: go on in the file that is there.
    """

    def __init__(self, folder: Path, enabled: bool = True, append: bool = False) -> None:
        self._file = (folder / "metrics.jsonl").open("a" if append else "w", encoding="utf-8") if enabled else None
        self._board: Any = None
        if enabled and find_spec("tensorboard"):
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(folder))

    def write(self, kind: str, figures: dict[str, float]) -> None:
        """One line of JSON; `figures` holds the step and numbers."""
        if self._file is None:
            return
        self._file.write(json.dumps({"kind": kind} | figures) + "\n")
        self._file.flush()
        if self._board is not None:
            for name, value in figures.items():
                self._board.add_scalar(f"{kind}/{name}", value, int(figures["step"]))

    def __enter__(self) -> MetricsLog:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()
        if self._board is not None:
            self._board.close()
