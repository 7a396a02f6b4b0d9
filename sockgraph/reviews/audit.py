"""What an audit prints, the heads that other files witness, and how reviewers agree."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from sockgraph.errors import ReviewError
from sockgraph.names import printable
from sockgraph.reviews.ledger import Entry, LedgerHead, head_before_removal
from sockgraph.reviews.states import (
    ALIBI_ELSEWHERE,
    ASSERTED,
    CARRIED,
    ELSEWHERE,
    FILED,
    LOOK_AGAIN,
    NOTE,
    OPENED,
    PACKET,
    RECEIVED,
    REOPENED,
    RESTORATION,
    REVERSAL_ASKED,
    WIKI_OPENED,
    histories,
)
from sockgraph.reviews.words import counted
from sockgraph.strings import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from sockgraph.reviews.states import LinkHistory, ReviewerRecord


_HEAD = re.compile(r"\b([0-9a-f]{64}):([1-9]\d{0,9})\b")


def head_words(head: LedgerHead) -> str:
    """Return the line by which a file witnesses the ledger; `witnesses_in` finds it."""
    return say("Ledger head {head}", head=head)


def witnesses_in(path: Path) -> list[LedgerHead]:
    """Return every ledger head that a report, packet, filing or note prints.

    Raises
    ------
    ReviewError
        If the file cannot be read, or prints none.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise ReviewError(
            path, f"it cannot be read ({error.strerror}).", "Check the path."
        ) from error
    found = dict.fromkeys(LedgerHead(digest, int(n)) for digest, n in _HEAD.findall(text))
    if not found:
        raise ReviewError(
            path, "it prints no ledger head.", "Give a report, packet, filing or note of this case."
        )
    return list(found)


def entry_line(entry: Entry) -> str:
    """Return one entry in words, for a terminal.

    Control characters of names and texts are shown as escapes, so that no entry can redraw another.
    """
    pair = " and ".join(entry.pair) if entry.pair else ""
    said = _said(entry)
    words = (
        f"{entry.time}  {entry.kind:<18} {pair:<32} by {entry.author}{': ' if said else ''}{said}"
    )
    return printable(words.replace("\n", "\\n"))


def _said(entry: Entry) -> str:
    body = entry.body
    if entry.kind == OPENED:
        answers = body.get("answers", {})
        first = answers.get("first judgement", {}).get("judgement")
        return f"first {first}; finding {answers.get('finding', {}).get('finding')}"
    words = {
        ASSERTED: ("action", "url"),
        RECEIVED: ("speaks", "authenticated_by", "summary", "sha256"),
        REVERSAL_ASKED: ("reason",),
        REOPENED: ("reason",),
        LOOK_AGAIN: ("reason",),
        RESTORATION: ("wrong",),
        WIKI_OPENED: ("revision",),
        PACKET: ("packet",),
        FILED: ("profile", "variant"),
        NOTE: ("text",),
        ELSEWHERE: ("case", "date", "source"),
        ALIBI_ELSEWHERE: ("case", "date", "source"),
        CARRIED: ("case",),
    }.get(entry.kind, ("commit",))
    return "; ".join(str(body[key]) for key in words if body.get(key))


_JOINS = ("one operator", "one operator, with doubts", "may be one operator")


@dataclass(frozen=True)
class ReviewerWork:
    """One reviewer's work; only opened answers are counted.

    Attributes
    ----------
    open, closed
        Links with an opened finding, and with one that waits for the others'.
    unblinded
        Links that they knew by name before their first judgement.
    changed
        Opened findings that differ in direction from the reviewer's own first judgement.
    """

    name: str
    open: int = 0
    closed: int = 0
    unblinded: int = 0
    changed: int = 0


@dataclass(frozen=True)
class Agreement:
    """How far two reviewers agree on the links that both have reviewed.

    Attributes
    ----------
    n, same
        Links with both findings open, and those on which they are equal.
    kappa
        Cohen's kappa (Cohen 1960, "A coefficient of agreement for nominal scales"): agreement
        beyond what their own rates give by chance; None where chance alone makes them agree.
    """

    reviewers: tuple[str, str]
    n: int
    same: int
    kappa: float | None


def reviewers_of(entries: Iterable[Entry]) -> list[ReviewerWork]:
    """Return everyone's work, by name."""
    records: dict[str, list[ReviewerRecord]] = {}
    for record in _records(entries):
        records.setdefault(record.reviewer, []).append(record)
    return [_summed(name, records[name]) for name in sorted(records)]


def agreements(entries: Iterable[Entry]) -> list[Agreement]:
    """Return the agreement of every two reviewers who reviewed a link both, by name."""
    pairs: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for history in histories(entries).values():
        for round_ in history.rounds:
            found = sorted((r.reviewer, r.finding) for r in round_.records.values() if r.finding)
            for (one, its), (other, others) in combinations(found, 2):
                pairs.setdefault((one, other), []).append((its, others))
    return [
        Agreement(pair, len(both), sum(a == b for a, b in both), cohen_kappa(both))
        for pair, both in sorted(pairs.items())
    ]


def cohen_kappa(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Return Cohen's kappa of two raters; None where it is not defined.

    >>> cohen_kappa([("yes", "yes"), ("yes", "no"), ("no", "no"), ("no", "no")])
    0.5
    """
    n = len(pairs)
    if not n:
        return None
    labels = {label for pair in pairs for label in pair}
    firsts, seconds = [a for a, _ in pairs], [b for _, b in pairs]
    chance = sum(firsts.count(label) * seconds.count(label) for label in labels) / n**2
    observed = sum(a == b for a, b in pairs) / n
    return None if chance == 1 else round((observed - chance) / (1 - chance), 9)


FEW = 20
"""Fewer pairs say nothing of one reviewer: none of 20 wrong may be one in six."""


@dataclass(frozen=True)
class Rate:
    """How often one reviewer joined people who are not one.

    Attributes
    ----------
    judged, joined
        Such pairs judged, and those of them taken for one operator.
    low, high
        The 95 % interval of that rate (Clopper and Pearson 1934); None without any.
    few
        Whether the pairs are too few to say anything of the reviewer.
    """

    judged: int
    joined: int
    low: float | None
    high: float | None
    few: bool

    @classmethod
    def of(cls, joins: Sequence[bool]) -> Rate:
        """Return the rate of some judgements, each true where it joined.

        >>> print(Rate.of([True, False]))
        1 of 2, 95 % interval 1% to 99%, too few to say anything
        """
        from scipy.stats import binomtest  # slow to import

        n = len(joins)
        found = binomtest(sum(joins), n).proportion_ci() if n else None
        low, high = (None, None) if found is None else (float(found.low), float(found.high))
        return cls(n, sum(joins), low, high, few=n < FEW)

    def __str__(self) -> str:
        """Say it, and when it is too little to say anything."""
        rate = "" if self.low is None else f", 95 % interval {self.low:.0%} to {self.high:.0%}"
        few = ", too few to say anything" if self.few else ""
        return f"{self.joined} of {self.judged}{rate}{few}"


@dataclass(frozen=True)
class Calibration:
    """How often one reviewer joined people who are not one, over cases.

    Attributes
    ----------
    foils
        Known-different pairs, by the first judgement: they have no finding.
    framed
        Links of which somebody else found that one account imitates the other, and that are not
        made: by the finding, since what is copied is meant to look like one person's edits.
    upheld, taken_back
        Links that they upheld, and those of them that were taken back since.
    """

    name: str
    cases: int
    foils: Rate
    framed: Rate
    upheld: int
    taken_back: int

    def __str__(self) -> str:
        """Say it in lines."""
        return (
            f"{self.name}, over {counted(self.cases, 'case')}:\n"
            f"  known-different pairs judged one operator: {self.foils}\n"
            f"  framed pairs (one imitates the other) found one operator: {self.framed}\n"
            f"  {counted(self.upheld, 'link')} upheld, {self.taken_back} of them taken back since"
        )


def calibrations(ledgers: Sequence[Sequence[Entry]]) -> list[Calibration]:
    """Return how often each reviewer joined people who are not one, over several cases' ledgers.

    A ledger whose names were removed tells of nobody and is left out.
    """
    people: dict[str, list[tuple[int, ReviewerRecord, LinkHistory]]] = {}
    for number, entries in enumerate(ledgers):
        if head_before_removal(entries) is not None:
            continue
        for history in histories(entries).values():
            for round_ in history.rounds:
                for key, record in round_.records.items():
                    people.setdefault(key, []).append((number, record, history))
    return [_calibration(key, rows) for key, rows in sorted(people.items())]


def _calibration(key: str, rows: Sequence[tuple[int, ReviewerRecord, LinkHistory]]) -> Calibration:
    foils = [record for _, record, _ in rows if record.foil and record.answers]
    framed = [r for _, r, history in rows if r.finding and _framed(history, key)]
    upheld = [history.state for _, record, history in rows if record.finding == "upheld"]
    return Calibration(
        rows[0][1].reviewer,
        len({number for number, _, _ in rows}),
        Rate.of([_judgement(record) in _JOINS for record in foils]),
        Rate.of([record.finding in ("upheld", "stands") for record in framed]),
        len(upheld),
        upheld.count("reversed"),
    )


def _framed(history: LinkHistory, key: str) -> bool:
    """Tell whether somebody else's finding, which holds, is that one imitates the other."""
    made = history.state in ("upheld", "stands")
    return not made and bool(history.accepted_by("imitation") - {key})


def _records(entries: Iterable[Entry]) -> list[ReviewerRecord]:
    found = histories(entries).values()
    return [r for history in found for round_ in history.rounds for r in round_.records.values()]


def _summed(name: str, records: Sequence[ReviewerRecord]) -> ReviewerWork:
    links = [r for r in records if not r.foil]
    return ReviewerWork(
        name,
        open=sum(r.finding is not None for r in links),
        closed=sum(r.committed and not r.answers for r in links),
        unblinded=sum(not r.blinded for r in links),
        changed=sum(_changed(r) for r in links),
    )


def _judgement(record: ReviewerRecord) -> str | None:
    said = record.answers.get("first judgement", {}).get("judgement")
    return str(said) if said else None


def _changed(record: ReviewerRecord) -> bool:
    """Tell whether a finding turns a first judgement round; an open judgement turns nothing."""
    first = _judgement(record)
    if first is None or first == "cannot tell" or record.finding in (None, "inconclusive"):
        return False
    return (first in _JOINS) != (record.finding in ("upheld", "stands"))
