"""Charts as SVG for pages: colours by class, so that a page's theme decides them."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from sockgraph.charts.marks import HATCH, LOOKS, Dot, Shape, SharedMark, Text
from sockgraph.names import clean, is_han

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sockgraph.charts.marks import Chart, Mark, Point

TOKENS = resources.files("sockgraph.charts") / "tokens.css"
HATCHING = Markup(
    '<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse"'
    ' patternTransform="rotate(45)"><rect width="6" height="6" class="f-hatch-bg"/>'
    '<line x1="0" y1="0" x2="0" y2="6" class="l-hatch"/></pattern>'
)
"""What a page's `<defs>` hold, once."""


ANCHORS = {"start": "", "middle": "mid", "end": "end"}
_TOKEN = re.compile(r"--([\w-]+):\s*(#[0-9a-f]{3,6});")


@cache
def colours(*, dark: bool = False) -> Mapping[str, str]:
    """Return the design's colours by name, as `tokens.css` has them."""
    text = TOKENS.read_text(encoding="utf-8")
    light, night = text.split("@media (prefers-color-scheme: dark)")[:2]
    return dict(_TOKEN.findall(night.split("}")[0] if dark else light))


def styles(scope: str = "") -> str:
    """Return the rules that give charts their colours and type, for a page or a part of it.

    Parameters
    ----------
    scope
        A selector that every rule begins with; empty for a whole page.
    """
    # No rule asks for an ancestor: what `use` shows is styled as if it had none.
    rules = {"svg": "display:block;overflow:visible", "path": "fill:none"}
    rules["text"] = (
        "font-family:var(--font);font-size:13px;fill:var(--ink);"
        "font-variant-numeric:tabular-nums lining-nums"
    )
    for name in colours():
        rules[f".f-{name}"] = f"fill:var(--{name})"
        rules[f".l-{name}"] = f"stroke:var(--{name})"
    rules[f".f-{HATCH}"] = "fill:url(#hatch)"
    for name, (size, colour, bold) in LOOKS.items():
        weight = ";font-weight:600" if bold else ""
        if name:
            rules[f"text.{name}"] = f"font-size:{size}px;fill:var(--{colour}){weight}"
    rules |= {"text.mid": "text-anchor:middle", "text.end": "text-anchor:end"}
    halo = "paint-order:stroke;stroke:var(--paper);stroke-width:3px;stroke-linejoin:round"
    rules["text.halo"] = halo
    return "\n".join(f"{scope} {where} {{{how}}}".strip() for where, how in rules.items())


def number(value: float) -> str:
    """Write a coordinate to a tenth of a pixel.

    >>> number(3.0), number(3.14159)
    ('3', '3.1')
    """
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def element(tag: str, content: Markup | str = "", /, **attributes: str | float | None) -> Markup:
    """Return an element; `cls` is its class, `_` a hyphen; None leaves an attribute out."""
    written = "".join(
        f' {"class" if key == "cls" else key.replace("_", "-")}="'
        f'{escape(number(value) if isinstance(value, int | float) else value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    inside = f"<{tag}{written}>{escape(content)}</{tag}>" if content else f"<{tag}{written}/>"
    return Markup(inside)  # noqa: S704 - every value and the content were escaped


def drawing(chart: Chart) -> Markup:
    """Return a chart's SVG, with the title that a screen reader says."""
    width, height = chart.size
    view = f"0 0 {number(width)} {number(height)}"
    said = element("title", Markup.escape(clean(chart.title)))
    content = Markup("").join([said, *map(drawn, _runs(chart.marks))])
    return element("svg", content, width=width, height=height, viewBox=view, role="img")


def _runs(marks: Iterable[Mark]) -> list[Mark]:
    """Return marks with shapes of one look that follow each other as one: fewer bytes."""
    found: list[Mark] = []
    for mark in marks:
        last = found[-1] if found else None
        if (
            isinstance(mark, Shape)
            and isinstance(last, Shape)
            and mark.opacity == 1
            and replace(last, outlines=()) == replace(mark, outlines=())
        ):
            found[-1] = replace(last, outlines=(*last.outlines, *mark.outlines))
        else:
            found.append(mark)
    return found


def shared(name: str, marks: Iterable[Mark]) -> Markup:
    """Return marks for a page's `<defs>`, where every `SharedMark` of that name refers to them."""
    return element("g", Markup("").join(map(drawn, marks)), id=name)


def drawn(mark: Mark) -> Markup:
    """Return one mark's element."""
    if isinstance(mark, Text):
        return _text(mark)
    if isinstance(mark, SharedMark):
        x, y = mark.at
        return element("use", href=f"#{mark.name}", x=x or None, y=y or None)
    fill = None if mark.fill is None else f"f-{mark.fill}"
    stroke = None if mark.stroke is None else f"l-{mark.stroke}"
    look: dict[str, str | float | None] = {
        "cls": " ".join(part for part in (fill, stroke) if part) or None,
        "stroke_width": None if mark.stroke is None or mark.width == 1 else mark.width,
    }
    if isinstance(mark, Dot):
        return element("circle", cx=mark.at[0], cy=mark.at[1], r=mark.radius, **look)
    if mark.dash is not None:
        look["stroke_dasharray"] = " ".join(map(number, mark.dash))
    if mark.opacity < 1:
        look["opacity"] = f"{mark.opacity:g}"
    outline = "".join(_path(points, closed=mark.closed) for points in mark.outlines)
    return element("path", d=outline, **look)


def _path(points: tuple[Point, ...], *, closed: bool) -> str:
    """Write one outline; rectangles in the short form, since most areas are one."""
    if closed and len(points) == 4 and _upright(points):
        (x, y), (right, _), (_, bottom), _ = points
        across, down = number(right - x), number(bottom - y)
        return f"M{number(x)} {number(y)}h{across}v{down}h{number(x - right)}z"
    if len(points) == 2 and points[0][0] == points[1][0]:
        return f"M{number(points[0][0])} {number(points[0][1])}V{number(points[1][1])}"
    if len(points) == 2 and points[0][1] == points[1][1]:
        return f"M{number(points[0][0])} {number(points[0][1])}H{number(points[1][0])}"
    joined = "L".join(f"{number(x)} {number(y)}" for x, y in points)
    return f"M{joined}{'z' if closed else ''}"


def _upright(points: tuple[Point, ...]) -> bool:
    (a, b), (c, d), (e, f), (g, h) = points
    return b == d and c == e and f == h and g == a


def _text(mark: Text) -> Markup:
    """Return a line of text: cleaned, escaped, and marked as Chinese where it is."""
    return element(
        "text",
        Markup.escape(clean(mark.text)),
        lang="zh" if is_han(mark.text) else None,
        x=mark.at[0],
        y=mark.at[1],
        cls=f"{mark.look} {ANCHORS[mark.anchor]}".strip() or None,
    )
