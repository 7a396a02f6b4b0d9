"""When two accounts edited: hours of the week, the whole of both lives, work at the same time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sockgraph.charts import marks
from sockgraph.charts.marks import Chart, Mark, SharedMark, Text, account_dot, broken, text_width
from sockgraph.errors import SockgraphError
from sockgraph.reviews.words import counted, day, duration, thousands
from sockgraph.strings import say, spoken

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from sockgraph.charts.marks import Box

HOURS = 168
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONDAY = 96
"""Hours from the epoch, a Thursday, to the first Monday after it."""
RAMP = ("h1", "h2", "h3", "h4", "h5")
CELL, CARD = 12.0, (310.0, 128.0)
LEFT, RIGHT, TALL = 120.0, 890.0, 58.0
TOP, LANE, FOOT = 90.0, 112.0, 194.0
WEEKS = (1, 2, 4, 8, 13, 26, 52)
_SECOND, _DAY = np.timedelta64(1, "s"), np.timedelta64(1, "D")


def edit_times(edits: pd.DataFrame, user: str) -> NDArray[np.datetime64]:
    """Return an account's distinct edit times, UTC, sorted: a batch saved at once counts once.

    Raises
    ------
    SockgraphError
        If the edits hold none by this account.
    """
    times = edits.loc[edits["user"] == user, "timestamp"].drop_duplicates()
    if times.empty:
        raise SockgraphError(user, "the edits hold none by this account.", "Check its spelling.")
    return np.sort(times.dt.tz_convert(None).to_numpy("datetime64[us]"))


def week_counts(times: NDArray[np.datetime64], offset: int = 0) -> NDArray[np.int64]:
    """Count times by hour of the week, (7, 24) from Monday 00:00 UTC, turned by some hours."""
    return np.bincount(hour_of_week(times, offset), minlength=HOURS).reshape(7, 24)


def hour_of_week(times: NDArray[np.datetime64], offset: int = 0) -> NDArray[np.int64]:
    """Return the hour of the week of each time, 0 from Monday 00:00 UTC, turned by some hours."""
    hours = times.astype("datetime64[h]").astype(np.int64) - _MONDAY + offset
    return np.asarray(hours % HOURS)


def hours(edits: pd.DataFrame, user_a: str, user_b: str, *, offset: int | None = None) -> Chart:
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

    Returns
    -------
    Chart
        Its table has 168 rows: `day` (0 to 6), `hour`, and a count for each account, `a`, `b`.

    Raises
    ------
    SockgraphError
        If an account has no edit, or the offset is none.
    """
    if offset is not None and not 0 <= offset < HOURS:
        raise SockgraphError(offset, "a week is turned by 0 to 167 hours.", "Give such a number.")
    weeks = [week_counts(edit_times(edits, user), offset or 0) for user in (user_a, user_b)]
    turned = offset is not None
    cards = [
        hours_card(user, week, turned=turned, hollow=hollow)
        for user, week, hollow in zip((user_a, user_b), weeks, (False, True), strict=True)
    ]
    where = "Turned by a secret offset: compare, do not place." if turned else "UTC."
    return hours_beside((user_a, user_b), weeks, [(c, "") for c in cards], note=where)


def hours_beside(
    labels: Sequence[str],
    weeks: Sequence[NDArray[np.int64]],
    cards: Sequence[tuple[tuple[Mark, ...], str]],
    *,
    note: str = "",
) -> Chart:
    """Put two accounts' cards side by side.

    Parameters
    ----------
    labels, weeks
        Both accounts, and their counts, (7, 24).
    cards
        For each, its marks and the name under which the page holds them; no name draws them here.
    note
        How hours are to be read.
    """
    at = np.arange(HOURS)
    table = {"day": at // 24, "hour": at % 24, "a": weeks[0].ravel(), "b": weeks[1].ravel()}
    parts: list[Mark] = []
    for (drawn, name), left in zip(cards, (34.0, 34.0 + CARD[0] + 44), strict=True):
        copy = SharedMark(name, drawn, (left, 0.0))
        parts += [copy] if name else [marks.moved(one, (left, 0.0)) for one in drawn]
    return Chart(
        pd.DataFrame(table),
        say("Hours of the week of {a} and {b}", a=labels[0], b=labels[1]),
        (2 * CARD[0] + 60, CARD[1]),
        tuple(parts),
        heading="Hours of the week",
        note=f"{note} Stronger is more edits (root of the count), each card by itself.",
    )


def hours_card(
    label: str, counts: NDArray[np.int64], *, turned: bool, hollow: bool = False
) -> tuple[Mark, ...]:
    """Draw one account's week on its own scale; one that is turned names neither day nor hour."""
    most = int(counts.max(initial=0))
    n = thousands(int(counts.sum()))
    said = say("n = {n}, max {most} an hour", n=n, most=thousands(most))
    above = text_width(label, bold=True) + text_width(said, 12) > 24 * CELL - 20
    parts: list[Mark] = [
        account_dot((5, -3 if above else 11), 4.5, hollow=hollow),
        Text((16, 2 if above else 16), label, "b"),
        Text((24 * CELL, 16), said, "q", "end"),
    ]
    days = [f"d{d + 1}" for d in range(7)] if turned else [say(day) for day in DAYS]
    parts += [Text((-6, 34 + CELL * d), words, "q", "end") for d, words in enumerate(days)]
    parts += [
        Text((6 * q * CELL, 122), f"h{6 * q}" if turned else f"{6 * q:02}", "q") for q in range(4)
    ]
    return (*parts, *_cells(counts, most))


def _cells(counts: NDArray[np.int64], most: int) -> list[Mark]:
    """Draw one shape a shade; an hour without edits is an outlined cell."""
    shades: dict[int, list[Box]] = {}
    for (d, h), count in np.ndenumerate(counts):
        shade = math.ceil(len(RAMP) * math.sqrt(count / most)) if count else 0
        inset = 0.0 if shade else 0.5
        side = CELL - 1 - 2 * inset
        shades.setdefault(shade, []).append((h * CELL + inset, 24 + d * CELL + inset, side, side))
    return [
        marks.boxes(cells, RAMP[shade - 1] if shade else None, stroke=None if shade else "h1")
        for shade, cells in sorted(shades.items())
    ]


@dataclass(frozen=True)
class AccountActivity:
    """An account as figures over time draw it.

    Attributes
    ----------
    label
        How figures write it.
    times
        Its distinct edit times, sorted.
    moments
        When something happened to it, and what: blocks, renames, registration.
    """

    label: str
    times: NDArray[np.datetime64]
    moments: tuple[tuple[pd.Timestamp, str], ...] = ()


@dataclass(frozen=True)
class WeekBins:
    """Time from `start` on, in bins of some weeks."""

    start: np.datetime64
    weeks: int
    n_bins: int

    @property
    def step(self) -> float:
        """Pixels a bin."""
        return (RIGHT - LEFT) / self.n_bins

    def x(self, moment: np.datetime64) -> float:
        """Return where a moment stands, held within the axis."""
        days = float((moment - self.start) / _DAY)
        return LEFT + min(max(days / (7 * self.weeks) * self.step, 0.0), RIGHT - LEFT)

    def counts(self, times: NDArray[np.datetime64]) -> NDArray[np.int64]:
        """Count times by bin."""
        bins = ((times - self.start) // (7 * self.weeks * _DAY)).astype(int)
        return np.bincount(bins, minlength=self.n_bins)[: self.n_bins]

    @property
    def unit(self) -> str:
        """What one bar counts."""
        return "a week" if self.weeks == 1 else f"in {self.weeks} weeks"


def week_bins(lives: Sequence[AccountActivity]) -> WeekBins | None:
    """Return an axis from the first edit of any account to the last; None without edits."""
    known = [life.times for life in lives if len(life.times)]
    if not known:
        return None
    start = min(times[0] for times in known).astype("datetime64[D]").astype("datetime64[us]")
    last = max(times[-1] for times in known)
    weeks = max(int((last - start) / _DAY) // 7 + 1, 8)
    width = next((w for w in WEEKS if weeks / w <= 110), WEEKS[-1])
    return WeekBins(start, width, -(-weeks // width))


def timeline(
    edits: pd.DataFrame,
    user_a: str,
    user_b: str,
    *,
    alibis: pd.DataFrame | None = None,
    events: Sequence[tuple[str, pd.Timestamp, str]] = (),
) -> Chart:
    """Draw both accounts' edits over time, mirrored on one scale, with what happened.

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

    Returns
    -------
    Chart
        Its table has a row a bin: `start`, and a count for each account, `a` and `b`.

    Raises
    ------
    SockgraphError
        If an account has no edit.
    """
    lives = [
        AccountActivity(
            user,
            edit_times(edits, user),
            tuple((at, words) for who, at, words in events if who == user),
        )
        for user in (user_a, user_b)
    ]
    starts: list[pd.Timestamp] = []
    said = "Simultaneous work: not looked for."
    if alibis is not None:
        a, b = sorted([user_a, user_b])
        ours = alibis[(alibis["user_a"] == a) & (alibis["user_b"] == b)]
        starts = list(ours.loc[ours["excluded"].isna(), "start"])
        said = f"Simultaneous stretches: {len(starts):,}, marked between the two."
    drawn = timeline_of(lives, starts, note=said)
    if drawn is None:  # `edit_times` refuses accounts without edits
        raise SockgraphError(user_a, "neither account has an edit.", "Check the spelling.")
    return drawn


def timeline_of(
    lives: Sequence[AccountActivity], stretches: Iterable[pd.Timestamp], *, note: str = ""
) -> Chart | None:
    """Draw two accounts over time; None where neither has an edit."""
    axis = week_bins(lives)
    if axis is None:
        return None
    first, second = (axis.counts(life.times) for life in lives)
    most = max(int(first.max()), int(second.max()), 1)
    parts = [*_calendar(axis), marks.box((LEFT, TOP + 2), (RIGHT - LEFT, 18), "panel")]
    parts.append(marks.boxes(_bars(first, axis, most), "h5"))
    parts.append(marks.boxes(_bars(second, axis, most, down=True), "paper", stroke="h5"))
    at = [axis.x(_naive(start)) for start in stretches]
    parts += [marks.line((x, 93), (x, 109), "ink", width=2) for x in at]
    parts += [*_names(lives), *_scales(most, axis)]
    for life, above in zip(lives, (True, False), strict=True):
        parts += _moments(life, axis, above=above)
    starts = axis.start + np.arange(axis.n_bins) * (7 * axis.weeks * _DAY)
    return Chart(
        pd.DataFrame({"start": starts, "a": first, "b": second}),
        say("Edits over time of {a} and {b}", a=lives[0].label, b=lives[1].label),
        (RIGHT + 10, 212.0),
        tuple(parts),
        heading="Both accounts over time",
        below=(f"Edits {axis.unit}, one scale for both.",),
        note=note,
    )


def _naive(moment: pd.Timestamp) -> np.datetime64:
    return moment.tz_convert(None).to_datetime64() if moment.tz else moment.to_datetime64()


def _bars(counts: NDArray[np.int64], axis: WeekBins, most: int, *, down: bool = False) -> list[Box]:
    inset = 0.5 if down else 0.0
    gap = 1.6 if axis.step > 5 else 0.8
    bars: list[Box] = []
    for i in np.flatnonzero(counts):
        height = max(TALL * float(counts[i]) / most, 1.0)
        left = LEFT + float(i) * axis.step + gap / 2 + inset
        y = LANE + inset if down else TOP - height
        bars.append((left, y, axis.step - gap - 2 * inset, height))
    return bars


def _calendar(axis: WeekBins) -> list[Mark]:
    """Draw a line at each quarter, half year or year, as many as have room for their label."""
    start = pd.Timestamp(axis.start)
    end = start + pd.Timedelta(weeks=axis.weeks * axis.n_bins)
    span = (end - start).days / 365.25
    months = next(
        (m for years, m in ((0.8, 1), (2.2, 3), (5, 6), (11, 12), (22, 24)) if span <= years), 60
    )
    stamps = pd.date_range(start.normalize().replace(day=1), end, freq="MS")
    shown = [m for m in stamps if (m.year * 12 + m.month - 1) % months == 0 and m >= start]
    parts: list[Mark] = []
    for i, moment in enumerate(shown):
        x = axis.x(moment.to_datetime64())
        full = i == 0 or moment.month == 1 or months >= 12
        parts.append(marks.line((x, 26), (x, FOOT)))
        said = moment.strftime("%b %Y" if full else "%b")
        if spoken() != "en":
            said = moment.strftime("%Y-%m" if full else "%m")
        if x < RIGHT - 24:
            parts.append(Text((x + 3, FOOT + 12), said, "s"))
    return parts


def _names(lives: Sequence[AccountActivity]) -> list[Mark]:
    parts: list[Mark] = [Text((0, 105), say("simultaneous"), "s")]
    for life, (y, up) in zip(lives, ((59.0, True), (141.0, False)), strict=True):
        words = broken(life.label, 88.0, bold=True)
        top = y - 15 * (len(words) - 1) if up else y
        parts += [Text((0, top + 15 * i), word, "b") for i, word in enumerate(words)]
        count = counted(len(life.times), "edit")
        parts.append(Text((0, top + 15 * len(words)), count, "q"))
    return parts


def _scales(most: int, axis: WeekBins) -> list[Mark]:
    said = f"{most:,}" if axis.weeks > 1 else say("{n}/wk", n=f"{most:,}")
    parts: list[Mark] = []
    for top, y in ((32.0, 40.0), (LANE, 170.0)):
        parts.append(marks.line((115, top), (115, top + TALL), "rule-strong"))
        parts.append(Text((111, y), said, "q", "end"))
    return parts


def _moments(life: AccountActivity, axis: WeekBins, *, above: bool) -> list[Mark]:
    """Mark what happened to an account, in words where they have room."""
    parts, ends = list[Mark](), [0.0, 0.0, 0.0]
    for moment, words in sorted(m for m in life.moments if _naive(m[0]) > axis.start)[:6]:
        x, wide = axis.x(_naive(moment)), text_width(words, 12)
        flip = x + wide + 8 > RIGHT
        left = x - 5 - wide if flip else x + 5
        row = next((i for i, end in enumerate(ends) if end < left), None)
        top, bottom = (22.0, TOP) if above else (LANE, FOOT - 8)
        parts.append(marks.line((x, top), (x, bottom), "ink", width=1.5))
        if row is None:
            continue
        ends[row] = left + wide
        y = 28.0 - 13 * row if above else FOOT - 9 - 13 * row
        at = x - 5 if flip else x + 5
        parts.append(Text((at, y), words, "s halo", "end" if flip else "start"))
    return parts


SPAN, HIGH, LOW = 560.0, 26.0, 98.0


def simultaneous(lives: Sequence[AccountActivity], stretches: pd.DataFrame) -> Chart | None:
    """Draw the longest stretch of work by turns, edit by edit, and how long all of them are.

    Parameters
    ----------
    lives
        Both accounts.
    stretches
        The pair's rows of `alibis`.

    Returns
    -------
    Chart or None
        Its table holds the stretches that were not excluded, in order; None where there is none.
    """
    kept = stretches[stretches["excluded"].isna()].sort_values("start", ignore_index=True)
    if kept.empty:
        return None
    lasts = (kept["end"] - kept["start"]).dt.total_seconds()
    longest = kept.iloc[int(lasts.to_numpy().argmax())]
    seconds = max(float(lasts.max()), 60.0)
    head = say(
        "The longest stretch: {long} on {day}, {edits}",
        long=duration(seconds),
        day=day(longest["start"]),
        edits=counted(int(longest["n_edits"]), "edit"),
    )
    left = max(110.0, *(text_width(life.label, bold=True) + 14 for life in lives))
    parts: list[Mark] = [
        Text((0, 14), head, "b"),
        marks.box((left, HIGH), (SPAN - left, LOW - HIGH), "panel"),
    ]
    scale = (SPAN - left) / seconds
    parts += _minutes(left, scale, seconds / 60)
    for life, top in zip(lives, (34.0, 67.0), strict=True):
        parts += _ticks(life, longest, (left, scale, top))
    parts += _all(kept)
    title = say("Simultaneous work: edits by turns in the longest of {n} stretches", n=len(kept))
    return Chart(kept, title, (RIGHT + 10, 118.0), tuple(parts), heading="Simultaneous work")


def _minutes(left: float, scale: float, minutes: float) -> list[Mark]:
    step = next((s for s in (1, 2, 5, 10, 20, 30, 60, 120, 360) if minutes / s <= 5), 720)
    parts: list[Mark] = []
    for minute in range(0, int(minutes) + 1, step):
        x, words = left + minute * 60 * scale, say("{n} min", n=minute) if minute else say("start")
        parts.append(marks.line((x, HIGH), (x, LOW)))
        parts.append(Text((x, LOW + 15), words, "q", "middle"))
    return parts


def _ticks(
    life: AccountActivity, stretch: pd.Series, place: tuple[float, float, float]
) -> list[Mark]:
    """Draw an account's edits within the stretch: filled in the upper lane, hollow in the lower."""
    left, scale, top = place
    start, end = _naive(stretch["start"]), _naive(stretch["end"])
    within = life.times[(life.times >= start) & (life.times <= end)]
    cells = [(left + float(s) * scale - 2, top, 4.0, 23.0) for s in (within - start) / _SECOND]
    fill = "paper" if top > 50 else "ink"
    return [
        marks.boxes(cells, fill, stroke="ink", width=1.4),
        Text((0, top + 9), life.label, "b"),
        Text((0, top + 23), counted(len(within), "edit"), "q"),
    ]


def _all(kept: pd.DataFrame) -> list[Mark]:
    """Draw every stretch in time order, as high as it has edits."""
    left, right, base, tall = 620.0, RIGHT, 98.0, 60.0
    edits = kept["n_edits"].tolist()
    most, step = max(edits), min((right - left) / len(kept), 24.0)
    days = kept["start"].dt.date.nunique()
    head = say(
        "{stretches} on {days}",
        stretches=counted(len(kept), "such stretch", "such stretches"),
        days=counted(days, "day"),
    )
    bars = [
        (left + step * i, base - tall * n / most, max(step - 2, 1.0), tall * n / most)
        for i, n in enumerate(edits)
    ]
    last = max(left + step * len(kept), left + 170)
    first: Any = kept["start"].iloc[0]
    return [
        Text((left, 14), head, "b"),
        marks.boxes(bars, "against"),
        marks.line((left, base), (right, base), "rule-strong"),
        Text((left, base + 15), day(first), "q"),
        Text((last, base + 15), day(kept["start"].iloc[-1]), "q", "end"),
        Text((left, 32), say("edits in each, most {n}", n=most), "q"),
    ]
