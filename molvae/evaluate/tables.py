"""Tables of the report: our figures beside published ones."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from molvae.evaluate.metrics import Metrics
from molvae.evaluate.published import Column, Peer, Tradeoff
from molvae.pages.markup import Markup, element, joined
from molvae.pages.tables import figure, scrolling


def beside_peers(ours: str, metrics: Metrics, columns: Sequence[Column], peers: Sequence[Peer]) -> Markup:
    """Our figures above those of other models, the best of each column marked.

    The rows of peers that are no models are shown, but compete for no mark. A figure that is missing is a dash.
    """
    mine = Peer(ours, metrics.values, "")
    head = element("tr", element("th", "Model", scope="col"), *(_head(column) for column in columns))
    best = {column.name: _best(column, [mine, *peers]) for column in columns}
    rows = [_row(peer, columns, best, "ours" if peer is mine else None if peer.model else "bound") for peer in (mine, *peers)]
    return scrolling(element("thead", head), element("tbody", *rows))


def _head(column: Column) -> Markup:
    return element("th", f"{column.title} {'↓' if column.low else '↑'}", scope="col")


def _best(column: Column, peers: Iterable[Peer]) -> float | None:
    found = [value for peer in peers if peer.model and math.isfinite(value := peer.values.get(column.name, math.nan))]
    return (min if column.low else max)(found, default=None)


def _row(peer: Peer, columns: Sequence[Column], best: dict[str, float | None], kind: str | None) -> Markup:
    cells = []
    for column in columns:
        value = peer.values.get(column.name)
        leads = peer.model and value is not None and value == best[column.name]
        cells.append(element("td", figure(value), class_="best" if leads else None))
    return element("tr", element("th", peer.name, scope="row"), *cells, class_=kind)


def sources(peers: Sequence[Peer]) -> Markup:
    """A line on each peer with a remark, then where the figures are published."""
    remarks = [element("p", f"{peer.name}: {peer.remark}.", class_="note") for peer in peers if peer.remark]
    named: dict[str, list[str]] = {}
    for peer in peers:
        named.setdefault(peer.source, []).append(peer.name)
    several = len(named) > 1
    lines = [f"{', '.join(names)}: {source}" if several else source for source, names in named.items()]
    return joined(*remarks, *(element("p", f"Published figures: {line}.", class_="note") for line in lines))


def tradeoffs(ours: tuple[float, float] | None, points: Sequence[Tradeoff]) -> Markup:
    """Exact reconstruction and FCD of published models, and ours (share, FCD) where both are known."""
    head = element("tr", *(element("th", title, scope="col") for title in ("Model", "Exact reconstruction ↑", "FCD test ↓")))
    rows = [
        element("tr", element("th", p.name, scope="row"), element("td", f"{p.exact:.0%}"), element("td", figure(p.fcd))) for p in points
    ]
    if ours is not None:
        mine = (element("th", "ours", scope="row"), element("td", f"{ours[0]:.1%}"), element("td", figure(ours[1])))
        rows.insert(0, element("tr", *mine, class_="ours"))
    return scrolling(element("thead", head), element("tbody", *rows))
