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

from sockgraph.errors import ScreeningError
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


def layout(mass: np.ndarray, most_pages: int, n: int) -> tuple[int, int, int]:
    """Return the bits for weight in a cell, and for tie and shared pages in a candidate.

    A pair's shared weight is at most the second largest mass, since mass falls.
    """
    largest = int(mass[1]) if mass.size > 1 else 1
    shift, shared_bits = max(1, largest.bit_length()), max(2, most_pages.bit_length())
    tie_bits = max(1, n.bit_length())
    if shift + shared_bits > 62 or tie_bits + shared_bits > 42:
        raise ScreeningError(
            f"{n} accounts, {most_pages} pages of one account",
            "is more than the local engine counts in one machine word.",
            "Use --engine spark, or leave out the busiest accounts (bots).",
        )
    return shift, tie_bits, shared_bits


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
def _add_pages_noting(inc, row, cells, touched):
    """Add all of a row's pages, and list the partners met; return how many."""
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
def heavy_masses(inc, levels):
    """Return each account's weight on pages from each level on, shape (levels, accounts)."""
    n = inc.row_starts.size - 1
    out = np.zeros((levels.size, n))
    low_bits = (np.int64(1) << inc.shift) - 1
    for row in range(n):
        for i in range(inc.row_starts[row], inc.row_starts[row + 1]):
            page = inc.row_pages[i]
            for level in range(levels.size):
                if page >= levels[level]:
                    out[level, row] += np.float64(inc.packed[page] & low_bits)
    return out


@compiled
def _add_pages(inc, row, cells, end):
    """Add a row's pages before `end` to the cells of all partners with a smaller number."""
    n = 0
    for i in range(inc.row_starts[row], inc.row_starts[row + 1]):
        page = inc.row_pages[i]
        if page >= end:
            break
        packed = inc.packed[page]
        start = inc.page_starts[page]
        at = start
        while inc.page_users[at] < row:
            cells[inc.page_users[at]] += packed
            at += 1
        n += at - start
    return n


@compiled
def _sure(inc, row, cells, best, mine):
    """Return the least of the row's k best scores that its light pages alone make sure of."""
    low_bits = (np.int64(1) << inc.shift) - 1
    two = np.int64(2) << inc.shift
    best[:] = 0.0
    for other in range(row):
        cell = cells[other]
        if cell >= two:
            lower = (cell & low_bits) * mine * inc.scale[other]
            if lower > best[0]:
                _offer(best, lower)
    return best[0]


@compiled
def _rescored(inc, other, cell, marks, end):
    """Add the heavy pages that both accounts edited to a cell."""
    i = inc.row_starts[other + 1] - 1
    while i >= inc.row_starts[other] and inc.row_pages[i] >= end:
        cell += marks[inc.row_pages[i] - end]
        i -= 1
    return cell, inc.row_starts[other + 1] - 1 - i


@compiled
def _mark(inc, row, marks, end, on):
    """Write the weights of a row's heavy pages where `_rescored` looks them up, or wipe them."""
    i = inc.row_starts[row + 1] - 1
    while i >= inc.row_starts[row] and inc.row_pages[i] >= end:
        marks[inc.row_pages[i] - end] = inc.packed[inc.row_pages[i]] * on
        i -= 1


@compiled
def _pruned_row(inc, row, heavy, end, desk, unit):
    """Meet a row's partners: light pages for all, heavy pages for those who can still matter."""
    cells, marks, best, heaps, floors = desk
    low_bits = (np.int64(1) << inc.shift) - 1
    two = np.int64(2) << inc.shift
    mine = inc.scale[row] * 1e6 * unit
    mine_heavy = heavy[row]
    effort = _add_pages(inc, row, cells, end) + row
    sure = max(floors[row], np.int64(_sure(inc, row, cells, best, mine) - 2.0 * unit))
    _mark(inc, row, marks, end, 1)
    for other in range(row):
        cell = cells[other]
        cells[other] = 0
        weight = (cell & low_bits) + min(mine_heavy, heavy[other])
        upper = weight * mine * inc.scale[other] + 1.51 * unit
        if weight > 0.0 and (upper >= sure or upper >= floors[other]):
            cell, steps = _rescored(inc, other, cell, marks, end)
            effort += steps + 8
            if cell >= two:
                _weigh(inc, row, other, cell, heaps, floors)
    _mark(inc, row, marks, end, 0)
    return effort


@compiled
def _whole_row(inc, row, desk, unit):
    """Meet a row's partners with all of its pages."""
    cells, _, _, heaps, floors = desk
    low_bits = (np.int64(1) << inc.shift) - 1
    two = np.int64(2) << inc.shift
    mine = inc.scale[row] * 1e6 * unit
    effort = _add_pages(inc, row, cells, inc.packed.size)
    for other in range(row):
        cell = cells[other]
        cells[other] = 0
        if cell >= two:
            upper = (cell & low_bits) * mine * inc.scale[other] + 1.51 * unit
            if upper >= floors[row] or upper >= floors[other]:
                _weigh(inc, row, other, cell, heaps, floors)
    return effort + row // 2


@compiled
def _choose(rates, turn):
    """Return the level that took least effort lately; now and then, one beside it."""
    level = np.argmin(rates)
    if turn % 64 == 0:
        return max(level - 1, 0)
    if turn % 64 == 32:
        return min(level + 1, rates.size - 1)
    return level


@compiled
def _noted_row(inc, row, touched, desk, unit):
    """Meet the partners of a row with few additions: only those are looked at again."""
    cells, _, _, heaps, floors = desk
    low_bits = (np.int64(1) << inc.shift) - 1
    two = np.int64(2) << inc.shift
    mine = inc.scale[row] * 1e6 * unit
    n = _add_pages_noting(inc, row, cells, touched)
    for i in range(n):
        other = touched[i]
        cell = cells[other]
        cells[other] = 0
        if cell >= two:
            upper = (cell & low_bits) * mine * inc.scale[other] + 1.51 * unit
            if upper >= floors[row] or upper >= floors[other]:
                _weigh(inc, row, other, cell, heaps, floors)


@compiled
def screen_rows(low, high, inc, plan, work):
    """Meet every pair of an account from `low` to `high` with one of a smaller number.

    Parameters
    ----------
    plan
        costs (additions a row, from `prefix_costs`), levels (pages from which on a page is heavy)
        and heavy (from `heavy_masses`).
    work
        touched (int32, accounts + 1), rates (float, levels: effort of late, a share of the row's
        cost) and the desk: cells (int64, accounts, all zero; left so), marks (int64, pages from the
        first level on, all zero; left so), best (float, k), heaps (int64, accounts by k; this
        thread's), floors (int64, accounts; shared by the threads: it only ever rises, and a stale
        value costs time, never a candidate).

    Returns
    -------
    int
        Additions and look-ups that it took.
    """
    costs, levels, heavy = plan
    touched, rates, desk = work
    unit = np.float64(np.int64(1) << (inc.tie_bits + inc.shared_bits))
    total = 0
    for row in range(low, high):
        if costs[row] * 4 < row:
            _noted_row(inc, row, touched, desk, unit)
            total += costs[row]
        else:
            level = _choose(rates, row)
            if levels[level] == inc.packed.size:
                effort = _whole_row(inc, row, desk, unit)
            else:
                effort = _pruned_row(inc, row, heavy[level], levels[level], desk, unit)
            rates[level] += 0.2 * (effort / (costs[row] + 1) - rates[level])
            total += effort
    return total


@compiled
def screen_rectangle(inc, others, square, heaps, floors):
    """Meet every account with every one of another block, or each with each of its own block.

    Parameters
    ----------
    inc
        Accounts of both blocks; pages list only accounts of the second.
    others
        First and last plus one of the second block's accounts, which come after the first's.
    square
        Whether the two blocks are one: then a pair is met from its larger number.
    """
    low, high = others
    cells = np.zeros(high, np.int64)
    two = np.int64(2) << inc.shift
    first, last = (low, high) if square else (0, low)
    for row in range(first, last):
        for i in range(inc.row_starts[row], inc.row_starts[row + 1]):
            page = inc.row_pages[i]
            for at in range(inc.page_starts[page], inc.page_starts[page + 1]):
                cells[inc.page_users[at]] += inc.packed[page]
        for other in range(low, row if square else high):
            if cells[other] >= two:
                _weigh(inc, row, other, cells[other], heaps, floors)
        cells[low:high] = 0
