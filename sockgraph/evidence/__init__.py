"""Evidence: what similarities are worth, for and against one operator, measured on a reference."""

from sockgraph.evidence.calibration import Calibrated
from sockgraph.evidence.comparison import learn, weigh_by, weigh_evidence
from sockgraph.evidence.settings import EvidenceSettings, Weighed

__all__ = ["Calibrated", "EvidenceSettings", "Weighed", "learn", "weigh_by", "weigh_evidence"]
