"""From numbers to words and flags."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

WORDS = ("weakly", "moderately", "moderately strongly", "strongly")
"""ENFSI's scale (2015 guideline): up to 10, 100, 1,000 times, and above."""
GROUP = 12
"""The largest group whose members may be flagged together."""


def band(low: float, high: float) -> str:
    """Return the words for an interval: those of its end nearer zero.

    >>> band(1.2, 2.5), band(-0.3, 1.0), band(-2.4, -0.4)
    ('moderately for', 'does not separate', 'weakly against')
    """
    if low <= 0 <= high:
        return "does not separate"
    near = low if low > 0 else -high
    word = WORDS[min(int(np.floor(near)), len(WORDS) - 1)]
    return f"{word} {'for' if low > 0 else 'against'}"


def best_groups(scores: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which pairs are each other's best, or lie in a group whose members all are.

    A group of k is one in which every member's k − 1 highest scores are the other members.

    Parameters
    ----------
    scores
        (accounts, accounts), symmetric, NaN where there is none.
    """
    n = len(scores)
    ranked = np.where(np.isnan(scores), -np.inf, scores)
    np.fill_diagonal(ranked, -np.inf)
    order = np.argsort(-ranked, axis=1, kind="stable")
    best = np.zeros((n, n), dtype=bool)
    for size in range(2, min(GROUP, n) + 1):
        members = np.sort(np.column_stack([np.arange(n), order[:, : size - 1]]), axis=1)
        for row in range(n):
            group = members[row]
            whole = np.isfinite(ranked[np.ix_(group, group)]).sum() == size * (size - 1)
            if group[0] == row and whole and (members[group] == group).all():
                best[np.ix_(group, group)] = True
    np.fill_diagonal(best, val=False)
    return best


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
