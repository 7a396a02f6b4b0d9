"""From numbers to words and flags."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

WORDS = ("weakly", "moderately", "moderately strongly", "strongly")
"""ENFSI's scale (2015 guideline): from 2 to 10, to 100, to 1,000 times, and above."""
LEAST = float(np.log10(2))
"""ENFSI has no word for less: an LR from 1 to 2 does not separate."""
GROUP = 12
"""The largest group whose members may be flagged together."""

SPEAKS_AGAINST = -0.5
"""An alibi's log10 LR, half its bound, at or below which a group may not hold the pair."""
JOINS = 0.5
"""The score that every pair between two groups must reach before they are one."""


def band(low: float, high: float) -> str:
    """Return the words for an interval: those of its end nearer zero.

    >>> band(1.2, 2.5), band(-0.3, 1.0), band(-2.4, -0.4), band(0.2, 1.8)
    ('moderately for', 'does not separate', 'weakly against', 'does not separate')
    """
    near = max(low, -high)
    if not near >= LEAST:
        return "does not separate"
    word = WORDS[min(int(np.floor(near)), len(WORDS) - 1)]
    return f"{word} {'for' if low > 0 else 'against'}"


def bands(
    known: NDArray[np.bool_],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    *,
    calibrated: bool,
) -> list[str]:
    """Return the words for each pair's interval, or why there are none."""
    words = map(band, low, high) if calibrated else repeat("not calibrated", len(known))
    return [w if at else "insufficient" for at, w in zip(known, words, strict=True)]


def best_groups(
    scores: NDArray[np.float64],
    worthy: NDArray[np.bool_],
    *,
    apart: NDArray[np.bool_] | None = None,
) -> NDArray[np.bool_]:
    """Return which worthy pairs are each other's best, or lie in a group whose members all are.

    Groups grow, the highest score first: two accounts that are each other's best are one group;
    then two accounts of different groups that are each other's best among all accounts outside
    their own groups, if every pair between the two groups reaches `JOINS`: one operator would
    stand behind all of them, so what clears one pair speaks against the whole.

    Parameters
    ----------
    scores
        (accounts, accounts), symmetric, NaN where there is none.
    worthy
        (accounts, accounts), symmetric: whether all else that a flag needs is there. A pair that
        is not worthy joins nothing, and still keeps either side from a lesser one.
    apart
        (accounts, accounts), symmetric: pairs that no group may hold; default: none.
    """
    n = len(scores)
    best = np.zeros((n, n), dtype=bool)
    group = np.arange(n)
    ranked = np.where(np.isnan(scores), -np.inf, scores)
    across = ranked if apart is None else np.where(apart, -np.inf, ranked)
    while n > 1:
        outside = np.where(group[:, None] == group[None, :], -np.inf, ranked)
        first = outside.argmax(axis=1)
        mutual = (first[first] == np.arange(n)) & worthy[np.arange(n), first]
        mutual &= np.isfinite(outside.max(axis=1))
        size = np.bincount(group, minlength=n)[group]
        able = np.flatnonzero(mutual & (size + size[first] <= GROUP))
        weakest = [across[np.ix_(group == group[i], group == group[first[i]])].min() for i in able]
        joined = able[np.asarray(weakest, dtype=float) >= JOINS]
        if not len(joined):
            break
        one = joined[ranked[joined, first[joined]].argmax()]
        other = first[one]
        best[one, other] = best[other, one] = True
        group = np.where(group == group[other], group[one], group)
    alike = (group[:, None] == group[None, :]) & worthy & ~np.eye(n, dtype=bool)
    return np.asarray(best | alike)


def declared_pairs(users: Sequence[str], declared: Sequence[Sequence[str]]) -> NDArray[np.bool_]:
    """Return which pairs are declared to be one operator's."""
    same = np.zeros((len(users), len(users)), dtype=bool)
    for names in declared:
        listed = np.isin(np.asarray(users, dtype=object), list(names))
        same |= listed[:, None] & listed[None, :]
    return same


def families_for(
    contributions: NDArray[np.float64], families: Sequence[str], counting: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return how many families speak for one operator.

    Parameters
    ----------
    contributions
        (pairs, signals).
    families
        (signals,).
    counting
        (signals,) whether a signal may count; those with a null of their own never do.
    """
    total = np.zeros(len(contributions), dtype=np.int64)
    names = np.asarray(families, dtype=object)
    for family in dict.fromkeys(families):
        here = (names == family) & counting
        total += contributions[:, here].sum(axis=1) > 0
    return total


def high_quantile(values: NDArray[np.float64], share: float) -> float:
    """Return the value that only `share` of the different pairs exceed, by an exponential tail.

    The tail is fitted between the 95th and the 99th hundredth, so that a few undetected socks
    beyond do not lift it.
    """
    if not len(values):
        return float("nan")
    near, far = np.quantile(values, [0.95, 0.99])
    scale = max(far - near, 1e-9) / np.log(5)
    return float(far + scale * np.log(0.01 / share))
