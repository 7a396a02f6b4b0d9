"""The case as a graph: accounts, what speaks for and against, groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon
from scipy.spatial import ConvexHull

from sockgraph.plot.place import CROSSED, MARKED, place_labels
from sockgraph.plot.style import (
    LIGHT,
    SIZE,
    SMALL,
    Style,
    bare_axes,
    finish,
    headline,
    new_figure,
    signed,
)

if TYPE_CHECKING:
    import networkx as nx
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text
    from numpy.typing import NDArray

    Places = dict[str, NDArray[np.float64]]

NUMBERED = 24  # links up to which each has its number
NAMED = 30  # accounts up to which each has its name; beyond, those with a drawn link
PALE = 0.45
FAINT = 0.22  # in a large picture, links that hold no group and have no state
AGAINST = (2.0, 1.3)  # dashes
CONCERT = (4.5, 2.5)
BESIDE = 5.0  # pixels between a link and the line of acting in concert
HATCH = "$//$"


@dataclass(frozen=True)
class Sheet:
    """What is drawn, on what, and where.

    Attributes
    ----------
    drawn
        Links that the picture shows, weakest first.
    at, pixels
        Each account's place on the axes, and in pixels of the figure.
    large
        Whether there are too many accounts for full-sized marks and names.
    """

    axes: Axes
    style: Style
    graph: nx.Graph
    drawn: list[tuple[str, str, dict[str, Any]]]
    at: Places
    pixels: Places
    large: bool


def case_graph(graph: nx.Graph, *, style: Style = LIGHT) -> Figure:
    """Draw accounts and the links that speak for one operator or have a review state.

    Width grows with |log10 LR|; against is orange and dashed, concert dashed and without a hue
    (`build_graph(..., concert=)`), kept apart has a cross, unresolved is
    pale with hollow marks, too few edits is a hatched mark without lines. Up to 30 accounts have
    their names; beyond, those with a drawn link, as far as there is room.

    Parameters
    ----------
    graph
        What `build_graph` returns; it stays as it is.
    style
        Colours.
    """
    large = len(graph) > NAMED
    figure = new_figure(6.8, 7.2 if large else 5.2, style)
    axes = bare_axes(figure, style, (0.7, 0.75, 5.4, 5.55 if large else 3.5))
    axes.set(xlim=(0, 1), ylim=(1, 0), xticks=[], yticks=[])
    drawn = [edge for edge in graph.edges(data=True) if edge[2].get("drawn")]
    drawn.sort(key=lambda edge: abs(edge[2].get("log10_lr", 0)))
    at = {node: np.array([known["x"], known["y"]]) for node, known in graph.nodes(data=True)}
    pixels = {node: np.asarray(axes.transData.transform(place)) for node, place in at.items()}
    sheet = Sheet(axes, style, graph, drawn, at, pixels, large)
    headline(figure, style, "Accounts and links", [_said(graph, len(drawn))])
    groups = _groups(sheet)
    for a, b, known in drawn:
        _link(sheet, a, b, known)
    _concert(figure, sheet)
    for node, known in graph.nodes(data=True):
        _mark(sheet, node, known)
    _names(sheet, groups)
    _key(figure, style, large=large)
    return finish(figure)


def _said(graph: nx.Graph, n_drawn: int) -> str:
    roles = [known for _, known in graph.nodes(data=True) if known.get("role") != "declared"]
    few = sum(bool(known.get("insufficient")) for known in roles)
    n_pairs = len(roles) * (len(roles) - 1) // 2
    return (
        f"{len(roles):,} accounts, {few:,} with too few edits. Drawn are {n_drawn:,} of {n_pairs:,}"
        " pairs: those that speak for one operator or have a state."
    )


def _width(value: float, *, large: bool) -> float:
    return 0.6 + 0.8 * abs(value) if large else 1.1 + 2.4 * abs(value)


def _link(sheet: Sheet, a: str, b: str, known: dict[str, Any]) -> None:
    here, there = sheet.graph.nodes[a], sheet.graph.nodes[b]
    one_group = "group" in here and here["group"] == there.get("group")
    value = known.get("log10_lr", 0.0)
    line: dict[str, Any] = {
        "color": sheet.style.hue(value),
        "linewidth": _width(value, large=sheet.large),
        "alpha": _alpha(sheet, known, here if one_group else None),
        "solid_capstyle": "butt",
        "zorder": 2,
    }
    if value < 0:
        line["dashes"] = AGAINST
    (x0, y0), (x1, y1) = sheet.at[a], sheet.at[b]
    sheet.axes.plot([x0, x1], [y0, y1], **line)
    if known.get("cannot_link"):
        middle = (x0 + x1) / 2, (y0 + y1) / 2
        size = 5 if sheet.large else 9
        sheet.axes.plot(*middle, marker="x", ms=size, mew=2, color=sheet.style.ink, zorder=4)


def _concert(figure: Figure, sheet: Sheet) -> None:
    """Draw pairs that act in concert, dashed, beside their links; and what dashes mean."""
    found = [(a, b) for a, b, concert in sheet.graph.edges(data="concert") if concert]
    look: dict[str, Any] = {"color": sheet.style.ink_2, "zorder": 2, "solid_capstyle": "butt"}
    back = sheet.axes.transData.inverted()
    for a, b in found:
        ends = np.array([sheet.pixels[a], sheet.pixels[b]])
        along = ends[1] - ends[0]
        aside = np.array([-along[1], along[0]]) / max(float(np.hypot(*along)), 1e-9)
        x, y = back.transform(ends + BESIDE * aside).T
        sheet.axes.plot(x, y, lw=1.0 if sheet.large else 1.6, dashes=CONCERT, **look)
    if found:
        width, height = figure.get_size_inches()
        key = bare_axes(figure, sheet.style, (width - 1.5, height - 0.3, 1.4, 0.2))
        key.set(xlim=(0, 14), ylim=(0, 1), xticks=[], yticks=[])
        key.plot([0, 4.5], [0.5, 0.5], lw=1.6, dashes=CONCERT, **look)
        key.text(5.2, 0.5, "in concert", size=SMALL, color=sheet.style.ink_2, va="center")


def _alpha(sheet: Sheet, known: dict[str, Any], group: dict[str, Any] | None) -> float:
    if group is not None:
        return PALE if group.get("status") == "unresolved" else 1.0
    plain = known.get("state", "none") == "none" and not known.get("flagged")
    return FAINT if sheet.large and plain else 1.0


def _groups(sheet: Sheet) -> list[tuple[NDArray[np.float64], Text]]:
    """Outline each group, unless the outline would hold a stranger; return the tops and words."""
    words = []
    members: dict[int, list[str]] = {}
    for node, known in sheet.graph.nodes(data=True):
        if "group" in known:
            members.setdefault(known["group"], []).append(node)
    for number, users in sorted(members.items()):
        hull = _hull(np.array([sheet.pixels[u] for u in users]), 14 if sheet.large else 38)
        strangers = np.array([sheet.pixels[n] for n in sheet.graph if n not in users])
        if not _holds(hull, strangers.reshape(-1, 2)):
            stable = sheet.graph.nodes[users[0]].get("status") == "stable"
            words.append(_outline(sheet, hull, number, stable=stable))
    return words


def _outline(
    sheet: Sheet, hull: NDArray[np.float64], number: int, *, stable: bool
) -> tuple[NDArray[np.float64], Text]:
    style = sheet.style
    look: dict[str, Any] = {
        "facecolor": style.panel if stable else "none",
        "linestyle": "-" if stable else (0, (3, 4)),
        "edgecolor": style.rule_strong,
    }
    corners = sheet.axes.transData.inverted().transform(hull)
    sheet.axes.add_patch(Polygon(corners, linewidth=0.8, zorder=1, clip_on=False, **look))
    status = "stable" if stable else "unresolved"
    label = f"{number}" if sheet.large else f"Group {number}, {status}"
    size = SMALL - 1.5 if sheet.large else SMALL
    top: NDArray[np.float64] = hull[np.argmax(hull[:, 1])]
    return top, sheet.axes.text(0, 0, label, size=size, color=style.ink_2, zorder=7)


def _hull(points: NDArray[np.float64], room: float) -> NDArray[np.float64]:
    """Return the rounded outline at a distance from the points, its corners in order."""
    turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    ring = room * np.column_stack([np.cos(turn), np.sin(turn)])
    cloud = (points[:, None] + ring[None]).reshape(-1, 2)
    outline: NDArray[np.float64] = cloud[ConvexHull(cloud).vertices]
    return outline


def _holds(hull: NDArray[np.float64], points: NDArray[np.float64]) -> bool:
    """Whether a convex outline, corners anticlockwise, holds one of the points."""
    side = np.roll(hull, -1, axis=0) - hull
    away = points[:, None] - hull[None]
    left = side[None, :, 0] * away[..., 1] - side[None, :, 1] * away[..., 0]
    return bool((left >= 0).all(axis=1).any())


def _mark(sheet: Sheet, node: str, known: dict[str, Any]) -> None:
    style, size = sheet.style, 4.5 if sheet.large else 9
    hollow = known.get("status") == "unresolved" and "group" in known
    look: dict[str, Any] = {"mfc": style.paper if hollow else style.ink, "mec": style.ink}
    if known.get("insufficient"):
        look = {"mfc": style.hatch_paper, "mec": style.hatch}
    elif known.get("role") == "declared":
        look = {"mfc": style.rule, "mec": style.ink_3}
    place: dict[str, Any] = {"ls": "none", "clip_on": False}
    sheet.axes.plot(*sheet.at[node], marker="o", ms=size, mew=1.0, zorder=5, **look, **place)
    if known.get("insufficient"):
        shade: dict[str, Any] = {"ms": size * 0.72, "color": style.hatch, "mew": 0.3}
        sheet.axes.plot(*sheet.at[node], marker=HATCH, zorder=6, **shade, **place)


def _names(sheet: Sheet, groups: list[tuple[NDArray[np.float64], Text]]) -> None:
    """Write names, those of groups first, and numbers where the links are few."""
    linked = {end for a, b, _ in sheet.drawn for end in (a, b)}
    named = [node for node in sheet.graph if node in linked or not sheet.large]
    named.sort(key=lambda node: "group" not in sheet.graph.nodes[node])
    few = not sheet.large and len(sheet.drawn) <= NUMBERED
    numbered = [edge for edge in sheet.drawn[::-1] if few and "log10_lr" in edge[2]]
    room, limit = (8.0, MARKED) if sheet.large else (17.0, np.inf)
    labels = [(point, text, 3.0, limit) for point, text in groups]
    labels += [(sheet.pixels[node], _name(sheet, node), room, limit) for node in named]
    labels += [
        ((sheet.pixels[a] + sheet.pixels[b]) / 2, _number(sheet, known["log10_lr"]), 14.0, CROSSED)
        for a, b, known in numbered
    ]
    shown = [(a, b) for a, b, known in sheet.graph.edges(data=True) if known.get("concert")]
    shown += [(a, b) for a, b, _ in sheet.drawn]
    strokes = [np.linspace(sheet.pixels[a], sheet.pixels[b], 90) for a, b in shown]
    place_labels(
        sheet.axes,
        [text for _, text, _, _ in labels],
        np.array([point for point, *_ in labels]).reshape(-1, 2),
        avoid=np.array(list(sheet.pixels.values())).reshape(-1, 2),
        radius=np.array([room for _, _, room, _ in labels]),
        lines=np.concatenate(strokes) if strokes else None,
        limits=np.array([limit for *_, limit in labels]),
    )


def _name(sheet: Sheet, node: str) -> Text:
    few = sheet.graph.nodes[node].get("insufficient")
    return sheet.axes.text(
        0,
        0,
        node,
        size=SMALL - 1.5 if sheet.large else SIZE,
        weight="normal" if sheet.large else "bold",
        color=sheet.style.ink_2 if few else sheet.style.ink,
        zorder=7,
    )


def _number(sheet: Sheet, value: float) -> Text:
    look: dict[str, Any] = {"size": SMALL, "weight": "bold", "zorder": 7}
    return sheet.axes.text(0, 0, signed(value), color=sheet.style.hue(value), **look)


def _key(figure: Figure, style: Style, *, large: bool) -> None:
    """Draw what widths and marks mean, along the bottom."""
    axes = bare_axes(figure, style, (0.2, 0.12, 6.4, 0.4))
    axes.set(xlim=(0, 64), ylim=(0, 1), xticks=[], yticks=[])
    axes.axhline(1, color=style.rule, linewidth=1)
    for x, value in ((0, 1.0), (8, 2.0), (16, 3.0), (24, -1.0)):
        width, color = _width(value, large=large), style.hue(value)
        line = Line2D([x, x + 3.4], [0.45, 0.45], lw=width, color=color, solid_capstyle="butt")
        if value < 0:
            line.set_dashes(AGAINST)
        axes.add_line(line)
        axes.text(x + 4, 0.45, signed(value, 0), size=SMALL, color=style.ink_2, va="center")
    axes.plot(34, 0.45, marker="x", ms=7, mew=2, color=style.ink)
    axes.plot(43.5, 0.45, marker="o", ms=7, mfc=style.paper, mec=style.ink)
    axes.plot(53.5, 0.45, marker="o", ms=7, mfc=style.hatch_paper, mec=style.hatch)
    axes.plot(53.5, 0.45, marker=HATCH, ms=5, mew=0.3, color=style.hatch)
    for left, word in ((35, "kept apart"), (44.5, "unresolved"), (54.5, "too few edits")):
        axes.text(left, 0.45, word, size=SMALL, color=style.ink_2, va="center")
