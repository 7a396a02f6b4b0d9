"""Every signal measured on every pair: of accounts, and of halves of one account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sockgraph.evidence.relative import LEAST, Cohort, both_sides, cohort
from sockgraph.signals import Signal, profile, similarity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sockgraph.evidence.splits import Splits
    from sockgraph.signals import Bag, Histories, Profile


@dataclass(frozen=True)
class Measured:
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
    bag: Bag | None
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
    splits: Splits


def measure(signal: Signal, bag: Bag | None, scene: Scene) -> Measured:
    """Measure one signal on every pair."""
    n, m = scene.accounts.n_units, len(scene.splits.stratum)
    silent = (np.full(m, np.nan), np.full((2, m, n), np.nan))
    if bag is None or not bag.rows.nnz:
        return Measured(
            signal, None, np.full((n, n), np.nan), np.zeros((n, n), dtype=np.int64), *silent
        )
    whole = profile(bag, scene.accounts, signal.weighting)
    cells = _heard(similarity(whole, whole), whole, whole, signal)
    crowd = cohort(cells, _members(whole, scene, signal))
    seen = crowd.surprise(cells)
    support = np.minimum(whole.amount[:, None], whole.amount[None, :])
    halves = _halves(bag, whole, crowd, scene, signal) if m else silent
    return Measured(signal, bag, both_sides(seen, seen.T), support, *halves)


def _members(whole: Profile, scene: Scene, signal: Signal) -> NDArray[np.bool_]:
    """Return whose likeness is usual: the community's, or everyone's where it is too small."""
    speaks = whole.amount >= signal.needed
    apart = ~np.eye(whole.n_units, dtype=bool)
    counts = (scene.member & speaks)[None, :] & apart
    if counts.sum(axis=1).min(initial=whole.n_units) < LEAST:
        counts = speaks[None, :] & apart
    return counts


def _halves(  # noqa: PLR0917 - one signal's parts
    bag: Bag, whole: Profile, crowd: Cohort, scene: Scene, signal: Signal
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
