"""The graph of accounts, and what lies behind one of its links: pages in common and gaps of time.

The graph draws links that speak for, and every link with a review state.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sockgraph.charts import marks, placement
from sockgraph.charts.marks import AGAINST, DOTTED, HATCH, Chart, Dot, Mark, Text, each, text_width
from sockgraph.reviews.words import counted, duration, listed, signed
from sockgraph.signals.corpus import page_titles
from sockgraph.strings import say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import networkx as nx
    from numpy.typing import NDArray

    from sockgraph.charts.marks import Box, Point

    Places = NDArray[np.float64]

COLUMNS = [
    "user_a",
    "user_b",
    "log10_lr",
    "direction",
    "flagged",
    "state",
    "cannot_link",
    "concert",
]
WIDTH, KEY = 760.0, 36.0
MARK, OUTLINE = 8.0, 30.0
NAMED = 30
"""Accounts up to which each has its name; beyond, those of links that are drawn."""
NUMBERED, FEW = 0.5, 10
"""On a graph of more than a few links, the number from which on a link shows it."""
TITLE = (
    "Graph of accounts. Links whose interval excludes zero and speaks for, "
    "and every link with a review state"
)


def drawn_links(graph: nx.Graph, most: int | None = None) -> pd.DataFrame:
    """Return the links that a graph's picture draws, the most important first.

    Flagged links and those with a state come first, then those that speak for, the strongest first,
    then the others: where only `most` are drawn, none that speaks for is dropped for one that
    speaks against.

    Returns
    -------
    DataFrame
        `user_a, user_b, log10_lr` (null where there is none), `direction, flagged, state,
        cannot_link, concert`.
    """
    rows = [
        (
            *sorted((a, b)),
            known.get("log10_lr", math.nan),
            known.get("direction", "neither"),
            bool(known.get("flagged", False)),
            known.get("state", "none"),
            bool(known.get("cannot_link", False)),
            bool(known.get("concert", False)),
        )
        for a, b, known in graph.edges(data=True)
        if known.get("drawn") or known.get("concert")
    ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    stated = table["flagged"] | (table["state"] != "none") | table["cannot_link"]
    rank = np.select([stated, table["direction"] == "for"], [0, 1], 2)
    ordered = table.assign(rank=rank, size=-table["log10_lr"].abs().fillna(0.0)).sort_values(
        ["rank", "size", "user_a", "user_b"], ignore_index=True
    )
    return ordered[COLUMNS].head(len(ordered) if most is None else most)


def graph(
    graph: nx.Graph,
    *,
    labels: Mapping[str, str] | None = None,
    width: float = WIDTH,
    most: int | None = None,
) -> Chart:
    """Draw accounts and the links that speak for one operator or have a review state.

    Width grows with |log10 LR|; against is dashed, concert thin and without a hue, kept apart has a
    cross, unresolved is pale with hollow marks, too few edits is a hatched mark without lines.

    Parameters
    ----------
    graph
        What `sockgraph.graph.to_graph` returns; it stays as it is.
    labels
        How to write accounts, where not by their names.
    width
        In pixels; the height follows the number of accounts.
    most
        Links to draw at most, see `drawn_links`.

    Returns
    -------
    Chart
        Its table is `drawn_links`.
    """
    links = drawn_links(graph, most)
    n_pairs = math.comb(sum(k.get("role") != "declared" for _, k in graph.nodes(data=True)), 2)
    sheet = _sheet(graph, links, dict(labels or {}), width)
    few = sum(bool(k.get("insufficient")) for _, k in graph.nodes(data=True))
    said = (
        f"{counted(len(graph), 'account')}, {few:,} with too few edits. Drawn are {len(links):,} of"
        f" {counted(n_pairs, 'pair')}: those that speak for one operator or have a state."
    )
    parts, unboxed = sheet.draw()
    told = [
        say("Group {n}: {users}.", n=number, users=listed(list(users))) for number, users in unboxed
    ]
    height = sheet.size[1] + KEY
    return Chart(
        links,
        say(TITLE),
        (width, height),
        (*parts, *_key(sheet.size, concert=bool(links["concert"].any()))),
        heading="Accounts and links",
        below=(said,),
        note=" ".join(told),
    )


def _sheet(graph: nx.Graph, links: pd.DataFrame, labels: dict[str, str], width: float) -> _Sheet:
    users = sorted(graph)
    n, known = len(users), graph.nodes
    gap = max(58.0 if width < 600 else 96.0 - max(n - 12, 0), 46.0)
    least = 344.0 if width < 600 else 420.0
    height = max(least, 1.1 * n * gap**2 / (width - 132) + 88)
    wanted = np.array([[known[u].get("x", 0.5), known[u].get("y", 0.5)] for u in users])
    members: dict[int, list[int]] = {}
    for i, user in enumerate(users):
        if "group" in known[user]:
            members.setdefault(int(known[user]["group"]), []).append(i)
    groups = [rows for rows in members.values() if len(rows) > 1]
    box = (66.0, 44.0, width - 66.0, height - 44.0)
    at = placement.spread(wanted.reshape(-1, 2), box, gap, groups=groups, room=OUTLINE)
    row = {user: i for i, user in enumerate(users)}
    ends = [(row[a], row[b]) for a, b in zip(links["user_a"], links["user_b"], strict=True)]
    router = placement.Router(at, MARK + 5)
    paths = [router.route(a, b) for a, b in ends]
    return _Sheet(graph, users, at, links, paths, members, labels, (width, height))


@dataclass(frozen=True)
class _Sheet:
    """What is drawn, and where.

    Attributes
    ----------
    users, at
        The accounts, and their places.
    links, paths
        The links, and the line of each.
    members
        By group, its rows of `users`.
    """

    graph: nx.Graph
    users: Sequence[str]
    at: Places
    links: pd.DataFrame
    paths: Sequence[Places]
    members: Mapping[int, Sequence[int]]
    labels: Mapping[str, str]
    size: Point

    def draw(self) -> tuple[list[Mark], list[tuple[int, list[str]]]]:
        """Return the marks, and the groups that no outline can show."""
        outlines, unboxed = self._outlines()
        parts: list[Mark] = list(outlines.values())
        rows = list(zip(each(self.links), self.paths, strict=True))
        for row, path in rows[::-1]:
            parts += self._link(row, path)
        for row, path in rows:
            if row.cannot_link:
                parts.append(marks.cross(placement.clear_point(path, self.at), 8, 3))
        parts += [self._mark(user, at) for user, at in zip(self.users, self.at, strict=True)]
        parts += self._labels(set(outlines))
        return parts, unboxed

    def _known(self, user: str) -> dict[str, Any]:
        found: dict[str, Any] = self.graph.nodes[user]
        return found

    def _outlines(self) -> tuple[dict[int, Mark], list[tuple[int, list[str]]]]:
        """Outline each group, unless the outline would hold a stranger."""
        found: dict[int, Mark] = {}
        unboxed = []
        for number, rows in sorted(self.members.items()):
            strangers = np.delete(self.at, rows, axis=0)
            if placement.within(placement.outline(self.at[rows], OUTLINE + MARK), strangers).any():
                unboxed.append((number, [self._name(self.users[i]) for i in rows]))
                continue
            stable = self._known(self.users[rows[0]]).get("status") == "stable"
            corners = [(float(x), float(y)) for x, y in placement.outline(self.at[rows], OUTLINE)]
            look: dict[str, Any] = {"fill": "panel"} if stable else {"dash": (3.0, 4.0)}
            found[number] = marks.area(corners, stroke="rule-strong", **look)
        return found, unboxed

    def _link(self, row: Any, path: Places) -> list[Mark]:
        points = [(float(x), float(y)) for x, y in path]
        parts: list[Mark] = []
        if not math.isnan(row.log10_lr):
            against = row.log10_lr < 0
            parts.append(
                marks.curve(
                    points,
                    "against" if against else "for",
                    width=1.5 + 3.2 * abs(row.log10_lr),
                    dash=AGAINST if against else None,
                    opacity=0.45 if self._unresolved(row.user_a, row.user_b) else 1.0,
                )
            )
        if row.concert:
            parts.append(marks.curve(points, "ink-2", width=1.6, dash=(5.0, 3.0)))
        if not parts:
            parts.append(marks.curve(points, "ink", width=1.2))
        return parts

    def _unresolved(self, a: str, b: str) -> bool:
        one, other = self._known(a), self._known(b)
        same = "group" in one and one["group"] == other.get("group")
        return same and one.get("status") == "unresolved"

    def _mark(self, user: str, at: Places) -> Mark:
        known, place = self._known(user), (float(at[0]), float(at[1]))
        if known.get("insufficient"):
            return Dot(place, MARK, HATCH, "hatch", 1.5)
        if known.get("role") == "declared":
            return Dot(place, MARK, "rule", "ink-3", 1.5)
        if "group" in known and known.get("status") == "unresolved":
            return Dot(place, MARK, "paper", "rule-strong", 2)
        return Dot(place, MARK, "ink", "paper", 2)

    def _name(self, user: str) -> str:
        return self.labels.get(user, user)

    def _labels(self, outlined: set[int]) -> list[Mark]:
        """Write names, then numbers, then groups, each where it hides least of what is there."""
        r = MARK + 3
        taken: list[Box] = [(x - r, y - r, x + r, y + r) for x, y in self.at.tolist()]
        labels = placement.LabelPlacer(taken, self.paths, self.size)
        large = len(self.users) > NAMED
        parts: list[Mark | None] = []
        for user, at in self._by_weight():
            name, place = self._name(user), (float(at[0]), float(at[1]))
            wide = text_width(name, bold=True)
            box = labels.place(placement.around(place, wide, MARK + 5), needed=not large)
            parts.append(_written(box, name, "b halo"))
            if self._known(user).get("insufficient") and not large:
                words = say("too few edits")
                choices = placement.around(place, text_width(words, 12), MARK + 5)
                parts.append(_written(labels.place(choices), words, "q halo"))
        for row, path in zip(each(self.links), self.paths, strict=True):
            value = row.log10_lr
            if math.isnan(value) or (abs(value) < NUMBERED and len(self.links) > FEW):
                continue
            choices = placement.beside(path, text_width(signed(value), bold=True))
            box = labels.place(choices, needed=False)
            parts.append(_written(box, signed(value), f"{'ta' if value < 0 else 'tf'} halo"))
        parts += [self._group_label(number, labels) for number in sorted(outlined)]
        return [part for part in parts if part is not None]

    def _by_weight(self) -> list[tuple[str, Places]]:
        """Return accounts and places: of a large graph those of links, the first links' first."""
        at = dict(zip(self.users, self.at, strict=True))
        pairs = self.links[["user_a", "user_b"]].itertuples(index=False)
        linked = dict.fromkeys(user for pair in pairs for user in pair)
        rest = (
            [] if len(self.users) > NAMED else [user for user in self.users if user not in linked]
        )
        return [(user, at[user]) for user in [*linked, *rest]]

    def _group_label(self, number: int, labels: placement.LabelPlacer) -> Mark | None:
        rows = list(self.members[number])
        status = self._known(self.users[rows[0]]).get("status", "stable")
        words = say("Group {n}, {status}", n=number, status=say(status))
        width = text_width(words, 12)
        (left, top), (right, bottom) = self.at[rows].min(axis=0), self.at[rows].max(axis=0)
        middle = (left + right) / 2 - width / 2
        lefts = (middle, left - OUTLINE, right + OUTLINE - width)
        tops = (top - OUTLINE - 19, bottom + OUTLINE + 3)
        boxes = [(x, y, x + width, y + 15) for y in tops for x in lefts]
        sides = ((left - OUTLINE - width - 4, (top + bottom) / 2), (right + OUTLINE + 4, top))
        boxes += [(x, y, x + width, y + 15) for x, y in sides]
        large = len(self.users) > NAMED
        return _written(labels.place(boxes, needed=not large), words, "s halo")


def _written(box: Box | None, words: str, look: str) -> Mark | None:
    return None if box is None else Text((float(box[0]), float(box[3]) - 4), words, look)


def _key(size: Point, *, concert: bool) -> list[Mark]:
    width, top = size
    y, parts = top + 24, list[Mark]([marks.line((0, top + 2), (width, top + 2))])
    for left, value in ((0, 1), (62, 2), (124, 3)):
        parts.append(marks.line((left, y), (left + 34, y), "for", width=1.5 + 3.2 * value))
        parts.append(Text((left + 39, y + 4), f"+{value}", "s"))
    parts.append(marks.line((196, y), (232, y), "against", width=4.7, dash=AGAINST))
    parts.append(Text((238, y + 4), signed(-1.0).removesuffix(".0"), "s"))
    parts += [marks.cross((280, y), 6, 2.5), Text((292, y + 4), say("cannot-link"), "s")]
    parts.append(marks.line((372, y), (398, y), "for", width=4.7, opacity=0.45))
    parts.append(Text((404, y + 4), say("unresolved"), "s"))
    if concert:
        parts.append(marks.line((480, y), (506, y), "ink-2", width=1.6, dash=(5.0, 3.0)))
        parts.append(Text((512, y + 4), say("in concert"), "s"))
    return parts


SHEET_WIDTH, SHEET_HEIGHT = 640.0, 380.0
LEFT, TOP, RIGHT, BOTTOM = 60.0, 12.0, 624.0, 326.0
NAMED_PAGES = 8  # pages that get their title
TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000)


def shared_pages(edits: pd.DataFrame, user_a: str, user_b: str) -> Chart:
    """Draw each page that both accounts edited, by the edits of either.

    Pages of the same two counts are one mark, its area their number; the pages with most edits of
    the account that edited them less are named. Both axes are logarithmic.

    Parameters
    ----------
    edits
        The `edits` table.
    user_a, user_b
        Two accounts of it, across and up.

    Returns
    -------
    Chart
        Its table has a row a page in common: `page`, and the edits of each, `a` and `b`.
    """
    counts = _counts(edits, user_a, user_b)
    only = [int((counts[side] > 0).sum()) for side in ("a", "b")]
    both = counts[(counts["a"] > 0) & (counts["b"] > 0)]
    most = max(int(both.to_numpy().max(initial=1)), 9) * 1.6
    at = _places(both, most)
    parts = _axes(most, (user_a, user_b))
    same: dict[Any, int] = both.groupby(["a", "b"], sort=True).size().to_dict()
    radii = {pair: min(2.6 * math.sqrt(n), 16.0) for pair, n in same.items()}
    for (a, b), n in same.items():
        place = _place(a, b, most)
        parts.append(Dot(place, radii[a, b], "h2", "ink", 1))
        if n > 4:
            parts.append(Text((place[0], place[1] + 4), f"{n:,}", "s", "middle"))
    parts += _named(both, at, radii)
    return Chart(
        both.reset_index(),
        f"Pages that {user_a} and {user_b} both edited, by edits",
        (SHEET_WIDTH, SHEET_HEIGHT),
        tuple(parts),
        heading="Shared pages",
        below=(
            (
                f"{counted(len(both), 'page')} in common, of {only[0]:,} and {only[1]:,}"
                " that each edited."
            ),
        ),
        note="A mark's area: how many pages have those two counts. Dotted: as many edits by"
        " either.",
    )


def _counts(edits: pd.DataFrame, user_a: str, user_b: str) -> pd.DataFrame:
    """Return a row a page: its edits by either account."""
    ours = edits[edits["user"].isin([user_a, user_b])]
    table = pd.crosstab(page_titles(ours).rename("page"), ours["user"])
    counts = table.reindex(columns=[user_a, user_b], fill_value=0)
    return counts.set_axis(["a", "b"], axis=1)


def _place(a: float, b: float, most: float) -> Point:
    low, high = math.log(0.7), math.log(most)
    across, up = ((math.log(n) - low) / (high - low) for n in (a, b))
    return LEFT + across * (RIGHT - LEFT), BOTTOM - up * (BOTTOM - TOP)


def _places(both: pd.DataFrame, most: float) -> dict[str, Point]:
    return {str(page): _place(a, b, most) for page, a, b in each(both)}


def _axes(most: float, users: tuple[str, str]) -> list[Mark]:
    parts: list[Mark] = []
    for tick in (t for t in TICKS if t <= most):
        x, y = _place(tick, tick, most)
        parts += [marks.line((x, TOP), (x, BOTTOM)), marks.line((LEFT, y), (RIGHT, y))]
        parts.append(Text((x, BOTTOM + 17), f"{tick:,}", "q", "middle"))
        parts.append(Text((LEFT - 8, y + 4), f"{tick:,}", "q", "end"))
    ends = (LEFT, BOTTOM), (RIGHT, TOP)
    parts.append(marks.line(*ends, "rule-strong", dash=DOTTED))
    across, up = (f"{user}: edits on the page" for user in users)
    parts += [
        marks.account_dot((RIGHT - 5, BOTTOM + 34), 4.5),
        Text((RIGHT - 16, BOTTOM + 38), across, "s", "end"),
        marks.account_dot((6, TOP - 6), 4.5, hollow=True),
        Text((16, TOP - 2), up, "s halo"),
    ]
    return parts


def _named(
    both: pd.DataFrame, at: dict[str, Point], radii: dict[tuple[int, int], float]
) -> list[Mark]:
    """Name pages that stand alone at their mark, those with most edits of the lesser first."""
    single = both[~both.duplicated(keep=False)]
    order = single.min(axis=1).sort_values(ascending=False, kind="stable").index[:NAMED_PAGES]
    reach = dict(zip(both.index, (radii[a, b] for a, b in both.to_numpy().tolist()), strict=True))
    taken = [
        (x - reach[p] - 2, y - reach[p] - 2, x + reach[p] + 2, y + reach[p] + 2)
        for p, (x, y) in at.items()
    ]
    labels = placement.LabelPlacer(
        [*taken, (0.0, 0.0, 240.0, TOP)], list[np.ndarray](), (SHEET_WIDTH, BOTTOM)
    )
    parts: list[Mark] = []
    for page in order:
        choices = placement.around(at[page], text_width(page, 12), reach[page] + 4)
        box = labels.place(choices, needed=False)
        if box is not None:
            parts.append(Text((box[0], box[3] - 4), page, "s halo"))
    return parts


MINUTE, SIXTY_DAYS = 60.0, 60 * 86400.0
GAPS = ((60.0, "1 m"), (3600.0, "1 h"), (86400.0, "1 day"), (30 * 86400.0, "30 d"))


def gap_x(seconds: float) -> float:
    """Return where a gap ends: logarithmic, zero at one minute, full at sixty days.

    >>> gap_x(10) == gap_x(60) == 6.0, round(gap_x(3600), 1)
    (True, 73.7)
    """
    held = min(max(seconds, MINUTE), SIXTY_DAYS)
    return 6 + 188 * math.log(held / MINUTE) / math.log(SIXTY_DAYS / MINUTE)


def gap(seconds: float) -> Chart:
    """Draw one gap between the edits of two accounts, on a logarithmic scale."""
    end = gap_x(seconds)
    parts: list[Mark] = [marks.line((6, 9), (194, 9))]
    parts += [marks.line((gap_x(s), 5), (gap_x(s), 13)) for s, _ in GAPS]
    parts.append(marks.line((6, 9), (end, 9), "ink", width=2))
    table = pd.DataFrame({"seconds": [seconds]})
    drawn = (*parts, Dot((end, 9), 4, "ink", "ink", 1))
    return Chart(table, say("gap {n}", n=duration(seconds)), (200.0, 18.0), drawn)


def gap_scale() -> Chart:
    """Draw the heading of a column of gaps."""
    parts = tuple(Text((gap_x(s), 11), say(words), "q", "middle") for s, words in GAPS)
    table = pd.DataFrame(GAPS, columns=["seconds", "words"])
    return Chart(table, say("Scale of gaps, logarithmic"), (200.0, 14.0), parts)
