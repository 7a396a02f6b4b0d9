"""Labels beside their marks, where they cover neither marks nor each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sockgraph.plot.style import fonts_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.text import Text
    from numpy.typing import NDArray

    Points = NDArray[np.float64]

ANGLES = np.deg2rad([90, 0, 180, 270, 35, 145, 215, 325])
OVER_MARK, OVER_LABEL, OVER_LINE, OUTSIDE = 8.0, 20.0, 1.5, 30.0  # what a place costs
COVERED, MARKED, CROSSED = OVER_LABEL, OVER_MARK, 4.0  # limits: covers a label, a mark; crosses


def place_labels(
    axes: Axes,
    texts: Sequence[Text],
    points: Points,
    *,
    avoid: Points,
    radius: Points,
    lines: Points | None = None,
    limits: Points | None = None,
) -> None:
    """Move texts beside their points, greedily, in the order given.

    Parameters
    ----------
    axes
        Holds the texts; they are kept within its figure.
    texts
        One a point.
    points, avoid : ndarray of float, shape (n, 2) and (m, 2)
        The points, and all marks, in pixels of the figure.
    radius : ndarray of float, shape (n,)
        How far a label keeps from its point, in pixels.
    lines : ndarray of float, shape (k, 2)
        Points along lines, which labels keep off where they can.
    limits : ndarray of float, shape (n,)
        Labels whose best place costs as much are removed: `COVERED`, `MARKED`, `CROSSED` or
        infinity.
    """
    families = list(fonts_for(text.get_text() for text in texts))
    frame = np.array([[0, 0], axes.figure.bbox.size])
    taken: list[Points] = []
    strokes = np.empty((0, 2)) if lines is None else lines
    bars = np.full(len(texts), np.inf) if limits is None else limits
    for text, point, room, limit in zip(texts, points, radius, bars, strict=True):
        text.set_fontfamily(families)
        text.set(ha="center", va="center")
        extent = np.asarray(text.get_window_extent().size)
        boxes = [_box(point, extent, far * room, a) for far in (1, 2) for a in ANGLES]
        reach = extent + 2 * room + 8  # beyond it no place of this label can touch anything
        marks, near = _around(avoid, point, reach), _around(strokes, point, reach)
        costs = [
            _cost(box, marks, taken, near) + OUTSIDE * _beyond(box, frame) + i / 50
            for i, box in enumerate(boxes)
        ]
        best = int(np.argmin(costs))
        if costs[best] >= limit:
            text.remove()
            continue
        taken.append(boxes[best])
        text.set_position(tuple(axes.transData.inverted().transform(boxes[best].mean(axis=0))))


def _around(points: Points, centre: Points, reach: Points) -> Points:
    near: Points = points[(np.abs(points - centre) <= reach).all(axis=1)]
    return near


def _box(point: Points, extent: Points, room: float, angle: float) -> Points:
    """Return the lower left and upper right of a label in one direction from its point."""
    towards = np.array([np.cos(angle), np.sin(angle)])
    reach = np.where(np.abs(towards) > 0.3, np.sign(towards) * extent / 2, 0)
    centre = point + towards * room + reach
    return np.array([centre - extent / 2 - 1.5, centre + extent / 2 + 1.5])


def _cost(box: Points, avoid: Points, taken: list[Points], strokes: Points) -> float:
    cost = OVER_MARK * _within(avoid, box, 4) + OVER_LINE * min(_within(strokes, box, 1), 6)
    for other in taken:
        overlap = np.minimum(box[1], other[1]) - np.maximum(box[0], other[0])
        cost += OVER_LABEL * bool((overlap > 0).all())
    return cost


def _beyond(box: Points, frame: Points) -> bool:
    return bool((box[0] < frame[0]).any() or (box[1] > frame[1]).any())


def _within(points: Points, box: Points, margin: float) -> int:
    inside = (points > box[0] - margin) & (points < box[1] + margin)
    return int(inside.all(axis=1).sum())
