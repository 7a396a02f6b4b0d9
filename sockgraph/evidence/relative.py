"""Similarity relative to each account's own community: how far out of its crowd it lies.

Some accounts are like everybody, some like nobody; a raw cosine of 0.3 is common for the one and
unheard of for the other. Each account's similarities to its cohort (accounts of the community)
therefore say what a similarity to *it* is worth, as adaptive score normalisation does in speaker
recognition (Matějka et al. 2017, Interspeech) and CSLS in translation (Conneau et al. 2018,
ICLR):

    surprise(s) = −ln of the share of the cohort at least as similar as s;
    within the `TOP` nearest: ln(K/TOP) + (s − q)/β, an exponential tail of mean excess β over the
    TOP-th nearest q; and beyond what a cohort of K could show at all, ln K, only `BEYOND` of the
    excess.

A pair's surprise is the mean of both sides'.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOP = 20
BEYOND = 0.25
FAR = 10.0
"""Excess beyond ln K that is not followed further."""
LEAST = 10
"""A smaller cohort says nothing of what is usual."""


@dataclass(frozen=True)
class Cohort:
    """What each unit's similarity to its community looks like.

    Attributes
    ----------
    ranked
        (units, members) similarities in rising order; NaN, at the end, for members that do not
        count.
    size
        (units,) members that count.
    cut, excess
        (units,) the similarity that the exponential tail starts at, and its mean excess.
    top
        (units,) members in the tail.
    """

    ranked: NDArray[np.float64]
    size: NDArray[np.int64]
    cut: NDArray[np.float64]
    excess: NDArray[np.float64]
    top: NDArray[np.float64]

    def surprise(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the surprise of similarities, a row a unit; NaN where the cohort is too small."""
        above = np.empty_like(values)
        for row, (ranked, size) in enumerate(zip(self.ranked, self.size, strict=True)):
            above[row] = size - np.searchsorted(ranked[:size], values[row], side="left")
        size = self.size[:, None].astype(float)
        body = -np.log((above + 1) / (size + 1))
        tail = np.log((size + 1) / (self.top + 1)[:, None])
        tail = tail + (values - self.cut[:, None]) / self.excess[:, None]
        found = np.where(values > self.cut[:, None], tail, body)
        most = np.log(size + 1)
        found = np.where(found > most, most + BEYOND * np.minimum(found - most, FAR), found)
        return np.where(np.isnan(values) | (size < LEAST), np.nan, found)


def cohort(similarities: NDArray[np.float64], counts: NDArray[np.bool_]) -> Cohort:
    """Describe each unit's cohort.

    Parameters
    ----------
    similarities
        (units, members).
    counts
        (units, members): whether a member belongs to the unit's cohort; never its own account.
    """
    ranked = np.sort(np.where(counts, similarities, np.nan), axis=1)
    size = np.sum(~np.isnan(ranked), axis=1)
    top = np.maximum(np.minimum(TOP, size // 3), 1)
    place = np.maximum(size - top, 0)[:, None]
    cut = np.take_along_axis(ranked, np.minimum(place, max(ranked.shape[1] - 1, 0)), axis=1)[:, 0]
    column = np.arange(ranked.shape[1])[None, :]
    tail = np.where((column >= place) & (column < size[:, None]), ranked - cut[:, None], 0)
    excess = tail.sum(axis=1) / top
    scale = np.nanmax(np.abs(ranked), axis=1, initial=0, where=~np.isnan(ranked))
    excess = np.maximum(excess, 1e-6 * np.maximum(scale, 1e-6))
    return Cohort(ranked, size, np.nan_to_num(cut), excess, top.astype(float))


def both_sides(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of the two sides' surprise at each pair."""
    return (left + right) / 2
