"""Review by people, before a lock and before a reversal: the ledger and what follows from it."""

from __future__ import annotations

from sockgraph.review.ledger import Draft, Entry, Ledger, LedgerHead
from sockgraph.review.states import (
    History,
    assert_earlier,
    cannot_links,
    histories,
    link_states,
)

__all__ = [
    "Draft",
    "Entry",
    "History",
    "Ledger",
    "LedgerHead",
    "assert_earlier",
    "cannot_links",
    "histories",
    "link_states",
]
