"""Where accounts stand on a picture: the linked near each other, the others in rows below."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Places = NDArray[np.float64]

ASPECT = 4 / 3  # of the picture: width to height
GAP = 1.0  # the least distance between two marks; everything else is measured in it
ROUNDS = 60
TOGETHER = 0.5  # how strongly acting in concert draws
STRONGEST = 3.0  # a stronger link draws no closer
NEAREST = 2


def layout(graph: nx.Graph) -> dict[str, tuple[float, float]]:
    """Return a place for every node, in the order of the graph.

    Edges with `weight` > 0 that are drawn (all, where `drawn` is not set) pull, by at most 3, and
    `concert` a little: those within a `group` and the strongest of every account. Each connected
    part is laid out by itself by Fruchterman and Reingold's forces (1991, Software: Practice and
    Experience 21:1129) from a
    circle in the order of nodes, then its marks are pushed apart until none overlap. The parts are
    set in rows, the largest first; accounts without links fill the last ones.

    Returns
    -------
    dict
        x and y in [0, 1], from the left and from the top, of a picture 4 wide and 3 high.
    """
    pull = _pulling(graph)
    order = {node: at for at, node in enumerate(graph)}
    parts = [sorted(part, key=order.__getitem__) for part in nx.connected_components(pull)]
    parts.sort(key=lambda part: (-len(part), order[part[0]]))
    blocks = [_block(pull.subgraph(part), part) for part in parts]
    corners = _rows([np.ptp(block, axis=0) + 2 * GAP for block in blocks])
    placed = [block + corner for block, corner in zip(blocks, corners, strict=True)]
    nodes = [node for part in parts for node in part]
    at = dict(zip(nodes, _unit(placed), strict=True))
    return {node: at[node] for node in graph}


def _pulling(graph: nx.Graph) -> nx.Graph:
    """Return what pulls: groups, thrice, and every account's two strongest other links.

    All links at once would pull a large case into one knot.
    """
    links = [
        (min(known["weight"], STRONGEST), a, b)
        for a, b, known in graph.edges(data=True)
        if known.get("weight", 0) > 0 and known.get("drawn", True)
    ]
    group = dict(graph.nodes(data="group"))
    links += [(TOGETHER, a, b) for a, b, concert in graph.edges(data="concert") if concert]
    pull = nx.Graph()
    pull.add_nodes_from(graph)
    pull.add_edges_from(
        (a, b, {"pull": 3 * weight})
        for weight, a, b in links
        if group[a] is not None and group[a] == group[b]
    )
    taken = dict.fromkeys(graph, 0)
    for weight, a, b in sorted(links, key=lambda link: -link[0]):
        if not pull.has_edge(a, b) and min(taken[a], taken[b]) < NEAREST:
            pull.add_edge(a, b, pull=weight)
            taken[a] += 1
            taken[b] += 1
    return pull


def _block(part: nx.Graph, nodes: list[str]) -> Places:
    """Lay out one connected part, its least x and y at one gap from 0."""
    if len(nodes) == 1:
        return np.full((1, 2), GAP)
    whole = nx.Graph()  # nodes in our order: a subgraph's view keeps none
    whole.add_nodes_from(nodes)
    whole.add_edges_from(sorted(part.edges(data=True), key=lambda edge: sorted(edge[:2])))
    start = nx.circular_layout(whole)
    at = nx.spring_layout(whole, pos=start, weight="pull", iterations=150, seed=0)
    places = np.array([at[node] for node in nodes], dtype=np.float64)
    places *= 1.6 * GAP * math.sqrt(len(nodes)) / max(np.ptp(places, axis=0).max(), 1e-9)
    places = _apart(_upright(places))
    corner: Places = places.min(axis=0) - GAP
    return places - corner


def _upright(places: Places) -> Places:
    """Turn a part so that its longer side lies across."""
    width, height = np.ptp(places, axis=0)
    return places[:, ::-1] if height > width else places


def _apart(places: Places) -> Places:
    """Push marks apart, each pair by half of what it lacks, until every gap is kept."""
    turn = 2.399963 * np.arange(len(places))  # the golden angle: no two of one place go one way
    jitter = 1e-6 * np.column_stack([np.cos(turn), np.sin(turn)])
    places = places + jitter
    for _ in range(ROUNDS * 4):
        near = cKDTree(places).query_pairs(GAP, output_type="ndarray")  # the others lack nothing
        one, other = near[np.lexsort(near.T[::-1])].T
        apart = places[one] - places[other]
        distance = np.hypot(apart[:, 0], apart[:, 1])
        if GAP - distance.min(initial=GAP) < GAP / 20:
            break
        push = apart * ((GAP - distance) / distance / 2)[:, None]
        places = places.copy()
        np.add.at(places, one, push)
        np.subtract.at(places, other, push)
    return places


def _rows(sizes: list[Places]) -> list[Places]:
    """Return where each block's corner goes: in rows, from the left, each below the last."""
    area = sum(float(np.prod(size)) for size in sizes)
    width = max([math.sqrt(area * ASPECT), *(float(size[0]) for size in sizes)], default=0.0)
    corners, x, y, row = [], 0.0, 0.0, 0.0
    for across, down in sizes:
        if x > 0 and x + across > width + 1e-9:
            x, y, row = 0.0, y + row, 0.0
        corners.append(np.array([x, y]))
        x, row = x + across, max(row, down)
    return corners


def _unit(placed: list[Places]) -> list[tuple[float, float]]:
    """Scale to [0, 1] on a picture of the aspect, centred, one scale for both axes."""
    if not placed:
        return []
    places = np.concatenate(placed)
    low, span = places.min(axis=0), np.ptp(places, axis=0)
    picture = np.array([ASPECT, 1.0])
    scale = max(float((span / picture).max()), 1e-9)
    centred = (places - low - span / 2) / scale / picture + 0.5
    return [(float(f"{x:.6f}"), float(f"{y:.6f}")) for x, y in centred]
