"""Every pair's number in one staircase, for as many accounts as can be read in one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from sockgraph.charts import marks
from sockgraph.charts.marks import HATCH, Chart, Text, each, text_width
from sockgraph.reviews.words import estimate
from sockgraph.strings import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sockgraph.charts.marks import Mark, Point

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
