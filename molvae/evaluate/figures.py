"""Pictures of the report as SVG: histograms and a map of codes.

The colours given here are for pictures taken out of the page; within it, its style sets them by their classes, light or dark.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from molvae.pages.markup import Markup, element, joined

_BINS = 40
_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 320.0, 190.0, 10.0, 24.0  # pixels of a histogram, with the margins of its axis
_MAP = 460.0  # pixels a side
_POINTS = 1_500  # of each kind on the map

_Floats = NDArray[np.float64]


def finite(values: NDArray[np.floating] | _Floats) -> _Floats:
    """The finite ones of some numbers, flat: (n,)."""
    flat = np.asarray(values, dtype=np.float64).ravel()
    return flat[np.isfinite(flat)]


def histogram(samples: _Floats, reference: _Floats, label: str) -> Markup:
    """Two distributions on one axis: the reference as a filled area, the samples as a line, each of area one.

    The axis spans all but one in a thousand of the values on either side; those are counted in the outermost bins. Numbers that are
    not finite are left out.

    Args:
        samples: (n,).
        reference: (m,).
        label: of the axis, with the unit.
    """
    ours, theirs = finite(samples), finite(reference)
    both = np.concatenate([ours, theirs])
    if not both.size:
        return element("p", f"{label}: no values", class_="note")
    low, high = _span(both)
    edges = np.linspace(low, high, _BINS + 1)
    heights = [_shares(values, edges) for values in (theirs, ours)]
    top = max(float(each.max()) for each in heights) or 1.0
    area, line = (_steps(each / top) for each in heights)
    base = _HEIGHT - _BOTTOM
    return _svg(
        _WIDTH,
        _HEIGHT,
        f"Distribution of {label}: the samples as a line, the reference as an area",
        element("path", d=f"M{_LEFT:g},{base:g}L{area}L{_WIDTH - _LEFT:g},{base:g}Z", class_="reference", fill="#b9bcc0"),
        element("path", d=f"M{line}", class_="samples", fill="none", stroke="#1f6fd0", stroke_width=2) if ours.size else "",
        element("line", x1=_LEFT, x2=_WIDTH - _LEFT, y1=base, y2=base, class_="axis", stroke="#5d6166"),
        *(_tick(value, low, high) for value in _round_values(low, high)),
    )


def _span(values: _Floats) -> tuple[float, float]:
    low, high = (float(end) for end in np.quantile(values, [0.001, 0.999]))
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _shares(values: _Floats, edges: _Floats) -> _Floats:
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), bins=edges)
    return counts / max(1, values.size)


def _steps(heights: _Floats) -> str:
    """Points of a staircase; heights are 0 to 1."""
    x = np.repeat(np.linspace(_LEFT, _WIDTH - _LEFT, len(heights) + 1), 2)[1:-1]
    y = 8 + (1 - np.repeat(heights, 2)) * (_HEIGHT - _BOTTOM - 8)
    return "L".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))


def _round_values(low: float, high: float) -> list[float]:
    """Three to seven round numbers between two.

    >>> _round_values(0.03, 0.97)
    [0.2, 0.4, 0.6, 0.8]
    """
    rough = (high - low) / 4
    power = 10.0 ** np.floor(np.log10(rough))
    step = float(power * min((1, 2, 5, 10), key=lambda factor: abs(factor * power - rough)))
    return [round(float(count * step), 10) for count in range(int(np.ceil(low / step)), int(np.floor(high / step)) + 1)]


def _tick(value: float, low: float, high: float) -> Markup:
    x = _LEFT + (value - low) / (high - low) * (_WIDTH - 2 * _LEFT)
    base = _HEIGHT - _BOTTOM
    mark = element("line", x1=f"{x:.1f}", x2=f"{x:.1f}", y1=base, y2=base + 4, class_="axis", stroke="#5d6166")
    return joined(mark, element("text", f"{value:g}", x=f"{x:.1f}", y=base + 17, text_anchor="middle", font_size=12, fill="#5d6166"))


def scatter(real: _Floats, prior: _Floats) -> Markup:
    """A map of codes: dots for real molecules, crosses for draws from the prior, at most 1,500 of each, both on one scale.

    The two are drawn in turn, so that neither hides the other; codes that are not finite are left out.

    Args:
        real: (n, 2).
        prior: (m, 2).
    """
    kinds = [np.asarray(points, dtype=np.float64)[:_POINTS] for points in (real, prior)]
    kinds = [points[np.isfinite(points).all(axis=1)] for points in kinds]
    both = np.concatenate(kinds)
    if not len(both):
        return element("p", "no codes to show", class_="note")
    middle = (both.min(axis=0) + both.max(axis=0)) / 2
    scale = (_MAP - 16) / (float(np.ptp(both, axis=0).max()) or 1.0)
    dots, crosses = ([mark(*place) for place in (points - middle) * scale] for mark, points in zip((_dot, _cross), kinds, strict=True))
    label = "Map of codes, two principal components: dots are real molecules, crosses are draws from the prior"
    return _svg(_MAP, _MAP, label, *_in_turn(dots, crosses))


def _dot(x: float, y: float) -> Markup:
    """A real molecule, at pixels from the middle of the map."""
    return element("circle", cx=f"{_MAP / 2 + x:.1f}", cy=f"{_MAP / 2 - y:.1f}", r="1.8", class_="dot", fill="#1f6fd0")


def _cross(x: float, y: float) -> Markup:
    """A draw from the prior, at pixels from the middle of the map."""
    return element("path", d=f"M{_MAP / 2 + x - 2:.1f},{_MAP / 2 - y - 2:.1f}l4,4m0-4l-4,4", class_="cross", fill="none", stroke="#d9541e")


def _in_turn(first: list[Markup], second: list[Markup]) -> list[Markup]:
    """Both lists mixed evenly, whatever their lengths."""
    places = [((at + 0.5) / len(marks), mark) for marks in (first, second) for at, mark in enumerate(marks)]
    return [mark for _, mark in sorted(places, key=lambda place: place[0])]


def _svg(width: float, height: float, label: str, *children: str) -> Markup:
    return element("svg", *children, viewBox=f"0 0 {width:g} {height:g}", role="img", aria_label=label)
