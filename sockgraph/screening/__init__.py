"""Whole-wiki screening: which pairs of accounts are worth asking about at all; it flags nobody.

`screen` writes `candidates.parquet`; `docs/scale.md` says how far one machine goes, and what to do
beyond it.
"""

from __future__ import annotations

from sockgraph.screening.definition import expected_false_links
from sockgraph.screening.screen import Screened, screen

__all__ = ["Screened", "expected_false_links", "screen"]
