"""Two-sided evidence on links between wiki accounts, for people to review before any lock.

The modules follow the data: `case`, `sources`, `store`, `population`, `signals`, `evidence`,
`graph`, `cluster`, `review`, `report`. `run_case` in `pipeline` puts them together.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

__version__ = "0.1.0"


def __getattr__(name: str) -> ModuleType:
    """Import what is called by its package's name, `sockgraph.explore(case)`, on first use."""
    if name in {"explore", "review"}:
        return importlib.import_module(f"sockgraph.{name}")
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
