"""Charts as matplotlib figures, for notebooks and files: the same marks, on a canvas."""

from __future__ import annotations

import io
import logging
from functools import cache
from typing import TYPE_CHECKING, Any

from matplotlib import font_manager, patheffects
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.patches import Circle, PathPatch
from matplotlib.path import Path

from sockgraph.charts.marks import HATCH, LOOKS, Dot, Shape, SharedMark, Text, broken, moved
from sockgraph.charts.svg import colours
from sockgraph.names import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from matplotlib.axes import Axes

    from sockgraph.charts.marks import Chart, Mark

log = logging.getLogger(__name__)
# Most fonts with Chinese characters have one weight; matplotlib would say so of every text.
logging.getLogger("matplotlib.font_manager").addFilter(
    lambda record: "Failed to find font weight" not in record.getMessage()
)

LATIN = ("Noto Sans", "Source Sans 3", "Segoe UI", "Helvetica Neue", "Arial", "DejaVu Sans")
CJK = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans SC",
    "Source Han Sans SC",
    "PingFang SC",
    "Microsoft YaHei",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "Droid Sans Fallback",
    "Arial Unicode MS",
)
REMEDY = (
    "install one, such as Noto Sans CJK (Debian and Ubuntu: apt install fonts-noto-cjk; elsewhere"
    " from notofonts.github.io), then restart Python"
)
INCH, POINT = 96.0, 0.75  # pixels to the inch, points to the pixel
MARGIN = 16.0


def drawing(chart: Chart, *, dark: bool = False) -> Figure:
    """Return a chart as a figure, with the words that pages write around it."""
    colour = colours(dark=dark)
    width, height = chart.size
    notes = broken(chart.note, width - MARGIN, 12) if chart.note else []
    top = (26.0 if chart.heading else 0.0) + 17.0 * len(chart.below) + 14.0
    bottom = 18.0 * len(notes) + 14.0
    whole = width + 2 * MARGIN, top + height + bottom
    figure = Figure(figsize=(whole[0] / INCH, whole[1] / INCH), facecolor=colour["paper"], dpi=144)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-MARGIN, width + MARGIN), ylim=(height + bottom, -top))
    axes.set_axis_off()
    words = [Text((0, 20 - top), chart.heading, "b")] if chart.heading else []
    words += [Text((0, 38 - top + 17 * row), said, "s") for row, said in enumerate(chart.below)] + [
        Text((0, height + 22 + 17 * row), said, "q") for row, said in enumerate(notes)
    ]
    canvas = _Canvas(axes, colour)
    for order, mark in enumerate([*chart.marks, *words]):
        canvas.draw(mark, order)
    _set_fonts(axes)
    return figure


def png(chart: Chart, *, dark: bool = False) -> bytes:
    """Return a chart as a PNG that says nothing of what wrote it."""
    made, target = drawing(chart, dark=dark), io.BytesIO()
    made.savefig(target, format="png", facecolor=made.get_facecolor(), metadata={"Software": None})
    return target.getvalue()


class _Canvas:
    """Axes in pixels, and the colours of one theme."""

    def __init__(self, axes: Axes, colour: Mapping[str, str]) -> None:
        self.axes, self.colour = axes, colour

    def draw(self, mark: Mark, order: float) -> None:
        """Draw one mark over those before."""
        if isinstance(mark, SharedMark):
            for one in mark.marks:
                self.draw(moved(one, mark.at), order)
        elif isinstance(mark, Text):
            self._write(mark, order)
        elif isinstance(mark, Dot):
            self._fill(Circle(mark.at, mark.radius), mark, order)
        else:
            self._fill(PathPatch(_path(mark)), mark, order)

    def _fill(self, patch: Any, mark: Shape | Dot, order: float) -> None:
        hatched = mark.fill == HATCH
        fill = "none" if mark.fill is None else self.colour["hatch-bg" if hatched else mark.fill]
        stroke = "none" if mark.stroke is None else self.colour[mark.stroke]
        patch.set(facecolor=fill, edgecolor=stroke, zorder=order, clip_on=False)
        patch.set(linewidth=mark.width * POINT, capstyle="butt", joinstyle="miter")
        if hatched:
            patch.set(hatch="////", edgecolor=self.colour["hatch"], linewidth=0.6)
        if isinstance(mark, Shape):
            patch.set_alpha(mark.opacity)
            if mark.dash is not None:
                patch.set_linestyle((0, tuple(d / mark.width for d in mark.dash)))
        self.axes.add_patch(patch)

    def _write(self, mark: Text, order: float) -> None:
        looks = mark.look.split()
        size, ink, bold = LOOKS[" ".join(part for part in looks if part != "halo")]
        side = {"start": "left", "middle": "center", "end": "right"}[mark.anchor]
        written = self.axes.text(*mark.at, clean(mark.text), ha=side, va="baseline", zorder=order)
        written.set(size=size * POINT, color=self.colour[ink], parse_math=False)
        written.set_fontweight("bold" if bold else "normal")
        if "halo" in looks:
            around = patheffects.withStroke(linewidth=2.5, foreground=self.colour["paper"])
            written.set_path_effects([around])


def _path(shape: Shape) -> Path:
    corners, codes = [], []
    for points in shape.outlines:
        corners += [*points, *([points[0]] if shape.closed else [])]
        codes += [Path.MOVETO, *[Path.LINETO] * (len(points) - 1)]
        codes += [Path.CLOSEPOLY] if shape.closed else []
    return Path(corners, codes) if corners else Path([(0.0, 0.0)])


def _set_fonts(axes: Axes) -> None:
    families = list(fonts_for(text.get_text() for text in axes.texts))
    for text in axes.texts:
        text.set_fontfamily(families)


def fonts_for(texts: Iterable[str]) -> tuple[str, ...]:
    """Return font families that together can write the texts, as far as there are any.

    Looks among the fonts of the machine for a sans-serif one, then for one that has Chinese,
    Japanese and Korean characters. What no font can write is told once through `logging`, with how
    to get one; it shows as empty boxes.
    """
    families = _families()
    covered = frozenset[int]().union(*(_characters(family) for family in families))
    missing = {c for text in texts for c in text if ord(c) not in covered and not c.isspace()}
    if missing:
        _tell("".join(sorted(missing)[:8]), len(missing))
    return families


@cache
def _tell(some: str, count: int) -> None:
    log.warning("no font here can write %d characters, such as %s: %s", count, some, REMEDY)


@cache
def _families() -> tuple[str, ...]:
    names = set(font_manager.get_font_names())
    latin = [name for name in LATIN if name in names][:1]
    wide = [name for name in CJK if name in names][:1]
    return (*latin, *wide, "DejaVu Sans")


@cache
def _characters(family: str) -> frozenset[int]:
    path = font_manager.findfont(family)
    return frozenset(FT2Font(path).get_charmap())
