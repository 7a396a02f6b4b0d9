"""What a score is held against: the account's own crowd, and how near different people can be.

Crowd. Some accounts are like many others in everything that is measured. Half of the mean fused
score of either account's ten best others is taken off a pair's (cross-domain similarity local
scaling, Conneau et al. 2018, on the fused score). It ranks; it is no evidence of its own.

Nearness. H2 is two people *of the same community*, and nominated accounts are its nearest. What
different reference pairs as near (by their pages) reach is taken off a pair's log10 LR, so that at
every nearness at most a tenth of them has an LR above 10 and a hundredth one above 100. Beyond the
nearest reference pairs the correction goes on growing as it did before. It changes the LR that is
said, never the rank.

Standing. Accounts that are like one another for a common reason have several partners as like. What
tells is a lead: how far the pair's score is beyond the best that either account has with anybody
else (the ratio test of Lowe 2004, IJCV 60:91, on log odds).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import squareform

from sockgraph.evidence.settings import CROWD, CROWD_SHARE, LEAD, STRANGERS
from sockgraph.signals import SIGNALS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

PAGES = [signal.name for signal in SIGNALS].index("shared pages")
STEPS = -np.log10(1 - np.array([0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999]))
"""Nearness, −log10 of the share of different pairs that are nearer, that bins begin at."""
GROUP = 10
"""Accounts of a group beyond which it is no operator's (3, 5 and 10 tried)."""
FAR = 1e3
"""What stands for a pair of which nothing can be said, when groups are made."""
LEAST = 15
"""Fewer pairs as near as this say nothing by themselves."""
ALLOWED = ((0.9, 1.0), (0.99, 2.0))
"""At which hundredth of different pairs which log10 LR is reached."""


def crowd(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what is taken off each pair: a share of both sides' mean with their best others.

    Parameters
    ----------
    scores
        (accounts, accounts) fused, symmetric; the diagonal is not read.

    Returns
    -------
    numpy.ndarray
        (accounts, accounts); the pair itself is not among either side's others.
    """
    k = min(CROWD, len(scores) - 2)
    if k < 1:
        return np.zeros_like(scores)
    apart = np.where(np.eye(len(scores), dtype=bool), -np.inf, scores)
    best = -np.sort(-apart, axis=1)[:, : k + 1]
    inside = apart >= best[:, [k - 1]]
    with np.errstate(invalid="ignore"):
        level = np.where(
            inside,
            (best.sum(axis=1)[:, None] - apart) / k,
            best[:, :k].mean(axis=1)[:, None],
        )
    return np.asarray(CROWD_SHARE * (level + level.T) / 2)


def own_crowd(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what is taken off a pair of halves of each account: its own level, all others in."""
    k = max(min(CROWD, len(scores) - 1), 1)
    apart = np.where(np.eye(len(scores), dtype=bool), -np.inf, scores)
    return np.asarray(CROWD_SHARE * -np.sort(-apart, axis=1)[:, :k].mean(axis=1))


def nearness(surprise: NDArray[np.float64], different: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return −log10 of the share of different pairs whose pages are more alike.

    Parameters
    ----------
    surprise
        (…, signals), in the order of `SIGNALS`.
    different
        (pairs, signals) of different reference pairs.
    """
    known = np.sort(np.nan_to_num(different[:, PAGES], nan=-np.inf))
    mine = np.nan_to_num(surprise[..., PAGES], nan=-np.inf)
    place = np.searchsorted(known, mine, side="left") / max(len(known), 1)
    return np.asarray(-np.log10(1 - np.minimum(place, 1 - 1 / (len(known) + 1))))


@dataclass(frozen=True)
class NearPairs:
    """What is taken off the log10 LR of near pairs: straight lines between these points.

    Attributes
    ----------
    at, off
        Nearness, and what is taken off there; it never falls with nearness.
    """

    at: NDArray[np.float64]
    off: NDArray[np.float64]

    def correction(self, near: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what is taken off; beyond the last point it goes on as between the last three."""
        if not len(self.at):
            return np.zeros_like(near)
        found = np.interp(near, self.at, self.off, left=0.0)
        first = self.at[max(len(self.at) - 3, 0)]
        rise = self.off[-1] - self.off[max(len(self.at) - 3, 0)]
        slope = rise / (self.at[-1] - first) if self.at[-1] > first else 0.0
        return np.asarray(found + slope * np.maximum(near - self.at[-1], 0))


def fit_near_pairs(llr: NDArray[np.float64], near: NDArray[np.float64]) -> NearPairs:
    """Fit the correction on different reference pairs: (pairs,) log10 LR and nearness.

    The nearest pairs are a bin of at least `LEAST`, however few there are; a bin that is empty
    because many pairs are as near as each other is passed over.
    """
    step = np.searchsorted(STEPS, near, side="right")
    last = int(step[np.argsort(near)[-LEAST:]].min(initial=len(STEPS)))
    step = np.minimum(step, last)
    at, off = [], []
    for here in (step == k for k in range(1, last + 1)):
        if here.sum() < LEAST:
            continue
        at.append(float(np.median(near[here])))
        off.append(max(0.0, *(np.quantile(llr[here], q) - most for q, most in ALLOWED)))
    return NearPairs(np.array(at), np.maximum.accumulate(np.array(off)) if off else np.array(off))


def standing(
    scores: NDArray[np.float64],
    off: NDArray[np.float64],
    one: NDArray[np.bool_],
    roles: Sequence[NDArray[np.bool_]] = (),
) -> NDArray[np.float64]:
    """Return how far each pair stands out: its score against people as near, and `LEAD` · its lead.

    An operator's third account is as like as the second, and no rival. So within a group (a node of
    the average linkage of the scores) rivals are counted beyond the group alone; a pair then stands
    out no further than the mean of the group's pairs, and no further than by its own score: who is
    a little like two accounts of one person is not lifted by what these two have.

    Parameters
    ----------
    scores
        (accounts, accounts) symmetric; NaN where nothing can be said.
    off
        (accounts, accounts) what people as near reach; see `NearPairs.correction`.
    one
        (accounts, accounts) pairs known to be one operator's: no rival of any other pair.
    roles
        (accounts,) each: groups are looked for within these.

    Returns
    -------
    numpy.ndarray
        (accounts, accounts); NaN where nothing can be said, −∞ of an account with itself.

    Examples
    --------
    A leads with its best, B, by 2; C's 1 with either is no lead:

    >>> import numpy as np
    >>> scores = np.array([[0, 3, 1], [3, 0, 1], [1, 1, 0.0]])
    >>> standing(scores, np.zeros((3, 3)), np.eye(3, dtype=bool))[0]
    array([-inf,   9.,  -5.])
    """
    if len(scores) < 2:
        return np.full_like(scores, -np.inf)
    apart = np.where(one | np.isnan(scores), -np.inf, scores)
    np.fill_diagonal(apart, -np.inf)
    far = np.argpartition(-apart, min(GROUP, len(apart) - 1), axis=1)[:, : GROUP + 1]
    order = np.argsort(-np.take_along_axis(apart, far, axis=1), axis=1, kind="stable")
    ranked = np.take_along_axis(far, order, axis=1)
    here = np.arange(len(apart))
    first, second = (apart[here, ranked[:, min(k, len(apart) - 1)]] for k in (0, 1))
    rival = np.where(ranked[:, :1] == here, second[:, None], first[:, None])
    found = _beyond(scores, off, np.maximum(rival, rival.T))
    for group in _groups(scores, roles):
        others = np.where(
            np.isin(ranked[group], group), -np.inf, apart[group[:, None], ranked[group]]
        )
        best, cells = others.max(axis=1), np.ix_(group, group)
        pairs = _beyond(scores[cells], off[cells], np.maximum.outer(best, best))
        mean = pairs[np.triu_indices(len(group), 1)].mean()
        found[cells] = np.fmax(found[cells], np.minimum(pairs, mean))
    np.fill_diagonal(found, -np.inf)
    return np.where(np.isnan(scores), np.nan, found)


def _beyond(
    scores: NDArray[np.float64], off: NDArray[np.float64], rival: NDArray[np.float64]
) -> NDArray[np.float64]:
    lead = np.where(np.isfinite(rival), scores - np.where(np.isfinite(rival), rival, 0.0), 0.0)
    return np.asarray(scores - off + LEAD * lead)


def _groups(
    scores: NDArray[np.float64], roles: Sequence[NDArray[np.bool_]]
) -> Iterator[NDArray[np.int64]]:
    """Yield the nodes of 3 to `GROUP` accounts, all of one role, of the scores' average linkage."""
    n = len(scores)
    known = np.isfinite(scores) | np.eye(n, dtype=bool)
    if n < 3 or not roles or not known.any():
        return
    highest = np.max(scores, where=np.isfinite(scores), initial=0.0)
    far = np.where(known, highest - np.nan_to_num(scores, neginf=0.0), FAR)
    np.fill_diagonal(far, 0.0)
    nodes = {i: [i] for i in range(n)}
    merged = linkage(squareform((far + far.T) / 2, checks=False), "average")
    for number, (a, b, _, size) in enumerate(merged, start=n):
        if size > GROUP:
            continue
        nodes[number] = node = sorted(nodes[int(a)] + nodes[int(b)])
        if size > 2 and any(role[node].all() for role in roles):
            yield np.array(node)


def as_strangers(llr: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log10 of (1 − ε) · LR + ε, ε = `STRANGERS`.

    A share of operators' further accounts looks like strangers; histories cut in two never do.
    """
    grown = 10.0 ** np.minimum(llr, 300.0)
    return np.asarray(
        np.where(np.isnan(llr), np.nan, np.log10((1 - STRANGERS) * grown + STRANGERS))
    )
