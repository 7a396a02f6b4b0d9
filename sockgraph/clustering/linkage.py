"""The graph's links as a matrix of evidence, and the tree that linkage makes of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import networkx as nx
import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from sockgraph.errors import SockgraphError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

TIE = 1e-9
"""How much of the unbounded score is added to a log10 LR: it orders links held at one bound."""


@dataclass(frozen=True)
class PairEvidence:
    """What is known of every pair of accounts.

    Attributes
    ----------
    users
        Sorted, so that the order of rows decides nothing, ties included.
    log10_lr : ndarray of float, shape (n, n)
        Symmetric; NaN where evidence is insufficient, not calibrated, or the pair is not compared.
    score : ndarray of float, shape (n, n)
        The unbounded score, which decides between links whose log10 LR is one; 0 where there is
        none.
    apart : ndarray of bool, shape (n, n)
        Pairs that must never share a group.
    bears : ndarray of bool, shape (n, n)
        Pairs that may hold a group together; by chains of such pairs every group hangs together.
    """

    users: pd.Index
    log10_lr: NDArray[np.float64]
    score: NDArray[np.float64]
    apart: NDArray[np.bool_]
    bears: NDArray[np.bool_]

    @property
    def weights(self) -> NDArray[np.float64]:
        """The log10 LRs, ties told apart, with 0, no evidence either way, where there is none."""
        said = np.isfinite(self.log10_lr)
        return np.where(said, self.log10_lr + TIE * self.score, 0.0)

    def of(self, accounts: NDArray[np.int64]) -> PairEvidence:
        """Return what is known among some of the accounts."""
        grid = np.ix_(accounts, accounts)
        return PairEvidence(
            self.users[accounts],
            self.log10_lr[grid],
            self.score[grid],
            self.apart[grid],
            self.bears[grid],
        )

    def with_pairs(
        self, a: NDArray[np.int64], b: NDArray[np.int64], log10_lr: NDArray[np.float64]
    ) -> PairEvidence:
        """Return this evidence with other log10 LRs for some pairs."""
        changed = self.log10_lr.copy()
        changed[a, b] = changed[b, a] = log10_lr
        return replace(self, log10_lr=changed)

    def without(self, account: int) -> PairEvidence:
        """Return this evidence with one account kept apart from everybody."""
        alone = np.zeros(len(self.users), dtype=bool)
        alone[account] = True
        cross = alone[:, None] ^ alone[None, :]
        return replace(
            self, apart=self.apart | cross, log10_lr=np.where(cross, np.nan, self.log10_lr)
        )


def pair_evidence(graph: nx.Graph) -> PairEvidence:
    """Return what a graph says of every pair.

    Parameters
    ----------
    graph
        What `to_graph` returned, or any graph whose edges have `log10_lr`: read beside it are
        `score`, `eligible` (may the link hold a group together; where it is missing, yes),
        `cannot_link` and `declared` (one person's openly: no evidence of a group).

    Raises
    ------
    SockgraphError
        If this is no graph, or no edge of it has a log10 LR.
    """
    if not isinstance(graph, nx.Graph) or graph.is_directed() or graph.is_multigraph():
        raise SockgraphError(
            f"graph ({type(graph).__name__})",
            "groups are made from a networkx.Graph.",
            "Give what sg.to_graph(scores) returned.",
        )
    edges = list(graph.edges(data=True))
    if edges and not any("log10_lr" in known or "cannot_link" in known for *_, known in edges):
        raise SockgraphError(
            "graph", "no edge of it has log10_lr.", "Name each edge's log10 LR so, in base ten."
        )
    users = pd.Index(sorted(graph), dtype="str")
    n = len(users)
    a = users.get_indexer([one for one, *_ in edges])
    b = users.get_indexer([other for _, other, _ in edges])

    def square(name: str, missing: float) -> NDArray[np.float64]:
        made = np.full((n, n), missing)
        made[a, b] = made[b, a] = [float(known.get(name, missing)) for *_, known in edges]
        return made

    declared = square("declared", 0.0) == 1
    return PairEvidence(
        users,
        np.where(declared, np.nan, square("log10_lr", np.nan)),
        square("score", 0.0),
        square("cannot_link", 0.0) == 1,
        square("eligible", 1.0) == 1,
    )


Linkage = Literal["average", "complete"]
LINKAGES: tuple[Linkage, ...] = ("average", "complete")
THRESHOLD = 0.3  # the mean link of a group speaks for: a factor of two
DIGITS = 7  # heights are compared after rounding: neither ties nor last bits decide where to cut


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


def linkage_trees(known: PairEvidence, *, threshold: float, linkage: Linkage) -> list[Tree]:
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
    if len(accounts) < 2 or (len(accounts) == 2 and ways[accounts[0], accounts[1]]):
        return [accounts]
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
    from sklearn.cluster import AgglomerativeClustering  # slow to import

    model = AgglomerativeClustering(
        n_clusters=None, metric="precomputed", linkage=linkage, distance_threshold=0
    ).fit(distance)
    heights = np.round(top - model.distances_, DIGITS)
    apart = model.distances_ > distance[~here.apart].max() + 1e-9
    return Tree(leaves, model.children_, np.where(apart, -np.inf, heights))


def partition(known: PairEvidence, *, threshold: float, linkage: Linkage) -> NDArray[np.int64]:
    """Return each account's group as a number; an account alone has a number of its own."""
    return numbered(
        len(known.users), linkage_trees(known, threshold=threshold, linkage=linkage), threshold
    )


def fit_estimator(known: PairEvidence, estimator: Any, top: float) -> NDArray[np.int64]:
    """Return the groups of a scikit-learn estimator, as `partition` does.

    What no chain of bearing links holds together is taken apart, and so is, by average linkage,
    a group that holds a cannot-link.

    Parameters
    ----------
    estimator
        Takes `metric="precomputed"` and has `fit_predict`; label -1 is an account alone.
    top
        The highest weight there is: distances are counted from it, 0 for the strongest link.

    Raises
    ------
    SockgraphError
        If the estimator takes no distances, or refuses these.
    """
    if not hasattr(estimator, "fit_predict") or getattr(estimator, "metric", "") != "precomputed":
        raise SockgraphError(
            f"estimator ({type(estimator).__name__})",
            "it must cluster a matrix of distances.",
            "Give a scikit-learn clusterer made with metric='precomputed'.",
        )
    from sklearn.base import clone  # slow to import

    n = len(known.users)
    distance = np.maximum(top - known.weights, 0.0)
    distance[known.apart] = (distance.max(initial=0.0) + 1) * n
    np.fill_diagonal(distance, 0.0)
    try:
        labels = np.asarray(clone(estimator).fit_predict(distance))
    except ValueError as error:
        raise SockgraphError(
            f"estimator ({type(estimator).__name__})", f"it refuses {n} accounts: {error}",
            "Choose settings that fit so many.",
        ) from error  # fmt: skip
    group = np.arange(n)
    ways = known.bears & ~known.apart & (known.weights > 0)
    for label in np.unique(labels[labels >= 0]):
        for members in _components(ways, np.flatnonzero(labels == label)):
            here = known.of(members)
            split = partition(here, threshold=THRESHOLD, linkage="average")
            group[members] = members[split] if here.apart.any() else members[0]
    return group


def numbered(n: int, trees: Sequence[Tree], threshold: float) -> NDArray[np.int64]:
    """Return the group of each of n accounts, named by its first account."""
    group = np.arange(n)
    for tree in trees:
        for members in tree.cut(threshold):
            group[members] = members[0]
    return group
