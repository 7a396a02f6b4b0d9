"""Whole-wiki screening: which pairs of accounts are worth asking about at all; it flags nobody.

`candidates.screen` writes `candidates.parquet`; `docs/scale.md` says how far one machine goes, and
what to do beyond it.

What it computes stands here, and every engine takes its numbers from here. With d_p the distinct
accounts on page p, N the accounts with at least one edit, and w_p = ln(N / d_p), two accounts that
share pages have

    weighted_overlap = sum over shared pages of w_p**2 / sqrt(sum_a of w_p**2 * sum_b of w_p**2)

the cosine of their page sets with rare pages weighing more: each count is multiplied by the inverse
document frequency of Spärck Jones (1972, "A statistical interpretation of term specificity and its
application in retrieval"). w_p**2 is held as an integer, so that a sum does not depend on its
order, and the quotient is rounded half up to millionths, so that a tie is a tie on every engine.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from sockgraph.errors import ScreeningError

if TYPE_CHECKING:
    from numpy.typing import NDArray

FIXED_POINT = 1 << 20  # w_p**2 is held in units of 2**-20
MICRO = 1_000_000  # scores are held in millionths
CLOSE = 3_600  # seconds between two edits of one page that count as a co-edit, this bound included
HOURS = 168  # hours of a week, UTC; hour 0 begins on Monday at 00:00
MONDAY = 4 * 86_400  # 1970-01-05, the first Monday after the epoch, in seconds
MIN_SHARED = 2
TOP = 50


def page_weights(n_accounts: int, degrees: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return w_p**2 for pages of these degrees.

    Parameters
    ----------
    n_accounts
        N, the accounts with at least one edit.
    degrees
        d_p, shape (pages,), each from 1 to `n_accounts`.

    Returns
    -------
    ndarray of int64, shape (pages,)
        ln(N / d_p)**2 in units of 2**-20, rounded half up.
    """
    unique, place = np.unique(np.asarray(degrees, dtype=np.int64), return_inverse=True)
    weights = [math.floor(math.log(n_accounts / d) ** 2 * FIXED_POINT + 0.5) for d in unique]
    return np.array(weights, dtype=np.int64)[place]


def expected_false_links(pairs: int, flag_log10_lr: float) -> float:
    """Return the most links of different people to expect among `pairs` at a threshold.

    A calibrated likelihood ratio reaches t for different people with a probability of 1/t at most
    (Good 1950, "Probability and the weighing of evidence", after Turing; Royall 2000, "On the
    probability of observing misleading statistical evidence"). It is a bound, reached by no
    sensible method, and it grows with the pairs: that is the price of asking about everybody.

    Parameters
    ----------
    pairs
        Pairs that are compared.
    flag_log10_lr
        log10 of the likelihood ratio from which on a link is flagged.

    >>> expected_false_links(1000, 2.0)
    10.0
    """
    if pairs < 0:
        raise ScreeningError(pairs, "pairs are 0 or more.", "Give how many are compared.")
    return float(min(pairs, pairs * 10.0**-flag_log10_lr))
