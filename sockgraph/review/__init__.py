"""Review by people, before a lock and before a reversal: the ledger and what follows from it."""

from __future__ import annotations

from sockgraph.review.dossier import Dossier, evidence_seal
from sockgraph.review.ledger import Draft, Entry, Ledger, LedgerHead
from sockgraph.review.queue import Task, queue
from sockgraph.review.sheet import Sheet, make_sheet
from sockgraph.review.states import (
    History,
    assert_earlier,
    cannot_links,
    histories,
    link_states,
)

__all__ = [
    "Dossier",
    "Draft",
    "Entry",
    "History",
    "Ledger",
    "LedgerHead",
    "Sheet",
    "Task",
    "assert_earlier",
    "cannot_links",
    "evidence_seal",
    "histories",
    "link_states",
    "make_sheet",
    "queue",
]
