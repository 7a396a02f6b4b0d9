"""Time: when an account works.

Hours of the week are compared, never placed: a bag of hours around the week, so that turning every
clock of the case by the same number of hours changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from sockgraph.signals.vectors import TermMatrix, sum_by_account

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sockgraph.signals.corpus import Corpus

BINS = 168
SPREAD_HOURS, SPREAD_DAYS = 1.5, 1.0
"""Standard deviations of the kernel that each save is spread by, around the day and the week."""
LEAST = 1e-3
"""A smaller share of a save is not kept: a kernel holds some fifty of the bins."""
STEP = 300
"""Seconds: saves of the same five minutes of the week share their kernel."""
WEEK = 7 * 86_400


def hour_bag(corpus: Corpus) -> TermMatrix | None:
    """Make the bag of hours of the week: each save spread over its neighbours.

    The kernel is a product of two von Mises densities, exp((cos δ − 1)/σ² + (cos ε − 1)/τ²), δ and
    ε the angles between save and bin around the day and around the week, σ and τ `SPREAD_HOURS` and
    `SPREAD_DAYS` as such angles: the same hour of the day before counts, and less than that of the
    same day. Every save weighs one. None where the source gives days alone.
    """
    if not corpus.timed:
        return None
    moment = (corpus.seconds % WEEK // STEP).astype(np.int64)
    rows = _kernels()
    saves = np.bincount(corpus.account, minlength=len(corpus.users)).astype(float)
    trust = saves / (saves + 10.0)
    own = sum_by_account(corpus, rows, moment).multiply((trust / np.maximum(saves, 1))[:, None])
    rate = np.asarray(own.sum(axis=0)).ravel() / max(trust.sum(), 1e-12)
    return TermMatrix(rows, moment, np.full(BINS, float(len(saves))), rate, len(saves))


def _kernels() -> sparse.csr_matrix:
    """Return the (five minutes of the week, bins) kernel of every moment."""
    seconds = (np.arange(WEEK // STEP) + 0.5) * STEP
    apart = seconds[:, None] - np.arange(BINS) * WEEK / BINS
    kernel = np.exp(
        _fall(apart, 86_400, SPREAD_HOURS * 3_600) + _fall(apart, WEEK, SPREAD_DAYS * 86_400)
    )
    kernel /= kernel.sum(axis=1, keepdims=True)
    kernel[kernel < LEAST] = 0
    kernel /= kernel.sum(axis=1, keepdims=True)
    return sparse.csr_matrix(kernel.astype(np.float32))


def _fall(apart: NDArray[np.float64], period: float, spread: float) -> NDArray[np.float64]:
    """Return the log of a von Mises density around a period, up to a constant."""
    turn = 2 * np.pi / period
    return np.asarray((np.cos(apart * turn) - 1) / (spread * turn) ** 2)
