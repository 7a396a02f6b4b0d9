"""Evidence: what similarities are worth, for and against one operator, measured on a reference."""

from sockgraph.evidence.calibration import CalibratedModel
from sockgraph.evidence.comparison import compare, learn, weigh_by
from sockgraph.evidence.flagging import flag
from sockgraph.evidence.settings import Comparison, EvidenceSettings
from sockgraph.evidence.what_if import what_if

__all__ = [
    "CalibratedModel",
    "Comparison",
    "EvidenceSettings",
    "compare",
    "flag",
    "learn",
    "weigh_by",
    "what_if",
]
