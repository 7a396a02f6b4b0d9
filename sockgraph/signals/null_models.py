"""What a trace with a null of its own says of every pair: never calibrated on cut histories.

Its likelihood ratio has a mean of at most one under its null, whatever one operator would do, so
that LR > x comes up in at most 1/x of pairs of different people who keep to the null (an e-value:
Vovk & Wang 2021, Annals of Statistics 49:1736).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betainc, betaln

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


LIMIT = 1.0
"""log10 LR that a trace may reach, either way."""


@dataclass(frozen=True)
class NullTrace:
    """One trace on every pair.

    Attributes
    ----------
    log10_lr
        (units, units); NaN where there is too little to say.
    support
        (units, units) what it rests on.
    telling
        Returns the corpus's saves that moved it most for two units.
    """

    log10_lr: NDArray[np.float64]
    support: NDArray[np.int64]
    telling: Callable[[int, int], NDArray[np.int64]] = field(repr=False)


def poisson_lr(
    seen: NDArray[np.float64], expected: NDArray[np.float64], times: float
) -> NDArray[np.float64]:
    """Return the natural log LR of counts: Poisson(times · expected) against Poisson(expected)."""
    return np.asarray(seen * np.log(times) + (1 - times) * expected)


def clipped(
    log10_lr: NDArray[np.float64], heard: NDArray[np.bool_], limit: float
) -> NDArray[np.float64]:
    """Return log10 LRs within the limit, NaN where not heard and for an account with itself."""
    found = np.where(heard, np.clip(log10_lr, -limit, limit), np.nan)
    np.fill_diagonal(found, np.nan)
    return found


def first_of(
    pair: NDArray[np.int64], saves: NDArray[np.int64], n: int, most: int
) -> Callable[[int, int], NDArray[np.int64]]:
    """Return what tells the first entries of two units.

    Parameters
    ----------
    pair
        (entries,) low unit · n + high unit.
    saves
        (entries, …) the corpus's saves.
    """

    def telling(a: int, b: int) -> NDArray[np.int64]:
        here = np.flatnonzero(pair == min(a, b) * n + max(a, b))
        return np.unique(saves[here[:most]])

    return telling


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
