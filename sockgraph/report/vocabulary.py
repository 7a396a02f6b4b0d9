"""What signals, families and omissions are called on the page, and what their `support` counts."""

from __future__ import annotations

from sockgraph.report.markup import clean
from sockgraph.report.words import APOS, counted
from sockgraph.signals import FAMILIES, SIGNALS

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
