"""Interaction: undoing each other.

People revert other people; hardly anybody reverts their own other account. On every page, an edit
that undoes is set against the edit before it: k times one of the two undid the other, where from
how often each undoes *anybody* it follows, e times were to be expected. Under H2 k is about
Poisson(e), under H1 about Poisson(s · e), s how much rarer people undo *themselves* than others
here (measured on the same pages, so that a community that tidies up after itself says nothing):

    log10 LR = k · log10 s + (1 − s) · e / ln 10,   held in [−1, 0].

It speaks against one operator, or not at all. That two accounts never undo each other is what two
allies do as well, and so it is with two who undo the same third person: of one operator neither
says anything.

An edit undoes if its summary or the wiki's own tag says so, or if it restores a text that the page
had before the last one (the same sha1).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sockgraph.schema import UNDOING
from sockgraph.signals.null_models import LIMIT, NullTrace, clipped, first_of, poisson_lr

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sockgraph.signals.corpus import Corpus, Histories

RAREST = 0.25
"""The least that s is taken to be: an operator may stage a quarrel."""
TOLD = 4
"""Undoings whose edits are named."""
LEAST = 3
"""Undoings seen below which nothing is said."""
UNDOES = re.compile(
    r"\b(?:undid|undo|reverted|revert|reverting|rvv?|rollback|rolled back)\b"
    r"|撤销|撤銷|回退|还原|還原|取消.*编辑|取消.*編輯|差し戻し|取り消し",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class PrecedingEdits:
    """Every edit beside the one before it on its page, by page and then by time.

    Attributes
    ----------
    save
        (edits,) the corpus's save.
    unit, account
        (edits,) whose it is: unit, -1 if of none; and account.
    before
        (edits,) the account of the edit before it on the page; -1: there is none.
    undoes
        (edits,) whether it undoes.
    """

    save: NDArray[np.int64]
    unit: NDArray[np.int64]
    account: NDArray[np.int64]
    before: NDArray[np.int64]
    undoes: NDArray[np.bool_]


def preceding_edits(histories: Histories) -> PrecedingEdits | None:
    """Return who follows and undoes whom; None where the source does not tell undoing."""
    corpus = histories.corpus
    if not corpus.comments and not corpus.offers("sha1") and not corpus.offers("tags"):
        return None
    unit = np.full(len(corpus.users), -1)
    unit[corpus.account[histories.saves]] = histories.unit
    rows = np.lexsort((np.arange(len(corpus.save)), corpus.seconds[corpus.save], corpus.page))
    rows = rows[corpus.page[rows] >= 0]
    account = corpus.account[corpus.save[rows]]
    follows = np.diff(corpus.page[rows], prepend=-2) == 0
    before = np.where(follows, np.concatenate([[-1], account[:-1]])[: len(account)], -1)
    undoes = _says_so(corpus, rows, unit[account] >= 0) | _brings_back(corpus, rows)
    return PrecedingEdits(corpus.save[rows], unit[account], account, before, undoes)


def find_undoing(histories: Histories) -> NullTrace | None:
    """Count undoings between all units; None where the source does not tell undoing."""
    found = preceding_edits(histories)
    if found is None:
        return None
    n = histories.n_units
    place = np.full(len(histories.corpus.users) + 1, -1)  # the last is of those before nobody
    place[found.account] = found.unit
    other = (found.unit >= 0) & (found.before >= 0) & (found.before != found.account)
    rate = _rate(found.unit, other & found.undoes, other, n)
    before = place[found.before]
    met = other & (before >= 0)
    seen, meetings = np.zeros((n, n)), np.zeros((n, n))
    np.add.at(seen, (found.unit[met & found.undoes], before[met & found.undoes]), 1)
    np.add.at(meetings, (found.unit[met], before[met]), 1)
    expected = meetings * rate[:, None]
    own = (found.unit >= 0) & (found.before == found.account)
    self_rate = _share(found.undoes, own)
    rarer = float(np.clip(self_rate / max(_share(found.undoes, other), 1e-9), RAREST, 1.0))
    seen, expected = seen + seen.T, expected + expected.T
    undone = np.flatnonzero(met & found.undoes)
    low, high = np.sort(np.column_stack([found.unit[undone], before[undone]]), axis=1).T
    saves = np.column_stack([found.save[undone], found.save[undone - 1]])
    lr = np.minimum(poisson_lr(seen, expected, rarer) / np.log(10), 0.0)
    lr = clipped(lr, seen >= LEAST, LIMIT)
    return NullTrace(lr, seen.astype(np.int64), first_of(low * n + high, saves, n, TOLD))


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


def _says_so(
    corpus: Corpus, rows: NDArray[np.int64], compared: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return which edits undo by their summary, if a compared account's, or by the wiki's mark."""
    comment = corpus.comment[corpus.save[rows]]
    said = np.zeros(len(corpus.comments) + 1, dtype=bool)  # the last: of none
    for one in np.unique(comment[compared & (comment >= 0)]).tolist():
        said[one] = UNDOES.search(corpus.comments[one]) is not None
    found = said[comment]
    if not corpus.offers("tags"):
        return found
    tags = corpus.frame["tags"].iloc[rows]
    marked = [isinstance(t, (list, np.ndarray)) and not UNDOING.isdisjoint(t) for t in tags]
    return np.asarray(found | np.array(marked, dtype=bool))


def _brings_back(corpus: Corpus, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which edits bring back a text that the page had before, not the last one's."""
    found = np.zeros(len(rows), dtype=bool)
    if not corpus.offers("sha1"):
        return found
    text = corpus.frame["sha1"].iloc[rows].fillna("").astype(str).to_numpy(dtype=object)
    latest: dict[tuple[int, str], int] = {}
    for i, key in enumerate(zip(corpus.page[rows].tolist(), text, strict=True)):
        if key[1]:
            found[i] = key in latest and latest[key] != i - 1
            latest[key] = i
    return found
