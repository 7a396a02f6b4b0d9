"""The only writer under data/: tables, manifests, reports and raw answers of each case."""

from __future__ import annotations

from sockgraph.store.purge import TOMBSTONE, Purged, purge_case
from sockgraph.store.retention import enforce_retention
from sockgraph.store.store import CaseStore, Store, as_written, sha256

__all__ = [
    "TOMBSTONE",
    "CaseStore",
    "Purged",
    "Store",
    "as_written",
    "enforce_retention",
    "purge_case",
    "sha256",
]
