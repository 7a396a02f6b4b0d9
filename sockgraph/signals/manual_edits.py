"""Work by hand: what accounts save themselves, page by page, in one timeline.

Batches, bursts and quick runs from page to page are left out: they are a tool's pace, beside which
no change of account would be short, and nobody need sit there meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from sockgraph.signals.corpus import Histories

SESSION = 1800.0
"""Longer pauses end a session and are no pace."""
BATCH = 3
"""A save of more pages is a batch, and no sign of where anyone was."""
BURST = 6
"""More saves within a minute are a script's."""
MASS, MASS_PAUSE = 4, 60.0
"""So many saves of an account, each on another page within so many seconds, are mass edits."""
STEADY = 0.25
"""An account whose ln pauses spread less than this keeps a machine's pace."""

AT_ONCE = 1 << 21
"""Entries of ranges that are looked at together."""


@dataclass(frozen=True)
class ManualEdits:
    """What is left after batches and bursts, in time order.

    Attributes
    ----------
    unit, at, page, save
        One entry a save: its unit, seconds since 1970, its first page, its place in the corpus.
    """

    unit: NDArray[np.int64]
    at: NDArray[np.float64]
    page: NDArray[np.int64]
    save: NDArray[np.int64]


def manual_edits(histories: Histories) -> ManualEdits:
    """Return what the units save by hand."""
    corpus = histories.corpus
    first = np.searchsorted(corpus.save, histories.saves)
    at = corpus.seconds[histories.saves]
    keep = corpus.n_pages[histories.saves] <= BATCH
    minute = np.floor(at / 60)
    new = (np.diff(histories.unit, prepend=-1) != 0) | (np.diff(minute, prepend=-1) != 0)
    bunch = np.cumsum(new) - 1
    keep &= np.bincount(bunch)[bunch] < BURST if len(bunch) else True
    keep &= ~_steady(histories.unit, at, histories.n_units)[histories.unit]
    rows = np.flatnonzero(keep)
    rows = rows[~_mass(histories.unit[rows], at[rows], corpus.page[first][rows])]
    rows = rows[np.argsort(at[rows], kind="stable")]
    return ManualEdits(
        histories.unit[rows], at[rows], corpus.page[first][rows], histories.saves[rows]
    )


def entries(
    low: NDArray[np.int64], high: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield the entries of ranges, of some ranges at a time: the range's place, and the entry.

    >>> [(which.tolist(), entry.tolist()) for which, entry in entries([0, 5, 7], [2, 5, 8])]
    [([0, 0, 2], [0, 1, 7])]
    """
    size = np.maximum(np.subtract(high, low), 0)
    part = np.cumsum(size) // AT_ONCE
    for one in np.unique(part):
        here = np.flatnonzero(part == one)
        each = size[here]
        which = np.repeat(here, each)
        within = np.arange(len(which)) - np.repeat(np.cumsum(each) - each, each)
        yield which, np.asarray(low)[which] + within


def _mass(
    unit: NDArray[np.int64], at: NDArray[np.float64], page: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return which saves belong to a quick run from page to page; saves by unit, then time."""
    if not len(at):
        return np.zeros(0, dtype=bool)
    goes_on = (np.diff(unit) == 0) & (np.diff(at) <= MASS_PAUSE) & (np.diff(page) != 0)
    run = np.cumsum(np.r_[True, ~goes_on]) - 1
    return np.asarray(np.bincount(run)[run] >= MASS)


def _steady(unit: NDArray[np.int64], at: NDArray[np.float64], n: int) -> NDArray[np.bool_]:
    """Return which units keep a machine's pace."""
    pause = np.diff(at)
    within = (np.diff(unit) == 0) & (pause > 0)
    length, whose = np.log(pause[within]), unit[1:][within]
    count = np.maximum(np.bincount(whose, minlength=n), 1)
    mean = np.bincount(whose, length, minlength=n) / count
    spread = np.sqrt(np.bincount(whose, (length - mean[whose]) ** 2, minlength=n) / count)
    return np.asarray((spread < STEADY) & (count >= 10))
