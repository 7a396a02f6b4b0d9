"""Rivals: how nearly others come.

If an account is about as like five other people as it is like this one, the likeness says little
of this one. A pair's fused score is therefore held against the scores that either side reaches
with others of the community:

    rivalry(a, b) = mean over both sides of the mean of the side's `NEXT` highest scores with
    others, score − `SHARE` · rivalry,  brought back to log10 LR by one line fitted on the
    reference.

It is the second, fused stage of `sockgraph.evidence.relative`, and never counts as a family of
its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEXT = 5
SHARE = 0.5


def best_others(scores: NDArray[np.float64], counts: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return, for every cell, its row's mean `NEXT` highest scores, the cell itself left out.

    Parameters
    ----------
    scores
        (units, members).
    counts
        (units, members): whether a member may be a rival; a cell that may not is left out anyway.

    Returns
    -------
    numpy.ndarray
        (units, members); NaN for rows with too few members.
    """
    if scores.shape[1] <= NEXT:
        return np.full(scores.shape, np.nan)
    held = np.where(counts & ~np.isnan(scores), scores, -np.inf)
    order = np.argsort(-held, axis=1, kind="stable")
    ranked = np.take_along_axis(held, order, axis=1)
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.broadcast_to(np.arange(held.shape[1]), order.shape), axis=1)
    among = (rank < NEXT) & np.isfinite(held)
    total = ranked[:, :NEXT].sum(axis=1, keepdims=True)
    own = np.where(among, held, 0.0)
    found = np.where(among, total - own + ranked[:, NEXT : NEXT + 1], total) / NEXT
    return np.where(np.isfinite(found), found, np.nan)


def rivalry(scores: NDArray[np.float64], member: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the (accounts, accounts) rivalry of every pair; zero where others are too few."""
    counts = member[None, :] & ~np.eye(len(member), dtype=bool)
    found = best_others(scores, counts)
    return np.nan_to_num((found + found.T) / 2, nan=0.0)
