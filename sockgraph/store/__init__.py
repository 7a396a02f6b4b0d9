"""The only writer under data/: tables, manifests, reports and raw answers of each case."""

from __future__ import annotations

from sockgraph.store.case_store import CaseStore, KeptLikeness, Store, as_written, sha256
from sockgraph.store.retention import TOMBSTONE, PurgeResult, due, enforce_retention, purge_case

__all__ = [
    "TOMBSTONE",
    "CaseStore",
    "KeptLikeness",
    "PurgeResult",
    "Store",
    "as_written",
    "due",
    "enforce_retention",
    "purge_case",
    "sha256",
]
