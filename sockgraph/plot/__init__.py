"""Figures: one function each, returning a matplotlib Figure that is neither shown nor saved.

Hue means the direction of evidence, blue for one operator and orange against; accounts are told
apart by filled and hollow marks, and too little evidence is hatched. Nothing is computed here but
counts of edits. `figure.savefig(path)` writes a figure; in a notebook it shows by itself.
"""

from sockgraph.plot.activity import timecards, timeline
from sockgraph.plot.capture import capture_plot
from sockgraph.plot.groups import dendrogram, stability
from sockgraph.plot.network import case_graph
from sockgraph.plot.pages import shared_pages
from sockgraph.plot.style import DARK, LIGHT, Style, fonts_for
from sockgraph.plot.validation import ece_plot, tippett_plot
from sockgraph.plot.votes import arrivals_plot, bloc_plot, hours_plot
from sockgraph.plot.waterfall import waterfall

__all__ = [
    "DARK",
    "LIGHT",
    "Style",
    "arrivals_plot",
    "bloc_plot",
    "capture_plot",
    "case_graph",
    "dendrogram",
    "ece_plot",
    "fonts_for",
    "hours_plot",
    "shared_pages",
    "stability",
    "timecards",
    "timeline",
    "tippett_plot",
    "waterfall",
]
