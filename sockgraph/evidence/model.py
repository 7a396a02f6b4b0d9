"""From scores to likelihood ratios, and how far the reference can carry one.

Everything here is in log10 LR. ELUB, the empirical lower and upper bound (Vergeer et al. 2016,
Science & Justice 56:482), is the range in which acting on the LRs beats ignoring them even if one
more misleading observation of each kind turned up:

    upper: t · P₂(LR ≥ t) + P₁(LR < t) ≤ 1  for every t from 1 up to the bound,
    lower: P₁(LR ≤ t) / t + P₂(LR > t) ≤ 1  for every t from 1 down to the bound,

P₁, P₂ the shares of same- and different-operator observations, each with one misleading one
added. The number of observations is the number of accounts, not of pairs: pairs that share an
account are not independent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from sockgraph.evidence.settings import PULL, RIDGE, WEIGHTS
from sockgraph.signals import SIGNALS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


LN10 = float(np.log(10))
GRID = np.linspace(0, 6, 601)


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
