"""Tippett and ECE curves as drawings: ink only, since neither line is for or against anybody."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sockgraph.report import svg
from sockgraph.report.wording import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from markupsafe import Markup

    from sockgraph.report.svg import Point

WIDTH, HEIGHT = 468.0, 300.0
LEFT, TOP, RIGHT, BOTTOM = 56.0, 16.0, 454.0, 254.0
TALLEST = 1.3
DASHED, DOTTED = "7 4", "1.5 4"


@dataclass(frozen=True)
class Scale:
    """Where values lie on a drawing."""

    x: tuple[float, float]
    y: tuple[float, float]

    def at(self, x: float, y: float) -> Point:
        """Return a point's place in pixels, held inside the axes."""
        return self._across(x), self._up(y)

    def _across(self, x: float) -> float:
        low, high = self.x
        return LEFT + (min(max(x, low), high) - low) / (high - low) * (RIGHT - LEFT)

    def _up(self, y: float) -> float:
        low, high = self.y
        return BOTTOM - (min(max(y, low), high) - low) / (high - low) * (BOTTOM - TOP)


def tippett(curve: pd.DataFrame, n_different: int, title: str) -> Markup:
    """Draw the share of pairs at or above each log10 LR, with the limit 1/LR.

    Parameters
    ----------
    curve
        `log10_lr`, `same`, `different`.
    n_different
        Pairs of different people: below one of them the axis ends.
    title
        What a screen reader says.
    """
    floor = math.floor(math.log10(0.5 / max(n_different, 1)))
    xs = curve["log10_lr"].tolist()
    low, high = min(-1.0, *xs), max(1.0, *xs)
    scale = Scale((low - 0.05, high + 0.35), (floor, 0.15))
    parts = _grid(
        scale,
        [(float(k), plain(k).removesuffix(".0")) for k in range(math.ceil(low), int(high) + 1)],
        [(float(k), _percent(k)) for k in range(floor + 1, 1)],
    )
    beyond = [(high * k / 40, -high * k / 40) for k in range(41)]
    parts.append(_line(scale, beyond, ("l-strong", DOTTED)))
    limit = scale.at(high, -high)
    parts.append(svg.label((limit[0] + 5, limit[1] + 4), "1/LR", "q"))
    for name, dash in (("same", None), ("different", DASHED)):
        points = [(x, _log(s, floor)) for x, s in zip(xs, curve[name], strict=True)]
        parts.append(_line(scale, [*points, (xs[-1] + 0.02, float(floor))], ("l-ink", dash)))
    parts += _names(scale, "log10 LR", "pairs at or above")
    parts += _key(
        [("one operator", None, "l-ink"), ("different people", DASHED, "l-ink")], bottom=True
    )
    return svg.drawing((WIDTH, HEIGHT), title, parts)


def _log(share: float, floor: float) -> float:
    return max(math.log10(share), floor) if share > 0 else float(floor)


def _percent(power: int) -> str:
    return f"{100 * 10.0**power:g} %"


def ece(curve: pd.DataFrame, title: str) -> Markup:
    """Draw the empirical cross-entropy over prior odds: of these LRs, of the best, of none.

    Parameters
    ----------
    curve
        `log10_prior_odds`, `ece`, `ece_min`, `ece_null`.
    title
        What a screen reader says.
    """
    xs = curve["log10_prior_odds"].tolist()
    top = min(max(1.05, 1.1 * float(curve["ece"].max())), TALLEST)
    scale = Scale((xs[0], xs[-1]), (0.0, top))
    parts = _grid(
        scale,
        [(float(k), plain(k).removesuffix(".0")) for k in range(int(xs[0]), int(xs[-1]) + 1, 2)],
        [(k / 4, f"{k / 4:.2f}") for k in range(int(4 * top) + 1)],
    )
    parts.append(svg.line(scale.at(0, 0), scale.at(0, top), "l-strong"))
    shown = (("ece_null", DOTTED, "l-strong"), ("ece_min", DASHED, "l-ink"), ("ece", None, "l-ink"))
    for name, dash, cls in shown:
        points = list(zip(xs, curve[name].tolist(), strict=True))
        parts.append(_line(scale, points, (cls, dash)))
    parts += _names(scale, "log10 prior odds", "cross-entropy, bits")
    words = {"ece_null": "saying nothing", "ece": "these LRs", "ece_min": "best calibration"}
    parts += _key([(words[name], dash, cls) for name, dash, cls in reversed(shown)])
    return svg.drawing((WIDTH, HEIGHT), title, parts)


def _line(scale: Scale, points: Sequence[Point], look: tuple[str, str | None]) -> Markup:
    placed = (scale.at(x, y) for x, y in points)
    d = "M" + " L".join(f"{svg.number(x)},{svg.number(y)}" for x, y in placed)
    return svg.path(d, look[0], stroke_width=2, stroke_dasharray=look[1], stroke_linejoin="round")


def _grid(
    scale: Scale, across: Sequence[tuple[float, str]], up: Sequence[tuple[float, str]]
) -> list[Markup]:
    parts = []
    for value, words in across:
        x, _ = scale.at(value, scale.y[0])
        parts.append(svg.line((x, TOP), (x, BOTTOM)))
        parts.append(svg.label((x, BOTTOM + 17), words, "q", text_anchor="middle"))
    for value, words in up:
        _, y = scale.at(scale.x[0], value)
        parts.append(svg.line((LEFT, y), (RIGHT, y)))
        parts.append(svg.label((LEFT - 8, y + 4), words, "q", text_anchor="end"))
    return parts


def _names(scale: Scale, across: str, up: str) -> list[Markup]:
    middle = (LEFT + RIGHT) / 2
    del scale
    return [
        svg.label((middle, BOTTOM + 38), across, "s", text_anchor="middle"),
        svg.label((LEFT - 8, TOP - 6), up, "s", text_anchor="start", dx=-44),
    ]


def _key(lines: Sequence[tuple[str, str | None, str]], *, bottom: bool = False) -> list[Markup]:
    """Draw what each line is, where the curves leave room, on paper so that no grid crosses it."""
    high = 18.0 * len(lines) + 8
    top = BOTTOM - high - 6 if bottom else TOP + 8
    parts = [svg.box((LEFT + 8, top), (150, high), "f-paper")]
    for row, (words, dash, cls) in enumerate(lines):
        y = top + 14 + 18 * row
        start, end = (LEFT + 14, y), (LEFT + 44, y)
        parts.append(svg.line(start, end, cls, stroke_width=2, stroke_dasharray=dash))
        parts.append(svg.label((LEFT + 52, y + 4), words, "s"))
    return parts
