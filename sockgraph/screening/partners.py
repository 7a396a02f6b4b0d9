"""From edits by page to every account's best partners: arrays, and compiled loops over them."""

from __future__ import annotations

import queue
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sockgraph.errors import ScreeningError
from sockgraph.screening import HOURS, MIN_SHARED
from sockgraph.screening.kernels import (
    BLOCK,
    Incidence,
    ThreadBuffers,
    count_coedits,
    hour_cosines,
    page_statistics,
    prefix_costs,
    screen_rows,
    transpose,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

CHUNKS = 200  # of accounts, dealt to the threads


@dataclass(frozen=True)
class EditsByPage:
    """A table of edits, by page.

    Attributes
    ----------
    starts, users
        Accounts of each page that more than one account edited.
    close_starts, close_users, close_seconds
        Edits by page and time that have another account's edit within an hour.
    alone
        Pages that only this account edited, shape (accounts,).
    hours
        Edits by hour of the week, shape (accounts, 168).
    """

    starts: NDArray[np.int64]
    users: NDArray[np.int32]
    close_starts: NDArray[np.int64]
    close_users: NDArray[np.int32]
    close_seconds: NDArray[np.uint32]
    alone: NDArray[np.int64]
    hours: NDArray[np.int32]


def group_by_page(pages: Iterable[tuple[NDArray[Any], ...]], n: int) -> EditsByPage:
    """Keep of the edits of `n` accounts what overlap, co-edits and hours are counted from.

    Parameters
    ----------
    pages
        Page, second and account of each edit, by page and time, in pieces that cut no page.
    n
        Accounts.
    """
    seen, alone = np.zeros(n, np.bool_), np.zeros(n, np.int64)
    hours = np.zeros((n, HOURS), np.int32)
    swept = [page_statistics(*rows, seen, alone, hours) for rows in pages]
    lengths, users, close_lengths, close_users, close_seconds = map(
        np.concatenate, zip(*swept, strict=True)
    )
    starts, close_starts = (
        np.concatenate([[0], np.cumsum(part)]) for part in (lengths, close_lengths)
    )
    return EditsByPage(starts, users, close_starts, close_users, close_seconds, alone, hours)


class Partners(NamedTuple):
    """Every account's best partners, best first: flat lists that begin at `starts`.

    Attributes
    ----------
    starts
        int64, shape (accounts + 1,).
    partners, shared
        The other account, and how many pages both edited.
    micro
        Their weighted overlap in millionths.
    """

    starts: NDArray[np.int64]
    partners: NDArray[np.int64]
    shared: NDArray[np.int64]
    micro: NDArray[np.int64]


def best_partners(
    pages: tuple[NDArray[np.int64], NDArray[np.int32]],
    weights: NDArray[np.int64],
    mass: NDArray[np.int64],
    *,
    top: int,
    threads: int = 1,
    done: Callable[[int, int], None] = lambda _, __: None,
) -> Partners:
    """Return every account's best partners by weighted overlap; ties go to the lower number.

    Parameters
    ----------
    pages
        Where each page's accounts begin, and the accounts.
    weights
        w_p**2 of each page, in the units of `sockgraph.screening`.
    mass
        Sum of w_p**2 over all pages of each account, also those that nobody else edited.
    top
        Partners an account, at most.
    threads
        Threads to compute in; the result does not depend on it.
    done
        Told how many parts of how many are compared.

    Raises
    ------
    ScreeningError
        If the wiki is beyond what one machine word holds.
    """
    inc, order = _incidence(*pages, weights, mass)
    n, accounts = inc.row_starts.size - 1, mass.size
    costs, bars = prefix_costs(inc), np.zeros(n, np.float32)
    effort = np.cumsum(costs[:n] + np.arange(n) // 4 + 16)
    cuts = np.searchsorted(effort, np.linspace(0, effort[-1] if n else 0, CHUNKS + 1))
    cuts[-1] = n
    desks = [thread_buffers(inc, top, bars) for _ in range(threads)]

    def compare(chunk: int, desk: ThreadBuffers) -> None:
        screen_rows(cuts[chunk], cuts[chunk + 1], inc, costs, desk)

    in_threads(range(CHUNKS), compare, desks, lambda part: done(part, CHUNKS))
    keys = desks[0].heaps
    for low in range(0, n, 1 << 14):
        both = np.concatenate([desk.heaps[low : low + (1 << 14)] for desk in desks], axis=1)
        keys[low : low + (1 << 14)] = -np.sort(-both, axis=1)[:, :top]
    lengths = np.zeros(accounts + 1, np.int64)
    lengths[order[:n] + 1] = (keys > 0).sum(axis=1)
    flat = keys[np.argsort(order[:n])]
    flat = flat[flat > 0]
    return Partners(
        np.cumsum(lengths),
        accounts - 1 - (flat & ((1 << inc.tie_bits) - 1)),
        (flat >> inc.tie_bits) & ((1 << inc.shared_bits) - 1),
        flat >> (inc.tie_bits + inc.shared_bits),
    )


def _incidence(
    starts: NDArray[np.int64],
    users: NDArray[np.int32],
    weights: NDArray[np.int64],
    mass: NDArray[np.int64],
) -> tuple[Incidence, NDArray[np.int64]]:
    """Give accounts numbers by falling mass, those who share too little with everybody last."""
    shared = np.bincount(users, minlength=mass.size)
    order = np.lexsort((-mass, shared < MIN_SHARED))
    n = int((shared >= MIN_SHARED).sum())
    number = np.empty(mass.size, np.int32)
    number[order] = np.arange(mass.size, dtype=np.int32)
    row_starts, row_pages = transpose(starts, number[users], mass.size)
    page_starts, page_users = transpose(row_starts, row_pages, starts.size - 1)
    row_starts, falling = row_starts[: n + 1], mass[order].astype(float)
    shift, tie_bits, shared_bits = layout(mass[order], int(np.diff(row_starts).max(initial=0)))
    scale = np.zeros(falling.size)
    np.divide(1.0, np.sqrt(falling), out=scale, where=falling > 0)
    incidence = Incidence(
        page_starts=page_starts,
        page_users=page_users,
        row_starts=row_starts,
        row_pages=row_pages,
        packed=(np.int64(1) << shift) | weights,
        mass=falling,
        scale=scale,
        tie=mass.size - 1 - order,
        shift=shift,
        tie_bits=tie_bits,
        shared_bits=shared_bits,
    )
    return incidence, order


def in_threads(
    jobs: Iterable[Any],
    work: Callable[[Any, Any], None],
    desks: list[Any],
    done: Callable[[int], None] = lambda _: None,
) -> None:
    """Do jobs in as many threads as there are desks; an interrupt starts no more of them."""
    free: queue.SimpleQueue[Any] = queue.SimpleQueue()
    for desk in desks:
        free.put(desk)

    def run(job: Any) -> None:
        desk = free.get()
        try:
            work(job, desk)
        finally:
            free.put(desk)

    pool = ThreadPoolExecutor(len(desks))
    try:
        for n, _ in enumerate(pool.map(run, jobs), 1):
            done(n)
    finally:
        pool.shutdown(cancel_futures=True)


def coedits_and_hours(
    grouped: EditsByPage, best: Partners, threads: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each pair's co-edits, and the cosine of their hours in millionths."""
    n, pairs = grouped.alone.size, best.partners.size
    users = np.repeat(np.arange(n), np.diff(best.starts))
    ascending = np.argsort(users * n + best.partners)
    partners, cosines = best.partners[ascending], np.empty(pairs, np.int64)
    desks = [(np.zeros(pairs, np.int64), np.zeros(n, np.int64)) for _ in range(threads)]
    edges = np.linspace(0, grouped.close_starts[-1], 8 * threads + 1)
    page_cuts = np.searchsorted(grouped.close_starts, edges)
    pair_cuts = np.linspace(0, pairs, 8 * threads + 1).astype(int)

    def count(part: int, desk: tuple[NDArray[np.int64], NDArray[np.int64]]) -> None:
        pages = grouped.close_starts[page_cuts[part] : page_cuts[part + 1] + 1]
        count_coedits(
            pages, grouped.close_users, grouped.close_seconds, best.starts, partners, *desk
        )
        some = slice(pair_cuts[part], pair_cuts[part + 1])
        hour_cosines(users[some], best.partners[some], grouped.hours, cosines[some])

    in_threads(range(8 * threads), count, desks)
    coedits = np.empty(pairs, np.int64)
    coedits[ascending] = np.sum([counts for counts, _ in desks], axis=0)
    return coedits, cosines


def warm_up() -> None:
    """Call every compiled loop once: numba takes half a second to load them."""
    pages, accounts = np.repeat(np.arange(2), 2), np.array([0, 1, 0, 1], np.int32)
    seconds = np.zeros(4, np.uint32)
    grouped = group_by_page([(pages, seconds, accounts)], 2)
    ones = np.ones(2, np.int64)
    best = best_partners((grouped.starts, grouped.users), ones, 2 * ones, top=1)
    coedits_and_hours(grouped, best, 1)


def layout(mass: NDArray[np.int64], most_pages: int) -> tuple[int, int, int]:
    """Return the bits for weight in a cell, and for tie and shared pages in a candidate.

    A pair's shared weight is at most the second largest mass, since mass falls.
    """
    n, largest = mass.size, int(mass[1]) if mass.size > 1 else 1
    shift, shared_bits = max(1, largest.bit_length()), max(2, most_pages.bit_length())
    tie_bits = max(1, n.bit_length())
    if shift + shared_bits > 62 or tie_bits + shared_bits > 42:
        raise ScreeningError(
            f"{n} accounts, {most_pages} pages of one account",
            "is more than the local engine counts in one machine word.",
            "Use --engine spark, or leave out the busiest accounts (bots).",
        )
    return shift, tie_bits, shared_bits


def thread_buffers(inc: Incidence, top: int, bars: NDArray[np.float32]) -> ThreadBuffers:
    """Return an empty desk for one thread; `bars` is shared by all."""
    n = inc.row_starts.size - 1
    blocks = -(-n // BLOCK)
    return ThreadBuffers(
        cells=np.zeros(n, np.int64),
        ends=np.zeros(inc.packed.size, np.int32),
        best=np.zeros(blocks, np.int64),
        wanted=np.zeros(blocks, np.int64),
        heaps=np.zeros((n, top), np.int64),
        bars=bars,
        touched=np.zeros(n + 1, np.int32),
        reached=np.zeros(1, np.int64),
    )
