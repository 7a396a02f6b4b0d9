"""How a pair's number stands among pairs known to be different people, and alone on its axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sockgraph.charts import marks
from sockgraph.charts.marks import Chart, Text
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


def colleagues(
    different: pd.DataFrame,
    axis: Axis,
    *,
    threshold: float | None = None,
    link: Mapping[str, Any] | pd.Series | None = None,
    width: float = 400.0,
) -> Chart:
    """Draw the log10 LRs of pairs known to be different people, and where one link stands.

    Parameters
    ----------
    different
        Rows of `held_out` of different people, alike in their pages.
    axis
        From which to which log10 LR; numbers beyond stand in the outermost bars.
    threshold
        What a flag asks of the low end.
    link
        A row of `links`; None where it has no number.
    width
        In pixels.

    Returns
    -------
    Chart
        Its table: `log10_lr` (a bar's middle) and `pairs`.
    """
    values = different["log10_lr"].to_numpy(float)
    edges = np.linspace(axis.low, axis.high, BINS + 1)
    counts, _ = np.histogram(np.clip(values, axis.low, axis.high), edges)
    ours = Axis(axis.low, axis.high, 2, width - 2)
    base, tall = 50.0, 30.0
    step = (width - 4) / BINS
    bars = [
        (2 + step * i, base - max(tall * n / max(counts.max(), 1), 1.5), max(step - 1.2, 1), h)
        for i, n in enumerate(counts)
        for h in [max(tall * n / max(counts.max(), 1), 1.5)]
        if n
    ]
    parts: list[Mark] = [marks.boxes(bars, "h3"), marks.line((0, base), (width, base), "ink-2")]
    parts += [
        Text((ours.x(tick), base + 15), plain(tick).removesuffix(".0"), "q", "middle")
        for tick in ours.ticks
    ]
    if threshold is not None:
        x = ours.x(threshold)
        parts.append(marks.line((x, 4), (x, base), "ink", dash=(3.0, 3.0)))
        parts.append(Text((x - 5, 13), f"{say('flag')} {plain(threshold)}", "s halo", "end"))
    if link is not None:
        at, hue = ours.x(float(link["log10_lr"])), hue_of(link)
        parts.append(marks.line((at, 30), (at, base), hue, width=2))
        parts += diamond(link, ours.x, 30, reach=width)
    table = pd.DataFrame({"log10_lr": (edges[1:] + edges[:-1]) / 2, "pairs": counts})
    title = say("{n} pairs known to be different people on the same pages", n=f"{len(values):,}")
    return Chart(table, title, (width, 68.0), tuple(parts))
