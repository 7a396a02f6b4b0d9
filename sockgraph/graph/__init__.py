"""Links, or edits, as plain NetworkX graphs with documented attributes, and as GraphML."""

from __future__ import annotations

import re
from collections import Counter
from itertools import combinations
from sys import intern
from typing import TYPE_CHECKING, Any, Literal
from xml.sax.saxutils import escape, quoteattr

import networkx as nx
import numpy as np
import pandas as pd

from sockgraph.errors import SockgraphError
from sockgraph.graph.layout import layout
from sockgraph.schema import IN_CONCERT, links_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sockgraph.schema import Scores

__all__ = [
    "bipartite_graph",
    "drawn_pairs",
    "generate_graphml",
    "gexf",
    "layout",
    "project",
    "to_graph",
]


DIGITS = 9  # significant; as in every table that is written
NUMBERS = ("score", "log10_lr", "log10_lr_low", "log10_lr_high")
COUNTS = ("n_for", "n_against", "n_insufficient")
MARKS = ("alibi", "imitation", "band", "eligible", "flagged", "state")
EDGE = ("weight", *NUMBERS, *COUNTS, *MARKS, "direction", "drawn", "cannot_link", "declared")


def to_graph(
    scores: Scores | pd.DataFrame,
    accounts: pd.DataFrame | None = None,
    clusters: pd.DataFrame | None = None,
    *,
    cannot_links: Iterable[tuple[str, str]] = (),
    declared: Iterable[Iterable[str]] | None = None,
    concert: pd.DataFrame | None = None,
) -> nx.Graph:
    """Return accounts and their links as an undirected graph.

    Nodes are the nominated accounts and every other account that the links name, then the declared
    ones, by name; reference accounts are never in it. A node is named as the account is. Every pair
    with a number is an edge, and so is every pair with a review state, an open alibi or a
    cannot-link; a pair of too few edits is none.

    Parameters
    ----------
    scores
        What `compare` returned, or a table of links: at least `user_a`, `user_b`, `log10_lr`.
    accounts, clusters
        Tables of the case; without clusters no node has a group, nor a place on a picture.
    cannot_links
        Pairs that are kept apart.
    declared
        Groups of accounts that are openly one person's. Default: those that `compare` was told of.
    concert
        The table `concert`: pairs found in concert are edges of a second kind. It is private: a
        graph made with it is for your own desk.

    Returns
    -------
    networkx.Graph
        Nodes: `label` (the name), `role` (nominated, declared), `insufficient` (it is compared,
        and no pair of it has a number); where known `edit_count`, `registered`, `blocked_at`
        (ISO 8601); with clusters `group` (from 1), `membership`, `status`, `x`, `y` (see `layout`).

        Edges: `weight` (log10 LR where it speaks for one operator, else 0: what algorithms may
        take as strength), `drawn` (it speaks for one operator, is flagged or has a state: what
        pictures show), `cannot_link`, `declared` where it is, and from the links table `direction`,
        `score`, `log10_lr`, `log10_lr_low`, `log10_lr_high`, `n_for`, `n_against`,
        `n_insufficient`, `band`, `alibi`, `imitation`, `eligible`, `flagged`, `state`; with
        `concert` given, `concert` (they act in concert, `schema.IN_CONCERT`) and `concert_p` where
        it was compared. All are strings, numbers or booleans; what is null is left out.

    Raises
    ------
    SockgraphError
        If these are no links, a pair stands twice, or a cannot-link names one account.

    Examples
    --------
    >>> import pandas as pd
    >>> links = pd.DataFrame({"user_a": ["A", "A"], "user_b": ["B", "C"], "log10_lr": [1.8, -0.9]})
    >>> graph = to_graph(links)
    >>> sorted(graph.edges(data="log10_lr"))
    [('A', 'B', 1.8), ('A', 'C', -0.9)]
    """
    links = _checked(scores)
    given = getattr(scores, "declared", ()) if declared is None else declared
    openly = {pair for users in given for pair in combinations(sorted(set(users)), 2)}
    explored = links.attrs.get("exploration")
    graph = nx.Graph(exploration="; ".join(explored)) if explored else nx.Graph()
    graph.add_nodes_from(_nodes(accounts, links, clusters))
    apart = {_ordered(pair) for pair in cannot_links}
    graph.add_edges_from(_edges(links, apart, openly))
    graph.add_edges_from(
        (a, b, {"cannot_link": True, "drawn": True, "weight": 0.0, "direction": "neither"})
        for a, b in sorted(apart)
        if a in graph and b in graph and not graph.has_edge(a, b)
    )
    if concert is not None:
        _add_concert(graph, concert)
    if clusters is not None:
        for name, (x, y) in layout(graph).items():
            graph.nodes[name].update(x=x, y=y)
    return graph


def _checked(scores: Scores | pd.DataFrame) -> pd.DataFrame:
    """Return the links, each pair once, or say what is wrong with them."""
    links = links_of(scores, ("user_a", "user_b", "log10_lr"))
    a, b = (links[side].astype("str") for side in ("user_a", "user_b"))
    pairs = pd.DataFrame({"a": a.where(a < b, b), "b": b.where(a < b, a)})
    wrong = pairs[pairs.duplicated() | (a == b)]
    if len(wrong):
        raise SockgraphError(
            " and ".join(wrong.iloc[0]),
            "this pair stands twice, or is one account.",
            "Give pairs once.",
        )
    return links


def _ordered(pair: tuple[str, str]) -> tuple[str, str]:
    a, b = sorted(pair)
    if a == b:
        raise SockgraphError(
            f"pair {a!r}", "it keeps an account apart from itself.", "Name two accounts."
        )
    return a, b


def _add_concert(graph: nx.Graph, concert: pd.DataFrame) -> None:
    """Mark pairs that were compared for concert; those found become edges if they were none."""
    compared = concert[concert["status"] == "ok"].sort_values(["user_a", "user_b"])
    for a, b, p in compared[["user_a", "user_b", "p_adjusted"]].itertuples(index=False):
        found = bool(p <= IN_CONCERT)
        if found and not graph.has_edge(a, b) and a in graph and b in graph:
            graph.add_edge(a, b, weight=0.0, direction="neither", drawn=False, cannot_link=False)
        if graph.has_edge(a, b):
            graph.edges[a, b].update(concert=found, concert_p=_plain(float(p)))


def _nodes(
    accounts: pd.DataFrame | None, links: pd.DataFrame, clusters: pd.DataFrame | None
) -> list[tuple[str, dict[str, Any]]]:
    facts = {} if accounts is None else _facts(accounts)
    linked = {*links["user_a"], *links["user_b"]}
    asked = linked | {u for u, f in facts.items() if f["role"] == "nominated"}
    compared = sorted(asked)
    declared = sorted(u for u, f in facts.items() if f["role"] == "declared" and u not in linked)
    speaks = links[_speaks(links)]
    spoken = {*speaks["user_a"], *speaks["user_b"]}
    groups = {} if clusters is None else _groups(clusters)
    return [
        (
            user,
            {
                "label": user,
                "role": "nominated" if user in linked else "declared",
                **facts.get(user, {}),
                **groups.get(user, {}),
                "insufficient": user in asked and user not in spoken,
            },
        )
        for user in [*compared, *declared]
    ]


def _facts(accounts: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return each account's facts; of an account on several wikis, its first wiki's."""
    ours = accounts[accounts["role"] != "reference"].drop_duplicates("user")
    return {
        row["user"]: _known(
            {
                "role": row["role"],
                "edit_count": row.get("edit_count"),
                "registered": row.get("registered"),
                "blocked_at": row.get("blocked_at"),
            }
        )
        for row in ours.to_dict("records")
    }


def _groups(clusters: pd.DataFrame) -> dict[str, dict[str, Any]]:
    return {
        row["user"]: _known(
            {
                "group": row["cluster_id"],
                "membership": row["membership"],
                "status": row["status"],
            }
        )
        for row in clusters.to_dict("records")
    }


def _speaks(links: pd.DataFrame) -> pd.Series:
    """Return which links have a number at all."""
    return links.reindex(columns=["score", "log10_lr"]).notna().any(axis=1)


def _edges(
    links: pd.DataFrame, apart: set[tuple[str, str]], declared: set[tuple[str, str]]
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield the edges by name, whatever the order of rows."""
    table = _with_marks(links, apart, declared).sort_values(["user_a", "user_b"])
    table = table[table["carried"]]
    names = [n for n in EDGE if n in table]
    columns = [_plain_column(table[name]) for name in names]
    rows = zip(table["user_a"], table["user_b"], *columns, strict=True)
    held: dict[str, str] = {}  # a name is held once, however many edges it has
    for a, b, *known in rows:
        told = {n: v for n, v in zip(names, known, strict=True) if v is not None}
        yield held.setdefault(a, a), held.setdefault(b, b), told


def _with_marks(
    links: pd.DataFrame, apart: set[tuple[str, str]], declared: set[tuple[str, str]]
) -> pd.DataFrame:
    """Add what the graph says beside the table: weight, what is drawn and carried, constraints."""
    table = links.assign(state=links.get("state", "none"))
    if "direction" not in table:  # a table of one's own: no interval that could say neither
        sides = [table["log10_lr"] > 0, table["log10_lr"] < 0]
        table["direction"] = np.select(sides, ["for", "against"], "neither")
    pairs = [_ordered(pair) for pair in zip(table["user_a"], table["user_b"], strict=True)]
    cannot = np.array([pair in apart for pair in pairs], dtype=bool)
    openly = pd.array([pair in declared or None for pair in pairs], dtype="boolean")
    speaks_for = table["direction"] == "for"
    open_alibi = table["alibi"].astype(bool) if "alibi" in table else False
    return table.assign(
        weight=table["log10_lr"].clip(lower=0).where(speaks_for, 0.0).fillna(0.0),
        drawn=drawn_pairs(table) | cannot,
        carried=cannot | open_alibi | (table["state"] != "none") | _speaks(table),
        cannot_link=cannot,
        declared=openly,
    )


def drawn_pairs(links: pd.DataFrame) -> pd.Series:
    """Return which links every picture draws: they speak for, are flagged, or have a state.

    Beside them, what the ledger keeps apart is drawn.
    """
    flagged = links["flagged"].astype(bool) if "flagged" in links else False
    return (links["direction"] == "for") | flagged | (links["state"] != "none")


def _plain_column(column: pd.Series) -> list[Any]:
    """Return plain scalars, floats rounded, None where null."""
    values = column.astype(object).where(column.notna(), None).tolist()
    if pd.api.types.is_float_dtype(column) or column.dtype == object:
        return [None if v is None else _plain(v) for v in values]
    return [intern(v) if isinstance(v, str) else v for v in values]


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is not null, as strings, whole numbers, rounded floats or booleans."""
    return {name: _plain(value) for name, value in values.items() if pd.notna(value)}


def _plain(value: Any) -> str | int | float | bool:
    if isinstance(value, pd.Timestamp):
        return value.isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    return float(f"{value:.{DIGITS}g}") if isinstance(value, (float, np.floating)) else str(value)


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


NOT_XML = re.compile("[^\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
DATED = re.compile(r' lastmodifieddate="[^"]*"')
KINDS = {str: "string", bool: "boolean", int: "long", float: "double"}
XML = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n'
)
LEAST = 0.001  # of an edge that pulls nothing together
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def generate_graphml(graph: nx.Graph) -> Iterator[str]:
    """Yield a graph as GraphML, line by line: the same graph, the same text.

    Characters that XML cannot carry (control characters, lone surrogates) become U+FFFD; the
    graph's `replaced_characters` says how many, and names that become one get a number behind them.
    """
    # NetworkX's own writer takes 5.9 CPU-seconds for every pair of 300, all held at once; this 0.9.
    names, whole = _names_of(graph), _told(graph)
    nodes = [known for _, known in graph.nodes(data=True)]
    edges = (_weighted(known) for *_, known in graph.edges(data=True))
    keys: dict[tuple[str, str, str], str] = {}
    yield XML
    for where, told in (("graph", [whole]), ("node", nodes), ("edge", edges)):
        shapes = dict.fromkeys(
            tuple(zip(known, map(type, known.values()), strict=True)) for known in told
        )
        for name, kind in dict.fromkeys(one for shape in shapes for one in shape):
            key = keys.setdefault((where, name, KINDS[kind]), f"d{len(keys)}")
            typed = f'attr.name={quoteattr(name)} attr.type="{KINDS[kind]}"'
            yield f'<key id="{key}" for="{where}" {typed}/>\n'
    yield f'<graph edgedefault="{"directed" if graph.is_directed() else "undirected"}">\n'
    if whole:
        yield _data(whole, "graph", keys) + "\n"
    for node, known in graph.nodes(data=True):
        yield f"<node id={quoteattr(names[node])}>{_data(known, 'node', keys)}</node>\n"
    for a, b, known in graph.edges(data=True):
        ends = f"source={quoteattr(names[a])} target={quoteattr(names[b])}"
        yield f"<edge {ends}>{_data(_weighted(known), 'edge', keys)}</edge>\n"
    yield "</graph>\n</graphml>\n"


def _data(known: Mapping[str, object], where: str, keys: dict[tuple[str, str, str], str]) -> str:
    """Return one element's attributes, by their keys."""
    parts = []
    for name, value in known.items():
        kind = KINDS[type(value)]
        text = str(value).lower() if kind == "boolean" else escape(str(_clean(value)))
        parts.append(f'<data key="{keys[where, name, kind]}">{text}</data>')
    return "".join(parts)


def gexf(graph: nx.Graph) -> str:
    """Return a graph as GEXF 1.2, with places from `x` and `y` for Gephi; characters as in GraphML.

    The writer's date is left out: the same graph gives the same text.
    """
    carried = _carriable(graph)
    for _, known in carried.nodes(data=True):
        if "x" in known and "y" in known:
            place = {"x": 1000 * known["x"], "y": -1000 * known["y"], "z": 0.0}
            known["viz"] = {"position": place}
    return DATED.sub("", "\n".join(nx.generate_gexf(carried))) + "\n"


def _weighted(known: Mapping[str, object]) -> dict[str, object]:
    """Give an edge of no weight the least one, and keep what it was as `strength`.

    Gephi's importer leaves out every edge whose weight is 0 or below: all that speaks against.
    """
    weight = known.get("weight")
    if not isinstance(weight, (int, float)):
        return dict(known)
    return {**known, "weight": max(float(weight), LEAST), "strength": float(weight)}


def _carriable(graph: nx.Graph) -> nx.Graph:
    """Return a copy that XML can carry, and that says what was replaced."""
    kept = _names_of(graph)
    copy = graph.__class__(**{name: _clean(value) for name, value in _told(graph).items()})
    for node, known in graph.nodes(data=True):
        copy.add_node(kept[node], **{name: _clean(value) for name, value in known.items()})
    for a, b, known in graph.edges(data=True):
        told = {name: _clean(value) for name, value in _weighted(known).items()}
        copy.add_edge(kept[a], kept[b], **told)
    return copy


def _told(graph: nx.Graph) -> dict[str, object]:
    """Return what the graph says of itself, and how many characters of names were replaced."""
    replaced = sum(len(NOT_XML.findall(str(node))) for node in graph)
    return {**graph.graph, **({"replaced_characters": replaced} if replaced else {})}


def _names_of(graph: nx.Graph) -> dict[str, str]:
    """Return each node's name as XML carries it."""
    return dict(zip(graph, _names([str(node) for node in graph]), strict=True))


def _clean(value: object) -> object:
    return NOT_XML.sub(REPLACEMENT, value) if isinstance(value, str) else value


def _names(nodes: list[str]) -> list[str]:
    clean = [NOT_XML.sub(REPLACEMENT, node) for node in nodes]
    taken, seen = set(nodes), Counter[str]()
    for at, (node, name) in enumerate(zip(nodes, clean, strict=True)):
        while clean[at] in taken and clean[at] != node:
            seen[name] += 1
            clean[at] = f"{name} ({seen[name] + 1})"
        taken.add(clean[at])
    return clean
