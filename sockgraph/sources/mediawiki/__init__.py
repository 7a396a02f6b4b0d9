"""Edits from a live MediaWiki: politely, incrementally, and every answer kept."""

from __future__ import annotations

from sockgraph.sources.mediawiki.multiwiki import MultiWikiSource
from sockgraph.sources.mediawiki.source import MediaWikiSource

__all__ = ["MediaWikiSource", "MultiWikiSource"]
