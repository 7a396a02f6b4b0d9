"""From a stream of edits to the pages that accounts share: what the engines compute from."""

from __future__ import annotations

import contextlib
import ctypes
import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from sockgraph.account_names import BLANK, KINDS, kind_of
from sockgraph.errors import TableError
from sockgraph.screening import kernels
from sockgraph.screening.blocks import Parts, arrow, plain
from sockgraph.screening.definition import HOURS
from sockgraph.screening.reading import INVENTED, Batch, Layout, Reader, ahead, lay_out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from sockgraph.runtime import Progress

_Rows = tuple[Any, Any, Any]  # arrays of pages, users and seconds

EDITS_A_PART = 1 << 18
MOST_PART_BITS = 8
SMALL = 1 << 31
TWICE = "rows that stand twice"


@dataclass(frozen=True)
class Accounts:
    """The accounts of a table, by the number that they got when first read.

    Attributes
    ----------
    names
        Arrow string array; `#id` where the table has no names.
    ids
        user_id, shape (accounts,); 0 where the table has none.
    edits
        Edits of each that take part; 0 for those left out.
    hours
        Edits by hour of the week, shape (accounts, 168).
    """

    names: Any
    ids: NDArray[np.int64]
    edits: NDArray[np.int64]
    hours: NDArray[np.int32]


@dataclass(frozen=True)
class Ingested:
    """A whole table of edits, read once.

    Attributes
    ----------
    accounts
        Who edited.
    pages
        A `kernels.Pages` for each part.
    alone
        Pages that only this account edited, shape (accounts,).
    dropped
        Rows left out, by reason.
    rows, spilled
        Rows read; bytes that went to disk on the way.
    """

    accounts: Accounts
    pages: list[kernels.Pages]
    alone: NDArray[np.int64]
    dropped: dict[str, int]
    rows: int
    spilled: int


class _Numbers:
    """Numbers int64 keys in the order in which they first appear."""

    def __init__(self, bits: int = 12) -> None:
        self._keys = np.empty(1 << bits, np.int64)
        self._values = np.full(1 << bits, kernels.EMPTY, np.int32)
        self._state = np.array([bits, 0, 0], np.int64)

    @property
    def known(self) -> int:
        return int(self._state[1])

    def number(self, given: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Return the number of each key, and where new ones stood."""
        out, first = np.empty(given.size, np.int32), np.empty(given.size, np.int64)
        new, self._state[2] = 0, 0
        while self._state[2] < given.size:
            new += kernels.number_keys(
                given, self._keys, self._values, self._state, out, first[new:]
            )
            if self._state[2] < given.size:
                self._keys, self._values = kernels.rehash(self._keys, self._values, self._state[0])
                self._state[0] += 1
        return out, first[:new]


class _Census:
    """Numbers accounts, learns their names, and counts their hours."""

    def __init__(self) -> None:
        self._numbers = _Numbers()
        self._names: list[Any] = []
        self._ids: list[NDArray[np.int64]] = []
        self.kinds = np.zeros(1 << 12, np.int8)
        self.hours = np.zeros((1 << 12, HOURS), np.int32)
        self.left_out = np.zeros(len(KINDS), np.int64)

    def number(self, keys: NDArray[np.int64], names: Any) -> NDArray[np.int32]:
        before = self._numbers.known
        users, first = self._numbers.number(keys)
        if len(first):
            self._meet(before, keys[first], names, first)
        if self.kinds[: self._numbers.known].any():
            self.left_out += np.bincount(self.kinds[users], minlength=len(KINDS))
        return users

    def _meet(
        self,
        before: int,
        keys: NDArray[np.int64],
        names: Any,
        first: NDArray[np.int64],
    ) -> None:
        if names is None:
            met = pa.array([f"#{key}" for key in keys], pa.string())
        else:
            met = names.take(arrow(first))
            met = met.cast(pa.string())
        self.kinds = _longer(self.kinds, before + len(first))
        kinds = [kind_of(name) if name is not None else BLANK for name in met.to_pylist()]
        self.kinds[before : before + len(first)] = kinds
        self._names.append(met)
        self._ids.append(np.where(keys > INVENTED, keys, 0))

    def count(self, users: NDArray[np.int32], seconds: NDArray[np.uint32]) -> None:
        """Count the hours of numbered edits; the next ones may be numbered meanwhile."""
        self.hours = _longer(self.hours, int(users.max(initial=-1)) + 1)
        kernels.count_hours(users, seconds, self.kinds, self.hours)

    def accounts(self) -> tuple[Accounts, NDArray[np.int32] | None]:
        """Return the accounts; and, where a name has several keys, each key's first namesake."""
        n = self._numbers.known
        names = pa.concat_arrays(self._names) if self._names else pa.array([], pa.string())
        ids = np.concatenate(self._ids) if self._ids else np.zeros(0, np.int64)
        hours, same = _longer(self.hours, n)[:n], _namesakes(names)
        if same is not None:
            others = np.flatnonzero(same != np.arange(n))
            np.add.at(hours, same[others], hours[others])
            hours[others] = 0
            known = np.where(ids == 0, np.iinfo(np.int64).max, ids)
            np.minimum.at(known, same[others], known[others])
            ids = np.where(known == np.iinfo(np.int64).max, 0, known)
        return Accounts(names, ids, hours.sum(axis=1, dtype=np.int64), hours), same


def _longer(rows: NDArray[Any], n: int) -> NDArray[Any]:
    """Return the rows, or a longer copy of them with zeros behind, so that there are n."""
    if len(rows) >= n:
        return rows
    more = max(len(rows) // 2, n - len(rows))
    return np.pad(rows, ((0, more), *((0, 0) for _ in rows.shape[1:])))


def _numbered(reader: Reader, census: _Census) -> Iterator[tuple[int, Batch, NDArray[np.int32]]]:
    for rows, batch in reader:
        yield rows, batch, census.number(batch.users, batch.names)


def _namesakes(names: Any) -> NDArray[np.int32] | None:
    coded = names.dictionary_encode()
    if len(coded.dictionary) == len(names):
        return None
    codes = plain(coded.indices)
    _, first = np.unique(codes, return_index=True)
    same: NDArray[np.int32] = first[codes].astype(np.int32)
    return same


def ingest(
    path: Path,
    *,
    window: tuple[int, int] | None,
    threads: int,
    memory: int,
    scratch: Path | None,
    progress: Progress,
) -> Ingested:
    """Read a table of edits once, in any order of rows, and group it by page.

    Parameters
    ----------
    window
        First second that counts and first that no longer does; None is all.
    memory
        Bytes that rows waiting to be grouped may take; beyond, they go to `scratch`.

    Raises
    ------
    TableError
        If the table is missing, damaged, contradicts itself, or has no edits of accounts.
    """
    layout = lay_out(path)
    once = _Once(layout, window=window, memory=memory, scratch=scratch, progress=progress)
    try:
        census, parts, rows, dropped = once.read()
        trim()
        accounts, same = census.accounts()
        if not accounts.edits.any():
            raise TableError(path, "it has no edits of registered accounts.", "Give another file.")
        try:
            pages, alone = _pages(
                parts, once.bits, accounts, same=same, threads=threads, progress=progress
            )
        finally:
            parts.close()
            trim()
    finally:
        once.close()
    return Ingested(accounts, pages, alone, dropped, rows, parts.spilled)


class _Once:
    """One reading of a table: straight into parts of pages, or first through parts of revisions."""

    def __init__(
        self,
        layout: Layout,
        *,
        window: tuple[int, int] | None,
        memory: int,
        scratch: Path | None,
        progress: Progress,
    ) -> None:
        self._layout, self._window, self._progress = layout, window, progress
        self._memory, self._scratch = memory, scratch
        rows = layout.rows or sum(f.stat().st_size for f in layout.files) // 32
        self.bits = int(min(MOST_PART_BITS, max(0, (rows // EDITS_A_PART).bit_length())))
        self._open: list[Parts] = []

    def close(self) -> None:
        for parts in self._open:
            parts.close()

    def _parts(self) -> Parts:
        self._open.append(Parts(self._memory, self._scratch))
        return self._open[-1]

    def read(self) -> tuple[_Census, Parts, int, dict[str, int]]:
        """Read rows in one go if their rev_ids rise, else sort out those that stand twice."""
        straight = self._read(distinct=False)
        if straight is None:
            self.close()
            straight = self._read(distinct=True)
        assert straight is not None  # noqa: S101 - only the straight reading gives up
        return straight

    def _read(self, *, distinct: bool) -> tuple[_Census, Parts, int, dict[str, int]] | None:
        census, parts, rows, outside = _Census(), self._parts(), 0, 0
        aside = self._parts() if distinct else None
        reader, last = Reader(self._layout, revisions="rev_id" in self._layout.columns), None
        for rows, batch, users in ahead(_numbered(reader, census)):
            revs, keep = batch.revisions, self._inside(batch.seconds)
            if revs is not None and aside is None and len(revs):
                if (last is not None and revs[0] <= last) or (revs[1:] <= revs[:-1]).any():
                    return None
                last = revs[-1]
            outside += int((~keep).sum())
            seconds = batch.seconds.astype(np.uint32)
            if aside is not None and revs is not None:
                self._set_aside(aside, revs, (batch.pages, users, seconds))
            else:
                self._place(census, parts, (batch.pages, users, seconds), keep)
            self._progress("reading edits", rows, self._layout.rows)
        twice = 0 if aside is None else self._distinct(census, parts, aside)
        left_out = zip(KINDS[1:], census.left_out[1:].tolist(), strict=True)
        dropped = dict(reader.dropped)
        for why, n in (*left_out, (TWICE, twice), ("rows outside the window", outside)):
            dropped[why] = dropped.get(why, 0) + n
        return census, parts, rows, dropped

    def _inside(self, seconds: NDArray[np.int64]) -> NDArray[np.bool_]:
        if self._window is None:
            return np.ones(seconds.size, np.bool_)
        return (seconds >= self._window[0]) & (seconds < self._window[1])

    def _set_aside(self, aside: Parts, revs: NDArray[np.int64], rows: _Rows) -> None:
        part = kernels.parts_of(revs, self.bits)
        order = np.argsort(part, kind="stable")
        starts = np.searchsorted(part[order], np.arange((1 << self.bits) + 1))
        aside.add(starts, (revs[order], *(column[order] for column in rows)))

    def _distinct(self, census: _Census, parts: Parts, aside: Parts) -> int:
        """Pass on each revision once; refuse one that stands on two pages or at two times."""
        twice = 0
        for part in range(1 << self.bits):
            revs, pages, users, seconds = aside.take(part)
            unique, first, place = np.unique(revs, return_index=True, return_inverse=True)
            for column in (pages, users, seconds):
                wrong = column != column[first][place]
                if wrong.any():
                    raise TableError(
                        self._layout.files[0],
                        f"rev_id {revs[wrong][0]} stands twice and differently.",
                        "A revision has one page, one account and one time: correct these rows.",
                    )
            twice += revs.size - unique.size
            first.sort()
            rows = pages[first], users[first], seconds[first]
            self._place(census, parts, rows, self._inside(rows[2].astype(np.int64)))
        aside.close()
        return twice

    def _place(self, census: _Census, parts: Parts, rows: _Rows, keep: NDArray[np.bool_]) -> None:
        pages, users, seconds = rows if keep.all() else (column[keep] for column in rows)
        census.count(users, seconds)
        starts, keys, *others = kernels.scatter(pages, users, seconds, census.kinds, self.bits)
        if keys.size and keys.min() >= -SMALL and keys.max() < SMALL:
            keys = keys.astype(np.int32)  # most wikis' page ids do with half the memory
        parts.add(starts, (keys, *others))


def _pages(
    parts: Parts,
    bits: int,
    accounts: Accounts,
    *,
    same: NDArray[np.int32] | None,
    threads: int,
    progress: Progress,
) -> tuple[list[kernels.Pages], NDArray[np.int64]]:
    n = len(accounts.ids)

    def desk() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return np.empty(n, np.int64), np.zeros(n, np.int64)

    def one(part: int, desk: tuple[NDArray[np.int64], NDArray[np.int64]]) -> kernels.Pages:
        keys, users, seconds = parts.take(part)
        keys = keys.astype(np.int64, copy=False)
        if same is not None:
            users = same[users]
        seen, alone = desk
        seen.fill(-1)
        numbers = _Numbers()
        pages, _ = numbers.number(keys)
        found: kernels.Pages = kernels.grouped((pages, users, seconds), numbers.known, seen, alone)
        return found

    listen = _stage(progress, "grouping pages", 1 << bits)
    pages, desks = in_threads(range(1 << bits), one, desk, threads=threads, done=listen)
    return pages, np.sum([alone for _, alone in desks], axis=0)


def _stage(progress: Progress, name: str, total: int) -> Callable[[int], None]:
    return lambda done: progress(name, done, total)


def trim() -> None:
    """Give memory that is free back to the system, where its allocator keeps it (glibc)."""
    pa.default_memory_pool().release_unused()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def in_threads(
    jobs: Iterable[Any],
    work: Callable[[Any, Any], Any],
    desk: Callable[[], Any],
    *,
    threads: int,
    done: Callable[[int], None],
) -> tuple[list[Any], list[Any]]:
    """Do jobs in threads, each with a desk of its own; results in the order of the jobs.

    An interrupt, or an error in a job, ends the jobs under way and starts no more.

    Returns
    -------
    results, desks
    """
    desks: queue.SimpleQueue[Any] = queue.SimpleQueue()
    made = [desk() for _ in range(threads)]
    for item in made:
        desks.put(item)
    stop = threading.Event()

    def run(job: Any) -> Any:
        if stop.is_set():
            return None
        mine = desks.get()
        try:
            return work(job, mine)
        finally:
            desks.put(mine)

    with ThreadPoolExecutor(threads) as pool:
        try:
            return list(_told(pool.map(run, jobs), done)), made
        except BaseException:
            stop.set()
            raise


def _told(results: Iterator[Any], done: Callable[[int], None]) -> Iterator[Any]:
    for n, result in enumerate(results, 1):
        done(n)
        yield result
