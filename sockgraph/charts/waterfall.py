"""The waterfall: what each family of evidence adds, for and against one operator."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from sockgraph.charts import marks
from sockgraph.charts.marks import HATCH, Chart, Mark, Text, each, text_width
from sockgraph.errors import SockgraphError
from sockgraph.reviews.words import (
    COMMUNITY,
    IMITATION,
    MINUS,
    RIVALS,
    counted,
    estimate,
    family_label,
    interval,
    plain,
    signed,
    support_words,
)
from sockgraph.signals import FAMILIES
from sockgraph.strings import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sockgraph.charts.marks import Point

WIDE, NARROW = 540.0, 358.0
TOP, ROW, BAR = 46.0, 25.0, 16.0
GROUPS = {
    "against": "Evidence against",
    "absence": "Absence: nothing happened",
    "for": "Evidence for",
    "open": "Could not speak",
    "correction": "Corrections",
}
"""Kinds of rows in reading order, and what stands over each."""
COLUMNS = ["kind", "family", "title", "found", "start", "end", "without"]


def waterfall_steps(
    link: Mapping[str, Any] | pd.Series,
    evidence: pd.DataFrame,
    omissions: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return how the families of evidence add up to a pair's number, a row a step.

    Parameters
    ----------
    link
        A row of the `links` table.
    evidence
        The `evidence` table; rows of other pairs are ignored.
    omissions
        The `omissions` table's rows of this pair, if they are to be shown.

    Returns
    -------
    DataFrame
        `kind` {against, absence, for, open, correction}, `family`, `title`, `found` (what it rests
        on), `start`, `end` (null where it could not speak), `without` (the log10 LR without it,
        null where not tested). Each step starts where the last ended, the first at 0; the last
        ends at the link's log10 LR. A signal that looked and saw nothing (status ok, support 0) is
        an absence, and no part of its family.

    Raises
    ------
    SockgraphError
        If there is no evidence of this pair.
    """
    rows = evidence[(evidence["user_a"] == link["user_a"]) & (evidence["user_b"] == link["user_b"])]
    if rows.empty:
        raise SockgraphError(
            f"{link['user_a']} and {link['user_b']}",
            "the evidence table has no row of this pair.",
            "Name the accounts as in the links table, user_a before user_b.",
        )
    steps, calibrated = _Steps(_without(omissions)), pd.notna(link["score"])
    told = list(each(rows))
    every = [row for row in told if row.family not in {RIVALS, IMITATION}]  # neither is a step
    spoke = [r for r in every if calibrated and r.status == "ok" and pd.notna(r.contribution)]
    absent = [row for row in spoke if row.support == 0]
    sums = _sums(row for row in spoke if row.support)
    for family in (family for family in sums if sums[family] < 0):
        steps.add("against", family, _found(every, family), sums[family])
    for row in sorted(absent, key=lambda row: (row.contribution, row.signal)):
        steps.add("absence", str(row.signal), "", row.contribution)
    for family in (family for family in sums if sums[family] >= 0):
        steps.add("for", family, _found(every, family), sums[family])
    silent = {row.family for row in every} - {row.family for row in spoke}
    for family in sorted(silent, key=_order):
        steps.add("open", family, _silence(every, family), None)
    if calibrated:
        rivals = [row for row in told if row.family == RIVALS]
        _correct(steps, link, sum(row.contribution for row in spoke), rivals)
    return pd.DataFrame(steps.rows, columns=COLUMNS).astype(
        {"start": "float64", "end": "float64", "without": "float64"}
    )


class _Steps:
    """Rows that begin where the last one ended."""

    def __init__(self, without: Mapping[str, float]) -> None:
        self.rows: list[tuple[Any, ...]] = []
        self.at, self.without = 0.0, without

    def add(self, kind: str, name: str, found: str, value: Any) -> None:
        end = None if value is None else self.at + float(value)
        without = self.without.get(f"{'signal' if kind == 'absence' else 'family'}:{name}")
        self.rows.append((kind, name, family_label(name), found, self.at, end, without))
        self.at = self.at if end is None else end


def _correct(
    steps: _Steps, link: Mapping[str, Any] | pd.Series, spoken: float, rivals: Sequence[Any]
) -> None:
    """Add what is no evidence: the model's intercept, what others explain as well, the bound."""
    known = [row.contribution for row in rivals if pd.notna(row.contribution)]
    steps.add("correction", "baseline", "", float(link["score"]) - spoken - sum(known))
    if known:
        n = max(int(row.support) for row in rivals)
        steps.add("correction", RIVALS, counted(n, "account") if n else "", sum(known))
    near = [r.log10_lr for r in rivals if r.signal == COMMUNITY and pd.notna(r.log10_lr)]
    if near:
        steps.add("correction", "different people as near", "", sum(near))
    held = link["log10_lr"]
    if pd.notna(held) and abs(held - steps.at) >= 0.05:
        steps.add("correction", "held at the bound", "", float(held) - steps.at)


def _without(omissions: pd.DataFrame | None) -> dict[str, float]:
    if omissions is None:
        return {}
    known = omissions.dropna(subset=["log10_lr"])
    return dict(zip(known["omitted"], known["log10_lr"].astype(float), strict=True))


def _order(family: str) -> tuple[int, str]:
    return FAMILIES.index(family) if family in FAMILIES else len(FAMILIES), family


def _sums(rows: Iterable[Any]) -> dict[str, float]:
    """Return what each family adds, what speaks most against first."""
    sums: dict[str, float] = {}
    for row in rows:
        sums[row.family] = sums.get(row.family, 0.0) + row.contribution
    return dict(sorted(sums.items(), key=lambda one: (one[1], one[0])))


def _found(rows: Sequence[Any], family: str) -> str:
    ours = [row for row in rows if row.family == family and row.status == "ok"]
    most = max(reversed(ours), key=lambda row: int(row.support))
    return support_words(most.signal, int(most.support))


def _silence(rows: Sequence[Any], family: str) -> str:
    statuses = {row.status for row in rows if row.family == family}
    return say("not available" if statuses == {"not_available"} else "insufficient")


@dataclass(frozen=True)
class Axis:
    """The log10 LRs that waterfalls of one page share."""

    low: float
    high: float
    left: float = 0.0
    right: float = 1.0

    def x(self, value: float) -> float:
        """Return where a value stands, in pixels."""
        return self.left + (value - self.low) / (self.high - self.low) * (self.right - self.left)

    @property
    def ticks(self) -> list[float]:
        """Whole numbers, as many as can be read."""
        step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 1000) if (self.high - self.low) / s <= 9)
        first = math.ceil(self.low / step) * step
        return [float(v) for v in range(first, math.floor(self.high) + 1, step)]


def page_axis(waterfalls: Iterable[tuple[Mapping[str, Any] | pd.Series, pd.DataFrame]]) -> Axis:
    """Return one axis that holds every step, bound and interval of some links."""
    values = [-1.0, 1.0]
    for link, steps in waterfalls:
        values += [*steps["start"], *steps["end"].dropna()]
        ends = ("log10_lr_low", "log10_lr_high", "bound_low", "bound_high")
        values += [float(link[name]) for name in ends if pd.notna(link[name])]
    margin = 0.06 * (max(values) - min(values))
    return Axis(min(values) - margin, max(values) + margin)


def waterfall(
    link: Mapping[str, Any] | pd.Series,
    evidence: pd.DataFrame,
    omissions: pd.DataFrame | None = None,
    *,
    axis: Axis | None = None,
    width: float = WIDE,
    steps: pd.DataFrame | None = None,
) -> Chart:
    """Draw how the families of evidence add up to a pair's number, and its interval.

    Evidence against comes first; what could not speak is hatched from bound to bound.

    Parameters
    ----------
    link, evidence, omissions
        See `waterfall_steps`.
    axis
        A page's common one, from `page_axis`.
    width
        In pixels; under 500 there is no column for what a family rests on.
    steps
        What `waterfall_steps` returned of these, if it was asked before.
    """
    steps = waterfall_steps(link, evidence, omissions) if steps is None else steps
    wide = width >= 500
    given = axis or page_axis([(link, steps)])
    names = max(text_width(title, bold=True) for title in [*steps["title"], "All evidence"]) + 8
    edge = max(names + 66, 136.0) if wide else names
    tested = bool(steps["without"].notna().any()) and wide
    right = width - (112.0 if tested else 54.0)
    ours = Axis(given.low, given.high, edge, right)
    sheet = _Sheet(link, steps, ours, width, wide=wide, tested=tested)
    title = say("Evidence by family: {steps}", steps=_said(link, steps))
    return Chart(
        steps,
        title,
        (width, sheet.bottom + 22),
        tuple(sheet.draw()),
        heading=f"{link['user_a']} \N{EN DASH} {link['user_b']}",
        below=(_sentence(link),),
        note="H1: one operator. H2: different people of the same community. "
        "Each step of 1 is a factor of 10.",
    )


def _said(link: Mapping[str, Any] | pd.Series, steps: pd.DataFrame) -> str:
    adds = (steps["end"] - steps["start"]).tolist()
    rows = zip(steps["title"], steps["found"], adds, strict=True)
    words = [f"{title} {found if pd.isna(add) else signed(add)}" for title, found, add in rows]
    whole = signed(None) if pd.isna(link["log10_lr"]) else number_of(link)
    return f"{'; '.join(words)}; {say('All evidence')} {whole}"


def _sentence(link: Mapping[str, Any] | pd.Series) -> str:
    if pd.isna(link["log10_lr"]):
        return f"Evidence is {link['band']}: no log10 LR."
    bound = link["bound_low"] if link["log10_lr"] < 0 else link["bound_high"]
    held = "" if pd.isna(bound) else f", bound {plain(bound)}"
    return f"log10 LR {number_of(link)} {interval_of(link)}{held}: {link['band']}"


def hue_of(link: Mapping[str, Any] | pd.Series) -> str:
    """Return the colour of a link's direction; ink where it does not separate."""
    side = str(link.get("direction", "for" if link["log10_lr"] > 0 else "against"))
    return side if side in {"for", "against"} else "ink-3"


def number_of(link: Mapping[str, Any] | pd.Series) -> str:
    """Return a link's number in words: at a bound, at least or at most that."""
    return estimate(float(link["log10_lr"]), link["bound_low"], link["bound_high"])


def interval_of(link: Mapping[str, Any] | pd.Series) -> str:
    """Return a link's interval in words."""
    low, high = link["log10_lr_low"], link["log10_lr_high"]
    if pd.isna(low) or pd.isna(high):
        return ""
    return interval(low, high, link["bound_low"], link["bound_high"])


def _lines(steps: pd.DataFrame) -> list[tuple[str, Any]]:
    """Return headings and steps, in reading order."""
    rows = list(each(steps))
    found: list[tuple[str, Any]] = []
    for kind, words in GROUPS.items():
        ours = [("step", row) for row in rows if row.kind == kind]
        found += [("head", words), *ours] if ours else []
    return found


class _Sheet:
    """One link's drawing."""

    def __init__(
        self,
        link: Mapping[str, Any] | pd.Series,
        steps: pd.DataFrame,
        axis: Axis,
        width: float,
        *,
        wide: bool,
        tested: bool,
    ) -> None:
        self.link, self.axis, self.width = link, axis, width
        self.wide, self.tested = wide, tested
        self.adds = axis.right + (44.0 if tested else 48.0)
        low, high = link["bound_low"], link["bound_high"]
        self.bounds = tuple(None if pd.isna(b) else float(b) for b in (low, high))

        self.lines = _lines(steps)
        self.bottom = TOP + ROW * (len(self.lines) + 1) + 6

    def draw(self) -> list[Mark]:
        bottom = self.bottom
        parts = [*self._ground(bottom), *self._heads()]
        ends: list[Point] = []
        for i, (kind, row) in enumerate(self.lines):
            middle = TOP + ROW * i + ROW / 2
            if kind == "head":
                parts += [
                    Text((0, middle + 5), say(row), "q"),
                    marks.line((0, middle + 10), (self.axis.left - 8, middle + 10)),
                ]
                continue
            parts += self._step(row, middle)
            if not pd.isna(row.end):
                ends.append((self.axis.x(row.end), middle))
        middle = bottom - 6 - ROW / 2 + 3
        parts += self._connect([*ends, (0.0, middle)])
        return [*parts, *self._sum(middle)]

    def _ground(self, bottom: float) -> list[Mark]:
        """Shade beyond the bounds; draw the ticks and the bounds."""
        axis, parts = self.axis, list[Mark]()
        low, high = self.bounds
        if high is not None:
            size = (axis.right - axis.x(high), bottom - TOP + 4)
            parts.append(marks.box((axis.x(high), TOP - 4), size, "panel"))
        if low is not None:
            size = (axis.x(low) - axis.left, bottom - TOP + 4)
            parts.append(marks.box((axis.left, TOP - 4), size, "panel"))
        for tick in sorted(axis.ticks, key=bool, reverse=True):
            x = axis.x(tick)
            parts.append(marks.line((x, TOP - 4), (x, bottom), "rule" if tick else "ink"))
        edges = [axis.x(bound) for bound in self.bounds if bound is not None]
        dashed = (
            marks.line((x, TOP - 4), (x, bottom), "rule-strong", dash=marks.DOTTED) for x in edges
        )
        words = [
            Text(
                (axis.x(t), bottom + 16), plain(t).removesuffix(".0"), "s" if t else "sb", "middle"
            )
            for t in axis.ticks
        ]
        return [*parts, *dashed, *words]

    def _heads(self) -> list[Mark]:
        axis = self.axis
        zero = min(max(axis.x(0), text_width("◀ against one operator", bold=True) + 8), self.width)
        long = self.wide
        against = say("◀ against one operator" if long else "◀ against")
        parts: list[Mark] = [
            Text((zero - 8, 14), against, "ta", "end"),
            Text((zero + 8, 14), say("for one operator ▶" if long else "for ▶"), "tf"),
            Text((self.adds, 36), say("adds"), "q", "end"),
        ]
        if self.tested:
            parts.append(Text((self.width, 36), say("without it"), "q", "end"))
        return [*parts, *self._named_bounds()]

    def _named_bounds(self) -> list[Mark]:
        """Name the bounds, each on its outer side where there is room: they may lie close."""
        low, high = self.bounds
        parts: list[Mark] = []
        if low is not None:
            words, x = say("bound {n}", n=plain(low)), self.axis.x(low)
            outside = x - 2 >= text_width(words, 12)
            at = (x - 2, 36) if outside else (x + 2, 36)
            parts.append(Text(at, words, "q", "end" if outside else "start"))
        if high is not None:
            words, x = say("bound {n}", n=plain(high)), self.axis.x(high)
            free = self.adds - text_width(say("adds"), 12) - 6
            outside = x + 2 + text_width(words, 12) <= free
            at = (x + 2, 36) if outside else (x - 2, 36)
            parts.append(Text(at, words, "q", "start" if outside else "end"))
        return parts

    def _step(self, row: Any, middle: float) -> list[Mark]:
        evidence = row.kind in {"for", "against", "open"}
        parts: list[Mark] = [Text((0, middle + 5), row.title, "b" if evidence else "")]
        if self.wide and row.kind != "open" and row.found:
            parts.append(Text((self.axis.left - 8, middle + 5), row.found, "q", "end"))
        if row.kind == "open":
            return [*parts, *self._open(row.found, middle)]
        add = row.end - row.start
        parts.append(Text((self.adds, middle + 5), signed(add), _tone(row.kind, add), "end"))
        if self.tested and not pd.isna(row.without):
            parts.append(Text((self.width, middle + 5), signed(row.without), "s", "end"))
        return [*parts, self._bar(row, middle)]

    def _bar(self, row: Any, middle: float) -> Mark:
        start, end = self.axis.x(row.start), self.axis.x(row.end)
        top, bottom = middle - BAR / 2, middle + BAR / 2
        hue = "for" if row.end >= row.start else "against"
        if row.kind not in {"for", "against"}:
            dash = (4.0, 3.0) if row.kind == "absence" else None
            stroke = "rule-strong" if row.kind == "correction" else hue
            corner, size = (min(start, end), top), (max(abs(end - start), 1), BAR)
            return marks.box(corner, size, "paper", stroke=stroke, width=1.5, dash=dash)
        tip = min(6.0, abs(end - start))
        neck = end - tip if end >= start else end + tip
        corners = [(start, top), (neck, top), (end, middle), (neck, bottom), (start, bottom)]
        return marks.area(corners, hue)

    def _open(self, words: str, middle: float) -> list[Mark]:
        """Draw what is unknown: a texture from bound to bound, never a zero."""
        low, high = self.bounds
        left = self.axis.x(self.axis.low if low is None else low)
        right = self.axis.x(self.axis.high if high is None else high)
        half, zero = text_width(words, 12) / 2 + 5, (left + right) / 2
        look: dict[str, Any] = {"stroke": "hatch", "width": 0.8}
        return [
            marks.box((left, middle - BAR / 2), (right - left, BAR), HATCH, **look),
            marks.box((zero - half, middle - BAR / 2), (2 * half, BAR), "paper", **look),
            Text((zero, middle + 4.5), words, "s", "middle"),
        ]

    def _connect(self, ends: list[Point]) -> list[Mark]:
        """Join each step's end to the next step, past the rows that add nothing."""
        pairs = itertools.pairwise(ends)
        return [
            marks.line((x, y + BAR / 2), (x, below - BAR / 2), "rule-strong")
            for (x, y), (_, below) in pairs
        ]

    def _sum(self, middle: float) -> list[Mark]:
        link, axis = self.link, self.axis
        rule = marks.line((0, middle - ROW / 2 - 1), (self.width, middle - ROW / 2 - 1), "ink")
        parts: list[Mark] = [rule, Text((0, middle + 5), say("All evidence"), "b")]
        if pd.isna(link["log10_lr"]):
            return [*parts, Text((self.adds, middle + 5), signed(None), "", "end")]
        parts += diamond(link, axis.x, middle, reach=axis.right)
        tone = {"for": "tf", "against": "ta"}.get(hue_of(link), "b")
        return [*parts, Text((self.adds, middle + 5), number_of(link), tone, "end")]


def _tone(kind: str, add: float) -> str:
    if kind == "correction":
        return ""
    return {"+": "tf", MINUS: "ta"}.get(signed(add)[0], "b")


def diamond(
    link: Mapping[str, Any] | pd.Series,
    x: Any,
    y: float,
    *,
    reach: float,
) -> list[Mark]:
    """Draw a link's number as a diamond with its interval, and an arrow where a bound holds it.

    Parameters
    ----------
    link
        A row of `links` that has a log10 LR.
    x
        Where a log10 LR stands.
    y
        The height of its line.
    reach
        Where an arrow to the right ends at most.
    """
    value, hue = float(link["log10_lr"]), hue_of(link)
    at, parts = x(value), list[Mark]()
    low, high = link["log10_lr_low"], link["log10_lr_high"]
    if pd.notna(low) and pd.notna(high) and x(high) - x(low) > 1:
        parts.append(marks.line((x(low), y), (x(high), y), "ink", width=2))
        parts += [marks.line((e, y - 6), (e, y + 6), "ink", width=2) for e in (x(low), x(high))]
    if number_of(link)[0] in "≥≤":
        way = 1 if value > 0 else -1
        tip = min(at + 24, reach) if way > 0 else at - 24
        parts.append(marks.line((at, y), (tip, y), hue, width=2))
        head = [(tip - 6 * way, y - 5), (tip, y), (tip - 6 * way, y + 5)]
        parts.append(marks.curve(head, hue, width=2))
    corners = [(at, y - 7), (at + 7, y), (at, y + 7), (at - 7, y)]
    return [*parts, marks.area(corners, hue, stroke="paper", width=1.2)]
