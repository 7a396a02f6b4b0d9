"""What figures are made of: shapes and texts that say all there is to draw, and nothing of how.

A chart holds its small table and its marks; `svg` and `figure` only put them on a page or on
matplotlib's canvas. Lengths are pixels, y runs down, colours are names of `tokens.css`.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from sockgraph.names import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import pandas as pd
    from markupsafe import Markup
    from matplotlib.figure import Figure

Point = tuple[float, float]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""
Anchor = Literal["start", "middle", "end"]
HATCH = "hatch-fill"
"""The fill that says: unknown, it could have spoken either way."""
DASHED, DOTTED, AGAINST = (7.0, 4.0), (2.0, 3.0), (8.0, 5.0)
_NARROW = set("iIjlt.,:;'|!()[] ")
_WIDE = set("mwMW@%")


@dataclass(frozen=True)
class Shape:
    """Lines or areas of one look.

    Attributes
    ----------
    outlines
        The corners of each.
    closed
        Whether each returns to its first corner.
    fill, stroke
        Colours; None draws none.
    """

    outlines: tuple[tuple[Point, ...], ...]
    closed: bool = False
    fill: str | None = None
    stroke: str | None = None
    width: float = 1.0
    dash: Point | None = None
    opacity: float = 1.0


@dataclass(frozen=True)
class Dot:
    """A round mark."""

    at: Point
    radius: float
    fill: str = "ink"
    stroke: str = "ink"
    width: float = 2.0


@dataclass(frozen=True)
class Text:
    """A line of text, its baseline at a point.

    Attributes
    ----------
    look
        Classes of `LOOKS`, apart by spaces; `halo` sets it off from what lies behind.
    """

    at: Point
    text: str
    look: str = ""
    anchor: Anchor = "start"


@dataclass(frozen=True)
class SharedMark:
    """Marks that pages hold once and show in several charts, at a place."""

    name: str
    marks: tuple[Mark, ...]
    at: Point


Mark = Shape | Dot | Text | SharedMark
LOOKS: dict[str, tuple[float, str, bool]] = {
    "": (13, "ink", False),
    "b": (13, "ink", True),
    "s": (12, "ink-2", False),
    "q": (12, "ink-3", False),
    "sb": (12, "ink", True),
    "tf": (13, "for", True),
    "ta": (13, "against", True),
}
"""Size in pixels, colour and weight of texts."""


def each(frame: pd.DataFrame) -> Iterable[Any]:
    """Return a table's rows, one by one, as records of whatever their columns hold."""
    return frame.itertuples()


def line(start: Point, end: Point, stroke: str = "rule", **look: Any) -> Shape:
    """Return a straight line."""
    return Shape((tuple(map(_exact, (start, end))),), stroke=stroke, **look)


def curve(points: Iterable[Point], stroke: str = "ink", **look: Any) -> Shape:
    """Return a line through points."""
    return Shape((tuple(map(_exact, points)),), stroke=stroke, **look)


def area(points: Iterable[Point], fill: str | None = None, **look: Any) -> Shape:
    """Return a polygon."""
    return Shape((tuple(map(_exact, points)),), closed=True, fill=fill, **look)


def boxes(cells: Iterable[Box], fill: str | None = None, **look: Any) -> Shape:
    """Return rectangles of one look, each x, y, width, height."""
    corners = tuple(
        ((x, y), (x + w, y), (x + w, y + h), (x, y + h))
        for x, y, w, h in (tuple(map(float, cell)) for cell in cells)
    )
    return Shape(corners, closed=True, fill=fill, **look)


def box(corner: Point, size: Point, fill: str | None = None, **look: Any) -> Shape:
    """Return a rectangle."""
    return boxes([(*corner, *size)], fill, **look)


def cross(at: Point, reach: float, width: float) -> Shape:
    """Return the mark of two who are kept apart."""
    (x, y), r = _exact(at), reach
    strokes = (((x - r, y - r), (x + r, y + r)), ((x + r, y - r), (x - r, y + r)))
    return Shape(strokes, stroke="ink", width=width)


def account_dot(at: Point, radius: float = 5.0, *, hollow: bool = False) -> Dot:
    """Return an account's mark: filled the first and the stable, hollow the second."""
    return Dot(at, radius, fill="paper" if hollow else "ink")


def _exact(point: Point) -> Point:
    return float(point[0]), float(point[1])


def moved(mark: Mark, by: Point) -> Mark:
    """Return a mark somewhere else."""
    dx, dy = by
    if isinstance(mark, Shape):
        outlines = tuple(tuple((x + dx, y + dy) for x, y in one) for one in mark.outlines)
        return replace(mark, outlines=outlines)
    x, y = mark.at
    return replace(mark, at=(x + dx, y + dy))


@dataclass(frozen=True)
class Chart:
    """A figure: its table, and what there is to draw of it.

    In a notebook it shows by itself; `save` writes it to a file, `figure` returns matplotlib's
    Figure, and pages take its SVG.

    Attributes
    ----------
    data
        The table that is drawn, and all that is.
    title
        What a screen reader says.
    size
        Width and height in pixels.
    heading, below, note
        Words above and under the figure where no page has them.
    """

    data: pd.DataFrame
    title: str
    size: Point
    marks: tuple[Mark, ...] = field(repr=False)
    heading: str = ""
    below: tuple[str, ...] = ()
    note: str = ""

    def __html__(self) -> Markup:
        """Return the SVG that pages show."""
        from sockgraph.charts.svg import drawing  # a renderer is not a mark

        return drawing(self)

    def figure(self, *, dark: bool = False) -> Figure:
        """Return matplotlib's Figure, which no global state knows of."""
        from sockgraph.charts.figure import drawing  # slow to import

        return drawing(self, dark=dark)

    def save(self, path: Path | str, *, dark: bool = False) -> None:
        """Write the figure: PNG, PDF or SVG by the path's ending."""
        made = self.figure(dark=dark)
        made.savefig(path, facecolor=made.get_facecolor())

    def png(self, *, dark: bool = False) -> bytes:
        """Return the figure as a PNG, the same bytes every time."""
        from sockgraph.charts.figure import png  # slow to import

        return png(self, dark=dark)

    def _repr_png_(self) -> bytes:
        """Return what IPython asks of a value that a cell ends with."""
        return self.png()


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


def broken(text: str, width: float, size: float = 13, *, bold: bool = False) -> list[str]:
    """Break a text into lines, at spaces, else anywhere; nothing of it is cut."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if not lines[-1] or text_width(longer, size, bold=bold) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return [piece for one in lines for piece in _pieces(one, width, size, bold=bold)]


def _pieces(text: str, width: float, size: float, *, bold: bool) -> Sequence[str]:
    pieces = [""]
    for char in text:
        if text_width(pieces[-1] + char, size, bold=bold) > width:
            pieces.append("")
        pieces[-1] += char
    return pieces
