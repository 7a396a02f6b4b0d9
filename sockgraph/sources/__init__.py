"""Edits in. Every source answers the same questions with the same tables; see `Source`."""

from __future__ import annotations

from sockgraph.sources.base import Coverage, Source
from sockgraph.sources.dump import DumpSource
from sockgraph.sources.mediawiki import MediaWikiSource, MultiWikiSource
from sockgraph.sources.table import TableSource

__all__ = ["Coverage", "DumpSource", "MediaWikiSource", "MultiWikiSource", "Source", "TableSource"]
