"""The alibi: two accounts at work at once, on different pages, faster than either pace explains.

In the merged timeline of two accounts every save is followed by one of its own account or by one
of the other. If one person writes for both, changing the account takes no less time than going
on: the pauses before a *change* of account are no shorter than those before a save of the same
account on another page. Two people pay no attention to each other's clock, and short pauses
between them are as common as chance makes them. With N changes of account on different pages, K
of them after at most τ seconds, and p the upper side of the share of such short pauses within the
accounts themselves (merged-adjacent too),

    LR = p^K (1−p)^(N−K)  /  the same averaged over all shares in (p, 1):

the second person is given no particular pace. N and K are brought down to the number of days that
they fall on, since the saves of one evening are one observation. Only evidence against, held at
log10 LR -1: two browsers or a script can buy an alibi. Days, not edits, must be many: `DAYS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betainc, betaln

from sockgraph.signals.histories import DAY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sockgraph.signals.histories import Histories

SESSION = 1800.0
"""Longer pauses end a session and are no pace."""
QUICK = 0.1
"""The share of an account's own pauses that counts as short."""
BATCH = 3
"""A save of more pages is a batch, and no sign of where anyone was."""
BURST = 6
"""More saves within a minute are a script's."""
STEADY = 0.25
"""An account whose ln pauses spread less than this keeps a machine's pace."""
DAYS = 3
LIMIT = 1.0
SIGNIFICANT = 0.95


@dataclass(frozen=True)
class Alibi:
    """Simultaneous work of every pair.

    Attributes
    ----------
    log10_lr
        (units, units) in [−1, 0]; NaN where there is too little common work, or a history is not
        whole.
    changes, quick, days
        (units, units) changes of account on different pages within a session, those after a short
        pause, and the days that the latter fall on.
    expected
        (units, units) short ones that the accounts' own pace explains.
    incomplete
        (units,) histories that nothing was read from.
    """

    log10_lr: NDArray[np.float64]
    changes: NDArray[np.int64]
    quick: NDArray[np.int64]
    days: NDArray[np.int64]
    expected: NDArray[np.float64]
    incomplete: NDArray[np.bool_]

    @property
    def significant(self) -> NDArray[np.bool_]:
        """Whether a pair has an alibi that somebody must answer."""
        return (np.nan_to_num(self.log10_lr) <= -SIGNIFICANT) & (self.days >= DAYS)


@dataclass(frozen=True)
class _Work:
    """What is left after batches and bursts, in time order: unit, seconds, page of every save."""

    unit: NDArray[np.int64]
    at: NDArray[np.float64]
    page: NDArray[np.int64]


def find_alibis(histories: Histories, incomplete: NDArray[np.bool_]) -> Alibi:
    """Look for alibis between all units.

    Parameters
    ----------
    incomplete
        (units,) histories that are not whole: nothing is read from them.
    """
    n = histories.n_units
    work = _work(histories)
    short = _short(work, n)
    cross, own = _count(work, short, n)
    changes, quick, days, active = (c + c.T for c in cross)
    own_all, own_quick = (c + c.T for c in own)
    share = (own_quick + 1 + 1.3 * np.sqrt(own_quick + 1)) / (own_all + 2)  # its upper side
    share = np.minimum(share, 0.99)
    lr = _log10_lr(changes, quick, active, share)
    silent = (changes < 5) | (own_all < 10) | incomplete[:, None] | incomplete[None, :]
    np.fill_diagonal(silent, val=True)
    lr = np.where(silent, np.nan, lr)
    return Alibi(lr, changes, quick, days, changes * share, incomplete)


def _work(histories: Histories) -> _Work:
    corpus = histories.corpus
    first = np.searchsorted(corpus.save, histories.saves)
    at = corpus.seconds[histories.saves]
    keep = corpus.n_pages[histories.saves] <= BATCH
    minute = np.floor(at / 60)
    new = (np.diff(histories.unit, prepend=-1) != 0) | (np.diff(minute, prepend=-1) != 0)
    bunch = np.cumsum(new) - 1
    keep &= np.bincount(bunch)[bunch] < BURST if len(bunch) else True
    keep &= ~_steady(histories.unit, at, histories.n_units)[histories.unit]
    order = np.argsort(at[keep], kind="stable")
    return _Work(histories.unit[keep][order], at[keep][order], corpus.page[first][keep][order])


def _steady(unit: NDArray[np.int64], at: NDArray[np.float64], n: int) -> NDArray[np.bool_]:
    """Return which units keep a machine's pace."""
    pause = np.diff(at)
    within = (np.diff(unit) == 0) & (pause > 0)
    length, whose = np.log(pause[within]), unit[1:][within]
    count = np.maximum(np.bincount(whose, minlength=n), 1)
    mean = np.bincount(whose, length, minlength=n) / count
    spread = np.sqrt(np.bincount(whose, (length - mean[whose]) ** 2, minlength=n) / count)
    return np.asarray((spread < STEADY) & (count >= 10))


def _short(work: _Work, n: int) -> NDArray[np.float64]:
    """Return each unit's τ: the pause between two pages that a tenth of its own are within."""
    order = np.lexsort((work.at, work.unit))
    unit, at, page = work.unit[order], work.at[order], work.page[order]
    pause = np.diff(at)
    used = (np.diff(unit) == 0) & (np.diff(page) != 0) & (pause <= SESSION)
    found = np.full(n, np.nan)
    for one in np.unique(unit[1:][used]):
        pauses = pause[used & (unit[1:] == one)]
        if len(pauses) >= 10:
            found[one] = np.quantile(pauses, QUICK)
    return found


def _count(
    work: _Work, short: NDArray[np.float64], n: int
) -> tuple[tuple[NDArray[np.int64], ...], tuple[NDArray[np.int64], ...]]:
    """Count, for each unit's saves and every other unit, what follows: a change, or its own."""
    changes, quick, days, active = (np.zeros((n, n), dtype=np.int64) for _ in range(4))
    own_all, own_quick = (np.zeros((n, n), dtype=np.int64) for _ in range(2))
    next_at, next_page = _next_own(work)
    day = np.floor(work.at / DAY).astype(np.int64)
    for other in np.flatnonzero(~np.isnan(short)):
        mine = np.flatnonzero(work.unit == other)
        place = np.searchsorted(work.at[mine], work.at, side="left")
        there = place < len(mine)
        following = mine[np.minimum(place, max(len(mine) - 1, 0))]
        pause = np.where(there, work.at[following] - work.at, np.inf)
        tau = np.fmin(short[work.unit], short[other])
        foreign = work.unit != other
        change = foreign & (pause < next_at) & (pause <= SESSION)
        change &= work.page[following] != work.page
        fast = change & (pause <= tau)
        stays = foreign & (next_at <= pause) & (next_at <= SESSION) & (next_page != work.page)
        for table, rows in (
            (changes, change),
            (quick, fast),
            (own_all, stays),
            (own_quick, stays & (next_at <= tau)),
        ):
            table[:, other] = np.bincount(work.unit[rows], minlength=n)
        for table, rows in ((days, fast), (active, change)):
            found = np.unique(np.column_stack([work.unit[rows], day[rows]]), axis=0)
            table[:, other] = np.bincount(found[:, 0], minlength=n)
    return (changes, quick, days, active), (own_all, own_quick)


def _next_own(work: _Work) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the pause until each save's account saves again, and on which page."""
    order = np.lexsort((work.at, work.unit))
    pause, page = np.full(len(order), np.inf), np.full(len(order), -2)
    same = np.diff(work.unit[order]) == 0
    pause[order[:-1]] = np.where(same, np.diff(work.at[order]), np.inf)
    page[order[:-1]] = np.where(same, work.page[order[1:]], -2)
    return pause, page


def _log10_lr(
    changes: NDArray[np.int64],
    quick: NDArray[np.int64],
    active: NDArray[np.int64],
    share: NDArray[np.float64],
) -> NDArray[np.float64]:
    n = np.minimum(changes, active).astype(float)
    k = quick * n / np.maximum(changes, 1)
    same = k * np.log(share) + (n - k) * np.log1p(-share)
    a, b = k + 1, n - k + 1
    beyond = np.maximum(1 - betainc(a, b, share), 1e-12)
    other = betaln(a, b) + np.log(beyond) - np.log1p(-share)
    return np.asarray(np.clip((same - other) / np.log(10), -LIMIT, 0.0))


def stretches(histories: Histories, first: int, second: int) -> list[tuple[float, float, int, int]]:
    """Return when two units worked by turns: start, end (seconds), saves, changes of account."""
    pair = histories.take(np.array([first, second]))
    work = _work(pair)
    if not len(work.at):
        return []
    run = np.cumsum(np.diff(work.at, prepend=-np.inf) > SESSION) - 1
    change = np.diff(work.unit, prepend=work.unit[0]) != 0
    change &= np.diff(work.page, prepend=-2) != 0
    turns = np.bincount(run, change & (np.diff(run, prepend=-1) == 0)).astype(int)
    found = []
    for one in np.flatnonzero(turns > 1):
        at = work.at[run == one]
        found.append((float(at[0]), float(at[-1]), len(at), int(turns[one])))
    return found
