"""How unlike a case is to the communities that the numbers were judged on.

What was measured on accounts of twenty communities says little of accounts that none of these has:
bots' lengths, hardly any summaries, one evening. So the nominated accounts' median is laid beside
what 98 of 100 labelled accounts show (those of ten edit times; each community counts once). Where
it lies outside, every interval is wider by the most that one community's log10 LRs were off
(`settings.WIDER`), so the words for it are weaker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sockgraph.signals.corpus import DAY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sockgraph.evidence.scoring import AccountIndex
    from sockgraph.signals import Histories

SEEN = {
    "edit times": (10.0, 1628.0),
    "pages": (1.0, 919.0),
    "days from first to last edit": (0.7, 5112.0),
    "share of empty summaries": (0.0, 0.696),
    "share of summaries that more than a tenth of accounts use": (0.0, 0.833),
}
"""Between which 98 of 100 labelled accounts lie."""
COMMON = 0.1
"""A summary is a tool's, or the community's, where so many of the accounts compared use it."""


def transfer(cast: AccountIndex, histories: Histories) -> list[dict[str, Any]]:
    """Lay the nominated accounts beside the communities.

    Returns
    -------
    list
        Of each measure `what`, `here` (the nominated accounts' median), `low`, `high` (see `SEEN`)
        and `inside`; none where no account has enough edits.
    """
    named = np.flatnonzero(cast.nominated)
    if not len(named):
        return []
    here = _measures(histories)
    told = []
    for what, (low, high) in SEEN.items():
        value = float(np.median(here[what][named]))
        told.append(
            {"what": what, "here": value, "low": low, "high": high, "inside": low <= value <= high}
        )
    return told


def _measures(histories: Histories) -> dict[str, NDArray[np.float64]]:
    """Return each measure of every account, (accounts,)."""
    corpus, unit, saves = histories.corpus, histories.unit, histories.saves
    n = histories.n_units
    times = np.bincount(unit, minlength=n).astype(float)
    seconds = corpus.seconds[saves]
    first, last = np.full(n, np.inf), np.full(n, -np.inf)
    np.minimum.at(first, unit, seconds)
    np.maximum.at(last, unit, seconds)
    of_save = np.full(corpus.n_saves, -1)
    of_save[saves] = unit
    who, page = of_save[corpus.save], corpus.page
    known = (who >= 0) & (page >= 0)
    pages = np.unique(np.column_stack([who[known], page[known]]), axis=0)[:, 0]
    filled = np.array([bool(text.strip()) for text in corpus.comments] + [False])
    said = corpus.comment[saves]
    pairs = np.unique(np.column_stack([said, unit])[filled[said]], axis=0)
    users = np.bincount(pairs[:, 0], minlength=len(filled))
    wide = users > COMMON * n
    return {
        "edit times": times,
        "pages": np.bincount(pages, minlength=n).astype(float),
        "days from first to last edit": (last - first) / DAY,
        "share of empty summaries": np.bincount(unit, ~filled[said], minlength=n) / times,
        "share of summaries that more than a tenth of accounts use": np.bincount(
            unit, wide[said], minlength=n
        )
        / times,
    }
