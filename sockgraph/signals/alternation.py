"""By turns: where in one account's pause the other account's save falls.

A saves, B saves on another page, A saves again on yet another or its own page: one person would
have changed the account twice within a session. Three ways to come by that, K of the D days that
both accounts work holding such a turn:

- *one after the other*: a person uses one account, then the other. Turns are rare: at most a share
  `RARELY` of the days. Against it stands any larger share, `null_models.inverse_lr`.
- *mixed at will*: a person goes from account to account as from page to page. Then B's save parts
  A's pause as a person's own middle save parts the time between the first and the third: with time
  for an edit on both sides. How, is counted on the accounts' own saves (three in a row, the middle
  one on another page), drawn towards the community's by `OWN`, in cells of the pause's length
  (`PAUSES`) and of its parting m = 2·min(u, v)/(u + v), u and v the two sides (`PARTS`).
- *two people*: neither heeds the other's clock, and m is uniform.

    1/LR = 1 / ((1 - MIXED) · LR(one after the other) + MIXED · Π LR(mixed at will)),

the product over days, a day the geometric mean of its turns (they hang together). `MIXED` is how
many of those who run two accounts are thought to mix them at will.

Only work by hand counts (`manual_edits`), page by page, in one timeline: batches, bursts and quick
runs from page to page are left out: they are a tool's pace, beside which no change of account would
be short, and nobody need sit there meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from sockgraph.signals.corpus import DAY, active_days
from sockgraph.signals.null_models import inverse_lr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from sockgraph.signals.corpus import Histories

SESSION = 1800.0
"""Longer pauses end a session and are no pace."""
BATCH = 3
"""A save of more pages is a batch, and no sign of where anyone was."""
BURST = 6
"""More saves within a minute are a script's."""
MASS, MASS_PAUSE = 4, 60.0
"""So many saves of an account, each on another page within so many seconds, are mass edits."""
STEADY = 0.25
"""An account whose ln pauses spread less than this keeps a machine's pace."""

AT_ONCE = 1 << 21
"""Entries of ranges that are looked at together."""
RARELY = 0.02
"""On known aliases 1 of 351 common days holds a turn: at the 95 % limit, one in 75."""
MIXED = 0.5
"""Generous too: of 35 known aliases with three common days, none holds turns on three."""
PARTS = np.array([0, 0.08, 0.16, 0.28, 0.45, 0.7, 1.0])
PAUSES = np.array([0, 90, 200, 360, 600, 1000, SESSION])
OWN = 10.0
"""Own turns of an account after which its own way counts half."""
DAYS = 3
"""Days with turns that anything is said from."""
TOLD = 4
"""Turns whose edits are named."""


@dataclass(frozen=True)
class ManualEdits:
    """What is left after batches and bursts, in time order.

    Attributes
    ----------
    unit, at, page, save
        One entry a save: its unit, seconds since 1970, its first page, its place in the corpus.
    """

    unit: NDArray[np.int64]
    at: NDArray[np.float64]
    page: NDArray[np.int64]
    save: NDArray[np.int64]


def manual_edits(histories: Histories) -> ManualEdits:
    """Return what the units save by hand."""
    corpus = histories.corpus
    first = np.searchsorted(corpus.save, histories.saves)
    at = corpus.seconds[histories.saves]
    keep = corpus.n_pages[histories.saves] <= BATCH
    minute = np.floor(at / 60)
    new = (np.diff(histories.unit, prepend=-1) != 0) | (np.diff(minute, prepend=-1) != 0)
    bunch = np.cumsum(new) - 1
    keep &= np.bincount(bunch)[bunch] < BURST if len(bunch) else True
    keep &= ~_steady(histories.unit, at, histories.n_units)[histories.unit]
    rows = np.flatnonzero(keep)
    rows = rows[~_mass(histories.unit[rows], at[rows], corpus.page[first][rows])]
    rows = rows[np.argsort(at[rows], kind="stable")]
    return ManualEdits(
        histories.unit[rows], at[rows], corpus.page[first][rows], histories.saves[rows]
    )


def entries(
    low: NDArray[np.int64], high: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield the entries of ranges, of some ranges at a time: the range's place, and the entry.

    >>> [(which.tolist(), entry.tolist()) for which, entry in entries([0, 5, 7], [2, 5, 8])]
    [([0, 0, 2], [0, 1, 7])]
    """
    size = np.maximum(np.subtract(high, low), 0)
    part = np.cumsum(size) // AT_ONCE
    for one in np.unique(part):
        here = np.flatnonzero(part == one)
        each = size[here]
        which = np.repeat(here, each)
        within = np.arange(len(which)) - np.repeat(np.cumsum(each) - each, each)
        yield which, np.asarray(low)[which] + within


def _mass(
    unit: NDArray[np.int64], at: NDArray[np.float64], page: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return which saves belong to a quick run from page to page; saves by unit, then time."""
    if not len(at):
        return np.zeros(0, dtype=bool)
    goes_on = (np.diff(unit) == 0) & (np.diff(at) <= MASS_PAUSE) & (np.diff(page) != 0)
    run = np.cumsum(np.r_[True, ~goes_on]) - 1
    return np.asarray(np.bincount(run)[run] >= MASS)


def _steady(unit: NDArray[np.int64], at: NDArray[np.float64], n: int) -> NDArray[np.bool_]:
    """Return which units keep a machine's pace."""
    pause = np.diff(at)
    within = (np.diff(unit) == 0) & (pause > 0)
    length, whose = np.log(pause[within]), unit[1:][within]
    count = np.maximum(np.bincount(whose, minlength=n), 1)
    mean = np.bincount(whose, length, minlength=n) / count
    spread = np.sqrt(np.bincount(whose, (length - mean[whose]) ** 2, minlength=n) / count)
    return np.asarray((spread < STEADY) & (count >= 10))


@dataclass(frozen=True)
class Alternation:
    """The turns of every pair.

    Attributes
    ----------
    inverse
        (units, units) 1/LR; 1 where there is nothing to say.
    count, days
        (units, units) turns, and the evenings that they fall on.
    pair, saves, weight
        One entry a turn: low unit · units + high unit; the corpus's (3,) saves; and the natural log
        LR, `mixed at will` against `two people`.
    """

    inverse: NDArray[np.float64]
    count: NDArray[np.int64]
    days: NDArray[np.int64]
    pair: NDArray[np.int64]
    saves: NDArray[np.int64]
    weight: NDArray[np.float64]

    def telling(self, a: int, b: int) -> NDArray[np.int64]:
        """Return the saves of the `TOLD` turns of two units that speak most against mixing."""
        here = np.flatnonzero(self.pair == min(a, b) * len(self.count) + max(a, b))
        chosen = here[np.argsort(self.weight[here], kind="stable")[:TOLD]]
        return np.unique(self.saves[chosen])


def find_alternation(work: ManualEdits, n: int) -> Alternation:
    """Find the turns of all pairs of n units."""
    rows = _turns(work)
    first, second = work.unit[rows[:, 0]], work.unit[rows[:, 1]]
    own = _own_way(work, n)
    pause, part = _cell(work.at[rows])
    weight = np.logaddexp(own[first, pause, part], own[second, pause, part]) - np.log(2)
    pair = np.minimum(first, second) * n + np.maximum(first, second)
    day = np.floor(work.at[rows[:, 0]] / DAY).astype(np.int64)
    count, mixed = _by_pair(pair, day, weight, n)
    days = active_days(pair, work.at[rows[:, 0]], n * n).reshape(n, n)
    days = days + days.T
    inverse = np.where(days >= DAYS, inverse_of_days(days, _common_days(work, n), mixed), 1.0)
    return Alternation(inverse, count, days, pair, work.save[rows], weight)


def _turns(work: ManualEdits) -> NDArray[np.int64]:
    """Return (turns, 3) rows: a save, the other account's only one until the next, and the next."""
    order = np.lexsort((work.at, work.unit))
    goes_on = np.flatnonzero(
        (np.diff(work.unit[order]) == 0) & (np.diff(work.at[order]) <= SESSION)
    )
    start, end = order[goes_on], order[goes_on + 1]
    low = np.searchsorted(work.at, work.at[start], side="right")
    high = np.searchsorted(work.at, work.at[end], side="left")
    found = [np.zeros((0, 3), dtype=np.int64)]
    for pause, middle in entries(low, high):
        other = pause * (work.unit.max() + 1) + work.unit[middle]
        _, first, times = np.unique(other, return_index=True, return_counts=True)
        here = first[times == 1]
        found.append(np.column_stack([start[pause[here]], middle[here], end[pause[here]]]))
    rows = np.concatenate(found)
    rows = rows[np.argsort(work.unit[rows[:, 1]], kind="stable")]  # in one order, so are the sums
    elsewhere = (work.page[rows[:, [1]]] != work.page[rows[:, [0, 2]]]).all(axis=1)
    return np.asarray(rows[elsewhere])


def _own_way(work: ManualEdits, n: int) -> NDArray[np.float64]:
    """Return (units, pauses, parts) ln of how much oftener than by chance a unit parts its time."""
    order = np.lexsort((work.at, work.unit))
    rows = np.column_stack([order[:-2], order[1:-1], order[2:]])
    unit, at, page = work.unit[rows], work.at[rows], work.page[rows]
    own = (unit[:, 0] == unit[:, 2]) & (at[:, 2] - at[:, 0] <= SESSION)
    own &= (page[:, 1] != page[:, 0]) & (page[:, 1] != page[:, 2])
    width = np.diff(PARTS)
    seen = np.zeros((n, len(PAUSES) - 1, len(width)))
    np.add.at(seen, (unit[own, 0], *_cell(at[own])), 1)
    share = seen / np.maximum(seen.sum(axis=(1, 2), keepdims=True), 1)
    usual = share.sum(axis=0) + (0.02 * (seen.sum(axis=(1, 2)) > 0).sum() + 1e-3) * width
    usual /= usual.sum(axis=1, keepdims=True)
    held = (seen + OWN * usual) / (seen.sum(axis=2, keepdims=True) + OWN)
    return np.asarray(np.log(held / width))


def _cell(at: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the cell, by length and by parting, of (turns, 3) times."""
    whole = np.maximum(at[:, 2] - at[:, 0], 1e-9)
    part = 2 * np.minimum(at[:, 1] - at[:, 0], at[:, 2] - at[:, 1]) / whole
    return (
        np.clip(np.searchsorted(PAUSES, whole, side="right") - 1, 0, len(PAUSES) - 2),
        np.clip(np.searchsorted(PARTS, part, side="right") - 1, 0, len(PARTS) - 2),
    )


def _by_pair(
    pair: NDArray[np.int64], day: NDArray[np.int64], weight: NDArray[np.float64], n: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return (units, units) turns, and the sum over days of the mean weight."""
    keys, inverse, size = np.unique(
        np.column_stack([pair, day]), axis=0, return_inverse=True, return_counts=True
    )
    mean = np.bincount(inverse.ravel(), weight, minlength=len(keys)) / size
    count, mixed = (
        np.bincount(keys[:, 0], values, minlength=n * n).reshape(n, n) for values in (size, mean)
    )
    return (count + count.T).astype(np.int64), np.asarray(mixed + mixed.T)


def _common_days(work: ManualEdits, n: int) -> NDArray[np.float64]:
    """Return (units, units) days on which both save something."""
    day = np.floor(work.at / DAY).astype(np.int64)
    if not len(day):
        return np.zeros((n, n))
    shape = (n, int(day.max() - day.min()) + 1)
    active = sparse.csr_matrix((np.ones(len(day)), (work.unit, day - day.min())), shape=shape)
    active.data[:] = 1
    return np.asarray((active @ active.T).toarray(), dtype=float)


def inverse_of_days(
    days: NDArray[np.int64], common: NDArray[np.float64], mixed: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return 1/LR of days with turns.

    Parameters
    ----------
    days, common
        Evenings with a turn, of the days that both accounts work; a turn over midnight may fall on
        a day that is not common.
    mixed
        Natural log LR of `mixed at will` against `two people`.
    """
    after = 1 / inverse_lr(
        days.astype(float), np.maximum(common, days), np.full(days.shape, RARELY)
    )
    return np.asarray(1 / ((1 - MIXED) * after + MIXED * np.exp(np.clip(mixed, -50, 50))))
