"""What one worker of a cluster computes: a pair of blocks of accounts, or the edits of some pages.

No worker needs the whole: a pair of blocks holds two shares of the accounts, and a page with 39,000
editors is cut as the accounts are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from sockgraph.screening import kernels, overlap
from sockgraph.screening.definition import HOURS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

PAIRS_AT_ONCE = 4_000_000


def block_pair(table: Any, *, first: int, second: int, top: int) -> Any:  # noqa: ANN401
    """Return the best partners of the accounts of two blocks among each other.

    Parameters
    ----------
    table
        Arrow table: `account` (int64, unique), `block`, `mass` (int64), `pages` (lists of int64),
        `weights` (lists of int64), `hours` (lists of int32) and `counts` (lists of int64).
    first, second
        The two blocks; equal for a block with itself.
    top
        Partners an account, at most.

    Returns
    -------
    pyarrow.Table
        `a`, `b`, `micro`, `shared`, `hours`.
    """
    table = table.sort_by([("block", "ascending"), ("account", "ascending")]).combine_chunks()
    block = table["block"].to_numpy()
    low = 0 if first == second else int(np.searchsorted(block, second))
    inc = _incidence(table, low)
    n = table.num_rows
    heaps, bars = np.zeros((n, top), np.int64), np.zeros(n, np.float32)
    overlap.screen_rectangle(inc, (low, n), first == second, heaps, bars)
    row, place = np.nonzero(heaps)
    keys = heaps[row, place]
    by_tie = np.argsort(inc.tie)
    other = by_tie[keys & ((1 << inc.tie_bits) - 1)]
    alike = np.empty(row.size, np.int32)
    kernels.hour_cosines(row.astype(np.int32), other.astype(np.int32), _hours(table), alike)
    accounts = table["account"].to_numpy()
    return pa.table(
        {
            "a": accounts[row],
            "b": accounts[other],
            "micro": keys >> (inc.tie_bits + inc.shared_bits),
            "shared": (keys >> inc.tie_bits) & ((1 << inc.shared_bits) - 1),
            "hours": alike.astype(np.int64),
        }
    )


def _lists(column: Any) -> tuple[NDArray[np.int64], NDArray[Any]]:  # noqa: ANN401
    """Return where each list begins, and all items."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    lengths = whole.value_lengths().to_numpy(zero_copy_only=True)
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), whole.flatten().to_numpy()


def _incidence(table: Any, low: int) -> overlap.Incidence:  # noqa: ANN401
    starts, keys = _lists(table["pages"])
    weights = _lists(table["weights"])[1]
    pages, row_pages = np.unique(keys, return_inverse=True)
    weight = np.zeros(pages.size, np.int64)
    weight[row_pages] = weights
    row_pages = row_pages.astype(np.int32)
    seconds = starts[low:] - starts[low]
    page_starts, page_users = kernels.transpose(seconds, row_pages[starts[low] :], pages.size)
    mass = table["mass"].to_numpy()
    largest = np.sort(mass)[::-1]
    shift, tie_bits, shared_bits = overlap.layout(
        largest, int(np.diff(starts).max(initial=0)), table.num_rows
    )
    tie = np.empty(table.num_rows, np.int64)
    tie[np.argsort(-table["account"].to_numpy(), kind="stable")] = np.arange(table.num_rows)
    return overlap.Incidence(
        page_starts=page_starts,
        page_users=page_users + np.int32(low),
        row_starts=starts,
        row_pages=row_pages,
        packed=(np.int64(1) << shift) | weight,
        mass=mass.astype(float),
        scale=np.zeros(0),
        tie=tie,
        shift=shift,
        tie_bits=tie_bits,
        shared_bits=shared_bits,
    )


def _hours(table: Any) -> NDArray[np.int32]:  # noqa: ANN401
    starts, hours = _lists(table["hours"])
    out = np.zeros((table.num_rows, HOURS), np.int32)
    out[np.repeat(np.arange(table.num_rows), np.diff(starts)), hours] = _lists(table["counts"])[1]
    return out


def coedits(table: Any) -> Iterator[Any]:  # noqa: ANN401
    """Yield pairs of accounts and how often they edited one page within an hour.

    Parameters
    ----------
    table
        Arrow table with all edits of some pages: `account`, `page`, `second` (int64).

    Yields
    ------
    pyarrow.RecordBatch
        `a` < `b`, `times`; a pair may come again in a later batch.
    """
    accounts, users = np.unique(table["account"].to_numpy(), return_inverse=True)
    _, pages = np.unique(table["page"].to_numpy(), return_inverse=True)
    n_pages = int(pages.max(initial=-1)) + 1
    seconds = table["second"].to_numpy().astype(np.uint32)
    starts, who, when = kernels.by_page(pages, n_pages, users.astype(np.int32), seconds)
    starts, who, when = kernels.close_edits(starts, who, when)
    window = np.zeros(accounts.size, np.int64)
    events = np.concatenate([[0], np.cumsum(kernels.coedit_events(starts, who, when, window))])
    page = 0
    while page < starts.size - 1:
        end = int(np.searchsorted(events, events[page] + PAIRS_AT_ONCE, side="right")) - 1
        end = max(page + 1, end)
        keys, times = kernels.coedit_pairs(
            (starts[page : end + 1], who, when), window, events[end] - events[page]
        )
        unique, place = np.unique(keys, return_inverse=True)
        yield pa.record_batch(
            {
                "a": accounts[unique >> 32],
                "b": accounts[unique & 0xFFFFFFFF],
                "times": np.bincount(place, times, unique.size).astype(np.int64),
            }
        )
        page = end
