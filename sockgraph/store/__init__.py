"""The only writer under data/: tables, manifests, reports and raw answers of each case."""

from __future__ import annotations

from sockgraph.store.store import CaseStore, Store

__all__ = ["CaseStore", "Store"]
