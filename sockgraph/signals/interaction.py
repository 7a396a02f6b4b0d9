"""Interaction: undoing each other.

People revert other people; hardly anybody reverts their own other account. On every page, an edit
that undoes is set against the edit before it: k times one of the two undid the other, where from
how often each undoes *anybody* it follows, e times were to be expected. Under H2 k is about
Poisson(e), under H1 about Poisson(s · e), s how much rarer people undo *themselves* than others
here (measured on the same pages, so that a community that tidies up after itself says nothing):

    log10 LR = k · log10 s + (1 − s) · e / ln 10,   held at ±1.

An edit undoes if its summary says so, or if it restores a text that the page had before (the same
sha1).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from sockgraph.signals.histories import Corpus, Histories

RAREST = 0.25
"""The least that s is taken to be: an operator may stage a quarrel."""
LIMIT = 1.0
TOLD = 4
"""Undoings whose edits are named."""
LEAST = 3.0
"""Undoings expected or seen below which nothing can be said."""
UNDOES = re.compile(
    r"\b(?:undid|undo|reverted|revert|reverting|rvv?|rollback|rolled back)\b"
    r"|撤销|撤銷|回退|还原|還原|取消.*编辑|取消.*編輯|差し戻し|取り消し",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Undoing:
    """Who undid whom.

    Attributes
    ----------
    log10_lr
        (units, units); NaN where there is too little to say.
    seen, expected
        (units, units) undoings between the two, and how many chance would make.
    pair, saves
        One entry an undoing: low unit · units + high unit; the corpus's (2,) saves.
    """

    log10_lr: NDArray[np.float64]
    seen: NDArray[np.int64]
    expected: NDArray[np.float64]
    pair: NDArray[np.int64]
    saves: NDArray[np.int64]

    def telling(self, a: int, b: int) -> NDArray[np.int64]:
        """Return the saves of the first `TOLD` undoings between two units."""
        here = np.flatnonzero(self.pair == min(a, b) * len(self.seen) + max(a, b))
        return np.unique(self.saves[here[:TOLD]])


def find_undoing(histories: Histories) -> Undoing | None:
    """Count undoings between all units; None where the source has neither summaries nor hashes."""
    corpus = histories.corpus
    if not corpus.comments and not corpus.offers("sha1"):
        return None
    unit = np.full(len(corpus.users), -1)
    unit[histories.corpus.account[histories.saves]] = histories.unit
    rows = np.lexsort((np.arange(len(corpus.save)), corpus.seconds[corpus.save], corpus.page))
    who = unit[corpus.account[corpus.save[rows]]]
    undoes = _undoes(corpus, rows)
    follows = (np.diff(corpus.page[rows], prepend=-2) == 0) & (corpus.page[rows] >= 0)
    before = np.concatenate([[-1], who[:-1]]) if len(who) else who
    n = histories.n_units
    other = follows & (who >= 0) & (before != who)
    rate = _rate(who, other & undoes, other, n)
    met = other & (before >= 0)
    seen, meetings = np.zeros((n, n), dtype=np.int64), np.zeros((n, n))
    np.add.at(seen, (who[met & undoes], before[met & undoes]), 1)
    np.add.at(meetings, (who[met], before[met]), 1)
    expected = meetings * rate[:, None]
    self_rate = _share(undoes, follows & (who >= 0) & (before == who))
    rarer = float(np.clip(self_rate / max(_share(undoes, other), 1e-9), RAREST, 1.0))
    undone = np.flatnonzero(met & undoes)
    low, high = np.sort(np.column_stack([who[undone], before[undone]]), axis=1).T
    saves = np.column_stack([corpus.save[rows[undone]], corpus.save[rows[undone - 1]]])
    lr = _weighed(seen + seen.T, expected + expected.T, rarer)
    return Undoing(lr, seen + seen.T, expected + expected.T, low * n + high, saves)


def _share(undoes: NDArray[np.bool_], among: NDArray[np.bool_]) -> float:
    return float((undoes & among).sum() + 0.5) / float(among.sum() + 1)


def _rate(
    who: NDArray[np.int64], undone: NDArray[np.bool_], met: NDArray[np.bool_], n: int
) -> NDArray[np.float64]:
    """Return how often each unit undoes the edit it follows, drawn towards everyone's rate."""
    some = np.bincount(who[undone], minlength=n)
    every = np.bincount(who[met], minlength=n)
    common = (some.sum() + 0.5) / (every.sum() + 1)
    return np.asarray((some + 5 * common) / (every + 5))


def _weighed(
    seen: NDArray[np.int64], expected: NDArray[np.float64], rarer: float
) -> NDArray[np.float64]:
    lr = seen * np.log10(rarer) + (1 - rarer) * expected / np.log(10)
    silent = np.maximum(seen, expected) < LEAST
    np.fill_diagonal(silent, val=True)
    return np.where(silent, np.nan, np.clip(lr, -LIMIT, LIMIT))


def _undoes(corpus: Corpus, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    said = np.array([bool(UNDOES.search(c)) for c in corpus.comments] + [False])
    by_word = said[corpus.comment[corpus.save[rows]]]
    if not corpus.offers("sha1"):
        return by_word
    return by_word | _restores(corpus.frame["sha1"].iloc[rows], corpus.page[rows])


def _restores(sha1: pd.Series, page: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which edits bring back a text that the page had before the last edit."""
    known = sha1.notna().to_numpy()
    text = sha1.fillna("").astype(str).to_numpy(dtype=object)
    keys = [f"{p} {t}" for p, t in zip(page, text, strict=True)]
    seen: set[str] = set()
    found = np.zeros(len(keys), dtype=bool)
    for i, key in enumerate(keys):
        found[i] = known[i] and key in seen and (i == 0 or keys[i - 1] != key)
        seen.add(key)
    return found
