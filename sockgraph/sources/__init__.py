"""Edits in. Every source answers the same questions with the same tables; see `Source`.

A live wiki's are imported when they are asked for: whoever reads a file needs no client.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from sockgraph.sources.base import Coverage, Source
from sockgraph.sources.dump import DumpSource
from sockgraph.sources.table import TableSource

if TYPE_CHECKING:
    from sockgraph.sources.mediawiki import MultiWikiSource
    from sockgraph.sources.mediawiki.source import MediaWikiSource

__all__ = ["Coverage", "DumpSource", "MediaWikiSource", "MultiWikiSource", "Source", "TableSource"]


def __getattr__(name: str) -> Any:
    if name in {"MediaWikiSource", "MultiWikiSource"}:
        return getattr(importlib.import_module(f"{__name__}.mediawiki"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
