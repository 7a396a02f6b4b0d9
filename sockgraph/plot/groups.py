"""Groups: at what evidence accounts join, and who stays when something is left out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from sockgraph.clustering.groups import STABLE
from sockgraph.plot.style import (
    DASH,
    LIGHT,
    SIZE,
    SMALL,
    Style,
    bare_axes,
    finish,
    footnote,
    headline,
    new_figure,
    plain,
)

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sockgraph.clustering import Clusters

ROW = 0.24  # inches
NOBODY = "No two accounts hold together."
HOW = {"average": "Mean log10 LR", "complete": "Least log10 LR"}


def dendrogram(clusters: Clusters, *, style: Style = LIGHT) -> Figure:
    """Draw at what log10 LR accounts join, with the cut; further right is closer.

    Groups that the cut leaves are drawn in ink, unresolved ones dashed; what would join only below
    the cut is thin.

    Parameters
    ----------
    clusters
        What `cluster_accounts` returns.
    style
        Colours.
    """
    rows, steps = _laid_out(clusters)
    figure = new_figure(6.8, 1.35 + ROW * max(len(rows), 1), style)
    headline(figure, style, "What joins whom")
    axes = bare_axes(figure, style, (0.3, 0.62, 4.3, ROW * max(len(rows), 1)))
    low = min([0.0, *(s["at"] for s in steps)])
    high = max([clusters.threshold, *(s["at"] for s in steps)]) + 0.4
    axes.set(xlim=(low, high), ylim=(max(len(rows), 1) - 0.5, -0.5), yticks=[])
    ticks = range(int(low), int(high) + 1)
    axes.set_xticks(list(ticks), [plain(t, 0) for t in ticks])
    axes.grid(axis="x", color=style.rule, linewidth=0.7)
    axes.axvline(clusters.threshold, color=style.ink, linewidth=1, linestyle=(0, (3, 3)))
    cut = f"cut at {plain(clusters.threshold)}"
    axes.text(
        clusters.threshold, -0.62, cut, size=SMALL, color=style.ink_2, ha="center", va="bottom"
    )
    _leaves(axes, style, rows, high)
    for step in steps:
        _join(axes, style, step, high)
        _height(axes, style, step, clusters.threshold)
    footnote(figure, style, f"{HOW[clusters.linkage]} at which accounts join. Dashed: unresolved.")
    return finish(figure)


def _laid_out(clusters: Clusters) -> tuple[list[tuple[str, bool, bool]], list[dict[str, Any]]]:
    """Return the leaves as name, in a group, stable; and the joins with their places."""
    table = clusters.clusters
    steady = dict(zip(table["user"], table["status"] == "stable", strict=True))
    grouped = dict(zip(table["user"], table["cluster_id"].notna(), strict=True))
    rows: list[tuple[str, bool, bool]] = []
    steps: list[dict[str, Any]] = []
    for tree, leaves in enumerate(clusters.leaves):
        merges = clusters.merges[clusters.merges["tree"] == tree].set_index("node")
        order = _order(merges, len(leaves))
        at: dict[int, tuple[float, float | None, bool]] = {}
        for leaf in order:
            user = leaves[leaf]
            at[leaf] = (float(len(rows)), None, steady[user])
            rows.append((user, grouped[user], steady[user]))
        for node, merge in merges.iterrows():
            if pd.isna(merge["log10_lr"]):
                continue  # a cannot-link keeps the sides apart
            sides = [at[int(merge[side])] for side in ("left", "right")]
            stable = sides[0][2] and sides[1][2]
            joined = bool(merge["joined"])
            here: dict[str, Any] = {
                "at": float(merge["log10_lr"]),
                "joined": joined,
                "stable": stable,
            }
            below = [step for step in steps if (step["y"], step["at"]) in [s[:2] for s in sides]]
            for step in below:
                step["parent"] = here["at"]
            here |= {"sides": [(y, x) for y, x, _ in sides], "parent": -math.inf}
            steps.append(here | {"y": sum(y for y, *_ in sides) / 2})
            at[int(node)] = (sum(y for y, *_ in sides) / 2, here["at"], stable)  # type: ignore[call-overload]
    return rows, steps


def _order(merges: pd.DataFrame, n: int) -> list[int]:
    """Return the leaves so that no two branches cross."""
    below = {leaf: [leaf] for leaf in range(n)}
    for node, merge in merges.iterrows():
        below[int(node)] = below.pop(int(merge["left"])) + below.pop(int(merge["right"]))  # type: ignore[call-overload]
    return [leaf for leaves in below.values() for leaf in leaves]


def _leaves(axes: Axes, style: Style, rows: list[tuple[str, bool, bool]], right: float) -> None:
    for y, (user, grouped, stable) in enumerate(rows):
        weight = "bold" if grouped and stable else "normal"
        color = style.ink if grouped else style.ink_3
        kept: dict[str, Any] = {"va": "center", "clip_on": False}
        axes.text(right + 0.06, y, user, size=SIZE, weight=weight, color=color, **kept)
    if not rows:
        axes.text(0, 0, NOBODY, size=SIZE, color=style.ink_2, va="center")


def _join(axes: Axes, style: Style, step: dict[str, Any], right: float) -> None:
    line: dict[str, Any] = {
        "color": style.ink if step["joined"] else style.rule_strong,
        "linewidth": 1.6 if step["joined"] else 0.8,
        "linestyle": "-" if step["stable"] or not step["joined"] else (0, (3, 2)),
    }
    (top, first), (bottom, second) = sorted(step["sides"])
    for y, x in ((top, first), (bottom, second)):
        axes.plot([step["at"], right if x is None else x], [y, y], **line)
    axes.plot([step["at"]] * 2, [top, bottom], **line)


def _height(axes: Axes, style: Style, step: dict[str, Any], cut: float) -> None:
    """Write at what a join stands, left of it or within it, where there is room."""
    left, right = axes.get_xlim()
    room = 0.08 * (right - left)
    inside = min(right if x is None else x for _, x in step["sides"]) - step["at"]
    before = step["at"] - max(step["parent"], cut)
    if not step["joined"] or max(before, inside) < room:
        return
    y = sum(y for y, _ in step["sides"]) / 2
    words: dict[str, Any] = {"size": SMALL, "color": style.ink_2}
    if before >= room:
        lift = 0.06 if step["parent"] > -math.inf else 0
        place: dict[str, Any] = {"ha": "right", "va": "bottom" if lift else "center"}
        axes.text(step["at"] - 0.03, y - lift, plain(step["at"]), **words, **place)
    else:
        axes.text(step["at"] + 0.04, y, plain(step["at"]), ha="left", va="center", **words)


def stability(clusters: pd.DataFrame, *, style: Style = LIGHT) -> Figure:
    """Draw how often each account stays with the others of its group when something is left out.

    Parameters
    ----------
    clusters
        The `clusters` table.
    style
        Colours; a hollow mark is an account of an unresolved group.
    """
    held = clusters.dropna(subset=["cluster_id"]).sort_values(["cluster_id", "user"])
    n = max(len(held), 1)
    figure = new_figure(6.8, 1.6 + ROW * n, style)
    headline(figure, style, "Who stays with whom")
    axes = bare_axes(figure, style, (2.2, 0.82, 3.6, ROW * n))
    start = 0.5 if held["membership"].min() >= 0.5 or held.empty else 0.0
    axes.set(xlim=(start, 1.02), ylim=(n - 0.5, -0.5), yticks=[])
    ticks = [start, (start + 1) / 2, 1.0]
    axes.set_xticks(ticks, [f"{t:.0%}".replace("%", " %") for t in ticks])
    axes.axvspan(start, STABLE, color=style.panel, zorder=0)
    axes.axvline(STABLE, color=style.ink, linewidth=1, linestyle=(0, (3, 3)))
    below = f"unresolved below {STABLE:.0%}".replace("%", " %")
    axes.text(STABLE, -0.62, f"{below} ", size=SMALL, color=style.ink_2, ha="right", va="bottom")
    for y, row in enumerate(held.to_dict("records")):
        _stay(axes, style, y, row)
    if held.empty:
        axes.text(0.52, 0, NOBODY, size=SIZE, color=style.ink_2, va="center")
    footnote(
        figure,
        style,
        "How often an account stays with the others of its group when one account, signal, family"
        "\nor week is left out, each kind weighing the same. A dash: nothing could be left out.",
    )
    return finish(figure)


def _stay(axes: Axes, style: Style, y: int, row: Mapping[Hashable, Any]) -> None:
    side: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "center"}
    stable = row["status"] == "stable"
    weight = "bold" if stable else "normal"
    axes.text(-0.04, y, row["user"], size=SIZE, weight=weight, ha="right", color=style.ink, **side)
    known = pd.notna(row["membership"])
    share = f"{row['membership']:.0%}".replace("%", " %") if known else DASH
    axes.text(1.1, y, share, size=SIZE, ha="right", color=style.ink_2, **side)
    if known:
        axes.plot(
            [axes.get_xlim()[0], row["membership"]], [y, y], color=style.rule_strong, linewidth=1
        )
        fill = style.ink if stable else style.paper
        axes.plot(row["membership"], y, marker="o", ms=7, mfc=fill, mec=style.ink, mew=1.3)
