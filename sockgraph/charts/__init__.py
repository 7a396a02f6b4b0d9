"""Figures: each one function from tables to a `Chart`, which holds its small table and its marks.

Pages show a chart as SVG, notebooks and files through matplotlib; neither decides anything. Hue
means the direction of evidence, blue for one operator and orange against; accounts are told apart
by filled and hollow marks, and too little evidence is hatched.
"""

from sockgraph.charts.activity import hours, timeline
from sockgraph.charts.curves import ece, tippett
from sockgraph.charts.groups import dendrogram, leave_one_out, matrix, memberships
from sockgraph.charts.marks import Chart
from sockgraph.charts.network import graph, shared_pages
from sockgraph.charts.votes import arrivals, blocs, effective_hands, usual_hours
from sockgraph.charts.waterfall import waterfall

__all__ = [
    "Chart",
    "arrivals",
    "blocs",
    "dendrogram",
    "ece",
    "effective_hands",
    "graph",
    "hours",
    "leave_one_out",
    "matrix",
    "memberships",
    "shared_pages",
    "timeline",
    "tippett",
    "usual_hours",
    "waterfall",
]
