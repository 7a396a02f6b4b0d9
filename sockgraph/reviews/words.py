"""The words of review: numbers, signals, questions and states, in one place for every page.

Packet, terminal, notebook, filing and note read them here; the report builds on them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sockgraph.signals import SIGNALS, imitation
from sockgraph.strings import say, spoken

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from sockgraph.log_events import Restraint
    from sockgraph.reviews.ledger import Entry
    from sockgraph.reviews.states import LinkHistory

MINUS = "\N{MINUS SIGN}"
DASH = "\N{EN DASH}"
NBSP = "\N{NO-BREAK SPACE}"
APOS = "\N{RIGHT SINGLE QUOTATION MARK}"
_NUMBER = re.compile(rf" \([+{MINUS}]?\d+\.\d\)| \({DASH}\)")
IMITATION = imitation.FAMILY
RIVALS = "rivals"
"""What the fused score is held against: part of the sum, and no evidence of its own."""
AT = 1e-6  # nearer than this to a bound, a number is at it
COMMUNITY = "community"
"""What the log10 LR is held against beside the score, likewise."""
_NEEDED = {signal.name: signal.needed for signal in SIGNALS}
_ABOUT = {
    "shared pages": "pages that few others edit",
    "hours": f"hours of the week, beside the community{APOS}s",
    "phrases": "rare words and word pairs in summaries",
    "habits": f"common phrases, beside the community{APOS}s use",
    "openings": "how summaries begin",
    "added text": f"runs of letters in what edits added, beside the community{APOS}s",
    "saving habits": "minor flag, size and kind of edits",
    "alibi": "simultaneous work on different pages",
    "hand-over": "one account stops, the other starts",
    "coupled absence": "at work in the same weeks",
    "sessions": "at work in the same half hours",
    "undoing": f"undoing each other{APOS}s edits",
    IMITATION: "summaries that the other account wrote before, taken over word for word",
    COMMUNITY: "what different people as near reach anyway",
    RIVALS: "how like either account is to its best others",
}
SIGNAL_NAMES = tuple(_ABOUT)
_UNITS = {"added text": "character"}
_COUNTS = {
    "alibi": ("change of account", "changes of account"),
    "hand-over": ("account", "accounts"),
    "coupled absence": ("week in common", "weeks in common"),
    "sessions": ("half hour in common", "half hours in common"),
    "undoing": ("undoing", "undoings"),
    IMITATION: ("summary taken over", "summaries taken over"),
    **dict.fromkeys((COMMUNITY, RIVALS), ("account", "accounts")),
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


def estimate(
    value: float | None, bound_low: float | None = None, bound_high: float | None = None
) -> str:
    """Write a log10 LR; one that a bound holds is said to be at least, or at most, that.

    >>> estimate(2.1, -1.9, 2.1), estimate(2.0, -1.9, 2.1), estimate(-0.5)
    ('≥ 2.1', '+2.0', '−0.5')
    """
    return held(value, bound_low, bound_high) or signed(value)


def interval(
    low: float | None,
    high: float | None,
    bound_low: float | None = None,
    bound_high: float | None = None,
) -> str:
    """Write an interval; an end that a bound holds says so, and both at one bound are one.

    >>> interval(1.6, 2.4), interval(1.8, 2.1, -1.9, 2.1), interval(2.06, 2.1, -1.9, 2.1)
    ('[1.6, 2.4]', '[1.8, ≥ 2.1]', 'held at the bound')
    """
    return interval_words(low, high, *(held(end, bound_low, bound_high) for end in (low, high)))


def held(value: float | None, bound_low: float | None, bound_high: float | None) -> str:
    """Return `≥ 2.1` or `≤ −1.9` for a number that a bound holds, else nothing."""
    if value is None:
        return ""
    if bound_high is not None and value >= bound_high - AT:
        return f"≥ {plain(bound_high)}"
    return f"≤ {plain(bound_low)}" if bound_low is not None and value <= bound_low + AT else ""


def interval_words(low: float | None, high: float | None, first: str, last: str) -> str:
    """Write an interval; an end that a bound holds as `held` said it, see `interval`."""
    if low is None or high is None or low != low or high != high:  # noqa: PLR0124 - not a number
        return DASH
    ends = first or plain(low), last or plain(high)
    if (first or last) and ends[0].lstrip("≥≤ ") == ends[1].lstrip("≥≤ "):  # one number, not two
        return say("held at the bound")
    return ends[0] if ends[0] == ends[1] else f"[{ends[0]}, {ends[1]}]"


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
    if spoken() != "en":  # no plural there
        return f"{thousands(n)} {say(unit)}"
    return f"{thousands(n)} {unit if n == 1 else plural or unit + 's'}"


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
        return say("<1 min")
    if minutes < 90:
        return say("{n} min", n=f"{minutes:.0f}")
    if minutes < 36 * 60:
        return say("{n} h", n=f"{minutes / 60:.0f}")
    return say("{n} days", n=thousands(round(minutes / 1440)))


def listed(items: Sequence[str]) -> str:
    """Join words into a list.

    >>> listed(["pages"]), listed(["pages", "text", "time"])
    ('pages', 'pages, text and time')
    """
    if len(items) == 1:
        return items[0]
    return f"{say(', ').join(items[:-1])}{say(' and ')}{items[-1]}"


def signal_about(name: str) -> str:
    """Say in a few words what a signal looks at; empty for one that says so by its name."""
    return say(_ABOUT[name]) if name in _ABOUT else ""


def family_label(name: str) -> str:
    """Return a family's name as a row's heading."""
    label = say(name.replace("_", " "))
    return label[:1].upper() + label[1:]


def support_words(name: str, support: int, *, enough: bool = True) -> str:
    """Say what a signal rests on: edits, or characters, of the account with fewer of them.

    >>> support_words("hours", 402), support_words("hours", 2, enough=False)
    ('402 edits', '2 of 10 edits needed')
    """
    if name in _COUNTS:
        return counted(support, *_COUNTS[name])
    needed, unit = _NEEDED.get(name), _UNITS.get(name, "edit")
    if not enough and needed is not None and support < needed:
        return say("{n} of {asked} needed", n=thousands(support), asked=counted(needed, unit))
    return counted(support, unit)


# the two paths of a review: what is asked, and how

JOINS = "may be one operator"
JUDGEMENTS = {
    "different people": ("Clearly different people", "Cite one edit; the pair closes."),
    "cannot tell": (
        "Cannot tell, or too few edits",
        "Say in a line what is missing; the pair closes.",
    ),
    JOINS: (
        "May be one operator",
        "A lock may follow: the full review opens, and that of a second person.",
    ),
}
FINDINGS = {
    "upheld": "The evidence supports the link",
    "inconclusive": "It does not settle the question",
    "not upheld": "The evidence does not support the link",
    "stands": "The link stands",
    "reversed": "The link was wrong: take it back",
}
ALIBI_ANSWERS = {
    "accepted": "it shows two people: keep the accounts apart",
    "explained": "it has another explanation, given above",
}
IMITATION_ANSWERS = {
    "accepted": "one imitates the other: it does not speak for one operator",
    "explained": "it has another explanation, given above",
}
DOUBTS = {"alibi": ALIBI_ANSWERS, "imitation": IMITATION_ANSWERS}
"""What a finding must answer where a link has it, and the answers that are offered."""
QUESTIONS = {
    "judgement": "What do these edits point to?",
    "says": "What in the edits says so?",
    "else": "What else could explain it?",
    "cites": "Which edits?",
    "knows": "I think I recognise one of these accounts",
    "finding": "What do you find?",
    "why": "Why?",
    "alternative": "What is the strongest other explanation?",
    "alibi": "The simultaneous work",
    "imitation": "The summaries taken over word for word",
}
HINTS = {
    "else": "A shared project, a template, one teacher. Asked once: it stays for the next.",
    "alternative": "Friends, colleagues, a shared script, chance.",
}
READ = "Read the edits of both accounts, then say what you see"
STEP_TITLES = {
    "against": "What speaks against one operator",
    "for": "What speaks for one operator",
    "all": "All evidence",
    "finding": "Your finding",
}
VIEWS = {"shared": "On shared pages", "only_a": "Only Account A", "only_b": "Only Account B"}
FIRST_PAGES = "the pages that fewest others edited come first, each part in time order"
NOTHING = {
    "against": "No signal speaks against one operator.",
    "for": "No signal speaks for one operator.",
}
SIMULTANEOUS = "Simultaneous work on different pages"
ALIBI_COLUMNS = ("Day", "Edits by turns", "Expected by chance")
SIGNAL_COLUMNS = ("Signal", "Family", "Speaks", "Rests on")
RECEIVED_COLUMNS = ("Day", "Speaks", "Authenticated by", "What it says")
MADE_ELSEWHERE = "It was made elsewhere: what it rested on then is not held here."
CLOSED = {
    "not upheld": "Closed: not upheld, on the light path, by one reviewer.",
    "inconclusive": "Closed: inconclusive, on the light path, by one reviewer.",
}
SEALED = "The {step} is in the ledger as a salted hash, and cannot be changed."


def without_number(text: str) -> str:
    """Return a text without the log10 LR in it, for a packet.

    >>> without_number("for (+1.4), 402 edits")
    'for, 402 edits'
    """
    return _NUMBER.sub("", text)


# what has become of a link


STATE_WORDS = {
    "none": "not flagged, not asserted",
    "asserted": "asserted elsewhere, not yet reviewed here",
}
"""States that need more words than their name."""


def state_label(state: str) -> str:
    """Say a link's state, for every page; how it was come to is said by `history_lines`."""
    return say(STATE_WORDS.get(state, state))


def state_of_pair(history: LinkHistory) -> str:
    """Say a link's state after its names."""
    a, b = history.pair
    return say("{a} and {b}: {state}", a=a, b=b, state=state_label(history.state))


def action_words(action: str | None) -> str:
    """Name what was done about a link, as a noun; empty where nothing was.

    >>> action_words("locked"), action_words("none"), action_words("global lock")
    ('lock', '', 'global lock')
    """
    said = " ".join((action or "").split())
    if said.casefold() in {"", "none", "no", "no action", "nothing", "n/a", "-"}:
        return ""
    return _NOUNS.get(said.casefold(), said)


_NOUNS = {
    "locked": "lock",
    "globally locked": "global lock",
    "blocked": "block",
    "banned": "ban",
    "globally banned": "global ban",
    "desysopped": "removal of adminship",
    "tagged": "tag",
    "reblock": "block",
    "lock account": "lock",
}
MOVED = "What the finding rested on has changed: the link is to be looked at again."
_ELSEWHERE = {
    "reversed elsewhere": "Taken back in the case {case} on {day}: the link was wrong.",
    "alibi accepted elsewhere": "Its alibi was accepted in the case {case} on {day}: kept apart.",
}


def history_lines(history: LinkHistory, *, moved: bool = False) -> list[str]:
    """Say in sentences how a link came to its state, for a report.

    Parameters
    ----------
    moved
        Whether what its findings rested on has changed; see `rules.changed_findings`.
    """
    lines = [_asserted(entry) for entry in history.asserted]
    for round_ in history.rounds:
        if round_.elsewhere:
            continue
        found = [
            say("{who}: {found}", who=r.reviewer, found=say(r.finding))
            + (say(" (light path)") if r.light else "")
            for r in round_.records.values()
            if r.finding
        ]
        closed = sum(r.committed and not r.finding and not r.foil for r in round_.records.values())
        told = "Reversal: {found}." if round_.kind == "reversal" else "Review: {found}."
        said = [*found, *([say("{n} not open yet", n=closed)] if closed else [])]
        if said:
            lines.append(say(told, found=say("; ").join(said)))
    for kind, told in _ELSEWHERE.items():
        lines += [say(told, case=e.body["case"], day=e.body["date"]) for e in history.of(kind)]
    if history.current and history.current.outcome is None and history.current.differ:
        lines.append(say("The reviewers differ: a third is needed."))
    received = history.of("evidence received")
    if received:
        lines.append(say("Evidence received since: {n}.", n=len(received)))
    return [*lines, say(MOVED)] if moved else lines


def _asserted(entry: Entry) -> str:
    action = action_words(entry.body.get("action"))
    told = "Asserted by {who} on {day} ({action})." if action else "Asserted by {who} on {day}."
    return say(told, who=entry.author, day=entry.time[:10], action=say(action))


def wiki_words(one: Restraint) -> str:
    """Name where a block or lock is."""
    return one.wiki or say("all wikis")


def restraint_words(one: Restraint) -> str:
    """Say what holds an account, where, since when and by whom, as far as that is known."""
    what = say("globally locked") if one.lock else say("blocked on {wiki}", wiki=wiki_words(one))
    day = say(" since {day}", day=one.day) if one.day else ""
    return what + day + (say(", by {by}", by=one.by) if one.by else "")


# for the person who was linked

APPEAL = (
    "They may ask for the edits behind each signal, for what speaks against the link, and for what"
    " its reviewers wrote: `sockgraph audit CASE --link A B`. What they send is registered by its"
    " hash and never stored: `sockgraph evidence add`. {n} people decide who did not make, uphold"
    " or judge the link before: `sockgraph review-packet CASE --reviewer NAME`, one for each."
    " docs/linked.md is written for them."
)
