"""Numbers and headlines in words: the only place that turns an estimate into a sentence."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sockgraph.report.markup import clean
from sockgraph.signals import FAMILIES, SIGNALS

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from sockgraph.report.data import Link


MINUS = "\N{MINUS SIGN}"
DASH = "\N{EN DASH}"
NBSP = "\N{NO-BREAK SPACE}"
APOS = "\N{RIGHT SINGLE QUOTATION MARK}"
_SMALL = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def plain(value: float) -> str:
    """Write a log10 LR with one decimal, a minus sign and no plus.

    >>> plain(-1.42) == MINUS + "1.4", plain(0.04), plain(-0.04)
    (True, '0.0', '0.0')
    """
    text = f"{abs(value):.1f}"
    return f"{MINUS}{text}" if value < 0 and float(text) else text


def signed(value: float | None) -> str:
    """Write a log10 LR with its sign, as tables and bars do; a dash where there is none.

    >>> signed(2.14), signed(0.01), signed(None) == DASH
    ('+2.1', '0.0', True)
    """
    if value is None:
        return DASH
    text = plain(value)
    return f"+{text}" if value > 0 and float(text) else text


def interval(low: float | None, high: float | None) -> str:
    """Write an interval, `[1.6, 2.4]`; a dash where there is none."""
    return DASH if low is None or high is None else f"[{plain(low)}, {plain(high)}]"


def thousands(n: int) -> str:
    """Write a count with its thousands apart.

    >>> thousands(1938)
    '1,938'
    """
    return f"{n:,}"


def counted(n: int, unit: str, plural: str | None = None) -> str:
    """Write a count and its unit in the right number.

    >>> counted(1, "edit"), counted(1200, "edit"), counted(2, "family", "families")
    ('1 edit', '1,200 edits', '2 families')
    """
    return f"{thousands(n)} {unit if n == 1 else plural or unit + 's'}"


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


def day(moment: dt.date | None) -> str:
    """Write a day in ISO form; a dash where it is not known."""
    return DASH if moment is None else moment.strftime("%Y-%m-%d")


def duration(seconds: float) -> str:
    """Write how long a gap is, in the largest unit that fits.

    >>> duration(30), duration(540), duration(79200), duration(4320000)
    ('<1 min', '9 min', '22 h', '50 days')
    """
    minutes = seconds / 60
    if minutes < 1:
        return "<1 min"
    if minutes < 90:
        return f"{minutes:.0f} min"
    if minutes < 36 * 60:
        return f"{minutes / 60:.0f} h"
    return f"{thousands(round(minutes / 1440))} days"


def listed(items: Sequence[str]) -> str:
    """Join words into a list.

    >>> listed(["pages"]), listed(["pages", "text", "time"])
    ('pages', 'pages, text and time')
    """
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


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
    if link.direction == "zero" or link.band == "does not separate":
        return f"Evidence does not separate the two explanations: {number}"
    bound = link.bound_high if link.log10_lr > 0 else link.bound_low
    held = "" if bound is None else f", bound {plain(bound)}"
    return f"Evidence speaks {link.band} one operator: {number}{held}"


def explained(link: Link) -> str:
    """Say what the number means, as a ratio, with its interval."""
    if link.log10_lr is None or link.low is None or link.high is None:
        return ""
    if link.direction == "zero":
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
    "FAMILIES",
    "HOURS_SIGNAL",
    "RIVALS",
    "family_label",
    "omitted_words",
    "signal_about",
    "support_words",
]

HOURS_SIGNAL = "hours"
RIVALS = "rivals"
"""What the fused score is held against: part of the sum, and no evidence of its own."""
_NEEDED = {signal.name: signal.needed for signal in SIGNALS}
_ABOUT = {
    "shared pages": "pages that few others edit",
    "hours": f"hours of the week, beside the community{APOS}s",
    "phrases": "rare words and word pairs in summaries",
    "words": "rare words in summaries",
    "characters": "rare runs of characters in summaries",
    "habits": f"common phrases, beside the community{APOS}s use",
    "spelling": "case, marks and spelling of summaries",
    "openings": "how summaries begin",
    "sections": "sections of pages that few others edit",
    "saving habits": "minor flag, size and kind of edits",
    "alibi": "simultaneous work on different pages",
    "hand-over": "one account stops, the other starts",
    "coupled absence": "at work in the same weeks",
    "sessions": "at work in the same half hours",
    "gaps on a page": "on one page within an hour",
    "undoing": f"undoing each other{APOS}s edits",
    "talk": f"writing on each other{APOS}s talk page",
    "thanks": "thanking each other",
    "restoring": f"bringing back each other{APOS}s versions",
    "same side": "undoing the same third party on one page",
    "community": "what pairs of the same pages reach anyway",
    RIVALS: "how well others explain either account",
}
_COUNTS = {
    "alibi": ("change of account", "changes of account"),
    "hand-over": ("account", "accounts"),
    "coupled absence": ("week in common", "weeks in common"),
    "sessions": ("half hour in common", "half hours in common"),
    "gaps on a page": ("hour on a page in common", "hours on a page in common"),
    "undoing": ("undoing", "undoings"),
    "talk": ("day", "days"),
    "thanks": ("day", "days"),
    "restoring": ("version brought back", "versions brought back"),
    "same side": ("undone third party in common", "undone third parties in common"),
}


def signal_about(name: str) -> str:
    """Say in a few words what a signal looks at; empty for one that says so by its name."""
    return _ABOUT.get(name, "")


def family_label(name: str) -> str:
    """Return a family's name as a row's heading."""
    return name[:1].upper() + name[1:].replace("_", " ")


def support_words(name: str, support: int, *, enough: bool = True) -> str:
    """Say what a signal rests on: edits of the account with fewer of them.

    >>> support_words("hours", 402), support_words("hours", 2, enough=False)
    ('402 edits', '2 of 10 edits needed')
    """
    if name in _COUNTS:
        return counted(support, *_COUNTS[name])
    needed = _NEEDED.get(name)
    if not enough and needed is not None and support < needed:
        return f"{support} of {counted(needed, 'edit')} needed"
    return counted(support, "edit")


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
