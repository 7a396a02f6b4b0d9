"""The compiled heart of the local engine: every account's best partners, no pair left out.

Accounts are numbered by falling mass (sum of w_p**2), so that an account's row needs only partners
with a smaller number: each pair is met once and offered to both. One machine word a partner holds
the shared pages (high bits) and the shared weight (low bits), so that a shared page costs one
addition in memory. A candidate is one integer too: score, shared pages and tie rank, from high bits
to low, so that comparing two candidates is comparing two integers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sockgraph.screening.kernels import compiled


class Incidence(NamedTuple):
    """Who edited what, both ways round, and how much each page weighs.

    Attributes
    ----------
    page_starts, page_users
        Accounts of each page, ascending; pages come in order of rising degree.
    row_starts, row_pages
        Pages of each account, ascending, hence of rising degree.
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
    costs = np.zeros(inc.row_starts.size - 1, np.int64)
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
def _offer(heap, key):
    """Replace the least key of a full heap; return the new least."""
    n, at = heap.size, 0
    while True:
        child = 2 * at + 1
        if child >= n:
            break
        if child + 1 < n and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= key:
            break
        heap[at] = heap[child]
        at = child
    heap[at] = key
    return heap[0]


@compiled
def _take(heap, floors, account, key):
    """Put a candidate among an account's best, if it is better than the least of them."""
    if key > floors[account] and key > heap[0]:
        least = _offer(heap, key)
        if least > floors[account]:
            floors[account] = least


@compiled
def _weigh(inc, row, other, cell, heaps, floors):
    """Offer one pair to both of its accounts, if it can stand among their best."""
    weight = cell & ((np.int64(1) << inc.shift) - 1)
    shared = cell >> inc.shift
    micro = _micro(weight, inc.mass[row], inc.mass[other])
    body = (micro << (inc.tie_bits + inc.shared_bits)) | (shared << inc.tie_bits)
    _take(heaps[row], floors, row, body | inc.tie[other])
    _take(heaps[other], floors, other, body | inc.tie[row])


@compiled
def _add_pages(inc, row, cells):
    """Add a row's pages to the cells of all partners with a smaller number."""
    for i in range(inc.row_starts[row], inc.row_starts[row + 1]):
        page = inc.row_pages[i]
        packed = inc.packed[page]
        at = inc.page_starts[page]
        while inc.page_users[at] < row:
            cells[inc.page_users[at]] += packed
            at += 1


@compiled
def _add_pages_noting(inc, row, cells, touched):
    """Do as `_add_pages`, and list the partners met; return how many."""
    n = 0
    for i in range(inc.row_starts[row], inc.row_starts[row + 1]):
        page = inc.row_pages[i]
        packed = inc.packed[page]
        at = inc.page_starts[page]
        while inc.page_users[at] < row:
            other = inc.page_users[at]
            touched[n] = other
            n += cells[other] == 0
            cells[other] += packed
            at += 1
    return n


@compiled
def screen_rows(low, high, inc, costs, work):
    """Meet every pair of an account from `low` to `high` with one of a smaller number.

    Parameters
    ----------
    costs
        Additions a row, from `prefix_costs`.
    work
        cells (int64, accounts, all zero; left so), touched (int32, accounts), heaps (int64,
        accounts by k; this thread's), floors (int64, accounts; shared by the threads: it only ever
        rises, and a stale value costs time, never a candidate).
    """
    cells, touched, heaps, floors = work
    unit = np.float64(np.int64(1) << (inc.tie_bits + inc.shared_bits))
    low_bits = (np.int64(1) << inc.shift) - 1
    two = np.int64(2) << inc.shift
    for row in range(low, high):
        mine = inc.scale[row] * 1e6 * unit
        if costs[row] * 4 < row:
            n = _add_pages_noting(inc, row, cells, touched)
            for i in range(n):
                other = touched[i]
                cell = cells[other]
                cells[other] = 0
                if cell >= two:
                    upper = ((cell & low_bits) * mine * inc.scale[other]) + 0.51 * unit + unit
                    if upper >= floors[row] or upper >= floors[other]:
                        _weigh(inc, row, other, cell, heaps, floors)
        else:
            _add_pages(inc, row, cells)
            for other in range(row):
                cell = cells[other]
                cells[other] = 0
                if cell >= two:
                    upper = ((cell & low_bits) * mine * inc.scale[other]) + 0.51 * unit + unit
                    if upper >= floors[row] or upper >= floors[other]:
                        _weigh(inc, row, other, cell, heaps, floors)
