"""The alibi: two accounts at work at once, on different pages, beyond what one person explains.

Two statistics of the merged timeline of two accounts, each a ratio of likelihoods whose mean under
one person stays at most one; so does their mean, which is taken: what both saw counts once.

*Turns* (`sockgraph.signals.alternation`): A saves, B saves elsewhere, A saves again.

*Quick changes*: every save is followed by one of its own account or by one of the other. If one
person writes for both, changing the account takes no less time than going on: the pauses before a
*change* of account are no shorter than those before a save of the same account on another page. Two
people pay no attention to each other's clock, and short pauses between them are as common as chance
makes them. Saves of one evening hang together, so the D days with changes are the observations.
With N changes, K of them short, and p the upper side of the share of such short pauses within the
accounts themselves (merged-adjacent too), two things are looked at: the share, k = K·D/N of n = D
observations against q = p; and the days with any short change, k of n = D against
q = 1 - (1-p)^(N/D), which is at least the mean chance of a day of one person (Jensen's inequality).

    LR = q^k (1-q)^(n-k)  /  the same averaged over all shares in (q, `null_models.MOST`·q):

the second person is given no particular pace. What is short is not known either: 1/LR is averaged
over the quantiles `QUICK` of the accounts' own pauses, and over the two.

Only evidence against, held at log10 LR -1: two browsers or a script can buy an alibi. Evenings, not
edits, must be many: an evening buys `LIMIT` / `EVENINGS`, however full it is. What straddles
midnight is one evening (`corpus.active_days`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sockgraph.signals.alternation import (
    DAYS,
    SESSION,
    Alternation,
    ManualEdits,
    entries,
    find_alternation,
    manual_edits,
)
from sockgraph.signals.corpus import active_days
from sockgraph.signals.null_models import inverse_lr

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sockgraph.signals.corpus import Histories

QUICK = (0.02, 0.05, 0.1)
"""Shares of an account's own pauses that count as short, each in turn."""
LIMIT = 1.0
EVENINGS = 14
"""Evenings that the whole of it costs: ten bought ones where chance adds some of its own."""
SIGNIFICANT = 0.95
"""An alibi of less need not be answered."""


@dataclass(frozen=True)
class Alibi:
    """Simultaneous work of every pair.

    Attributes
    ----------
    log10_lr
        (units, units) in [−1, 0]; NaN where there is too little common work, or a history is not
        whole.
    changes, days
        (units, units) changes of account on different pages within a session, and the evenings of
        those after a short pause (the longest of `QUICK`).
    expected
        (units, units) short ones that the accounts' own pace explains.
    turns
        Those by turns.
    incomplete
        (units,) histories that nothing was read from.
    """

    log10_lr: NDArray[np.float64]
    changes: NDArray[np.int64]
    days: NDArray[np.int64]
    expected: NDArray[np.float64]
    turns: Alternation
    incomplete: NDArray[np.bool_]

    @property
    def significant(self) -> NDArray[np.bool_]:
        """Whether a pair has an alibi that somebody must answer."""
        return np.asarray(np.nan_to_num(self.log10_lr) <= -SIGNIFICANT)


def find_alibis(histories: Histories, incomplete: NDArray[np.bool_]) -> Alibi:
    """Look for alibis between all units.

    Parameters
    ----------
    incomplete
        (units,) histories that are not whole: nothing is read from them.
    """
    n = histories.n_units
    work = manual_edits(histories)
    pace = _paces(work, n)
    changes, active, steps = _changes(work, np.fmax.reduce(pace), n)
    against, days, share = np.zeros((n, n)), active, np.zeros((n, n))
    for short in pace:
        quick, days, own = _quick(work, short, steps, n)
        share = (own + 1 + 1.3 * np.sqrt(own + 1)) / (steps.total + 2)  # its upper side
        share = np.minimum(share, 0.99)
        against += _against(changes, quick, days, active, share) / len(pace)
    turns = find_alternation(work, n)
    against = (against + turns.inverse) / 2
    bought = np.minimum(np.maximum(days, turns.days) / EVENINGS, 1.0) * LIMIT
    lr = np.clip(-np.log10(np.maximum(against, 1e-300)), -bought, 0.0)
    silent = (changes < 5) | ((steps.total < 10) & (turns.days < DAYS))
    silent |= incomplete[:, None] | incomplete[None, :]
    np.fill_diagonal(silent, val=True)
    lr = np.where(silent, np.nan, lr)
    return Alibi(lr, changes, days, changes * share, turns, incomplete)


def _paces(work: ManualEdits, n: int) -> NDArray[np.float64]:
    """Return (quantiles, units) what is short: pauses between two pages, by `QUICK`."""
    order = np.lexsort((work.at, work.unit))
    unit, at, page = work.unit[order], work.at[order], work.page[order]
    pause = np.diff(at)
    used = (np.diff(unit) == 0) & (np.diff(page) != 0) & (pause <= SESSION)
    found = np.full((len(QUICK), n), np.nan)
    for one in np.unique(unit[1:][used]):
        pauses = pause[used & (unit[1:] == one)]
        if len(pauses) >= 10:
            found[:, one] = np.quantile(pauses, QUICK)
    return found


@dataclass(frozen=True)
class _Steps:
    """What follows a save, in the merged timeline of its unit and every other one.

    A pair is the save's unit · units + the other one. Only what is short is held: of all, there are
    edits times units.

    Attributes
    ----------
    row, pair, after
        One entry a change: a row of the work that a save of the other unit follows, on another page
        and within a session; and the pause.
    cut, until
        One entry a save that its own unit would follow, were the other not in between: the pair,
        and the pause until its own.
    stay
        By unit: the sorted pauses until its own next save, on another page and within a session.
    total
        (units, units) how many of these no save of the other parts, short or not.
    """

    row: NDArray[np.int64]
    pair: NDArray[np.int64]
    after: NDArray[np.float64]
    cut: NDArray[np.int64]
    until: NDArray[np.float64]
    stay: list[NDArray[np.float64]]
    total: NDArray[np.int64]


def _changes(
    work: ManualEdits, short: NDArray[np.float64], n: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], _Steps]:
    """Return changes of account, the days that they fall on, and every short step."""
    next_at, next_page = _next_own(work)
    stays = (next_at <= SESSION) & (next_page != work.page)
    tau = _tau(short).ravel()
    low = np.searchsorted(work.at, work.at, side="left")
    high = np.searchsorted(work.at, work.at + np.minimum(next_at, SESSION), side="right")
    none, never = np.zeros(0, dtype=np.int64), np.zeros(0)
    changed, cuts, parted = [(none, none, never)], [(none, never)], np.zeros(n * n, dtype=np.int64)
    for before, behind in entries(low, high):
        pause = work.at[behind] - work.at[before]
        other = work.unit[before] != work.unit[behind]
        here = np.flatnonzero(other & (pause < next_at[before]) & (pause <= SESSION))
        _, first = np.unique((before * n + work.unit[behind])[here], return_index=True)
        row, seen, pause = before[here[first]], behind[here[first]], pause[here[first]]
        pair = work.unit[row] * n + work.unit[seen]
        change = work.page[seen] != work.page[row]
        changed.append((row[change], pair[change], pause[change]))
        apart = stays[row]
        parted += np.bincount(pair[apart], minlength=n * n)
        apart &= next_at[row] <= tau[pair]
        cuts.append((pair[apart], next_at[row[apart]]))
    row, pair, after = (np.concatenate([part[i] for part in changed]) for i in range(3))
    changes, active = _count(work, row, pair, n)
    quick = after <= tau[pair]
    total = np.bincount(work.unit[stays], minlength=n)[:, None] - parted.reshape(n, n)
    np.fill_diagonal(total, 0)
    steps = _Steps(
        row[quick],
        pair[quick],
        after[quick],
        np.concatenate([part[0] for part in cuts]),
        np.concatenate([part[1] for part in cuts]),
        [np.sort(next_at[stays & (work.unit == one)]) for one in range(n)],
        total + total.T,
    )
    return changes + changes.T, active + active.T, steps


def _tau(short: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (units, units) what is short for both of two; -1 where neither has a pace."""
    return np.asarray(np.nan_to_num(np.fmin.outer(short, short), nan=-1.0))


def _quick(
    work: ManualEdits, short: NDArray[np.float64], steps: _Steps, n: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return changes after a short pause, their days, and the units' own short pauses."""
    tau = _tau(short)
    here = steps.after <= tau.ravel()[steps.pair]
    quick, days = _count(work, steps.row[here], steps.pair[here], n)
    each = zip(steps.stay, tau, strict=True)
    own = np.reshape([np.searchsorted(known, most, side="right") for known, most in each], (n, n))
    parted = np.bincount(steps.cut[steps.until <= tau.ravel()[steps.cut]], minlength=n * n)
    own -= parted.reshape(n, n)
    np.fill_diagonal(own, 0)
    return quick + quick.T, days + days.T, own + own.T


def _count(
    work: ManualEdits, rows: NDArray[np.int64], pair: NDArray[np.int64], n: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (units, units) how many rows each pair has, and on how many evenings."""
    counts = np.bincount(pair, minlength=n * n), active_days(pair, work.at[rows], n * n)
    return counts[0].reshape(n, n), counts[1].reshape(n, n)


def _next_own(work: ManualEdits) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the pause until each save's account saves again, and on which page."""
    order = np.lexsort((work.at, work.unit))
    pause, page = np.full(len(order), np.inf), np.full(len(order), -2)
    same = np.diff(work.unit[order]) == 0
    pause[order[:-1]] = np.where(same, np.diff(work.at[order]), np.inf)
    page[order[:-1]] = np.where(same, work.page[order[1:]], -2)
    return pause, page


def _against(  # noqa: PLR0917 - counts of one pace
    changes: NDArray[np.int64],
    quick: NDArray[np.int64],
    days: NDArray[np.int64],
    active: NDArray[np.int64],
    share: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return 1/LR, the mean of that of the share and that of the days."""
    n, each = active.astype(float), changes / np.maximum(active, 1)
    of_share = inverse_lr(quick / np.maximum(each, 1), n, share)
    of_days = inverse_lr(np.minimum(days, active), n, 1 - (1 - share) ** each)
    return np.asarray((of_share + of_days) / 2)


def stretches(histories: Histories, first: int, second: int) -> list[tuple[float, float, int, int]]:
    """Return when two units worked by turns: start, end (seconds), saves, changes of account."""
    pair = histories.take(np.array([first, second]))
    work = manual_edits(pair)
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
