"""The small figures: a gap on its logarithmic scale, an account's mark, who stays with whom."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from markupsafe import Markup

from sockgraph.report import svg
from sockgraph.report.wording import duration

if TYPE_CHECKING:
    from collections.abc import Sequence

MINUTE, MOST = 60.0, 60 * 86400.0
TICKS = ((60.0, "1 m"), (3600.0, "1 h"), (86400.0, "1 day"), (30 * 86400.0, "30 d"))


def gap_x(seconds: float) -> float:
    """Return where a gap ends: logarithmic, zero at one minute, full at sixty days.

    >>> gap_x(10) == gap_x(60) == 6.0, round(gap_x(3600), 1)
    (True, 73.7)
    """
    held = min(max(seconds, MINUTE), MOST)
    return 6 + 188 * math.log(held / MINUTE) / math.log(MOST / MINUTE)


def gap_scale() -> Markup:
    """Draw the heading of the column of gaps."""
    parts = [svg.label((gap_x(s), 11), words, "q", text_anchor="middle") for s, words in TICKS]
    return svg.drawing((200, 14), "Scale of gaps, logarithmic", parts)


def gap(seconds: float) -> Markup:
    """Draw one gap."""
    end = gap_x(seconds)
    parts = [svg.line((6, 9), (194, 9))]
    parts += [svg.line((gap_x(s), 5), (gap_x(s), 13)) for s, _ in TICKS]
    parts.append(svg.line((6, 9), (end, 9), "l-ink", stroke_width=2))
    parts.append(svg.element("circle", cx=end, cy=9, r=4, cls="f-ink"))
    return svg.drawing((200, 18), f"gap {duration(seconds)}", parts)


def mark(*, second: bool) -> Markup:
    """Draw an account's mark: the first of a pair filled, the second hollow."""
    return Markup('<i class="m o"></i>') if second else Markup('<i class="m"></i>')


def memberships(rows: Sequence[tuple[str, float, bool]]) -> Markup:
    """Draw how often each account stays with its group.

    Parameters
    ----------
    rows
        Account, share of omissions in which it stays, whether its group is stable.
    """
    left, right, top, step = 112.0, 400.0, 22.0, 24.0
    left = max(left, min(max(svg.text_width(u, bold=True) for u, _, _ in rows) + 14, 260.0))
    bottom = top + step * len(rows)
    lowest = 0.0 if min(share for _, share, _ in rows) < 0.5 else 0.5

    def x(share: float) -> float:
        return left + (share - lowest) / (1 - lowest) * (right - left)

    parts = [svg.box((left, top), (x(0.9) - left, bottom - top), "f-panel")]
    parts.append(svg.line((x(0.9), top), (x(0.9), bottom), "l-ink", stroke_dasharray="3 3"))
    parts.append(svg.label((x(0.9) - 6, top - 6), "unresolved below 90 %", "s", text_anchor="end"))
    for i, (user, share, stable) in enumerate(rows):
        y = top + step * i + 16
        parts.append(svg.label((0, y + 4), user, "b" if stable else None))
        parts.append(svg.line((left, y), (x(share), y), "l-strong"))
        parts += [
            svg.dot((x(share), y), 5, hollow=not stable),
            svg.label((right + 14, y + 4), f"{share:.0%}".replace("%", " %"), "s"),
        ]
    for share in (lowest, (1 + lowest) / 2, 1.0):
        parts.append(
            svg.label(
                (x(share), bottom + 16),
                f"{share:.0%}".replace("%", " %"),
                "q",
                text_anchor="middle",
            )
        )
    return svg.drawing((470, bottom + 22), "How often each account stays with its group", parts)
