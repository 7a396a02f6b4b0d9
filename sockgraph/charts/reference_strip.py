"""How a pair's number stands among pairs known to be different people, and alone on its axis."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sockgraph.charts import marks
from sockgraph.charts.marks import Chart, Text, text_width
from sockgraph.charts.waterfall import Axis, diamond, hue_of, number_of
from sockgraph.reviews.words import plain
from sockgraph.strings import say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sockgraph.charts.marks import Mark

BINS = 45


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
