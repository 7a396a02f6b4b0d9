"""Tables of links for tests: what the flag rule writes beside the numbers, told from these."""

from __future__ import annotations

from sockgraph.evidence.flagging import REASONS, direction
from sockgraph.schema import validate


def whole_links(frame):
    """Return the contract table `links`, with the columns that a test has nothing to say of."""
    flagged = frame["flagged"].astype(bool)
    said = [[] if yes else [REASONS["group"]] for yes in flagged]
    told = {
        "direction": frame["band"].map(direction),
        "imitation": False,
        "standing": frame["score"],
        "eligible": flagged,
        "reasons": said,
    }
    return validate("links", frame.assign(**{k: v for k, v in told.items() if k not in frame}))
