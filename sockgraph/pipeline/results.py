"""What a case's folder holds, how it is read back, and how long it is kept."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sockgraph.case import Case, load_case
from sockgraph.errors import StaleArtifactError
from sockgraph.reviews.ledger import Ledger, before_removal
from sockgraph.reviews.redaction import forget_names
from sockgraph.runtime import Progress, silent
from sockgraph.store import (
    TOMBSTONE,
    CaseStore,
    Purged,
    Store,
    enforce_retention,
    purge_case,
    sha256,
)

if TYPE_CHECKING:
    import pandas as pd


DATA = Path(os.environ.get("SOCKGRAPH_DATA_DIR", "data"))
LEDGER = "ledger.jsonl"
REPORT = "report.html"
HELD_OUT = "held_out"  # a table that only validation reads
VALIDATION = "validation.html", "validation.json"
CONCERT_PAGE = "concert.html"
CAPTURE_PAGE = "capture.html"
CONCERT = "votes.parquet", "concert.parquet", CONCERT_PAGE
# by other commands, after the manifest
WRITTEN_LATER = {
    LEDGER,
    "candidates.parquet",
    "candidate_links.parquet",
    "candidate_links.json",
    *VALIDATION,
    *CONCERT,
    CAPTURE_PAGE,
}  # by other commands
GRAPH = "graph.graphml"
TABLES = (
    "accounts",
    "edits",
    "log_events",
    "evidence",
    "links",
    "clusters",
    "omissions",
    "alibis",
    "reference",
)
OPTIONAL = ("discussion_edits", "texts", "histories")  # only of a case that asks for them


@dataclass(frozen=True)
class CaseResult:
    """A case that was run: its tables in memory, its files on disk.

    Attributes
    ----------
    case
        With accounts written as the source writes them.
    folder
        `<data>/processed/<case>/`.
    tables
        Contract tables by name; see `sockgraph.schema.TABLES`.
    manifest
        Inputs, versions, seeds, hashes, coverage.
    """

    case: Case
    folder: Path
    tables: dict[str, pd.DataFrame]
    manifest: dict[str, Any]

    @property
    def report(self) -> Path:
        """The page to open."""
        return self.folder / REPORT

    def __getattr__(self, name: str) -> pd.DataFrame:
        """Give each table as an attribute: `result.links`."""
        tables: dict[str, pd.DataFrame] = self.__dict__["tables"]
        try:
            return tables[name]
        except KeyError:
            raise AttributeError(name) from None


def asked_for(case: Case) -> tuple[str, ...]:
    """Return which of the optional tables a case has."""
    said = OPTIONAL[:2] if case.discussions else ()
    return (*said, *(OPTIONAL[2:] if case.source.histories else ()))


def read_case(path: Path, *, data: Path = DATA) -> CaseResult:
    """Read back what `run_case` wrote.

    Raises
    ------
    StoreError
        If the case was not run yet.
    StaleArtifactError
        If a table is not the one that the manifest describes.
    """
    case = load_case(path)
    store = open_store(case, data)
    manifest = store.read_manifest() or {}
    _refuse_stale(store, manifest)
    names = (*TABLES, *asked_for(case))
    tables = {name: store.read_table(name) for name in names}
    return CaseResult(case, store.processed, tables, manifest)


def _refuse_stale(store: CaseStore, manifest: dict[str, Any]) -> None:
    for name, digest in manifest.get("files", {}).items():
        path = store.path(name)
        if name not in WRITTEN_LATER and (not path.exists() or sha256(path) != digest):
            raise StaleArtifactError(
                path, "it is not the file that the manifest describes.", "Run the case again."
            )


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
