"""Graphs as GraphML and GEXF, which Gephi and others open. Text out; nothing is written here."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

import networkx as nx

if TYPE_CHECKING:
    from collections.abc import Mapping

NOT_XML = re.compile("[^\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
DATED = re.compile(r' lastmodifieddate="[^"]*"')
KINDS = {str: "string", bool: "boolean", int: "long", float: "double"}
XML = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">'
)
LEAST = 0.001  # of an edge that pulls nothing together
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def graphml(graph: nx.Graph) -> str:
    """Return a graph as GraphML: the same graph, the same text.

    Characters that XML cannot carry (control characters, lone surrogates) become U+FFFD; the
    graph's `replaced_characters` says how many, and names that become one get a number behind them.
    """
    # NetworkX's own writer takes ten times as long, and half a minute for every pair of 300.
    names = _names_of(graph)
    keys: dict[tuple[str, str, str], str] = {}
    body = [_data(_told(graph), "graph", keys)]
    for node, known in graph.nodes(data=True):
        body.append(f"<node id={quoteattr(names[node])}>{_data(known, 'node', keys)}</node>")
    for a, b, known in graph.edges(data=True):
        ends = f"source={quoteattr(names[a])} target={quoteattr(names[b])}"
        body.append(f"<edge {ends}>{_data(_weighted(known), 'edge', keys)}</edge>")
    declared = [
        f'<key id="{key}" for="{where}" attr.name={quoteattr(name)} attr.type="{kind}"/>'
        for (where, name, kind), key in keys.items()
    ]
    opened = f'<graph edgedefault="{"directed" if graph.is_directed() else "undirected"}">'
    return "\n".join([XML, *declared, opened, *filter(None, body), "</graph>", "</graphml>", ""])


def _data(known: Mapping[str, object], where: str, keys: dict[tuple[str, str, str], str]) -> str:
    """Return one element's attributes, and enter their names and types in `keys`."""
    parts = []
    for name, value in known.items():
        kind = KINDS[type(value)]
        key = keys.setdefault((where, name, kind), f"d{len(keys)}")
        text = str(value).lower() if kind == "boolean" else escape(str(_clean(value)))
        parts.append(f'<data key="{key}">{text}</data>')
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
