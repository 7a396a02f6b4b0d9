"""The compiled loops of the local engine: ids, pages, co-edits, hours.

Every function frees the interpreter's lock, so that two of them run at once, and is compiled on its
first call after install; later processes load the machine code from the cache. Arrays are flat:
`starts` of length n + 1 says where each of n lists begins in the array beside it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sockgraph.runtime import uncollected
from sockgraph.screening.definition import CLOSE, HOURS, MONDAY

with uncollected():
    from numba import njit

EMPTY = -1
GOLDEN = 0x9E3779B97F4A7C15 - (1 << 64)  # Fibonacci hashing (Knuth 1973), as a signed integer
OTHER = 0xBF58476D1CE4E5B9 - (1 << 64)  # a multiplier of splitmix64 (Steele et al. 2014)

compiled: Any = njit(cache=True, nogil=True, boundscheck=False)


@compiled
def _slot(key, bits):
    """Return where a key is first looked for in a table of 2**bits slots."""
    mixed = (key ^ (key >> 32)) * GOLDEN
    return (mixed >> (64 - bits)) & ((1 << bits) - 1)


@compiled
def _part(key, bits):
    """Return a key's part of 2**bits, by another hash: keys of one part must not share slots."""
    mixed = (key ^ (key >> 29)) * OTHER
    return (mixed >> (64 - bits)) & ((1 << bits) - 1)


@compiled
def rehash(keys, values, bits):
    """Return a table twice the size of one of 2**bits slots."""
    more_keys = np.empty(2 << bits, np.int64)
    more_values = np.full(2 << bits, EMPTY, np.int32)
    mask = (2 << bits) - 1
    for old in range(1 << bits):
        if values[old] != EMPTY:
            at = _slot(keys[old], bits + 1)
            while more_values[at] != EMPTY:
                at = (at + 1) & mask
            more_keys[at] = keys[old]
            more_values[at] = values[old]
    return more_keys, more_values


@compiled
def number_keys(given, keys, values, state, out, first):
    """Give keys numbers in the order in which they are first seen.

    Parameters
    ----------
    given
        Keys, int64, shape (n,).
    keys, values
        Open-addressing table of 2**state[0] slots.
    state
        Bits of the table, keys numbered so far, place to go on from; updated.
    out
        The number of each given key, shape (n,); written.
    first
        Places in `given` where a new key stood, in order; written. Length at least n.

    Returns
    -------
    int
        New keys written to `first`. Stops early, with state[2] < n, when the table is half full.
    """
    bits, known, at, new = state[0], state[1], state[2], 0
    mask, half = (1 << bits) - 1, 1 << (bits - 1)
    while at < given.size:
        key = given[at]
        slot = _slot(key, bits)
        while values[slot] != EMPTY and keys[slot] != key:
            slot = (slot + 1) & mask
        if values[slot] == EMPTY:
            if known >= half:
                break
            keys[slot], values[slot] = key, known
            first[new] = at
            known += 1
            new += 1
        out[at] = values[slot]
        at += 1
    state[1], state[2] = known, at
    return new


@compiled
def count_hours(users, seconds, excluded, hours):
    """Add a batch of edits to the counts of each account's hours of the week."""
    for i in range(users.size):
        user = users[i]
        if not excluded[user]:
            hours[user, (np.int64(seconds[i]) - MONDAY) // 3600 % HOURS] += 1


@compiled
def scatter(keys, users, seconds, excluded, bits):
    """Sort a batch stably into 2**bits parts by a hash of its keys.

    Returns
    -------
    starts, keys, users, seconds
        Rows of excluded accounts are left out.
    """
    parts = 1 << bits
    starts = np.zeros(parts + 1, np.int64)
    for i in range(keys.size):
        if not excluded[users[i]]:
            starts[_part(keys[i], bits) + 1 if bits else 1] += 1
    starts = np.cumsum(starts)
    at = starts[:-1].copy()
    total = starts[-1]
    out = (np.empty(total, np.int64), np.empty(total, np.int32), np.empty(total, np.uint32))
    for i in range(keys.size):
        if not excluded[users[i]]:
            part = _part(keys[i], bits) if bits else 0
            place = at[part]
            out[0][place], out[1][place], out[2][place] = keys[i], users[i], seconds[i]
            at[part] = place + 1
    return starts, out[0], out[1], out[2]


@compiled
def _in_order(seconds, low, high):
    for i in range(low, high - 1):  # noqa: SIM110 - compiled code has no generators
        if seconds[i] > seconds[i + 1]:
            return False
    return True


@compiled
def by_page(pages, n_pages, users, seconds):
    """Group edits by page, each page's edits in order of time.

    Returns
    -------
    starts, users, seconds
        The pages' edits, one list a page.
    """
    starts = np.zeros(n_pages + 1, np.int64)
    for page in pages:
        starts[page + 1] += 1
    starts = np.cumsum(starts)
    at = starts[:-1].copy()
    who, when = np.empty(users.size, np.int32), np.empty(users.size, np.uint32)
    for i in range(pages.size):
        place = at[pages[i]]
        who[place], when[place] = users[i], seconds[i]
        at[pages[i]] = place + 1
    for page in range(n_pages):
        low, high = starts[page], starts[page + 1]
        if not _in_order(when, low, high):
            both = np.empty(high - low, np.int64)
            for i in range(low, high):
                both[i - low] = (np.int64(when[i]) << 31) | np.int64(who[i])
            both.sort()
            for i in range(low, high):
                when[i] = both[i - low] >> 31
                who[i] = both[i - low] & 0x7FFFFFFF
    return starts, who, when


class Pages(NamedTuple):
    """What one part of the pages comes to; lists as `starts` and a flat array.

    Attributes
    ----------
    starts, users
        Accounts of each page that more than one account edited; each account once.
    close_starts, close_users, close_seconds
        Edits, by page and in order of time, that have another account's edit within an hour.
    """

    starts: np.ndarray
    users: np.ndarray
    close_starts: np.ndarray
    close_users: np.ndarray
    close_seconds: np.ndarray


@compiled
def page_accounts(starts, users, seen, alone):
    """Return each shared page's distinct accounts, and count every account's pages of its own.

    Parameters
    ----------
    seen
        Scratch, int64, shape (accounts,), with no value from 0 to pages - 1.
    alone
        Pages that only this account edited, shape (accounts,); added to.
    """
    n_pages = starts.size - 1
    flat, lists, n = np.empty(users.size, np.int32), np.zeros(n_pages + 1, np.int64), 0
    kept = 0
    for page in range(n_pages):
        begin = n
        for i in range(starts[page], starts[page + 1]):
            if seen[users[i]] != page:
                seen[users[i]] = page
                flat[n] = users[i]
                n += 1
        if n - begin == 1:
            alone[flat[begin]] += 1
            n = begin
        elif n > begin:
            kept += 1
            lists[kept] = n
    return lists[: kept + 1].copy(), flat[:n].copy()


@compiled
def close_edits(starts, users, seconds):
    """Return the edits that have another account's edit of the same page within an hour."""
    n_pages = starts.size - 1
    near = np.zeros(users.size, np.bool_)
    for page in range(n_pages):
        low, high = starts[page], starts[page + 1]
        other = -1  # latest edit so far by somebody else than the author of edit i
        for i in range(low + 1, high):
            if users[i] != users[i - 1]:
                other = i - 1
            if other >= 0 and np.int64(seconds[i]) - np.int64(seconds[other]) <= CLOSE:
                near[i] = True
        other = -1
        for i in range(high - 2, low - 1, -1):
            if users[i] != users[i + 1]:
                other = i + 1
            if other >= 0 and np.int64(seconds[other]) - np.int64(seconds[i]) <= CLOSE:
                near[i] = True
    total = near.sum()
    who, when = np.empty(total, np.int32), np.empty(total, np.uint32)
    lists, n, kept = np.zeros(n_pages + 1, np.int64), 0, 0
    for page in range(n_pages):
        begin = n
        for i in range(starts[page], starts[page + 1]):
            if near[i]:
                who[n], when[n] = users[i], seconds[i]
                n += 1
        if n > begin:
            kept += 1
            lists[kept] = n
    return lists[: kept + 1].copy(), who, when


@compiled
def grouped(edits, n_pages, seen, alone):
    """Return what a part's edits come to, in one call: each compiled function takes time to load.

    Parameters
    ----------
    edits
        Numbers of pages, below `n_pages`, users and seconds, in any order.
    seen, alone
        As in `page_accounts`.

    Returns
    -------
    Pages
    """
    starts, users, seconds = by_page(edits[0], n_pages, edits[1], edits[2])
    lists, who = page_accounts(starts, users, seen, alone)
    close = close_edits(starts, users, seconds)
    return Pages(lists, who, close[0], close[1], close[2])


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
def masses(starts, users, weights, n_accounts):
    """Return each account's summed weight and number of shared pages."""
    mass, pages = np.zeros(n_accounts, np.int64), np.zeros(n_accounts, np.int64)
    for page in range(starts.size - 1):
        for i in range(starts[page], starts[page + 1]):
            mass[users[i]] += weights[page]
            pages[users[i]] += 1
    return mass, pages


@compiled
def select(starts, flat, order, lengths, number):
    """Return lists in another order, their items renumbered, items numbered -1 left out.

    Parameters
    ----------
    order, lengths
        Which list comes at each place, and how many of its items are kept.
    number
        New number of each item.
    """
    lists = np.zeros(order.size + 1, np.int64)
    lists[1:] = np.cumsum(lengths)
    out = np.empty(lists[-1], np.int32)
    for place in range(order.size):
        n = lists[place]
        for i in range(starts[order[place]], starts[order[place] + 1]):
            if number[flat[i]] >= 0:
                out[n] = number[flat[i]]
                n += 1
    return lists, out


@compiled
def _find(partners, low, high, wanted):
    """Return the place of `wanted` in a sorted stretch, or -1."""
    while low < high:
        middle = (low + high) >> 1
        if partners[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def _slide(users, seconds, state, window, active):
    """Move the hour before an edit up to it; return who is active in it, and where it begins."""
    at, tail, n = state
    while np.int64(seconds[at]) - np.int64(seconds[tail]) > CLOSE:
        window[users[tail]] -= 1
        tail += 1
    j = 0
    while j < n:
        if window[active[j]] == 0:
            n -= 1
            active[j] = active[n]
        else:
            j += 1
    return tail, n


@compiled
def _enter(user, window, active, n):
    """Note an edit of the hour; return how many accounts are active in it."""
    if window[user] == 0:
        active[n] = user
        n += 1
    window[user] += 1
    return n


@compiled
def count_coedits(pages, rows, partners, counts, window):
    """Count the pairs of edits of one page within an hour of each other, for listed pairs only.

    Parameters
    ----------
    pages
        Pages; only its close edits are read.
    rows, partners
        Listed partners of each account, ascending in each list.
    counts
        One number a listed partner; added to.
    window
        Scratch, int64, shape (accounts,), all zero; left so.
    """
    users, seconds = pages.close_users, pages.close_seconds
    active = np.empty(window.size, np.int32)
    for page in range(pages.close_starts.size - 1):
        tail, n = pages.close_starts[page], 0
        for at in range(pages.close_starts[page], pages.close_starts[page + 1]):
            tail, n = _slide(users, seconds, (at, tail, n), window, active)
            for j in range(n):
                if active[j] != users[at]:
                    times = window[active[j]]
                    _add(rows, partners, counts, users[at], active[j], times)
                    _add(rows, partners, counts, active[j], users[at], times)
            n = _enter(users[at], window, active, n)
        for at in range(tail, pages.close_starts[page + 1]):
            window[users[at]] -= 1


@compiled
def _add(rows, partners, counts, user, other, times):
    high = rows[user + 1]
    at = _find(partners, rows[user], high, other)
    if at < high and partners[at] == other:
        counts[at] += times


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


@compiled
def parts_of(keys, bits):
    """Return each key's part of 2**bits."""
    parts = np.zeros(keys.size, np.int64)
    if bits:
        for i in range(keys.size):
            parts[i] = _part(keys[i], bits)
    return parts


@compiled
def sorted_partners(rows, partners):
    """Return each list's partners in ascending order, and where each of them came from."""
    out, places = np.empty_like(partners), np.empty(partners.size, np.int64)
    for row in range(rows.size - 1):
        low, high = rows[row], rows[row + 1]
        both = np.empty(high - low, np.int64)
        for i in range(low, high):
            both[i - low] = (np.int64(partners[i]) << 31) | (i - low)
        both.sort()
        for i in range(low, high):
            out[i] = both[i - low] >> 31
            places[i] = low + (both[i - low] & 0x7FFFFFFF)
    return out, places


@compiled
def coedit_events(starts, users, seconds, window):
    """Return how many rows `coedit_pairs` comes to, page by page."""
    out = np.zeros(starts.size - 1, np.int64)
    active = np.empty(window.size, np.int32)
    for page in range(starts.size - 1):
        tail, n = starts[page], 0
        for at in range(starts[page], starts[page + 1]):
            tail, n = _slide(users, seconds, (at, tail, n), window, active)
            out[page] += n - (window[users[at]] > 0)
            n = _enter(users[at], window, active, n)
        for at in range(tail, starts[page + 1]):
            window[users[at]] -= 1
    return out


@compiled
def coedit_pairs(edits, window, total):
    """Return, for each edit and each other account active in the hour before it, the pair.

    Parameters
    ----------
    edits
        starts, users and seconds of some pages, in order of time in each.
    window
        Scratch, int64, shape (accounts,), all zero; left so.
    total
        Rows, from `coedit_events`.

    Returns
    -------
    keys, times
        The lower number << 32 | the higher; the other's edits in that hour.
    """
    starts, users, seconds = edits
    keys, times, row = np.empty(total, np.int64), np.empty(total, np.int64), 0
    active = np.empty(window.size, np.int32)
    for page in range(starts.size - 1):
        tail, n = starts[page], 0
        for at in range(starts[page], starts[page + 1]):
            tail, n = _slide(users, seconds, (at, tail, n), window, active)
            user = np.int64(users[at])
            for j in range(n):
                other = np.int64(active[j])
                if other != user:
                    keys[row] = (min(user, other) << 32) | max(user, other)
                    times[row] = window[other]
                    row += 1
            n = _enter(users[at], window, active, n)
        for at in range(tail, starts[page + 1]):
            window[users[at]] -= 1
    return keys, times
