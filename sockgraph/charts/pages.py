"""The pages that two accounts share, by how much each edited them; and the gaps between edits."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sockgraph.charts import marks, placement
from sockgraph.charts.marks import DOTTED, Chart, Dot, Text, each, text_width
from sockgraph.reviews.words import counted, duration
from sockgraph.signals.corpus import page_titles
from sockgraph.strings import say

if TYPE_CHECKING:
    from sockgraph.charts.marks import Mark, Point

WIDTH, HEIGHT = 640.0, 380.0
LEFT, TOP, RIGHT, BOTTOM = 60.0, 12.0, 624.0, 326.0
NAMED = 8  # pages that get their title
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
        (WIDTH, HEIGHT),
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
    order = single.min(axis=1).sort_values(ascending=False, kind="stable").index[:NAMED]
    reach = dict(zip(both.index, (radii[a, b] for a, b in both.to_numpy().tolist()), strict=True))
    taken = [
        (x - reach[p] - 2, y - reach[p] - 2, x + reach[p] + 2, y + reach[p] + 2)
        for p, (x, y) in at.items()
    ]
    labels = placement.LabelPlacer(
        [*taken, (0.0, 0.0, 240.0, TOP)], list[np.ndarray](), (WIDTH, BOTTOM)
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
