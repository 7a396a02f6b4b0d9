"""Groups: at what evidence accounts join, who stays, what a link rests on, and all numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from sockgraph.charts import marks
from sockgraph.charts.marks import DASHED, HATCH, Chart, Text, account_dot, each, text_width
from sockgraph.charts.waterfall import Axis
from sockgraph.clustering import STABLE
from sockgraph.reviews.words import DASH, estimate, plain
from sockgraph.strings import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sockgraph.charts.marks import Mark, Point
    from sockgraph.clustering import Clusters

WIDE, TALL = 46.0, 34.0
"""Of a cell, in pixels: `≤−0.6` in bold fits in one."""
MOST = 40
"""Accounts that one matrix shows."""
PALE = {"for": "for-pale", "against": "against-pale"}
COLUMNS = ["row", "column", "words", "direction", "flagged", "stated", "apart", "insufficient"]
NOTE = (
    "log10 LR of each pair. A name stands at the end of its row and on top of its column. Solid"
    " frame: flagged. Dashed frame: asserted. Blue: the edits speak for one operator. Orange: they"
    " speak against. White: they do not separate. Hatched: too few edits. Cross: kept apart."
)
WIDTH, ROW, TOP = 640.0, 24.0, 26.0
NOBODY = "No two accounts hold together."
HOW = {"average": "Mean log10 LR", "complete": "Least log10 LR"}
MERGES = ["log10_lr", "joined", "stable", "y", "y_left", "x_left", "y_right", "x_right"]


def matrix_cells(
    users: Iterable[str], links: pd.DataFrame, cannot_links: Iterable[tuple[str, str]] = ()
) -> pd.DataFrame:
    """Return what each cell of the staircase shows.

    Parameters
    ----------
    users
        The accounts in the order of rows and columns.
    links
        The `links` table.
    cannot_links
        Pairs that are kept apart.

    Returns
    -------
    DataFrame
        `row > column` (places in `users`), `words` (the number, `≥` or `≤` at a bound), `direction`
        {for, against, neither}, `flagged`, `stated` (asserted elsewhere or reviewed), `apart`,
        `insufficient`.
    """
    place = {user: i for i, user in enumerate(users)}
    kept_apart = {frozenset(pair) for pair in cannot_links}
    rows = [
        (
            *sorted((place[link.user_a], place[link.user_b]), reverse=True),
            "" if pd.isna(link.log10_lr) else _number(link),
            link.direction,
            bool(link.flagged),
            link.state not in {"none", "flagged"},
            frozenset((link.user_a, link.user_b)) in kept_apart,
            link.band == "insufficient",
        )
        for link in each(links)
        if link.user_a in place and link.user_b in place
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _number(link: Any) -> str:
    bounds = (None if pd.isna(b) else b for b in (link.bound_low, link.bound_high))
    return estimate(link.log10_lr, *bounds).replace("≥ ", "≥").replace("≤ ", "≤")


def matrix(
    labels: Mapping[str, str],
    links: pd.DataFrame,
    cannot_links: Iterable[tuple[str, str]] = (),
) -> Chart:
    """Draw the staircase of some accounts.

    Parameters
    ----------
    labels
        The accounts in the order of rows and columns, and how figures write them.
    links, cannot_links
        See `matrix_cells`.
    """
    cells = matrix_cells(labels, links, cannot_links)
    names = list(labels.values())
    parts: list[Mark] = [Text((6, 22), names[0])] if names else []
    for row in each(cells):
        parts += _cell(row)
    for i, name in enumerate(names[1:], 1):
        parts.append(Text((WIDE * i + 6, TALL * i + 22), name))
    ends = [WIDE * i + 10 + text_width(name) for i, name in enumerate(names)]
    title = say("log10 LR of every pair of {n} accounts", n=len(names))
    size = (max(ends, default=40.0), TALL * len(names) + 2)
    return Chart(cells, title, size, tuple(parts), heading="All pairs", note=NOTE)


def _cell(row: Any) -> list[Mark]:
    corner: Point = (WIDE * row.column + 0.5, TALL * row.row + 0.5)
    size: Point = (WIDE - 1, TALL - 1)
    fill = HATCH if row.insufficient else PALE.get(row.direction, "paper")
    parts: list[Mark] = [marks.box(corner, size, fill, stroke="rule")]
    middle = (corner[0] + size[0] / 2, corner[1] + size[1] / 2 + 4.5)
    look = "sb" if row.flagged or row.direction in PALE else "s"
    if row.words:
        parts.append(Text(middle, row.words, look, "middle"))
    if row.flagged or row.stated:
        dash = None if row.flagged else (4.0, 3.0)
        inner = (corner[0] + 1, corner[1] + 1), (size[0] - 2, size[1] - 2)
        parts.append(marks.box(*inner, stroke="ink", width=2, dash=dash))
    if row.apart:
        parts.append(marks.cross((corner[0] + size[0] - 7, corner[1] + 7), 3.5, 1.8))
    return parts


def dendrogram_joins(clusters: Clusters) -> tuple[list[tuple[str, bool, bool]], pd.DataFrame]:
    """Return the leaves in drawing order, and at what log10 LR branches join.

    Returns
    -------
    list, DataFrame
        The leaves as name, in a group, stable; and the joins: `log10_lr, joined, stable`, and the
        rows of both sides with the log10 LR at which each side itself joined (null for a leaf).
    """
    table = clusters.clusters
    steady = dict(zip(table["user"], table["status"] == "stable", strict=True))
    grouped = dict(zip(table["user"], table["cluster_id"].notna(), strict=True))
    leaves: list[tuple[str, bool, bool]] = []
    joins: list[tuple[Any, ...]] = []
    for tree, users in enumerate(clusters.leaves):
        merges = clusters.merges[clusters.merges["tree"] == tree]
        at: dict[int, tuple[float, float, bool]] = {}
        for leaf in _order(merges, len(users)):
            at[leaf] = (float(len(leaves)), math.nan, steady[users[leaf]])
            leaves.append((users[leaf], grouped[users[leaf]], steady[users[leaf]]))
        for merge in each(merges.dropna(subset=["log10_lr"])):
            left, right = sorted((at[int(merge.left)], at[int(merge.right)]))
            y, stable = (left[0] + right[0]) / 2, left[2] and right[2]
            value = float(merge.log10_lr)
            joins.append((value, bool(merge.joined), stable, y, *left[:2], *right[:2]))
            at[int(merge.node)] = (y, value, stable)
    return leaves, pd.DataFrame(joins, columns=MERGES)


def _order(merges: pd.DataFrame, n: int) -> list[int]:
    """Return the leaves so that no two branches cross."""
    below = {leaf: [leaf] for leaf in range(n)}
    for merge in each(merges):
        below[int(merge.node)] = below.pop(int(merge.left)) + below.pop(int(merge.right))
    return [leaf for leaves in below.values() for leaf in leaves]


def dendrogram(clusters: Clusters) -> Chart:
    """Draw at what log10 LR accounts join, with the cut; further right is closer.

    Groups that the cut leaves are drawn in ink, unresolved ones dashed; what would join only below
    the cut is thin.

    Parameters
    ----------
    clusters
        What `sockgraph.clustering.group_accounts` returns.
    """
    leaves, joins = dendrogram_joins(clusters)
    cut = clusters.threshold
    low = min([0.0, *joins["log10_lr"]])
    high = max([cut, *joins["log10_lr"]]) + 0.4
    names = max([text_width(user, bold=True) for user, _, _ in leaves], default=0.0)
    axis = Axis(low, high, 8.0, max(WIDTH - names - 12, 260.0))
    bottom = TOP + ROW * max(len(leaves), 1)
    parts = _scale(axis, bottom)
    parts.append(marks.line((axis.x(cut), TOP), (axis.x(cut), bottom), "ink", dash=DASHED))
    parts.append(Text((axis.x(cut), TOP - 8), f"cut at {plain(cut)}", "s", "middle"))
    for i, (user, grouped, stable) in enumerate(leaves):
        look = "b" if grouped and stable else "" if grouped else "q"
        parts.append(Text((axis.right + 8, _row(i) + 4.5), user, look))
    if not leaves:
        parts.append(Text((axis.left, _row(0) + 4), NOBODY, "s"))
    for join in each(joins):
        parts += _join(join, axis)
    wide = axis.right + 8 + names + 4
    return Chart(
        joins,
        "At what log10 LR accounts join",
        (max(wide, 300.0), bottom + 22),
        (*parts, *_heights(joins, axis, cut)),
        heading="What joins whom",
        note=f"{HOW[clusters.linkage]} at which accounts join. Dashed: unresolved.",
    )


def _row(i: float) -> float:
    return TOP + ROW * i + ROW / 2


def _scale(axis: Axis, bottom: float) -> list[Mark]:
    parts: list[Mark] = []
    for tick in axis.ticks:
        x = axis.x(tick)
        parts.append(marks.line((x, TOP), (x, bottom), "rule" if tick else "ink"))
        parts.append(Text((x, bottom + 16), plain(tick).removesuffix(".0"), "s", "middle"))
    return parts


def _join(join: Any, axis: Axis) -> list[Mark]:
    x, ends = axis.x(join.log10_lr), []
    for y, inner in ((join.y_left, join.x_left), (join.y_right, join.x_right)):
        ends.append((axis.right if math.isnan(inner) else axis.x(inner), _row(y)))
    path = [ends[0], (x, ends[0][1]), (x, ends[1][1]), ends[1]]
    dash = None if join.stable or not join.joined else (3.0, 2.0)
    stroke, width = ("ink", 1.8) if join.joined else ("rule-strong", 1.0)
    return [marks.curve(path, stroke, width=width, dash=dash)]


def _heights(joins: pd.DataFrame, axis: Axis, cut: float) -> list[Mark]:
    """Write at what a join stands, left of it, where there is room."""
    parts: list[Mark] = []
    inner = [*zip(joins["y_left"], joins["x_left"], joins["log10_lr"], strict=True)]
    inner += zip(joins["y_right"], joins["x_right"], joins["log10_lr"], strict=True)
    parents = {(y, x): at for y, x, at in inner if not math.isnan(x)}
    for join in each(joins[joins["joined"]]):
        parent = parents.get((join.y, join.log10_lr), -math.inf)
        room = axis.x(join.log10_lr) - axis.x(max(parent, cut, axis.low))
        if room > 34:
            at = (axis.x(join.log10_lr) - 4, _row(join.y) - 3)
            parts.append(Text(at, plain(join.log10_lr), "s halo", "end"))
    return parts


def memberships(clusters: pd.DataFrame, labels: Mapping[str, str] | None = None) -> Chart:
    """Draw how often each account stays with the others of its group when something is left out.

    Parameters
    ----------
    clusters
        The `clusters` table.
    labels
        How to write accounts, where not by their names.

    Returns
    -------
    Chart
        Its table: `user, cluster_id, membership, status` of the accounts in groups.
    """
    columns = ["user", "cluster_id", "membership", "status"]
    held = clusters.dropna(subset=["cluster_id"]).sort_values(["cluster_id", "user"])[columns]
    names = [(labels or {}).get(user, user) for user in held["user"]]
    left = max([text_width(name, bold=True) for name in names], default=0.0) + 14
    lowest = 0.5 if held.empty or held["membership"].min() >= 0.5 else 0.0
    axis = Axis(lowest, 1.0, left, left + 288)
    bottom = TOP + ROW * max(len(held), 1)
    edge = axis.x(STABLE)
    below = say("unresolved below {share}", share=_percent(STABLE))
    parts: list[Mark] = [
        marks.box((left, TOP), (edge - left, bottom - TOP), "panel"),
        marks.line((edge, TOP), (edge, bottom), "ink", dash=(3.0, 3.0)),
        Text((edge - 6, TOP - 8), below, "s", "end"),
    ]
    for i, (name, row) in enumerate(zip(names, each(held), strict=True)):
        parts += _stay(name, row, axis, _row(i))
    if held.empty:
        parts.append(Text((left + 8, _row(0) + 4), NOBODY, "s"))
    for share in (lowest, (1 + lowest) / 2, 1.0):
        parts.append(Text((axis.x(share), bottom + 16), _percent(share), "q", "middle"))
    return Chart(
        held,
        say("How often each account stays with its group"),
        (axis.right + 60, bottom + 22),
        tuple(parts),
        heading="Who stays with whom",
        note="How often an account stays with the others of its group when one account, signal,"
        " family or week is left out, each kind weighing the same. A dash: nothing could be"
        " left out. Hollow: unresolved.",
    )


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("%", " %")


def _stay(name: str, row: Any, axis: Axis, y: float) -> list[Mark]:
    stable, known = row.status == "stable", not pd.isna(row.membership)
    parts: list[Mark] = [Text((0, y + 4), name, "b" if stable else "")]
    words = _percent(row.membership) if known else DASH
    parts.append(Text((axis.right + 14, y + 4), words, "s"))
    if known:
        at = (axis.x(row.membership), y)
        parts.append(marks.line((axis.left, y), at, "rule-strong"))
        parts.append(account_dot(at, 5, hollow=not stable))
    return parts


SPAN, RIGHT, STEP = 560.0, 444.0, 25.0
WHOLE = "All evidence"
LINES = ["omitted", "log10_lr", "log10_lr_low", "log10_lr_high", "eligible"]


def leave_one_out(
    lines: Sequence[tuple[str, float, float | None, float | None, bool | None]],
) -> Chart:
    """Draw a link's number with one thing left out at a time.

    Parameters
    ----------
    lines
        What is left out, the number without it, its interval's ends, and whether the link then has
        what a flag asks (None where no flag is at stake: hollow where not); the link itself first.

    Returns
    -------
    Chart
        Its table: `omitted, log10_lr, log10_lr_low, log10_lr_high, eligible`.
    """
    table = pd.DataFrame(lines, columns=LINES)
    bottom = 30 + STEP * len(lines)
    left = max(196.0, min(max(text_width(name) for name, *_ in lines) + 12, 270.0))
    axis = _whole_axis([v for _, *row, _ in lines for v in row], left)
    parts: list[Mark] = []
    for tick in axis.ticks:
        x = axis.x(tick)
        parts.append(marks.line((x, 30), (x, bottom), "rule" if tick else "ink"))
        parts.append(Text((x, bottom + 15), plain(tick).removesuffix(".0"), "s", "middle"))
    for i, row in enumerate(each(table)):
        parts += _omission(row, axis, 30 + STEP * i + 17.5)
    return Chart(
        table,
        say("What would change this link"),
        (SPAN, bottom + 20),
        tuple(parts),
        heading="What would change this link",
    )


def _whole_axis(values: Sequence[float | None], left: float) -> Axis:
    known = [v for v in values if v is not None] + [0.0]
    low, high = math.floor(min(known)), math.ceil(max(known))
    return Axis(float(low), float(high) if high > low else low + 1.0, left, RIGHT)


def _omission(row: Any, axis: Axis, y: float) -> list[Mark]:
    whole = row.omitted == WHOLE
    parts: list[Mark] = [
        Text((0, y + 4), say(row.omitted) if whole else row.omitted, "b" if whole else "")
    ]
    low, high = row.log10_lr_low, row.log10_lr_high
    ends: list[Point] = [(axis.x(e), y) for e in (low, high) if not pd.isna(e)]
    at = (axis.x(row.log10_lr), y)
    if ends:
        xs = [at[0], *(x for x, _ in ends)]
        parts.append(marks.line((min(xs), y), (max(xs), y), "ink", width=2))
        parts += [marks.line((x, y - 4), (x, y + 4), "ink", width=2) for x, _ in ends]
    parts.append(account_dot(at, 5, hollow=row.eligible is False))
    span = "" if pd.isna(low) else say(", low {n}", n=plain(low))
    if not pd.isna(high):  # two ends that read alike are one number
        span = "" if plain(low) == plain(high) else f" [{plain(low)}, {plain(high)}]"
    return [*parts, Text((SPAN, y + 4), plain(row.log10_lr) + span, "b" if whole else "s", "end")]
