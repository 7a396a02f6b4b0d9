"""The only composition: from a case file to a folder of tables, a graph, a ledger and a report."""

from sockgraph.pipeline.fetch import Fetched, demo_case, fetch_case, open_source
from sockgraph.pipeline.folder import DATA, TABLES, CaseResult, read_case
from sockgraph.pipeline.keeping import LEDGER, open_store, purge
from sockgraph.pipeline.room import Room
from sockgraph.pipeline.run import refresh_hidden, run_case
from sockgraph.pipeline.validate import Validated, validate_case

__all__ = [
    "DATA",
    "LEDGER",
    "TABLES",
    "CaseResult",
    "Fetched",
    "Room",
    "Validated",
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
