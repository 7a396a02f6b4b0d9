"""The only writer under data/: tables, manifests, reports and raw answers of each case."""

from __future__ import annotations

from sockgraph.store.purge import Purged, purge_case
from sockgraph.store.store import CaseStore, Store, sha256

__all__ = ["CaseStore", "Purged", "Store", "purge_case", "sha256"]
