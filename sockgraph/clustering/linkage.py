"""Links as a matrix of evidence, and the tree that linkage makes of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from sklearn.cluster import AgglomerativeClustering

from sockgraph.errors import SockgraphError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray


RestsOn = Literal["any", "flagged", "uncontradicted"]
NEEDED: dict[RestsOn, tuple[str, ...]] = {
    "any": (),
    "flagged": ("flagged",),
    "uncontradicted": ("flagged", "n_against"),
}


@dataclass(frozen=True)
class PairEvidence:
    """What is known of every pair of accounts.

    Attributes
    ----------
    users
        Sorted, so that the order of rows decides nothing, ties included.
    log10_lr : ndarray of float, shape (n, n)
        Symmetric; NaN where evidence is insufficient, not calibrated, or the pair is not compared.
    apart : ndarray of bool, shape (n, n)
        Pairs that must never share a group.
    bears : ndarray of bool, shape (n, n)
        Pairs that may hold a group together; by chains of such pairs every group hangs together.
    n_unused
        Cannot-links that name an account which is not compared here.
    """

    users: pd.Index
    log10_lr: NDArray[np.float64]
    apart: NDArray[np.bool_]
    bears: NDArray[np.bool_]
    n_unused: int = 0

    @property
    def weights(self) -> NDArray[np.float64]:
        """The log10 LRs with 0, no evidence either way, where there is none."""
        return np.nan_to_num(self.log10_lr)

    def of(self, accounts: NDArray[np.int64]) -> PairEvidence:
        """Return what is known among some of the accounts."""
        grid = np.ix_(accounts, accounts)
        return replace(
            self,
            users=self.users[accounts],
            log10_lr=self.log10_lr[grid],
            apart=self.apart[grid],
            bears=self.bears[grid],
        )

    def with_pairs(
        self, a: NDArray[np.int64], b: NDArray[np.int64], log10_lr: NDArray[np.float64]
    ) -> PairEvidence:
        """Return this evidence with other log10 LRs for some pairs."""
        changed = self.log10_lr.copy()
        changed[a, b] = changed[b, a] = log10_lr
        return replace(self, log10_lr=changed)


def pair_evidence(
    links: pd.DataFrame,
    *,
    cannot_links: Iterable[tuple[str, str]] = (),
    declared: Iterable[Iterable[str]] = (),
    rests_on: RestsOn = "any",
) -> PairEvidence:
    """Return links as a matrix.

    Parameters
    ----------
    links
        The `links` table, in any order.
    cannot_links
        Pairs that must stay apart.
    declared
        Sets of accounts that are openly one person's. What links them is no finding: such a pair
        holds no group together.
    rests_on
        Which links may hold a group together: `flagged` ones, those of them that are
        `uncontradicted` (no signal speaks against), or `any`.

    Raises
    ------
    SockgraphError
        If a cannot-link keeps an account apart from itself, a pair stands twice, or a column that
        `rests_on` needs is missing.
    """
    users = pd.Index(sorted({*links["user_a"], *links["user_b"]}), dtype="str")
    a, b = users.get_indexer(links["user_a"]), users.get_indexer(links["user_b"])
    _refuse_twice(a, b, users)
    shape = (len(users), len(users))
    bears = np.zeros(shape, dtype=bool)
    bears[a, b] = bears[b, a] = _bearing(links, rests_on)
    nothing = PairEvidence(users, np.full(shape, np.nan), np.zeros(shape, dtype=bool), bears)
    known = nothing.with_pairs(a, b, links["log10_lr"].to_numpy(np.float64, na_value=np.nan))
    for accounts in declared:
        at = np.flatnonzero(users.isin(list(accounts)))
        known.log10_lr[np.ix_(at, at)] = np.nan
    return _kept_apart(known, cannot_links)


def _bearing(links: pd.DataFrame, rests_on: RestsOn) -> NDArray[np.bool_]:
    if rests_on not in NEEDED:
        raise SockgraphError(rests_on, f"groups rest on one of {', '.join(NEEDED)}.", "Choose one.")
    missing = [column for column in NEEDED[rests_on] if column not in links]
    if missing:
        raise SockgraphError(
            "links", f"columns missing: {', '.join(missing)}.", "Give them, or rest groups on any."
        )
    bearing = np.ones(len(links), dtype=bool)
    if rests_on != "any":
        bearing &= links["flagged"].to_numpy(bool)
    if rests_on == "uncontradicted":
        bearing &= links["n_against"].to_numpy() == 0
    return bearing


def _kept_apart(known: PairEvidence, cannot_links: Iterable[tuple[str, str]]) -> PairEvidence:
    pairs = sorted({(min(pair), max(pair)) for pair in cannot_links})
    for a, b in pairs:
        if a == b:
            raise SockgraphError(
                f"cannot-link {a!r}", "it keeps an account apart from itself.", "Name two accounts."
            )
    names = pd.Index([user for pair in pairs for user in pair])
    at = known.users.get_indexer(names).reshape(-1, 2)
    used = at[(at >= 0).all(axis=1)]
    apart = known.apart.copy()
    apart[used[:, 0], used[:, 1]] = apart[used[:, 1], used[:, 0]] = True
    return replace(known, apart=apart, n_unused=len(at) - len(used))


def _refuse_twice(a: NDArray[np.int64], b: NDArray[np.int64], users: pd.Index) -> None:
    pairs = pd.DataFrame({"a": np.minimum(a, b), "b": np.maximum(a, b)})
    wrong = pairs[pairs.duplicated() | (pairs["a"] == pairs["b"])]
    if len(wrong):
        first = [users[at] for at in wrong.iloc[0]]
        raise SockgraphError(
            " and ".join(first), "this pair stands twice, or is one account.", "Give pairs once."
        )


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
