"""The promise behind a flag: of a hundred innocent cases, at most two carry any.

A flag asks for a standing (`adjustment.standing`) that at most two of a hundred innocent cases of
labelled communities reach, where it is known who is who (`settings.STANDING`). The case's own
reference is then looked at: every reference account with as many others as were nominated, those
whose pages are most like its own, makes an innocent case, and it is said how many of them would
carry a flag. Nobody knows who is who there: the pairs behind those flags may be operators whom
nobody has found. Where there are more of them than of undetected operators anywhere
(`settings.CROWDED`), people are alike here, and the standing asked for rises until there are not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sockgraph.evidence.flagging import high_quantile
from sockgraph.evidence.settings import CROWDED, EXPECTED_FALSE, FEWEST_CASES, STANDING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sockgraph.evidence.scoring import AccountIndex


@dataclass(frozen=True)
class FlagThreshold:
    """What a flag of this case rests on.

    Attributes
    ----------
    threshold
        The standing that a flag must exceed; null where no promise can be kept.
    cases, flagged
        Innocent cases drawn from the reference, and those of them that would carry a flag; none in
        an open case.
    pairs
        The pairs behind these flags: people who are alike, or operators whom nobody has found.
    score, expected
        In an open case: the score that a flag must exceed too, and how many false flags are then
        expected; null in any other.
    reason
        Why nothing can be flagged; null where something can.
    """

    threshold: float | None
    cases: int = 0
    flagged: int = 0
    pairs: int = 0
    score: float | None = None
    expected: float | None = None
    reason: str | None = None


def flag_threshold(
    standing: NDArray[np.float64],
    near: NDArray[np.float64],
    cast: AccountIndex,
    different: NDArray[np.float64],
) -> FlagThreshold:
    """Find the standing that a flag must exceed, and in an open case the score.

    Parameters
    ----------
    standing
        (users, users) of pairs that have all else that a flag asks of a number, −∞ of others; see
        `adjustment.standing`.
    near
        (users, users) how alike their pages are.
    cast
        Who is nominated, and who is reference.
    different
        (pairs,) scores of different reference pairs.
    """
    named = int(cast.nominated.sum())
    if (cast.nominated == cast.reference).all():  # an open case: everybody with everybody
        share = EXPECTED_FALSE / max(named * (named - 1) / 2, 1)
        asked = high_quantile(different, share)
        return FlagThreshold(STANDING, score=asked, expected=EXPECTED_FALSE)
    members = np.flatnonzero(cast.reference)
    if len(members) < FEWEST_CASES:
        return FlagThreshold(
            None,
            reason=f"{len(members)} reference accounts make as many innocent cases; at least"
            f" {FEWEST_CASES} are needed to promise anything of a flag",
        )
    cells = np.ix_(members, members)
    among = np.where(np.isnan(standing[cells]), -np.inf, standing[cells])
    person = cast.person[members]
    among[person[:, None] == person[None, :]] = -np.inf
    best, pair = highest_innocent(among, near[cells], min(max(named, 2), len(members)))
    of_pair = np.sort(best[np.unique(pair, return_index=True)[1]])[::-1]
    enough = int(CROWDED * len(members))
    threshold = max([STANDING, *of_pair[enough : enough + 1].tolist()])
    passed = best > threshold
    return FlagThreshold(threshold, len(members), int(passed.sum()), len(np.unique(pair[passed])))


def highest_innocent(
    standing: NDArray[np.float64], alike: NDArray[np.float64], size: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the highest standing in each account's innocent case of `size`, and whose it is.

    Returns
    -------
    best, pair
        (accounts,) the standing, and a number of the pair that has it.
    """
    order = alike.copy()
    np.fill_diagonal(order, np.inf)
    apart = np.triu(standing, 1) + np.tril(np.full(standing.shape, -np.inf))
    n = len(standing)
    cases = np.sort(np.argsort(-order, axis=1, kind="stable")[:, :size], axis=1)
    best, pair = np.empty(n), np.empty(n, dtype=np.int64)
    for i, case in enumerate(cases):  # one at a time: of 200 accounts each holds 40,000 numbers
        cells = apart[np.ix_(case, case)]
        first, second = np.unravel_index(cells.argmax(), cells.shape)
        best[i], pair[i] = cells[first, second], case[first] * n + case[second]
    return best, pair
