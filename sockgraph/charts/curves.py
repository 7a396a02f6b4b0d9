"""How numbers stand among a reference: one pair's place in it, and the Tippett and ECE curves.

Curves are ink only, since neither line is for or against anybody.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sockgraph.charts import marks
from sockgraph.charts.marks import DASHED, DOTTED, Chart, Point, Text, text_width
from sockgraph.charts.waterfall import Axis, diamond, hue_of, number_of
from sockgraph.reviews.words import plain
from sockgraph.strings import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sockgraph.charts.marks import Mark

BINS = 45
WIDTH, HEIGHT = 432.0, 300.0
LEFT, TOP, RIGHT, BOTTOM = 56.0, 16.0, 414.0, 254.0
TALLEST = 1.3
Curve = tuple[str, str, "Point | None", str]
"""A column, words, dashes, colour."""


def link_axis(link: Mapping[str, Any] | pd.Series, axis: Axis, width: float = 196.0) -> Chart:
    """Draw one link's number on an axis that all links of a page share.

    Parameters
    ----------
    link
        A row of `links` with a log10 LR.
    axis
        From which to which log10 LR.
    width
        In pixels.
    """
    ours = Axis(axis.low, axis.high, 6, width - 8)
    value, hue = float(link["log10_lr"]), hue_of(link)
    parts: list[Mark] = [marks.line((0, 12), (width, 12))]
    for tick in ours.ticks:
        x, reach = ours.x(tick), 3 if tick else 8
        parts.append(marks.line((x, 12 - reach), (x, 12 + reach), "rule-strong" if tick else "ink"))
        if tick % 2 == 0:
            parts.append(Text((x, 32), plain(tick).removesuffix(".0"), "q", "middle"))
    bar = sorted((ours.x(0), ours.x(value)))
    parts.append(marks.box((bar[0], 9.5), (bar[1] - bar[0], 5), hue))
    parts += diamond(link, ours.x, 12, reach=width)
    table = pd.DataFrame({"log10_lr": [value]})
    return Chart(table, f"log10 LR {number_of(link)}", (width, 34.0), tuple(parts))


def reference_strip(
    different: pd.DataFrame,
    *,
    threshold: float | None = None,
    link: Mapping[str, Any] | pd.Series | None = None,
    width: float = 350.0,
) -> Chart:
    """Draw how far pairs known to be different people stand out, and where one link stands.

    A flag asks for a standing above a threshold.

    Parameters
    ----------
    different
        Rows of `held_out` of different people, alike in their pages.
    threshold
        The standing that a flag must exceed; None where nothing can be flagged.
    link
        A row of `links`; None where it has no number.
    width
        In pixels.

    Returns
    -------
    Chart
        Its table: `standing` (a bar's middle) and `pairs`.
    """
    values = different["standing"].dropna().to_numpy(float)
    asked = threshold if threshold is not None and math.isfinite(threshold) else None
    ends = [*np.quantile(values, (0.001, 0.999)), *([asked] if asked is not None else []), 0.0]
    ends += [] if link is None else [float(link["standing"])]
    ours = Axis(min(ends) - 0.2, max(ends) + 0.3, 2, width - 2)
    counts, edges = np.histogram(
        np.clip(values, ours.low, ours.high), np.linspace(ours.low, ours.high, BINS + 1)
    )
    base, tall, step = 50.0, 30.0, (width - 4) / BINS
    highs = np.maximum(tall * counts / max(counts.max(), 1), 1.5)
    bars = [
        (2 + step * i, base - float(high), max(step - 1.2, 1.0), float(high))
        for i, (n, high) in enumerate(zip(counts, highs, strict=True))
        if n
    ]
    parts: list[Mark] = [marks.boxes(bars, "h3"), marks.line((0, base), (width, base), "ink-2")]
    for tick in ours.ticks:
        words = plain(tick).removesuffix(".0")
        half = text_width(words) / 2 + 1  # near an end the words stay inside
        x = min(max(ours.x(tick), half), width - half)
        parts.append(Text((x, base + 15), words, "q", "middle"))
    if asked is not None:
        x = ours.x(asked)
        parts.append(marks.line((x, 4), (x, base), "ink", dash=(3.0, 3.0)))
        parts.append(Text((x - 5, 13), f"{say('flag')} {plain(asked)}", "s halo", "end"))
    if link is not None:
        at, hue = ours.x(float(link["standing"])), hue_of(link)
        parts.append(marks.line((at, 30), (at, base), hue, width=2))
        corners = [(at, 21.0), (at + 7, 28.0), (at, 35.0), (at - 7, 28.0)]
        parts.append(marks.area(corners, hue, stroke="paper", width=1.2))
    table = pd.DataFrame({"standing": (edges[1:] + edges[:-1]) / 2, "pairs": counts})
    title = say("{n} pairs known to be different people on the same pages", n=f"{len(values):,}")
    return Chart(table, title, (width, 68.0), tuple(parts))


@dataclass(frozen=True)
class Axes:
    """Where values lie on a drawing."""

    x: tuple[float, float]
    y: tuple[float, float]

    def at(self, x: float, y: float) -> Point:
        """Return a point's place in pixels, held inside the axes."""
        (low, high), (bottom, top) = self.x, self.y
        across = (min(max(x, low), high) - low) / (high - low)
        up = (min(max(y, bottom), top) - bottom) / (top - bottom)
        return LEFT + across * (RIGHT - LEFT), BOTTOM - up * (BOTTOM - TOP)


def tippett(curve: pd.DataFrame, *, n_same: int, n_different: int) -> Chart:
    """Draw the share of pairs at or above each log10 LR, with the limit 1/LR.

    Parameters
    ----------
    curve
        `log10_lr`, `same`, `different`, from `evaluation.metrics.tippett`.
    n_same, n_different
        Pairs of either kind: the axis ends below one different pair.
    """
    floor = math.floor(math.log10(0.5 / max(n_different, 1)))
    xs = curve["log10_lr"].tolist()
    low, high = min(-1.0, *xs), max(1.0, *xs)
    plane = Axes((low - 0.05, high + 0.35), (floor, 0.15))
    parts = _grid(
        plane,
        [(float(k), plain(k).removesuffix(".0")) for k in range(math.ceil(low), int(high) + 1)],
        [(float(k), f"{100 * 10.0**k:g} %") for k in range(floor + 1, 1)],
    )
    beyond = [(high * k / 40, -high * k / 40) for k in range(41)]
    parts.append(_line(plane, beyond, "rule-strong", DOTTED))
    limit = plane.at(high, -high)
    parts.append(Text((limit[0] + 5, limit[1] + 4), "1/LR", "q"))
    shown: list[Curve] = [
        ("same", "one operator", None, "ink"),
        ("different", "different people", DASHED, "ink"),
    ]
    for name, _, dash, stroke in shown:
        points = [(x, _log(s, floor)) for x, s in zip(xs, curve[name], strict=True)]
        parts.append(_line(plane, [*points, (xs[-1] + 0.02, float(floor))], stroke, dash))
    parts += [*_names("log10 LR", "pairs at or above"), *_key(shown, bottom=True)]
    return Chart(
        curve,
        "Tippett curves: how far likelihood ratios go, by truth",
        (WIDTH, HEIGHT),
        tuple(parts),
        heading="How far likelihood ratios go, by truth (Tippett)",
        below=(_pairs(n_same, n_different),),
        note="Calibrated: the dashed line stays under the dotted. The axis ends at one pair.",
    )


def _pairs(n_same: int, n_different: int) -> str:
    return f"n = {n_same:,} pairs with one operator, {n_different:,} with different ones."


def _log(share: float, floor: float) -> float:
    return max(math.log10(share), floor) if share > 0 else float(floor)


def ece(curve: pd.DataFrame, *, n_same: int, n_different: int) -> Chart:
    """Draw the empirical cross-entropy over prior odds: of these LRs, of the best, of none.

    Parameters
    ----------
    curve
        `log10_prior_odds`, `ece`, `ece_min`, `ece_null`, from `evaluation.metrics.ece`.
    n_same, n_different
        Pairs of either kind.
    """
    xs = curve["log10_prior_odds"].tolist()
    top = min(max(1.05, 1.1 * float(curve["ece"].max())), TALLEST)
    plane = Axes((xs[0], xs[-1]), (0.0, top))
    parts = _grid(
        plane,
        [(float(k), plain(k).removesuffix(".0")) for k in range(int(xs[0]), int(xs[-1]) + 1, 2)],
        [(k / 4, f"{k / 4:.2f}") for k in range(int(4 * top) + 1)],
    )
    parts.append(marks.line(plane.at(0, 0), plane.at(0, top), "rule-strong"))
    shown: list[Curve] = [
        ("ece", "these LRs", None, "ink"),
        ("ece_min", "best calibration", DASHED, "ink"),
        ("ece_null", "saying nothing", DOTTED, "rule-strong"),
    ]
    for name, _, dash, stroke in reversed(shown):
        parts.append(_line(plane, zip(xs, curve[name].tolist(), strict=True), stroke, dash))
    parts += [*_names("log10 prior odds", "cross-entropy, bits"), *_key(shown)]
    return Chart(
        curve,
        "Empirical cross-entropy: what likelihood ratios cost, over priors",
        (WIDTH, HEIGHT),
        tuple(parts),
        heading="What likelihood ratios cost, over priors (ECE)",
        below=(_pairs(n_same, n_different),),
        note="At odds of 1: Cllr. Solid above dashed: lost to calibration; above dotted: harm.",
    )


def _line(plane: Axes, points: Iterable[Point], stroke: str, dash: Point | None) -> Mark:
    return marks.curve((plane.at(x, y) for x, y in points), stroke, width=2, dash=dash)


def _grid(
    plane: Axes, across: Sequence[tuple[float, str]], up: Sequence[tuple[float, str]]
) -> list[Mark]:
    parts: list[Mark] = []
    for value, words in across:
        x, _ = plane.at(value, plane.y[0])
        parts.append(marks.line((x, TOP), (x, BOTTOM)))
        parts.append(Text((x, BOTTOM + 17), words, "q", "middle"))
    for value, words in up:
        _, y = plane.at(plane.x[0], value)
        parts.append(marks.line((LEFT, y), (RIGHT, y)))
        parts.append(Text((LEFT - 8, y + 4), words, "q", "end"))
    return parts


def _names(across: str, up: str) -> list[Mark]:
    middle = (LEFT + RIGHT) / 2
    return [Text((middle, BOTTOM + 38), across, "s", "middle"), Text((4, TOP - 6), up, "s")]


def _key(lines: Sequence[Curve], *, bottom: bool = False) -> list[Mark]:
    """Draw what each line is, where the curves leave room, on paper so that no grid crosses it."""
    high = 18.0 * len(lines) + 8
    top = BOTTOM - high - 6 if bottom else TOP + 8
    parts: list[Mark] = [marks.box((LEFT + 8, top), (128, high), "paper")]
    for row, (_, words, dash, stroke) in enumerate(lines):
        y = top + 14 + 18 * row
        parts.append(marks.line((LEFT + 12, y), (LEFT + 32, y), stroke, width=2, dash=dash))
        parts.append(Text((LEFT + 38, y + 4), words, "s"))
    return parts
