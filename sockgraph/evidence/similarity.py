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

from sockgraph.signals import Signal, profile, similarity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sockgraph.evidence.pseudo_pairs import PseudoPairs
    from sockgraph.signals import Histories, Profile, TermMatrix


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


@dataclass(frozen=True)
class Similarity:
    """One signal on every pair.

    Attributes
    ----------
    signal
        Which.
    bag
        What it was measured on; None where the source does not offer what it needs.
    pairs
        (accounts, accounts) surprise, NaN where it cannot speak.
    support
        (accounts, accounts) saves that it rests on: the smaller side's.
    splits
        (splits,) surprise between the halves of one account.
    against
        (2, splits, accounts) surprise between each half and every account; NaN at its own.
    """

    signal: Signal
    bag: TermMatrix | None
    pairs: NDArray[np.float64]
    support: NDArray[np.int64]
    splits: NDArray[np.float64]
    against: NDArray[np.float64]

    @property
    def available(self) -> bool:
        """Whether the source offers what the signal needs."""
        return self.bag is not None


@dataclass(frozen=True)
class Scene:
    """Whose histories are compared with whose.

    Attributes
    ----------
    accounts
        Whole histories of every compared account.
    member
        (accounts,) whether an account is of the community that likeness is measured against.
    splits
        Halves of reference accounts.
    """

    accounts: Histories
    member: NDArray[np.bool_]
    splits: PseudoPairs


def measure(signal: Signal, bag: TermMatrix | None, scene: Scene) -> Similarity:
    """Measure one signal on every pair."""
    n, m = scene.accounts.n_units, len(scene.splits.stratum)
    silent = (np.full(m, np.nan), np.full((2, m, n), np.nan))
    if bag is None or not bag.rows.nnz:
        return Similarity(
            signal, None, np.full((n, n), np.nan), np.zeros((n, n), dtype=np.int64), *silent
        )
    whole = profile(bag, scene.accounts, signal.weighting)
    cells = _heard(similarity(whole, whole), whole, whole, signal)
    crowd = cohort(cells, _members(whole, scene, signal))
    seen = crowd.surprise(cells)
    support = np.minimum(whole.amount[:, None], whole.amount[None, :])
    halves = _halves(bag, whole, crowd, scene, signal) if m else silent
    return Similarity(signal, bag, both_sides(seen, seen.T), support, *halves)


def _members(whole: Profile, scene: Scene, signal: Signal) -> NDArray[np.bool_]:
    """Return whose likeness is usual: the community's, or everyone's where it is too small."""
    speaks = whole.amount >= signal.needed
    apart = ~np.eye(whole.n_units, dtype=bool)
    counts = (scene.member & speaks)[None, :] & apart
    if counts.sum(axis=1).min(initial=whole.n_units) < LEAST:
        counts = speaks[None, :] & apart
    return counts


def _halves(  # noqa: PLR0917 - one signal's parts
    bag: TermMatrix, whole: Profile, crowd: Cohort, scene: Scene, signal: Signal
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    splits = scene.splits
    foreign = np.arange(whole.n_units)[None, :] != splits.owner[:, None]
    first, second = (profile(bag, h, signal.weighting) for h in (splits.first, splits.second))
    siblings = np.diag(_heard(similarity(first, second), first, second, signal))
    own, against = [], []
    for half in (first, second):
        cells = _heard(similarity(half, whole), half, whole, signal)
        usual = cohort(cells, scene.member[None, :] & foreign)
        own.append(usual.surprise(siblings[:, None])[:, 0])
        both = both_sides(usual.surprise(cells), crowd.surprise(cells.T).T)
        against.append(np.where(foreign, both, np.nan))
    return both_sides(own[0], own[1]), np.stack(against)


def _heard(
    cells: NDArray[np.float64], a: Profile, b: Profile, signal: Signal
) -> NDArray[np.float64]:
    """Silence pairs in which a side holds too little to speak."""
    cells[a.amount < signal.needed] = np.nan
    cells[:, b.amount < signal.needed] = np.nan
    return cells
