"""The local engine: exact, compiled, two threads, within a stated amount of memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc

from sockgraph.errors import ScreeningError
from sockgraph.runtime import Progress, silent, uncollected
from sockgraph.screening import kernels, overlap
from sockgraph.screening.blocks import plain
from sockgraph.screening.candidates import record_batches
from sockgraph.screening.definition import MIN_SHARED, TOP, page_weights
from sockgraph.screening.ingest import Accounts, Ingested, in_threads, ingest, trim

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

MEMORY = 2_500 * 1024 * 1024
THREADS = 2
SPILL_SHARE = 0.25  # of the memory, for rows that wait; the rest go to disk
CHUNKS = 200


@dataclass(frozen=True)
class Candidates:
    """Every account's best partners, as arrays.

    Attributes
    ----------
    names
        Arrow array of the accounts' names.
    accounts
        Accounts with at least one edit (N).
    starts
        Where each account's partners begin, shape (accounts + 1,); best first in each list.
    partners, shared_pages, overlap, coedits, hours
        One a candidate; `overlap` and `hours` in millionths.
    order
        Accounts in the order of their names.
    rows, dropped, spilled
        Rows read, rows left out by reason, bytes that went to disk on the way.
    """

    names: Any
    accounts: int
    starts: NDArray[np.int64]
    partners: NDArray[np.int32]
    shared_pages: NDArray[np.int32]
    overlap: NDArray[np.int32]
    coedits: NDArray[np.int64]
    hours: NDArray[np.int32]
    order: NDArray[np.int64]
    rows: int
    dropped: dict[str, int]
    spilled: int

    def batches(self) -> Iterator[Any]:
        """Yield the rows of `candidates.parquet`, in order."""
        return record_batches(self)


@uncollected()
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
        A Parquet or CSV file, or a folder of Parquet files.
    top
        Partners an account, at most.
    window
        First second that counts and first that no longer does, since 1970 UTC.
    threads
        Threads to compute in; the result does not depend on it.
    memory
        Bytes that the process may come to. Rows that wait are written to `scratch` at a quarter
        of it; what cannot be set aside is reckoned before it is needed.
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
    read = ingest(
        path,
        window=window,
        threads=threads,
        memory=int(memory * SPILL_SHARE),
        scratch=scratch,
        progress=progress,
    )
    wanted = needed(read, top, threads)
    if wanted > memory:
        raise ScreeningError(
            f"{memory / 2**20:.0f} MiB",
            f"is not enough: this wiki needs about {wanted / 2**20:.0f} MiB.",
            "Allow more with --memory, ask for fewer partners with --top, or use --engine spark.",
        )
    ranked = _ranked(read, top, threads, progress)
    trim()
    return _finish(read, ranked, threads=threads, progress=progress)


def needed(read: Ingested, top: int, threads: int) -> int:
    """Return the bytes that the process comes to at its peak, from what was read."""
    pairs = sum(p.users.size for p in read.pages)
    close = sum(p.close_users.size for p in read.pages)
    n = len(read.accounts.ids)
    process = 300 * 2**20
    kept = 8 * close + read.accounts.hours.nbytes + 200 * n
    candidates = n * top
    shared = sum(p.starts.size for p in read.pages)
    overlap_stage = 16 * pairs + threads * (8 * candidates + 12 * n + 4 * shared)
    final_stage = candidates * (44 + 8 * threads)
    return process + kept + max(overlap_stage, final_stage)


@dataclass(frozen=True)
class _Graph:
    """The incidence, and which account each of its numbers stands for."""

    incidence: overlap.Incidence
    accounts: NDArray[np.int64]
    by_tie: NDArray[np.int64]


def _incidence(read: Ingested) -> _Graph:
    starts, users = _joined([(p.starts, p.users) for p in read.pages])
    for place, part in enumerate(read.pages):  # the lists are in `users` now
        read.pages[place] = part._replace(starts=part.starts[:1], users=part.users[:0])
    n_all = len(read.accounts.ids)
    present = int((read.accounts.edits > 0).sum())
    weights = page_weights(present, np.diff(starts))
    mass, shared = kernels.masses(starts, users, weights, n_all)
    mass += read.alone * (page_weights(present, np.ones(1, np.int64))[0])
    order = np.argsort(-mass, kind="stable")
    order = order[shared[order] >= MIN_SHARED]  # others share too little with everybody
    number = np.full(n_all, -1, np.int32)
    number[order] = np.arange(order.size)
    # every page here has two accounts or more: to reduceat, an empty list would be its neighbour's
    lengths = np.add.reduceat((number >= 0)[users], starts[:-1], dtype=np.int64)
    pages = np.flatnonzero(lengths > 1)
    pages = pages[np.argsort(lengths[pages], kind="stable")]
    lists = kernels.select(starts, users, pages, lengths[pages], number)
    del starts, users
    rows = kernels.transpose(*lists, order.size)
    del lists
    lists = kernels.transpose(*rows, pages.size)
    trim()
    tie = _tie_ranks(read.accounts)[order]
    layout = overlap.layout(mass[order], int(np.diff(rows[0]).max(initial=0)), order.size)
    root = np.sqrt(mass[order].astype(float))
    scale = np.divide(1.0, root, out=np.zeros(root.size), where=root > 0)
    packed = (np.int64(1) << layout[0]) | weights[pages]
    rank = np.argsort(np.argsort(tie))
    incidence = overlap.Incidence(
        page_starts=lists[0],
        page_users=lists[1],
        row_starts=rows[0],
        row_pages=rows[1],
        packed=packed,
        mass=mass[order].astype(float),
        scale=scale,
        tie=rank,
        shift=layout[0],
        tie_bits=layout[1],
        shared_bits=layout[2],
    )
    return _Graph(incidence, order, order[np.argsort(rank)])


def _joined(
    lists: list[tuple[NDArray[np.int64], NDArray[np.int32]]],
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    lengths = np.concatenate([np.diff(starts) for starts, _ in lists])
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    return starts, np.concatenate([flat for _, flat in lists])


def _tie_ranks(accounts: Accounts) -> NDArray[np.int64]:
    """Return ranks where more is better: the lower user id, then those without, by name."""
    by_name = np.empty(len(accounts.ids), np.int64)
    by_name[_name_order(accounts.names)] = np.arange(len(accounts.ids))
    order = np.lexsort((by_name, accounts.ids, accounts.ids == 0))
    ranks = np.empty(order.size, np.int64)
    ranks[order] = np.arange(order.size)[::-1]
    return ranks


def _name_order(names: Any) -> NDArray[np.int64]:
    order: NDArray[np.int64] = plain(pc.sort_indices(names)).astype(np.int64)
    return order


def _best(inc: overlap.Incidence, top: int, threads: int, progress: Progress) -> NDArray[np.int64]:
    """Return each account's best candidates, best first (0: none)."""
    n = inc.row_starts.size - 1
    costs, bars = overlap.prefix_costs(inc), np.zeros(n, np.float32)
    effort = np.cumsum(costs + np.arange(n) // 4 + 16)
    cuts = np.searchsorted(effort, np.linspace(0, effort[-1] if n else 0, CHUNKS + 1))
    cuts[-1] = n

    def one(chunk: int, desk: overlap.Desk) -> None:
        overlap.screen_rows(cuts[chunk], cuts[chunk + 1], inc, costs, desk)

    _, desks = in_threads(
        range(CHUNKS),
        one,
        lambda: overlap.desk(inc, top, bars),
        threads=threads,
        done=lambda done: progress("comparing accounts", done, CHUNKS),
    )
    heaps: list[NDArray[np.int64]] = [desk.heaps for desk in desks]
    for low in range(0, n, 1 << 14):
        rows = slice(low, low + (1 << 14))
        both = np.concatenate([heap[rows] for heap in heaps], axis=1)
        heaps[0][rows] = -np.sort(-both, axis=1)[:, :top]
    return heaps[0]


@dataclass(frozen=True)
class _Ranked:
    """Every account's best partners by overlap, best first: flat lists that begin at `starts`."""

    starts: NDArray[np.int64]
    partners: NDArray[np.int32]
    shared: NDArray[np.int32]
    scores: NDArray[np.int32]


def _ranked(read: Ingested, top: int, threads: int, progress: Progress) -> _Ranked:
    """Compare accounts; who edited what, and the words they are ranked by, are gone after it."""
    graph = _incidence(read)
    inc, n = graph.incidence, len(read.accounts.ids)
    keys = _best(inc, top, threads, progress)
    lengths = np.zeros(n + 1, np.int64)
    lengths[graph.accounts + 1] = (keys > 0).sum(axis=1)
    flat = keys[np.argsort(graph.accounts)]
    flat = flat[flat > 0]
    return _Ranked(
        starts=np.cumsum(lengths),
        partners=graph.by_tie[flat & ((1 << inc.tie_bits) - 1)].astype(np.int32),
        shared=((flat >> inc.tie_bits) & ((1 << inc.shared_bits) - 1)).astype(np.int32),
        scores=(flat >> (inc.tie_bits + inc.shared_bits)).astype(np.int32),
    )


def _finish(read: Ingested, ranked: _Ranked, *, threads: int, progress: Progress) -> Candidates:
    """Add what only candidates need: co-edits and hours."""
    lists = ranked.starts, ranked.partners
    return Candidates(
        names=read.accounts.names,
        accounts=int((read.accounts.edits > 0).sum()),
        starts=ranked.starts,
        partners=ranked.partners,
        shared_pages=ranked.shared,
        overlap=ranked.scores,
        coedits=_coedits(read.pages, *lists, threads=threads, progress=progress),
        hours=_hours(read.accounts.hours, *lists, threads),
        order=_name_order(read.accounts.names),
        rows=read.rows,
        dropped={why: n for why, n in read.dropped.items() if n},
        spilled=read.spilled,
    )


def _coedits(
    pages: list[kernels.Pages],
    starts: NDArray[np.int64],
    partners: NDArray[np.int32],
    *,
    threads: int,
    progress: Progress,
) -> NDArray[np.int64]:
    ascending, places = kernels.sorted_partners(starts, partners)

    def desk() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return np.zeros(partners.size, np.int64), np.zeros(starts.size - 1, np.int64)

    def one(part: kernels.Pages, desk: tuple[NDArray[np.int64], NDArray[np.int64]]) -> None:
        kernels.count_coedits(part, starts, ascending, *desk)

    _, desks = in_threads(
        pages,
        one,
        desk,
        threads=threads,
        done=lambda done: progress("counting co-edits", done, len(pages)),
    )
    total: NDArray[np.int64] = desks[0][0]
    for counts, _ in desks[1:]:
        total += counts
    out = np.empty_like(total)
    out[places] = total
    return out


def _hours(
    hours: NDArray[np.int32], starts: NDArray[np.int64], partners: NDArray[np.int32], threads: int
) -> NDArray[np.int32]:
    users = np.repeat(np.arange(starts.size - 1, dtype=np.int32), np.diff(starts))
    out = np.empty(partners.size, np.int32)
    step = max(1, -(-partners.size // (8 * threads)))

    def one(low: int, _: None) -> None:
        part = slice(low, low + step)
        kernels.hour_cosines(users[part], partners[part], hours, out[part])

    in_threads(
        range(0, partners.size, step), one, lambda: None, threads=threads, done=lambda _: None
    )
    return out
