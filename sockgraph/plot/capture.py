"""How many effective hands a community's work is in, over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib.dates as mdates
import numpy as np
import pandas as pd
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

from sockgraph.plot.style import (
    LIGHT,
    SIZE,
    SMALL,
    Style,
    bare_axes,
    finish,
    footnote,
    headline,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW = 1.5


def capture_plot(table: pd.DataFrame, *, style: Style = LIGHT) -> Figure:
    """Draw the effective number of hands of each activity over time, with its interval.

    Parameters
    ----------
    table
        `Capture.table`; periods that are insufficient are marks on the axis.
    style
        Colours.
    """
    activities = list(dict.fromkeys(table["activity"]))
    height = 1.15 + ROW * max(len(activities), 1)
    figure = new_figure(6.8, height, style)
    below = [
        "of order 2, with 95 % intervals; filled: every account apart; hollow: accounts of one"
    ]
    below += ["group or in concert as one; the crosses on the axis: too few events"]
    headline(figure, style, "Effective number of hands", below)
    days = table["period"] + pd.Timedelta(days=45)
    room = pd.Timedelta(days=60)
    ends: Any = (days.min() - room, days.max() + room)
    for at, activity in enumerate(activities):
        box = (1.15, height - 0.85 - ROW * (at + 1) + 0.35, 5.4, ROW - 0.4)
        axes = bare_axes(figure, style, box)
        axes.set_yscale("log")
        axes.text(
            -0.19, 0.5, activity, size=SIZE, weight="bold", color=style.ink,
            transform=axes.transAxes, va="center",
        )  # fmt: skip
        axes.set_xlim(*ends)
        _activity(axes, table[table["activity"] == activity], style)
        places = mdates.AutoDateLocator(maxticks=8)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(places)
        form = mdates.ConciseDateFormatter(places, show_offset=False)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_formatter(form)
    if not activities:
        footnote(figure, style, "Nothing to count.")
    return finish(figure)


def _activity(axes: Axes, table: pd.DataFrame, style: Style) -> None:
    known = table[table["status"] == "ok"]
    for counted, face, shift in (("accounts", style.ink, 0), ("hands", style.paper, 12)):
        rows = known[known["counted"] == counted]
        days = rows["period"] + pd.Timedelta(days=45 + shift)
        look: dict[str, Any] = {"color": style.ink, "zorder": 3}
        axes.vlines(days, rows["low"], rows["high"], color=style.ramp[3], lw=1.2)
        axes.plot(days, rows["effective"], ls="none", marker="o", ms=4.5, mfc=face, **look)
    few = table[(table["status"] != "ok") & (table["counted"] == "accounts")]
    top = float(np.nanmax([*known["high"], *known["effective"], 2.0]))
    axes.set_ylim(0.8, top * 1.3)
    at = few["period"] + pd.Timedelta(days=45)
    axes.plot(at, [0.85] * len(few), ls="none", marker="x", ms=3, color=style.hatch, clip_on=False)
    steps = [step for step in (1, 3, 10, 30, 100, 300, 1000, 3000) if step <= top * 1.3]
    axes.set_yticks(steps)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.grid(visible=True, axis="y", color=style.rule, lw=0.6)
    axes.tick_params(labelsize=SMALL)
