"""When two accounts edited: hours of the week, and the whole of both lives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib.dates as mdates
import numpy as np
import pandas as pd
from matplotlib.colors import ListedColormap
from matplotlib.patches import Rectangle

from sockgraph.errors import SockgraphError
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

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
FIRST, SECOND = "\N{BLACK CIRCLE}", "\N{WHITE CIRCLE}"
WEEK = pd.Timedelta(days=7)


def timecards(
    edits: pd.DataFrame,
    user_a: str,
    user_b: str,
    *,
    offset: int | None = None,
    style: Style = LIGHT,
) -> Figure:
    """Draw the hours of the week in which two accounts edited.

    Parameters
    ----------
    edits
        The `edits` table.
    user_a, user_b
        Two accounts of it.
    offset
        Hours by which the week is turned, from 0 to 167: for pictures that are shared, so that the
        shapes can be compared and not placed. Without it hours are UTC, for the own desk.
    style
        Colours.

    Raises
    ------
    SockgraphError
        If an account has no edit, or the offset is none.
    """
    if offset is not None and not 0 <= offset < 168:
        raise SockgraphError(offset, "a week is turned by 0 to 167 hours.", "Give such a number.")
    figure = new_figure(6.8, 2.45, style)
    headline(figure, style, "Hours of the week")
    for mark, user, left in ((FIRST, user_a, 0.55), (SECOND, user_b, 3.85)):
        axes = bare_axes(figure, style, (left, 0.62, 2.8, 1.05))
        counts = _hours(_times(edits, user), offset or 0)
        _card(axes, style, counts, turned=offset is not None)
        name: dict[str, Any] = {"ha": "left", "size": SIZE, "weight": "bold", "color": style.ink}
        axes.text(0, -0.85, f"{mark} {user}", va="bottom", **name)
        note = f"n = {counts.sum():,}, max {counts.max():,} an hour"
        axes.text(24, -0.1, note, size=SMALL - 0.5, color=style.ink_3, ha="right", va="bottom")
    where = "UTC." if offset is None else "Turned by a secret offset: compare, do not place."
    footnote(
        figure, style, f"{where} Stronger is more edits (root of the count), each card by itself."
    )
    return finish(figure)


def _times(edits: pd.DataFrame, user: str) -> pd.Series:
    """Return the distinct edit times: a batch saved at once counts once."""
    times = edits.loc[edits["user"] == user, "timestamp"].drop_duplicates()
    if times.empty:
        raise SockgraphError(user, "the edits hold none by this account.", "Check its spelling.")
    return times


def _hours(times: pd.Series, offset: int) -> np.ndarray:
    hour = times.dt.day_of_week * 24 + times.dt.hour
    return np.bincount((hour + offset) % 168, minlength=168).reshape(7, 24)


def _card(axes: Axes, style: Style, counts: np.ndarray, *, turned: bool) -> None:
    ramp = ListedColormap(style.ramp)
    shade = np.sqrt(counts / max(counts.max(), 1))
    for (day, hour), count in np.ndenumerate(counts):
        face = ramp(min(int(shade[day, hour] * len(style.ramp)), len(style.ramp) - 1))
        axes.add_patch(
            Rectangle(
                (hour + 0.06, day + 0.06),
                0.88,
                0.88,
                facecolor=face if count else "none",
                edgecolor=style.rule,
                linewidth=0 if count else 0.5,
            )
        )
    axes.set_xlim(0, 24)
    axes.set_ylim(7, 0)
    hours = range(0, 24, 6)
    axes.set_xticks([h + 0.5 for h in hours], [f"h{h}" if turned else f"{h:02}" for h in hours])
    days = [f"d{day + 1}" for day in range(7)] if turned else list(DAYS)
    axes.set_yticks([0.5, 2.5, 4.5, 6.5], days[::2])


def timeline(
    edits: pd.DataFrame,
    user_a: str,
    user_b: str,
    *,
    alibis: pd.DataFrame | None = None,
    events: Sequence[tuple[str, pd.Timestamp, str]] = (),
    style: Style = LIGHT,
) -> Figure:
    """Draw both accounts' edits a week, mirrored on one scale, with what happened.

    Parameters
    ----------
    edits
        The `edits` table.
    user_a, user_b
        Two accounts of it; the first is drawn upwards, filled, the second downwards, hollow.
    alibis
        The `alibis` table; stretches of this pair are marked between them, unless excluded.
    events
        Account, moment and words of what to mark: blocks, renames, registration.
    style
        Colours.

    Raises
    ------
    SockgraphError
        If an account has no edit.
    """
    figure = new_figure(6.8, 3.3, style)
    headline(figure, style, "Both accounts over time", ["Edits a week, one scale for both."])
    axes = bare_axes(figure, style, (1.35, 0.6, 5.25, 1.95))
    first, second = _weeks(edits, user_a), _weeks(edits, user_b)
    top = max(first.max(), second.max())
    gap = 0.16 * top
    days = 6.4 if len(first) + len(second) < 260 else 7.0
    axes.bar(first.index, first, width=days, bottom=gap, color=style.ink, align="edge")
    hollow: dict[str, Any] = {"facecolor": style.paper, "edgecolor": style.ink, "linewidth": 0.7}
    axes.bar(second.index, -second, width=days, bottom=-gap, align="edge", **hollow)
    stretches = _stretches(alibis, user_a, user_b)
    axes.axhspan(-gap, gap, color=style.panel, zorder=0)
    axes.vlines(stretches, -0.7 * gap, 0.7 * gap, color=style.ink, linewidth=1.4)
    axes.set_ylim(-1.28 * (top + gap), 1.28 * (top + gap))
    _calendar(axes, style)
    _names(axes, style, [(user_a, first, 1), (user_b, second, -1)], top=top, gap=gap)
    _events(axes, style, events, {user_a: 1, user_b: -1}, top=top + gap)
    note = f"Simultaneous stretches: {len(stretches):,}, marked between the two."
    footnote(figure, style, note if alibis is not None else "Simultaneous work: not looked for.")
    return finish(figure)


def _weeks(edits: pd.DataFrame, user: str) -> pd.Series:
    times = _times(edits, user).dt.tz_convert("UTC").dt.tz_localize(None)
    start = times.dt.normalize() - pd.to_timedelta(times.dt.day_of_week, unit="D")
    weeks: pd.Series = start.value_counts().sort_index()
    return weeks


def _stretches(alibis: pd.DataFrame | None, user_a: str, user_b: str) -> list[Any]:
    if alibis is None:
        return []
    pair = sorted([user_a, user_b])
    ours = alibis[(alibis["user_a"] == pair[0]) & (alibis["user_b"] == pair[1])]
    return list(ours.loc[ours["excluded"].isna(), "start"].dt.tz_localize(None))


def _calendar(axes: Axes, style: Style) -> None:
    locator = mdates.AutoDateLocator(minticks=3, maxticks=7)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axes.set_yticks([])
    axes.margins(x=0.02)
    axes.grid(axis="x", color=style.rule, linewidth=0.7)


def _names(
    axes: Axes, style: Style, lanes: list[tuple[str, pd.Series, int]], *, top: float, gap: float
) -> None:
    side = axes.get_yaxis_transform()
    for (user, weeks, sign), mark in zip(lanes, (FIRST, SECOND), strict=True):
        y = sign * (gap + 0.35 * top)
        kept: dict[str, Any] = {"transform": side, "ha": "left"}
        name = _wrapped(f"{mark} {user}")
        axes.text(-0.228, y, name, size=SIZE, weight="bold", color=style.ink, va="bottom", **kept)
        note = f"{int(weeks.sum()):,} edits"
        axes.text(-0.228, y - 0.04 * top, note, size=SMALL, color=style.ink_3, va="top", **kept)
        level: dict[str, Any] = {"transform": side, "ha": "right", "va": "center"}
        label = f"{int(top):,}/wk"
        axes.text(-0.012, sign * (gap + top), label, size=SMALL, color=style.ink_3, **level)


def _wrapped(name: str, width: int = 16) -> str:
    """Break a long name at a space: names are never cut."""
    if len(name) <= width or " " not in name[2:]:
        return name
    at = name.rfind(" ", 2, width) if name.rfind(" ", 2, width) > 1 else name.index(" ", 2)
    return f"{name[:at]}\n    {name[at + 1 :]}"


def _events(
    axes: Axes,
    style: Style,
    events: Sequence[tuple[str, pd.Timestamp, str]],
    lanes: dict[str, int],
    *,
    top: float,
) -> None:
    """Mark events on the account's own side, words towards the middle of the picture."""
    left, right = axes.get_xlim()
    rows = dict.fromkeys(lanes, 0)
    for user, moment, words in sorted(events, key=lambda event: event[1]):
        if user not in lanes:
            continue
        x = mdates.date2num(pd.Timestamp(moment).tz_localize(None))  # type: ignore[no-untyped-call]
        y = lanes[user] * top * (1.05 + 0.13 * (rows[user] % 2))
        rows[user] += 1
        axes.plot([x, x], [0, y], color=style.ink, linewidth=1)
        late = x > (left + right) / 2
        text: dict[str, Any] = {
            "ha": "right" if late else "left",
            "va": "bottom" if y > 0 else "top",
        }
        axes.text(x, y, f" {words} ", size=SMALL, color=style.ink_2, **text)
    axes.set_xlim(left, right)
