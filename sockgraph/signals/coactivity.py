"""When two accounts are active: one stops as another starts, and both are at work at once.

*Hand-over.* Two people's beginnings and ends have nothing to do with each other. A pair is *heard*
where the earlier account A ended `SILENT` before the histories do (or was blocked) and the later
one, B, began `SILENT` after they do and `OVERLAP` before A's end at most. How near B's first save
is to A's end (its last save, or its block if that came later) is then set against what else would
have been heard, so that a busy season, or the last months of a wiki, say nothing by themselves:

- of the reference accounts whose beginning would be heard with A, the share that begin as near;
- of the reference accounts whose end would be heard with B, the share that end as near;

the pair itself counted in either. Both are conformal p-values (Vovk, Gammerman & Shafer 2005): the
one as large as uniform under two people *given A and that B is heard*, the other given B. p is the
larger, so that it holds given either. Under one operator p is small, nobody knows how small:

    LR = κ · p^(κ − 1), κ = 1/2,

whose mean is at most one (Shafer 2021, JRSS-A 184:407). Where m others begin as near, p is m + 1 of
all: whoever was just blocked makes nobody a successor whose beginning is one of many. Hand-over
moves the score, by ±1 at most, and never carries a flag.

*Meetings*, in the same weeks and half hours. What is seen is set against the same count with one
account's saves moved by whole weeks, either way (`WEEKS`): activity, hours and days of the week
stay as they are. People of one community meet oftener than such clocks, because something happens;
so what is expected is lifted by as much as all pairs together meet oftener. What one operator does
is a factor on top, one of `times`, equally weighted; counts under two people are Poisson, or wider
by what the moves themselves vary:

    LR = mean over times of  times^k · exp((1 − times) · e).

- *coupled absence*: weeks, moved by `FAR` weeks. An operator who is away is away with every
  account; one who works with one account for weeks is away with the others. Both are looked for.
- *sessions*: half hours. Who works with one account does not with the other.

Both are held at log10 LR ±`MOST`: at that, the mean average precision on nineteen labelled
communities is 0.013 higher with them; at ±1 it is lower. Where no meeting is expected, nothing is
said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.special import logsumexp

from sockgraph.signals.corpus import DAY
from sockgraph.signals.null_models import LIMIT, NullTrace, clipped, poisson_lr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sockgraph.signals.corpus import Histories

SILENT = 90 * DAY
OVERLAP = 30 * DAY
TOLD = 3
"""Last and first saves that are named; of meetings, so many."""
LEAST_HEARD = 5
"""Reference accounts that would be heard, below which nothing is usual."""
WEEK = 7 * DAY
WEEKS = (1, 2, 3, 4)
FAR = (4, 6, 8, 10, 12)
LEAST_MET = 0.5
"""Meetings expected from which on something is said; never chosen by what was seen."""
MOST = 0.3


def find_handovers(
    histories: Histories,
    reference: NDArray[np.bool_],
    blocked: NDArray[np.float64],
) -> NullTrace:
    """Look for hand-overs between all units: one account stops, another starts.

    Parameters
    ----------
    reference
        (units,) whose beginnings and ends are what is usual.
    blocked
        (units,) when an account was last blocked, seconds since 1970; NaN: never.
    """
    first, last = _lives(histories)
    end = np.fmax(last, blocked)
    latest, earliest = np.nanmax(last, initial=-np.inf), np.nanmin(first, initial=np.inf)
    ended = (latest - end > SILENT) | (blocked >= last)
    gap = first[None, :] - end[:, None]
    heard = ended[:, None] & (first - earliest > SILENT)[None, :] & (gap > -OVERLAP)
    heard &= first[:, None] < first[None, :]  # one order a pair: a second look would count twice
    far = np.where(heard, np.abs(gap), np.nan)
    sides = _as_near(far, reference), _as_near(far.T, reference).T
    p = np.maximum(*sides)
    p = np.fmin(p, p.T)  # heard in one order, if at all
    lr = np.log10(0.5 / np.sqrt(p))

    def telling(a: int, b: int) -> NDArray[np.int64]:
        early, late = (a, b) if first[a] <= first[b] else (b, a)
        before, after = (histories.saves[histories.unit == u] for u in (early, late))
        return np.concatenate([before[-TOLD:], after[:TOLD]])

    support = np.where(np.isnan(p), 0, 2)
    return NullTrace(clipped(lr, ~np.isnan(p), LIMIT), support.astype(np.int64), telling)


def _lives(histories: Histories) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each unit's first and last save; NaN where it has none."""
    at = histories.corpus.seconds[histories.saves]
    first, last = np.full((2, histories.n_units), np.nan)
    last[histories.unit] = at  # rows are in the order of time: the latest is written last
    first[histories.unit[::-1]] = at[::-1]
    return first, last


def _as_near(far: NDArray[np.float64], reference: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return, a row a unit, the share of those heard with it that lie as near as each does.

    Parameters
    ----------
    far
        (units, units) seconds; NaN where not heard.
    reference
        (units,) who counts, besides the one that is asked about.
    """
    share = np.full(far.shape, np.nan)
    for row, seen in zip(share, far, strict=True):
        ranked = np.sort(seen[reference & ~np.isnan(seen)])
        others = len(ranked) - reference
        nearer = np.searchsorted(ranked, seen, side="right") - reference
        enough = ~np.isnan(seen) & (others >= LEAST_HEARD)
        row[enough] = (nearer[enough] + 1) / (others[enough] + 1)
    return share


@dataclass(frozen=True)
class _Cells:
    """Where saves fall: unit, cell of time and the save, one entry each."""

    unit: NDArray[np.int64]
    cell: NDArray[np.int64]
    save: NDArray[np.int64]
    week: int  # cells in a week


def coupled_absence(histories: Histories) -> NullTrace:
    """Compare the weeks in which accounts are at work."""
    cells = _times(histories, WEEK)
    return _trace(cells, histories.n_units, weeks=FAR, times=(0.75, 1.33))


def shared_sessions(histories: Histories) -> NullTrace:
    """Compare the half hours in which accounts are at work."""
    cells = _times(histories, 1800.0)
    return _trace(cells, histories.n_units, weeks=WEEKS, times=(0.33,))


def _times(histories: Histories, size: float) -> _Cells:
    time = np.floor(histories.corpus.seconds[histories.saves] / size).astype(np.int64)
    return _Cells(histories.unit, time, histories.saves, round(WEEK / size))


def _trace(cells: _Cells, n: int, *, weeks: Sequence[int], times: Sequence[float]) -> NullTrace:
    counted = _held(cells, n)
    seen = counted.common(0)
    moved = [counted.common(week * cells.week) for week in weeks]
    both = np.stack([*moved, *(m.T for m in moved)])
    expected, apart = both.mean(axis=0), ~np.eye(n, dtype=bool)
    wider = max(1.0, both.var(axis=0)[apart].sum() / max(expected[apart].sum(), 1e-9))
    expected *= max(1.0, seen[apart].sum() / max(expected[apart].sum(), 1e-9))
    each = [poisson_lr(seen, expected, t) / wider - np.log(len(times)) for t in times]
    lr = logsumexp(np.stack(each), axis=0) / np.log(10)
    return NullTrace(
        clipped(lr, expected >= LEAST_MET, MOST), seen.astype(np.int64), counted.telling
    )


@dataclass(frozen=True)
class _Held:
    """Which units hold which cells: (units, cells) presence, and the cells in rising order."""

    cells: _Cells
    known: NDArray[np.int64]
    by_unit: sparse.csc_matrix

    def common(self, move: int) -> NDArray[np.float64]:
        """Return (units, units) cells of the one that the other holds `move` cells later."""
        if not len(self.known):
            return np.zeros((self.by_unit.shape[0],) * 2)
        place = np.minimum(np.searchsorted(self.known, self.known + move), len(self.known) - 1)
        here = np.flatnonzero(self.known[place] == self.known + move)
        return np.asarray((self.by_unit[:, here] @ self.by_unit[:, place[here]].T).toarray())

    def telling(self, a: int, b: int) -> NDArray[np.int64]:
        """Return saves of both in the first cells that they share."""
        mine, other = (np.flatnonzero(self.cells.unit == u) for u in (a, b))
        cell = self.cells.cell
        shared = np.intersect1d(cell[mine], cell[other])[:TOLD]
        found = [rows[np.isin(cell[rows], shared)][: 2 * TOLD] for rows in (mine, other)]
        return np.unique(self.cells.save[np.concatenate(found)])


def _held(cells: _Cells, n: int) -> _Held:
    known, column = np.unique(cells.cell, return_inverse=True)
    shape = (n, len(known))
    by_unit = sparse.csr_matrix((np.ones(len(column)), (cells.unit, column)), shape=shape)
    by_unit.data[:] = 1
    return _Held(cells, known, by_unit.tocsc())
