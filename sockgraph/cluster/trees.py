"""Constrained agglomeration: from pairwise evidence to a tree, and from the tree to groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from sklearn.cluster import AgglomerativeClustering

from sockgraph.errors import SockgraphError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sockgraph.cluster.matrix import PairEvidence

Linkage = Literal["average", "complete"]
LINKAGES: tuple[Linkage, ...] = ("average", "complete")
THRESHOLD = 1.0  # the mean link of a group is worth a factor of ten
DIGITS = 9  # heights are compared after rounding: the last bits of a mean decide nothing


@dataclass(frozen=True)
class Tree:
    """How the accounts of one component join, nearest first.

    Attributes
    ----------
    leaves : ndarray of int, shape (m,)
        Accounts, by their place in `PairEvidence.users`.
    children : ndarray of int, shape (m - 1, 2)
        The two nodes that each step joins: a leaf below m, else m + an earlier step.
    heights : ndarray of float, shape (m - 1,)
        The log10 LR at which they join, falling: the mean over the pairs between them (average
        linkage) or the least (complete). `-inf` where a cannot-link keeps them apart.
    """

    leaves: NDArray[np.int64]
    children: NDArray[np.int64]
    heights: NDArray[np.float64]

    def cut(self, threshold: float) -> list[NDArray[np.int64]]:
        """Return the groups that join at or above the threshold; one each for the alone."""
        parts = {at: [leaf] for at, leaf in enumerate(self.leaves.tolist())}
        joins = zip(self.children.tolist(), self.heights.tolist(), strict=True)
        for node, ((left, right), height) in enumerate(joins, len(self.leaves)):
            if height >= threshold:
                parts[node] = parts.pop(left) + parts.pop(right)
        return [np.sort(np.array(part, dtype=np.int64)) for part in parts.values()]


def refuse_settings(threshold: float, linkage: str) -> None:
    """Refuse a threshold or linkage that means nothing.

    Raises
    ------
    SockgraphError
        If the linkage is unknown, or the threshold is not a positive number.
    """
    if linkage not in LINKAGES:
        raise SockgraphError(linkage, f"a linkage is one of {', '.join(LINKAGES)}.", "Choose one.")
    if not 0 < threshold < np.inf:
        raise SockgraphError(
            threshold, "a threshold is a log10 LR above 0: no evidence is no link.", "Raise it."
        )


def grow(known: PairEvidence, *, threshold: float, linkage: Linkage) -> list[Tree]:
    """Return the trees of accounts that could share a group.

    Two groups join only where their mean (or least) log10 LR reaches the threshold, so at least one
    pair between them does: components of those pairs hold every group, and each is taken by itself.
    A tree whose cut leaves a group that no chain of bearing links holds together gives way to the
    trees of what they do hold together.
    """
    trees: list[Tree] = []
    whole = np.arange(len(known.users))
    ways = (np.round(known.weights, DIGITS) >= threshold) & known.bears & ~known.apart
    waiting = _components(ways, whole)
    while waiting:
        leaves = waiting.pop(0)
        if len(leaves) < 2:
            continue
        tree = _tree(known, leaves, linkage)
        parts = [_components(ways, group) for group in tree.cut(threshold)]
        if max(map(len, parts)) == 1:
            trees.append(tree)
        else:
            waiting = [part for group in parts for part in group] + waiting
    return trees


def _components(ways: NDArray[np.bool_], accounts: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return what of the accounts hangs together, in their order."""
    among = csr_array(ways[np.ix_(accounts, accounts)])
    n_parts, part = connected_components(among, directed=False)
    order = np.argsort(part, kind="stable")
    return np.split(accounts[order], np.cumsum(np.bincount(part, minlength=n_parts))[:-1])


def _tree(known: PairEvidence, leaves: NDArray[np.int64], linkage: Linkage) -> Tree:
    here = known.of(leaves)
    if len(leaves) == 2:
        return Tree(leaves, np.array([[0, 1]]), np.round(here.weights[:1, 1], DIGITS))
    top = here.weights.max()
    distance = top - here.weights
    # Were the rest of two groups at distance 0, one such pair would still keep their mean too far.
    too_far = (distance.max() + 1) * len(leaves) ** 2
    distance[here.apart] = too_far
    np.fill_diagonal(distance, 0)
    model = AgglomerativeClustering(
        n_clusters=None, metric="precomputed", linkage=linkage, distance_threshold=0
    ).fit(distance)
    heights = np.round(top - model.distances_, DIGITS)
    apart = model.distances_ > distance[~here.apart].max() + 1e-9
    return Tree(leaves, model.children_, np.where(apart, -np.inf, heights))


def partition(known: PairEvidence, *, threshold: float, linkage: Linkage) -> NDArray[np.int64]:
    """Return each account's group as a number; an account alone has a number of its own."""
    return numbered(len(known.users), grow(known, threshold=threshold, linkage=linkage), threshold)


def numbered(n: int, trees: Sequence[Tree], threshold: float) -> NDArray[np.int64]:
    """Return the group of each of n accounts, named by its first account."""
    group = np.arange(n)
    for tree in trees:
        for members in tree.cut(threshold):
            group[members] = members[0]
    return group
