"""Links as plain NetworkX graphs with documented attributes, for any NetworkX algorithm."""

from sockgraph.graph.build import build_graph, direction
from sockgraph.graph.layout import layout
from sockgraph.graph.text import gexf, graphml
from sockgraph.graph.twomode import bipartite_graph, project

__all__ = [
    "bipartite_graph",
    "build_graph",
    "direction",
    "gexf",
    "graphml",
    "layout",
    "project",
]
