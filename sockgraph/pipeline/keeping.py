"""What is kept of a case, how long, and how it is removed."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from sockgraph.case import load_case
from sockgraph.progress import Progress, silent
from sockgraph.review.forget import forget_names
from sockgraph.review.ledger import Ledger, before_removal
from sockgraph.store import TOMBSTONE, CaseStore, Purged, Store, enforce_retention, purge_case

if TYPE_CHECKING:
    from pathlib import Path

    from sockgraph.case import Case

LEDGER = "ledger.jsonl"


def open_store(case: Case, data: Path, *, progress: Progress = silent) -> CaseStore:
    """Return a case's files, having removed what is older than the case lets it be.

    Raises
    ------
    StaleArtifactError
        If the folder holds another case of the same name.
    StoreError
        If what is too old cannot be removed.
    """
    store = Store(data).case(case.slug, case.id)
    removed = enforce_retention(store, case.retention.days)
    if removed is not None:
        said = f"kept longer than {case.retention.days} days, and removed"
        progress(f"{removed.files} files {said} ({store.path(TOMBSTONE)} says so)", 1, 1)
    return store


def purge(path: Path, *, data: Path, ledger: bool = False) -> Purged:
    """Remove a case's data; of the ledger, the names, or all of it.

    Parameters
    ----------
    path
        The case file.
    data
        The data folder.
    ledger
        Remove the ledger too: its head and the day stay in the tombstone.

    Raises
    ------
    SockgraphError
        If the ledger is broken, a file cannot be removed, or the case is being fetched. Run again,
        it goes on.
    """
    case = load_case(path)
    store = Store(data).case(case.slug, case.id)
    kept = Ledger(store.path(LEDGER))
    head = before_removal(kept.entries()) or kept.head()
    if not ledger:
        forget_names(kept)
    word = f"removed on {dt.datetime.now(dt.UTC):%Y-%m-%d}" if ledger else "kept without names"
    note = {"ledger_head": str(head), "ledger": word if head.length else "none"}
    return purge_case(store, note=note, ledger=ledger)


def set_aside(store: CaseStore) -> None:
    """Begin a new ledger where the old one is of a purged case, which it goes on telling of."""
    ledger = Ledger(store.path(LEDGER))
    if before_removal(ledger.entries()) is not None:
        ledger.path.rename(store.path(f"ledger-{ledger.head().hash[:12]}.jsonl"))
