"""Groups of accounts: what holds together, what does not, and what each group leans on.

Evidence is the bounded log10 LR on the graph's edges; too little evidence is 0, which speaks
neither way. Groups come from average or complete linkage, never from chains: that A goes with B and
B with C asserts nothing about A and C. A group rests on links that are eligible for a flag: what
may not be flagged may not hold a group together. Pairs that must stay apart never share a group, at
any remove. What groups lean on is told by leaving each account, signal, family and week out in
turn; connected components and Louvain stand beside them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np
import pandas as pd

from sockgraph.clustering.linkage import (
    THRESHOLD,
    Linkage,
    PairEvidence,
    fit_estimator,
    linkage_trees,
    pair_evidence,
    partition,
    refuse_settings,
)
from sockgraph.schema import empty, subject_of, validate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from sockgraph.clustering.linkage import Tree


KINDS = ("account", "signal", "family", "week")


@dataclass(frozen=True)
class LeaveOneOut:
    """The groups with one thing left out.

    Attributes
    ----------
    omitted
        `account:NAME`, `signal:NAME`, `family:NAME`, `week:2024-W05`, or another such label.
    group : ndarray of int, shape (n,)
        Each account's group; -1 for the account left out.
    touched : ndarray of bool, shape (n,)
        Accounts whose evidence was weighed again, or whose group lost the account left out.
    """

    omitted: str
    group: NDArray[np.int64]
    touched: NDArray[np.bool_]


def leave_one_out(
    known: PairEvidence,
    omissions: pd.DataFrame,
    regroup: Callable[[PairEvidence], NDArray[np.int64]],
    parts: Sequence[NDArray[np.int64]],
) -> Iterator[LeaveOneOut]:
    """Yield the groups again with each thing left out.

    Accounts that no group holds are not left out: nothing leans on them. A signal, family or week
    is left out of every pair at once, by the log10 LRs that the evidence gives without it; a pair
    that it says nothing of keeps its own.

    Parameters
    ----------
    known
        What the groups were made from.
    omissions
        The `omissions` table of the evidence: pairs, and their log10 LR without something.
    regroup
        How the groups are made: from evidence to each account's group.
    parts
        Accounts, by their places, that no evidence on others could move.
    """
    group = regroup(known)
    again = _weighed_again(known, omissions)
    for omitted, rows in again.groupby("omitted"):
        a, b = rows["a"].to_numpy(), rows["b"].to_numpy()
        without = known.with_pairs(a, b, rows["log10_lr"].to_numpy(np.float64, na_value=np.nan))
        touched = np.isin(np.arange(len(group)), [a, b])
        yield LeaveOneOut(str(omitted), regroup(without), touched)
    size = np.bincount(group, minlength=len(group))
    for part in parts:
        here = known.of(part)
        for at in np.flatnonzero(size[group[part]] > 1).tolist():
            whole = group.copy()
            whole[part] = part[regroup(here.without(at))]
            whole[part[at]] = -1
            yield LeaveOneOut(f"account:{here.users[at]}", whole, group == group[part[at]])


def _weighed_again(known: PairEvidence, omissions: pd.DataFrame) -> pd.DataFrame:
    """Return `omitted, a, b, log10_lr` for the pairs among these accounts."""
    subjects = [json.loads(subject) for subject in omissions["subject"]]
    pairs = np.array([len(users) == 2 for users in subjects], dtype=bool)
    named = [user for users in subjects if len(users) == 2 for user in users]
    at = known.users.get_indexer(pd.Index(named)).reshape(-1, 2)
    table = omissions.loc[pairs, ["omitted", "log10_lr"]].assign(a=at[:, 0], b=at[:, 1])
    ours = table["omitted"].str.startswith("account:").to_numpy(bool)
    return table[(at >= 0).all(axis=1) & ~ours]


@dataclass(frozen=True)
class Stability:
    """How the groups fare over all runs.

    Attributes
    ----------
    omissions
        `subject, omitted, co_membership`: for each group the share of its pairs that stay together;
        where it is below 1, for each pair also whether it does (1 or 0).
    membership : ndarray of float, shape (n,)
        Mean share of an account's group that it stays with, each kind of omission weighing the
        same, since a hundred weeks must not outvote the one signal that a group leans on; for an
        account alone, how often it stays so. NaN where nothing could be left out.
    """

    omissions: pd.DataFrame
    membership: NDArray[np.float64]


def stability(
    known: PairEvidence, group: NDArray[np.int64], repeated: Iterator[LeaveOneOut]
) -> Stability:
    """Compare every run with the groups."""
    rows: list[tuple[str, str, float]] = []
    shares = [pd.DataFrame({"account": [], "kind": [], "share": []})]
    for run in repeated:
        fate = _fate(group, run)
        kind = run.omitted.partition(":")[0]
        if kind in KINDS:
            shares.append(fate[["account", "share"]].assign(kind=kind))
        for _, members in fate[fate["whole"] > 1].groupby("group"):
            rows += _rows(known, run, members)
    table = pd.DataFrame(rows, columns=["subject", "omitted", "co_membership"])
    by_kind = pd.concat(shares).groupby(["account", "kind"])["share"].mean()
    membership = by_kind.groupby("account").mean().reindex(range(len(group)))
    return Stability(table, membership.to_numpy(np.float64))


def _fate(group: NDArray[np.int64], run: LeaveOneOut) -> pd.DataFrame:
    """Return what became of each account in a run that concerns its group.

    Returns
    -------
    DataFrame
        `account, group, now` (its group in the run), `whole` (accounts of its group with nothing
        left out), `share` (of the others of its group, those it is with; for an account alone, 1
        if it still is). Accounts with nobody left to be with are not in it.
    """
    n = len(group)
    whole = np.bincount(group, minlength=n)[group]
    concerned = np.bincount(group, run.touched, minlength=n)[group] > 0
    here = np.flatnonzero(concerned & (run.group >= 0))
    mine, now = group[here], run.group[here]
    size = np.bincount(mine, minlength=n)[mine]
    cell, counts = np.unique(mine * n + now, return_inverse=True, return_counts=True)[1:]
    joined = np.bincount(run.group[run.group >= 0], minlength=n)[now]
    with_them = (counts[cell] - 1) / np.maximum(size - 1, 1)
    share = np.where(whole[here] == 1, joined == 1, with_them)
    fate = {"account": here, "group": mine, "now": now, "whole": whole[here], "share": share}
    kept = np.flatnonzero((size > 1) | (whole[here] == 1))
    return pd.DataFrame(fate).take(kept)


def _rows(
    known: PairEvidence, run: LeaveOneOut, members: pd.DataFrame
) -> list[tuple[str, str, float]]:
    """Return the group's share of pairs that stay together, and each pair's fate if not all do."""
    users = known.users[members["account"]].tolist()
    share = float(members["share"].mean())
    rows = [(subject_of(*users), run.omitted, share)]
    if share < 1 and len(users) > 2:
        pairs = combinations(zip(users, members["now"].tolist(), strict=True), 2)
        rows += [(subject_of(a, b), run.omitted, float(x == y)) for (a, x), (b, y) in pairs]
    return rows


def number_groups(group: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return groups numbered from 1, the largest first, then by first account; 0 for the alone."""
    size = np.bincount(group, minlength=len(group))
    names = np.flatnonzero(size > 1)
    order = names[np.lexsort((names, -size[names]))]
    number = np.zeros(len(group), np.int64)
    number[order] = np.arange(1, len(order) + 1)
    return number[group]


def cluster_frame(users: pd.Index, group: NDArray[np.int64]) -> pd.DataFrame:
    """Return `user, cluster_id`, null where an account is alone."""
    number = pd.Series(number_groups(group), dtype="Int32")
    return pd.DataFrame({"user": users, "cluster_id": number.mask(number == 0)})


STABLE = 0.90  # membership below which a group is unresolved


@dataclass(frozen=True)
class Clusters:
    """Groups of accounts, and what holds them together.

    Attributes
    ----------
    clusters
        The `clusters` table: every account of the links, `cluster_id` null where it is alone.
        `membership` is the share of its group that an account stays with over the omissions
        (`Stability`); a group is `unresolved` if that is below 0.90 for one of its
        accounts or could not be tested, and so is an account alone that joins others as often.
    omissions
        The `omissions` table: the rows given, and each group's `co_membership` without each
        account, signal, family and week.
    groups
        One row a group: `cluster_id`, `users` (list), `weakest_a`, `weakest_b`, `weakest_link` (the
        least log10 LR within), `n_insufficient` (pairs within that have none), `membership` (the
        least), `status`, `bridges` (list: accounts without which the others fall apart).
    merges
        The trees that the groups were cut from, none for an estimator of one's own, in drawing
        order: `tree`, `node`, `left`, `right`, `log10_lr` (at which the two sides join; null where
        a cannot-link keeps them apart), `joined` (at or above the threshold). A side that is a
        whole number is a node of the same tree; the leaves of tree t are `leaves[t]`, numbered from
        0.
    leaves
        For each tree, the accounts at its leaves.
    threshold, linkage
        Where the trees were cut, in log10 LR, and how they grew.
    """

    clusters: pd.DataFrame
    omissions: pd.DataFrame
    groups: pd.DataFrame
    merges: pd.DataFrame
    leaves: tuple[tuple[str, ...], ...]
    threshold: float
    linkage: Linkage


def cluster(
    graph: nx.Graph,
    estimator: Any = None,
    *,
    linkage: Linkage = "average",
    threshold: float = THRESHOLD,
) -> pd.DataFrame:
    """Group the accounts of a graph by the evidence on its links.

    Groups come from scikit-learn's agglomerative clustering on log10 LR; links held at one bound
    are told apart by the unbounded score. No group holds a cannot-link, at any remove, and what may
    not be flagged holds no group together: A-C is never asserted because of A-B and B-C alone.

    Parameters
    ----------
    graph
        What `to_graph` returned, or any networkx.Graph whose edges have `log10_lr`.
    estimator
        Another scikit-learn clusterer that takes `metric="precomputed"`, as `HDBSCAN`: it is given
        the highest log10 LR of the graph less that of each pair.
    linkage
        Groups join by the mean (`average`) or the least (`complete`) log10 LR between them.
    threshold
        The log10 LR at or above which they do.

    Returns
    -------
    DataFrame
        The `clusters` table: `user`, `cluster_id` (null for whoever is alone), `membership`,
        `weakest_link`, `status`.

    Raises
    ------
    SockgraphError
        If this is no graph of links, or a setting means nothing.

    Examples
    --------
    >>> import networkx as nx
    >>> graph = nx.Graph()
    >>> graph.add_weighted_edges_from([("A", "B", 2.0), ("B", "C", 1.8)], weight="log10_lr")
    >>> graph.add_edge("A", "C", log10_lr=-1.5)  # A-B and B-C assert nothing of A and C
    >>> cluster(graph)[["user", "cluster_id"]].dropna()["user"].tolist()
    ['A', 'B']

    Any estimator of distances does:

    >>> from sklearn.cluster import DBSCAN
    >>> groups = cluster(graph, DBSCAN(eps=0.1, min_samples=2, metric="precomputed"))
    >>> groups.loc[groups["cluster_id"] == 1, "user"].tolist()
    ['A', 'B']
    """
    made = group_accounts(graph, estimator=estimator, linkage=linkage, threshold=threshold)
    return made.clusters


def group_accounts(
    graph: nx.Graph,
    omissions: pd.DataFrame | None = None,
    *,
    estimator: Any = None,
    linkage: Linkage = "average",
    threshold: float = THRESHOLD,
) -> Clusters:
    """Group accounts as `cluster` does, and say what each group leans on.

    Parameters
    ----------
    graph, estimator, linkage, threshold
        As `cluster` takes them.
    omissions
        The evidence's `omissions` table: what pairs' log10 LRs would be without each signal,
        family or week. Without it only accounts are left out.

    Raises
    ------
    SockgraphError
        If this is no graph of links, or a setting means nothing.
    """
    refuse_settings(threshold, linkage)
    given = empty("omissions") if omissions is None else omissions
    known = pair_evidence(graph)
    trees = linkage_trees(known, threshold=threshold, linkage=linkage) if estimator is None else []
    top = float(known.weights.max(initial=0.0))

    def regroup(left: PairEvidence) -> NDArray[np.int64]:
        if estimator is None:
            return partition(left, threshold=threshold, linkage=linkage)
        return fit_estimator(left, estimator, top)

    group = regroup(known)
    parts = [tree.leaves for tree in trees] if estimator is None else [np.arange(len(group))]
    tested = stability(known, group, leave_one_out(known, given, regroup, parts))
    grouped = cluster_frame(known.users, group).assign(membership=tested.membership)
    clusters = _clusters(grouped, known)
    return Clusters(
        clusters=clusters,
        omissions=_merged(given, tested.omissions),
        groups=_groups(clusters, known, tested.omissions),
        merges=_merges(trees, threshold),
        leaves=tuple(tuple(known.users[tree.leaves]) for tree in trees),
        threshold=threshold,
        linkage=linkage,
    )


def _clusters(grouped: pd.DataFrame, known: PairEvidence) -> pd.DataFrame:
    """Add the weakest link and the status; an account alone has no membership."""
    alone = grouped["cluster_id"].isna()
    by_group = grouped.groupby("cluster_id")
    least = by_group["membership"].transform(lambda m: m.min(skipna=False))
    steady = (grouped["membership"].isna() | (grouped["membership"] >= STABLE)) & alone
    weakest = {
        number: float(np.nanmin(known.of(members.index.to_numpy()).log10_lr))
        for number, members in by_group
    }
    table = grouped.assign(
        weakest_link=grouped["cluster_id"].map(weakest).astype("float64"),
        status=np.where(steady | (least >= STABLE), "stable", "unresolved"),
        membership=grouped["membership"].mask(alone),
    )
    return validate("clusters", table)


def _groups(
    clusters: pd.DataFrame, known: PairEvidence, co_membership: pd.DataFrame
) -> pd.DataFrame:
    """Return one row a group."""
    split = co_membership[co_membership["co_membership"] < 1]
    lost = split[split["omitted"].str.startswith("account:")]
    rows = [_group(members, known, lost) for _, members in clusters.groupby("cluster_id")]
    columns = (
        "cluster_id users weakest_a weakest_b weakest_link n_insufficient membership status bridges"
    )
    return pd.DataFrame(rows, columns=columns.split())


def _group(members: pd.DataFrame, known: PairEvidence, lost: pd.DataFrame) -> dict[str, object]:
    here = known.of(members.index.to_numpy())
    a, b = np.triu_indices(len(members), 1)
    inside = here.log10_lr[a, b]
    at = int(np.nanargmin(inside))
    users = members["user"].tolist()
    whole = {subject_of(*(set(users) - {user})): user for user in users}
    first = members.iloc[0]
    return {
        "cluster_id": first["cluster_id"],
        "users": users,
        "weakest_a": users[a[at]],
        "weakest_b": users[b[at]],
        "weakest_link": first["weakest_link"],
        "n_insufficient": int(np.isnan(inside).sum()),
        "membership": members["membership"].min(),
        "status": first["status"],
        "bridges": sorted(
            whole[subject]
            for subject, omitted in zip(lost["subject"], lost["omitted"], strict=True)
            if subject in whole and omitted == f"account:{whole[subject]}"
        ),
    }


def _merged(given: pd.DataFrame, co_membership: pd.DataFrame) -> pd.DataFrame:
    """Return one row a subject and omission: log10 LRs as given, co-membership beside."""
    key = ["subject", "omitted"]
    rest = given.drop(columns="co_membership", errors="ignore")
    return validate("omissions", rest.merge(co_membership, on=key, how="outer"))


def _merges(trees: list[Tree], threshold: float) -> pd.DataFrame:
    rows = [
        (tree, len(grown.leaves) + step, left, right, height)
        for tree, grown in enumerate(trees)
        for step, ((left, right), height) in enumerate(
            zip(grown.children.tolist(), grown.heights.tolist(), strict=True)
        )
    ]
    table = pd.DataFrame(rows, columns=["tree", "node", "left", "right", "log10_lr"])
    joined = table["log10_lr"] >= threshold
    return table.assign(
        log10_lr=table["log10_lr"].where(table["log10_lr"] > -np.inf), joined=joined
    )


def component_clusters(links: pd.DataFrame, *, threshold: float = THRESHOLD) -> pd.DataFrame:
    """Return the connected components of the pairs at or above a log10 LR.

    They put A and C together because of A-B and B-C, even where A-C is contradicted.

    Returns
    -------
    DataFrame
        `user, cluster_id`; null where an account is alone.
    """
    users = pd.Index(sorted({*links["user_a"], *links["user_b"]}), dtype="str")
    graph = nx.from_pandas_edgelist(links[links["log10_lr"] >= threshold], "user_a", "user_b")
    group = np.arange(len(users))
    for part in nx.connected_components(graph):
        at = users.get_indexer(list(part))
        group[at] = at.min()
    return cluster_frame(users, group)
