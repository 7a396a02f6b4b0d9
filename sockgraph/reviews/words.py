"""The words of review: numbers, signals, questions and states, in one place for every page.

Packet, terminal, notebook, filing and note read them here; the report builds on them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockgraph.signals import SIGNALS

if TYPE_CHECKING:
    from collections.abc import Sequence

MINUS = "\N{MINUS SIGN}"
DASH = "\N{EN DASH}"
NBSP = "\N{NO-BREAK SPACE}"
APOS = "\N{RIGHT SINGLE QUOTATION MARK}"
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
    "undoing": f"undoing each other{APOS}s edits",
    "imitation": "summaries that the other account wrote before, taken over word for word",
    "community": "what pairs of the same pages reach anyway",
    RIVALS: "how well others explain either account",
}
_COUNTS = {
    "alibi": ("change of account", "changes of account"),
    "hand-over": ("account", "accounts"),
    "undoing": ("undoing", "undoings"),
    "imitation": ("summary taken over", "summaries taken over"),
}


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


def listed(items: Sequence[str]) -> str:
    """Join words into a list.

    >>> listed(["pages"]), listed(["pages", "text", "time"])
    ('pages', 'pages, text and time')
    """
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


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
