"""Whether log10 LRs mean what they say, on labels or on split histories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

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
    plain,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FLOOR = 1e-5  # where a share of no pair at all is drawn


def tippett_plot(
    curve: pd.DataFrame, *, n_same: int, n_different: int, style: Style = LIGHT
) -> Figure:
    """Draw the shares of pairs at or above each log10 LR, with the limit 1/LR for different pairs.

    Parameters
    ----------
    curve
        What `evaluate.tippett` returns.
    n_same, n_different
        Pairs of either kind.
    style
        Colours.
    """
    figure = new_figure(6.8, 3.9, style)
    said = f"n = {n_same:,} pairs with one operator, {n_different:,} with different ones."
    headline(figure, style, "How far likelihood ratios go, by truth (Tippett)", [said])
    axes = bare_axes(figure, style, (0.75, 0.85, 5.0, 2.3))
    floor = min(FLOOR, 0.5 / n_different)
    x = curve["log10_lr"].to_numpy()
    low, high = min(-1.0, float(x.min())), max(1.0, float(x.max()))
    shown: tuple[tuple[str, Any], ...] = (("same", "-"), ("different", (0, (4, 2))))
    at = np.append(x, x[-1] + 0.02 * (high - low))
    for name, dashes in shown:
        share = np.maximum(np.append(curve[name].to_numpy(), 0.0), floor)
        axes.step(at, share, where="pre", color=style.ink, linewidth=1.6, linestyle=dashes)
    _label(axes, style, (x, curve["same"].to_numpy()), "one operator")
    _label(axes, style, (x, curve["different"].to_numpy()), "different operators")
    beyond = np.linspace(0, high + 0.5, 50)
    axes.plot(beyond, 10**-beyond, color=style.ink_3, linewidth=1, linestyle=":")
    axes.set(xlim=(low - 0.1, high + 0.6), ylim=(floor, 1.6), yscale="log")
    axes.text(high + 0.62, 10 ** -(high + 0.5), "1/LR", size=SMALL, color=style.ink_3, va="center")
    powers = range(int(np.floor(np.log10(floor))) + 1, 1)
    axes.set_yticks([10.0**p for p in powers], [_percent(p) for p in powers])
    axes.set_yticks([], minor=True)
    _grid(axes, style, range(int(np.ceil(low)), int(high) + 1), ("log10 LR", "pairs at or above"))
    note = "Calibrated: the dashed line stays below the dotted one. The axis ends where no pair is."
    footnote(figure, style, note)
    return finish(figure)


def ece_plot(curve: pd.DataFrame, *, n_same: int, n_different: int, style: Style = LIGHT) -> Figure:
    """Draw the empirical cross-entropy over prior odds: of these LRs, of the best, of none.

    Parameters
    ----------
    curve
        What `evaluate.ece` returns.
    n_same, n_different
        Pairs of either kind.
    style
        Colours.
    """
    figure = new_figure(6.8, 3.9, style)
    said = f"n = {n_same:,} pairs with one operator, {n_different:,} with different ones."
    headline(figure, style, "What likelihood ratios cost, over priors (ECE)", [said])
    axes = bare_axes(figure, style, (0.75, 0.85, 5.0, 2.3))
    x = curve["log10_prior_odds"].to_numpy()
    shown: tuple[tuple[str, Any, str, str], ...] = (
        ("ece_null", ":", style.ink_3, "saying nothing"),
        ("ece", "-", style.ink, "these LRs"),
        ("ece_min", (0, (4, 2)), style.ink, "best calibration"),
    )
    top = 1.25 * max(1.0, float(np.median(curve["ece"])))
    for name, dashes, color, _ in shown:
        axes.plot(x, curve[name], color=color, linewidth=1.6, linestyle=dashes)
    axes.set(xlim=(x[0], x[-1]), ylim=(0, min(top, 2.0)))
    for row, (_, dashes, color, label) in enumerate(shown):
        y = 0.95 - 0.09 * row
        key: dict[str, Any] = {"transform": axes.transAxes}
        axes.plot([0.02, 0.085], [y, y], color=color, linewidth=1.6, linestyle=dashes, **key)
        axes.text(0.1, y, label, size=SMALL, color=style.ink_2, va="center", **key)
    steps = np.arange(0, min(top, 2.0) + 0.01, 0.5)
    axes.set_yticks(steps, [f"{s:.1f}" for s in steps])
    axes.axvline(0, color=style.rule_strong, linewidth=0.8)
    _grid(axes, style, range(int(x[0]), int(x[-1]) + 1, 2), ("log10 prior odds", "ECE, bits"))
    note = "At odds of 1 it is Cllr. Solid above dashed: lost to calibration; above dotted: harm."
    footnote(figure, style, note)
    return finish(figure)


def _label(axes: Axes, style: Style, line: tuple[np.ndarray, np.ndarray], label: str) -> None:
    """Label a falling line below its middle, where the other line is not."""
    x, y = line
    here = min(int(np.searchsorted(x, (x[0] + x[-1]) / 2)), len(x) - 1)
    near: dict[str, Any] = {"xytext": (-4, -5), "textcoords": "offset points", "va": "top"}
    axes.annotate(label, (x[here], y[here]), size=SMALL, color=style.ink_2, ha="right", **near)


def _percent(power: int) -> str:
    return f"{100 * 10.0**power:g} %"


def _grid(axes: Axes, style: Style, ticks: range, names: tuple[str, str]) -> None:
    across, up = names
    axes.set_xticks(list(ticks), [plain(t, 0) for t in ticks])
    axes.grid(color=style.rule, linewidth=0.7)
    axes.set_xlabel(across, size=SIZE, color=style.ink)
    axes.set_ylabel(up, size=SIZE, color=style.ink)
