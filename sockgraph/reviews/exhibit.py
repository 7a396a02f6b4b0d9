"""What a reviewer is shown once the edits are judged: against, for, and all of it, as blocks.

A block is a heading, a paragraph or a table of cells; packet, notebook and terminal draw the same
blocks, and none of them decides what stands in them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sockgraph.reviews import words
from sockgraph.reviews.blinding import LABELS
from sockgraph.reviews.dossier import (
    THE_SUM,
    direction,
    link_words,
    read_of,
    rested_on,
    side_by_side,
)
from sockgraph.reviews.rules import changes_shown
from sockgraph.reviews.sheet import EditCard, case_blinder, make_cards
from sockgraph.reviews.states import RECEIVED, LinkHistory, Pair
from sockgraph.strings import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sockgraph.reviews.blinding import Blinder
    from sockgraph.reviews.dossier import Change, Dossier
    from sockgraph.reviews.ledger import Entry
    from sockgraph.reviews.sheet import Diffs

EDITS_SHOWN = 8
DAYS_SHOWN = 12


@dataclass(frozen=True)
class PageBlock:
    """A piece of a page.

    Attributes
    ----------
    head
        Its heading; empty where it has none.
    note
        What stands below the heading.
    columns, rows
        A table: cells are texts, blinded parts, edits, or nothing.
    edits
        Whether it is a table of edits, Account A left and Account B right.
    """

    head: str = ""
    note: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    edits: bool = False


@dataclass(frozen=True)
class Exhibit:
    """The evidence on one link, as it is read, step by step.

    Attributes
    ----------
    against, towards, everything
        What is shown at the steps `against`, `for` and `all`.
    asked
        Which of `words.DOUBTS` the link has, so that the finding must answer it.
    """

    against: tuple[PageBlock, ...]
    towards: tuple[PageBlock, ...]
    everything: tuple[PageBlock, ...]
    asked: tuple[str, ...]

    def of(self, step: str) -> tuple[PageBlock, ...]:
        """Return what is shown at a step."""
        return {"against": self.against, "for": self.towards, "all": self.everything}[step]

    def as_dict(self) -> dict[str, Any]:
        """Return the exhibit as JSON has it."""
        return asdict(self)


def make_exhibit(
    dossier: Dossier,
    shown: Pair,
    history: LinkHistory,
    *,
    diffs: Diffs | None = None,
    numbers: bool = False,
) -> Exhibit:
    """Lay out the evidence on one link.

    Parameters
    ----------
    shown
        Who is shown as Account A, and who as B.
    history
        What the ledger says of the link.
    numbers
        Whether the step `all` ends with each signal's log10 LR and the link's: not in a packet,
        whose file can be read from its end.
    """
    received = history.of(RECEIVED)
    said = [e.body["summary"] for e in received]
    blind = case_blinder(dossier, *shown, diffs=diffs, texts=said)
    rows = sorted(dossier.signals(history.pair), key=lambda r: (r["family"], r["signal"]))
    cards = _Cards(dossier, shown, blind, diffs or {})
    spoken = {
        way: tuple(cards.signal(row) for row in rows if direction(row) == way)
        for way in ("may be copied", "against", "for")
    }
    snapshot = dossier.snapshot(history.pair)
    last = [PageBlock(note=link_words(snapshot["link"]))] if numbers else []
    return Exhibit(
        (
            *_alibis(dossier.alibis(history.pair)),  # first, see docs/adr/0014
            *spoken["may be copied"],
            *(spoken["against"] or _nothing("against")),
        ),
        spoken["for"] or _nothing("for"),
        (
            _table(rows, numbers=numbers),
            *_received(received, blind),
            *_changed(dossier, shown, history, numbers=numbers),
            *last,
        ),
        tuple(doubt for doubt in words.DOUBTS if dossier.link(history.pair)[doubt]),
    )


def _nothing(way: str) -> tuple[PageBlock, ...]:
    return (PageBlock(note=say(words.NOTHING[way])),)


@dataclass(frozen=True)
class _Cards:
    """Draws the edits of signals."""

    dossier: Dossier
    shown: Pair
    blind: Blinder
    diffs: Diffs

    def signal(self, row: dict[str, Any]) -> PageBlock:
        """Return a signal with the edits that moved it most, in time order."""
        cards = make_cards(
            self.dossier, self.shown, row["rev_ids"], blind=self.blind, diffs=self.diffs
        )
        left = len(cards) - EDITS_SHOWN
        about = words.signal_about(row["signal"])
        rests_on = words.support_words(row["signal"], row["support"])
        more = say("; and {edits}", edits=words.counted(left, "more edit")) if left > 0 else ""
        return PageBlock(
            say(row["signal"]),
            f"{about + say(': ') if about else ''}{rests_on}{more}",
            rows=tuple(_sided(card) for card in cards[:EDITS_SHOWN]),
            edits=True,
        )


def _sided(card: EditCard) -> tuple[EditCard | None, str, EditCard | None]:
    return (card, "", None) if card.who == "A" else (None, "", card)


def _alibis(stretches: Sequence[dict[str, Any]]) -> tuple[PageBlock, ...]:
    """Return the days of simultaneous work: they come first among what speaks against."""
    rows = tuple(
        (
            row["start"][:10],
            str(row["n_edits"]),
            words.DASH if row["expected"] is None else f"{row['expected']:.2g}",
        )
        for row in stretches
        if not row["excluded"]
    )
    if not rows:
        return ()
    left = len(rows) - DAYS_SHOWN
    note = say("The first {n}; and {left} more.", n=DAYS_SHOWN, left=left) if left > 0 else ""
    columns = tuple(map(say, words.ALIBI_COLUMNS))
    return (PageBlock(say(words.SIMULTANEOUS), note, columns=columns, rows=rows[:DAYS_SHOWN]),)


def _table(rows: Sequence[dict[str, Any]], *, numbers: bool) -> PageBlock:
    """Return every signal with which way it speaks and on what it rests."""
    cells = tuple(
        (
            say(row["signal"]),
            say(row["family"]),
            say(direction(row)),
            words.support_words(row["signal"], row["support"], enough=row["status"] == "ok"),
            *((words.signed(row["log10_lr"]),) if numbers else ()),
        )
        for row in rows
    )
    columns = (*words.SIGNAL_COLUMNS, *(("log10 LR alone",) if numbers else ()))
    return PageBlock(say("Every signal"), columns=tuple(map(say, columns)), rows=cells)


def _received(entries: Sequence[Entry], blind: Blinder) -> tuple[PageBlock, ...]:
    if not entries:
        return ()
    rows = tuple(
        (
            e.time[:10],
            say(e.body["speaks"]),
            e.body["authenticated_by"],
            blind.parts(e.body["summary"]),
        )
        for e in entries
    )
    columns = tuple(map(say, words.RECEIVED_COLUMNS))
    return (PageBlock(say("Evidence received"), columns=columns, rows=rows),)


def _changed(
    dossier: Dossier, shown: Pair, history: LinkHistory, *, numbers: bool
) -> tuple[PageBlock, ...]:
    """Return then beside now: in a reversal all of it, on another look what moved."""
    now = history.current
    if now and now.kind == "reversal":
        then = rested_on(history)
        if then is None:
            return (PageBlock(say("What the link rested on"), say(words.MADE_ELSEWHERE)),)
        rows = side_by_side(then, dossier.snapshot(history.pair))
        title = say("What the link rested on, and rests on now")
        return (_beside(title, rows, shown, numbers=numbers),)
    moved = changes_shown(dossier, history)
    title = say("What has changed since the finding before")
    return (_beside(title, moved, shown, numbers=numbers),) if moved else ()


def _beside(title: str, rows: Sequence[Change], shown: Pair, *, numbers: bool) -> PageBlock:
    """Return changes as a table; without numbers and names where a packet shows them."""
    labels = {read_of(user): say(LABELS[who]) for user, who in zip(shown, "AB", strict=True)}
    told = [(labels.get(r.what, r.what), r.then, r.now) for r in rows]
    if not numbers:
        told = [
            (what, words.without_number(then), words.without_number(now))
            for what, then, now in told
            if what != say(THE_SUM)
        ]
    return PageBlock(title, columns=tuple(map(say, ("Shown", "Then", "Now"))), rows=tuple(told))
