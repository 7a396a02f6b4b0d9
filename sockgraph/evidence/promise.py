"""The promise behind a flag: of a hundred innocent cases like this one, at most two carry any.

Innocent cases are drawn from the case's own reference: every reference account with as many others
as were nominated, those whose pages are most like its own, since people nominate because accounts
are alike. Nobody there is anybody's, as far as is known; two who may be (`settings.TWIN`) are not
put into one case. The threshold is the score that the highest pair of at most `settings.PROMISE` of
these cases exceeds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sockgraph.evidence.adjustment import PAGES
from sockgraph.evidence.flagging import high_quantile
from sockgraph.evidence.settings import EXPECTED_FALSE, FEWEST_CASES, PROMISE, TWIN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sockgraph.evidence.scoring import AccountIndex


@dataclass(frozen=True)
class Promise:
    """What a flag of this case rests on.

    Attributes
    ----------
    threshold
        The score that a flag must exceed; null where no promise can be kept.
    cases, flagged
        Innocent cases drawn from the reference, and those of them that would carry a flag; none in
        an open case.
    twins
        Reference accounts left out of them, as another may be the same operator's.
    expected
        False flags expected in an open case; null in any other.
    reason
        Why nothing can be flagged; null where something can.
    """

    threshold: float | None
    cases: int = 0
    flagged: int = 0
    twins: int = 0
    expected: float | None = None
    reason: str | None = None


def promise_of(
    scores: NDArray[np.float64],
    surprise: NDArray[np.float64],
    cast: AccountIndex,
    different: NDArray[np.float64],
) -> Promise:
    """Find the score that a flag must exceed.

    Parameters
    ----------
    scores
        (users, users) by which links are ranked, traces with a null of their own left out.
    surprise
        (users, users, signals).
    cast
        Who is nominated, and who is reference.
    different
        (pairs,) scores of different reference pairs.
    """
    named = int(cast.nominated.sum())
    if (cast.nominated == cast.reference).all():  # an open case: everybody with everybody
        share = EXPECTED_FALSE / max(named * (named - 1) / 2, 1)
        return Promise(high_quantile(different, share), expected=EXPECTED_FALSE)
    members = np.flatnonzero(cast.reference)
    if len(members) < FEWEST_CASES:
        return Promise(
            None,
            reason=f"{len(members)} reference accounts make as many innocent cases; at least"
            f" {FEWEST_CASES} are needed to promise anything of a flag",
        )
    cells = np.ix_(members, members)
    among = np.where(np.isnan(scores[cells]), -np.inf, scores[cells])
    person = cast.person[members]
    among[person[:, None] == person[None, :]] = -np.inf
    alike = np.nan_to_num(surprise[..., PAGES][cells], nan=-np.inf)
    size = min(max(named, 2), len(members))
    twin = _twins(among)
    kept = np.flatnonzero(~twin)
    all_tops = highest(among, alike, size)
    tops = highest(among[np.ix_(kept, kept)], alike[np.ix_(kept, kept)], size)
    threshold = min(_passed_by_few(all_tops), max(_passed_by_few(tops), TWIN))
    return Promise(threshold, len(tops), int((tops > threshold).sum()), int(twin.sum()))


def highest(
    scores: NDArray[np.float64], alike: NDArray[np.float64], size: int
) -> NDArray[np.float64]:
    """Return the highest score within each account's innocent case of `size` accounts."""
    order = alike.copy()
    np.fill_diagonal(order, np.inf)
    apart = scores.copy()
    np.fill_diagonal(apart, -np.inf)
    nearest = np.argsort(-order, axis=1, kind="stable")[:, :size]
    return np.array([apart[np.ix_(case, case)].max() for case in nearest])


def _twins(scores: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return one account of every two that are each other's best, above `TWIN`."""
    apart = scores.copy()
    np.fill_diagonal(apart, -np.inf)
    best = apart.argmax(axis=1)
    here = np.arange(len(best))
    return np.asarray((best[best] == here) & (apart[here, best] > TWIN) & (best < here))


def _passed_by_few(tops: NDArray[np.float64]) -> float:
    """Return the least of these that at most `PROMISE` of them exceed."""
    ranked = np.sort(tops)[::-1]
    return float(ranked[min(int(PROMISE * len(ranked)), len(ranked) - 1)])
