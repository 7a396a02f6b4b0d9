"""Discussions: who stood where and came with whom, against usual hours, and after messages.

These figures show what named people supported: they belong on the investigator's own desk. And how
many hands a community's work is in, which names nobody.
"""

from __future__ import annotations

import math
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sockgraph.charts import marks
from sockgraph.charts.marks import Chart, Dot, Mark, Text, broken, each, text_width
from sockgraph.signals.corpus import of_wikis, revision_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sockgraph.charts.marks import Point

QUICK = pd.Timedelta(minutes=30)
MOST = 30  # accounts, discussions or messages that one figure shows
STEP, ROW, TOP = 24.0, 24.0, 12.0
WIDEST = 240.0


def blocs(votes: pd.DataFrame, users: Sequence[str]) -> Chart:
    """Draw where accounts stood in each discussion, and who came with whom.

    Filled is support, a ring oppose, a dash neutral, a dot a comment alone. A bracket joins
    accounts that came within half an hour of each other and stood on one side.

    Parameters
    ----------
    votes
        The table `votes`; malformed rows are not drawn.
    users
        The accounts, in the order of rows; the first 30 are drawn.

    Returns
    -------
    Chart
        Its table has a row an arrival that is drawn: `page, user, timestamp, side`.
    """
    shown = list(users)[:MOST]
    stood = _stood(votes[votes["user"].isin(shown)])
    pages = stood.groupby("page")["timestamp"].min().sort_values().index.tolist()[-MOST:]
    stood = stood[stood["page"].isin(pages)]
    names = _Names(shown)
    right = names.left + STEP * max(len(pages), 16)
    parts = names.rows(right)
    for column, page in enumerate(pages):
        here = stood[stood["page"] == page]
        places = [shown.index(user) for user in here["user"]]
        rows = sorted(zip(places, here["timestamp"], here["side"], strict=True))
        parts += _discussion(names.left + STEP * (column + 0.6), rows, names.tops)
    below = names.bottom + 22
    return Chart(
        stood[["page", "user", "timestamp", "side"]].reset_index(drop=True),
        "Where accounts stood in discussions, and who came with whom",
        (right + 8, below + 12),
        (*parts, *_key(below)),
        heading="Who came with whom",
        below=(_span(stood, len(pages)),),
    )


def _stood(votes: pd.DataFrame) -> pd.DataFrame:
    """Return when accounts came to each discussion, and where they stood in the end."""
    named = votes.assign(page=of_wikis(votes["page"], votes["wiki"]))
    counted = named[named["parse"] == "ok"].sort_values(["timestamp", "rev_id"])
    first = counted.drop_duplicates(["page", "user"])
    last = counted.dropna(subset="side").drop_duplicates(["page", "user"], keep="last")
    sides = last.set_index(["page", "user"])["side"]
    keys = pd.MultiIndex.from_frame(first[["page", "user"]])
    return first.assign(side=sides.reindex(keys).fillna("").to_numpy(str))


def _span(stood: pd.DataFrame, n: int) -> str:
    days = ""
    if len(stood):
        low, high = stood["timestamp"].min(), stood["timestamp"].max()
        days = f", {low:%Y-%m-%d} to {high:%Y-%m-%d}"
    return f"{n} discussions{days}, in the order of their first of these votes"


class _Names:
    """Rows of accounts or pages: names whole, in as many lines as they need."""

    def __init__(self, names: Sequence[str], row: float = ROW, size: float = 13) -> None:
        self.size = size
        self.lines = [broken(name, WIDEST, size) for name in names]
        wide = [text_width(line, size) for lines in self.lines for line in lines]
        self.left = max(wide, default=60.0) + 12
        heights = [max(row, 15.0 * len(lines) + 8) for lines in self.lines]
        ends = np.cumsum([TOP, *heights])
        self.tops = [float(a + b) / 2 for a, b in pairwise(ends)]
        self.bottom = float(ends[-1])

    def rows(self, right: float) -> list[Mark]:
        """Draw the names, and a line for each."""
        parts: list[Mark] = []
        for y, lines in zip(self.tops, self.lines, strict=True):
            parts.append(marks.line((self.left, y), (right, y)))
            first = y + 4.5 - 7.5 * (len(lines) - 1)
            look = "" if self.size > 12 else "s"
            parts += [
                Text((self.left - 10, first + 15 * i), words, look, "end")
                for i, words in enumerate(lines)
            ]
        return parts


def _discussion(
    x: float, rows: list[tuple[int, pd.Timestamp, str]], tops: Sequence[float]
) -> list[Mark]:
    """Draw a column: row, arrival and side of each account that came."""
    parts: list[Mark] = []
    for (i, here, one), (j, there, other) in combinations(rows, 2):
        if one == other and abs(here - there) <= QUICK:
            bracket = [(x, tops[i]), (x + 9, tops[i]), (x + 9, tops[j]), (x, tops[j])]
            parts.append(marks.curve(bracket, "ink", width=1.4))
    return parts + [_side((x, tops[row]), side) for row, _, side in rows]


def _side(at: Point, side: str) -> Mark:
    """Draw one arrival: where its account stood in the end."""
    if side in {"support", "oppose"}:
        return Dot(at, 5, "ink" if side == "support" else "paper", "ink", 1.6)
    if side:
        return marks.line((at[0] - 5, at[1]), (at[0] + 5, at[1]), "ink", width=2.4)
    return Dot(at, 1.8, "ink", "ink", 1)


def _key(y: float) -> list[Mark]:
    parts: list[Mark] = []
    for x, side, word in (
        (6, "support", "support"),
        (86, "oppose", "oppose"),
        (164, "neutral", "neutral"),
        (244, "", "comment"),
    ):
        parts += [_side((x, y), side), Text((x + 12, y + 4), word, "s")]
    bracket = [(330.0, y - 6), (338.0, y - 6), (338.0, y + 6), (330.0, y + 6)]
    parts.append(marks.curve(bracket, "ink", width=1.4))
    return [*parts, Text((346, y + 4), "one side, within half an hour", "s")]


def usual_hours(votes: pd.DataFrame, edits: pd.DataFrame, users: Sequence[str]) -> Chart:
    """Draw when accounts edit through the day, and each of their votes on it.

    Parameters
    ----------
    votes, edits
        The tables; of votes, the first of each discussion is drawn.
    users
        The accounts, a row each; the first 30 are drawn.

    Returns
    -------
    Chart
        Its table has 24 rows an account: `user, hour, edits`, elsewhere than in discussions.
    """
    shown, tall, across = list(users)[:MOST], 26.0, 480.0
    names = _Names(shown, 36.0)
    stood = _stood(votes)
    others = edits[~revision_keys(edits).isin(revision_keys(votes))]
    parts, tables = list[Mark](), []
    step = across / 24
    for user, y in zip(shown, names.tops, strict=True):
        base = y + tall / 2
        hours = others.loc[others["user"] == user, "timestamp"].dt.hour
        counts = np.bincount(hours, minlength=24)
        tables.append(pd.DataFrame({"user": user, "hour": np.arange(24), "edits": counts}))
        high = tall * counts / max(int(counts.max()), 1)
        bars = [
            (names.left + step * h + 1, base - float(up), step - 2, float(up))
            for h, up in enumerate(high)
            if up > 0
        ]
        moments = stood.loc[stood["user"] == user, "timestamp"]
        at = names.left + step * (moments.dt.hour + moments.dt.minute / 60)
        parts.append(marks.boxes(bars, "h2"))
        parts.append(marks.line((names.left, base), (names.left + across, base), "rule-strong"))
        parts += [marks.line((x, base - tall * 0.75), (x, base), "ink", width=1.4) for x in at]
    names_only = [m for m in names.rows(names.left) if isinstance(m, Text)]
    for hour in range(0, 25, 6):
        x = names.left + step * hour
        parts.append(Text((x, names.bottom + 14), f"{hour:02}", "q", "middle"))
    return Chart(
        pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(),
        "Votes of accounts against their usual hours",
        (names.left + across + 12, names.bottom + 22),
        (*parts, *names_only),
        heading="Votes against usual hours",
        below=("bars: edits elsewhere, by hour, UTC; ticks: arrivals at discussions",),
    )


def arrivals(votes: pd.DataFrame, sent: pd.DataFrame, users: Sequence[str]) -> Chart:
    """Draw who came to a discussion around a message that one account sent to several.

    Parameters
    ----------
    votes
        The table `votes`.
    sent
        What `sockgraph.concert.chance.mass_messages` returns.
    users
        The compared accounts: of the receivers, only these are told from the others.

    Returns
    -------
    Chart
        Its table has a row an arrival that is drawn: `message` (which one), `page`, `hours` after
        it, `received` (whether a compared account that got it).
    """
    table = _around(_stood(votes), sent, set(users))
    pages = table.drop_duplicates("message")["page"].tolist()
    names, across = _Names(pages, 28.0, 12), 400.0
    scale = across / 96
    parts = names.rows(names.left + across)
    for hours in range(-24, 73, 24):
        x = names.left + (hours + 24) * scale
        parts.append(marks.line((x, TOP), (x, names.bottom), "rule" if hours else "ink"))
        words = f"{hours:+d} h" if hours else "message"
        parts.append(Text((x, names.bottom + 16), words, "q", "middle"))
    for row in each(table):
        x, y = names.left + (row.hours + 24) * scale, names.tops[row.message]
        tick = marks.line((x, y - 5), (x, y + 5), "h4", width=1.4)
        parts.append(Dot((x, y), 4, "ink", "ink", 1) if row.received else tick)
    none = "" if len(table) else "No such message while a discussion was open."
    return Chart(
        table,
        "Arrivals at discussions around messages to several",
        (names.left + across + 28, names.bottom + 22),
        tuple(parts),
        heading="Arrivals around messages to several",
        below=("filled: compared accounts that got the message; ticks: everybody else",),
        note=none,
    )


def _around(stood: pd.DataFrame, sent: pd.DataFrame, users: set[str]) -> pd.DataFrame:
    """Return the hours after a message at which receivers and others came, a row an arrival."""
    found: list[pd.DataFrame] = []
    for start, receivers in sent[["start", "receivers"]].itertuples(index=False):
        for page, rows in stood.groupby("page"):
            after = (rows["timestamp"] - start).dt.total_seconds() / 3600
            ours = rows["user"].isin(users & set(receivers))
            if len(found) < MOST and after.min() < 0 < after.max() and (ours & (after >= 0)).any():
                near = after.between(-24, 72)
                told = {"message": len(found), "page": str(page)}
                found.append(pd.DataFrame({"hours": after, "received": ours})[near].assign(**told))
    columns = ["message", "page", "hours", "received"]
    if not found:
        return pd.DataFrame(columns=columns)
    return pd.concat(found, ignore_index=True)[columns]


HANDS, PANEL, SPAN = 150.0, 130.0, 520.0


def effective_hands(table: pd.DataFrame) -> Chart:
    """Draw the effective number of hands of each activity over time, with its interval.

    Parameters
    ----------
    table
        `Capture.table`; periods that are insufficient are marks on the axis.
    """
    activities = list(dict.fromkeys(table["activity"]))
    parts: list[Mark] = []
    for i, activity in enumerate(activities):
        parts += _activity(table[table["activity"] == activity], TOP + HANDS * i, activity)
    if len(table):
        parts += _years(table["period"], TOP + HANDS * len(activities))
    return Chart(
        table,
        "The effective number of hands of each activity over time",
        (120 + SPAN + 16, TOP + HANDS * max(len(activities), 1) + 14),
        tuple(parts),
        heading="Effective number of hands",
        below=(
            "of order 2, with 95 % intervals; filled: every account apart; hollow: accounts of one",
            "group or in concert as one; the crosses on the axis: too few events",
        ),
        note="" if activities else "Nothing to count.",
    )


def _days(periods: pd.Series, within: pd.Series) -> list[float]:
    """Return where periods stand."""
    first, last = within.min(), within.max()
    span = max((last - first).days, 1)
    return [140 + (day - first).days / span * (SPAN - 40) for day in periods]


def _activity(table: pd.DataFrame, top: float, name: str) -> list[Mark]:
    known = table[table["status"] == "ok"]
    numbers = known[["high", "effective"]].to_numpy(float)
    high = max(float(np.nanmax(numbers)) if numbers.size else 2.0, 2.0) * 1.3
    base = top + PANEL

    def y(value: float) -> float:
        return base - math.log(max(value, 0.8) / 0.8) / math.log(high / 0.8) * (PANEL - 14)

    parts: list[Mark] = [
        Text((0, top + PANEL / 2 + 15 * i), words, "b")
        for i, words in enumerate(broken(name, 84.0, bold=True))
    ]
    for step in (s for s in (1, 3, 10, 30, 100, 300, 1000, 3000) if s <= high):
        parts.append(marks.line((120, y(step)), (120 + SPAN, y(step))))
        parts.append(Text((112, y(step) + 4), f"{step:,}", "q", "end"))
    for counted, hollow, shift in (("accounts", False, 0.0), ("hands", True, 7.0)):
        rows = known[known["counted"] == counted]
        for x, row in zip(_days(rows["period"], table["period"]), each(rows), strict=True):
            ends = (x + shift, y(row.low)), (x + shift, y(row.high))
            parts.append(marks.line(*ends, "h4", width=1.6))
            at = (x + shift, y(row.effective))
            parts.append(Dot(at, 3.4, "paper" if hollow else "ink", "ink", 1.2))
    few = table[(table["status"] != "ok") & (table["counted"] == "accounts")]
    parts += [marks.cross((x, base), 2.5, 1) for x in _days(few["period"], table["period"])]
    return parts


def _years(periods: pd.Series, y: float) -> list[Mark]:
    days = sorted(set(periods))
    shown = days[:: max(len(days) // 7, 1)]
    places = _days(pd.Series(shown), periods)
    return [
        Text((x, y), f"{day:%Y-%m}", "q", "middle") for x, day in zip(places, shown, strict=True)
    ]
