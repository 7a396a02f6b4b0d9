"""Removing what a case kept: when its time is over, or when it is asked for."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sockgraph.errors import StoreError
from sockgraph.store.files import write_bytes
from sockgraph.store.raw_answers import LOCK

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sockgraph.store.case_store import CaseStore


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


TOMBSTONE = "removed.json"
LEDGERS = "ledger*.jsonl"


@dataclass(frozen=True)
class Purged:
    """What was removed.

    Attributes
    ----------
    files, size
        How many files, and their bytes.
    tombstone
        The file that says so.
    """

    files: int
    size: int
    tombstone: Path


def purge_case(
    store: CaseStore, *, note: Mapping[str, Any] | None = None, ledger: bool = False
) -> Purged:
    """Remove a case's raw answers and everything derived from them; the ledger stays as it is.

    A tombstone says what was removed and when, in numbers: no name is in it.

    Parameters
    ----------
    note
        What the caller adds to the tombstone: the ledger's head, say.
    ledger
        Remove the ledger too.

    Raises
    ------
    StoreError
        If a file cannot be removed, or another process is fetching the case.
    """
    with contextlib.ExitStack() as held:
        for answers in store.all_answers():
            held.enter_context(answers.locked())
        files = [p for p in _files(store) if p.name != TOMBSTONE and (ledger or not _ledger(p))]
        size = sum(path.stat().st_size for path in files)
        tombstone = store.path(TOMBSTONE)
        told = {
            "removed_on": f"{dt.datetime.now(dt.UTC):%Y-%m-%d}",
            "files": len(files),
            "bytes": size,
            **(note or {}),
        }
        write_bytes(tombstone, (json.dumps(told, indent=1, sort_keys=True) + "\n").encode())
        _remove(files)
    shutil.rmtree(store.raw, ignore_errors=True)
    return Purged(len(files), size, tombstone)


def _files(store: CaseStore) -> list[Path]:
    return [
        path
        for folder in (store.raw, store.processed)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]


def _ledger(path: Path) -> bool:
    return path.match(LEDGERS)


def _remove(files: list[Path]) -> None:
    for path in files:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(
                path, f"it cannot be removed ({error.strerror}).", "Correct the permissions."
            ) from error
