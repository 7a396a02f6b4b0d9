"""Links as plain NetworkX graphs with documented attributes, for any NetworkX algorithm."""

from sockgraph.graph.build import bipartite_graph, build_graph, direction, project
from sockgraph.graph.export import gexf, graphml
from sockgraph.graph.layout import layout

__all__ = [
    "bipartite_graph",
    "build_graph",
    "direction",
    "gexf",
    "graphml",
    "layout",
    "project",
]
