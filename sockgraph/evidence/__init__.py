"""Evidence: what similarities are worth, for and against one operator, measured on a reference."""

from sockgraph.evidence.settings import EvidenceSettings, Weighed
from sockgraph.evidence.weigh import weigh_evidence

__all__ = ["EvidenceSettings", "Weighed", "weigh_evidence"]
