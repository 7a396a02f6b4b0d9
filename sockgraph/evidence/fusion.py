"""Signals fused into one score: non-negative weights, shrunk towards equal ones.

First every signal alone gets a log10 LR, a line in its surprise (`calibrate.line`), zero where it
speaks neither way; a signal that cannot speak contributes zero. Then one logistic regression over
these weighs them together, so that what two signals both saw is not counted twice:

    score = baseline + Σ w_j · LLR_j,   w_j ≥ 0,
    penalty  `SHRINK` · |u − κπ|²,  κ the best common factor,  u_j = w_j · slope_j,

u_j the weight of a unit of surprise, and π_j the trust in the signal's family (`TRUST`).
Histories cut in two flatter, so weights learnt on them freely are not those that two real
accounts want; equal weights lose little (Dawes 1979, American Psychologist 34:571). Mechanics get
a quarter: both halves of a cut history were saved with one client, and two accounts of one
operator often are not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from sockgraph.evidence.calibrate import LN10, Sample, line

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHRINK = 0.5
TRUST = {"mechanics": 0.25, "time": 1.5}
"""By family; 1 where none is given."""


@dataclass(frozen=True)
class Training:
    """Surprises that a model learns from, weights adding up to one on each side.

    Attributes
    ----------
    same, different
        (pairs, signals), NaN where a signal cannot speak.
    same_weight, different_weight
        (pairs,).
    trust
        (signals,) the share of a common weight that each is drawn towards.
    shrink
        How strongly.
    """

    same: NDArray[np.float64]
    same_weight: NDArray[np.float64]
    different: NDArray[np.float64]
    different_weight: NDArray[np.float64]
    trust: NDArray[np.float64]
    shrink: float


@dataclass(frozen=True)
class Model:
    """A fitted fusion.

    Attributes
    ----------
    intercepts, slopes
        (signals,) each signal's own log10 LR: intercept + slope · surprise.
    weights
        (signals,) what of it counts in the fused sum.
    baseline
        The fused sum where every signal is neutral.
    """

    intercepts: NDArray[np.float64]
    slopes: NDArray[np.float64]
    weights: NDArray[np.float64]
    baseline: float

    def alone(self, surprise: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return each signal's own log10 LR; NaN where it cannot speak."""
        return np.asarray(self.intercepts + self.slopes * surprise)

    def contributions(self, surprise: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what each signal adds to the score: zero where it cannot speak."""
        return np.nan_to_num(self.alone(surprise) * self.weights, nan=0.0)

    def score(self, surprise: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the fused log10 LR, unbounded."""
        return np.asarray(self.baseline + self.contributions(surprise).sum(axis=-1))


def fit(training: Training) -> Model:
    """Fit a fusion."""
    lines = np.array([_alone(training, j) for j in range(training.same.shape[1])])
    intercepts, slopes = lines[:, 0], lines[:, 1]
    speaks = slopes > 1e-9
    x = np.vstack([training.same, training.different])
    llr = np.nan_to_num((intercepts + slopes * x)[:, speaks] * LN10, nan=0.0)
    y = np.concatenate([np.ones(len(training.same)), np.zeros(len(training.different))])
    w = np.concatenate([training.same_weight, training.different_weight]) / 2
    pull_back = (slopes[speaks], training.trust[speaks], training.shrink)
    theta = _weigh(llr, y, w, pull_back)
    weights = np.zeros(len(slopes))
    weights[speaks] = theta[1:]
    return Model(intercepts, slopes, weights, float(theta[0] / LN10))


def _alone(training: Training, signal: int) -> tuple[float, float]:
    same, different = training.same[:, signal], training.different[:, signal]
    heard, other = ~np.isnan(same), ~np.isnan(different)
    if heard.sum() < 10 or other.sum() < 10:
        return 0.0, 0.0
    return line(
        Sample(
            same[heard],
            _one(training.same_weight[heard]),
            different[other],
            _one(training.different_weight[other]),
        )
    )


def _one(weight: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(weight / max(float(weight.sum()), 1e-300))


def _weigh(
    llr: NDArray[np.float64],
    y: NDArray[np.float64],
    w: NDArray[np.float64],
    pull_back: tuple[NDArray[np.float64], NDArray[np.float64], float],
) -> NDArray[np.float64]:
    """Return baseline and weights."""
    slopes, trust, shrink = pull_back
    n = llr.shape[1]
    unit = slopes * LN10
    toward = trust / max(float(np.linalg.norm(trust)), 1e-12)

    def loss(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        s = theta[0] + llr @ theta[1:]
        pull = w * (expit(s) - y)
        apart = theta[1:] * unit - (theta[1:] * unit @ toward) * toward
        value = w @ np.logaddexp(0, np.where(y == 1, -s, s)) + shrink * apart @ apart
        return float(value), np.concatenate(
            [[pull.sum()], llr.T @ pull + 2 * shrink * apart * unit]
        )

    start = np.concatenate([[0.0], np.full(n, 1 / max(n, 1))])
    bounds = [(None, None)] + [(0.0, None)] * n
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x)
