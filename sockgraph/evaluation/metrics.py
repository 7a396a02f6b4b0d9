"""Discrimination and calibration of scores: ranking, Cllr, ECE, Tippett."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import digamma

from sockgraph.evidence.model import LN10

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class ScoreCounts:
    """Same-operator and different-operator pairs at each value, highest value first.

    Pairs of one value are one entry, so ties cannot be broken by the order of rows.

    Attributes
    ----------
    levels : ndarray of float, shape (k,)
        The values that occur, strictly falling; `-inf` stands for null.
    same, different : ndarray of int64, shape (k,)
        Pairs at that value.
    """

    levels: NDArray[np.float64]
    same: NDArray[np.int64]
    different: NDArray[np.int64]

    @property
    def n_same(self) -> int:
        """Same-operator pairs in all."""
        return int(self.same.sum())

    @property
    def n_different(self) -> int:
        """Different-operator pairs in all."""
        return int(self.different.sum())

    def followed_by(self, n_same: int, n_different: int) -> ScoreCounts:
        """Return this tally with one more tie of pairs that rank below all others."""
        if not n_same + n_different:
            return self
        return ScoreCounts(
            np.append(self.levels, -np.inf),
            np.append(self.same, n_same),
            np.append(self.different, n_different),
        )

    def with_more(self, value: float, n_same: int, n_different: int) -> ScoreCounts:
        """Return this tally with more pairs of one value."""
        if not n_same + n_different:
            return self
        levels = np.union1d(self.levels, value)[::-1]
        at = np.searchsorted(-levels, -self.levels)
        same, different = np.zeros((2, len(levels)), np.int64)
        same[at], different[at] = self.same, self.different
        here = np.searchsorted(-levels, -value)
        same[here] += n_same
        different[here] += n_different
        return ScoreCounts(levels, same, different)


def count_by_score(values: ArrayLike, same: ArrayLike, *, null: float = -np.inf) -> ScoreCounts:
    """Count pairs by value.

    Parameters
    ----------
    values : array_like of float, shape (n,)
        A score or log10 LR a pair; NaN is null.
    same : array_like of bool, shape (n,)
        Whether the pair has one operator.
    null
        The value that stands for null: `-inf` ranks it below every number.
    """
    given = np.asarray(values, dtype=np.float64)
    known = np.where(np.isnan(given), null, given)
    one = np.asarray(same, dtype=bool)
    distinct, at = np.unique(known, return_inverse=True)
    counts = np.bincount(2 * at + one, minlength=2 * len(distinct)).reshape(-1, 2)[::-1]
    return ScoreCounts(distinct[::-1], counts[:, 1].astype(np.int64), counts[:, 0].astype(np.int64))


def roc_auc(counts: ScoreCounts) -> float:
    """Return the chance that a same-operator pair ranks above a different-operator pair.

    A tie counts half: the Mann-Whitney statistic over n_same x n_different (Hanley & McNeil 1982,
    Radiology 143:29).
    """
    below = counts.n_different - np.cumsum(counts.different)
    wins = counts.same @ (below + counts.different / 2)
    return float(wins / (counts.n_same * counts.n_different))


def average_precision(counts: ScoreCounts) -> float:
    """Return the mean over same-operator pairs of the precision at their rank.

    In a tie of n pairs, r of them of one operator, with t pairs and R of one operator above, the
    pair at place i is of one operator with chance r/n and then has R + 1 + (i-1)(r-1)/(n-1) such
    pairs down to its own place, in expectation. The sum over i of r/n times that over (t + i) is
    the tie's share (McSherry & Najork 2008, ECIR, eq. 10).
    """
    size = counts.same + counts.different
    above = np.cumsum(size) - size
    found = np.cumsum(counts.same) - counts.same
    step = (counts.same - 1) / np.maximum(size - 1, 1)
    harmonic = _harmonic(above, size)
    gain = (found + 1 - step) * harmonic + step * (size - above * harmonic)
    return float((counts.same / size) @ gain / counts.n_same)


def _harmonic(above: NDArray[np.int64], size: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the sum of 1/(above + i) for i = 1 ... size."""
    summed = digamma(above + size + 1.0) - digamma(above + 1.0)
    return np.where(size == 1, 1 / (above + 1.0), summed)  # exact where most values are


def recall_at_fpr(counts: ScoreCounts, per: int = 1000) -> float:
    """Return the share of same-operator pairs found at a false-link rate of one in `per` (>= 2).

    Going down the ranking, pairs are taken while at most ``n_different // per`` of those taken are
    false: all up to, and not including, false pair j = that + 1. If this pair lies in a tie with r
    same-operator pairs, m different-operator pairs and F of these above, each of the r comes before
    it with chance (j - F)/(m + 1), the spacing of m random places (David & Nagaraja 2003, Order
    Statistics, 2.5).
    """
    first_refused = counts.n_different // per + 1
    false = np.cumsum(counts.different)
    tie = int(np.searchsorted(false, first_refused))
    into = first_refused - (false[tie] - counts.different[tie])
    found = counts.same[:tie].sum() + counts.same[tie] * into / (counts.different[tie] + 1)
    return float(found / counts.n_same)


EQUAL = 1e-12  # rounding apart, pooled levels are one
PRIORS = np.linspace(-4, 4, 161)  # log10 prior odds at which ECE is drawn


def cllr(counts: ScoreCounts) -> float:
    """Return the log-likelihood-ratio cost, in bits: 0 is perfect, 1 says nothing.

    Half the mean of log2(1 + 1/LR) over same-operator pairs plus half the mean of log2(1 + LR) over
    the others (Brümmer & du Preez 2006, Computer Speech and Language 20:230, eq. 26).
    """
    return _cost(counts, 0.0)


def cllr_min(counts: ScoreCounts) -> float:
    """Return the Cllr that remains when the ranking is kept and calibration is perfect.

    The LRs are replaced by those that pool-adjacent-violators gives on the very same labels (ibid.,
    section 5). ``cllr - cllr_min`` is the calibration loss.
    """
    return cllr(isotonic(counts))


def isotonic(counts: ScoreCounts) -> ScoreCounts:
    """Return the tally with each log10 LR replaced by the best non-decreasing one.

    Classes weigh the same whatever their sizes. A block with pairs of one kind only gets an
    infinite log10 LR, which costs those pairs nothing.
    """
    from sklearn.isotonic import isotonic_regression  # slow to import

    same, different = counts.same / counts.n_same, counts.different / counts.n_different
    weight = same + different
    level = isotonic_regression(
        (same / weight)[::-1], sample_weight=weight[::-1], y_min=0, y_max=1
    )[::-1]
    block = np.concatenate([[0], np.cumsum(np.diff(level) < -EQUAL)])
    n_same = np.bincount(block, counts.same).astype(np.int64)
    n_different = np.bincount(block, counts.different).astype(np.int64)
    with np.errstate(divide="ignore"):
        levels = np.log10(n_same / counts.n_same) - np.log10(n_different / counts.n_different)
    return ScoreCounts(levels, n_same, n_different)


def exceeding(counts: ScoreCounts, ratio: float) -> float:
    """Return the share of different-operator pairs whose LR is above `ratio`.

    For LRs that mean what they say it is at most 1/ratio (Royall 1997, Statistical Evidence, 1.4).
    """
    above = counts.levels > np.log10(ratio)
    return float(counts.different[above].sum() / counts.n_different)


def tippett(counts: ScoreCounts) -> pd.DataFrame:
    """Return, for each log10 LR that occurs, the share of pairs of each kind at or above it.

    Returns
    -------
    DataFrame
        `log10_lr` rising, `same`, `different` (shares from 0 to 1), after Evett & Buckleton 1996.
    """
    same = np.cumsum(counts.same) / counts.n_same
    different = np.cumsum(counts.different) / counts.n_different
    curve = pd.DataFrame({"log10_lr": counts.levels, "same": same, "different": different})
    return curve.iloc[::-1].reset_index(drop=True)


def ece(counts: ScoreCounts) -> pd.DataFrame:
    """Return the empirical cross-entropy over prior odds, in bits.

    Returns
    -------
    DataFrame
        `log10_prior_odds`, `ece` (of the LRs given), `ece_min` (of the pooled ones) and `ece_null`
        (of LR = 1 throughout); at prior odds of 1 `ece` is Cllr. After Ramos et al. 2013,
        Journal of Forensic Sciences 58:1503.
    """
    best, silent = isotonic(counts), count_by_score([0.0, 0.0], [True, False])
    curves = {
        name: [_cost(which, prior) for prior in PRIORS]
        for name, which in (("ece", counts), ("ece_min", best), ("ece_null", silent))
    }
    return pd.DataFrame({"log10_prior_odds": PRIORS, **curves})


def _cost(counts: ScoreCounts, log10_prior: float) -> float:
    """Return the cross-entropy at one prior; at odds of 1 it is Cllr."""
    odds = LN10 * (counts.levels + log10_prior)
    chance = 1 / (1 + 10.0**-log10_prior)
    miss = _mean(np.logaddexp(0, -odds), counts.same)
    false = _mean(np.logaddexp(0, odds), counts.different)
    return float((chance * miss + (1 - chance) * false) / np.log(2))


def _mean(cost: np.ndarray, weight: np.ndarray) -> float:
    """Weighted mean; an infinite cost that nobody bears is none."""
    borne = weight > 0
    return float(cost[borne] @ weight[borne] / weight.sum())


def calibrated_loss(counts: ScoreCounts, *, runs: int = 200, seed: int = 0) -> float:
    """Return the calibration loss that perfectly calibrated LRs of this separation and size show.

    Pool-adjacent-violators fits the very labels it is judged on, so that ``cllr - cllr_min`` is
    above 0 even for perfect LRs, the more the fewer same-operator pairs there are. Natural log LRs
    that are N(+v/2, v) for one operator and N(-v/2, v) for two are perfectly calibrated (Brümmer &
    Swart 2014, arXiv:1402.2447); v is chosen to give the tally's least Cllr, and the mean loss over
    simulated sets of the same size is returned.

    Parameters
    ----------
    counts
        The pairs to be matched in number and separation.
    runs
        Simulated sets.
    seed
        Of the simulation.
    """
    spread = _spread_of(min(max(cllr_min(counts), 1e-3), 0.999))
    random = np.random.default_rng(seed)
    n_same, n_different = counts.n_same, counts.n_different
    same = np.arange(n_same + n_different) < n_same
    centre = np.where(same, 1, -1) * spread**2 / 2
    losses = []
    for _ in range(runs):
        drawn = count_by_score((centre + spread * random.standard_normal(len(same))) / LN10, same)
        losses.append(cllr(drawn) - cllr_min(drawn))
    return float(np.mean(losses))


def _spread_of(cost: float) -> float:
    """Return the standard deviation of calibrated normal log LRs whose Cllr is `cost`."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(101)

    def excess(spread: float) -> float:
        bits = np.logaddexp(0, -(spread**2 / 2 + spread * nodes)) / np.log(2)
        return float(weights @ bits / weights.sum()) - cost

    return float(brentq(excess, 0.0, 20.0))


RUNS = 40
STEPS = 240


@dataclass(frozen=True)
class Separation:
    """Pairs of one operator against pairs of different ones.

    Attributes
    ----------
    name
        Which pairs of one operator.
    n_same, n_different
        Pairs of each kind.
    auc, average_precision, recall_at_fpr_1e3
        Of the ranking by `score`; the recall lets `allowed` different pairs through.
    cllr, cllr_min
        Of `log10_lr`, in bits; null where nothing is calibrated.
    calibrated_loss
        The calibration loss that perfectly calibrated LRs of this separation and size show.
    """

    name: str
    n_same: int
    n_different: int
    auc: float
    average_precision: float
    recall_at_fpr_1e3: float
    cllr: float | None
    cllr_min: float | None
    calibrated_loss: float | None

    @property
    def allowed(self) -> int:
        """How many different pairs a false-link rate of one in 1,000 lets through."""
        return self.n_different // 1000

    @property
    def loss(self) -> float | None:
        """Calibration loss, Cllr − Cllr_min."""
        return None if self.cllr is None or self.cllr_min is None else self.cllr - self.cllr_min


def separation(name: str, pairs: pd.DataFrame, *, calibrated: bool = True) -> Separation:
    """Measure one set of pairs.

    Parameters
    ----------
    name
        What the pairs of one operator are called.
    pairs
        `same` (bool), `score`, `log10_lr`; a null score ranks last, a null LR counts as 1.
    calibrated
        Whether there are LRs at all.
    """
    ranking = count_by_score(pairs["score"], pairs["same"])
    ratios = ratios_of(pairs)
    return Separation(
        name=name,
        n_same=ranking.n_same,
        n_different=ranking.n_different,
        auc=roc_auc(ranking),
        average_precision=average_precision(ranking),
        recall_at_fpr_1e3=recall_at_fpr(ranking),
        cllr=cllr(ratios) if calibrated else None,
        cllr_min=cllr_min(ratios) if calibrated else None,
        calibrated_loss=calibrated_loss(ratios, runs=RUNS) if calibrated else None,
    )


def ratios_of(pairs: pd.DataFrame) -> ScoreCounts:
    """Count pairs by `log10_lr`, a null as 0."""
    return count_by_score(pairs["log10_lr"], pairs["same"], null=0.0)


def tippett_grid(counts: ScoreCounts, steps: int = STEPS) -> pd.DataFrame:
    """Return the Tippett curves at evenly spaced log10 LRs, for drawing.

    Returns
    -------
    DataFrame
        `log10_lr` rising from the least to the greatest that occurs, and the shares `same` and
        `different` at or above it.
    """
    at = np.linspace(counts.levels[-1], counts.levels[0], steps + 1)
    reached = np.searchsorted(-counts.levels, -at + 1e-9, side="right")
    shares = {
        name: np.concatenate([[0.0], np.cumsum(found) / found.sum()])[reached]
        for name, found in (("same", counts.same), ("different", counts.different))
    }
    return pd.DataFrame({"log10_lr": at, **shares})
