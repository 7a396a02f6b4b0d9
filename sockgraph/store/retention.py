"""What a case keeps longer than it says it will is removed before anything else is done with it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from sockgraph.store.purge import LEDGERS, TOMBSTONE, Purged, purge_case
from sockgraph.store.raw import LOCK

if TYPE_CHECKING:
    from pathlib import Path

    from sockgraph.store.store import CaseStore


def fetched_on(store: CaseStore) -> dt.datetime | None:
    """Return when the oldest of what is kept was fetched or written here; null if nothing is.

    Answers say themselves when they were fetched; of other files it is the time of writing.
    """
    answers = [e.fetched for raw in store.all_answers() for e in raw.entries()]
    said = [dt.datetime.fromisoformat(stamp) for stamp in answers]
    written = [
        dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)
        for folder in (store.raw, store.processed)
        for path in folder.rglob("*")
        if path.is_file() and not _stays(path) and not path.name.endswith(".json.gz")
    ]
    return min((*said, *written), default=None)


def enforce_retention(
    store: CaseStore, days: int | None, *, now: dt.datetime | None = None
) -> Purged | None:
    """Remove raw and derived data if any of it is older than `days`; the ledger is not touched.

    Returns
    -------
    Purged or None
        What was removed; None if nothing had to be.

    Raises
    ------
    StoreError
        If it cannot be removed, or another process is fetching the case.
    """
    oldest = fetched_on(store) if days else None
    if days is None or oldest is None:
        return None
    today = now or dt.datetime.now(dt.UTC)
    if today - oldest <= dt.timedelta(days=days):
        return None
    return purge_case(store, note={"retention_days": days, "fetched_on": f"{oldest:%Y-%m-%d}"})


def _stays(path: Path) -> bool:
    return path.name in {TOMBSTONE, LOCK} or path.match(LEDGERS)
