"""Tippett and ECE curves: ink only, since neither line is for or against anybody."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sockgraph.charts import marks
from sockgraph.charts.marks import DASHED, DOTTED, Chart, Point, Text
from sockgraph.reviews.words import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from sockgraph.charts.marks import Mark

WIDTH, HEIGHT = 432.0, 300.0
LEFT, TOP, RIGHT, BOTTOM = 56.0, 16.0, 414.0, 254.0
TALLEST = 1.3
Curve = tuple[str, str, "Point | None", str]
"""A column, words, dashes, colour."""


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
        `log10_lr`, `same`, `different`, from `sockgraph.evaluation.tippett`.
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
        `log10_prior_odds`, `ece`, `ece_min`, `ece_null`, from `sockgraph.evaluation.ece`.
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
    parts: list[Mark] = [marks.box((LEFT + 8, top), (150, high), "paper")]
    for row, (_, words, dash, stroke) in enumerate(lines):
        y = top + 14 + 18 * row
        parts.append(marks.line((LEFT + 14, y), (LEFT + 44, y), stroke, width=2, dash=dash))
        parts.append(Text((LEFT + 52, y + 4), words, "s"))
    return parts
