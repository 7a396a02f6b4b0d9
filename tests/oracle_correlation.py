"""Exact correlation clustering of few accounts: what agglomeration is tested against."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sockgraph.clustering import cluster_frame
from sockgraph.clustering.linkage import DIGITS, THRESHOLD, linkage_trees, pair_evidence
from sockgraph.errors import SockgraphError
from sockgraph.graph import to_graph

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd
    from numpy.typing import NDArray

    from sockgraph.clustering.linkage import PairEvidence

MOST = 12  # accounts of one component: 3^12 splits


def exact_clusters(
    links: pd.DataFrame,
    *,
    cannot_links: Iterable[tuple[str, str]] = (),
    threshold: float = THRESHOLD,
) -> pd.DataFrame:
    """Return the partition with the greatest sum of (log10 LR - threshold) within groups.

    Correlation clustering by weight (Bansal, Blum & Chawla 2004, Machine Learning 56:89), solved
    exactly over subsets. Of equally good partitions the one with more groups is taken: a tie is no
    reason to link. Only accounts joined by chains of pairs above the threshold can share a group.

    Returns
    -------
    DataFrame
        `user, cluster_id`; null where an account is alone.

    Raises
    ------
    SockgraphError
        If more than 12 accounts hang together.
    """
    known = pair_evidence(to_graph(links, cannot_links=cannot_links))
    group = np.arange(len(known.users))
    for tree in linkage_trees(known, threshold=threshold, linkage="average"):
        if len(tree.leaves) > MOST:
            raise SockgraphError(
                f"{len(tree.leaves)} accounts hang together",
                f"exact clustering takes at most {MOST}.",
                "Raise the threshold, or use agglomeration.",
            )
        for members in best_partition(known.of(tree.leaves), threshold):
            group[tree.leaves[members]] = tree.leaves[members[0]]
    return cluster_frame(known.users, group)


def best_partition(known: PairEvidence, threshold: float) -> list[list[int]]:
    """Return the best partition of at most 12 accounts, as lists of their places."""
    n = len(known.users)
    worth = _worth(known, threshold)
    best = np.zeros(1 << n)
    parts = np.zeros(1 << n, np.int64)
    choice = np.zeros(1 << n, np.int64)
    for whole in range(1, 1 << n):
        first = whole & -whole
        groups = _subsets(whole ^ first) | first
        value = np.round(worth[groups] + best[whole ^ groups], DIGITS)
        count = 1 + parts[whole ^ groups]
        at = np.lexsort((groups, -count, -value))[0]
        best[whole], parts[whole], choice[whole] = value[at], count[at], groups[at]
    return _unfold(choice, n)


def _worth(known: PairEvidence, threshold: float) -> NDArray[np.float64]:
    """Return the worth of every subset as one group."""
    n = len(known.users)
    gain = np.where(known.apart, -np.inf, known.weights - threshold)
    worth = np.zeros(1 << n)
    for subset in range(1, 1 << n):
        last = subset.bit_length() - 1
        rest = [i for i in range(last) if subset >> i & 1]
        worth[subset] = worth[subset ^ 1 << last] + gain[last, rest].sum()
    return worth


def _subsets(mask: int) -> NDArray[np.int64]:
    """Return every subset of a mask, the empty one included."""
    bits = [1 << i for i in range(mask.bit_length()) if mask >> i & 1]
    subsets = np.zeros(1, np.int64)
    for bit in bits:
        subsets = np.concatenate([subsets, subsets | bit])
    return subsets


def _unfold(choice: NDArray[np.int64], n: int) -> list[list[int]]:
    groups, left = [], (1 << n) - 1
    while left:
        group = int(choice[left])
        groups.append([i for i in range(n) if group >> i & 1])
        left ^= group
    return groups
