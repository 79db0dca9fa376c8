"""A map as a picture: PNG or SVG by suffix."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from molvae.errors import DataError, MissingExtraError
from molvae.files import replacing
from molvae.latent.map_colours import GROUPS, NONE, SCALE, Colours
from molvae.latent.maps import LatentMap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NAMED = 12  # groups in the legend
_DRAWN_SINGLY = 5_000  # points of an SVG that are shapes of their own; more are one image in it


def picture(found: LatentMap, path: str | Path, colours: Colours | None = None, *, background: bool = False) -> None:
    """Draw a map; the file appears whole or not at all.

    Args:
        found: the map.
        path: a .png or .svg file.
        colours: of the points, one for each row of the map; None for one colour.
        background: show the molecules the map was made of in grey, for molecules placed on it later.

    Raises:
        DataError: unknown suffix, or a file that cannot be written.
        MissingExtraError: matplotlib is needed.
    """
    path = Path(path)
    if path.suffix.lower() not in (".png", ".svg"):
        raise DataError(f"{path}: unknown suffix {path.suffix!r}, expected .png or .svg")
    try:
        import matplotlib as mpl
    except ImportError as error:
        raise MissingExtraError("pictures of maps need matplotlib: pip install 'molvae[maps]'") from error
    figure = _figure(found, colours, background)
    with replacing(path) as partial, mpl.rc_context({"svg.hashsalt": "molvae"}):  # the same map gives the same file
        figure.savefig(partial, format=path.suffix[1:].lower(), dpi=160, metadata={"Date": None} if path.suffix.lower() == ".svg" else None)


def _figure(found: LatentMap, colours: Colours | None, background: bool) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 6.4), layout="constrained", facecolor="white")
    axes = figure.add_subplot()
    x, y = (found.frame[name].to_numpy() for name in "xy")
    size = float(np.clip(6_000 / max(len(x), 1), 1.5, 16))
    if background:
        axes.scatter(found.projection.places[:, 0], found.projection.places[:, 1], s=size, color="#dcdcd6", linewidths=0, rasterized=True)
    shapes: dict[str, Any] = {"s": size, "linewidths": 0, "alpha": 0.75, "rasterized": len(x) > _DRAWN_SINGLY}
    if colours is None:
        axes.scatter(x, y, color=GROUPS[0], **shapes)
    elif colours.groups:
        _groups(axes, x, y, colours, shapes)
    else:
        _numbers(figure, axes, x, y, colours, shapes)
    for number, (left, up) in found.frame[found.frame["representative"]].set_index("cluster")[["x", "y"]].iterrows():
        axes.annotate(
            str(number), (left, up), ha="center", va="center", fontsize=8, bbox={"boxstyle": "round,pad=.2", "fc": "w", "lw": 0.5}
        )
    share = "" if np.isnan(found.projection.share) else f"; both hold {found.projection.share:.0%} of the variance"
    axes.set_title(f"{int(np.isfinite(x).sum()):,} molecules, {found.projection.method.upper()} of codes{share}", fontsize=10)
    axes.set(xticks=[], yticks=[])
    axes.set_aspect("equal", adjustable="datalim")
    return figure


def _groups(axes: Axes, x: Any, y: Any, colours: Colours, shapes: dict[str, Any]) -> None:
    known = colours.numbers >= 0
    palette = np.array([GROUPS[i % len(GROUPS)] for i in range(len(colours.groups))] + [NONE])
    axes.scatter(x, y, c=palette[np.where(known, colours.numbers, -1).astype(int)], **shapes)
    for number, name in enumerate(colours.groups[:_NAMED]):
        axes.scatter([], [], color=palette[number], label=_plain(name), s=30, linewidths=0)
    more = len(colours.groups) - _NAMED
    title = _plain(colours.title) + (f" ({more} more not named)" if more > 0 else "")
    axes.legend(title=title, loc="upper left", bbox_to_anchor=(1, 1), frameon=False, fontsize=8, title_fontsize=8)


def _numbers(figure: Figure, axes: Axes, x: Any, y: Any, colours: Colours, shapes: dict[str, Any]) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    scale = LinearSegmentedColormap.from_list("scale", list(SCALE))
    low, high = colours.limits
    points = axes.scatter(x, y, c=colours.numbers, cmap=scale, vmin=low, vmax=high, plotnonfinite=False, **shapes)
    figure.colorbar(points, ax=axes, label=_plain(colours.title), extend="both", alpha=1)


def _plain(text: str) -> str:
    """A name as it is: matplotlib reads $ as the start of a formula, and leaves labels out that begin with an underscore."""
    return (" " if text.startswith("_") else "") + text[:40].replace("$", r"\$")
