"""Both accounts over time on one scale, mirrored, with simultaneous stretches between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sockgraph.report import svg
from sockgraph.report.wording import counted, day

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from sockgraph.report.data import Stretch
    from sockgraph.report.facts import Account

LEFT, RIGHT, TALL = 120.0, 970.0, 58.0
TOP, LANE, FOOT = 90.0, 112.0, 194.0
WEEKS = (1, 2, 4, 8, 13, 26, 52)
_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True)
class Axis:
    """Time from `start` on, in bins of some weeks."""

    start: pd.Timestamp
    weeks: int
    n_bins: int

    @property
    def step(self) -> float:
        """Pixels a bin."""
        return (RIGHT - LEFT) / self.n_bins

    def x(self, moment: pd.Timestamp) -> float:
        """Return where a moment stands, held within the axis."""
        days = (moment - self.start) / pd.Timedelta(days=1)
        return LEFT + min(max(days / (7 * self.weeks) * self.step, 0.0), RIGHT - LEFT)

    def counts(self, account: Account) -> np.ndarray:
        """Count an account's edits by bin."""
        start = self.start.tz_convert(None).to_datetime64()
        bins = ((account.times - start) // (7 * self.weeks * _DAY)).astype(int)
        return np.bincount(bins, minlength=self.n_bins)[: self.n_bins]


def axis_of(accounts: Sequence[Account]) -> Axis | None:
    """Return an axis from the first edit of either account to the last; None without edits."""
    firsts = [a.first for a in accounts if a.first is not None]
    lasts = [a.last for a in accounts if a.last is not None]
    if not firsts or not lasts:
        return None
    start = min(firsts).normalize()
    weeks = max((max(lasts) - start).days // 7 + 1, 8)
    width = next((w for w in WEEKS if weeks / w <= 110), WEEKS[-1])
    return Axis(start, width, -(-weeks // width))


def unit(axis: Axis) -> str:
    """Say what one bar counts."""
    return "a week" if axis.weeks == 1 else f"in {axis.weeks} weeks"


def timeline(accounts: Sequence[Account], stretches: Sequence[Stretch], axis: Axis) -> Markup:
    """Draw both accounts over time."""
    counts = [axis.counts(account) for account in accounts]
    most = max(int(max(c.max() for c in counts)), 1)
    parts = [*_calendar(axis), svg.box((LEFT, TOP + 2), (RIGHT - LEFT, 18), "f-panel")]
    parts.append(svg.path(svg.boxes(_bars(counts[0], axis, most)), style="fill:var(--h5)"))
    hollow = "fill:var(--paper);stroke:var(--h5);stroke-width:1"
    parts.append(svg.path(svg.boxes(_bars(counts[1], axis, most, down=True)), style=hollow))
    kept = [s for s in stretches if s.excluded is None]
    parts += [
        svg.line((axis.x(s.start), 93), (axis.x(s.start), 109), "l-ink", stroke_width=2)
        for s in kept
    ]
    parts += [*_names(accounts), *_scales(most, axis)]
    for account, above in zip(accounts, (True, False), strict=True):
        parts += _moments(account, axis, above=above)
    title = f"Edits {unit(axis)} of {accounts[0].user} and {accounts[1].user}"
    return svg.drawing((980, 212), title, parts)


def _bars(
    counts: np.ndarray, axis: Axis, most: int, *, down: bool = False
) -> list[tuple[float, float, float, float]]:
    inset = 0.5 if down else 0.0
    gap = 1.6 if axis.step > 5 else 0.8
    bars: list[tuple[float, float, float, float]] = []
    for i in np.flatnonzero(counts):
        height = max(TALL * float(counts[i]) / most, 1.0)
        y = LANE + inset if down else TOP - height
        bars.append(
            (LEFT + float(i) * axis.step + gap / 2 + inset, y, axis.step - gap - 2 * inset, height)
        )
    return bars


def _calendar(axis: Axis) -> list[Markup]:
    """Draw a line at each quarter, half year or year, as many as have room for their label."""
    end = axis.start + pd.Timedelta(weeks=axis.weeks * axis.n_bins)
    span = (end - axis.start).days / 365.25
    months = next(
        (m for years, m in ((0.8, 1), (2.2, 3), (5, 6), (11, 12), (22, 24)) if span <= years), 60
    )
    first = axis.start.normalize().replace(day=1)
    marks = pd.date_range(first, end, freq="MS")
    parts = []
    shown = [m for m in marks if (m.year * 12 + m.month - 1) % months == 0 and m >= axis.start]
    for i, moment in enumerate(shown):
        x = axis.x(moment)
        named = (
            moment.strftime("%b %Y")
            if i == 0 or moment.month == 1 or months >= 12
            else moment.strftime("%b")
        )
        parts.append(svg.line((x, 26), (x, FOOT)))
        if x < RIGHT - 24:
            parts.append(svg.label((x + 3, FOOT + 12), named, "s"))
    return parts


def _names(accounts: Sequence[Account]) -> list[Markup]:
    parts = [svg.label((0, 105), "simultaneous", "s")]
    for account, (y, lines) in zip(accounts, ((59.0, -1), (141.0, 1)), strict=True):
        words = _broken(account.label)
        top = y - 15 * (len(words) - 1) if lines < 0 else y
        parts += [svg.label((0, top + 15 * i), word, "b") for i, word in enumerate(words)]
        parts.append(svg.label((0, top + 15 * len(words)), counted(account.n_edits, "edit"), "q"))
    return parts


def _broken(name: str, width: float = 76.0) -> list[str]:
    """Break a name wider than the margin into lines, at spaces, else anywhere; never cut it."""
    lines = [""]
    for word in name.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if not lines[-1] or svg.text_width(longer, bold=True) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return [piece for text in lines for piece in _pieces(text, width)]


def _pieces(text: str, width: float) -> list[str]:
    pieces = [""]
    for char in text:
        if svg.text_width(pieces[-1] + char, bold=True) > width + 26:
            pieces.append("")
        pieces[-1] += char
    return pieces


def _scales(most: int, axis: Axis) -> list[Markup]:
    said = f"{most:,}" if axis.weeks > 1 else f"{most:,}/wk"
    parts = []
    for top, y in ((32, 40), (LANE, 170)):
        parts.append(svg.line((115, top), (115, top + TALL), "l-strong"))
        parts.append(svg.label((111, y), said, "q", text_anchor="end"))
    return parts


def _moments(account: Account, axis: Axis, *, above: bool) -> list[Markup]:
    """Mark registration (where it falls on the axis), blocks, locks and renames, in words."""
    moments = [(e.at, _words(e.kind, e.words)) for e in account.events]
    if account.registered is not None and account.registered > axis.start:
        moments.append((account.registered, f"registered {day(account.registered)}"))
    if not account.events and account.restraint is not None:
        moments.append((account.restraint.at, account.restraint.words))
    parts, ends = [], [0.0, 0.0, 0.0]
    for moment, words in sorted(moments)[:6]:
        x, wide = axis.x(moment), svg.text_width(words, 12)
        flip = x + wide + 8 > RIGHT
        left = x - 5 - wide if flip else x + 5
        row = next((i for i, end in enumerate(ends) if end < left), None)
        top, bottom = (22.0, TOP) if above else (LANE, FOOT - 8)
        parts.append(svg.line((x, top), (x, bottom), "l-ink", stroke_width=1.5))
        if row is None:
            continue
        ends[row] = left + wide
        y = 28.0 - 13 * row if above else FOOT - 9 - 13 * row
        parts.append(
            svg.label(
                (x - 5 if flip else x + 5, y), words, "s halo", text_anchor="end" if flip else None
            )
        )
    return parts


def _words(kind: str, words: str) -> str:
    if kind == "rename":
        return f"renamed {words}"
    return f"blocked {words}" if kind == "block" and not words.startswith("blocked") else words
