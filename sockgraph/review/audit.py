"""What an audit prints, and the heads that other files witness."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sockgraph.errors import ReviewError
from sockgraph.review.ledger import Entry, LedgerHead
from sockgraph.review.states import (
    ASSERTED,
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
)
from sockgraph.show import printable

if TYPE_CHECKING:
    from pathlib import Path

    from sockgraph.review.states import History

MOVED = "What the finding rested on has changed: the link is to be looked at again."
_HEAD = re.compile(r"\b([0-9a-f]{64}):([1-9]\d{0,9})\b")


def head_words(head: LedgerHead) -> str:
    """Return the line by which a file witnesses the ledger; `witnesses_in` finds it."""
    return f"Ledger head {head}"


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


def history_lines(history: History, *, moved: bool = False) -> list[str]:
    """Say in sentences how a link came to its state, for a report.

    Parameters
    ----------
    moved
        Whether what its findings rested on has changed; see `rules.moved_findings`.
    """
    lines = [
        f"Asserted by {e.author} on {e.time[:10]}"
        + (f" ({e.body['action']})." if e.body.get("action") else ".")
        for e in history.asserted
    ]
    for round_ in history.rounds:
        found = [f"{r.reviewer}: {r.finding}" for r in round_.records.values() if r.finding]
        closed = sum(r.committed and not r.answers for r in round_.records.values())
        word = "Reversal" if round_.kind == "reversal" else "Review"
        said = [*found, *([f"{closed} not open yet"] if closed else [])]
        if said:
            lines.append(f"{word}: {'; '.join(said)}.")
    received = history.of(RECEIVED)
    if received:
        lines.append(f"Evidence received since: {len(received)}.")
    return [*lines, MOVED] if moved else lines


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
    }.get(entry.kind, ("commit",))
    return "; ".join(str(body[key]) for key in words if body.get(key))
