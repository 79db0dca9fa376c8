"""The picture of frontier.py: FCD over exact reconstruction, ours in colour, what others published in grey."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator
from trained import apart

from molvae.evaluate.published import MOSES, TRADEOFFS

_TEXT, _SOFT, _THEIRS, _LINE = "#1b1c1d", "#5d6166", "#8f9399", "#e4e4df"
#: Colour, mark and label of each kind of samples, the best drawn last.
_KINDS = {
    "raw": ("#6aa9f5", "o", "molvae, raw"),
    "filtered": ("#1f6fd0", "o", "molvae, round-trip filter"),
    "critic": ("#17703a", "D", "molvae, filter and critic"),
}
_GAP = 0.034  # least distance of two labels, as a share of the height

Points = list[tuple[float, float]]


def picture(ours: list[dict[str, Any]], others: list[dict[str, Any]]) -> Figure:
    """The whole of it.

    Args:
        ours: figures of the models of each rate, see `frontier.figures_of`.
        others: figures of finished models.
    """
    figure = Figure(figsize=(10.5, 6.6), layout="constrained")
    ax = figure.subplots()
    _axes(ax, ours, others)
    _published(ax)
    lines = {kind: _line(ours, kind) for kind in _KINDS}
    for kind, points in lines.items():
        _ours(ax, kind, points)
    left = min(100 * each["exact_reconstruction"] for each in ours + others)
    named = {kind: points[0] for kind, points in lines.items() if points}
    for each in others:  # a kind that only finished models have is named too
        named |= {k: (100 * each["exact_reconstruction"], fcd) for k, fcd in each["fcd"].items() if k not in named and fcd is not None}
    _names(ax, named, left)
    _rates(ax, ours)
    for each in others:
        _finished(ax, each)
    return figure


def _line(ours: list[dict[str, Any]], kind: str) -> Points:
    """(exact reconstruction in %, FCD) of each model that has the kind, from left to right."""
    return sorted((100 * each["exact_reconstruction"], each["fcd"][kind]) for each in ours if each["fcd"].get(kind) is not None)


def _axes(ax: Axes, ours: list[dict[str, Any]], others: list[dict[str, Any]]) -> None:
    """Both scales, wide enough for all points and the labels left of ours."""
    exact = [100 * each["exact_reconstruction"] for each in ours + others] + [100 * point.exact for point in TRADEOFFS]
    fcd = [value for each in ours + others for value in each["fcd"].values() if value is not None]
    fcd += [peer.values["FCD/Test"] for peer in MOSES] + [point.fcd for point in TRADEOFFS]
    width = 100 - min(exact)
    ax.set_yscale("log")
    ax.set(xlim=(min(exact) - 0.48 * width, 100 + 0.09 * width), ylim=(min(fcd) / 1.35, max(fcd) * 1.5))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}" if 0 <= value <= 100 else ""))
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_minor_formatter(FuncFormatter(lambda value, _: ""))
    ax.set_xlabel("molecules of the MOSES test set reconstructed exactly (%)", color=_SOFT)
    ax.set_ylabel("FCD to the MOSES test set (log scale; lower is better)", color=_SOFT)
    ax.set_title("What reconstruction costs: better models stand further right and lower", fontsize=13, color=_TEXT, loc="left", pad=12)
    ax.grid(color=_LINE, linewidth=0.8)
    ax.tick_params(colors=_SOFT, which="both", labelsize=9)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(_SOFT)


def _height(ax: Axes, fcd: float) -> float:
    """Place on the log axis, 0 at its foot and 1 at its top."""
    low, high = np.log(ax.get_ylim())
    return float((np.log(fcd) - low) / (high - low))


def _published(ax: Axes) -> None:
    """Trade-offs as lines; models without a published reconstruction as marks on the right edge with their names beyond it."""
    names = list(dict.fromkeys(point.name for point in TRADEOFFS))
    for name, face in zip(names, (_THEIRS, "white"), strict=True):
        points = [(100 * point.exact, point.fcd) for point in TRADEOFFS if point.name == name]
        ax.plot(*zip(*points, strict=True), "s-", color=_THEIRS, markerfacecolor=face, markersize=5, linewidth=1.2)
    label, top = "\n".join(f"{name} {mark}" for name, mark in zip(names, "\u25a0\u25a1", strict=True)), points[-1]
    ax.annotate(label, top, (-10, 4), textcoords="offset points", ha="right", va="center", fontsize=9, color=_SOFT)
    heights = [_height(ax, peer.values["FCD/Test"]) for peer in MOSES]
    ax.text(1.03, 1.0, "published without\nreconstruction", transform=ax.transAxes, fontsize=9, color=_SOFT, style="italic", va="bottom")
    for peer, height, label in zip(MOSES, heights, apart(heights, _GAP), strict=True):
        ax.plot([1.0, 1.008, 1.025], [height, height, label], color=_THEIRS, linewidth=1.2, transform=ax.transAxes, clip_on=False)
        text = f"{peer.name}  {peer.values['FCD/Test']:g}"
        ax.text(1.03, label, text, transform=ax.transAxes, va="center", fontsize=9, color=_SOFT)


def _ours(ax: Axes, kind: str, points: Points) -> None:
    colour, mark, _ = _KINDS[kind]
    face = "white" if kind == "raw" else colour
    ax.plot(
        [x for x, _ in points], [y for _, y in points], mark + "-", color=colour, markerfacecolor=face, markersize=7, linewidth=2, zorder=3
    )


def _names(ax: Axes, first: dict[str, tuple[float, float]], left: float) -> None:
    """Each line's name left of all our points, moved up or down where two would touch."""
    low, high = ax.get_xlim()
    heights = apart([_height(ax, fcd) for _, fcd in first.values()], _GAP + 0.006)
    for (kind, (exact, fcd)), height in zip(first.items(), heights, strict=True):
        colour, _, label = _KINDS[kind]
        at, point = ((x - low) / (high - low) for x in (left, exact))
        ax.plot([at - 0.035, point - 0.012], [height, _height(ax, fcd)], color=colour, linewidth=0.8, transform=ax.transAxes)
        ax.text(at - 0.04, height, label, transform=ax.transAxes, ha="right", va="center", fontsize=10, color=colour, weight="bold")


def _rates(ax: Axes, ours: list[dict[str, Any]]) -> None:
    """The target rate under the lowest point of each model."""
    for each in ours:
        fcds = [value for value in each["fcd"].values() if value is not None]
        if fcds:
            place, text = (100 * each["exact_reconstruction"], min(fcds)), f"{each['target']:g} nats"
            ax.annotate(text, place, (5, -6), textcoords="offset points", va="top", fontsize=9, color=_TEXT)


def _finished(ax: Axes, each: dict[str, Any]) -> None:
    """A star for each kind of samples of a finished model, and its name at some distance."""
    fcds = {kind: fcd for kind, fcd in each["fcd"].items() if fcd is not None}
    exact = 100 * each["exact_reconstruction"]
    for kind, fcd in fcds.items():
        ax.plot(exact, fcd, "*", markersize=14, color=_KINDS[kind][0], markeredgecolor=_TEXT, markeredgewidth=0.7, zorder=4)
    if fcds:
        leader = {"arrowstyle": "-", "color": _TEXT, "linewidth": 0.8, "shrinkB": 6}
        ax.annotate(each["name"], (exact, max(fcds.values())), (-14, 28), textcoords="offset points", ha="right", fontsize=10,
                    weight="bold", color=_TEXT, arrowprops=leader)  # fmt: skip
