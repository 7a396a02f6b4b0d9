"""Meetings: whether two accounts are at work in the same weeks and half hours.

What is seen is set against the same count with one account's saves moved by whole weeks, either
way (`WEEKS`): activity, hours and days of the week stay as they are. People of one community meet
oftener than such clocks, because something happens; so what is expected is lifted by as much as all
pairs together meet oftener. What one operator does is a factor on top, one of `times`, equally
weighted; counts under two people are Poisson, or wider by what the moves themselves vary:

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
from sockgraph.signals.null_models import NullTrace, clipped, poisson_lr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sockgraph.signals.corpus import Histories

WEEK = 7 * DAY
WEEKS = (1, 2, 3, 4)
FAR = (4, 6, 8, 10, 12)
LEAST = 0.5
"""Meetings expected from which on something is said; never chosen by what was seen."""
MOST = 0.3
TOLD = 3
"""Meetings whose saves are named."""


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
    return NullTrace(clipped(lr, expected >= LEAST, MOST), seen.astype(np.int64), counted.telling)


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
