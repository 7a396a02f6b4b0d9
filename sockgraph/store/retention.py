"""Removing what a case kept: when its time is over, or when it is asked for.

Only what sockgraph wrote is removed, by its name and place; anything else stays and is named.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import fnmatch
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sockgraph.errors import SockgraphError, StoreError
from sockgraph.store import (
    BASKET,
    CANDIDATES,
    CAPTURE_PAGE,
    CONCERT,
    DIFFS,
    MANIFEST,
    NEW_SET,
    OF_A_RUN,
    VALIDATION,
)
from sockgraph.store.files import DRAFT, HOLDER, LOCK, write_bytes
from sockgraph.store.kept import KEPT
from sockgraph.store.raw_answers import RawAnswers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sockgraph.store import CaseStore

TOMBSTONE = "removed.json"
LEDGERS = ("ledger*.jsonl",)
TORN = "ledger*.jsonl.torn-*", ".ledger.jsonl.draft"  # part of no chain, and names may be in it
SEALED = "unopened/*.json"  # answers of reviewers whose commitments wait in the ledger
PASSING = LOCK, HOLDER, ".ledger*.jsonl.lock", f"*/{LOCK}", f"*/{HOLDER}", DRAFT, f"*/{DRAFT}"
PROCESSED = (
    *sorted(OF_A_RUN),
    MANIFEST,
    BASKET,
    *VALIDATION,
    *CONCERT,
    CAPTURE_PAGE,
    *CANDIDATES,
    *KEPT,
    f"{NEW_SET}/*",
    SEALED,
    "notes/restoration-*.wiki",
    ".sorting*/*",
    *LEDGERS,
    *TORN,
    *PASSING,
)
SORTED = "edits.parquet", "accounts.parquet", "log_events.parquet", "pages.parquet"
RAW = (
    "*.json.gz",
    f"{DIFFS}/*.json.gz",
    *(f"*/{name}" for name in (*SORTED, "discussion_edits.parquet", "texts.parquet")),
    "*/import.json",
    "*/wiki.json",
    "*/calibration-*.zip",
    "*/.sorting*/*",
    *PASSING,
)


@dataclass(frozen=True)
class PurgeResult:
    """What was removed.

    Attributes
    ----------
    files, size
        How many files, and their bytes.
    tombstone
        The file that says so.
    foreign
        Files and links in the case's folders that sockgraph did not write: they stay.
    """

    files: int
    size: int
    tombstone: Path
    foreign: tuple[Path, ...] = ()


def kept_since(store: CaseStore) -> dt.datetime | None:
    """Return when the oldest of what is kept was fetched or written; None if nothing is.

    Answers and the manifest say it themselves. Of what says nothing, an imported wiki or the
    candidates of a screening, it is the time of writing; files of others do not count.
    """
    kept = [r for raw in store.all_answers() for r in (raw, RawAnswers(raw.folder / DIFFS))]
    answers = [entry.fetched for raw in kept for entry in raw.entries()]
    manifest = store.read_manifest(missing_ok=True)
    told = [*answers, (manifest or {}).get("run", {}).get("started")]
    silent = [p for p in _ours(store.raw, RAW) if not p.name.endswith(".json.gz")]
    undated = {*CANDIDATES, *((*OF_A_RUN, *KEPT) if manifest is None else ())}
    silent += [p for p in _ours(store.processed, PROCESSED) if p.name in undated]
    written = [
        dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)
        for path in silent
        if not _matches(path.name, PASSING)
    ]
    return min((*(t for t in map(_time, told) if t is not None), *written), default=None)


def _time(stamp: object) -> dt.datetime | None:
    try:
        time = dt.datetime.fromisoformat(stamp) if isinstance(stamp, str) else None
    except ValueError:
        return None
    return time.replace(tzinfo=dt.UTC) if time is not None and time.tzinfo is None else time


def due(store: CaseStore, days: int | None, *, now: dt.datetime | None = None) -> dt.date | None:
    """Return the day of the oldest of what is kept if that is over `days` ago, else None."""
    oldest = kept_since(store) if days is not None else None
    if days is None or oldest is None:
        return None
    over = (now or dt.datetime.now(dt.UTC)) - oldest > dt.timedelta(days=days)
    return oldest.date() if over else None


def enforce_retention(
    store: CaseStore, days: int | None, *, now: dt.datetime | None = None
) -> PurgeResult | None:
    """Remove raw and derived data if any of it is older than `days`.

    The ledger is not touched, nor answers of reviewers that are still sealed.

    Returns
    -------
    PurgeResult or None
        What was removed; None if nothing had to be.

    Raises
    ------
    StoreError
        If it cannot be removed, or another process holds the case.
    """
    oldest = due(store, days, now=now)
    if oldest is None:
        return None
    note = {"retention_days": days, "fetched_on": f"{oldest:%Y-%m-%d}"}
    return purge_case(store, note=lambda: note, spare=(*LEDGERS, *TORN, SEALED))


def purge_case(
    store: CaseStore,
    *,
    note: Callable[[], Mapping[str, Any]] = dict,
    spare: tuple[str, ...] = LEDGERS,
) -> PurgeResult:
    """Remove a case's raw answers and everything derived from them.

    A tombstone says what was removed and when, in numbers: no name is in it.

    Parameters
    ----------
    note
        Does what is to be done before anything is removed, and returns what the caller adds to the
        tombstone: the ledger's head, say. It may be called twice: on a full disk there is room for
        it, and for the tombstone, once files are removed.
    spare
        Patterns of what stays, in the case's processed folder.

    Raises
    ------
    StoreError
        If a file cannot be removed, or another process holds the case.
    """
    with contextlib.ExitStack() as held:
        held.enter_context(store.writing("removed"))
        for answers in store.all_answers():
            if answers.folder.is_dir():
                held.enter_context(answers.locked())
        spared = {*_ours(store.processed, spare), store.path(TOMBSTONE)}
        ours = [*_ours(store.raw, RAW), *_ours(store.processed, PROCESSED)]
        files = [p for p in ours if p not in spared and p.name not in {LOCK, HOLDER}]
        size = sum(path.stat().st_size for path in files)
        told = {
            "removed_on": f"{dt.datetime.now(dt.UTC):%Y-%m-%d}",
            "files": len(files),
            "bytes": size,
        }
        tombstone = store.path(TOMBSTONE)
        try:
            _write_note(tombstone, {**told, **note()})
            _remove(files)
        except SockgraphError as error:
            if getattr(error.__cause__, "errno", None) not in {errno.ENOSPC, errno.EDQUOT}:
                raise
            _remove(files)
            _write_note(tombstone, {**told, **note()})
    for folder in (store.raw, store.processed):
        _remove_empty(folder)
    return PurgeResult(len(files), size, tombstone, tuple(foreign(store)))


def _write_note(tombstone: Path, told: Mapping[str, Any]) -> None:
    write_bytes(tombstone, (json.dumps(told, indent=1, sort_keys=True) + "\n").encode())


def foreign(store: CaseStore) -> list[Path]:
    """Return the files and links in a case's folders that sockgraph did not write."""
    return [
        folder / name
        for folder, patterns in ((store.raw, RAW), (store.processed, (*PROCESSED, TOMBSTONE)))
        for name in _entries(folder)
        if (folder / name).is_symlink() or not _matches(name, patterns)
    ]


def _ours(folder: Path, patterns: tuple[str, ...]) -> list[Path]:
    """Return the files, and no links, of these names and places."""
    return [
        folder / name
        for name in _entries(folder)
        if _matches(name, patterns) and not (folder / name).is_symlink()
    ]


def _entries(folder: Path) -> Iterator[str]:
    """Yield every file and link below a folder, from it; no link is followed."""
    for place, folders, files in os.walk(folder):
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        for name in sorted((*files, *links)):
            yield (Path(place) / name).relative_to(folder).as_posix()


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    """Tell whether a name has one of the forms, to the letter and at the same depth.

    Answers and imports of one of several wikis lie two folders deeper.
    """
    parts = name.split("/")
    if len(parts) > 2 and parts[0] == "wikis":
        name = "/".join(parts[2:])
    return any(
        name.count("/") == form.count("/") and fnmatch.fnmatchcase(name, form) for form in patterns
    )


def _remove(files: list[Path]) -> None:
    for path in files:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(
                path, f"it cannot be removed ({error.strerror}).", "Correct the permissions."
            ) from error


def _remove_empty(folder: Path) -> None:
    """Remove a folder's empty folders, and itself if nothing is in it."""
    for place, _, _ in os.walk(folder, topdown=False):
        with contextlib.suppress(OSError):  # something is in it
            Path(place).rmdir()
