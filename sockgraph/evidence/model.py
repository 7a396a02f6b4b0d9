"""From scores to likelihood ratios: how far a reference can carry one, and what it is held against.

Everything here is in log10 LR. ELUB, the empirical lower and upper bound (Vergeer et al. 2016,
Science & Justice 56:482), is the range in which acting on the LRs beats ignoring them even if one
more misleading observation of each kind turned up:

    upper: t · P₂(LR ≥ t) + P₁(LR < t) ≤ 1  for every t from 1 up to the bound,
    lower: P₁(LR ≤ t) / t + P₂(LR > t) ≤ 1  for every t from 1 down to the bound,

P₁, P₂ the shares of same- and different-operator observations, each with one misleading one
added. The number of observations is the number of accounts, not of pairs: pairs that share an
account are not independent.

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
from scipy.optimize import minimize
from scipy.spatial.distance import squareform
from scipy.special import expit

from sockgraph.evidence.settings import CROWD, CROWD_SHARE, LEAD, PULL, RIDGE, STRANGERS, WEIGHTS
from sockgraph.signals import SIGNALS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

LN10 = float(np.log(10))
GRID = np.linspace(0, 6, 601)
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


@dataclass(frozen=True)
class Bounds:
    """The range of log10 LR that the reference supports; `low` ≤ 0 ≤ `high`."""

    low: float
    high: float

    def clip(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Hold values at the bounds."""
        return np.clip(values, self.low, self.high)


@dataclass(frozen=True)
class Sample:
    """Scores of same- and of different-operator pairs, with weights that add up to one each."""

    same: NDArray[np.float64]
    same_weight: NDArray[np.float64]
    different: NDArray[np.float64]
    different_weight: NDArray[np.float64]


def elub(sample: Sample, n_same: float, n_different: float) -> Bounds:
    """Return the bounds that so many independent observations support."""
    low_same = _shares(sample.same, sample.same_weight, n_same)
    high_different = _shares(-sample.different, sample.different_weight, n_different)
    upper = 10**GRID * high_different(-GRID) + low_same(GRID) <= 1
    lower = 10**GRID * low_same(-GRID) + high_different(GRID) <= 1
    return Bounds(-_before_first_failure(lower), _before_first_failure(upper))


def _before_first_failure(passes: NDArray[np.bool_]) -> float:
    """Return the last threshold before the first that fails, as the bounds' authors do."""
    failed = np.flatnonzero(~passes)
    return float(GRID[max((failed[0] if len(failed) else len(GRID)) - 1, 0)])


def _shares(
    values: NDArray[np.float64], weight: NDArray[np.float64], n: float
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Return the function t -> share at or below t, one more observation there included."""
    order = np.argsort(values, kind="stable")
    total = np.concatenate([[0.0], np.cumsum(weight[order])])
    total /= max(total[-1], 1e-300)
    ranked = values[order]

    def share(t: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((n * total[np.searchsorted(ranked, t, side="right")] + 1) / (n + 1))

    return share


def fit_line(sample: Sample, start: tuple[float, float] = (0.0, 0.0)) -> tuple[float, float]:
    """Fit log10 LR = a + b·score, b ≥ 0, by logistic regression with both kinds weighing half.

    With equal weights the log odds are the log LR (Brümmer & du Preez 2006,
    doi:10.1016/j.csl.2005.08.001). A ridge on b keeps it finite where the two kinds do not overlap.
    The loss is convex: where the search starts moves how long it takes, and not where it ends.
    """
    x = np.concatenate([sample.same, sample.different])
    x = np.stack([np.ones_like(x), x])
    y = np.repeat([1.0, 0.0], [len(sample.same), len(sample.different)])
    w = np.concatenate([sample.same_weight, sample.different_weight]) / 2
    sign, held = 1 - 2 * y, np.array([0.0, RIDGE])

    def loss(line: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        s = line @ x
        value = w @ np.logaddexp(0, sign * s) + held @ line**2
        return float(value), x @ (w * (expit(s) - y)) + 2 * held * line

    def bend(line: NDArray[np.float64]) -> NDArray[np.float64]:
        p = expit(line @ x)
        return np.asarray((x * (w * p * (1 - p))) @ x.T + np.diag(2 * held))

    exact = {"gtol": 1e-10}
    first = np.multiply(start, LN10)
    a, b = minimize(loss, first, jac=True, hess=bend, method="trust-exact", options=exact).x
    return (float(a / LN10), float(b / LN10)) if b > 0 else (0.0, 0.0)


@dataclass(frozen=True)
class Training:
    """Surprises that a model learns from, weights adding up to one on each side.

    Attributes
    ----------
    same, different
        (pairs, signals), NaN where a signal cannot speak.
    same_weight, different_weight
        (pairs,).
    pull
        How strongly a family's weight is drawn to its share in `settings.WEIGHTS`.
    """

    same: NDArray[np.float64]
    same_weight: NDArray[np.float64]
    different: NDArray[np.float64]
    different_weight: NDArray[np.float64]
    pull: float = PULL


@dataclass(frozen=True)
class Model:
    """A fitted fusion: families weighed together, each the mean of its signals.

    Signals of one family see one thing, so they count once:

        score = baseline + Σ_f w_f · (mean surprise of f's signals that speak − 1),   w_f ≥ 0,

    1 being what a surprise is on average where two accounts are not alike at all.

    Attributes
    ----------
    intercepts, slopes
        (signals,) each signal's own log10 LR: intercept + slope · surprise.
    weights
        (families,) log10 LR a unit of a family's mean surprise, in the order of `FAMILIES`.
    baseline
        The fused sum where every family is neutral or silent.
    """

    intercepts: NDArray[np.float64]
    slopes: NDArray[np.float64]
    weights: NDArray[np.float64]
    baseline: float

    def alone(self, surprise: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return each signal's own log10 LR; NaN where it cannot speak."""
        return np.asarray(self.intercepts + self.slopes * surprise)

    def contributions(self, surprise: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what each signal adds to the score: its part of the family's mean."""
        heard = ~np.isnan(surprise)
        beside = np.maximum(heard.astype(float) @ (MEMBER @ MEMBER.T), 1)
        return np.asarray(np.where(heard, surprise - 1, 0.0) / beside * (MEMBER @ self.weights))

    def score(self, surprise: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the fused log10 LR, unbounded."""
        return self.fused(family_means(surprise))

    def fused(self, means: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the same of what `family_means` gave: many models are asked of the same pairs."""
        return np.asarray(self.baseline + means @ self.weights)


FAMILIES = tuple(dict.fromkeys(signal.family for signal in SIGNALS))
MEMBER = np.array([[s.family == f for f in FAMILIES] for s in SIGNALS], dtype=float)
"""(signals, families): whose signal it is."""


def family_means(surprise: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (…, families): each family's mean surprise above 1; 0 where none of it speaks."""
    heard = ~np.isnan(surprise)
    total = np.where(heard, surprise - 1, 0.0) @ MEMBER
    return np.asarray(total / np.maximum(heard.astype(float) @ MEMBER, 1))


def fit(training: Training, *, alone: bool = True) -> Model:
    """Fit a fusion: one logistic regression, its weights drawn to a multiple of the chosen ones.

        loss + `PULL` · |w − κπ|² + `RIDGE` · |w|²,   π from `settings.WEIGHTS`, κ the best factor.

    Histories cut in two flatter, so weights learnt on them freely are not those that two real
    accounts want; weights that labels of other communities chose are, but for how much a text or a
    page can say in this one. The ridge keeps them finite where the two kinds are told apart.
    `alone`: whether each signal's own line is wanted too.
    """
    n = training.same.shape[1]
    lines = np.array([_alone(training, j) for j in range(n)]) if alone else np.zeros((n, 2))
    x = family_means(np.vstack([training.same, training.different]))
    y = np.concatenate([np.ones(len(training.same)), np.zeros(len(training.different))])
    w = np.concatenate([training.same_weight, training.different_weight]) / 2
    chosen = np.array([WEIGHTS[family] for family in FAMILIES])
    toward = chosen / np.linalg.norm(chosen)
    sign = np.where(y == 1, -1.0, 1.0)

    def loss(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights = theta[1:]
        s = theta[0] + x @ weights
        off = w * (expit(s) - y)
        apart = weights - (weights @ toward) * toward
        held = training.pull * apart @ apart + RIDGE * weights @ weights
        value = w @ np.logaddexp(0, sign * s) + held
        slope = x.T @ off + 2 * training.pull * apart + 2 * RIDGE * weights
        return float(value), np.concatenate([[off.sum()], slope])

    start = np.concatenate([[-2.0], chosen])
    bounds = [(None, None)] + [(0.0, None)] * len(chosen)
    theta = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return Model(lines[:, 0], lines[:, 1], theta[1:] / LN10, float(theta[0] / LN10))


def _alone(training: Training, signal: int) -> tuple[float, float]:
    same, different = training.same[:, signal], training.different[:, signal]
    heard, other = ~np.isnan(same), ~np.isnan(different)
    if heard.sum() < 10 or other.sum() < 10:
        return 0.0, 0.0
    return fit_line(
        Sample(
            same[heard],
            _one(training.same_weight[heard]),
            different[other],
            _one(training.different_weight[other]),
        )
    )


def _one(weight: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(weight / max(float(weight.sum()), 1e-300))


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
