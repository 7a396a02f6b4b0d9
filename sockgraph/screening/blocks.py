"""Edits in blocks of arrays: between Arrow, NumPy and files that spill, without pandas.

pandas' import is a fifth of what a small wiki takes. Only numbers without nulls pass, uncopied.
"""

from __future__ import annotations

import os
import tempfile
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from sockgraph.errors import StoreError
from sockgraph.screening import kernels, overlap
from sockgraph.screening.definition import HOURS

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Array = NDArray[np.generic]
    from collections.abc import Iterator


def plain(column: Any) -> Any:
    """Return an Arrow array of numbers, without nulls, as NumPy sees it.

    >>> plain(pa.array([1.5, 2.5])).tolist()
    [1.5, 2.5]
    """
    kind = np.dtype(str(column.type).replace("double", "float64"))
    if not len(column):
        return np.empty(0, kind)
    return np.frombuffer(column.buffers()[1], kind, len(column), column.offset * kind.itemsize)


def arrow(values: Any) -> Any:
    """Return a NumPy array of numbers as Arrow sees it.

    >>> arrow(np.array([3, 4], np.int32)).type
    DataType(int32)
    """
    whole = np.ascontiguousarray(values)
    kind = pa.from_numpy_dtype(whole.dtype)
    return pa.Array.from_buffers(kind, len(whole), [None, pa.py_buffer(whole)])


class Parts:
    """Rows by part; the file, where one is needed, is gone with the process, however that ends.

    Parameters
    ----------
    limit
        Bytes to hold in memory before writing.
    folder
        Where to spill; None is the system's folder for temporary files.
    """

    def __init__(self, limit: int, folder: Path | None = None) -> None:
        self._left = limit
        self._folder = folder
        self._blocks: list[tuple[NDArray[np.int64], tuple[Array | tuple[int, Array], ...]]] = []
        self._file: IO[bytes] | None = None
        self.spilled = 0

    def add(self, starts: NDArray[np.int64], columns: tuple[Array, ...]) -> None:
        """Keep a block whose rows lie in parts that begin at `starts`.

        Raises
        ------
        StoreError
            If the block has to be written and cannot.
        """
        size = sum(column.nbytes for column in columns)
        if size <= self._left:
            self._left -= size
            self._blocks.append((starts, columns))
            return
        self._left = 0  # once one block is on disk, all later ones are: the order stays simple
        try:
            self._blocks.append((starts, tuple((self._write(c), c[:0]) for c in columns)))
        except OSError as error:
            raise StoreError(
                self._folder or tempfile.gettempdir(),
                f"edits cannot be set aside there ({error.strerror or error}).",
                "Free space, or allow more memory with --memory.",
            ) from error

    def take(self, part: int) -> tuple[NDArray[Any], ...]:
        """Return the columns of one part, rows in the order in which they were added."""
        pieces = [
            [self._piece(column, int(starts[part]), int(starts[part + 1])) for column in columns]
            for starts, columns in self._blocks
        ]
        return tuple(np.concatenate(column) for column in zip(*pieces, strict=True))

    def close(self) -> None:
        """Let go of everything."""
        self._blocks.clear()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, column: Array) -> int:
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - closed in close
        place = self._file.seek(0, 2)
        self._file.write(np.ascontiguousarray(column).data)
        self._file.flush()
        self.spilled += column.nbytes
        return place

    def _piece(self, column: Array | tuple[int, Array], low: int, high: int) -> Array:
        if isinstance(column, tuple):
            place, like = column
            assert self._file is not None  # noqa: S101 - a block on disk has a file
            width = like.dtype.itemsize
            out = np.empty(high - low, like.dtype)
            _fill(self._file.fileno(), out, place + low * width)
            return out
        return column[low:high]


def _fill(handle: int, out: NDArray[Any], place: int) -> None:
    """Fill an array from a file, from any thread."""
    view: Any = out.view(np.uint8)
    while view.size:
        got = os.preadv(handle, [view], place)
        view, place = view[got:], place + got


PAIRS_AT_ONCE = 4_000_000


def block_pair(table: Any, *, first: int, second: int, top: int) -> Any:
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


def _lists(column: Any) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Return where each list begins, and all items."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    lengths = whole.value_lengths().to_numpy(zero_copy_only=True)
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), whole.flatten().to_numpy()


def _incidence(table: Any, low: int) -> overlap.Incidence:
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


def _hours(table: Any) -> NDArray[np.int32]:
    starts, hours = _lists(table["hours"])
    out = np.zeros((table.num_rows, HOURS), np.int32)
    out[np.repeat(np.arange(table.num_rows), np.diff(starts)), hours] = _lists(table["counts"])[1]
    return out


def coedits(table: Any) -> Iterator[Any]:
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
