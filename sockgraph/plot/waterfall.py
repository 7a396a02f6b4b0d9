"""What each family of evidence adds, for and against one operator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
from matplotlib.patches import Polygon, Rectangle

from sockgraph.errors import SockgraphError
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
    signed,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HYPOTHESES = "H1: one operator. H2: different people of the same community."
WIDTH, ROW, LEFT, RIGHT = 6.8, 0.34, 1.75, 0.75  # inches
ACROSS = WIDTH - LEFT - RIGHT
NAMES, NUMBERS = -(LEFT - 0.15) / ACROSS, 1 + (RIGHT - 0.15) / ACROSS  # shares of the axes
TIP = 0.08  # of the bar's point, log10 LR


@dataclass(frozen=True)
class Step:
    """One row: what it is, where it starts and ends; no number where it could not speak."""

    name: str
    note: str
    start: float
    end: float | None
    outlined: bool = False


def waterfall(
    link: Mapping[str, Any] | pd.Series, evidence: pd.DataFrame, *, style: Style = LIGHT
) -> Figure:
    """Draw how the families of evidence add up to a pair's score, and its log10 LR with interval.

    Parameters
    ----------
    link
        A row of the `links` table.
    evidence
        The `evidence` table; rows of other pairs are ignored. Families add their contributions;
        what is left of the score is the model's baseline.
    style
        Colours.

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
    steps = _steps(link, rows)
    height = 1.15 + ROW * (len(steps) + 1.3) + 0.35
    figure = new_figure(WIDTH, height, style)
    headline(figure, style, f"{link['user_a']} \N{EN DASH} {link['user_b']}", [_sentence(link)])
    size = (ACROSS, ROW * (len(steps) + 1.3))
    axes = bare_axes(figure, style, (LEFT, 0.55, *size))
    _scale(axes, style, link, steps)
    for row, step in enumerate(steps):
        _row(axes, style, row, step)
        if step.end is None:
            _texture(axes, style, (row, step.note), _limits(link))
        else:
            axes.add_patch(_bar(style, row, step))
    _connect(axes, style, steps)
    _sum(axes, style, len(steps), link)
    footnote(figure, style, HYPOTHESES + " Each step of 1 is a factor of 10.")
    return finish(figure)


def _steps(link: Mapping[str, Any] | pd.Series, rows: pd.DataFrame) -> list[Step]:
    """Return baseline, families against, families for, those that could not speak, the bound."""
    adds = rows.groupby("family")["contribution"].sum(min_count=1)
    heard = set(rows.loc[rows["status"] == "ok", "family"])
    spoken = adds[adds.index.isin(heard)].dropna()
    score = link["score"]
    if pd.isna(score):
        spoken = spoken.iloc[:0]
    at = 0.0 if pd.isna(score) else float(score - adds.loc[spoken.index].sum())
    steps = (
        []
        if pd.isna(score)
        else [Step("Baseline", "no evidence of its own", 0.0, at, outlined=True)]
    )
    for family, value in spoken.sort_values().items():
        steps.append(Step(str(family).capitalize(), _support(rows, family), at, at + value))
        at += value
    silent = sorted(set(rows["family"]) - set(spoken.index))
    steps += [Step(f.capitalize(), _silence(rows, f), at, None) for f in silent]
    held = link["log10_lr"]
    if pd.notna(held) and abs(held - at) > 0.05:
        steps.append(
            Step("Held at the bound", "what the reference supports", at, held, outlined=True)
        )
    return steps


def _support(rows: pd.DataFrame, family: object) -> str:
    count = int((rows.loc[rows["family"] == family, "status"] == "ok").sum())
    return f"{count} signal{'s' if count > 1 else ''}"


def _silence(rows: pd.DataFrame, family: object) -> str:
    statuses = set(rows.loc[rows["family"] == family, "status"])
    return "not available" if statuses == {"not_available"} else "insufficient"


def _limits(link: Mapping[str, Any] | pd.Series) -> tuple[float, float]:
    bounds = link["bound_low"], link["bound_high"]
    return (-3.0, 3.0) if pd.isna(bounds[0]) or pd.isna(bounds[1]) else bounds


def _sentence(link: Mapping[str, Any] | pd.Series) -> str:
    if pd.isna(link["log10_lr"]):
        return f"Evidence is {link['band']}: no log10 LR."
    low, high = link["log10_lr_low"], link["log10_lr_high"]
    interval = "" if pd.isna(low) else f" [{plain(low)}, {plain(high)}]"
    bound = link["bound_low"] if link["log10_lr"] < 0 else link["bound_high"]
    held = "" if pd.isna(bound) else f", bound {plain(bound)}"
    return f"log10 LR {plain(link['log10_lr'])}{interval}{held}: {link['band']}"


def _scale(
    axes: Axes, style: Style, link: Mapping[str, Any] | pd.Series, steps: list[Step]
) -> None:
    low, high = _limits(link)
    ends = [e for s in steps for e in (s.start, s.end) if e is not None]
    left, right = min(low, *ends) - 0.35, max(high, *ends) + 0.35
    axes.set_xlim(left, right)
    axes.set_ylim(len(steps) + 0.8, -0.5)
    ticks = range(int(left) - (left < int(left)) + 1, int(right) + 1)
    axes.set_xticks(list(ticks), [plain(t, 0) for t in ticks])
    axes.set_yticks([])
    axes.grid(axis="x", color=style.rule, linewidth=0.7)
    axes.axvline(0, color=style.ink, linewidth=0.9, zorder=1.5)
    if pd.notna(link["bound_low"]):
        for edge, end, side in ((low, left, "right"), (high, right, "left")):
            axes.axvspan(edge, end, color=style.panel, zorder=0)
            axes.axvline(edge, color=style.rule_strong, linewidth=0.8, linestyle=":")
            axes.text(
                edge,
                -0.6,
                f"bound {plain(edge)}",
                size=SMALL,
                color=style.ink_3,
                ha=side,
                va="bottom",
            )
    arrows = (
        (-0.12, "\N{BLACK LEFT-POINTING TRIANGLE} against", style.evidence_against, "right"),
        (0.12, "for \N{BLACK RIGHT-POINTING TRIANGLE}", style.evidence_for, "left"),
    )
    for x, text, color, side in arrows:
        axes.text(x, -0.6, text, size=SMALL, color=color, weight="bold", ha=side, va="bottom")


def _row(axes: Axes, style: Style, row: int, step: Step) -> None:
    weight = "normal" if step.outlined or step.end is None else "bold"
    side = axes.get_yaxis_transform()
    margin: dict[str, Any] = {"transform": side, "va": "center"}
    axes.text(NAMES, row - 0.14, step.name, size=SIZE, weight=weight, color=style.ink, **margin)
    axes.text(NAMES, row + 0.24, step.note, size=SMALL - 1, color=style.ink_3, **margin)
    value = None if step.end is None else step.end - step.start
    axes.text(
        NUMBERS,
        row,
        signed(value),
        size=SIZE,
        weight=weight,
        ha="right",
        color=style.ink_3 if value is None else style.hue(value),
        **margin,
    )


def _bar(style: Style, row: int, step: Step) -> Polygon:
    """Return a bar whose pointed end gives the direction."""
    start, end = step.start, step.end or 0.0
    tip = min(TIP, abs(end - start)) * (1 if end >= start else -1)
    top, bottom = row - 0.25, row + 0.25
    corners = [(start, top), (end - tip, top), (end, row), (end - tip, bottom), (start, bottom)]
    hue = style.hue(end - start)
    return Polygon(
        corners,
        facecolor=style.paper if step.outlined else hue,
        edgecolor=hue,
        linewidth=1.1,
        zorder=3,
    )


def _texture(axes: Axes, style: Style, label: tuple[int, str], limits: tuple[float, float]) -> None:
    """Hatch from bound to bound: it could have spoken anywhere."""
    row, note = label
    low, high = limits
    axes.add_patch(
        Rectangle(
            (low, row - 0.25),
            high - low,
            0.5,
            facecolor=style.hatch_paper,
            edgecolor=style.hatch,
            hatch="////",
            linewidth=0.7,
            zorder=2,
        )
    )
    axes.text(
        (low + high) / 2,
        row,
        note,
        size=SMALL,
        color=style.ink_2,
        ha="center",
        va="center",
        bbox={"facecolor": style.paper, "edgecolor": style.hatch, "linewidth": 0.7, "pad": 2},
        zorder=4,
    )


def _connect(axes: Axes, style: Style, steps: list[Step]) -> None:
    """Join each step's end to the next one's start."""
    at = [(row, step.end) for row, step in enumerate(steps) if step.end is not None]
    for row, end in at:
        axes.plot([end, end], [row + 0.25, row + 0.75], color=style.rule_strong, linewidth=0.8)


def _sum(axes: Axes, style: Style, row: int, link: Mapping[str, Any] | pd.Series) -> None:
    side: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "center"}
    axes.text(NAMES, row + 0.1, "All evidence", size=SIZE, weight="bold", color=style.ink, **side)
    value = link["log10_lr"]
    note = "no log10 LR" if pd.isna(value) else "with interval"
    axes.text(NAMES, row + 0.48, note, size=SMALL - 1, color=style.ink_3, **side)
    color = style.ink_3 if pd.isna(value) else style.hue(value)
    axes.text(
        NUMBERS, row + 0.1, signed(value), size=SIZE, weight="bold", ha="right", color=color, **side
    )
    if pd.isna(value):
        return
    if pd.notna(link["log10_lr_low"]):
        ends = [link["log10_lr_low"], link["log10_lr_high"]]
        axes.plot(ends, [row + 0.1] * 2, color=style.ink, linewidth=1.6, marker="|", ms=8, zorder=4)
    axes.plot(value, row + 0.1, marker="D", ms=8, color=color, mec=style.paper, zorder=5)
