"""Two-mode graphs: accounts and the pages they edited, and what they have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import networkx as nx

from sockgraph.errors import SockgraphError

if TYPE_CHECKING:
    import pandas as pd

ACCOUNT, PAGE = "account:", "page:"


def bipartite_graph(edits: pd.DataFrame) -> nx.Graph:
    """Return accounts and pages, an edge for each account that edited a page.

    Parameters
    ----------
    edits
        The `edits` table; a page is its title, or its number where it has no title.

    Returns
    -------
    networkx.Graph
        Nodes `account:NAME` (`bipartite` 0) and `page:TITLE` (`bipartite` 1; of several wikis
        `page:WIKI:TITLE`), with `label`; edges with `weight` (edits) and `first`, `last` (ISO
        8601), all in the order of names.
    """
    page = edits["title"].astype("string")
    if "page_id" in edits:
        page = page.fillna(edits["page_id"].astype("string"))
    prefix = PAGE if edits["wiki"].nunique() < 2 else PAGE + edits["wiki"].astype("string") + ":"
    known = edits.assign(account=ACCOUNT + edits["user"], page=prefix + page, label=page)
    known = known.dropna(subset=["page"])
    graph = nx.Graph()
    accounts = known[["account", "user"]].drop_duplicates("account").sort_values("account")
    pages = known[["page", "label"]].drop_duplicates("page").sort_values("page")
    _add(graph, accounts, mode=0)
    _add(graph, pages, mode=1)
    visits = known.groupby(["account", "page"])["timestamp"].agg(["size", "min", "max"])
    graph.add_edges_from(
        (account, page, {"weight": int(n), "first": _iso(first), "last": _iso(last)})
        for (account, page), n, first, last in visits.itertuples(name=None)
    )
    return graph


def _add(graph: nx.Graph, table: pd.DataFrame, *, mode: int) -> None:
    for node, label in table.itertuples(index=False, name=None):
        graph.add_node(node, bipartite=mode, label=label)


def _iso(moment: pd.Timestamp) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def project(graph: nx.Graph, *, weight: Literal["pages", "rarity"] = "pages") -> nx.Graph:
    """Return the accounts of a two-mode graph, an edge between any two that share a page.

    Parameters
    ----------
    graph
        What `bipartite_graph` returns.
    weight
        `pages` counts the pages shared; `rarity` sums 1/(accounts of the page - 1) over them
        (Newman 2001, Physical Review E 64:016132), so that a page everybody edits counts little.

    Returns
    -------
    networkx.Graph
        Nodes by account name with their attributes; edges with `weight`. What is shared here is no
        evidence: it is not calibrated, and says nothing of who the accounts are.

    Raises
    ------
    SockgraphError
        If the weight is unknown.
    """
    accounts = [node for node, mode in graph.nodes(data="bipartite") if mode == 0]
    if weight == "pages":
        shared = nx.bipartite.weighted_projected_graph(graph, accounts)
    elif weight == "rarity":
        shared = nx.bipartite.collaboration_weighted_projected_graph(graph, accounts)
    else:
        raise SockgraphError(weight, "a weight is pages or rarity.", "Choose one of them.")
    named = nx.Graph()
    named.add_nodes_from((node.removeprefix(ACCOUNT), graph.nodes[node]) for node in accounts)
    named.add_edges_from(
        sorted(
            (
                (*sorted((a.removeprefix(ACCOUNT), b.removeprefix(ACCOUNT))), known)
                for a, b, known in shared.edges(data=True)
            ),
            key=lambda edge: edge[:2],
        )
    )
    return named
