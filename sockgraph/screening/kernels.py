"""The compiled loops of screening: pages as they come by, co-edits, hours, everybody's partners.

Every function frees the interpreter's lock, so that two of them run at once, and is compiled on its
first call after install; later processes load the machine code from the cache. Arrays are flat:
`starts` of length n + 1 says where each of n lists begins in the array beside it.

Every account's best partners are found, no pair left out. Accounts are numbered by falling mass
(sum of w_p**2), so that an account's row needs only partners with a smaller number: each pair is
met once and offered to both. One machine word a partner holds the shared pages (high bits) and the
shared weight (low bits), so that a shared page costs one addition in memory. A candidate is one
integer too: score, shared pages and tie rank, from high bits to low, so that comparing two
candidates is comparing two integers.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import njit

from sockgraph.screening import CLOSE, HOURS, MONDAY

if TYPE_CHECKING:
    from collections.abc import Callable

BLOCK = 64  # partners that are looked at together
SPARSE = 8  # a row with so few additions a partner is looked at one by one
SLACK = 0.75  # millionths: half for rounding, the rest for floating point


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


class Incidence(NamedTuple):
    """Who edited what, both ways round, and how much each page weighs.

    Attributes
    ----------
    page_starts, page_users
        Accounts of each page, ascending.
    row_starts, row_pages
        Pages of each account, ascending; only of accounts that may have a partner.
    packed
        1 << shift, plus the page's weight; shape (pages,).
    mass
        Sum of squared weights over *all* pages of an account, falling; shape (accounts,).
    scale
        1 / sqrt(mass), 0 where the mass is 0.
    tie
        The larger, the better in a tie; unique; shape (accounts,).
    shift, tie_bits, shared_bits
        Layout of the two words.
    """

    page_starts: np.ndarray
    page_users: np.ndarray
    row_starts: np.ndarray
    row_pages: np.ndarray
    packed: np.ndarray
    mass: np.ndarray
    scale: np.ndarray
    tie: np.ndarray
    shift: int
    tie_bits: int
    shared_bits: int


@compiled
def prefix_costs(inc):
    """Return how many additions each account's row takes."""
    costs = np.zeros(inc.mass.size, np.int64)
    for page in range(inc.page_starts.size - 1):
        low = inc.page_starts[page]
        for i in range(low, inc.page_starts[page + 1]):
            costs[inc.page_users[i]] += i - low
    return costs


@compiled
def _micro(weight, mass_a, mass_b):
    """Return the score in millionths, half up; the one place where it is computed."""
    product = mass_a * mass_b
    if product <= 0.0:
        return np.int64(0)
    return np.int64(np.floor(np.float64(weight) / np.sqrt(product) * 1e6 + 0.5))


@compiled
def _offer(heaps, account, key):
    """Replace the least key of an account's full heap; return the new least."""
    n, at = heaps.shape[1], 0
    while True:
        child = 2 * at + 1
        if child >= n:
            break
        if child + 1 < n and heaps[account, child + 1] < heaps[account, child]:
            child += 1
        if heaps[account, child] >= key:
            break
        heaps[account, at] = heaps[account, child]
        at = child
    heaps[account, at] = key
    return heaps[account, 0]


@compiled
def _take(heaps, bars, account, key, bits):
    """Put a candidate among an account's best, if it is better than the least of them."""
    if key > heaps[account, 0]:
        least = _offer(heaps, account, key) >> bits
        if least > bars[account]:
            bars[account] = least


@compiled
def _weigh(inc, row, other, cell, heaps, bars):
    """Offer one pair to both of its accounts."""
    weight = cell & ((np.int64(1) << inc.shift) - 1)
    shared = cell >> inc.shift
    micro = _micro(weight, inc.mass[row], inc.mass[other])
    bits = inc.tie_bits + inc.shared_bits
    body = (micro << bits) | (shared << inc.tie_bits)
    _take(heaps, bars, row, body | inc.tie[other], bits)
    _take(heaps, bars, other, body | inc.tie[row], bits)


@compiled
def _pass(inc, low, high, ends):
    """Count the pages of rows from `low` to `high`, which another desk met."""
    for i in range(inc.row_starts[low], inc.row_starts[high]):
        ends[inc.row_pages[i]] += 1


@compiled
def _add_pages(inc, row, cells, ends):
    """Add a row's pages to the cells of all partners with a smaller number.

    Counted with unsigned numbers, which spares Numba a look for negative places in the innermost
    loop: that alone is half of the time.
    """
    for i in range(inc.row_starts[row], inc.row_starts[row + 1]):
        page = inc.row_pages[i]
        before = ends[page]
        ends[page] = before + 1
        packed, start = inc.packed[page], np.uint64(inc.page_starts[page])
        for at in range(start, start + np.uint64(before)):
            cells[np.uint64(inc.page_users[at])] += packed


@compiled
def _add_pages_noting(inc, row, cells, ends, touched):
    """Add all of a row's pages, and list the partners met; return how many."""
    n = 0
    for i in range(inc.row_starts[row], inc.row_starts[row + 1]):
        page = inc.row_pages[i]
        before = ends[page]
        ends[page] = before + 1
        packed, start = inc.packed[page], np.uint64(inc.page_starts[page])
        for at in range(start, start + np.uint64(before)):
            other = np.uint64(inc.page_users[at])
            touched[n] = other
            n += cells[other] == 0
            cells[other] += packed
    return n


@compiled
def _look(inc, row, desk):
    """See what each block of partners scores, without a branch, hence in vector instructions.

    Writes a block's best score plus 1 (0: nobody shares two pages), rounded down to millionths,
    and whether the row could stand among the best of one of its accounts; returns the blocks.
    """
    cells, bars, best, wanted = desk.cells, desk.bars, desk.best, desk.wanted
    low_bits = (np.int64(1) << inc.shift) - 1
    two = np.int64(2) << inc.shift
    mine = inc.scale[row] * 1e6
    block = 0
    for low in range(np.uint64(0), np.uint64(row), np.uint64(BLOCK)):
        most, hit = np.int64(0), np.int64(0)
        for other in range(low, min(low + np.uint64(BLOCK), np.uint64(row))):
            cell = cells[other]
            score = np.float64(cell & low_bits) * mine * inc.scale[other]
            both = np.int64(cell >= two)
            most = max(most, (np.int64(score) + 1) * both)
            hit |= np.int64(score + SLACK >= bars[other]) & both
        best[block], wanted[block] = most, hit
        block += 1
    return block


@compiled
def _sure(best, blocks, k):
    """Return a score that at least k partners reach, from the best of each block; 0: unknown."""
    step = max(1, blocks // (4 * k))
    n = -(-blocks // step)
    if n < k:
        return np.int64(0)
    tops = np.zeros(n, np.int64)
    for block in range(blocks):
        tops[block // step] = max(tops[block // step], best[block])
    return max(np.int64(0), np.partition(tops, n - k)[n - k] - 2)


@compiled
def _most(cell, shift, scale):
    """Return a score that a cell is not above, in millionths; below 0 if it holds one page."""
    if cell < np.int64(2) << shift:
        return -1.0
    return np.float64(cell & ((np.int64(1) << shift) - 1)) * scale + SLACK


@compiled
def _meet_row(inc, row, desk):
    """Meet a row's partners: blocks in which nobody can matter are not looked at again."""
    cells, heaps, bars = desk.cells, desk.heaps, desk.bars
    mine = inc.scale[row] * 1e6
    _add_pages(inc, row, cells, desk.ends)
    blocks = _look(inc, row, desk)
    bar = max(np.int64(bars[row]), _sure(desk.best, blocks, heaps.shape[1]))
    for block in range(blocks):
        if desk.best[block] >= bar or desk.wanted[block]:
            for other in range(block * BLOCK, min(block * BLOCK + BLOCK, row)):
                most = _most(cells[other], inc.shift, mine * inc.scale[other])
                if most >= bar or most >= bars[other]:
                    _weigh(inc, row, other, cells[other], heaps, bars)
            bar = max(bar, np.int64(bars[row]))
    cells[:row] = 0


@compiled
def _noted_row(inc, row, desk):
    """Meet the partners of a row with few additions: only those are looked at again."""
    cells, heaps, bars = desk.cells, desk.heaps, desk.bars
    mine = inc.scale[row] * 1e6
    n = _add_pages_noting(inc, row, cells, desk.ends, desk.touched)
    for i in range(n):
        other = desk.touched[i]
        cell = cells[other]
        cells[other] = 0
        most = _most(cell, inc.shift, mine * inc.scale[other])
        if most >= bars[row] or most >= bars[other]:
            _weigh(inc, row, other, cell, heaps, bars)


class ThreadBuffers(NamedTuple):
    """What one thread works with.

    Attributes
    ----------
    cells
        int64, shape (accounts,), all zero between rows.
    ends
        How many accounts of each page come before the row, int32, shape (pages,).
    best, wanted
        int64, a number a block of partners; see `_look`.
    heaps
        This thread's best candidates of each account, int64, accounts by k.
    bars
        The least score of each account's best, float32, shared by the threads: it only rises but
        for a race, and a stale value costs time, never a candidate.
    touched
        int32, shape (accounts + 1,).
    reached
        The row up to which `ends` is known, shape (1,).
    """

    cells: np.ndarray
    ends: np.ndarray
    best: np.ndarray
    wanted: np.ndarray
    heaps: np.ndarray
    bars: np.ndarray
    touched: np.ndarray
    reached: np.ndarray


@compiled
def screen_rows(low, high, inc, costs, desk):
    """Meet every pair of an account from `low` to `high` with one of a smaller number.

    Parameters
    ----------
    costs
        Additions a row, from `prefix_costs`.
    desk
        A `ThreadBuffers`; cheapest if rows come to it in rising order.
    """
    if desk.reached[0] > low:  # the desk was at later rows: begin anew
        desk.ends[:] = 0
        desk.reached[0] = 0
    _pass(inc, desk.reached[0], low, desk.ends)
    desk.reached[0] = high
    for row in range(low, high):
        if costs[row] * SPARSE < row:
            _noted_row(inc, row, desk)
        else:
            _meet_row(inc, row, desk)
