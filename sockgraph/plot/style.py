"""The look of every figure: hue means the direction of evidence, and nothing else."""

from __future__ import annotations

import io
import logging
import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.axes import Axes

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
MINUS, DASH = "\N{MINUS SIGN}", "\N{EN DASH}"
SIZE, SMALL, HEAD = 9.0, 8.0, 11.0


@dataclass(frozen=True)
class Style:
    """Colours of one theme, as in the report."""

    paper: str
    panel: str
    rule: str
    rule_strong: str
    ink: str
    ink_2: str
    ink_3: str
    evidence_for: str
    evidence_against: str
    hatch: str
    hatch_paper: str
    ramp: tuple[str, ...]

    def hue(self, value: float) -> str:
        """Return the colour of a log10 LR's direction."""
        return self.evidence_against if value < 0 else self.evidence_for


LIGHT = Style(
    paper="#fdfcf9",
    panel="#f4f2ec",
    rule="#dbd8cf",
    rule_strong="#85888d",
    ink="#191c20",
    ink_2="#474d55",
    ink_3="#656b73",
    evidence_for="#1b5e9e",
    evidence_against="#a44a00",
    hatch="#81878d",
    hatch_paper="#f0eee8",
    ramp=("#e9e7e1", "#c6c7c6", "#9a9da0", "#666b71", "#2b3036"),
)
DARK = Style(
    paper="#15181c",
    panel="#1e2227",
    rule="#363c43",
    rule_strong="#7b828a",
    ink="#eceae5",
    ink_2="#bcc0c5",
    ink_3="#979da4",
    evidence_for="#80b8ec",
    evidence_against="#f2a565",
    hatch="#7b828a",
    hatch_paper="#20242a",
    ramp=("#262b31", "#434950", "#6b7279", "#9ca2a8", "#e3e2de"),
)


class ShownFigure(Figure):
    """A figure that a notebook shows by itself, whatever backend is set."""

    def _repr_png_(self) -> bytes:
        """Return the figure as a PNG: what IPython asks of a value that a cell ends with."""
        drawn = io.BytesIO()
        self.savefig(drawn, format="png", facecolor=self.get_facecolor())
        return drawn.getvalue()


def new_figure(width: float, height: float, style: Style) -> Figure:
    """Return a figure of that many inches that no global state knows of."""
    figure = ShownFigure(figsize=(width, height), facecolor=style.paper, layout=None, dpi=144)
    FigureCanvasAgg(figure)
    return figure


def bare_axes(
    figure: Figure, style: Style, box: tuple[float, float, float, float], *, flush: bool = False
) -> Axes:
    """Return axes without frame or ticks. `box` is left, bottom, width, height in inches."""
    width, height = figure.get_size_inches()
    left, bottom, across, up = box
    axes = figure.add_axes((left / width, bottom / height, across / width, up / height))
    axes.set_facecolor("none" if not flush else style.paper)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, labelsize=SMALL, labelcolor=style.ink_3, pad=4)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return axes


def finish(figure: Figure) -> Figure:
    """Give all text of a figure fonts that can write it, and say where there are none."""
    texts = [text for text in figure.findobj(Text) if text.get_text()]
    families = fonts_for(text.get_text() for text in texts)
    for text in texts:
        text.set_fontfamily(list(families))
        if "\\mathdefault" not in text.get_text():  # a logarithmic axis writes its powers so
            text.set_parse_math(False)  # a name may hold dollar signs
    return figure


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


def signed(value: float | None, digits: int = 1) -> str:
    """Return a number with its sign, a dash for none."""
    if value is None or math.isnan(value):
        return DASH
    rounded = round(value, digits)
    sign = MINUS if rounded < 0 else "+" if rounded > 0 else ""
    return f"{sign}{abs(rounded):.{digits}f}"


def plain(value: float, digits: int = 1) -> str:
    """Return a number with a minus sign where it has one, and no plus."""
    return signed(value, digits).removeprefix("+")


def headline(figure: Figure, style: Style, text: str, below: Sequence[str] = ()) -> None:
    """Write a figure's headline, and lines below it, at the upper left."""
    width, height = figure.get_size_inches()
    kept: dict[str, Any] = {"ha": "left", "va": "top"}
    x = 0.15 / width
    figure.text(x, 1 - 0.12 / height, text, size=HEAD, weight="bold", color=style.ink, **kept)
    for row, line in enumerate(below):
        y = 1 - (0.38 + 0.17 * row) / height
        figure.text(x, y, line, size=SMALL, color=style.ink_2, **kept)


def footnote(figure: Figure, style: Style, text: str) -> None:
    """Write a line at the lower left."""
    width, height = figure.get_size_inches()
    figure.text(
        0.15 / width, 0.1 / height, text, size=SMALL, color=style.ink_3, ha="left", va="bottom"
    )
