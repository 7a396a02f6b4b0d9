"""Numbers and headlines in words: the only place that turns an estimate into a sentence."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from sockgraph.charts.groups import WHOLE
from sockgraph.evidence.flagging import REASONS
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
    estimate,
    family_label,
    interval,
    listed,
    plain,
    signal_about,
    signed,
    state_label,
    support_words,
    thousands,
)
from sockgraph.signals import FAMILIES
from sockgraph.strings import say, spoken

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sockgraph.report.data import Link


Omitted = tuple[str, float, float | None, float | None, bool | None]
"""What is left out, the number without it, its interval's ends."""
MOST_OMITTED = 10
"""Omissions that are drawn: those that change most. The table beside has all."""
_SMALL = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def spelled(n: int) -> str:
    """Spell a small count out, as running text does.

    >>> spelled(2), spelled(28)
    ('two', '28')
    """
    return _SMALL[n] if n < len(_SMALL) and spoken() == "en" else thousands(n)


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
    if probability > 0.5:
        return f"{probability:.0%}"
    return say("1 in {n}", n=f"{1 / probability:,.0f}")


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
        return say("Evidence is insufficient: it speaks neither for nor against one operator")
    if link.log10_lr is None:
        given = reason or say("the evidence stage gives no reason")
        return say("Not calibrated: {reason}", reason=given)
    shown = number(link).removeprefix("+")
    said = f"log10{NBSP}LR {shown} {interval_of(link)}".strip()
    if link.direction == "neither":
        return say("Evidence does not separate the two explanations: {number}", number=said)
    bound = link.bound_high if link.log10_lr > 0 else link.bound_low
    held = ""
    if bound is not None and interval_of(link) != say("held at the bound"):
        held = say(", bound {bound}", bound=plain(bound))
    return say(
        "Evidence speaks {band} one operator: {number}", band=say(link.band), number=said + held
    )


def reason(text: str) -> str:
    """Say one of `links.reasons`, its numbers kept."""
    for words in REASONS.values():
        holes = re.split(r"\{\w+\}", words)
        found = re.fullmatch("(.*?)".join(map(re.escape, holes)), text)
        if found:
            names = re.findall(r"\{(\w+)\}", words)
            return say(words, **dict(zip(names, found.groups(), strict=True)))
    return text


def number(link: Link) -> str:
    """Write a link's log10 LR; at a bound, at least or at most that."""
    return estimate(link.log10_lr, link.bound_low, link.bound_high)


def interval_of(link: Link) -> str:
    """Write a link's interval."""
    return interval(link.low, link.high, link.bound_low, link.bound_high)


def explained(link: Link) -> str:
    """Say what the number means, as a ratio, with its interval."""
    if link.log10_lr is None or link.low is None or link.high is None:
        return ""
    if link.direction == "neither":
        return say(
            "The interval runs from {low} to {high}: these edits cannot tell the two explanations"
            " apart.",
            low=_side(link.low),
            high=_side(link.high),
        )
    near, far = (link.low, link.high) if link.log10_lr > 0 else (link.high, link.low)
    said = say(
        "The edits are about {n} times better explained by one operator than by two people of the"
        " same community"
        if link.log10_lr > 0
        else "The edits are about {n} times better explained by two people of the same community"
        " than by one operator",
        n=ratio(link.log10_lr),
    )
    if ratio(near) == ratio(far):
        return said + say("; the whole interval is held at the bound.")
    return said + say(
        "; the interval runs from {low} to {high} times.", low=ratio(near), high=ratio(far)
    )


def _side(value: float) -> str:
    if 10 ** abs(value) < 1.05:
        return say("equally well explained by both")
    side = say("one operator" if value > 0 else "two people")
    return say("{n} times better explained by {side}", n=ratio(value), side=side)


def counts(link: Link) -> str:
    """Say how many signals speak each way, and how many say nothing."""
    return say(
        "{n} signal speaks for, {against} against; {silent} insufficient."
        if link.n_for == 1
        else "{n} signals speak for, {against} against; {silent} insufficient.",
        n=link.n_for,
        against=link.n_against,
        silent=link.n_insufficient,
    )


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
        said = say(
            "This case states no prior. Evidence at the bound itself makes a link 95 % sure only"
            " for a reader who held it for at least {needed} before.",
            needed=one_in(needed),
        )
        return (said, "")
    odds = prior / (1 - prior)
    posterior = odds * 10**bound / (1 + odds * 10**bound)
    takes = say(
        "With the prior stated in this case ({prior}), 95 % would take a log10 LR of {asked}",
        prior=one_in(prior),
        asked=plain(math.log10(19 / odds)),
    )
    if posterior >= 0.95:
        return (takes + say("; the bound is {bound}.", bound=plain(bound)), "")
    left = say(
        "; evidence at the bound itself, {bound}, would still leave {wrong} wrong:",
        bound=plain(bound),
        wrong=_wrong(1 - posterior),
    )
    return (takes + left, say("the evidence alone cannot carry a finding."))


def _wrong(share: float) -> str:
    if share > 0.5:
        return say("{share} of such links", share=f"{share:.0%}")
    return say("about one link in {n}", n=spelled(round(1 / share)))


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
    "state_label",
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
        return say("without week {week}", week=what)
    if kind in {"family", "signal", "account"}:
        return say(
            "without {what}", what=what if kind == "account" else say(what.replace("_", " "))
        )
    if kind == "top-0.1%":
        return say("without top 0.1 % of reference")
    return say("without {what}", what=clean(omitted))


def omissions_sentence(link: Link, lines: Sequence[Omitted]) -> str:
    """Say in a sentence what the plot of omissions shows."""
    tests = lines[1:]
    if _at_stake(link):
        return _flag_changed(tests, flagged=link.flagged)
    if link.direction == "against":
        return _against_changed(tests)
    moved = max(tests, key=lambda item: abs(item[1] - lines[0][1]))
    return say("{what} changes it most, to {n}.", what=moved[0], n=plain(moved[1]))


def _at_stake(link: Link) -> bool:
    return link.flagged or link.direction == "for"


def _flag_changed(tests: Sequence[Omitted], *, flagged: bool) -> str:
    fallen, n = sum(item[4] is False for item in tests), len(tests)
    if not flagged and fallen == n:
        return say("In no test has it all that a flag asks (drawn hollow).")
    if not flagged:
        return say(
            "{lifted} of {n} omissions give it all that a flag asks.",
            lifted=n - fallen,
            n=n,
        )
    if not fallen:
        return say("It has what a flag asks in all {n} tests.", n=n)
    return say(
        "In {fallen} of {n} tests it lacks what a flag asks (drawn hollow).",
        fallen=fallen,
        n=n,
    )


def _against_changed(tests: Sequence[Omitted]) -> str:
    what, value, *_ = max(tests, key=lambda item: item[1])
    if value >= 0:
        return say("{what}, it no longer speaks against: {n}.", what=what, n=plain(value))
    return say(
        "No single omission makes it speak for one operator: the highest of {tests} tests is {n}.",
        tests=len(tests),
        n=plain(value),
    )


def omission_lines(link: Link, names: Sequence[str]) -> list[Omitted]:
    """Return the link itself, then each omission, from the one that changes least."""
    stake = _at_stake(link)
    whole = (WHOLE, link.log10_lr or 0.0, link.low, link.high, link.flagged if stake else None)
    alone = _of_one_signal(link)
    given = [
        (name, o.log10_lr, o.low, None, o.eligible if stake else None)
        for name, o in zip(names, link.omissions, strict=True)
        if o.log10_lr is not None and o.omitted not in alone
    ]
    return [whole, *sorted(given, key=lambda line: (abs(line[1] - whole[1]), line[0]))]


def _of_one_signal(link: Link) -> set[str]:
    """Return the omissions of signals that are all of their family: the family's says it."""
    families: dict[str, list[str]] = {}
    for signal in link.signals:
        families.setdefault(signal.family, []).append(signal.name)
    tested = {o.omitted for o in link.omissions}
    return {
        f"signal:{names[0]}"
        for family, names in families.items()
        if len(names) == 1 and f"family:{family}" in tested
    }


def merge_omissions(lines: Sequence[Omitted]) -> list[Omitted]:
    """Draw omissions that leave both numbers as they are, to one decimal, as one."""
    whole, tests = lines[0], lines[1:]
    same = [t for t in tests if _rounded(t) == _rounded(whole) and t[4] == whole[4]]
    if len(same) < 3:
        return [whole, *tests[-MOST_OMITTED:]]
    others = [t for t in tests if t not in same][-MOST_OMITTED + 1 :]
    text = "Without any one of {n} more" if others else "Without any one of {n}"
    said = say(text, n=len(same))
    return [whole, (said, *same[0][1:]), *others]


def _rounded(line: Omitted) -> tuple[str, str]:
    return plain(line[1]), "" if line[2] is None else plain(line[2])


def next_step(link: Link) -> str:
    """Return what happens to a link next."""
    return say(LOOK_AGAIN if link.moved else NEXT.get(link.state, NEXT["none"]))


def chips(link: Link) -> list[tuple[str, str]]:
    """Return a link's state as framed words: solid flagged, dashed asserted, filled cannot-link."""
    found = [("d", IMITATED)] if link.imitation else []
    if link.apart:
        found.append(("x", say("cannot-link")))
    if link.flagged:
        found.append(("", say("flagged")))
    elif link.earlier is not None or link.state == "asserted":
        acted = link.earlier is not None and link.earlier.action
        found.append(("d", say("acted on elsewhere") if acted else say("asserted")))
    if link.moved:
        found.append(("d", say(MOVED)))
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
    return say("not flagged")


MOVED = "for another look"
IMITATED = "may be imitation"
LOOK_AGAIN = (
    "another look by at least two people: what the finding rested on has changed since. "
    "Until then nothing may be exported for action."
)
NEXT = {
    "none": "Nobody asserted this link and nothing flags it: there is nothing to review.",
    "flagged": (
        "a review by at least two people who have not seen this page, each from a separate packet."
    ),
    "asserted": "a review by at least two people who had no part in the assertion.",
    "in review": "the findings still missing; both are opened together.",
    "upheld": (
        "with new evidence, a reversal review by at least two people who did not uphold the link."
    ),
    "not upheld": "nothing. The link may not be acted on.",
    "inconclusive": "nothing may be exported for action; new evidence reopens the review.",
    "reversal in review": "at least two findings by people who did not uphold the link.",
    "reversed": "undo what leaned on the link; only new authenticated evidence reopens it.",
    "stands": "new evidence opens another reversal review.",
    "reopened": "a review by at least two people who have not judged it before.",
}
