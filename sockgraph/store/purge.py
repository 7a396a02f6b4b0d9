"""Removing what was kept of a case, and saying that it was removed."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sockgraph.errors import StoreError
from sockgraph.store.atomic import write_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sockgraph.store.store import CaseStore

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
