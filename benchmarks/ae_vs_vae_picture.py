"""The picture of ae_vs_vae.py: the codes of the models beside N(0, I), and what the models are worth."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from matplotlib.ticker import FuncFormatter, LogLocator

_COLOURS = ("#d9541e", "#8a5fb0", "#1f6fd0")
_SOFT, _TEXT, _LINE = "#5d6166", "#1b1c1d", "#dcdcd6"
#: Radii that hold these shares of a two-dimensional N(0, I): sqrt(-2 ln(1 - share)).
_RADII = {share: float(np.sqrt(-2 * np.log(1 - share))) for share in (0.5, 0.99)}
_MARKS = {"standard": ("N(0, I)", "o"), "moments": ("fitted Gaussian", "s"), "flow": ("flow", "^")}

Found = dict[str, dict[str, Any]]


def picture(found: Found, seconds: float) -> Figure:
    """All of it: a map for each model above, three comparisons below."""
    figure = Figure(figsize=(12, 8.6), layout="constrained")
    figure.suptitle(f"Same sizes, same corpus, {seconds:g} s of training each: what the noise of a VAE buys", fontsize=14, color=_TEXT)
    above, below = figure.subfigures(2, 1, height_ratios=[1.2, 1], hspace=0.06)
    for ax, (name, figures), colour in zip(above.subplots(1, 3), found.items(), _COLOURS, strict=True):
        _map(ax, name, figures, colour)
    for column, (ax, draw) in enumerate(zip(below.subplots(1, 3), (_reconstruction, _fcd, _lines), strict=True)):
        _plain(ax)
        draw(ax, found)
        _rows(ax, found, named=column == 0)
    return figure


def _plain(ax: Axes) -> None:
    """Names of the models down the left, the first at the top, and no frame."""
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.spines["bottom"].set_color(_SOFT)
    ax.tick_params(colors=_SOFT, labelsize=9)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(2.6, -0.6)
    ax.grid(axis="x", color=_LINE, linewidth=0.8)
    ax.set_axisbelow(True)


def _rows(ax: Axes, found: Found, named: bool) -> None:
    ax.set_yticks(range(len(found)), [name.replace(" ", "\n") if named else "" for name in found], fontsize=10)
    for label, colour in zip(ax.get_yticklabels(), _COLOURS, strict=True):
        label.set_color(colour)


def _map(ax: Axes, name: str, figures: dict[str, Any], colour: str) -> None:
    points = np.array(figures["map"])
    reach = 1.05 * max(float(np.quantile(np.abs(points), 0.998)), _RADII[0.99] * 1.2)
    ax.scatter(points[:, 0], points[:, 1], s=5, color=colour, alpha=0.45, linewidths=0)
    for share, radius in _RADII.items():
        ax.add_patch(Circle((0, 0), radius, fill=False, edgecolor=_TEXT, linewidth=1.2, linestyle="-" if share > 0.9 else (0, (3, 3))))
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    ground = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 2}
    ax.annotate("N(0, I):\n50 and 99 %", _on_circle(_RADII[0.99], 45), (0.985, 0.985), textcoords="axes fraction", ha="right", va="top",
                fontsize=9, color=_TEXT, bbox=ground, arrowprops={"arrowstyle": "-", "color": _TEXT, "linewidth": 0.8})  # fmt: skip
    ax.set_title(f"{name}: {figures['from_standard']:,.1f} nats from N(0, I)", fontsize=11, color=colour)
    ax.set_xlabel("first principal direction of the codes", fontsize=9, color=_SOFT)
    ax.set_ylabel("second", fontsize=9, color=_SOFT)
    ax.tick_params(colors=_SOFT, labelsize=8)
    for spine in ax.spines.values():
        spine.set_color(_LINE)


def _on_circle(radius: float, degrees: float) -> tuple[float, float]:
    return radius * float(np.cos(np.radians(degrees))), radius * float(np.sin(np.radians(degrees)))


def _reconstruction(ax: Axes, found: Found) -> None:
    values = [100 * figures["exact_reconstruction"] for figures in found.values()]
    ax.barh(range(len(values)), values, color=_COLOURS, height=0.55)
    for row, value in enumerate(values):
        inside = value > 20
        ax.text(value - 1.5 if inside else value + 1.5, row, f"{value:.1f} %", ha="right" if inside else "left", va="center",
                fontsize=10, color="white" if inside else _TEXT)  # fmt: skip
    ax.set_xlim(0, 100)
    ax.set_xlabel("test molecules reconstructed exactly (%)", fontsize=9, color=_SOFT)
    ax.set_title("Reconstruction", fontsize=11, color=_TEXT)


def _fcd(ax: Axes, found: Found) -> None:
    """Filled marks for survivors of the round trip, hollow ones for raw samples, a thin line between the two."""
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_formatter(FuncFormatter(lambda value, _: ""))
    for row, (figures, colour) in enumerate(zip(found.values(), _COLOURS, strict=True)):
        for place, (prior, (label, mark)) in zip((-0.25, 0.0, 0.25), _MARKS.items(), strict=True):
            _pair(ax, row + place, figures["samples"][prior], colour, mark, label)
    low, high = ax.get_xlim()
    ax.set_xlim(low, high * (high / low) ** 0.6)  # room for the labels
    ax.set_xlabel("FCD to the MOSES test set (log scale, lower is better)", fontsize=9, color=_SOFT)
    ax.set_title("Samples by the source of their codes\n(filled: survive the round trip, hollow: raw)", fontsize=11, color=_TEXT)


def _pair(ax: Axes, height: float, samples: dict[str, Any], colour: str, mark: str, label: str) -> None:
    raw, filtered = samples["fcd_raw"], samples["fcd_filtered"]
    seen = [value for value in (raw, filtered) if value is not None]
    ax.plot(seen, [height] * len(seen), color=colour, linewidth=1)
    for value, face in ((raw, "white"), (filtered, colour)):
        if value is not None:
            ax.plot(value, height, mark, markersize=7, markerfacecolor=face, markeredgecolor=colour)
    text = label if filtered is not None else f"{label} (few survive)"
    at = {"xy": (max(seen), height), "xytext": (8, 0)} if seen else {"xy": (1.0, height), "xytext": (0, 0)}
    ax.annotate(text, **at, textcoords="offset points", va="center", fontsize=8.5, color=_TEXT)


def _lines(ax: Axes, found: Found) -> None:
    """Mean and largest step as the ends of a bar."""
    for row, (figures, colour) in enumerate(zip(found.values(), _COLOURS, strict=True)):
        line = figures["interpolation"]
        ends = line["distance_mean"], line["distance_largest"]
        ax.plot(ends, [row, row], color=colour, linewidth=2)
        ax.plot(ends[0], row, "o", markersize=8, color=colour)
        ax.plot(ends[1], row, "|", markersize=14, markeredgewidth=2.5, color=colour)
        for value, what, side in zip(ends, ("mean ", "largest "), ("right" if ends[0] > 0.2 else "left", "left"), strict=True):
            place, text = (value + (0.03 if side == "right" else -0.03), row), f"{what if row == 0 else ''}{value:.2f}"
            ax.annotate(text, place, (0, 9), textcoords="offset points", ha=side, fontsize=9, color=_TEXT)
        note = f"{line['distinct']:.1f} different molecules a line; {line['surviving']:.0%} of points survive"
        ax.annotate(note, (0.02, row), (0, -18), textcoords="offset points", fontsize=8.5, color=_SOFT)
    ax.set_xlim(0, 1)
    ax.set_xlabel("Tanimoto distance of neighbours (0: the same fingerprint)", fontsize=9, color=_SOFT)
    ax.set_title("Nine points between two test molecules", fontsize=11, color=_TEXT)
