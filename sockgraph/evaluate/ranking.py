"""How well a score ranks same-operator pairs above others, ties averaged.

A tie has no order. Each measure is therefore its expectation over a uniformly random order within
every tie, in closed form: no random number is drawn and the order of rows is without effect. With
no ties, each is its usual self.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import digamma

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sockgraph.evaluate.tally import Tally


def roc_auc(counts: Tally) -> float:
    """Return the chance that a same-operator pair ranks above a different-operator pair.

    A tie counts half: the Mann-Whitney statistic over n_same x n_different (Hanley & McNeil 1982,
    Radiology 143:29).
    """
    below = counts.n_different - np.cumsum(counts.different)
    wins = counts.same @ (below + counts.different / 2)
    return float(wins / (counts.n_same * counts.n_different))


def average_precision(counts: Tally) -> float:
    """Return the mean over same-operator pairs of the precision at their rank.

    In a tie of n pairs, r of them of one operator, with t pairs and R of one operator above, the
    pair at place i is of one operator with chance r/n and then has R + 1 + (i-1)(r-1)/(n-1) such
    pairs down to its own place, in expectation. The sum over i of r/n times that over (t + i) is
    the tie's share (McSherry & Najork 2008, ECIR, eq. 10).
    """
    size = counts.same + counts.different
    above = np.cumsum(size) - size
    found = np.cumsum(counts.same) - counts.same
    step = (counts.same - 1) / np.maximum(size - 1, 1)
    harmonic = _harmonic(above, size)
    gain = (found + 1 - step) * harmonic + step * (size - above * harmonic)
    return float((counts.same / size) @ gain / counts.n_same)


def _harmonic(above: NDArray[np.int64], size: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the sum of 1/(above + i) for i = 1 ... size."""
    summed = digamma(above + size + 1.0) - digamma(above + 1.0)
    return np.where(size == 1, 1 / (above + 1.0), summed)  # exact where most values are


def recall_at_fpr(counts: Tally, per: int = 1000) -> float:
    """Return the share of same-operator pairs found at a false-link rate of one in `per` (>= 2).

    Going down the ranking, pairs are taken while at most ``n_different // per`` of those taken are
    false: all up to, and not including, false pair j = that + 1. If this pair lies in a tie with r
    same-operator pairs, m different-operator pairs and F of these above, each of the r comes before
    it with chance (j - F)/(m + 1), the spacing of m random places (David & Nagaraja 2003, Order
    Statistics, 2.5).
    """
    first_refused = counts.n_different // per + 1
    false = np.cumsum(counts.different)
    tie = int(np.searchsorted(false, first_refused))
    into = first_refused - (false[tie] - counts.different[tie])
    found = counts.same[:tie].sum() + counts.same[tie] * into / (counts.different[tie] + 1)
    return float(found / counts.n_same)
