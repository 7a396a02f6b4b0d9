"""How concentrated a community's work and decisions are, and in how many independent hands.

Of groups only: nothing here names, ranks or returns a person.
"""

from sockgraph.capture.concentration import ACTIVITIES, Capture, measure_capture
from sockgraph.capture.effective import Effective, effective_number

__all__ = ["ACTIVITIES", "Capture", "Effective", "effective_number", "measure_capture"]
