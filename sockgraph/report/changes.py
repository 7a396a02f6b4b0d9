"""What would change a link: its number with one thing left out, at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockgraph.report import svg
from sockgraph.report.wording import plain, signed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from sockgraph.report.data import Link

WIDTH, LEFT, RIGHT, TOP, ROW = 560.0, 196.0, 444.0, 30.0, 25.0
MOST = 10
"""Omissions that are drawn: those that change most. The table beside has all."""
Line = tuple[str, float, float | None, float | None]
"""What is left out, the number without it, its interval's ends."""


def lines_of(link: Link, names: Sequence[str]) -> list[Line]:
    """Return the link itself, then each omission, from the one that changes least."""
    whole = ("All evidence", link.log10_lr or 0.0, link.low, link.high)
    alone = _alone(link)
    given = [
        (name, o.log10_lr, o.low, None)
        for name, o in zip(names, link.omissions, strict=True)
        if o.log10_lr is not None and o.omitted not in alone
    ]
    return [whole, *sorted(given, key=lambda line: (abs(line[1] - whole[1]), line[0]))]


def _alone(link: Link) -> set[str]:
    """Return the omissions of signals that are all of their family: the family's says it."""
    families: dict[str, list[str]] = {}
    for signal in link.signals:
        families.setdefault(signal.family, []).append(signal.name)
    tested = {o.omitted for o in link.omissions}
    return {
        f"signal:{names[0]}"
        for family, names in families.items()
        if len(names) == 1 and f"family:{family}" in tested
    }


def merged(lines: Sequence[Line]) -> list[Line]:
    """Draw omissions that leave both numbers as they are, to one decimal, as one."""
    whole, tests = lines[0], lines[1:]
    same = [t for t in tests if _rounded(t) == _rounded(whole)]
    if len(same) < 3:
        return [whole, *tests[-MOST:]]
    others = [t for t in tests if t not in same][-MOST + 1 :]
    said = f"Without any one of {len(same)} more" if others else f"Without any one of {len(same)}"
    return [whole, (said, *same[0][1:]), *others]


def _rounded(line: Line) -> tuple[str, str]:
    return plain(line[1]), "" if line[2] is None else plain(line[2])


def changes(lines: Sequence[Line], threshold: float | None) -> Markup:
    """Draw the numbers, and the threshold that a flag's low end must reach.

    Parameters
    ----------
    lines
        From `lines_of`.
    threshold
        The case's `flag_log10_lr`; None where no flag is at stake.
    """
    bottom = TOP + ROW * len(lines)
    left = max(LEFT, min(max(svg.text_width(item[0]) for item in lines) + 12, 270.0))
    low, high = _range(lines, threshold)

    def x(value: float) -> float:
        return left + (value - low) / (high - low) * (RIGHT - left)

    parts = []
    if threshold is not None:
        parts.append(svg.box((left, TOP), (x(threshold) - left, bottom - TOP), "f-panel"))
    for tick in range(int(low), int(high) + 1):
        parts.append(
            svg.line((x(tick), TOP), (x(tick), bottom), "l-ink" if tick == 0 else "l-rule")
        )
        parts.append(
            svg.label(
                (x(tick), bottom + 15),
                signed(tick).split(".")[0].removeprefix("+"),
                "s",
                text_anchor="middle",
            )
        )
    if threshold is not None:
        parts.append(
            svg.line((x(threshold), TOP), (x(threshold), bottom), "l-ink", stroke_dasharray="3 3")
        )
        note = f"a flag needs the low end here: {plain(threshold)}"
        parts.append(svg.label((x(threshold), TOP - 8), note, "s", text_anchor="middle"))
    for i, item in enumerate(lines):
        y = TOP + ROW * i + 17.5
        at = [None if v is None else x(v) for v in item[1:]]
        parts += _row(item, at, y, hollow=falls(item, threshold))
    return svg.drawing((WIDTH, bottom + 20), "What would change this link", parts)


def falls(item: Line, threshold: float | None) -> bool:
    """Tell whether a flag would fall: the low end is under the threshold."""
    return threshold is not None and (item[2] is None or item[2] < threshold)


def _range(lines: Sequence[Line], threshold: float | None) -> tuple[float, float]:
    values = [v for item in lines for v in item[1:] if v is not None] + [0.0, threshold or 0.0]
    low, high = min(values), max(values)
    return float(int(low) - (low < int(low))), float(int(high) + (high > int(high))) or 1.0


def _row(item: Line, at: Sequence[float | None], y: float, *, hollow: bool) -> list[Markup]:
    name, value, low, high = item
    whole = name == "All evidence"
    point, start, end = at[0] or 0.0, at[1], at[2]
    parts = [svg.label((0, y + 4), name, "b" if whole else None)]
    ends = [e for e in (start, end) if e is not None]
    if ends:
        parts.append(
            svg.line((min(*ends, point), y), (max(*ends, point), y), "l-ink", stroke_width=2)
        )
        parts += [svg.line((e, y - 4), (e, y + 4), "l-ink", stroke_width=2) for e in ends]
    parts.append(svg.dot((point, y), 5, hollow=hollow))
    span = f" [{plain(low)}, {plain(high)}]" if low is not None and high is not None else ""
    span = span or (f", low {plain(low)}" if low is not None else "")
    words = f"{plain(value)}{span}"
    return [*parts, svg.label((WIDTH, y + 4), words, "b" if whole else "s", text_anchor="end")]
