"""The graph of accounts: links that speak for, and every link with a review state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from sockgraph.report import place, svg
from sockgraph.report.wording import signed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sockgraph.report.data import Link
    from sockgraph.report.place import Box
    from sockgraph.report.svg import Point

KEY_HEIGHT = 36.0
OUTLINE = 30.0
NUMBERED, FEW = 0.5, 10
"""On a graph of more than a few links, the number from which on a link shows it."""
TITLE = (
    "Graph of accounts. Links whose interval excludes zero and speaks for, "
    "and every link with a review state"
)


@dataclass(frozen=True)
class Group:
    """Accounts that hold together, and whether they do so when something is left out."""

    number: int
    users: tuple[str, ...]
    stable: bool


@dataclass(frozen=True)
class Scene:
    """What the graph shows.

    Attributes
    ----------
    positions
        Each account's x and y in [0, 1].
    labels
        How figures write each account.
    links
        The links to draw.
    insufficient
        Accounts with too few edits for any link.
    """

    positions: Mapping[str, Point]
    labels: Mapping[str, str]
    links: Sequence[Link]
    groups: Sequence[Group]
    insufficient: frozenset[str] = frozenset()


def drawn(links: Sequence[Link]) -> list[Link]:
    """Return the links that the graph draws."""
    kept = [link for link in links if link.log10_lr is not None]
    return [
        link for link in kept if link.direction == "for" or link.flagged or link.state != "none"
    ]


def network(scene: Scene, width: float) -> Markup:
    """Draw the graph."""
    n = len(scene.positions)
    least = 344.0 if width < 600 else 420.0
    size = (width, least if n <= 10 else min(least + 16 * (n - 10), 900.0))
    outlined = [[u for u in g.users if u in scene.positions] for g in scene.groups]
    at = place.spread(scene.positions, size, [g for g in outlined if g])
    parts = [_outline(group, at) for group in scene.groups]
    parts += [_line(link, at, faint=_unresolved(link, scene)) for link in scene.links]
    parts += [_cross(link, at) for link in scene.links if link.apart]
    parts += [_node(user, at[user], scene) for user in sorted(at)]
    parts += _labels(scene, at, size)
    return svg.drawing((width, size[1] + KEY_HEIGHT), TITLE, [*parts, *_key(size)])


def _unresolved(link: Link, scene: Scene) -> bool:
    return any({link.a, link.b} <= set(g.users) and not g.stable for g in scene.groups)


def _outline(group: Group, at: Mapping[str, Point]) -> Markup:
    members = [at[user] for user in group.users if user in at]
    hull = place.convex_hull(members)
    strangers = [at[user] for user in at if user not in group.users]
    if not members or any(place.distance_to_hull(p, hull) < OUTLINE - 8 for p in strangers):
        return Markup("")  # an outline that holds a stranger would say what is not so
    d = place.outline(members, OUTLINE)
    if group.stable:
        return svg.path(d, "f-panel", style="stroke:var(--rule-strong);stroke-width:1")
    return svg.path(d, style="fill:none;stroke:var(--rule-strong);stroke-dasharray:3 4")


def _line(link: Link, at: Mapping[str, Point], *, faint: bool) -> Markup:
    value = link.log10_lr or 0.0
    against = value < 0
    return svg.line(
        at[link.a],
        at[link.b],
        "l-against" if against else "l-for",
        stroke_width=1.5 + 3.2 * abs(value),
        stroke_dasharray="8 5" if against else None,
        stroke_opacity=".45" if faint else None,
    )


def _cross(link: Link, at: Mapping[str, Point]) -> Markup:
    x, y = _middle(at[link.a], at[link.b])
    d = f"M{svg.number(x - 9)},{svg.number(y - 9)} l18,18 m0,-18 l-18,18"
    return svg.path(d, "l-ink", stroke_width=3)


def _middle(a: Point, b: Point) -> Point:
    return (a[0] + b[0]) / 2, (a[1] + b[1]) / 2


def _node(user: str, at: Point, scene: Scene) -> Markup:
    style = "fill:var(--ink);stroke:var(--paper);stroke-width:2"
    if user in scene.insufficient:
        style = f"{svg.HATCH};stroke:var(--hatch);stroke-width:1.5"
    elif any(user in group.users and not group.stable for group in scene.groups):
        style = "fill:var(--paper);stroke:var(--rule-strong);stroke-width:2"
    return svg.element("circle", cx=at[0], cy=at[1], r=8, style=style)


def _labels(scene: Scene, at: Mapping[str, Point], size: Point) -> list[Markup]:
    """Draw names, then numbers, then groups, each where it hides least of what is there."""
    lines = [(at[link.a], at[link.b]) for link in scene.links]
    taken: list[Box] = [(x - 11, y - 11, x + 11, y + 11) for x, y in at.values()]
    canvas = (taken, lines, size)
    parts = []
    for user in sorted(at):
        name = scene.labels[user]
        parts.append(_placed(name, _around(name, at[user]), canvas, "b halo"))
        if user in scene.insufficient:
            few = "too few edits"
            parts.append(_placed(few, _around(few, at[user]), canvas, "q halo"))
    for link in scene.links:
        if abs(link.log10_lr or 0) < NUMBERED and len(scene.links) > FEW:
            continue
        tone, number = "ta halo" if (link.log10_lr or 0) < 0 else "tf halo", signed(link.log10_lr)
        spots = _along(number, at[link.a], at[link.b])
        parts.append(_placed(number, spots, canvas, tone, needed=False))
    for group in scene.groups:
        members = [at[user] for user in group.users if user in at]
        said = f"Group {group.number}, {'stable' if group.stable else 'unresolved'}"
        if members:
            parts.append(_placed(said, _about(said, members), canvas, "s halo"))
    return parts


Drawn = tuple[list["Box"], list[tuple["Point", "Point"]], "Point"]


def _placed(
    text: str, choices: Sequence[Box], canvas: Drawn, cls: str, *, needed: bool = True
) -> Markup:
    """Draw a text in the best of some boxes, and note the box as taken.

    A text that is not `needed` (the table has it) is left out where it would cover another.
    """
    taken, lines, size = canvas
    inside = [box for box in choices if place.outside(box, size) == 0]
    boxes = inside or sorted(choices, key=lambda box: place.outside(box, size))[:1]
    box = boxes[place.free_box(boxes, taken, lines)]
    if not needed and place.covers(box, taken):
        return Markup("")
    taken.append((box[0] - 8, box[1], box[2] + 8, box[3]))
    return svg.label((box[0], box[3] - 4), text, cls)


def _around(text: str, at: Point) -> list[Box]:
    """Return boxes right, left, above, below and at the corners of a node."""
    (x, y), width, height = at, svg.text_width(text, bold=True), 17.0
    spots = [
        (x + 14, y - 8),
        (x - 14 - width, y - 8),
        (x - width / 2, y - 29),
        (x - width / 2, y + 12),
    ]
    spots += [(x + 8, y - 26), (x - 8 - width, y - 26), (x + 8, y + 9), (x - 8 - width, y + 9)]
    spots += [
        (x - width / 2, y + 27),
        (x - width / 2, y - 45),
        (x - width * 0.2, y + 12),
        (x - width * 0.8, y + 12),
    ]
    return [(left, top, left + width, top + height) for left, top in spots]


def _along(text: str, a: Point, b: Point) -> list[Box]:
    """Return boxes beside a line's middle and, failing that, nearer its ends."""
    width, height = svg.text_width(text, bold=True), 16.0
    boxes = []
    for share in (0.5, 0.38, 0.62, 0.28, 0.72):
        x, y = a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share
        for dx, dy in ((10, -8), (-10 - width, -8), (-width / 2, -24), (-width / 2, 10)):
            boxes.append((x + dx, y + dy, x + dx + width, y + dy + height))
    return boxes


def _about(text: str, members: Sequence[Point]) -> list[Box]:
    """Return boxes above, below and beside a group."""
    width, height = svg.text_width(text, 12), 15.0
    xs, ys = [p[0] for p in members], [p[1] for p in members]
    middle = sum(xs) / len(xs) - width / 2
    lefts = [middle, min(xs) - OUTLINE, max(xs) + OUTLINE - width]
    tops = [min(ys) - OUTLINE - 19, max(ys) + OUTLINE + 3]
    boxes = [(left, top, left + width, top + height) for top in tops for left in lefts]
    sides = [
        (min(xs) - OUTLINE - width - 4, sum(ys) / len(ys)),
        (max(xs) + OUTLINE + 4, sum(ys) / len(ys)),
    ]
    return boxes + [(left, top, left + width, top + height) for left, top in sides]


def _key(size: Point) -> list[Markup]:
    width, top = size
    y, parts = top + 24, [svg.line((0, top + 2), (width, top + 2))]
    for left, value in ((0, 1), (62, 2), (124, 3)):
        parts.append(svg.line((left, y), (left + 34, y), "l-for", stroke_width=1.5 + 3.2 * value))
        parts.append(svg.label((left + 39, y + 4), f"+{value}", "s"))
    parts.append(
        svg.line((196, y), (232, y), "l-against", stroke_width=4.7, stroke_dasharray="8 5")
    )
    parts.append(svg.label((238, y + 4), signed(-1.0).removesuffix(".0"), "s"))
    parts.append(
        svg.path(f"M274,{svg.number(y - 6)} l12,12 m0,-12 l-12,12", "l-ink", stroke_width=2.5)
    )
    parts.append(svg.label((292, y + 4), "cannot-link", "s"))
    parts.append(svg.line((372, y), (398, y), "l-for", stroke_width=4.7, stroke_opacity=".45"))
    return [*parts, svg.label((404, y + 4), "unresolved", "s")]
