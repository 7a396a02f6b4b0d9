"""Discussions: who stood where and came with whom, against usual hours, and after messages.

These figures show what named people supported: they belong on the investigator's own desk.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

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
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

QUICK = pd.Timedelta(minutes=30)
MOST = 30  # accounts, discussions or messages that one figure shows
HOURS = 24
MOST_WIDE, WIDE = 36, 0x2E80  # letters of a name; from where on characters are twice as wide


def bloc_plot(votes: pd.DataFrame, users: Sequence[str], *, style: Style = LIGHT) -> Figure:
    """Draw where accounts stood in each discussion, and who came with whom.

    Filled is support, a ring oppose, a dash neutral, a dot a comment alone. A bracket joins
    accounts that came within half an hour of each other and stood on one side.

    Parameters
    ----------
    votes
        The table `votes`; malformed rows are not drawn.
    users
        The accounts, in the order of rows; the first 30 are drawn.
    style
        Colours.
    """
    shown = list(users)[:MOST]
    stood = _stood(votes[votes["user"].isin(shown)])
    pages = stood.groupby("page")["timestamp"].min().sort_values().index.tolist()[-MOST:]
    left, across = _margin(shown), 0.27 * max(len(pages), 4)
    height = 0.75 + 0.27 * len(shown) + 0.75
    figure = new_figure(max(left + across + 0.3, 6.2), height, style)
    axes = bare_axes(figure, style, (left, 0.75, across, 0.27 * len(shown)))
    axes.set(xlim=(-0.7, max(len(pages), 4) - 0.3), ylim=(len(shown) - 0.4, -0.6), xticks=[])
    axes.set_yticks([])
    for row, user in enumerate(shown):
        axes.axhline(row, color=style.rule, lw=0.6, zorder=0)
        axes.text(-0.9, row, _short(user), size=SIZE, color=style.ink, ha="right", va="center")
    for x, page in enumerate(pages):
        here = stood[stood["page"] == page]
        places = [shown.index(user) for user in here["user"]]
        rows = sorted(zip(places, here["timestamp"], here["side"], strict=True))
        _Sheet(axes, style).discussion(x, rows)
    low, high = (stood["timestamp"].min(), stood["timestamp"].max()) if len(stood) else ("", "")
    headline(figure, style, "Who came with whom", [_span(len(pages), low, high)])
    _marks(figure, style)
    return finish(figure)


def _stood(votes: pd.DataFrame) -> pd.DataFrame:
    """Return when accounts came to each discussion, and where they stood in the end."""
    counted = votes[votes["parse"] == "ok"].sort_values(["timestamp", "rev_id"])
    first = counted.drop_duplicates(["page", "user"])
    last = counted.dropna(subset="side").drop_duplicates(["page", "user"], keep="last")
    sides = last.set_index(["page", "user"])["side"]
    keys = pd.MultiIndex.from_frame(first[["page", "user"]])
    return first.assign(side=sides.reindex(keys).fillna("").to_numpy(str))


def _margin(names: Sequence[str]) -> float:
    short = [_short(name) for name in names]
    wide = max((sum(1.9 if ord(c) > WIDE else 1 for c in name) for name in short), default=0)
    return 0.35 + 0.075 * wide


def _short(name: str, *, keep: str = "start") -> str:
    """Return a name that fits its margin, with what cannot be drawn as it is replaced."""
    calm = "".join(c if unicodedata.category(c)[0] != "C" else "\ufffd" for c in name)
    room = MOST_WIDE // 2 if any(ord(c) > WIDE for c in calm) else MOST_WIDE
    if len(calm) <= room:
        return calm
    return f"…{calm[1 - room :]}" if keep == "end" else f"{calm[: room - 1]}…"


def _span(n: int, low: object, high: object) -> str:
    days = f", {low:%Y-%m-%d} to {high:%Y-%m-%d}" if isinstance(low, pd.Timestamp) else ""
    return f"{n} discussions{days}, in the order of their first of these votes"


@dataclass(frozen=True)
class _Sheet:
    axes: Axes
    style: Style

    def mark(self, x: float, y: float, side: str) -> None:
        """Draw one arrival: where its account stood in the end."""
        ink = self.style.ink
        look: dict[str, Any] = {"color": ink, "zorder": 3, "clip_on": False, "ls": "none"}
        if side in {"support", "oppose"}:
            face = ink if side == "support" else self.style.paper
            self.axes.plot(x, y, marker="o", ms=7, mew=1.3, mfc=face, **look)
        else:
            shape = ("_", 8) if side else (".", 4)
            self.axes.plot(x, y, marker=shape[0], ms=shape[1], mew=1.8, **look)

    def discussion(self, x: int, rows: list[tuple[int, pd.Timestamp, str]]) -> None:
        """Draw a column: row, arrival and side of each account that came."""
        for (i, here, one), (j, there, other) in combinations(rows, 2):
            if one == other and abs(here - there) <= QUICK:
                bracket = [x, x + 0.38, x + 0.38, x]
                self.axes.plot(bracket, [i, i, j, j], color=self.style.ink, lw=1.2, zorder=1)
        for row, _, side in rows:
            self.mark(x, row, side)


def _marks(figure: Figure, style: Style) -> None:
    axes = bare_axes(figure, style, (0.15, 0.2, 5.9, 0.3))
    axes.set(xlim=(0, 59), ylim=(0, 1), xticks=[], yticks=[])
    keys = (("support", "support"), ("oppose", "oppose"), ("neutral", "neutral"), ("", "comment"))
    for at, (side, word) in enumerate(keys):
        _Sheet(axes, style).mark(1 + 9 * at, 0.5, side)
        axes.text(2.2 + 9 * at, 0.5, word, size=SMALL, color=style.ink_2, va="center")
    axes.plot([36.7, 37.5, 37.5, 36.7], [0.1, 0.1, 0.9, 0.9], color=style.ink, lw=1.2)
    words = "one side, within half an hour"
    axes.text(38.4, 0.5, words, size=SMALL, color=style.ink_2, va="center")


def hours_plot(
    votes: pd.DataFrame, edits: pd.DataFrame, users: Sequence[str], *, style: Style = LIGHT
) -> Figure:
    """Draw when accounts edit through the day, and each of their votes on it.

    Parameters
    ----------
    votes, edits
        The tables; of votes, the first of each discussion is drawn.
    users
        The accounts, a row each; the first 30 are drawn.
    style
        Colours.
    """
    shown = list(users)[:MOST]
    stood = _stood(votes)
    left, height = _margin(shown), 0.36
    figure = new_figure(left + 5.2, 1.15 + height * len(shown), style)
    headline(
        figure,
        style,
        "Votes against usual hours",
        ["bars: edits elsewhere, by hour, UTC; ticks: arrivals at discussions"],
    )
    others = edits[~edits["rev_id"].isin(votes["rev_id"])]
    for row, user in enumerate(reversed(shown)):
        axes = bare_axes(figure, style, (left, 0.5 + height * row, 4.9, height * 0.8))
        edited = others.loc[others["user"] == user, "timestamp"].dt.hour
        counts = np.bincount(edited, minlength=HOURS)
        axes.bar(
            np.arange(HOURS) + 0.5, counts / max(int(counts.max()), 1), 0.92, color=style.ramp[1]
        )
        moments = stood.loc[stood["user"] == user, "timestamp"]
        at = moments.dt.hour + moments.dt.minute / 60
        axes.vlines(at, 0, 0.75, color=style.ink, lw=1)
        axes.set(xlim=(0, HOURS), ylim=(0, 1.05), yticks=[], xticks=range(0, 25, 6))
        axes.set_xticklabels([f"{h:02}" for h in range(0, 25, 6)] if row == 0 else [])
        axes.text(-0.4, 0.35, _short(user), size=SIZE, color=style.ink, ha="right", va="center")
        axes.axhline(0, color=style.rule_strong, lw=0.8)
    return finish(figure)


def arrivals_plot(
    votes: pd.DataFrame, sent: pd.DataFrame, users: Sequence[str], *, style: Style = LIGHT
) -> Figure:
    """Draw who came to a discussion around a message that one account sent to several.

    Parameters
    ----------
    votes
        The table `votes`.
    sent
        What `sockgraph.votes.messages` returns.
    users
        The compared accounts: of the receivers, only these are told from the others.
    style
        Colours.
    """
    rows = _around(_stood(votes), sent, set(users))[:MOST]
    figure = new_figure(6.8, 1.15 + 0.3 * max(len(rows), 1), style)
    headline(
        figure,
        style,
        "Arrivals around messages to several",
        ["filled: compared accounts that got the message; ticks: everybody else"],
    )
    axes = bare_axes(figure, style, (2.4, 0.5, 4.1, 0.3 * max(len(rows), 1)))
    axes.set(xlim=(-24, 72), ylim=(max(len(rows), 1) - 0.5, -0.5), yticks=[])
    axes.set_xticks(
        range(-24, 73, 24), [f"{h:+d} h" if h else "message" for h in range(-24, 73, 24)]
    )
    axes.axvline(0, color=style.ink, lw=1)
    for y, (page, told, others) in enumerate(rows):
        axes.plot(others, [y] * len(others), marker="|", ms=6, color=style.ramp[3], ls="none")
        axes.plot(told, [y] * len(told), marker="o", ms=5.5, color=style.ink, ls="none")
        axes.text(
            -25.5,
            y,
            _short(page, keep="end"),
            size=SMALL,
            color=style.ink_2,
            ha="right",
            va="center",
        )
    if not rows:
        footnote(figure, style, "No such message while a discussion was open.")
    return finish(figure)


def _around(
    stood: pd.DataFrame, sent: pd.DataFrame, users: set[str]
) -> list[tuple[str, list[float], list[float]]]:
    """Return discussion, and the hours after a message at which receivers and others came."""
    found = []
    for start, receivers in sent[["start", "receivers"]].itertuples(index=False):
        for page, rows in stood.groupby("page"):
            after = (rows["timestamp"] - start).dt.total_seconds() / 3600
            ours = rows["user"].isin(users & set(receivers))
            if after.min() < 0 < after.max() and (ours & (after >= 0)).any():
                near = after.between(-24, 72)
                found.append((str(page), after[ours & near].tolist(), after[~ours & near].tolist()))
    return found
