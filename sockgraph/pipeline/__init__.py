"""The only composition: from a case file to a folder of tables, a graph, a ledger and a report.

A name's module is imported when it is asked for: running a case needs scikit-learn and the rest,
screening a wiki does not.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sockgraph.pipeline.results import (
        DATA,
        LEDGER,
        TABLES,
        CaseResult,
        open_store,
        purge,
        read_case,
    )
    from sockgraph.pipeline.review_session import ReviewSession
    from sockgraph.pipeline.run import (
        FetchResult,
        demo_case,
        fetch_case,
        open_source,
        refresh_hidden,
        run_case,
    )
    from sockgraph.pipeline.validate import ValidationResult, validate_case

_HOMES = {
    "results": ("DATA", "LEDGER", "TABLES", "CaseResult", "open_store", "purge", "read_case"),
    "review_session": ("ReviewSession",),
    "run": (
        "FetchResult",
        "demo_case",
        "fetch_case",
        "open_source",
        "refresh_hidden",
        "run_case",
    ),
    "validate": ("ValidationResult", "validate_case"),
}

__all__ = [
    "DATA",
    "LEDGER",
    "TABLES",
    "CaseResult",
    "FetchResult",
    "ReviewSession",
    "ValidationResult",
    "demo_case",
    "fetch_case",
    "open_source",
    "open_store",
    "purge",
    "read_case",
    "refresh_hidden",
    "run_case",
    "validate_case",
]


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
