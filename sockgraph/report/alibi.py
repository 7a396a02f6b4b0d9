"""The alibi's panel: the longest stretch of interleaved work, and how many chance would give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sockgraph.report import svg
from sockgraph.report.wording import counted, day, duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from sockgraph.report.data import Stretch
    from sockgraph.report.facts import Account

RIGHT, TOP, BOTTOM = 600.0, 26.0, 98.0
_SECOND = np.timedelta64(1, "s")


def longest(stretches: Sequence[Stretch]) -> Stretch | None:
    """Return the longest stretch that was not excluded."""
    kept = [s for s in stretches if s.excluded is None]
    return max(kept, key=lambda s: (s.end - s.start, s.n_edits), default=None)


def alibi(accounts: Sequence[Account], stretches: Sequence[Stretch]) -> Markup | None:
    """Draw the longest stretch, edit by edit, and the number seen beside the number expected."""
    stretch = longest(stretches)
    if stretch is None:
        return None
    seconds = max((stretch.end - stretch.start).total_seconds(), 60.0)
    head = f"The longest stretch: {duration(seconds)} on {day(stretch.start)}"
    head += f", {counted(stretch.n_edits, 'edit')}"
    left = max(120.0, *(svg.text_width(a.label, bold=True) + 14 for a in accounts))
    axis = Axis(left, seconds)
    parts = [
        svg.label((0, 14), head, "b"),
        svg.box((left, TOP), (RIGHT - left, BOTTOM - TOP), "f-panel"),
    ]
    parts += _minutes(axis)
    for account, top in zip(accounts, (34.0, 67.0), strict=True):
        parts += _ticks(account, stretch, (axis, top))
    kept = [s for s in stretches if s.excluded is None]
    parts += _all(kept)
    title = f"Simultaneous work: edits by turns in the longest of {len(kept)} stretches"
    return svg.drawing((980, 118), title, parts)


@dataclass(frozen=True)
class Axis:
    """The time of a stretch, from its start."""

    left: float
    seconds: float

    def x(self, seconds: float) -> float:
        """Return where a moment stands."""
        return self.left + seconds / self.seconds * (RIGHT - self.left)


def _minutes(axis: Axis) -> list[Markup]:
    minutes = axis.seconds / 60
    step = next((s for s in (1, 2, 5, 10, 20, 30, 60, 120, 360) if minutes / s <= 5), 720)
    parts = []
    for minute in range(0, int(minutes) + 1, step):
        x, words = axis.x(minute * 60), f"{minute} min" if minute else "start"
        parts.append(svg.line((x, TOP), (x, BOTTOM)))
        parts.append(svg.label((x, BOTTOM + 15), words, "q", text_anchor="middle"))
    return parts


def _ticks(account: Account, stretch: Stretch, place: tuple[Axis, float]) -> list[Markup]:
    """Draw an account's edits within the stretch: filled in the upper lane, hollow in the lower."""
    axis, top = place
    start, end = (t.tz_convert(None).to_datetime64() for t in (stretch.start, stretch.end))
    within = account.times[(account.times >= start) & (account.times <= end)]
    hollow = top > 50
    style = f"fill:var(--{'paper' if hollow else 'ink'});stroke:var(--ink);stroke-width:1.4"
    cells = [(axis.x(float(s)) - 2, top, 4.0, 23.0) for s in (within - start) / _SECOND]
    parts = [svg.path(svg.boxes(cells), style=style)]
    parts.append(svg.label((0, top + 9), account.label, "b"))
    return [*parts, svg.label((0, top + 23), counted(len(within), "edit"), "q")]


def _all(stretches: Sequence[Stretch]) -> list[Markup]:
    """Draw every stretch in time order, as high as it has edits."""
    left, right, base, tall = 668.0, 968.0, 98.0, 60.0
    ordered = sorted(stretches, key=lambda s: s.start)
    most, step = max(s.n_edits for s in ordered), min((right - left) / len(ordered), 24.0)
    days = len({s.start.date() for s in ordered})
    head = f"{counted(len(ordered), 'such stretch', 'such stretches')} on {counted(days, 'day')}"
    bars = [
        (
            left + step * i,
            base - tall * s.n_edits / most,
            max(step - 2, 1.0),
            tall * s.n_edits / most,
        )
        for i, s in enumerate(ordered)
    ]
    last = left + step * len(ordered)
    return [
        svg.label((left, 14), head, "b"),
        svg.path(svg.boxes(bars), "f-against"),
        svg.line((left, base), (right, base), "l-strong"),
        svg.label((left, base + 15), day(ordered[0].start), "q"),
        svg.label(
            (max(last, left + 170), base + 15), day(ordered[-1].start), "q", text_anchor="end"
        ),
        svg.label((left, 32), f"edits in each, most {most}", "q"),
    ]
