"""`candidates.parquet`, written in pieces: a whole wiki's table does not fit twice in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sockgraph.progress import Progress, silent
from sockgraph.screening.arrays import arrow
from sockgraph.screening.definition import MICRO

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from sockgraph.screening.local import Candidates

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


def _names(found: Candidates, accounts: Any) -> Any:  # noqa: ANN401 - pyarrow is untyped
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
