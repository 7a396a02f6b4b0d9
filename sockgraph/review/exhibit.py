"""What is shown after the first judgement: evidence against, evidence for, then all of it.

Signals stand in the order of their families and names, never of their weight, and each with the
edits that moved it most. The numbers come last, and a packet has none.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sockgraph.review.sheet import Card, case_blinder, make_cards
from sockgraph.review.states import RECEIVED, History, Pair

if TYPE_CHECKING:
    from sockgraph.review.dossier import Dossier
    from sockgraph.review.sheet import Diffs

EDITS_SHOWN = 8


@dataclass(frozen=True)
class Item:
    """One signal.

    Attributes
    ----------
    direction
        `for`, `against`, or why there is none.
    support
        What was found, in the signal's own unit.
    edits
        The edits that moved it most, in time order, at most `EDITS_SHOWN`.
    left_out
        How many more there are.
    """

    signal: str
    family: str
    direction: str
    support: int
    edits: list[Card]
    left_out: int = 0


@dataclass(frozen=True)
class Exhibit:
    """The evidence on one link, without a number of its weight.

    Attributes
    ----------
    against, towards, silent
        Signals that contradict one operator, that support it, and that say neither.
    alibis
        Stretches of simultaneous work on different pages: `start`, `end`, `n_edits`, `expected`.
    received
        Evidence registered since: who authenticated it, when, for or against, in a sentence.
    alibi_asked
        Whether the simultaneous work is beyond chance, so that the finding must answer it.
    changes
        In the review of a reversal: what each signal said when the link was upheld, and what it
        says now; empty where no review here upheld it.
    """

    against: list[Item]
    towards: list[Item]
    silent: list[Item]
    alibis: list[dict[str, Any]]
    received: list[dict[str, Any]]
    changes: list[dict[str, str]]
    alibi_asked: bool

    def as_dict(self) -> dict[str, Any]:
        """Return the exhibit as JSON has it."""
        return asdict(self)


def make_exhibit(
    dossier: Dossier, shown: Pair, history: History, *, diffs: Diffs | None = None
) -> Exhibit:
    """Lay out the evidence on one link.

    Parameters
    ----------
    shown
        Who is shown as Account A, and who as B.
    history
        What the ledger says of the link.
    """
    blind = case_blinder(dossier, *shown)
    items = [_item(dossier, shown, row, diffs or {}) for row in dossier.signals(history.pair)]
    items.sort(key=lambda item: (item.family, item.signal))
    return Exhibit(
        [item for item in items if item.direction == "against"],
        [item for item in items if item.direction == "for"],
        [item for item in items if item.direction not in ("for", "against")],
        [
            {**{k: row[k] for k in ("n_edits", "expected", "excluded")}, "date": row["start"][:10]}
            for row in dossier.alibis(history.pair)
        ],
        [
            {
                "date": entry.time[:10],
                "speaks": entry.body["speaks"],
                "authenticated_by": entry.body["authenticated_by"],
                "summary": blind.parts(entry.body["summary"]),
            }
            for entry in history.of(RECEIVED)
        ],
        _changes(dossier, history),
        bool(dossier.link(history.pair)["alibi"]),
    )


def rested_on(history: History) -> dict[str, Any] | None:
    """Return what the link rested on when it was last upheld; None if no review upheld it."""
    upheld = {
        r.reviewer
        for round_ in history.rounds
        if round_.kind == "review"
        for r in round_.records.values()
        if r.finding == "upheld"
    }
    found = [e.body["rests_on"] for e in history.of("finding") if e.author in upheld]
    return dict(found[-1]) if found else None


def changes(then: dict[str, Any] | None, now: dict[str, Any]) -> list[dict[str, str]]:
    """Return, signal by signal, what the evidence said then and says now, in words."""
    before = (then or {}).get("signals", {})
    return [
        {
            "signal": name,
            "then": _said(before.get(name)),
            "now": _said(now["signals"].get(name)),
        }
        for name in sorted({*before, *now["signals"]})
    ]


def direction(row: dict[str, Any]) -> str:
    """Say which way a signal speaks, or why it does not."""
    if row["status"] != "ok":
        return str(row["status"]).replace("_", " ")
    if row["log10_lr"] is None:
        return "not calibrated"
    if row["log10_lr"] == 0:
        return "neither"
    return "for" if row["log10_lr"] > 0 else "against"


def _changes(dossier: Dossier, history: History) -> list[dict[str, str]]:
    then = rested_on(history)
    reversal = history.current is not None and history.current.kind == "reversal"
    return changes(then, dossier.snapshot(history.pair)) if reversal and then else []


def _said(row: dict[str, Any] | None) -> str:
    return direction(row) if row else "not measured"


def _item(dossier: Dossier, shown: Pair, row: dict[str, Any], diffs: Diffs) -> Item:
    cards = make_cards(dossier, shown, row["rev_ids"], diffs=diffs)
    return Item(
        row["signal"],
        row["family"],
        direction(row),
        row["support"],
        cards[:EDITS_SHOWN],
        max(0, len(cards) - EDITS_SHOWN),
    )
