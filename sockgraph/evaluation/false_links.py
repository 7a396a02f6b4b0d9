"""False links: by stratum, in an open set, and against a prior."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sockgraph.clustering.linkage import THRESHOLD, pair_evidence, partition
from sockgraph.evidence.reliability import ENOUGH, RATIOS
from sockgraph.evidence.training import EXTREME
from sockgraph.graph import to_graph

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


SHARED = 5
"""Pages in common from which on exculpation is asked for."""
STRATA = {
    "same_pages": "colleagues on the same pages",
    "same_hours": "same hours of the week",
    "same_tools": "same tools",
    "newcomers": "newcomers of one week on one page",
}


@dataclass(frozen=True)
class Limit:
    """How many pairs of different people have an LR above `ratio`.

    Attributes
    ----------
    ratio
        x; LRs that mean what they say exceed it in at most 1/x of the pairs.
    above, share
        Pairs above it, and what share they are; null where there is no pair.
    untested
        Why nothing can be said; null where it can.
    """

    ratio: int
    above: int
    share: float | None
    untested: str | None

    @property
    def kept(self) -> bool | None:
        """Whether the share is at most 1/x; None where that cannot be told."""
        return None if self.untested or self.share is None else self.share <= 1 / self.ratio


@dataclass(frozen=True)
class Stratum:
    """Different pairs of one kind, with and without the most extreme ones.

    Attributes
    ----------
    name
        Which kind.
    pairs, limits
        All of them.
    pairs_without, limits_without
        Less those beyond the most extreme of *all* different pairs.
    against
        Share with log10 LR below -1; null where there is no pair.
    """

    name: str
    pairs: int
    limits: tuple[Limit, ...]
    pairs_without: int
    limits_without: tuple[Limit, ...]
    against: float | None


@dataclass(frozen=True)
class Exculpation:
    """How often different people who share pages are told apart.

    Attributes
    ----------
    pairs
        Different pairs with at least `SHARED` pages in common and enough edits.
    cleared
        Share with log10 LR below -1; null where there is no pair.
    towards
        Share with log10 LR above 1: misled instead.
    """

    pairs: int
    cleared: float | None
    towards: float | None


def limits(log10_lr: NDArray[np.float64], highest: float) -> tuple[Limit, ...]:
    """Return how many pairs of different people exceed each of `RATIOS`.

    Parameters
    ----------
    log10_lr
        (pairs,) of different people.
    highest
        The bound on log10 LR: nothing beyond it can be tested.
    """
    n = len(log10_lr)
    return tuple(
        Limit(x, above, above / n if n else None, _untested(n, x, highest))
        for x in RATIOS
        for above in [int((log10_lr > np.log10(x)).sum())]
    )


def _untested(n: int, ratio: int, highest: float) -> str | None:
    if n < ENOUGH * ratio:
        return f"{n:,} of {ENOUGH * ratio:,} pairs needed"
    if highest <= np.log10(ratio):
        return "beyond the bound"
    return None


def false_link_strata(
    different: pd.DataFrame, highest: float, names: Mapping[str, str] = STRATA
) -> tuple[Stratum, ...]:
    """Return the false-link rates of all different pairs and of the hard ones.

    Parameters
    ----------
    different
        Pairs of different people: `score`, `log10_lr` (null: 0) and a boolean column a stratum.
    highest
        The bound on log10 LR.
    names
        From a stratum's column to what it is called.
    """
    lr = different["log10_lr"].fillna(0.0).to_numpy(float)
    score = different["score"].fillna(-np.inf).to_numpy(float)
    inner = score <= np.quantile(score, 1 - EXTREME) if len(score) else np.zeros(0, dtype=bool)
    masks = {"all different pairs": np.ones(len(lr), dtype=bool)}
    for column, name in names.items():
        if column in different and different[column].notna().any():
            masks[name] = different[column].fillna(value=False).to_numpy(bool)
    return tuple(_stratum(n, lr[m], lr[m & inner], highest) for n, m in masks.items())


def _stratum(
    name: str, lr: NDArray[np.float64], without: NDArray[np.float64], highest: float
) -> Stratum:
    against = float((lr < -1).mean()) if len(lr) else None
    return Stratum(
        name, len(lr), limits(lr, highest), len(without), limits(without, highest), against
    )


def exculpation(different: pd.DataFrame) -> Exculpation | None:
    """Return how often different people with pages in common are told apart.

    Parameters
    ----------
    different
        `log10_lr`, `score`, `shared_pages`; pairs without a score had too few edits.

    Returns
    -------
    Exculpation or None
        None where shared pages are not known.
    """
    if "shared_pages" not in different or different["shared_pages"].isna().all():
        return None
    shared = different["shared_pages"].fillna(0).to_numpy(float) >= SHARED
    lr = different["log10_lr"][shared & different["score"].notna().to_numpy()].to_numpy(float)
    if not len(lr):
        return Exculpation(0, None, None)
    return Exculpation(len(lr), float((lr < -1).mean()), float((lr > 1).mean()))


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


@dataclass(frozen=True)
class OpenSet:
    """Accounts without a partner among those compared, and who of them is flagged all the same.

    Attributes
    ----------
    accounts, flagged
        Accounts tried, and those flagged with somebody.
    expected
        Pairs that would meet a flag's conditions, were all that the case compares different people.
    bereft, bereft_flagged
        Of those, accounts whose true partners were taken away for it; None where nobody's were.
    """

    accounts: int
    flagged: int
    expected: float | None = None
    bereft: int | None = None
    bereft_flagged: int | None = None

    @property
    def nobody(self) -> float | None:
        """Share that is flagged with nobody; null where no account was tried."""
        return 1 - self.flagged / self.accounts if self.accounts else None

    @property
    def bereft_nobody(self) -> float | None:
        """The same, of the accounts whose partners were taken away."""
        if not self.bereft or self.bereft_flagged is None:
            return None
        return 1 - self.bereft_flagged / self.bereft


def open_set(
    links: pd.DataFrame, person: pd.Series, *, declared: Sequence[Sequence[str]] = ()
) -> OpenSet:
    """Take each account's partners away in turn, and count who is flagged with somebody else.

    Scores stay as they are: only the groups are made again. Where the accounts are their own
    reference, a partner's leaving would also move the scores a little.

    Parameters
    ----------
    links
        Contract table.
    person
        Whose account each is, by user; who is not named is left out of the count, and compared.
    declared
        Groups of accounts that are declared to be one operator's.
    """
    graph = to_graph(links, declared=declared)
    known = pair_evidence(graph)
    users = known.users
    whose = pd.Series(pd.factorize(person)[0], index=person.index).reindex(users, fill_value=-1)
    of = whose.to_numpy()
    partnered = (of[:, None] == of[None, :]) & (of >= 0)[:, None]
    np.fill_diagonal(partnered, val=False)
    eligible = known.bears & np.isfinite(known.log10_lr)
    np.fill_diagonal(eligible, val=False)
    wrong = (eligible & ~partnered).any(axis=1) & (of >= 0)
    flagged = np.zeros(len(users), dtype=bool)
    for at in np.flatnonzero(wrong):
        left = np.flatnonzero(~partnered[at])
        group = partition(known.of(left), threshold=THRESHOLD, linkage="average")
        with_them = group == group[left == at]
        flagged[at] = bool((eligible[at, left] & with_them).any())
    named, bereft = of >= 0, partnered.any(axis=1)
    return OpenSet(
        int(named.sum()),
        int(flagged.sum()),
        bereft=int(bereft.sum()) if bereft.any() else None,
        bereft_flagged=int((flagged & bereft).sum()) if bereft.any() else None,
    )
