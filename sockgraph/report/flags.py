"""Why a link is flagged or not, in the words of the conditions; nothing is decided here."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sockgraph.report.wording import APOS, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sockgraph.report.data import Link

SPEAKS = 0.0
COUNTED = ("pages", "time", "text", "mechanics")
"""Families that a flag may rest on; interaction may not be one of the two."""


def families_for(link: Link) -> int:
    """Return how many families add to the case for one operator."""
    sums: dict[str, float] = {}
    for signal in link.signals:
        if signal.contribution is not None and signal.family in COUNTED:
            sums[signal.family] = sums.get(signal.family, 0.0) + signal.contribution
    return sum(value > SPEAKS for value in sums.values())


def missed(link: Link, threshold: float, top: float | None = None) -> str:
    """Return the first condition for review that a link misses; empty for a flagged one.

    Parameters
    ----------
    link
        The link.
    threshold
        The case's `flag_log10_lr`.
    top
        The score above which the top 0.1 % of different reference pairs lie; None if not known.
    """
    if link.flagged:
        return ""
    low = -math.inf if link.low is None else link.low
    under = top is not None and link.score is not None and link.score <= top
    rules = (
        (link.declared is not None, "declared by the accounts themselves"),
        (link.insufficient, "too few edits"),
        (link.low is None, "nothing is calibrated"),
        (link.apart, "the ledger keeps the two apart"),
        (low < threshold, f"low end under {plain(threshold)}"),
        (families_for(link) < 2, "fewer than two families speak for it"),
        (under, f"score under {plain(top or 0.0)}, where the top 0.1 % of reference pairs begin"),
    )
    other = f"not each other{APOS}s highest score"
    return next((said for broken, said in rules if broken), other)


def nearest_miss(links: Sequence[Link]) -> Link | None:
    """Return the unflagged link whose low end comes nearest to the flag."""
    told = [link for link in links if link.low is not None and not link.flagged]
    return max(told, key=lambda link: (link.low or 0.0, link.score or 0.0), default=None)


def next_step(link: Link) -> str:
    """Return what happens to a link next."""
    return LOOK_AGAIN if link.moved else NEXT[link.state]


def chips(link: Link) -> list[tuple[str, str]]:
    """Return a link's state as framed words: solid flagged, dashed asserted, filled cannot-link."""
    found = []
    if link.apart:
        found.append(("x", "cannot-link"))
    if link.flagged:
        found.append(("", "flagged"))
    elif link.earlier is not None or link.state == "asserted":
        found.append(("d", "asserted"))
    if link.moved:
        found.append(("d", MOVED))
    return found


def state_words(link: Link, threshold: float, top: float | None) -> str:
    """Return what follows the frame: where the link stands, or the condition it missed."""
    if link.state == "asserted":
        return "elsewhere"
    if link.state not in {"none", "flagged"}:
        return link.state
    if link.flagged:
        return ""
    if link.declared is not None:
        return "declared"
    if link.insufficient:
        return "insufficient"
    return (
        f"not flagged: {missed(link, threshold, top)}" if link.direction == "for" else "not flagged"
    )


MOVED = "for another look"
LOOK_AGAIN = (
    "another look by two people: what the finding rested on has changed since. "
    "Until then nothing may be exported for action."
)
NEXT = {
    "none": "Nobody asserted this link and nothing flags it: there is nothing to review.",
    "flagged": "a review by two people who have not seen this page, each from a separate packet.",
    "asserted": "a review by two people who had no part in the assertion.",
    "in review": "the findings still missing; both are opened together.",
    "upheld": "with new evidence, a reversal review by two people who did not uphold the link.",
    "not upheld": "nothing. The link may not be acted on.",
    "inconclusive": "nothing may be exported for action; new evidence reopens the review.",
    "reversal in review": "two findings by people who did not uphold the link.",
    "reversed": "undo what leaned on the link; only new authenticated evidence reopens it.",
    "stands": "new evidence opens another reversal review.",
    "reopened": "a review by two people who have not judged it before.",
}
