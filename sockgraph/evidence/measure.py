"""Every signal measured on every pair: of accounts, and of halves of one account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sockgraph.evidence.relative import LEAST, both_sides, cohort
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
    crossed
        (splits, splits) surprise between the first half of one and the second half of another split;
        only pairs of different accounts mean anything.
    """

    signal: Signal
    bag: Bag | None
    pairs: NDArray[np.float64]
    support: NDArray[np.int64]
    splits: NDArray[np.float64]
    crossed: NDArray[np.float64]

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
    if bag is None or not bag.rows.nnz:
        nothing = (np.full((n, n), np.nan), np.zeros((n, n), dtype=np.int64))
        return Measured(signal, None, *nothing, np.full(m, np.nan), np.full((m, m), np.nan))
    whole = profile(bag, scene.accounts, signal.weighting)
    pairs = _accounts(whole, scene, signal)
    support = np.minimum(whole.amount[:, None], whole.amount[None, :])
    crossed = _halves(bag, whole, scene, signal)
    return Measured(signal, bag, pairs, support, np.diag(crossed).copy(), crossed)


def _accounts(whole: Profile, scene: Scene, signal: Signal) -> NDArray[np.float64]:
    cells = _heard(similarity(whole, whole), whole, whole, signal)
    member = scene.member & (whole.amount >= signal.needed)
    counts = member[None, :] & ~np.eye(len(member), dtype=bool)
    if counts.sum(axis=1).min(initial=len(member)) < LEAST:  # too few: everyone who can be compared
        counts = (whole.amount >= signal.needed)[None, :] & ~np.eye(len(member), dtype=bool)
    found = cohort(cells, counts).surprise(cells)
    return both_sides(found, found.T)


def _halves(bag: Bag, whole: Profile, scene: Scene, signal: Signal) -> NDArray[np.float64]:
    splits = scene.splits
    if not len(splits.stratum):
        return np.zeros((0, 0))
    first = profile(bag, splits.first, signal.weighting)
    second = profile(bag, splits.second, signal.weighting)
    cells = _heard(similarity(first, second), first, second, signal)
    sides = []
    for half, seen in ((first, cells), (second, cells.T)):
        against = _heard(similarity(half, whole), half, whole, signal)
        counts = scene.member[None, :] & (np.arange(whole.n_units) != splits.owner[:, None])
        sides.append(cohort(against, counts).surprise(seen))
    return both_sides(sides[0], sides[1].T)


def _heard(
    cells: NDArray[np.float64], a: Profile, b: Profile, signal: Signal
) -> NDArray[np.float64]:
    """Silence pairs in which a side holds too little to speak."""
    cells[a.amount < signal.needed] = np.nan
    cells[:, b.amount < signal.needed] = np.nan
    return cells
