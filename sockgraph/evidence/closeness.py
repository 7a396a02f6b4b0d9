"""Closeness: what a likeness is worth between two people who work on the same pages.

H2 is two people *of the same community*. A reference drawn from a whole wiki is mostly pairs that
never met, and a line fitted on all of them asks how much better "one operator" explains a score
than "anybody" does. A pair's place q among the different reference pairs, by how alike their
pages are, says how near "anybody" is to the pair's own community; for the nearest pairs a second
line is fitted on the nearest alone, of both kinds:

    log10 P(score | H1, near) − log10 P(score | H2, near) = a + b · score,
    found = score + w(q) · h · (a + (b − 1) · score),

w rising smoothly from 0 at `FROM` to 1 at `TO`. h is the least share with which the nearest pairs
of different people keep P(LR > x) ≤ 1/x at `LEVELS`, and at most `SHARE` · n/(n + `ACCOUNTS`), n
the accounts cut in two whose halves are near: the second line takes out altogether what sharing
rare pages says of one operator, and that is more than H2 asks for; see
docs/adr/0020-likeness-is-weighed-within-the-community.md. Given closeness, `found` rises with the
score.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sockgraph.evidence.calibrate import Sample, line
from sockgraph.signals import SIGNALS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sockgraph.evidence.community import Community

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
class Tilt:
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


def closeness(surprise: NDArray[np.float64], community: Community) -> Closeness:
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


def tilt(sample: Sample, close: Closeness, extreme: NDArray[np.bool_]) -> Tilt:
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
        return Tilt()
    shift, slope = line(
        Sample(sample.same, same / same.sum(), sample.different, different / different.sum())
    )
    nearest = close.different >= 1
    scores, weight = sample.different[nearest], sample.different_weight[nearest]
    tried = Tilt()
    for share in np.linspace(0, SHARE * n / (n + ACCOUNTS), STEPS):
        tried = Tilt(float(share * shift), float(1 + share * (slope - 1)))
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
