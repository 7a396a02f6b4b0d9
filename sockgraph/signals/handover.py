"""Hand-over: one account stops, another starts.

Two people's beginnings and ends have nothing to do with each other. A pair is *heard* where the
earlier account A ended `SILENT` before the histories do (or was blocked) and the later one, B,
began `SILENT` after they do and `OVERLAP` before A's end at most. How near B's first save is to A's
end (its last save, or its block if that came later) is then set against what else would have been
heard, so that a busy season, or the last months of a wiki, say nothing by themselves:

- of the reference accounts whose beginning would be heard with A, the share that begin as near;
- of the reference accounts whose end would be heard with B, the share that end as near;

the pair itself counted in either. Both are conformal p-values (Vovk, Gammerman & Shafer 2005): the
one as large as uniform under two people *given A and that B is heard*, the other given B. p is the
larger, so that it holds given either. Under one operator p is small, nobody knows how small:

    LR = κ · p^(κ − 1), κ = 1/2,

whose mean is at most one (Shafer 2021, JRSS-A 184:407). Where m others begin as near, p is m + 1 of
all: whoever was just blocked makes nobody a successor whose beginning is one of many. Hand-over
moves the score, by ±1 at most, and never carries a flag.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sockgraph.signals.corpus import DAY
from sockgraph.signals.null_models import LIMIT, NullTrace, clipped

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sockgraph.signals.corpus import Histories

SILENT = 90 * DAY
OVERLAP = 30 * DAY
TOLD = 3
"""Last and first saves that are named."""
LEAST = 5
"""Reference accounts that would be heard, below which nothing is usual."""


def find_handovers(
    histories: Histories,
    reference: NDArray[np.bool_],
    blocked: NDArray[np.float64],
) -> NullTrace:
    """Look for hand-overs between all units.

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
        enough = ~np.isnan(seen) & (others >= LEAST)
        row[enough] = (nearer[enough] + 1) / (others[enough] + 1)
    return share
