"""The explorer's figures: the report's own waterfall and timeline, and timecards in UTC."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from sockgraph.desk.facts import DAYS
from sockgraph.report import svg
from sockgraph.report.timecards import RAMP
from sockgraph.report.waterfall import family_rows, page_scale, waterfall
from sockgraph.report.wording import thousands

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sockgraph.report.data import Link

CELL = 13.0
LEFT, TOP = 40.0, 26.0
LABELS = ("00", "06", "12", "18")


def link_waterfall(link: Link) -> Markup:
    """Draw one link's waterfall; empty where nothing was calibrated."""
    if link.log10_lr is None or link.score is None:
        return Markup("")
    rows = family_rows(link)
    return waterfall(link, rows, page_scale([(link, rows)]))


def week_card(counts: NDArray[np.int64], who: str, *, hollow: bool) -> Markup:
    """Draw an account's hours of the week in UTC, on its own scale: shade by root of the count.

    Parameters
    ----------
    counts
        (168,) edits, Monday 00:00 first.
    """
    week = counts.reshape(7, 24)
    most = int(week.max(initial=0))
    said = f"n = {thousands(int(week.sum()))}, max {thousands(most)} an hour"
    parts = [
        svg.dot((LEFT + 6, 12), 4.5, hollow=hollow),
        svg.label((LEFT + 18, 16), who, "b"),
        svg.label((LEFT + 24 * CELL, 16), said, "q", text_anchor="end"),
    ]
    for d, name in enumerate(DAYS):
        parts.append(svg.label((LEFT - 6, TOP + CELL * d + 10), name, "q", text_anchor="end"))
    for i, hour in enumerate(LABELS):
        parts.append(svg.label((LEFT + 6 * i * CELL, TOP + 7 * CELL + 14), hour, "q"))
    title = f"Edits of {who} by hour of the week, UTC"
    return svg.drawing(
        (LEFT + 24 * CELL, TOP + 7 * CELL + 20), title, [*parts, *_cells(week, most)]
    )


def _cells(week: NDArray[np.int64], most: int) -> list[Markup]:
    """Draw one path a shade; an hour without edits is an outlined cell."""
    shades: dict[int, list[tuple[float, float, float, float]]] = {}
    for (d, h), count in np.ndenumerate(week):
        shade = math.ceil(len(RAMP) * math.sqrt(count / most)) if count else 0
        inset = 0.5 if shade == 0 else 0.0
        x, y, side = LEFT + h * CELL + inset, TOP + d * CELL + inset, CELL - 1 - 2 * inset
        shades.setdefault(shade, []).append((x, y, side, side))
    styles = {s: f"fill:var({RAMP[s - 1]})" if s else "fill:none;stroke:var(--h1)" for s in shades}
    return [svg.path(svg.boxes(cells), style=styles[s]) for s, cells in sorted(shades.items())]
