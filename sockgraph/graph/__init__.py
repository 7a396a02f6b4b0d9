"""Links as plain NetworkX graphs with documented attributes, for any NetworkX algorithm."""

from sockgraph.graph.build import (
    bipartite_graph,
    drawn_pairs,
    generate_graphml,
    gexf,
    project,
    to_graph,
)
from sockgraph.graph.layout import layout

__all__ = [
    "bipartite_graph",
    "drawn_pairs",
    "generate_graphml",
    "gexf",
    "layout",
    "project",
    "to_graph",
]
