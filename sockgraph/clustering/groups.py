"""Groups of accounts: made of links, as tables, and beside connected components and Louvain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np
import pandas as pd

from sockgraph.clustering.linkage import (
    THRESHOLD,
    Linkage,
    RestsOn,
    grow,
    numbered,
    pair_evidence,
    refuse_settings,
)
from sockgraph.clustering.stability import runs, stability
from sockgraph.schema import empty, subject_of, validate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from sockgraph.clustering.linkage import PairEvidence, Tree


def ranked(group: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return groups numbered from 1, the largest first, then by first account; 0 for the alone."""
    size = np.bincount(group, minlength=len(group))
    names = np.flatnonzero(size > 1)
    order = names[np.lexsort((names, -size[names]))]
    number = np.zeros(len(group), np.int64)
    number[order] = np.arange(1, len(order) + 1)
    return number[group]


def cluster_frame(users: pd.Index, group: NDArray[np.int64]) -> pd.DataFrame:
    """Return `user, cluster_id`, null where an account is alone."""
    number = pd.Series(ranked(group), dtype="Int32")
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
        (`jackknife.Stability`); a group is `unresolved` if that is below 0.90 for one of its
        accounts or could not be tested, and so is an account alone that joins others as often.
    omissions
        The `omissions` table: the rows given, and each group's `co_membership` without each
        account, signal, family and week.
    groups
        One row a group: `cluster_id`, `users` (list), `weakest_a`, `weakest_b`, `weakest_link` (the
        least log10 LR within), `n_insufficient` (pairs within that have none), `membership` (the
        least), `status`, `bridges` (list: accounts without which the others fall apart).
    merges
        The trees that the groups were cut from, in drawing order: `tree`, `node`, `left`, `right`,
        `log10_lr` (at which the two sides join; null where a cannot-link keeps them apart),
        `joined` (at or above the threshold). A side that is a whole number is a node of the same
        tree; the leaves of tree t are `leaves[t]`, numbered from 0.
    leaves
        For each tree, the accounts at its leaves.
    threshold, linkage
        Where the trees were cut, in log10 LR, and how they grew.
    n_unused
        Cannot-links that name an account which is not in the links.
    """

    clusters: pd.DataFrame
    omissions: pd.DataFrame
    groups: pd.DataFrame
    merges: pd.DataFrame
    leaves: tuple[tuple[str, ...], ...]
    threshold: float
    linkage: Linkage
    n_unused: int


def cluster_accounts(
    links: pd.DataFrame,
    omissions: pd.DataFrame | None = None,
    *,
    cannot_links: Iterable[tuple[str, str]] = (),
    declared: Iterable[Iterable[str]] = (),
    rests_on: RestsOn = "flagged",
    linkage: Linkage = "average",
    threshold: float = THRESHOLD,
) -> Clusters:
    """Group accounts by what is known of every pair.

    Parameters
    ----------
    links
        The `links` table. A null log10 LR is no evidence either way: 0, not distance.
    omissions
        The evidence's `omissions` table: what pairs' log10 LRs would be without each signal,
        family or week. Without it only accounts are left out.
    cannot_links
        Pairs that never share a group, at any remove.
    declared
        Sets of accounts that are openly one person's; no group rests on what links them.
    rests_on
        Which links may hold a group together: `flagged` ones, those of them that are
        `uncontradicted` (no signal speaks against), or `any`. All links count for and against.
    linkage
        Groups join by the mean (`average`) or the least (`complete`) log10 LR between them.
    threshold
        The log10 LR at or above which they do.

    Raises
    ------
    SockgraphError
        If a setting means nothing, a pair stands twice, or a cannot-link names one account.
    """
    refuse_settings(threshold, linkage)
    given = empty("omissions") if omissions is None else omissions
    known = pair_evidence(links, cannot_links=cannot_links, declared=declared, rests_on=rests_on)
    trees = grow(known, threshold=threshold, linkage=linkage)
    group = numbered(len(known.users), trees, threshold)
    repeated = runs(known, given, trees=trees, threshold=threshold, linkage=linkage)
    tested = stability(known, group, repeated)
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
        n_unused=known.n_unused,
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
    known = pair_evidence(links)
    return _named(known, nx.connected_components(_graph(known, threshold)))


def louvain_clusters(
    links: pd.DataFrame, *, threshold: float = THRESHOLD, seed: int = 0
) -> pd.DataFrame:
    """Return Louvain communities of the pairs at or above a log10 LR, weighted by it.

    Modularity seeks density, which in a wiki is a topic's regulars (Blondel et al. 2008, J. Stat.
    Mech. P10008).

    Returns
    -------
    DataFrame
        `user, cluster_id`; null where an account is alone.
    """
    known = pair_evidence(links)
    return _named(known, nx.community.louvain_communities(_graph(known, threshold), seed=seed))


def _graph(known: PairEvidence, threshold: float) -> nx.Graph:
    a, b = np.nonzero(np.triu(known.weights >= threshold, 1))
    graph = nx.Graph()
    graph.add_nodes_from(range(len(known.users)))
    graph.add_weighted_edges_from(
        zip(a.tolist(), b.tolist(), known.weights[a, b].tolist(), strict=True)
    )
    return graph


def _named(known: PairEvidence, parts: Iterable[set[int]]) -> pd.DataFrame:
    group = np.arange(len(known.users))
    for part in parts:
        group[list(part)] = min(part)
    return cluster_frame(known.users, group)
