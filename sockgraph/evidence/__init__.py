"""Evidence: what similarities are worth, for and against one operator, measured on a reference."""

from sockgraph.evidence.calibration import CalibratedModel
from sockgraph.evidence.comparison import compare, compare_with, fit_calibration
from sockgraph.evidence.exploration import what_if
from sockgraph.evidence.flagging import flag, which_case
from sockgraph.evidence.settings import Comparison, ComparisonInput, EvidenceSettings

__all__ = [
    "CalibratedModel",
    "Comparison",
    "ComparisonInput",
    "EvidenceSettings",
    "compare",
    "compare_with",
    "fit_calibration",
    "flag",
    "what_if",
    "which_case",
]
