"""Review by people, before a lock and before a reversal: the ledger and what follows from it."""

from __future__ import annotations

from sockgraph.reviews.dossier import Dossier, evidence_seal
from sockgraph.reviews.ledger import Draft, Entry, Ledger, LedgerHead
from sockgraph.reviews.rules import ReviewTask, changed_findings, queue
from sockgraph.reviews.sheet import Sheet, make_sheet
from sockgraph.reviews.states import (
    LinkHistory,
    accepted_alibis,
    assert_earlier,
    cannot_links,
    histories,
    link_states,
)
from sockgraph.reviews.words import history_lines

__all__ = [
    "Dossier",
    "Draft",
    "Entry",
    "Ledger",
    "LedgerHead",
    "LinkHistory",
    "ReviewTask",
    "Sheet",
    "accepted_alibis",
    "assert_earlier",
    "cannot_links",
    "changed_findings",
    "evidence_seal",
    "histories",
    "history_lines",
    "link_states",
    "make_sheet",
    "queue",
]
