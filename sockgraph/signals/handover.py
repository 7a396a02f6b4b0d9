"""Hand-over: one account stops, another starts.

Two people's beginnings and ends have nothing to do with each other. How near B's first save is to
A's end (its last save, or its block if that came later), among the beginnings that the reference
has as near to A's end, and the ends it has as near to B's beginning, gives a probability p under
two people: the larger of both shares. Under one operator p is small, nobody knows how small:

    LR = κ · p^(κ − 1), κ = 1/2,

whose mean is one where p is uniform (Shafer 2021, JRSS-A 184:407), so that a new account years away
from an end speaks a little against. A pair is heard where A ended `SILENT` days before
the histories do, B began as long after them, and the two overlap by `OVERLAP` days at most.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sockgraph.signals.corpus import DAY
from sockgraph.signals.nulls import LIMIT, Trace, held

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sockgraph.signals.corpus import Histories

SILENT = 90 * DAY
OVERLAP = 30 * DAY
TOLD = 3
"""Last and first saves that are named."""
LEAST = 10
"""Reference accounts below which nothing is usual."""


def find_handovers(
    histories: Histories,
    reference: NDArray[np.bool_],
    blocked: NDArray[np.float64],
) -> Trace:
    """Look for hand-overs between all units.

    Parameters
    ----------
    reference
        (units,) whose beginnings and ends are what is usual.
    blocked
        (units,) when an account was last blocked, seconds since 1970; NaN: never.
    """
    n = histories.n_units
    first, last = _lives(histories)
    end = np.fmax(last, blocked)
    latest, earliest = np.nanmax(last, initial=-np.inf), np.nanmin(first, initial=np.inf)
    ended = (latest - end > SILENT) | (blocked >= last)
    gap = first[None, :] - end[:, None]
    heard = ended[:, None] & (first - earliest > SILENT)[None, :] & (gap > -OVERLAP)
    p = np.maximum(
        _share(first[reference], end[:, None], np.abs(gap)),
        _share(end[reference], first[None, :], np.abs(gap)),
    )
    p = np.where(heard & (reference.sum() >= LEAST), p, np.nan)
    p = np.fmin(p, p.T)  # the pair in the order in which the one follows the other
    with np.errstate(invalid="ignore"):
        lr = np.log10(0.5 / np.sqrt(p))

    def telling(a: int, b: int) -> NDArray[np.int64]:
        early, late = (a, b) if end[a] <= end[b] else (b, a)
        before, after = (histories.saves[histories.unit == u] for u in (early, late))
        return np.concatenate([before[-TOLD:], after[:TOLD]])

    support = np.full((n, n), 2, dtype=np.int64)
    return Trace(held(lr, ~np.isnan(p), LIMIT), support, telling)


def _lives(histories: Histories) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each unit's first and last save; NaN where it has none."""
    at = histories.corpus.seconds[histories.saves]
    first, last = np.full((2, histories.n_units), np.nan)
    last[histories.unit] = at  # rows are in the order of time: the latest is written last
    first[histories.unit[::-1]] = at[::-1]
    return first, last


def _share(
    known: NDArray[np.float64], centre: NDArray[np.float64], within: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the share of known times as near to a centre, at least that of one of them."""
    ranked = np.sort(known)
    low = np.searchsorted(ranked, centre - within, side="left")
    count = np.searchsorted(ranked, centre + within, side="right") - low
    return np.asarray(np.clip(count, 1, None) / max(len(ranked), 1))
