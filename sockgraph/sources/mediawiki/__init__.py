"""Edits from a live MediaWiki: politely, incrementally, and every answer kept."""

from __future__ import annotations

from sockgraph.sources.mediawiki.multiwiki import SeveralWikis
from sockgraph.sources.mediawiki.source import MediaWikiSource

__all__ = ["MediaWikiSource", "SeveralWikis"]
