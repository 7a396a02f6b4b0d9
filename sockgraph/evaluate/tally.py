"""Pairs counted by value: all that ranking and calibration need to know of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Tally:
    """Same-operator and different-operator pairs at each value, highest value first.

    Pairs of one value are one entry, so ties cannot be broken by the order of rows.

    Attributes
    ----------
    levels : ndarray of float, shape (k,)
        The values that occur, strictly falling; `-inf` stands for null.
    same, different : ndarray of int64, shape (k,)
        Pairs at that value.
    """

    levels: NDArray[np.float64]
    same: NDArray[np.int64]
    different: NDArray[np.int64]

    @property
    def n_same(self) -> int:
        """Same-operator pairs in all."""
        return int(self.same.sum())

    @property
    def n_different(self) -> int:
        """Different-operator pairs in all."""
        return int(self.different.sum())

    def followed_by(self, n_same: int, n_different: int) -> Tally:
        """Return this tally with one more tie of pairs that rank below all others."""
        if not n_same + n_different:
            return self
        return Tally(
            np.append(self.levels, -np.inf),
            np.append(self.same, n_same),
            np.append(self.different, n_different),
        )

    def with_more(self, value: float, n_same: int, n_different: int) -> Tally:
        """Return this tally with more pairs of one value."""
        if not n_same + n_different:
            return self
        levels = np.union1d(self.levels, value)[::-1]
        at = np.searchsorted(-levels, -self.levels)
        same, different = np.zeros((2, len(levels)), np.int64)
        same[at], different[at] = self.same, self.different
        here = np.searchsorted(-levels, -value)
        same[here] += n_same
        different[here] += n_different
        return Tally(levels, same, different)


def tally(values: ArrayLike, same: ArrayLike, *, null: float = -np.inf) -> Tally:
    """Count pairs by value.

    Parameters
    ----------
    values : array_like of float, shape (n,)
        A score or log10 LR a pair; NaN is null.
    same : array_like of bool, shape (n,)
        Whether the pair has one operator.
    null
        The value that stands for null: `-inf` ranks it below every number.
    """
    given = np.asarray(values, dtype=np.float64)
    known = np.where(np.isnan(given), null, given)
    one = np.asarray(same, dtype=bool)
    distinct, at = np.unique(known, return_inverse=True)
    counts = np.bincount(2 * at + one, minlength=2 * len(distinct)).reshape(-1, 2)[::-1]
    return Tally(distinct[::-1], counts[:, 1].astype(np.int64), counts[:, 0].astype(np.int64))
