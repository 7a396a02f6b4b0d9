"""Rivals: whether somebody else explains an account better.

An account has one operator. If a is much liker r than b, then r, not b, is whom its operator also
runs, unless b is as like r as a is: then all three may be one person's, and r is no rival. Counting
every other account as one that a's operator may run besides, at odds of π each (`PRIOR`), b's share
in explaining a is

    LR(a, b) / (1/π + Σ_r LR(a, r) · P(b ≠ r)),    P(b ≠ r) = 1 / (1 + π · LR(b, r)),

over the r of the community other than a and b: Bayes' rule over hypotheses that exclude each other,
softened where they do not. With rivalry(a, b) the mean over both sides of log10 of the denominator,

    score − rivalry,  brought back to log10 LR by one line fitted on the reference.

It is the fused counterpart of `sockgraph.evidence.relative`, and never a family of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

PRIOR = 0.01
"""One of a hundred others: the size of a community. Ranking is flat from 1/10 to 1/1,000."""
MOST = 8.0
"""log10 LR beyond which a rival is not followed: exclusive long before, and finite."""


def explained(
    scores: NDArray[np.float64], partner: NDArray[np.float64], member: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return log10 of how well others explain each unit, were they not its partner's too.

    Parameters
    ----------
    scores
        (units, accounts) log10 LR with every account; NaN where it is not to be asked: the unit's
        own account.
    partner
        (partners, accounts) those of whoever the unit is compared with.
    member
        (accounts,) whether an account may be a rival.

    Returns
    -------
    numpy.ndarray
        (units, partners); at least −log10 `PRIOR`.
    """
    ratio = _ratios(scores, member)
    apart = np.where(np.isnan(partner), 0.0, 1 / (1 + PRIOR * 10 ** np.clip(partner, -MOST, MOST)))
    return np.asarray(np.log10(1 / PRIOR + ratio @ apart.T))


def rivalry(scores: NDArray[np.float64], member: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the (accounts, accounts) rivalry of every pair, symmetric."""
    apart = ~np.eye(len(member), dtype=bool)
    held = np.where(apart, scores, np.nan)
    found = explained(held, held, member)
    return np.asarray((found + found.T) / 2)


def rivalry_of_halves(
    others: NDArray[np.float64], member: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the (splits,) rivalry between the two halves of each.

    Parameters
    ----------
    others
        (2, splits, accounts) scores of each half with every account, NaN at its own.
    member
        (accounts,) whether an account may be a rival.
    """
    sides = []
    for one, other in (others, others[::-1]):
        apart = 1 / (1 + PRIOR * 10 ** np.clip(np.nan_to_num(other, nan=MOST), -MOST, MOST))
        sides.append(np.log10(1 / PRIOR + (_ratios(one, member) * apart).sum(axis=1)))
    return np.asarray((sides[0] + sides[1]) / 2)


def _ratios(scores: NDArray[np.float64], member: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return likelihood ratios; none where there is no score or no rival."""
    told = ~np.isnan(scores) & member[None, :]
    return np.where(told, 10 ** np.clip(np.nan_to_num(scores), -MOST, MOST), 0.0)
