"""The candidates: each account's strongest pairs, and their table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sockgraph.runtime import Progress, silent
from sockgraph.screening.blocks import arrow
from sockgraph.screening.definition import MICRO
from sockgraph.screening.wiki import connect, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from sockgraph.screening.local import Candidates


MEMORY = 1 << 30
PAIRS = """
CREATE TEMP TABLE pairs AS
SELECT least(user_a, user_b) AS a, greatest(user_a, user_b) AS b,
       max(weighted_overlap) AS overlap, max(shared_pages) AS shared
  FROM read_parquet('{path}')
 WHERE user_a IN (FROM eligible) AND user_b IN (FROM eligible)
 GROUP BY ALL
"""


@dataclass(frozen=True)
class Strongest:
    """The accounts of the candidate pairs that overlap most.

    Attributes
    ----------
    users
        In alphabetical order.
    candidates, among
        Candidate pairs of eligible accounts, and those of them whose accounts are both chosen.
    least
        The lowest weighted overlap down to which every candidate pair is among them; 1 where none.
    """

    users: tuple[str, ...]
    candidates: int
    among: int
    least: float


def strongest(candidates: Path, eligible: Sequence[str], most: int) -> Strongest:
    """Choose accounts, the candidate pair with the highest weighted overlap first.

    Parameters
    ----------
    candidates
        What `screen` wrote.
    eligible
        Accounts that may be chosen: those with enough edits.
    most
        Accounts to choose; one less where the last pair would add two.
    """
    base = connect(MEMORY, candidates.parent)
    try:
        base.register("eligible", pa.table({"user": pa.array(list(eligible), pa.string())}))
        base.execute(PAIRS.format(path=quoted(candidates)))
        total = base.sql("SELECT count(*) FROM pairs").fetchall()[0][0]
        # so many pairs are of more than `most` accounts, or are all there are
        enough = most * (most - 1) // 2 + 1
        rows = base.sql(f"FROM pairs ORDER BY overlap DESC, shared DESC, a, b LIMIT {enough}")
        users, least = _first(rows.fetchall(), most)
        base.register("chosen", pa.table({"user": pa.array(users, pa.string())}))
        among = base.sql(
            "SELECT count(*) FROM pairs WHERE a IN (FROM chosen) AND b IN (FROM chosen)"
        ).fetchall()[0][0]
    finally:
        base.close()
    return Strongest(tuple(users), total, among, least)


def _first(pairs: Sequence[tuple[str, str, float, int]], most: int) -> tuple[list[str], float]:
    chosen: set[str] = set()
    least = 1.0
    for a, b, overlap, _ in pairs:
        if len(chosen | {a, b}) > most:
            break
        chosen |= {a, b}
        least = overlap
    return sorted(chosen), least


ACCOUNTS_A_PIECE = 1 << 14
COLUMNS = pa.schema(
    [
        ("user_a", pa.string()),
        ("rank", pa.int32()),
        ("user_b", pa.string()),
        ("shared_pages", pa.int32()),
        ("weighted_overlap", pa.float64()),
        ("coedits_1h", pa.int64()),
        ("hours_cosine", pa.float64()),
    ]
)
CODED = COLUMNS.set(0, pa.field("user_a", pa.dictionary(pa.int32(), pa.string()))).set(
    2, pa.field("user_b", pa.dictionary(pa.int32(), pa.string()))
)


def record_batches(found: Candidates) -> Iterator[Any]:
    """Yield the table's rows, by `user_a` and `rank`, names coded by dictionary."""
    for low in range(0, len(found.order), ACCOUNTS_A_PIECE):
        accounts = found.order[low : low + ACCOUNTS_A_PIECE]
        lengths = found.starts[accounts + 1] - found.starts[accounts]
        ends = np.cumsum(lengths)
        rank = np.arange(ends[-1]) - np.repeat(ends - lengths, lengths)
        rows = rank + np.repeat(found.starts[accounts], lengths)
        yield pa.record_batch(
            [
                _names(found, np.repeat(accounts, lengths)),
                arrow((rank + 1).astype(np.int32)),
                _names(found, found.partners[rows]),
                arrow(found.shared_pages[rows]),
                arrow(found.overlap[rows] / MICRO),
                arrow(found.coedits[rows]),
                arrow(found.hours[rows] / MICRO),
            ],
            schema=CODED,
        )


def _names(found: Candidates, accounts: Any) -> Any:
    """Return names as a dictionary of those that occur, so that no piece carries the whole wiki."""
    places = np.zeros(len(found.names), np.int32)
    places[accounts] = 1
    used = np.flatnonzero(places)
    places[used] = np.arange(used.size)
    return pa.DictionaryArray.from_arrays(arrow(places[accounts]), found.names.take(arrow(used)))


def write_parquet(batches: Iterable[Any], target: Path, progress: Progress = silent) -> int:
    """Write the pieces to a file and return how many rows they had; `target` should be a draft."""
    rows = 0
    progress("writing candidates", 0, None)
    with pq.ParquetWriter(
        target, CODED, compression="zstd", compression_level=1, store_schema=False
    ) as writer:
        for batch in batches:
            writer.write_batch(batch)
            rows += batch.num_rows
            progress("writing candidates", rows, None)
    return rows
