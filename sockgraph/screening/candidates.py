"""Screening a whole wiki: its candidates, by either engine, and whom of it to compare.

The local engine is exact, in two threads, within a stated amount of memory.
"""

from __future__ import annotations

import importlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sockgraph.errors import ScreeningError
from sockgraph.runtime import Progress, silent
from sockgraph.screening import MICRO, TOP, page_weights
from sockgraph.screening.edits import (
    LEAST_MEMORY,
    Edits,
    check_edits,
    duckdb_errors,
    literal,
    open_duckdb,
    query_progress,
)
from sockgraph.store.files import whole_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from sockgraph.screening.partners import EditsByPage, Partners

Engine = Literal["local", "spark"]
NEEDED = {"local": ("duckdb", "numba"), "spark": ("numba", "pyspark")}
SORTING = 1 << 30
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
PAIRS = """
CREATE TEMP TABLE pairs AS
SELECT least(user_a, user_b) AS a, greatest(user_a, user_b) AS b,
       max(weighted_overlap) AS overlap, max(shared_pages) AS shared
  FROM read_parquet('{path}')
 WHERE user_a IN (FROM eligible) AND user_b IN (FROM eligible)
 GROUP BY ALL
"""


@dataclass(frozen=True)
class ScreeningResult:
    """What a screening came to.

    Attributes
    ----------
    path
        The table.
    accounts, rows, candidates
        Accounts with at least one edit, rows read, rows written.
    dropped
        Rows left out, by reason.
    """

    path: Path
    accounts: int
    rows: int
    candidates: int
    dropped: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        """Return it as a manifest keeps it; what differs between machines is left out."""
        return {
            "accounts": self.accounts,
            "rows": self.rows,
            "candidates": self.candidates,
            "left out": dict(self.dropped),
        }


def screen(
    edits: Path | str,
    candidates: Path | str,
    *,
    engine: Engine = "local",
    top: int = TOP,
    window: tuple[int, int] | None = None,
    threads: int = THREADS,
    memory: int = MEMORY,
    progress: Progress = silent,
) -> ScreeningResult:
    """Find which pairs of a whole wiki's accounts are worth asking about at all; it flags nobody.

    Every account's best partners are written, whole or not at all.

    Parameters
    ----------
    edits
        A Parquet or CSV file, or a folder of Parquet files; `timestamp`, `user` or
        `user_id`, `title` or `page_id`, in any order of rows.
    candidates
        Where the table of candidates goes, as Parquet; rows that wait are set aside in its folder.
    engine
        `local`, or `spark` for a cluster; both give the same rows.
    top
        Partners an account, at most.
    window
        First second that counts and first that no longer does, since 1970 UTC.
    threads, memory
        Of the local engine: the result does not depend on them.

    Raises
    ------
    TableError
        If the edits cannot be used; nothing is written.
    ScreeningError
        If the engine is not installed, or memory does not do.
    StoreError
        If the table, or rows that wait, cannot be written; nothing is left behind.

    Examples
    --------
    >>> import pandas as pd
    >>> import sockgraph as sg
    >>> found = sg.screen(edits_file, folder / "candidates.parquet", top=3)
    >>> found.accounts, int(pd.read_parquet(found.path)["rank"].max())
    (40, 3)
    """
    path, target = Path(edits), Path(candidates)
    run = _engine(engine)
    options = {"top": top, "window": window, "threads": threads, "memory": memory}
    try:
        with whole_file(target) as draft:
            found = run(path, scratch=target.parent, progress=progress, **options)
            written = write_parquet(found.batches(), draft, progress)
    except MemoryError as error:
        raise ScreeningError(
            path,
            "this machine has not enough memory for it.",
            "Ask for fewer partners with --top, or use --engine spark.",
        ) from error
    return ScreeningResult(target, found.accounts, found.rows, written, found.dropped)


def _engine(engine: Engine) -> Callable[..., Any]:
    missing = [name for name in NEEDED[engine] if find_spec(name) is None]
    if missing:
        raise ScreeningError(
            f"--engine {engine}",
            f"needs a package that is not installed ({missing[0]}).",
            f"pip install 'sockgraph[{'screen' if engine == 'local' else 'spark'}]'",
        )
    if engine == "local":
        return screen_local
    from sockgraph.screening.spark import screen_spark

    return screen_spark


@dataclass(frozen=True)
class StrongestAccounts:
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


def strongest_accounts(candidates: Path, eligible: Sequence[str], most: int) -> StrongestAccounts:
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
    with open_duckdb(SORTING, candidates.parent) as base:
        base.register("eligible", pa.table({"user": pa.array(list(eligible), pa.string())}))
        base.execute(PAIRS.format(path=literal(candidates)))
        total = base.sql("SELECT count(*) FROM pairs").fetchall()[0][0]
        # so many pairs are of more than `most` accounts, or are all there are
        enough = most * (most - 1) // 2 + 1
        rows = base.sql(f"FROM pairs ORDER BY overlap DESC, shared DESC, a, b LIMIT {enough}")
        users, least = _first(rows.fetchall(), most)
        base.register("chosen", pa.table({"user": pa.array(users, pa.string())}))
        among = base.sql(
            "SELECT count(*) FROM pairs WHERE a IN (FROM chosen) AND b IN (FROM chosen)"
        ).fetchall()[0][0]
    return StrongestAccounts(tuple(users), total, among, least)


def _first(pairs: Sequence[tuple[str, str, float, int]], most: int) -> tuple[list[str], float]:
    chosen: set[str] = set()
    least = 1.0
    for a, b, overlap, _ in pairs:
        if len(chosen | {a, b}) > most:
            break
        chosen |= {a, b}
        least = overlap
    return sorted(chosen), least


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
    """Find every account's best partners on this machine, as `screen` says it.

    Parameters
    ----------
    memory
        Bytes that the process may come to. DuckDB sorts in half of it and sets the rest aside in
        `scratch`; what cannot be set aside is reckoned before it is needed.
    scratch
        Where to set rows aside; None is the system's folder for temporary files.
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
