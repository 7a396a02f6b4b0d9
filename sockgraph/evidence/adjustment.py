"""What a score is held against: competitors for the same account, and alike pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sockgraph.evidence.model import Sample, line
from sockgraph.signals import SIGNALS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sockgraph.evidence.training import TrainingPairs


PRIOR = 0.01
"""One of a hundred others: the size of a community. Ranking is flat from 1/10 to 1/1,000."""
MOST = 8.0
"""log10 LR beyond which a rival is not followed: exclusive long before, and finite."""


def explained(
    scores: NDArray[np.float64], partner: NDArray[np.float64], member: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return log10 of how well others explain each unit, were they not its partner's too.

    Parameters
    ----------
    scores
        (units, accounts) log10 LR with every account; NaN where it is not to be asked: the unit's
        own account.
    partner
        (partners, accounts) those of whoever the unit is compared with.
    member
        (accounts,) whether an account may be a rival.

    Returns
    -------
    numpy.ndarray
        (units, partners); at least −log10 `PRIOR`.
    """
    ratio = _ratios(scores, member)
    apart = np.where(np.isnan(partner), 0.0, 1 / (1 + PRIOR * 10 ** np.clip(partner, -MOST, MOST)))
    return np.asarray(np.log10(1 / PRIOR + ratio @ apart.T))


def rivalry(scores: NDArray[np.float64], member: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the (accounts, accounts) rivalry of every pair, symmetric."""
    apart = ~np.eye(len(member), dtype=bool)
    held = np.where(apart, scores, np.nan)
    found = explained(held, held, member)
    return np.asarray((found + found.T) / 2)


def rivalry_of_halves(
    others: NDArray[np.float64], member: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the (splits,) rivalry between the two halves of each.

    Parameters
    ----------
    others
        (2, splits, accounts) scores of each half with every account, NaN at its own.
    member
        (accounts,) whether an account may be a rival.
    """
    sides = []
    for one, other in (others, others[::-1]):
        apart = 1 / (1 + PRIOR * 10 ** np.clip(np.nan_to_num(other, nan=MOST), -MOST, MOST))
        sides.append(np.log10(1 / PRIOR + (_ratios(one, member) * apart).sum(axis=1)))
    return np.asarray((sides[0] + sides[1]) / 2)


def _ratios(scores: NDArray[np.float64], member: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return likelihood ratios; none where there is no score or no rival."""
    told = ~np.isnan(scores) & member[None, :]
    return np.where(told, 10 ** np.clip(np.nan_to_num(scores), -MOST, MOST), 0.0)


SIGNAL = "shared pages"
FROM, TO = 0.8, 0.95
SHARE = 0.35
STEPS = 8
LEVELS = (10, 100)
ACCOUNTS = 20
LEAST = 10
"""Fewer accounts whose halves are near, or fewer near pairs, say nothing of near pairs."""


@dataclass(frozen=True)
class Closeness:
    """How near every pair is to its community's nearest.

    Attributes
    ----------
    place
        (users, users) share of the different reference pairs whose pages are less alike; 0 where
        pages cannot speak.
    pairs, splits, different
        Weight w in [0, 1]: (users, users); (splits,); (pairs,) of the reference.
    owner
        (splits,) the account that was cut.
    """

    place: NDArray[np.float64]
    pairs: NDArray[np.float64]
    splits: NDArray[np.float64]
    different: NDArray[np.float64]
    owner: NDArray[np.int64]


@dataclass(frozen=True)
class CommunityAdjustment:
    """What is added to the score of the nearest pairs: a + (b − 1) · score, shrunk."""

    shift: float = 0.0
    slope: float = 1.0

    def slopes(self, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return by how much a unit of score counts."""
        return np.asarray(1 + weight * (self.slope - 1))

    def apply(
        self, scores: NDArray[np.float64], weight: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the scores, weighed within the community."""
        return np.asarray(self.slopes(weight) * scores + weight * self.shift)

    def on(self, sample: Sample, close: Closeness) -> Sample:
        """Return the reference's scores, weighed within the community."""
        return Sample(
            self.apply(sample.same, close.splits),
            sample.same_weight,
            self.apply(sample.different, close.different),
            sample.different_weight,
        )


def closeness(surprise: NDArray[np.float64], community: TrainingPairs) -> Closeness:
    """Place every pair among the different pairs of the reference.

    Parameters
    ----------
    surprise
        (users, users, signals), in the order of `SIGNALS`.
    """
    signal = [one.name for one in SIGNALS].index(SIGNAL)
    known = np.sort(np.nan_to_num(community.different[:, signal], nan=-np.inf))

    def place(values: NDArray[np.float64]) -> NDArray[np.float64]:
        rank = np.searchsorted(known, np.nan_to_num(values, nan=-np.inf), side="left")
        return np.asarray(rank / max(len(known), 1))

    return Closeness(
        place(surprise[..., signal]),
        _nearness(place(surprise[..., signal])),
        _nearness(place(community.same[:, signal])),
        _nearness(place(community.different[:, signal])),
        community.owner,
    )


def tilt(sample: Sample, close: Closeness, extreme: NDArray[np.bool_]) -> CommunityAdjustment:
    """Fit the line of the nearest pairs.

    Parameters
    ----------
    sample
        Scores of the reference, as log10 LR against all of it.
    extreme
        (pairs,) different pairs that may be undetected socks. They are left out here: among the
        few nearest they would pass for what is usual.
    """
    same = sample.same_weight * close.splits
    different = np.where(extreme, 0.0, sample.different_weight * close.different)
    n = len(np.unique(close.owner[(same > 0) & (close.splits >= 1)]))
    if n < LEAST or (different > 0).sum() < LEAST:
        return CommunityAdjustment()
    shift, slope = line(
        Sample(sample.same, same / same.sum(), sample.different, different / different.sum())
    )
    nearest = close.different >= 1
    scores, weight = sample.different[nearest], sample.different_weight[nearest]
    tried = CommunityAdjustment()
    for share in np.linspace(0, SHARE * n / (n + ACCOUNTS), STEPS):
        tried = CommunityAdjustment(float(share * shift), float(1 + share * (slope - 1)))
        if _keeps_word(tried.apply(scores, np.ones(len(scores))), weight):
            break
    return tried


def _keeps_word(scores: NDArray[np.float64], weight: NDArray[np.float64]) -> bool:
    """Return whether LRs of different people exceed x in at most 1/x, where that can be told."""
    whole = max(float(weight.sum()), 1e-300)
    testable = [x for x in LEVELS if len(scores) >= 3 * x]
    return all(weight[scores > np.log10(x)].sum() / whole <= 1 / x for x in testable)


def _nearness(place: NDArray[np.float64]) -> NDArray[np.float64]:
    risen = np.clip((place - FROM) / (TO - FROM), 0, 1)
    return np.asarray(risen**2 * (3 - 2 * risen))
