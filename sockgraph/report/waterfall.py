"""The waterfall: baseline, families against, families for, what is open, and the sum."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sockgraph.names import clean
from sockgraph.report import svg
from sockgraph.report.wording import (
    DASH,
    FAMILIES,
    MINUS,
    RIVALS,
    family_label,
    interval,
    plain,
    signal_about,
    signed,
    support_words,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from markupsafe import Markup

    from sockgraph.report.data import Link, Signal

WIDTH, LEFT, RIGHT, ADDS, TEXT = 980.0, 172.0, 598.0, 652.0, 668.0
TOP, ROW, BAR = 44.0, 38.0, 18.0
STATUS = {"insufficient": "insufficient", "not_available": "not available"}


@dataclass(frozen=True)
class Row:
    """One row: a step from `start` to `end`, or an open one where `end` is None."""

    kind: str  # baseline, family, open, rivals, held
    title: str
    found: str
    start: float
    end: float | None
    detail: str

    @property
    def adds(self) -> float | None:
        """The height of the step."""
        return None if self.end is None else self.end - self.start


@dataclass(frozen=True)
class Scale:
    """The scale that every waterfall of a page shares."""

    low: float
    high: float

    def x(self, value: float) -> float:
        """Return where a value stands."""
        share = (value - self.low) / (self.high - self.low)
        return LEFT + share * (RIGHT - LEFT)

    @property
    def ticks(self) -> list[float]:
        """Whole numbers, as many as can be read."""
        step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 1000) if (self.high - self.low) / s <= 9)
        first = math.ceil(self.low / step) * step
        return [float(v) for v in range(first, math.floor(self.high) + 1, step)]


def baseline_of(link: Link) -> float:
    """Return the fused model's intercept: what the score holds besides its contributions."""
    given = sum(s.contribution for s in link.signals if s.contribution is not None)
    return (link.score or 0.0) - given


def family_rows(link: Link) -> tuple[Row, ...]:
    """Return the rows of one link's waterfall, in reading order, each step where the last ended."""
    baseline = baseline_of(link)
    families = _families(link.signals)
    sums = {name: _sum(signals) for name, signals in families.items()}
    steps = sorted(
        (v, FAMILIES.index(k) if k in FAMILIES else 9, k) for k, v in sums.items() if v is not None
    )
    against = [(k, v) for v, _, k in steps if v < 0]
    for_ = [(k, v) for v, _, k in steps if v >= 0]
    rows = [Row("baseline", "Baseline", "", 0.0, baseline, "intercept of the fused model")]
    at = baseline
    for name, value in [*against, *for_]:
        rows.append(_family(name, families[name], (at, at + value)))
        at += value
    rows += [_family(k, families[k], (at, None)) for k, v in sums.items() if v is None]
    rivals = _sum([signal for signal in link.signals if signal.family == RIVALS])
    if rivals is not None:
        rows.append(Row("rivals", "Rivals", "", at, at + rivals, signal_about(RIVALS)))
        at += rivals
    if link.log10_lr is not None and abs(link.log10_lr - at) >= 0.05:
        rows.append(_held(link, at))
    return tuple(rows)


def page_scale(waterfalls: Iterable[tuple[Link, Sequence[Row]]]) -> Scale:
    """Return one scale that holds every step, bound and interval of a page."""
    values = [-1.0, 1.0]
    for link, rows in waterfalls:
        values += [v for row in rows for v in (row.start, row.end) if v is not None]
        values += [
            v for v in (link.low, link.high, link.bound_low, link.bound_high) if v is not None
        ]
    margin = 0.06 * (max(values) - min(values))
    return Scale(min(values) - margin, max(values) + margin)


def waterfall(link: Link, rows: Sequence[Row], scale: Scale) -> Markup:
    """Draw one link's waterfall."""
    bottom = TOP + ROW * (len(rows) + 1)
    parts = [*_ground(link, scale, bottom), *_heads(link, scale)]
    for i, row in enumerate(rows):
        parts += _row(row, scale, TOP + ROW * i)
        if row.kind == "open":
            parts += _open(link, row, (scale, TOP + ROW * i + ROW / 2))
        if i + 1 < len(rows):
            parts.append(svg.line((0, TOP + ROW * (i + 1)), (WIDTH, TOP + ROW * (i + 1))))
    parts += _connectors(link, rows, scale)
    parts += _sum_row(link, scale, bottom - ROW)
    return svg.drawing((WIDTH, bottom + 24), _title(link, rows), parts)


def _families(signals: Iterable[Signal]) -> dict[str, list[Signal]]:
    found: dict[str, list[Signal]] = {}
    for signal in signals:
        if signal.family == RIVALS:
            continue
        found.setdefault(signal.family, []).append(signal)
    order = {name: i for i, name in enumerate(FAMILIES)}
    return dict(sorted(found.items(), key=lambda item: (order.get(item[0], 9), item[0])))


def _sum(signals: Sequence[Signal]) -> float | None:
    given = [s.contribution for s in signals if s.contribution is not None]
    return sum(given) if given else None


def _family(name: str, signals: Sequence[Signal], step: tuple[float, float | None]) -> Row:
    start, end = step
    most = max(signals, key=lambda s: (s.status == "ok", s.support))
    found = support_words(most.name, most.support, enough=end is not None)
    if end is None:
        open_ = {signal.status for signal in signals}
        status = "insufficient" if "insufficient" in open_ else "not_available"
        return Row(
            "open",
            family_label(name),
            found if status == "insufficient" else "",
            start,
            None,
            status,
        )
    said = sorted(signals, key=lambda s: -abs(s.contribution or 0))
    detail = " · ".join(_signal_words(signal) for signal in said)
    return Row("family", family_label(name), found, start, end, detail)


def _signal_words(signal: Signal) -> str:
    if signal.status != "ok" or signal.contribution is None:
        return f"{clean(signal.name)} {STATUS.get(signal.status, DASH)}"
    return f"{clean(signal.name)} {signed(signal.contribution)}"


def _held(link: Link, at: float) -> Row:
    score = f"the reference cannot support {signed(at)}"
    return Row("held", "Held at the bound", "", at, link.log10_lr, score)


def _title(link: Link, rows: Sequence[Row]) -> str:
    words = [STATUS.get(row.detail, signed(row.adds)) for row in rows]
    steps = "; ".join(f"{row.title} {said}" for row, said in zip(rows, words, strict=True))
    number = f"{signed(link.log10_lr)} {interval(link.low, link.high)}"
    return f"Evidence for and against one operator, by family. {steps}; all evidence {number}"


def _ground(link: Link, scale: Scale, bottom: float) -> list[Markup]:
    """Draw the area beyond the bounds, the ticks, and the bounds."""
    parts = []
    low, high = link.bound_low, link.bound_high
    if high is not None:
        parts.append(
            svg.box((scale.x(high), TOP - 6), (RIGHT - scale.x(high), bottom - TOP + 6), "f-panel")
        )
    if low is not None:
        parts.append(svg.box((LEFT, TOP - 6), (scale.x(low) - LEFT, bottom - TOP + 6), "f-panel"))
    for tick in scale.ticks:
        x = scale.x(tick)
        parts.append(svg.line((x, TOP - 6), (x, bottom), "l-ink" if tick == 0 else "l-rule"))
        parts.append(
            svg.label(
                (x, bottom + 16),
                plain(tick).removesuffix(".0"),
                "s b" if tick == 0 else "s",
                text_anchor="middle",
            )
        )
    for bound in (low, high):
        if bound is not None:
            x = scale.x(bound)
            parts.append(svg.line((x, TOP - 6), (x, bottom), "l-strong", stroke_dasharray="2 3"))
    note = "log10 LR: each step of 1 is a factor of 10"
    return [*parts, svg.label((TEXT, bottom + 16), note, "q")]


def _heads(link: Link, scale: Scale) -> list[Markup]:
    zero = scale.x(0)
    parts = [
        svg.label((zero - 10, 14), "◀ against one operator", "ta", text_anchor="end"),
        svg.label((zero + 10, 14), "for one operator ▶", "tf"),
        svg.label((ADDS, 14), "adds", "q", text_anchor="end"),
        svg.label((TEXT, 14), "signals in the family", "q"),
    ]
    if link.bound_high is not None:
        x = min(scale.x(link.bound_high), RIGHT - 20)
        parts.append(svg.label((x + 4, 32), f"bound {plain(link.bound_high)}", "q"))
    if link.bound_low is not None:
        x = scale.x(link.bound_low)
        parts.append(
            svg.label((x - 4, 32), f"bound {plain(link.bound_low)}", "q", text_anchor="end")
        )
    return parts


def _row(row: Row, scale: Scale, top: float) -> list[Markup]:
    middle = top + ROW / 2
    parts = [
        svg.label(
            (0, middle + (-1 if row.found else 4)),
            row.title,
            "b" if row.kind in {"family", "open"} else None,
        )
    ]
    if row.found:
        parts.append(svg.label((0, middle + 14), row.found, "q"))
    shown = signed(row.adds)
    tone = {"+": "tf", MINUS: "ta"}.get(shown[0])
    parts.append(svg.label((ADDS, middle + 4), signed(row.adds), tone, text_anchor="end"))
    if row.kind == "open":
        return [*parts, *_detail("nothing counted: it could speak either way", middle)]
    return [*parts, *_detail(row.detail, middle), _bar(row, scale, middle)]


def _detail(text: str, middle: float) -> list[Markup]:
    lines = wrap(text, WIDTH - TEXT, most=2)
    top = middle + 4 - 7 * (len(lines) - 1)
    return [svg.label((TEXT, top + 14 * i), words, "s") for i, words in enumerate(lines)]


def wrap(text: str, width: float, most: int) -> list[str]:
    """Break a list of signals into lines that fit; what does not is counted."""
    lines, items = [""], text.split(" · ")
    for i, item in enumerate(items):
        longer = f"{lines[-1]} · {item}" if lines[-1] else item
        if svg.text_width(longer, 12) <= width or not lines[-1]:
            lines[-1] = longer
        elif len(lines) < most:
            lines.append(item)
        else:
            return [*lines[:-1], f"{lines[-1]} · {len(items) - i} more"]
    return lines


def _bar(row: Row, scale: Scale, middle: float) -> Markup:
    start, end = scale.x(row.start), scale.x(row.end or 0.0)
    top, bottom = middle - BAR / 2, middle + BAR / 2
    hue = "for" if (row.adds or 0) > 0 else "against"
    if row.kind in {"baseline", "rivals", "held"}:
        style = f"fill:var(--paper);stroke:var(--{hue});stroke-width:1.5"
        return svg.box((min(start, end), top), (max(abs(end - start), 1), BAR), style=style)
    tip = min(6.0, abs(end - start))
    neck = end - tip if end >= start else end + tip
    points = [(start, top), (neck, top), (end, middle), (neck, bottom), (start, bottom)]
    outline = " L".join(f"{svg.number(x)},{svg.number(y)}" for x, y in points)
    return svg.path(f"M{outline} Z", f"f-{hue}")


def _open(link: Link, row: Row, place: tuple[Scale, float]) -> list[Markup]:
    """Draw what is unknown: a texture from bound to bound, never a zero."""
    (scale, middle), word, half = place, STATUS.get(row.detail, row.detail), 46.0
    left = scale.x(scale.low if link.bound_low is None else link.bound_low)
    right = scale.x(scale.high if link.bound_high is None else link.bound_high)
    top, zero, edge = middle - BAR / 2, scale.x(0), "stroke:var(--hatch);stroke-width:.8"
    return [
        svg.box((left, top), (right - left, BAR), style=f"{svg.HATCH};{edge}"),
        svg.box((zero - half, top), (2 * half, BAR), "f-paper", style=edge),
        svg.label((zero, middle + 4.5), word, "s", text_anchor="middle"),
    ]


def _connectors(link: Link, rows: Sequence[Row], scale: Scale) -> list[Markup]:
    """Draw the thin lines from each step's end to the next step, past the open rows."""
    steps = [(i, row) for i, row in enumerate(rows) if row.end is not None]
    parts = []
    for (i, row), following in zip(steps, [*(j for j, _ in steps[1:]), len(rows)], strict=True):
        x = scale.x(row.end or 0.0)
        start = TOP + ROW * i + ROW / 2 + BAR / 2
        end = TOP + ROW * following + ROW / 2 - BAR / 2
        parts.append(svg.line((x, start), (x, end), "l-strong", stroke_width=1))
    return parts if link.log10_lr is not None else parts[:-1]


def _sum_row(link: Link, scale: Scale, top: float) -> list[Markup]:
    middle = top + ROW / 2 + 2
    parts = [
        svg.label((0, middle - 1), "All evidence", "b"),
        svg.label((0, middle + 14), "fused, with interval", "q"),
    ]
    if link.log10_lr is None or link.low is None or link.high is None:
        return parts
    low, at, high = scale.x(link.low), scale.x(link.log10_lr), scale.x(link.high)
    parts.append(svg.line((low, middle), (high, middle), "l-ink", stroke_width=2.5))
    hue = "for" if link.log10_lr > 0 else "against"
    diamond = f"M{svg.number(at)},{svg.number(middle - 10)} l9,10 l-9,10 l-9,-10 Z"
    parts.append(svg.path(diamond, f"f-{hue}", style="stroke:var(--paper);stroke-width:1.5"))
    if high - low > 1:
        ends = [((x, middle - 7), (x, middle + 7)) for x in (low, high)]
        parts += [svg.line(*end, "l-ink", stroke_width=2.5) for end in ends]
    bound = link.bound_high if link.log10_lr > 0 else link.bound_low
    held = "" if bound is None else f" \N{NO-BREAK SPACE} bound {plain(bound)}"
    return [
        *parts,
        svg.label(
            (ADDS, middle + 5),
            signed(link.log10_lr),
            "tf" if hue == "for" else "ta",
            text_anchor="end",
        ),
        svg.label((TEXT, middle + 5), interval(link.low, link.high) + held, "s"),
    ]
