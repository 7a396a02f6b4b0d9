"""Time: when an account works.

Hours are compared, never placed: a bag of half hours around the clock, so that turning every
clock of the case by the same angle changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from sockgraph.signals.bags import Bag

if TYPE_CHECKING:
    from sockgraph.signals.histories import Corpus

BINS = 48
SPREAD_HOURS = 1.5
"""Standard deviation of the von Mises kernel that each save is spread by."""


def hour_bag(corpus: Corpus) -> Bag:
    """Make the bag of half hours of the day: each save spread over its neighbours.

    The kernel is exp((cos δ − 1)/σ²), δ the angle between save and bin, σ `SPREAD_HOURS` as an
    angle; every save weighs one.
    """
    turn = 2 * np.pi / 24
    hour = corpus.seconds / 3600 % 24
    grid = np.arange(BINS) * 24 / BINS
    kernel = np.exp((np.cos((hour[:, None] - grid) * turn) - 1) / (SPREAD_HOURS * turn) ** 2)
    kernel /= kernel.sum(axis=1, keepdims=True)
    return _bag(corpus, kernel)


def _bag(corpus: Corpus, dense: np.ndarray) -> Bag:
    n_users = len(corpus.users)
    first = np.searchsorted(corpus.account, np.arange(n_users))
    sums = np.add.reduceat(dense, first) if len(dense) else np.zeros((n_users, dense.shape[1]))
    saves = np.bincount(corpus.account, minlength=n_users)
    trust = saves / (saves + 10.0)
    rate = (sums * (trust / np.maximum(saves, 1))[:, None]).sum(axis=0) / max(trust.sum(), 1e-12)
    rows = sparse.csr_matrix(dense.astype(np.float32))
    return Bag(rows, np.full(dense.shape[1], float(n_users)), rate, n_users)
