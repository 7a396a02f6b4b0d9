"""Likelihood ratios of counts, where one side names no more than a bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betainc, betaln

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST = 8.0
"""So many times as often, at most, two people are thought to follow each other at once."""
LARGEST = 700.0
"""Natural logarithm beyond which a number of 64 bits is infinite."""


def inverse_lr(
    k: NDArray[np.float64], n: NDArray[np.float64], usual: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return 1/LR of k of n where `usual` is the most that one person explains."""
    q = np.clip(usual, 1e-6, 0.99)
    a, b = k + 1, n - k + 1
    most = np.minimum(MOST * q, 1.0)
    between = np.maximum(betainc(a, b, most) - betainc(a, b, q), 1e-12)
    other = betaln(a, b) + np.log(between) - np.log(most - q)
    log = other - k * np.log(q) - (n - k) * np.log1p(-q)
    return np.asarray(np.exp(np.minimum(log, LARGEST)))
