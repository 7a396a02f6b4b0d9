"""Every pair's number in one staircase, for as many accounts as can be read in one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockgraph.report import svg
from sockgraph.report.words import signed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

    from sockgraph.report.data import Link, Pair

WIDTH, TOP = 466.0, 42.0
MOST = 24
KEY_LEFT, KEY_BOTTOM = 268.0, 98.0
PALE = {"for": "fill:var(--for-pale)", "against": "fill:var(--against-pale)"}
KEY = (
    ("fill:var(--for-pale)", "speaks for one operator"),
    ("fill:var(--against-pale)", "speaks against"),
    (None, "interval includes 0"),
    (svg.HATCH, "too few edits"),
)


def staircase(users: Sequence[str], links: Mapping[Pair, Link]) -> Markup:
    """Draw the staircase of some accounts.

    Parameters
    ----------
    users
        The accounts, in the order of rows and columns.
    links
        Every link, by its pair in alphabetical order.
    """
    n = len(users)
    width, height = _cell(users)
    parts = [svg.label((2, TOP - 13), users[0], "b")] if users else []
    for i in range(1, n):
        y = TOP + (height + 2) * (i - 1)
        for j in range(i):
            link = links.get((min(users[i], users[j]), max(users[i], users[j])))
            parts += _drawn(link, ((width + 2) * j, y), (width, height))
        parts.append(svg.label(((width + 2) * i + 2, y + height / 2 + 5), users[i], "b"))
    below = TOP + (height + 2) * max(n - 1, 0)
    top = 10.0 if _room(users, (width, height)) else below + 14
    parts += _key(KEY_LEFT if top == 10 else 0, top)
    bottom = max(below, top + 84)
    return svg.drawing((WIDTH, bottom), "log10 LR of every pair of nominated accounts", parts)


def _cell(users: Sequence[str]) -> tuple[float, float]:
    """Return a cell's size: as large as the mock's for eight accounts, smaller for more."""
    longest = max((svg.text_width(u, bold=True) for u in users[-2:]), default=0.0)
    room = (WIDTH - min(longest, 200)) / max(len(users) - 1, 1) - 2
    width = max(min(48.0, room), 30.0 if len(users) <= 15 else 14.0)
    return width, 32.0 if len(users) <= 10 else 24.0


def _room(users: Sequence[str], size: tuple[float, float]) -> bool:
    """Tell whether the key fits to the right of the first rows and their names."""
    width, height = size
    rows = [0, *(i for i in range(1, len(users)) if TOP + (height + 2) * (i - 1) < KEY_BOTTOM)]
    ends = [(width + 2) * i + 4 + svg.text_width(users[i], bold=True) for i in rows]
    return max(ends) < KEY_LEFT - 6


def _drawn(link: Link | None, at: svg.Point, size: tuple[float, float]) -> list[Markup]:
    (x, y), (width, height) = at, size
    if link is None:
        return []
    if link.insufficient:
        return [svg.box(at, size, style=svg.HATCH)]
    parts = [_ground(link, at, size)]
    bold = link.direction in PALE
    text = signed(link.log10_lr) if width >= 30 else ""
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
