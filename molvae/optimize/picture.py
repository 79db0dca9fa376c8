"""The progress of a campaign as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from molvae.errors import DataError, MissingExtraError
from molvae.files import replacing
from molvae.optimize.curves import Curves

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLOURS = {"best": "#d55e00", "top": "#0072b2", "auc": "#009e73"}
_NAMES = {"best": "best", "top": "mean of the best 10", "auc": "area under it (AUC top 10)"}


def check_picture(path: str | Path) -> None:
    """Refuse a picture that could not be drawn, before any work is done.

    Raises:
        DataError: unknown suffix.
        MissingExtraError: matplotlib is needed.
    """
    if Path(path).suffix.lower() not in (".png", ".svg"):
        raise DataError(f"{path}: unknown suffix {Path(path).suffix!r}, expected .png or .svg")
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("pictures of campaigns need matplotlib: pip install 'molvae[optimize]'") from error


def progress_picture(scores: Sequence[float | None], path: str | Path, title: str = "") -> None:
    """Draw every score, the best, the mean of the best ten and the area under that, against calls; whole or not at all.

    Args:
        scores: in the order of the calls; None is a failure and is not drawn.
        path: a .png or .svg file.
        title: above the picture.

    Raises:
        DataError: unknown suffix, or a file that cannot be written.
        MissingExtraError: matplotlib is needed.
    """
    check_picture(path)
    path = Path(path)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained", facecolor="white")
    axes = figure.add_subplot()
    calls, curves = np.arange(1, len(scores) + 1), Curves.of(scores)
    values = [np.nan if score is None else score for score in scores]
    axes.scatter(calls, values, s=5, color="#bbbbb5", linewidths=0, rasterized=True, label="each molecule")
    known = np.cumsum([score is not None for score in scores]) > 0
    for name, colour in _COLOURS.items():
        if name == "auc" and any(score is not None and score < 0 for score in scores):
            continue  # an area that begins at 0 says nothing of scores below
        line = np.where(known, getattr(curves, name), np.nan)
        axes.plot(calls, line, color=colour, linewidth=1.8, label=f"{_NAMES[name]}: {line[-1]:.3f}" if len(line) else _NAMES[name])
    axes.set(xlabel="oracle calls", ylabel="score", xlim=(0, max(len(scores), 1)))
    axes.set_title(title.replace("$", r"\$"), fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False, fontsize=9)
    with replacing(path) as partial:
        save(figure, partial, path.suffix)


def save(figure: Figure, path: Path, suffix: str) -> None:
    """Write a figure in the format of a suffix (.png or .svg); the same figure gives the same file."""
    import matplotlib as mpl

    svg = suffix.lower() == ".svg"
    with mpl.rc_context({"svg.hashsalt": "molvae"}):
        figure.savefig(path, format=suffix[1:].lower(), dpi=160, metadata={"Date": None} if svg else None)
