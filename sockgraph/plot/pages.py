"""The pages that two accounts share, by how much each edited them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sockgraph.plot.activity import FIRST, SECOND
from sockgraph.plot.place import COVERED, place_labels
from sockgraph.plot.style import (
    LIGHT,
    SIZE,
    SMALL,
    Style,
    bare_axes,
    finish,
    footnote,
    headline,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMED = 8  # pages that get their title


def shared_pages(edits: pd.DataFrame, user_a: str, user_b: str, *, style: Style = LIGHT) -> Figure:
    """Draw each page that both accounts edited, by the edits of either.

    Pages of the same two counts are one mark, its area their number; the pages with most edits of
    the account that edited them less are named. Both axes are logarithmic.

    Parameters
    ----------
    edits
        The `edits` table.
    user_a, user_b
        Two accounts of it, across and up.
    style
        Colours.
    """
    counts = _counts(edits, user_a, user_b)
    only = [int((counts[user] > 0).sum()) for user in (user_a, user_b)]
    both = counts[(counts > 0).all(axis=1)]
    figure = new_figure(6.8, 5.0, style)
    said = f"{len(both):,} pages in common, of {only[0]:,} and {only[1]:,} that each edited."
    headline(figure, style, "Shared pages", [said])
    axes = bare_axes(figure, style, (0.75, 0.95, 5.8, 3.35))
    marks = both.groupby([user_a, user_b]).size().reset_index(name="pages")
    most = max(both.to_numpy().max(initial=1), 9)
    _axes(axes, style, (user_a, user_b), most)
    size = 22 * marks["pages"]
    kept: dict[str, Any] = {"facecolor": style.ramp[1], "edgecolor": style.ink, "linewidth": 0.8}
    axes.scatter(marks[user_a], marks[user_b], s=size.clip(upper=900), zorder=3, **kept)
    for row in marks[marks["pages"] > 4].to_dict("records"):
        at = (row[user_a], row[user_b])
        middle: dict[str, Any] = {"ha": "center", "va": "center", "zorder": 4}
        axes.text(*at, f"{row['pages']:,}", size=SMALL - 1, color=style.ink, **middle)
    _name(axes, style, both, marks)
    footnote(
        figure,
        style,
        "A mark's area: how many pages have those two counts. Dotted: as many edits by either.",
    )
    return finish(figure)


def _counts(edits: pd.DataFrame, user_a: str, user_b: str) -> pd.DataFrame:
    """Return a row a page: its edits by either account."""
    ours = edits[edits["user"].isin([user_a, user_b])]
    page = ours["title"].astype("string")
    if "page_id" in ours:
        page = page.fillna("page " + ours["page_id"].astype("string"))
    if "wiki" in ours and len(ours["wiki"].unique()) > 1:
        page = page + " (" + ours["wiki"].astype("string") + ")"
    table = pd.crosstab(page.rename("page"), ours["user"])
    return table.reindex(columns=[user_a, user_b], fill_value=0)


def _axes(axes: Axes, style: Style, users: tuple[str, str], most: float) -> None:
    ticks = [t for t in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000) if t <= most * 1.4]
    axes.set(xscale="log", yscale="log")
    for set_ticks in (axes.set_xticks, axes.set_yticks):
        set_ticks(ticks, [f"{t:,}" for t in ticks])
        set_ticks([], minor=True)
    axes.set_xlim(0.7, most * 1.6)
    axes.set_ylim(0.7, most * 1.6)
    axes.grid(color=style.rule, linewidth=0.7)
    axes.axline((1, 1), (10, 10), color=style.rule_strong, linewidth=0.8, linestyle=":")
    label: dict[str, Any] = {"size": SIZE, "color": style.ink}
    axes.set_xlabel(f"{FIRST} {users[0]}: edits on the page", **label)
    axes.set_ylabel(f"{SECOND} {users[1]}: edits on the page", **label)


def _name(axes: Axes, style: Style, both: pd.DataFrame, marks: pd.DataFrame) -> None:
    """Name pages that stand alone at their mark, those with most edits of the lesser first."""
    single = both[~both.duplicated(keep=False)]
    order = single.min(axis=1).sort_values(ascending=False, kind="stable").index[:NAMED]
    points = axes.transData.transform(single.loc[order].to_numpy(dtype=float).reshape(-1, 2))
    every = axes.transData.transform(marks.iloc[:, :2].to_numpy(dtype=float).reshape(-1, 2))
    texts = [axes.text(0, 0, title, size=SMALL, color=style.ink_2) for title in order]
    n = len(points)
    room, limits = np.full(n, 9.0), np.full(n, COVERED)
    place_labels(axes, texts, points, avoid=every, radius=room, limits=limits)
