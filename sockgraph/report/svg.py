"""The few SVG shapes that the figures are made of, as strings: each function returns a new one."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from markupsafe import Markup

from sockgraph.names import clean, is_han

if TYPE_CHECKING:
    from collections.abc import Iterable

Value = str | float | None
Point = tuple[float, float]
HATCH = "fill:url(#hatch)"
_NARROW = set("iIjlt.,:;'|!()[] ")
_WIDE = set("mwMW@%")


def number(value: float) -> str:
    """Write a coordinate to a tenth of a pixel.

    >>> number(3.0), number(3.14159)
    ('3', '3.1')
    """
    return f"{value:.1f}".removesuffix(".0")


def element(tag: str, content: Markup | str = "", /, **attributes: Value) -> Markup:
    """Return an element; `cls` is its class, `_` a hyphen; None leaves an attribute out."""
    written = Markup("").join(
        Markup(' {}="{}"').format(
            "class" if key == "cls" else key.replace("_", "-"),
            number(value) if isinstance(value, int | float) else value,
        )
        for key, value in attributes.items()
        if value is not None
    )
    if content:
        return Markup("<{0}{1}>{2}</{0}>").format(tag, written, content)
    return Markup("<{}{}/>").format(tag, written)


def line(start: Point, end: Point, cls: str = "l-rule", **attributes: Value) -> Markup:
    """Return a straight line."""
    (x1, y1), (x2, y2) = start, end
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, cls=cls, **attributes)


def box(corner: Point, size: Point, cls: str | None = None, **attributes: Value) -> Markup:
    """Return a rectangle."""
    (x, y), (width, height) = corner, size
    return element("rect", x=x, y=y, width=width, height=height, cls=cls, **attributes)


def label(at: Point, text: str, cls: str | None = None, **attributes: Value) -> Markup:
    """Return a line of text: cleaned, escaped, and marked as Chinese where it is."""
    lang = "zh" if is_han(text) else None
    return element(
        "text", Markup.escape(clean(text)), lang=lang, x=at[0], y=at[1], cls=cls, **attributes
    )


def path(d: str, cls: str | None = None, **attributes: Value) -> Markup:
    """Return a path."""
    return element("path", d=d, cls=cls, **attributes)


def dot(at: Point, radius: float, *, hollow: bool = False) -> Markup:
    """Return a mark: filled, or hollow."""
    fill = "var(--paper)" if hollow else "var(--ink)"
    style = f"fill:{fill};stroke:var(--ink);stroke-width:2"
    return element("circle", cx=at[0], cy=at[1], r=radius, style=style)


def boxes(cells: Iterable[tuple[float, float, float, float]]) -> str:
    """Return one path's outline of many rectangles, each x, y, width, height."""
    return "".join(
        f"M{number(x)} {number(y)}h{number(w)}v{number(h)}h{number(-w)}z" for x, y, w, h in cells
    )


def drawing(size: Point, title: str, parts: Iterable[Markup]) -> Markup:
    """Return a figure's SVG, with the title that a screen reader says."""
    width, height = size
    view = f"0 0 {number(width)} {number(height)}"
    content = Markup("").join([element("title", Markup.escape(clean(title))), *parts])
    return element("svg", content, width=width, height=height, viewBox=view, role="img")


def text_width(text: str, size: float = 13, *, bold: bool = False) -> float:
    """Estimate how wide a text is drawn, in pixels: generous, since fonts differ by machine."""
    units = sum(_units(char) for char in clean(text))
    return units * size * (1.12 if bold else 1.0)


def _units(char: str) -> float:
    if unicodedata.combining(char):
        return 0.0
    if unicodedata.east_asian_width(char) in "WF":
        return 1.0
    if char in _NARROW:
        return 0.36
    if char in _WIDE:
        return 0.95
    return 0.72 if char.isupper() else 0.61
