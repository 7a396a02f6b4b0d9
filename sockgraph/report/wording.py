"""Numbers and headlines in words: the only place that turns an estimate into a sentence."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sockgraph.names import clean
from sockgraph.reviews.words import (
    APOS,
    DASH,
    IMITATION,
    MINUS,
    NBSP,
    RIVALS,
    counted,
    day,
    duration,
    family_label,
    interval,
    listed,
    plain,
    signal_about,
    signed,
    support_words,
    thousands,
)
from sockgraph.signals import FAMILIES

if TYPE_CHECKING:
    from sockgraph.report.data import Link


_SMALL = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def spelled(n: int) -> str:
    """Spell a small count out, as running text does.

    >>> spelled(2), spelled(28)
    ('two', '28')
    """
    return _SMALL[n] if n < len(_SMALL) else thousands(n)


def ratio(log10: float) -> str:
    """Write a ratio in two digits, whichever way it points.

    >>> ratio(2.1), ratio(-1.4), ratio(0.2), ratio(3.4)
    ('130', '25', '1.6', '2,500')
    """
    times = 10 ** abs(log10)
    rounded = round(times, 1 - math.floor(math.log10(times)))
    return f"{rounded:.1f}" if rounded < 10 else f"{rounded:,.0f}"


def one_in(probability: float) -> str:
    """Write a probability as `1 in 200`.

    >>> one_in(0.005)
    '1 in 200'
    """
    return f"1 in {1 / probability:,.0f}" if probability <= 0.5 else f"{probability:.0%}"


def headline(link: Link, reason: str | None = None) -> str:
    """Say which way the evidence speaks, in the one form that every page uses.

    Parameters
    ----------
    link
        The link; its `band` was given by the evidence stage, from the interval's end nearer zero.
    reason
        Why nothing is calibrated, where that is so.
    """
    if link.insufficient:
        return "Evidence is insufficient: it speaks neither for nor against one operator"
    if link.log10_lr is None:
        return f"Not calibrated: {reason or 'the evidence stage gives no reason'}"
    number = f"log10{NBSP}LR {plain(link.log10_lr)} {interval(link.low, link.high)}"
    if link.direction == "neither":
        return f"Evidence does not separate the two explanations: {number}"
    bound = link.bound_high if link.log10_lr > 0 else link.bound_low
    held = "" if bound is None else f", bound {plain(bound)}"
    return f"Evidence speaks {link.band} one operator: {number}{held}"


def explained(link: Link) -> str:
    """Say what the number means, as a ratio, with its interval."""
    if link.log10_lr is None or link.low is None or link.high is None:
        return ""
    if link.direction == "neither":
        return (
            f"The interval runs from {_side(link.low)} to {_side(link.high)}: "
            "these edits cannot tell the two explanations apart."
        )
    better, worse = ("one operator than by two people", link.low)
    if link.log10_lr < 0:
        better, worse = ("two people of the same community than by one operator", link.high)
    else:
        better += " of the same community"
    far = link.high if worse == link.low else link.low
    said = f"The edits are about {ratio(link.log10_lr)} times better explained by {better}"
    if ratio(worse) == ratio(far):
        return f"{said}; the whole interval is held at the bound."
    return f"{said}; the interval runs from {ratio(worse)} to {ratio(far)} times."


def _side(value: float) -> str:
    if 10 ** abs(value) < 1.05:
        return "equally well explained by both"
    side = "one operator" if value > 0 else "two people"
    return f"{ratio(value)} times better explained by {side}"


def counts(link: Link) -> str:
    """Say how many signals speak each way, and how many say nothing."""
    n_for, n_against, n_open = link.n_for, link.n_against, link.n_insufficient
    for_ = f"{n_for} signal{'s speak' if n_for != 1 else ' speaks'} for"
    against = f"{n_against} against"
    open_ = f"{n_open} {'are' if n_open != 1 else 'is'} insufficient"
    return f"{for_}, {against}, {open_}."


def prior_note(prior: float | None, bound: float | None) -> tuple[str, str]:
    """Say what the case's own prior makes of evidence at the bound.

    Returns
    -------
    tuple of str
        A sentence, and the one to be emphasised (empty where there is none). The arithmetic is
        Bayes' rule in odds: posterior odds = prior odds times LR; 95 % is odds of 19.
    """
    if bound is None:
        return ("", "")
    if prior is None:
        needed = 1 / (1 + 10**bound / 19)
        said = "This case states no prior. Evidence at the bound itself makes a link 95 % sure only"
        return (f"{said} for a reader who held it for at least {one_in(needed)} before.", "")
    odds = prior / (1 - prior)
    posterior = odds * 10**bound / (1 + odds * 10**bound)
    takes = f"With the prior stated in this case ({one_in(prior)}), 95 % would take"
    takes += f" a log10{NBSP}LR of {plain(math.log10(19 / odds))}"
    if posterior >= 0.95:
        return (f"{takes}; the bound is {plain(bound)}.", "")
    left = f"evidence at the bound itself, {plain(bound)}, would still leave"
    said = f"{takes}; {left} {_wrong(1 - posterior)} wrong:"
    return (said, "the evidence alone cannot carry a finding.")


def _wrong(share: float) -> str:
    if share > 0.5:
        return f"{share:.0%} of such links"
    return f"about one link in {spelled(round(1 / share))}"


__all__ = [
    "APOS",
    "DASH",
    "FAMILIES",
    "HOURS_SIGNAL",
    "IMITATION",
    "MINUS",
    "NBSP",
    "RIVALS",
    "counted",
    "day",
    "duration",
    "family_label",
    "interval",
    "listed",
    "omitted_words",
    "plain",
    "signal_about",
    "signed",
    "support_words",
    "thousands",
]

HOURS_SIGNAL = "hours"


def omitted_words(omitted: str) -> str:
    """Say what was left out.

    >>> omitted_words("family:text"), omitted_words("week:2024-W15"), omitted_words("top-0.1%")
    ('without text', 'without week 2024-W15', 'without top 0.1 % of reference')
    """
    kind, _, what = (clean(part) for part in omitted.partition(":"))
    if kind == "week":
        return f"without week {what}"
    if kind in {"family", "signal", "account"}:
        return f"without {what.replace('_', ' ') if kind != 'account' else what}"
    return "without top 0.1 % of reference" if kind == "top-0.1%" else f"without {clean(omitted)}"


def next_step(link: Link) -> str:
    """Return what happens to a link next."""
    return LOOK_AGAIN if link.moved else NEXT[link.state]


def chips(link: Link) -> list[tuple[str, str]]:
    """Return a link's state as framed words: solid flagged, dashed asserted, filled cannot-link."""
    found = [("d", IMITATED)] if link.imitation else []
    if link.apart:
        found.append(("x", "cannot-link"))
    if link.flagged:
        found.append(("", "flagged"))
    elif link.earlier is not None or link.state == "asserted":
        found.append(("d", "asserted"))
    if link.moved:
        found.append(("d", MOVED))
    return found


def state_words(link: Link) -> str:
    """Return what follows the frame: where the link stands, or the first condition it missed."""
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
    return f"not flagged: {link.reasons[0]}" if link.direction == "for" else "not flagged"


MOVED = "for another look"
IMITATED = "may be imitation"
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
