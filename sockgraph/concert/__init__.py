"""Whether accounts act in concert: arrive together, on one side, beyond what chance would bring.

Acting in concert is not having one operator, and one operator acts in concert with nobody. Three
hypotheses are compared: one operator, concert of different people, people independent of each
other.
"""

from sockgraph.concert.chance import HYPOTHESES, compare_hypotheses, max_log10_lr
from sockgraph.concert.comparison import Concert, ConcertSettings, weigh_concert

__all__ = [
    "HYPOTHESES",
    "Concert",
    "ConcertSettings",
    "compare_hypotheses",
    "max_log10_lr",
    "weigh_concert",
]
