"""Where marks, lines and labels go, so that nothing on a figure hides or crosses what it must not.

Deterministic: the same accounts and links give the same places.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import ConvexHull, Voronoi

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sockgraph.charts.marks import Box, Point

    Places = NDArray[np.float64]

ROUNDS = 80
BOWS = (16.0, 28.0, 42.0, 60.0, 84.0, 112.0)
"""How far a line that would meet an account swerves, in pixels: the least that is clear."""
CROWD = 40
"""Marks from which on they stand on a lattice: pushing that many apart does not settle."""


def spread(
    wanted: Places, box: Box, gap: float, *, groups: Sequence[Sequence[int]], room: float
) -> Places:
    """Return places in pixels: the layout's, pushed apart where marks would touch.

    Parameters
    ----------
    wanted : ndarray of float, shape (n, 2)
        A layout in any unit; it is stretched to the box.
    box
        Where marks may stand.
    gap
        The least distance between two.
    groups
        Rows that are outlined together; others are pushed out of their outline.
    room
        How far an outline lies from its marks.
    """
    low, high = np.array(box[:2]), np.array(box[2:])
    if not len(wanted):
        return wanted
    span = np.ptp(wanted, axis=0)
    at = np.where(span > 1e-9, (wanted - wanted.min(axis=0)) / np.where(span > 1e-9, span, 1), 0.5)
    turn = 2.399963 * np.arange(len(at))  # the golden angle: no two of one place go one way
    at = low + at * (high - low) + 1e-3 * np.column_stack([np.cos(turn), np.sin(turn)])
    if len(at) > CROWD:
        return _on_lattice(at, (low, high), gap)
    for _ in range(ROUNDS):
        before = at
        at = _apart(at, gap)
        for group in groups:
            at = _pushed_out(at, np.asarray(group), room)
        at = np.clip(at, low, high)
        if np.abs(at - before).max() < 0.05:
            break
    return at if _nearest(at) > 0.6 * gap else _on_lattice(at, (low, high), 0.8 * gap)


def _nearest(at: Places) -> float:
    distance = np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1))
    np.fill_diagonal(distance, np.inf)
    return float(distance.min())


def _on_lattice(at: Places, corners: tuple[Places, Places], gap: float) -> Places:
    """Move each mark to a point of a triangular lattice of its own, all together the least."""
    low, high = corners
    rows = np.arange(low[1], high[1] + 1e-6, gap * math.sqrt(3) / 2)
    spots = [
        (x, y)
        for i, y in enumerate(rows)
        for x in np.arange(low[0] + (i % 2) * gap / 2, high[0] + 1e-6, gap)
    ]
    lattice = np.array(spots)
    if len(lattice) < len(at):
        return _on_lattice(at, (low, high + np.array([0.0, gap])), gap)
    cost = ((at[:, None] - lattice[None]) ** 2).sum(axis=2)
    _, chosen = linear_sum_assignment(cost)
    placed: Places = lattice[chosen]
    return placed


def _apart(at: Places, gap: float) -> Places:
    apart = at[:, None] - at[None]
    distance = np.hypot(apart[..., 0], apart[..., 1])
    np.fill_diagonal(distance, np.inf)
    lack = np.clip(gap - distance, 0, None) / 2 / np.maximum(distance, 1e-9)
    crowd = np.maximum((lack > 0).sum(axis=1), 1)[:, None] ** 0.5
    pushed: Places = at + (apart * lack[..., None]).sum(axis=1) / crowd
    return pushed


def _pushed_out(at: Places, group: NDArray[np.int64], room: float) -> Places:
    """Move whoever stands in a group's outline without being of it away from its middle."""
    others = np.setdiff1d(np.arange(len(at)), group)
    inside = others[within(outline(at[group], room + 14), at[others])]
    away = at[inside] - at[group].mean(axis=0)
    length = np.maximum(np.hypot(away[:, 0], away[:, 1]), 1e-9)
    moved = at.copy()
    moved[inside] += 8 * away / length[:, None]
    return moved


def outline(points: Places, room: float) -> Places:
    """Return the rounded outline at a distance from points, its corners anticlockwise."""
    turn = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    ring = room * np.column_stack([np.cos(turn), np.sin(turn)])
    cloud = (points[:, None] + ring[None]).reshape(-1, 2)
    corners: Places = cloud[ConvexHull(cloud).vertices]
    return corners


def within(corners: Places, points: Places) -> NDArray[np.bool_]:
    """Tell which points lie in a convex outline, corners anticlockwise."""
    side = np.roll(corners, -1, axis=0) - corners
    away = points[:, None] - corners[None]
    left = side[None, :, 0] * away[..., 1] - side[None, :, 1] * away[..., 0]
    return np.asarray((left >= 0).all(axis=1), dtype=bool)


def clearance(path: Places, points: Places) -> float:
    """Return the least distance from a line through corners to some points."""
    if not len(points):
        return math.inf
    start, along = path[:-1], np.diff(path, axis=0)
    length = np.maximum((along**2).sum(axis=1), 1e-9)
    away = points[:, None] - start[None]
    share = np.clip((away * along).sum(axis=2) / length, 0, 1)
    off = away - share[..., None] * along
    return float(np.sqrt((off**2).sum(axis=2)).min())


class Router:
    """Lines between marks that keep clear of all the others.

    Parameters
    ----------
    at : ndarray of float, shape (n, 2)
        Every mark's place; no two are nearer than twice `room`.
    room
        How far a line keeps from other marks' middles.
    """

    def __init__(self, at: Places, room: float) -> None:
        self.at, self.room = at, room

    def route(self, a: int, b: int) -> Places:
        """Return a line between two marks: straight where it can be, else a bow, else around."""
        at, others = self.at, np.delete(self.at, [a, b], axis=0)
        straight: Places = np.array([at[a], at[b]])
        if clearance(straight, others) >= self.room:
            return straight
        ahead = at[b] - at[a]
        aside = np.array([-ahead[1], ahead[0]]) / max(math.hypot(*ahead), 1e-9)
        t = np.linspace(0, 1, 17)[:, None]
        for bow in BOWS:
            for side in (1, -1):
                middle = (at[a] + at[b]) / 2 + side * 2 * bow * aside
                path: Places = (1 - t) ** 2 * at[a] + 2 * t * (1 - t) * middle + t**2 * at[b]
                if clearance(path, others) >= self.room:
                    return path
        return self._around(a, b, others)

    @cached_property
    def _ways(self) -> tuple[Places, list[list[int]], coo_array]:
        """Return corners between marks, those around each mark, and how far they are apart.

        The corners are those of the marks' Voronoi cells, whose sides lie as far as can be from
        every mark; a frame of points outside closes the outer cells.
        """
        low, high = self.at.min(axis=0) - 3 * self.room, self.at.max(axis=0) + 3 * self.room
        steps = [np.arange(low[k], high[k] + 3 * self.room, 3 * self.room) for k in (0, 1)]
        frame = [(x, y) for x in steps[0] for y in (low[1], high[1])]
        frame += [(x, y) for y in steps[1] for x in (low[0], high[0])]
        cells = Voronoi(np.vstack([self.at, frame]))
        corners: Places = cells.vertices
        sides = np.array([side for side in cells.ridge_vertices if min(side) >= 0])
        length = np.hypot(*(corners[sides[:, 0]] - corners[sides[:, 1]]).T)
        shape = (len(corners), len(corners))
        graph = coo_array((length, (sides[:, 0], sides[:, 1])), shape=shape).tocsr()
        around = [
            [v for v in cells.regions[cells.point_region[i]] if v >= 0] for i in range(len(self.at))
        ]
        return corners, around, graph

    def _around(self, a: int, b: int, others: Places) -> Places:
        """Return the shortest way between the cells of the others."""
        corners, around, graph = self._ways
        ends = around[b]
        best, shortest = np.array([self.at[a], self.at[b]]), math.inf
        far, before = dijkstra(graph, directed=False, indices=around[a], return_predecessors=True)
        for i, start in enumerate(around[a]):
            for end in ends:
                first = math.dist(self.at[a], corners[start])
                length = first + far[i, end] + math.dist(corners[end], self.at[b])
                if length >= shortest:
                    continue
                shortest, path = length, [end]
                while path[-1] != start:
                    path.append(int(before[i, path[-1]]))
                best = np.vstack([self.at[a], corners[path[::-1]], self.at[b]])
        return _pulled(best, others, self.room)


def _pulled(path: Places, others: Places, room: float) -> Places:
    """Return a path without the corners that it can do without."""
    kept, at = [0], 0
    while at < len(path) - 1:
        ahead = len(path) - 1
        while ahead > at + 1 and clearance(path[[at, ahead]], others) < room:
            ahead -= max((ahead - at) // 4, 1)
        at = ahead
        kept.append(at)
    return path[kept]


def along(path: Places, share: float) -> Point:
    """Return the point at a share of a line's length."""
    steps = np.hypot(*np.diff(path, axis=0).T)
    done = np.concatenate([[0.0], np.cumsum(steps)])
    at = share * done[-1]
    return float(np.interp(at, done, path[:, 0])), float(np.interp(at, done, path[:, 1]))


def clear_point(path: Places, marks: Places) -> Point:
    """Return the point of a line's middle that is farthest from all marks."""
    shares = (0.5, 0.45, 0.55, 0.4, 0.6, 0.35, 0.65, 0.3, 0.7)
    points = np.array([along(path, share) for share in shares])
    away = np.sqrt(((points[:, None] - marks[None]) ** 2).sum(axis=2)).min(axis=1)
    x, y = points[int(np.argmax(away - 0.01 * np.arange(len(shares))))]
    return float(x), float(y)


class LabelPlacer:
    """Texts placed one after the other, each where it covers least of what is there."""

    def __init__(self, taken: Sequence[Box], lines: Sequence[Places], size: Point) -> None:
        self.taken = list(taken)
        self.size = size
        strokes = [_dotted(path) for path in lines]
        self.strokes = np.concatenate(strokes) if strokes else np.empty((0, 2))

    def place(self, choices: Sequence[Box], *, needed: bool = True) -> Box | None:
        """Take the best of some boxes; None if it is not needed and would cover another."""
        inside = [box for box in choices if self._outside(box) == 0]
        if not inside and not needed:
            return None
        boxes = inside or sorted(choices, key=self._outside)[:1]
        costs = [self._cost(box) for box in boxes]
        box = boxes[costs.index(min(costs))]
        if not needed and self._overlap(box):
            return None
        self.taken.append((box[0] - 6, box[1], box[2] + 6, box[3]))
        return box

    def _cost(self, box: Box) -> float:
        x, y = self.strokes.T  # by column: by row it takes many times as long
        near = (x >= box[0]) & (x <= box[2]) & (y >= box[1]) & (y <= box[3])
        return self._overlap(box) + 30 * float(near.sum())

    def _overlap(self, box: Box) -> float:
        taken = np.array(self.taken).reshape(-1, 4)
        width = np.minimum(taken[:, 2], box[2]) - np.maximum(taken[:, 0], box[0])
        height = np.minimum(taken[:, 3], box[3]) - np.maximum(taken[:, 1], box[1])
        both = (width > 0) & (height > 0)
        return float((width[both] * height[both] + 20).sum())

    def _outside(self, box: Box) -> float:
        width, height = self.size
        beyond = (-box[0], -box[1], box[2] - width, box[3] - height)
        return sum(max(value, 0.0) for value in beyond)


def _dotted(path: Places) -> Places:
    """Return points a few pixels apart along a line."""
    n = max(int(np.hypot(*np.diff(path, axis=0).T).sum() / 4), 2)
    return np.array([along(path, share) for share in np.linspace(0, 1, n)])


def around(at: Point, width: float, reach: float) -> list[Box]:
    """Return boxes for a label beside a mark: right, left, above, below, the corners, further."""
    (x, y), r = at, reach
    spots = [(x + r, y - 8), (x - r - width, y - 8), (x - width / 2, y - r - 15)]
    spots += [(x - width / 2, y + r - 2), (x + r - 6, y - r - 12), (x - r + 6 - width, y - r - 12)]
    spots += [(x + r - 6, y + r - 5), (x - r + 6 - width, y + r - 5)]
    spots += [(x - width / 2, y + r + 13), (x - width / 2, y - r - 31)]
    spots += [(x - width * 0.2, y + r - 2), (x - width * 0.8, y + r - 2)]
    return [(left, top, left + width, top + 17.0) for left, top in spots]


def beside(path: Places, width: float) -> list[Box]:
    """Return boxes for a label beside a line's middle and, failing that, nearer its ends."""
    boxes = []
    for share in (0.5, 0.38, 0.62, 0.28, 0.72):
        x, y = along(path, share)
        for dx, dy in ((10, -8), (-10 - width, -8), (-width / 2, -24), (-width / 2, 10)):
            boxes.append((x + dx, y + dy, x + dx + width, y + dy + 16.0))
    return boxes
