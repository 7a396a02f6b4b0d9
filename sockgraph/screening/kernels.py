"""The compiled loops of screening: pages as they come by, transposition, co-edits, hours.

Every function frees the interpreter's lock, so that two of them run at once, and is compiled on its
first call after install; later processes load the machine code from the cache. Arrays are flat:
`starts` of length n + 1 says where each of n lists begins in the array beside it.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import njit

from sockgraph.screening import CLOSE, HOURS, MONDAY

if TYPE_CHECKING:
    from collections.abc import Callable


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a loop on its first call, and keep its machine code beside the module.

    What an older sockgraph kept there may name a class that is gone by now. Numba fails on that
    before it sees that the module has changed; here it is dropped, and compiled anew. Where nothing
    can be kept (neither beside the module nor in the user's folder), each process compiles it.
    """
    try:
        made = njit(cache=True, nogil=True, boundscheck=False)(function)
    except RuntimeError:  # no place that can be written to
        return njit(nogil=True, boundscheck=False)(function)
    kept = getattr(made, "_cache", None)  # none where numba is told to compile nothing
    if kept is not None:
        kept.load_overload = functools.partial(_loaded_or_dropped, kept.load_overload, kept.flush)
    return made


def _loaded_or_dropped(load: Callable[..., Any], drop: Callable[[], None], *given: Any) -> Any:
    try:
        return load(*given)
    except (AttributeError, ImportError):
        drop()
        return None


class PageStatistics(NamedTuple):
    """What a stretch of pages comes to.

    Attributes
    ----------
    lengths, users
        Accounts of each page that more than one account edited; each account once.
    close_lengths, close_users, close_seconds
        Edits, by page and in order of time, that have another account's edit within an hour.
    """

    lengths: np.ndarray
    users: np.ndarray
    close_lengths: np.ndarray
    close_users: np.ndarray
    close_seconds: np.ndarray


@compiled
def _close_to_others(seconds, users, low, high, close):
    """Mark the edits of one page that have another account's edit within an hour."""
    other = -1  # latest edit so far by somebody else than the author of edit i
    for i in range(low + 1, high):
        if users[i] != users[i - 1]:
            other = i - 1
        if other >= 0 and np.int64(seconds[i]) - np.int64(seconds[other]) <= CLOSE:
            close[i] = True
    other = -1
    for i in range(high - 2, low - 1, -1):
        if users[i] != users[i + 1]:
            other = i + 1
        if other >= 0 and np.int64(seconds[other]) - np.int64(seconds[i]) <= CLOSE:
            close[i] = True


@compiled
def page_statistics(pages, seconds, users, seen, alone, hours):
    """Return what pages come to whose edits lie together, in order of time.

    Parameters
    ----------
    pages, seconds, users
        One an edit; sorted by page and time.
    seen
        Scratch, bool, shape (accounts,), all False; left so.
    alone
        Pages that only this account edited, shape (accounts,); added to.
    hours
        Edits by hour of the week, shape (accounts, 168); added to.

    Returns
    -------
    PageStatistics
    """
    n = users.size
    lengths, close_lengths = np.empty(n, np.int64), np.empty(n, np.int64)
    flat, close = np.empty(n, np.int32), np.zeros(n, np.bool_)
    lists, close_lists, kept, low = 0, 0, 0, 0
    while low < n:
        high, begin = low, kept
        while high < n and pages[high] == pages[low]:
            user = users[high]
            hours[user, (np.int64(seconds[high]) - MONDAY) // 3600 % HOURS] += 1
            if not seen[user]:
                seen[user] = True
                flat[kept] = user
                kept += 1
            high += 1
        for i in range(begin, kept):
            seen[flat[i]] = False
        if kept - begin == 1:
            alone[flat[begin]] += 1
            kept = begin
        else:
            lengths[lists] = kept - begin
            lists += 1
            _close_to_others(seconds, users, low, high, close)
            total = close[low:high].sum()
            if total:
                close_lengths[close_lists] = total
                close_lists += 1
        low = high
    return PageStatistics(
        lengths[:lists].copy(),
        flat[:kept].copy(),
        close_lengths[:close_lists].copy(),
        users[close],
        seconds[close],
    )


@compiled
def transpose(starts, flat, n_columns):
    """Turn lists of columns by row into lists of rows by column, rows ascending in each."""
    out_starts = np.zeros(n_columns + 1, np.int64)
    for column in flat:
        out_starts[column + 1] += 1
    out_starts = np.cumsum(out_starts)
    at = out_starts[:-1].copy()
    out = np.empty(flat.size, np.int32)
    for row in range(starts.size - 1):
        for i in range(starts[row], starts[row + 1]):
            out[at[flat[i]]] = row
            at[flat[i]] += 1
    return out_starts, out


@compiled
def _note(rows, partners, counts, user, other, times):
    low, high = rows[user], rows[user + 1]
    at = low + np.searchsorted(partners[low:high], other)
    if at < high and partners[at] == other:
        counts[at] += times


@compiled
def count_coedits(starts, users, seconds, rows, partners, counts, window):
    """Count the pairs of edits of one page within an hour of each other, for listed pairs only.

    Bursts are counted, not listed: each edit meets every account that is active in the hour before
    it once, however often that edited.

    Parameters
    ----------
    starts, users, seconds
        Edits by page, in order of time in each.
    rows, partners
        Listed partners of each account, ascending in each list.
    counts
        One number a listed partner; added to.
    window
        Scratch, int64, shape (accounts,), all zero; left so.
    """
    active = np.empty(window.size, np.int32)
    for page in range(starts.size - 1):
        tail, n = starts[page], 0
        for at in range(starts[page], starts[page + 1]):
            user = users[at]
            while np.int64(seconds[at]) - np.int64(seconds[tail]) > CLOSE:
                window[users[tail]] -= 1
                tail += 1
            j = 0
            while j < n:
                other = active[j]
                if window[other] == 0:
                    n -= 1
                    active[j] = active[n]
                    continue
                if other != user:
                    _note(rows, partners, counts, user, other, window[other])
                    _note(rows, partners, counts, other, user, window[other])
                j += 1
            if window[user] == 0:
                active[n] = user
                n += 1
            window[user] += 1
        for at in range(tail, starts[page + 1]):
            window[users[at]] -= 1


@compiled
def hour_cosines(users, others, hours, out):
    """Write the cosine of the hours of the week of each pair, in millionths."""
    for i in range(users.size):
        dot, mine, theirs = np.int64(0), np.int64(0), np.int64(0)
        for h in range(HOURS):
            a, b = np.int64(hours[users[i], h]), np.int64(hours[others[i], h])
            dot += a * b
            mine += a * a
            theirs += b * b
        whole = np.sqrt(np.float64(mine) * np.float64(theirs))
        out[i] = np.int64(np.floor(np.float64(dot) / whole * 1e6 + 0.5))
