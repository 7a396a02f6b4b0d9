"""Every pair's number in one staircase, for as many accounts as can be read in one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockgraph.report import svg
from sockgraph.report.wording import signed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

    from sockgraph.report.data import Link, Pair

NARROW, WIDE, TOP = 466.0, 980.0, 42.0
MOST = 24
KEY_WIDTH, KEY_BOTTOM = 198.0, 98.0
PALE = {"for": "fill:var(--for-pale)", "against": "fill:var(--against-pale)"}
KEY = (
    ("fill:var(--for-pale)", "speaks for one operator"),
    ("fill:var(--against-pale)", "speaks against"),
    (None, "interval includes 0"),
    (svg.HATCH, "too few edits"),
)


def staircase(users: Mapping[str, str], links: Mapping[Pair, Link], width: float) -> Markup:
    """Draw the staircase of some accounts.

    Parameters
    ----------
    users
        The accounts in the order of rows and columns, and how figures write them.
    links
        Every link, by its pair in alphabetical order.
    width
        The drawing's: `fits` tells what is needed.
    """
    names, cell = list(users), _cell(users, width)
    parts = [svg.label((2, TOP - 13), users[names[0]], "b")]
    for i in range(1, len(names)):
        y = TOP + (cell[1] + 2) * (i - 1)
        for j in range(i):
            link = links.get((min(names[i], names[j]), max(names[i], names[j])))
            parts += _drawn(link, ((cell[0] + 2) * j, y), cell)
        at = ((cell[0] + 2) * i + 2, y + cell[1] / 2 + 5)
        parts.append(svg.label(at, users[names[i]], "b"))
    below = TOP + (cell[1] + 2) * max(len(names) - 1, 0)
    beside = _room(list(users.values()), cell, width - KEY_WIDTH)
    parts += _key(width - KEY_WIDTH if beside else 0, 10.0 if beside else below + 14)
    bottom = max(below, 98.0) if beside else below + 98
    return svg.drawing((width, bottom), "log10 LR of every pair of nominated accounts", parts)


def fits(users: Mapping[str, str], width: float) -> bool:
    """Tell whether a staircase of that width has cells large enough for their numbers."""
    return _cell(users, width)[0] >= 38


def _cell(users: Mapping[str, str], width: float) -> tuple[float, float]:
    """Return a cell's size: as large as the mock's if every row's name still fits beside it."""
    wide = [svg.text_width(label, bold=True) for label in users.values()]
    room = [(width - w - 4) / i - 2 for i, w in enumerate(wide) if i]
    return max(min(48.0, *room, 48.0), 24.0), 32.0 if len(users) <= 10 else 24.0


def _room(labels: Sequence[str], cell: tuple[float, float], left: float) -> bool:
    """Tell whether the key fits to the right of the first rows and their names."""
    width, height = cell
    rows = [0, *(i for i in range(1, len(labels)) if TOP + (height + 2) * (i - 1) < KEY_BOTTOM)]
    return max((width + 2) * i + 4 + svg.text_width(labels[i], bold=True) for i in rows) < left - 6


def _drawn(link: Link | None, at: svg.Point, size: tuple[float, float]) -> list[Markup]:
    (x, y), (width, height) = at, size
    if link is None:
        return []
    if link.insufficient:
        return [svg.box(at, size, style=svg.HATCH)]
    parts = [_ground(link, at, size)]
    bold = link.direction in PALE
    text = signed(link.log10_lr)
    at_text = (x + width / 2, y + height / 2 + 5)
    parts.append(svg.label(at_text, text, "b" if bold else "s", text_anchor="middle"))
    return [*parts, *_frame(link, at, size)]


def _ground(link: Link, at: svg.Point, size: tuple[float, float]) -> Markup:
    if link.direction in PALE:
        return svg.box(at, size, style=PALE[link.direction])
    (x, y), (width, height) = at, size
    return svg.box((x + 0.5, y + 0.5), (width - 1, height - 1), "l-rule")


def _frame(link: Link, at: svg.Point, size: tuple[float, float]) -> list[Markup]:
    (x, y), (width, height) = at, size
    parts = []
    if link.flagged or link.state == "asserted":
        dashes = None if link.flagged else "4 3"
        inner = svg.box(
            (x + 1, y + 1),
            (width - 2, height - 2),
            "l-ink",
            stroke_width=2,
            stroke_dasharray=dashes,
        )
        parts.append(inner)
    if link.apart:
        cross = f"M{svg.number(x + width - 9)},{svg.number(y + 3)} l6,6 m0,-6 l-6,6"
        parts.append(svg.path(cross, "l-ink", stroke_width=1.8))
    return parts


def _key(left: float, top: float) -> list[Markup]:
    parts = []
    for i, (style, words) in enumerate(KEY):
        y = top + 22 * i
        if style is None:
            parts.append(svg.box((left + 0.5, y + 0.5), (23, 15), "l-rule"))
        else:
            parts.append(svg.box((left, y), (24, 16), style=style))
        parts.append(svg.label((left + 32, y + 12), words, "s"))
    return parts
