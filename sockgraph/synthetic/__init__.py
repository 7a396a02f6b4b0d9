"""Invented histories with known truth, for the demo, tests and benchmarks; and the demo case."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from sockgraph.schema import TABLES
from sockgraph.store.files import make_folder, write_bytes
from sockgraph.synthetic.wiki import (
    ADMIN,
    COLLEAGUE,
    DECLARED,
    LOCKED,
    MEMBERS,
    NOMINATED,
    OPERATOR,
    WIKI,
    small_wiki,
)

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd


CASE_ID = "demo-0001"
_CASE = '''\
# The demo case: an invented wiki, invented accounts. docs/demo.md says what is true in it.
id     = "{id}"
title  = "Returned text on river-trade pages, 2023 to 2025"
reason = """{colleague} was locked as operated with {operator}, and asks that the link be looked \\
at again; accounts that return the same text are compared with both"""
wikis  = ["{wiki}"]

[source]
kind       = "table"
path       = "{folder}edits.parquet"
accounts   = "{folder}accounts.parquet"
log_events = "{folder}log_events.parquet"

[accounts]
nominated = [
{nominated}
]

[prior]
per_pair = 0.02    # of pairs that get nominated together on this wiki, about one in fifty

[[declared]]
accounts = ["{member}", "{declared}"]
url = "https://{wiki}/wiki/User:{member_title}"

[[earlier]]
a = "{operator}"
b = "{colleague}"
by = "{admin}"
date = {locked}
action = "lock"
url = "https://{wiki}/wiki/Special:Log/block"
'''  # fmt: skip


def demo_case_text(folder: str = "") -> str:
    """Return the demo's case file.

    Parameters
    ----------
    folder
        Where the tables lie, seen from the case file: "" or a path that ends in "/".
    """
    return _CASE.format(
        id=CASE_ID,
        wiki=WIKI,
        folder=folder,
        nominated="\n".join(f'  "{name}",' for name in NOMINATED),
        operator=OPERATOR[0],
        colleague=COLLEAGUE,
        member=MEMBERS[0],
        member_title=MEMBERS[0].replace(" ", "_"),
        declared=DECLARED,
        admin=ADMIN,
        locked=LOCKED.date().isoformat(),
    )


def write_demo(folder: Path, seed: int = 1) -> Path:
    """Invent the demo's wiki and write it, each file whole or not at all.

    Writes `edits.parquet`, `accounts.parquet`, `log_events.parquet`, `truth.parquet` (read by no
    part of the pipeline) and `demo.toml`.

    Parameters
    ----------
    folder
        Created where it is missing.
    seed
        Another seed invents another wiki with the same cast.

    Returns
    -------
    Path
        The case file.
    """
    wiki = small_wiki(seed)
    make_folder(folder)
    for name in ("edits", "accounts", "log_events"):
        _write_table(folder / f"{name}.parquet", getattr(wiki, name), TABLES[name].arrow())
    text = pa.string()
    _write_table(
        folder / "truth.parquet",
        wiki.truth,
        pa.schema([("user", text), ("person", text), ("part", text)]),
    )
    case = folder / "demo.toml"
    write_bytes(case, demo_case_text().encode())
    return case


def _write_table(target: Path, frame: pd.DataFrame, schema: pa.Schema) -> None:
    kept = pa.schema([field for field in schema if field.name in frame])
    table = pa.Table.from_pandas(frame, schema=kept, preserve_index=False)
    sink = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata(None), sink, compression="zstd")
    write_bytes(target, sink.getvalue().to_pybytes())
