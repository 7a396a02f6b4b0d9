"""Where nodes and labels go, so that nothing on the graph hides anything else. Deterministic."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sockgraph.report import svg

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sockgraph.report.svg import Point

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""
MIN_GAP = 58.0
ROUNDS = 80


def spread(
    wanted: Mapping[str, Point], size: Point, groups: Sequence[Sequence[str]]
) -> dict[str, Point]:
    """Return positions in pixels: the layout's, pushed apart where marks would touch.

    Parameters
    ----------
    wanted
        Each account's x and y in [0, 1].
    size
        The drawing's width and height; a margin is kept for names.
    groups
        Accounts outlined together; others are pushed out of their outline.
    """
    (width, height), names = size, sorted(wanted)
    left, top, right, bottom = 66.0, 44.0, width - 66.0, height - 44.0
    scaled = _fill({n: wanted[n] for n in names})
    at = {n: (left + x * (right - left), top + y * (bottom - top)) for n, (x, y) in scaled.items()}
    gap = min(
        MIN_GAP if width < 600 else 96.0,
        0.8 * math.sqrt((right - left) * (bottom - top) / max(len(names), 1)),
    )
    for _ in range(ROUNDS):
        at = _apart(at, gap)
        for group in groups:
            at = _pushed_out(at, group)
        at = {n: (min(max(x, left), right), min(max(y, top), bottom)) for n, (x, y) in at.items()}
    return at


def _fill(wanted: dict[str, Point]) -> dict[str, Point]:
    """Stretch a layout to the unit square, each axis by itself."""
    axes = []
    for axis in (0, 1):
        values = [point[axis] for point in wanted.values()]
        low, high = min(values, default=0.0), max(values, default=1.0)
        axes.append((low, high - low))
    return {
        name: tuple(
            (p[i] - low) / span if span > 1e-9 else 0.5 for i, (low, span) in enumerate(axes)
        )  # type: ignore[misc]
        for name, p in wanted.items()
    }


def _apart(at: dict[str, Point], gap: float) -> dict[str, Point]:
    moved = {name: [x, y] for name, (x, y) in at.items()}
    names = list(at)
    for i, a in enumerate(names):
        for k, b in enumerate(names[i + 1 :], i + 1):
            dx, dy = moved[b][0] - moved[a][0], moved[b][1] - moved[a][1]
            distance = math.hypot(dx, dy)
            if distance >= gap:
                continue
            if distance < 1e-6:  # two at one place part in a direction of their own
                dx, dy, distance = math.cos(i + k), math.sin(i + k), 1.0
            push = (gap - min(distance, gap)) / 2 / distance
            moved[a] = [moved[a][0] - dx * push, moved[a][1] - dy * push]
            moved[b] = [moved[b][0] + dx * push, moved[b][1] + dy * push]
    return {name: (x, y) for name, (x, y) in moved.items()}


def _pushed_out(at: dict[str, Point], group: Sequence[str]) -> dict[str, Point]:
    """Move whoever stands in a group's outline without being of it away from the group's middle."""
    members = [at[name] for name in group]
    hull = convex_hull(members)
    cx, cy = _mean(members)
    moved = dict(at)
    for name, (x, y) in at.items():
        if name in group or distance_to_hull((x, y), hull) > 40:
            continue
        away = math.hypot(x - cx, y - cy) or 1.0
        moved[name] = (x + 8 * (x - cx) / away, y + 8 * (y - cy) / away)
    return moved


def _mean(points: Sequence[Point]) -> Point:
    n = len(points)
    return sum(p[0] for p in points) / n, sum(p[1] for p in points) / n


def convex_hull(points: Iterable[Point]) -> list[Point]:
    """Return the convex hull, in one turning direction (Andrew's monotone chain, 1979)."""
    ordered = sorted(set(points))
    if len(ordered) < 3:
        return ordered
    half = [_chain(ordered), _chain(ordered[::-1])]
    return half[0][:-1] + half[1][:-1]


def _chain(ordered: Sequence[Point]) -> list[Point]:
    chain: list[Point] = []
    for point in ordered:
        while len(chain) > 1 and _turn(chain[-2], chain[-1], point) <= 0:
            chain.pop()
        chain.append(point)
    return chain


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def distance_to_hull(point: Point, hull: Sequence[Point]) -> float:
    """Return how far a point lies outside a hull, 0 inside."""
    if len(hull) == 1:
        return math.dist(point, hull[0])
    sides = list(zip(hull, [*hull[1:], hull[0]], strict=True))
    if len(hull) > 2 and all(_turn(a, b, point) >= 0 for a, b in sides):
        return 0.0
    return min(distance_to_line(point, a, b) for a, b in sides)


def distance_to_line(point: Point, a: Point, b: Point) -> float:
    """Return the distance from a point to a stretch of line."""
    (dx, dy), length = (b[0] - a[0], b[1] - a[1]), math.dist(a, b) ** 2
    if length == 0:
        return math.dist(point, a)
    t = ((point[0] - a[0]) * dx + (point[1] - a[1]) * dy) / length
    t = min(max(t, 0.0), 1.0)
    return math.dist(point, (a[0] + t * dx, a[1] + t * dy))


def outline(points: Sequence[Point], radius: float) -> str:
    """Return the path that runs around points at a distance, round at the corners."""
    hull, n = convex_hull(points), svg.number
    if len(hull) == 1:
        (x, y), r = hull[0], n(radius)
        arcs = (f"a{r},{r} 0 1 1 {n(across)},0" for across in (2 * radius, -2 * radius))
        return f"M{n(x - radius)},{n(y)} {' '.join(arcs)} Z"
    corners = []
    for a, b in zip(hull, [*hull[1:], hull[0]], strict=True):
        length = math.dist(a, b)
        off = ((b[1] - a[1]) / length * radius, (a[0] - b[0]) / length * radius)
        corners.append(((a[0] + off[0], a[1] + off[1]), (b[0] + off[0], b[1] + off[1])))
    start = corners[0][0]
    d = f"M{n(start[0])},{n(start[1])}"
    for i, (_, end) in enumerate(corners):
        following = corners[(i + 1) % len(corners)][0]
        d += f" L{n(end[0])},{n(end[1])} A{n(radius)},{n(radius)} 0 0 1"
        d += f" {n(following[0])},{n(following[1])}"
    return d + " Z"


def free_box(
    choices: Sequence[Box], taken: Sequence[Box], lines: Sequence[tuple[Point, Point]]
) -> int:
    """Return the number of the box that covers least of what is drawn; ties go to the first."""
    costs = [_covered(box, taken, lines) for box in choices]
    return costs.index(min(costs))


def covers(box: Box, taken: Sequence[Box]) -> bool:
    """Tell whether a box covers any of some others."""
    return any(_overlap(box, other) > 0 for other in taken)


def _covered(box: Box, taken: Sequence[Box], lines: Sequence[tuple[Point, Point]]) -> float:
    cost = sum(_overlap(box, other) for other in taken)
    return cost + 30 * sum(_crossed(box, a, b) for a, b in lines)


def _overlap(a: Box, b: Box) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return width * height + 20 if width > 0 and height > 0 else 0.0


def _crossed(box: Box, a: Point, b: Point) -> float:
    """Return how many of a line's points, each a few pixels from the next, lie in the box."""
    steps = max(int(math.dist(a, b) / 4), 1)
    inside = 0
    for i in range(steps + 1):
        x, y = a[0] + (b[0] - a[0]) * i / steps, a[1] + (b[1] - a[1]) * i / steps
        inside += box[0] <= x <= box[2] and box[1] <= y <= box[3]
    return inside


def outside(box: Box, size: Point) -> float:
    """Return by how many pixels a box leaves the drawing."""
    return max(-box[0], 0) + max(-box[1], 0) + max(box[2] - size[0], 0) + max(box[3] - size[1], 0)
