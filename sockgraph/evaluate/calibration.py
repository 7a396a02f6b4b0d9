"""Whether log10 LRs mean what they say: Cllr, its least value, Tippett and ECE curves."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from sklearn.isotonic import isotonic_regression

from sockgraph.evaluate.tally import Tally, tally

LN10 = float(np.log(10))
EQUAL = 1e-12  # rounding apart, pooled levels are one
PRIORS = np.linspace(-4, 4, 161)  # log10 prior odds at which ECE is drawn


def cllr(counts: Tally) -> float:
    """Return the log-likelihood-ratio cost, in bits: 0 is perfect, 1 says nothing.

    Half the mean of log2(1 + 1/LR) over same-operator pairs plus half the mean of log2(1 + LR) over
    the others (Brümmer & du Preez 2006, Computer Speech and Language 20:230, eq. 26).
    """
    return _cost(counts, 0.0)


def cllr_min(counts: Tally) -> float:
    """Return the Cllr that remains when the ranking is kept and calibration is perfect.

    The LRs are replaced by those that pool-adjacent-violators gives on the very same labels (ibid.,
    section 5). ``cllr - cllr_min`` is the calibration loss.
    """
    return cllr(pooled(counts))


def pooled(counts: Tally) -> Tally:
    """Return the tally with each log10 LR replaced by the best non-decreasing one.

    Classes weigh the same whatever their sizes. A block with pairs of one kind only gets an
    infinite log10 LR, which costs those pairs nothing.
    """
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
    return Tally(levels, n_same, n_different)


def exceeding(counts: Tally, ratio: float) -> float:
    """Return the share of different-operator pairs whose LR is above `ratio`.

    For LRs that mean what they say it is at most 1/ratio (Royall 1997, Statistical Evidence, 1.4).
    """
    above = counts.levels > np.log10(ratio)
    return float(counts.different[above].sum() / counts.n_different)


def tippett(counts: Tally) -> pd.DataFrame:
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


def ece(counts: Tally) -> pd.DataFrame:
    """Return the empirical cross-entropy over prior odds, in bits.

    Returns
    -------
    DataFrame
        `log10_prior_odds`, `ece` (of the LRs given), `ece_min` (of the pooled ones) and `ece_null`
        (of LR = 1 throughout); at prior odds of 1 `ece` is Cllr. After Ramos et al. 2013,
        Journal of Forensic Sciences 58:1503.
    """
    best, silent = pooled(counts), tally([0.0, 0.0], [True, False])
    curves = {
        name: [_cost(which, prior) for prior in PRIORS]
        for name, which in (("ece", counts), ("ece_min", best), ("ece_null", silent))
    }
    return pd.DataFrame({"log10_prior_odds": PRIORS, **curves})


def _cost(counts: Tally, log10_prior: float) -> float:
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


def calibrated_loss(counts: Tally, *, runs: int = 200, seed: int = 0) -> float:
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
        drawn = tally((centre + spread * random.standard_normal(len(same))) / LN10, same)
        losses.append(cllr(drawn) - cllr_min(drawn))
    return float(np.mean(losses))


def _spread_of(cost: float) -> float:
    """Return the standard deviation of calibrated normal log LRs whose Cllr is `cost`."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(101)

    def excess(spread: float) -> float:
        bits = np.logaddexp(0, -(spread**2 / 2 + spread * nodes)) / np.log(2)
        return float(weights @ bits / weights.sum()) - cost

    return float(brentq(excess, 0.0, 20.0))
