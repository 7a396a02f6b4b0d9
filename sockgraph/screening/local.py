"""The local engine: exact, in two threads, within a stated amount of memory."""

from __future__ import annotations

import importlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sockgraph.errors import ScreeningError
from sockgraph.runtime import Progress, silent
from sockgraph.screening.definition import MICRO, TOP, page_weights
from sockgraph.screening.edits import (
    LEAST_MEMORY,
    Edits,
    check_edits,
    duckdb_errors,
    open_duckdb,
    query_progress,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from sockgraph.screening.partners import EditsByPage, Partners

MEMORY = 2_500 << 20
THREADS = 2
PROCESS = 300 << 20  # Python and its libraries
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


@dataclass(frozen=True)
class Candidates:
    """Every account's best partners.

    Attributes
    ----------
    names
        Arrow array of the accounts' names.
    accounts, rows, dropped
        Accounts with at least one edit (N), rows read, rows left out by reason.
    best
        Partners of each account.
    coedits, hours
        One a partner; `hours` in millionths.
    """

    names: Any
    accounts: int
    rows: int
    dropped: dict[str, int]
    best: Partners
    coedits: NDArray[np.int64]
    hours: NDArray[np.int64]

    def batches(self) -> Iterator[Any]:
        """Yield the rows of `candidates.parquet` as Arrow batches, by name and rank."""
        starts, order = self.best.starts, np.from_dlpack(pc.sort_indices(self.names))
        for low in range(0, len(order), ACCOUNTS_A_PIECE):
            accounts = order[low : low + ACCOUNTS_A_PIECE].astype(np.int64)
            lengths = starts[accounts + 1] - starts[accounts]
            ends = np.cumsum(lengths)
            rank = np.arange(ends[-1]) - np.repeat(ends - lengths, lengths)
            rows = rank + np.repeat(starts[accounts], lengths)
            yield pa.record_batch(
                [
                    self.names.take(arrow(np.repeat(accounts, lengths))),
                    arrow((rank + 1).astype(np.int32)),
                    self.names.take(arrow(self.best.partners[rows])),
                    arrow(self.best.shared[rows].astype(np.int32)),
                    arrow(self.best.micro[rows] / MICRO),
                    arrow(self.coedits[rows]),
                    arrow(self.hours[rows] / MICRO),
                ],
                schema=COLUMNS,
            )


def arrow(values: NDArray[Any]) -> Any:
    """Return an array of numbers as Arrow sees it; `pa.array` would import pandas first.

    >>> arrow(np.array([3, 4], np.int32)).type
    DataType(int32)
    """
    whole = np.ascontiguousarray(values)
    kind = pa.from_numpy_dtype(whole.dtype)
    return pa.Array.from_buffers(kind, len(whole), [None, pa.py_buffer(whole)])


def screen_local(
    path: Path,
    *,
    top: int = TOP,
    window: tuple[int, int] | None = None,
    threads: int = THREADS,
    memory: int = MEMORY,
    scratch: Path | None = None,
    progress: Progress = silent,
) -> Candidates:
    """Find every account's best partners in a table of edits.

    Parameters
    ----------
    path
        A Parquet or CSV file, or a folder of Parquet files, in any order of rows.
    top
        Partners an account, at most.
    window
        First second that counts and first that no longer does, since 1970 UTC.
    threads
        Threads to compute in; the result does not depend on it.
    memory
        Bytes that the process may come to. DuckDB sorts in half of it and sets the rest aside in
        `scratch`; what cannot be set aside is reckoned before it is needed.
    scratch
        Where to set rows aside; None is the system's folder for temporary files.

    Raises
    ------
    TableError
        If the table is missing, damaged, contradicts itself, or has no edits of accounts.
    ScreeningError
        If `memory` does not do, or the wiki is beyond what one machine word holds.
    StoreError
        If rows cannot be set aside.
    """
    if top < 1 or threads < 1:
        raise ScreeningError(
            min(top, threads), "top and threads are 1 or more.", "Give a larger number."
        )
    room = max(LEAST_MEMORY, memory // 2)
    with ThreadPoolExecutor(1) as loader:
        loading = loader.submit(_loaded)
        with duckdb_errors(path, scratch), open_duckdb(room, scratch, threads) as base:
            with query_progress(base, "reading edits", progress):
                edits = check_edits(base, path, window)
            loops = loading.result()
            with query_progress(base, "sorting edits by page", progress):
                grouped = loops.group_by_page(edits.by_page(), len(edits.names))
    wanted = needed(grouped, top, threads)
    if wanted > memory:
        raise ScreeningError(
            f"{memory / 2**20:.0f} MiB",
            f"is not enough: this wiki needs about {wanted / 2**20:.0f} MiB.",
            "Allow more with --memory, ask for fewer partners with --top, or use --engine spark.",
        )
    return _compared(loops, edits, grouped, top=top, threads=threads, progress=progress)


def _loaded() -> Any:
    """Load the compiled loops, which takes half a second, while DuckDB reads."""
    partners = importlib.import_module("sockgraph.screening.partners")
    partners.warm_up()
    return partners


def needed(grouped: EditsByPage, top: int, threads: int) -> int:
    """Return the bytes that the process comes to at its peak, from what was read."""
    n = grouped.alone.size
    kept = 8 * grouped.close_users.size + grouped.hours.nbytes + 200 * n
    comparing = 16 * grouped.users.size + threads * (8 * n * top + 12 * n + 4 * grouped.starts.size)
    finishing = n * top * (44 + 8 * threads)
    return PROCESS + kept + max(comparing, finishing)


def _compared(
    loops: Any, edits: Edits, grouped: EditsByPage, *, top: int, threads: int, progress: Progress
) -> Candidates:
    present = int((grouped.hours.any(axis=1)).sum())
    degrees, accounts = np.diff(grouped.starts), grouped.alone.size
    weights = page_weights(present, degrees)
    mass = np.bincount(grouped.users, np.repeat(weights, degrees), accounts).astype(np.int64)
    best = loops.best_partners(
        (grouped.starts, grouped.users),
        weights,
        mass + grouped.alone * page_weights(present, np.ones(1, np.int64))[0],
        top=top,
        threads=threads,
        done=lambda done, total: progress("comparing accounts", done, total),
    )
    progress("counting co-edits", 0, None)
    coedits, hours = loops.coedits_and_hours(grouped, best, threads)
    return Candidates(edits.names, present, edits.rows, edits.dropped, best, coedits, hours)


def write_parquet(batches: Iterable[Any], target: Path, progress: Progress = silent) -> int:
    """Write the pieces to a file and return how many rows they had; `target` should be a draft."""
    rows = 0
    progress("writing candidates", 0, None)
    with pq.ParquetWriter(
        target, COLUMNS, compression="zstd", compression_level=1, store_schema=False
    ) as writer:
        for batch in batches:
            writer.write_batch(batch)
            rows += batch.num_rows
            progress("writing candidates", rows, None)
    return rows
