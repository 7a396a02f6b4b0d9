"""Evidence: what similarities are worth, for and against one operator, measured on a reference."""

from sockgraph.evidence.calibrated import Calibrated
from sockgraph.evidence.settings import EvidenceSettings, Weighed
from sockgraph.evidence.weigh import learn, weigh_by, weigh_evidence

__all__ = ["Calibrated", "EvidenceSettings", "Weighed", "learn", "weigh_by", "weigh_evidence"]
