"""Hours of the week of two accounts, turned by the case's offset, and their overlap."""

from __future__ import annotations

import hashlib
import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from sockgraph.report import svg
from sockgraph.report.wording import thousands

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sockgraph.case import Case
    from sockgraph.report.facts import Account

HOURS = 168
LEAST_TURN = 3
TURNS = 24 - 2 * LEAST_TURN + 1  # of an hour: from 3 to 21
CELL = (12.0, 13.0)
RAMP = ("--h1", "--h2", "--h3", "--h4", "--h5")


def case_offset(case: Case) -> int:
    """Return by how many hours a case's page turns the week: a courtesy, not secrecy.

    Any day, and an hour of the day that is at least three off either way.
    """
    digest = hashlib.sha256(f"{case.slug}\n{case.id or ''}".encode()).digest()
    day, hour = divmod(int.from_bytes(digest[:4], "big") % (7 * TURNS), TURNS)
    return 24 * day + LEAST_TURN + hour


def week(times: np.ndarray, offset: int) -> np.ndarray:
    """Count edits by hour of the week, 7 days by 24 hours, turned by `offset` hours."""
    hours = times.astype("datetime64[h]").astype(np.int64) + offset
    return np.bincount(hours % HOURS, minlength=HOURS).reshape(7, 24)


def card(account: Account, number: int, offset: int) -> Markup:
    """Draw one account's week once; every figure that shows it refers to it by its number."""
    counts = week(account.times, offset)
    width, height = CELL
    most = int(counts.max(initial=0))
    said = f"n = {thousands(int(counts.sum()))}, max {thousands(most)} an hour"
    above = svg.text_width(account.label, bold=True) + svg.text_width(said, 12) > 24 * width
    parts = [svg.label((0, 2 if above else 16), account.label, "b")]
    parts.append(svg.label((24 * width, 16), said, "q", text_anchor="end"))
    parts += [
        svg.label((-6, 34 + height * d), f"d{d + 1}", "q", text_anchor="end") for d in range(7)
    ]
    parts += [svg.label((6 * q * width, 127), f"h{6 * q}", "q") for q in range(4)]
    return svg.element("g", Markup("").join([*parts, *_cells(counts, most)]), id=f"card-{number}")


def timecards(
    accounts: Sequence[Account], numbers: Sequence[int], strip: Sequence[Markup]
) -> Markup:
    """Show two accounts' weeks side by side, each on its own scale.

    Parameters
    ----------
    accounts, numbers
        The pair, and the numbers of their cards.
    strip
        What stands to the right: the pair's likeness on the reference's distribution.
    """
    places = zip((26.0, 382.0), numbers, strict=True)
    cards = [svg.element("use", href=f"#card-{n}", x=left) for left, n in places]
    title = f"Hours of the week of {accounts[0].user} and {accounts[1].user}"
    return svg.drawing((980, 130), title, [*cards, *strip])


def _cells(counts: np.ndarray, most: int) -> list[Markup]:
    """Draw one path a shade; the shade follows the square root of the count."""
    shades: dict[int, list[tuple[float, float, float, float]]] = {}
    for (d, h), count in np.ndenumerate(counts):
        shade = math.ceil(len(RAMP) * math.sqrt(count / most)) if count else 0
        inset = 0.5 if shade == 0 else 0.0
        x, y = h * CELL[0] + inset, 24 + d * CELL[1] + inset
        cell = (x, y, CELL[0] - 1 - 2 * inset, CELL[1] - 1 - 2 * inset)
        shades.setdefault(shade, []).append(cell)
    return [
        svg.path(
            svg.boxes(cells),
            style=f"fill:var({RAMP[shade - 1]})" if shade else "fill:none;stroke:var(--h1)",
        )
        for shade, cells in sorted(shades.items())
    ]


def strip(title: str, values: Sequence[tuple[float, float]], pair: float) -> list[Markup]:
    """Draw a pair's value on the distribution of reference pairs, in the space right of the cards.

    Parameters
    ----------
    values
        Quantile and value, ascending, of pairs of different reference accounts.
    pair
        The pair's own value.
    """
    left, right, base = 734.0, 970.0, 86.0
    low, high = _range([*(v for _, v in values), pair])
    scale = (right - left) / (high - low)
    place = left + (pair - low) * scale
    parts = [svg.label((left, 16), title, "b"), _density(values, (left, base), (low, scale))]
    parts.append(svg.line((left, base), (right, base), "l-strong"))
    for value in (low, (low + high) / 2, high):
        x = left + (value - low) * scale
        parts += [
            svg.line((x, base), (x, base + 4), "l-strong"),
            svg.label((x, base + 17), f"{value:.3g}", "q", text_anchor="middle"),
        ]
    n = svg.number
    parts.append(svg.path(f"M{n(place)},{n(base)} l6,-9 l-12,0 Z", "f-ink"))
    parts.append(svg.line((place, 40), (place, base - 8), "l-ink", stroke_width=2))
    end = "end" if place > (left + right) / 2 else "start"
    parts.append(
        svg.label((min(max(place, left), right), 36), f"this pair {pair:.2f}", "b", text_anchor=end)
    )
    return [*parts, svg.label((left, 122), "grey: different reference accounts", "q")]


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    if low >= 0 and high <= 1:
        return 0.0, 1.0
    step = 10.0 ** math.floor(math.log10(max(high - low, 1e-9)))
    return math.floor(low / step) * step, math.ceil(high / step) * step


def _density(
    values: Sequence[tuple[float, float]], origin: svg.Point, axis: tuple[float, float]
) -> Markup:
    """Draw the share of reference pairs by value: between two quantiles it is spread evenly."""
    (left, base), (low, scale) = origin, axis
    bins = np.zeros(48)
    width = 236.0 / len(bins)
    for (q0, v0), (q1, v1) in pairwise(values):
        start, end = (v0 - low) * scale / width, (v1 - low) * scale / width
        edges = np.arange(len(bins) + 1)
        covered = np.clip(np.minimum(edges[1:], end) - np.maximum(edges[:-1], start), 0, None)
        here = min(int(start), len(bins) - 1)
        bins += (
            (q1 - q0) * covered / (end - start)
            if end - start > 1e-9
            else (q1 - q0) * (edges[:-1] == here)
        )
    tall = bins / max(bins.max(), 1e-9) * 38
    cells = [(left + i * width, base - h, width, h) for i, h in enumerate(tall) if h > 0.05]
    return svg.path(svg.boxes(cells), style="fill:var(--h2)")
