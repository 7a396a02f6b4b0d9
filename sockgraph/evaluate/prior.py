"""What evidence is worth beside the reader's own prior: Bayes' rule in odds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SURE = 0.95


@dataclass(frozen=True)
class PriorReading:
    """What a case's prior leaves of evidence at its strongest.

    Attributes
    ----------
    per_pair
        The prior probability that a pair has one operator, as the case states it.
    bound
        The highest log10 LR that the reference supports.
    needed
        The log10 LR that would leave a posterior of 95 %.
    at_bound
        The posterior of a pair at the bound.
    at_flag
        The posterior of a pair whose log10 LR is the least that an interval of a flagged link may
        begin with.
    """

    per_pair: float
    bound: float
    needed: float
    at_bound: float
    at_flag: float

    @property
    def carries(self) -> bool:
        """Whether the evidence alone can reach 95 %."""
        return self.at_bound >= SURE


@dataclass(frozen=True)
class Precision:
    """What a rule's finds are worth at the case's own prior.

    Attributes
    ----------
    rule
        Which pairs it takes.
    true, n_true, false, n_false
        Pairs of one operator and of different ones that it takes, of how many.
    precision
        Share of what it takes that would be true, were pairs as rare as the prior says.
    with_one_more
        Whether no false pair was seen, so that the precision is that with one false pair added.
    """

    rule: str
    true: int
    n_true: int
    false: int
    n_false: int
    precision: float | None
    with_one_more: bool


def posterior(prior: float, log10_lr: float) -> float:
    """Return the posterior probability: prior odds times LR.

    >>> round(posterior(0.5, 1.0), 3), round(posterior(0.005, 2.6), 3)
    (0.909, 0.667)
    """
    odds = prior / (1 - prior) * 10**log10_lr
    return float(odds / (1 + odds))


def prior_reading(per_pair: float, bound: float, flag_log10_lr: float) -> PriorReading:
    """Return what a prior leaves of evidence at the bound and at the flag's threshold."""
    odds = per_pair / (1 - per_pair)
    needed = float(np.log10(SURE / (1 - SURE) / odds))
    at_flag = posterior(per_pair, min(flag_log10_lr, bound))
    return PriorReading(per_pair, bound, needed, posterior(per_pair, bound), at_flag)


def precision_at(
    per_pair: float, rule: str, true: tuple[int, int], false: tuple[int, int]
) -> Precision:
    """Return the precision of a rule at a prior.

    π·r / (π·r + (1 − π)·f), r and f the shares of the pairs of one operator and of different ones
    that the rule takes. Where it took no different pair, one more is counted that it might have
    taken, as in ELUB: no sample shows that a rate is zero.

    Parameters
    ----------
    per_pair
        π.
    rule
        What the rule is called.
    true, false
        Pairs taken, of how many.

    Examples
    --------
    >>> precision_at(0.5, "score", (50, 100), (0, 99)).precision
    0.9803921568627451
    """
    (taken, n), (wrong, m) = true, false
    recall = taken / n if n else 0.0
    rate = wrong / m if wrong else 1 / (m + 1)
    found = per_pair * recall
    worth = found / (found + (1 - per_pair) * rate) if taken else None
    return Precision(rule, taken, n, wrong, m, worth, wrong == 0)
