"""Traces with a null of their own, on every pair: never calibrated on cut histories.

Its likelihood ratio has a mean of at most one under its null, whatever one operator would do, so
that LR > x comes up in at most 1/x of pairs of different people who keep to the null (an e-value:
Vovk & Wang 2021, Annals of Statistics 49:1736).

*Hand-over.* Two people's beginnings and ends have nothing to do with each other. A pair is *heard*
where the earlier account A ended `SILENT` before the histories do (or was blocked) and the later
one, B, began `SILENT` after they do and `OVERLAP` before A's end at most. How near B's first save
is to A's end (its last save, or its block if that came later) is then set against what else would
have been heard, so that a busy season, or the last months of a wiki, say nothing by themselves:

- of the reference accounts whose beginning would be heard with A, the share that begin as near;
- of the reference accounts whose end would be heard with B, the share that end as near;

the pair itself counted in either. Both are conformal p-values (Vovk, Gammerman & Shafer 2005): the
one as large as uniform under two people *given A and that B is heard*, the other given B. p is the
larger, so that it holds given either. Under one operator p is small, nobody knows how small:

    LR = κ · p^(κ − 1), κ = 1/2,

whose mean is at most one (Shafer 2021, JRSS-A 184:407). Where m others begin as near, p is m + 1 of
all: whoever was just blocked makes nobody a successor whose beginning is one of many. Hand-over
moves the score, by ±1 at most, and never carries a flag.

*Meetings*, in the same weeks and half hours. What is seen is set against the same count with one
account's saves moved by whole weeks, either way (`WEEKS`): activity, hours and days of the week
stay as they are. People of one community meet oftener than such clocks, because something happens;
so what is expected is lifted by as much as all pairs together meet oftener. What one operator does
is a factor on top, one of `times`, equally weighted; counts under two people are Poisson, or wider
by what the moves themselves vary:

    LR = mean over times of  times^k · exp((1 − times) · e).

- *coupled absence*: weeks, moved by `FAR` weeks. An operator who is away is away with every
  account; one who works with one account for weeks is away with the others. Both are looked for.
- *sessions*: half hours. Who works with one account does not with the other.

Both are held at log10 LR ±`MOST_TOGETHER`: at that, the mean average precision on nineteen labelled
communities is 0.013 higher with them; at ±1 it is lower. Where no meeting is expected, nothing is
said.

*Undoing each other.* People revert other people; hardly anybody reverts their own other account. On
every page, an edit that undoes is set against the edit before it: k times one of the two undid the
other, where from how often each undoes *anybody* it follows, e times were to be expected. Under H2
k is about Poisson(e), under H1 about Poisson(s · e), s how much rarer people undo *themselves* than
others here (measured on the same pages, so that a community that tidies up after itself says
nothing):

    log10 LR = k · log10 s + (1 − s) · e / ln 10,   held in [−1, 0].

It speaks against one operator, or not at all. That two accounts never undo each other is what two
allies do as well, and so it is with two who undo the same third person: of one operator neither
says anything.

An edit undoes if its summary or the wiki's own tag says so, or if it restores a text that the page
had before the last one (the same sha1).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.special import betainc, betaln, logsumexp

from sockgraph.schema import UNDOING
from sockgraph.signals.corpus import DAY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from sockgraph.signals.corpus import Corpus, Histories

LIMIT = 1.0
"""log10 LR that a trace may reach, either way."""
MOST = 8.0
"""So many times as often, at most, two people are thought to follow each other at once."""
LARGEST = 700.0
"""Natural logarithm beyond which a number of 64 bits is infinite."""
SILENT = 90 * DAY
OVERLAP = 30 * DAY
TOLD = 3
"""Last and first saves that are named; of meetings, so many."""
LEAST_HEARD = 5
"""Reference accounts that would be heard, below which nothing is usual."""
WEEK = 7 * DAY
WEEKS = (1, 2, 3, 4)
FAR = (4, 6, 8, 10, 12)
LEAST_MET = 0.5
"""Meetings expected from which on something is said; never chosen by what was seen."""
MOST_TOGETHER = 0.3
RAREST = 0.25
"""The least that s is taken to be: an operator may stage a quarrel."""
TOLD_UNDOINGS = 4
"""Undoings whose edits are named."""
LEAST_UNDONE = 3
"""Undoings seen below which nothing is said."""
UNDOES = re.compile(
    r"\b(?:undid|undo|reverted|revert|reverting|rvv?|rollback|rolled back)\b"
    r"|撤销|撤銷|回退|还原|還原|取消.*编辑|取消.*編輯|差し戻し|取り消し",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class NullTrace:
    """One trace on every pair.

    Attributes
    ----------
    log10_lr
        (units, units); NaN where there is too little to say.
    support
        (units, units) what it rests on.
    telling
        Returns the corpus's saves that moved it most for two units.
    """

    log10_lr: NDArray[np.float64]
    support: NDArray[np.int64]
    telling: Callable[[int, int], NDArray[np.int64]] = field(repr=False)


def poisson_lr(
    seen: NDArray[np.float64], expected: NDArray[np.float64], times: float
) -> NDArray[np.float64]:
    """Return the natural log LR of counts: Poisson(times · expected) against Poisson(expected)."""
    return np.asarray(seen * np.log(times) + (1 - times) * expected)


def clipped(
    log10_lr: NDArray[np.float64], heard: NDArray[np.bool_], limit: float
) -> NDArray[np.float64]:
    """Return log10 LRs within the limit, NaN where not heard and for an account with itself."""
    found = np.where(heard, np.clip(log10_lr, -limit, limit), np.nan)
    np.fill_diagonal(found, np.nan)
    return found


def inverse_lr(
    k: NDArray[np.float64], n: NDArray[np.float64], usual: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return 1/LR of k of n where `usual` is the most that one person explains."""
    q = np.clip(usual, 1e-6, 0.99)
    a, b = k + 1, n - k + 1
    most = np.minimum(MOST * q, 1.0)
    between = np.maximum(betainc(a, b, most) - betainc(a, b, q), 1e-12)
    other = betaln(a, b) + np.log(between) - np.log(most - q)
    log = other - k * np.log(q) - (n - k) * np.log1p(-q)
    return np.asarray(np.exp(np.minimum(log, LARGEST)))


def find_handovers(
    histories: Histories,
    reference: NDArray[np.bool_],
    blocked: NDArray[np.float64],
) -> NullTrace:
    """Look for hand-overs between all units: one account stops, another starts.

    Parameters
    ----------
    reference
        (units,) whose beginnings and ends are what is usual.
    blocked
        (units,) when an account was last blocked, seconds since 1970; NaN: never.
    """
    first, last = _lives(histories)
    end = np.fmax(last, blocked)
    latest, earliest = np.nanmax(last, initial=-np.inf), np.nanmin(first, initial=np.inf)
    ended = (latest - end > SILENT) | (blocked >= last)
    gap = first[None, :] - end[:, None]
    heard = ended[:, None] & (first - earliest > SILENT)[None, :] & (gap > -OVERLAP)
    heard &= first[:, None] < first[None, :]  # one order a pair: a second look would count twice
    far = np.where(heard, np.abs(gap), np.nan)
    sides = _as_near(far, reference), _as_near(far.T, reference).T
    p = np.maximum(*sides)
    p = np.fmin(p, p.T)  # heard in one order, if at all
    lr = np.log10(0.5 / np.sqrt(p))

    def telling(a: int, b: int) -> NDArray[np.int64]:
        early, late = (a, b) if first[a] <= first[b] else (b, a)
        before, after = (histories.saves[histories.unit == u] for u in (early, late))
        return np.concatenate([before[-TOLD:], after[:TOLD]])

    support = np.where(np.isnan(p), 0, 2)
    return NullTrace(clipped(lr, ~np.isnan(p), LIMIT), support.astype(np.int64), telling)


def _lives(histories: Histories) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each unit's first and last save; NaN where it has none."""
    at = histories.corpus.seconds[histories.saves]
    first, last = np.full((2, histories.n_units), np.nan)
    last[histories.unit] = at  # rows are in the order of time: the latest is written last
    first[histories.unit[::-1]] = at[::-1]
    return first, last


def _as_near(far: NDArray[np.float64], reference: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return, a row a unit, the share of those heard with it that lie as near as each does.

    Parameters
    ----------
    far
        (units, units) seconds; NaN where not heard.
    reference
        (units,) who counts, besides the one that is asked about.
    """
    share = np.full(far.shape, np.nan)
    for row, seen in zip(share, far, strict=True):
        ranked = np.sort(seen[reference & ~np.isnan(seen)])
        others = len(ranked) - reference
        nearer = np.searchsorted(ranked, seen, side="right") - reference
        enough = ~np.isnan(seen) & (others >= LEAST_HEARD)
        row[enough] = (nearer[enough] + 1) / (others[enough] + 1)
    return share


@dataclass(frozen=True)
class _Cells:
    """Where saves fall: unit, cell of time and the save, one entry each."""

    unit: NDArray[np.int64]
    cell: NDArray[np.int64]
    save: NDArray[np.int64]
    week: int  # cells in a week


def coupled_absence(histories: Histories) -> NullTrace:
    """Compare the weeks in which accounts are at work."""
    cells = _times(histories, WEEK)
    return _trace(cells, histories.n_units, weeks=FAR, times=(0.75, 1.33))


def shared_sessions(histories: Histories) -> NullTrace:
    """Compare the half hours in which accounts are at work."""
    cells = _times(histories, 1800.0)
    return _trace(cells, histories.n_units, weeks=WEEKS, times=(0.33,))


def _times(histories: Histories, size: float) -> _Cells:
    time = np.floor(histories.corpus.seconds[histories.saves] / size).astype(np.int64)
    return _Cells(histories.unit, time, histories.saves, round(WEEK / size))


def _trace(cells: _Cells, n: int, *, weeks: Sequence[int], times: Sequence[float]) -> NullTrace:
    counted = _held(cells, n)
    seen = counted.common(0)
    moved = [counted.common(week * cells.week) for week in weeks]
    both = np.stack([*moved, *(m.T for m in moved)])
    expected, apart = both.mean(axis=0), ~np.eye(n, dtype=bool)
    wider = max(1.0, both.var(axis=0)[apart].sum() / max(expected[apart].sum(), 1e-9))
    expected *= max(1.0, seen[apart].sum() / max(expected[apart].sum(), 1e-9))
    each = [poisson_lr(seen, expected, t) / wider - np.log(len(times)) for t in times]
    lr = logsumexp(np.stack(each), axis=0) / np.log(10)
    return NullTrace(
        clipped(lr, expected >= LEAST_MET, MOST_TOGETHER), seen.astype(np.int64), counted.telling
    )


@dataclass(frozen=True)
class _Held:
    """Which units hold which cells: (units, cells) presence, and the cells in rising order."""

    cells: _Cells
    known: NDArray[np.int64]
    by_unit: sparse.csc_matrix

    def common(self, move: int) -> NDArray[np.float64]:
        """Return (units, units) cells of the one that the other holds `move` cells later."""
        if not len(self.known):
            return np.zeros((self.by_unit.shape[0],) * 2)
        place = np.minimum(np.searchsorted(self.known, self.known + move), len(self.known) - 1)
        here = np.flatnonzero(self.known[place] == self.known + move)
        return np.asarray((self.by_unit[:, here] @ self.by_unit[:, place[here]].T).toarray())

    def telling(self, a: int, b: int) -> NDArray[np.int64]:
        """Return saves of both in the first cells that they share."""
        mine, other = (np.flatnonzero(self.cells.unit == u) for u in (a, b))
        cell = self.cells.cell
        shared = np.intersect1d(cell[mine], cell[other])[:TOLD]
        found = [rows[np.isin(cell[rows], shared)][: 2 * TOLD] for rows in (mine, other)]
        return np.unique(self.cells.save[np.concatenate(found)])


def _held(cells: _Cells, n: int) -> _Held:
    known, column = np.unique(cells.cell, return_inverse=True)
    shape = (n, len(known))
    by_unit = sparse.csr_matrix((np.ones(len(column)), (cells.unit, column)), shape=shape)
    by_unit.data[:] = 1
    return _Held(cells, known, by_unit.tocsc())


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

    def telling(a: int, b: int) -> NDArray[np.int64]:
        here = np.flatnonzero((low == min(a, b)) & (high == max(a, b)))
        return np.unique(saves[here[:TOLD_UNDOINGS]])

    lr = np.minimum(poisson_lr(seen, expected, rarer) / np.log(10), 0.0)
    lr = clipped(lr, seen >= LEAST_UNDONE, LIMIT)
    return NullTrace(lr, seen.astype(np.int64), telling)


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
    return np.asarray(found | tagged_as_undoing(corpus.frame["tags"].iloc[rows]))


def tagged_as_undoing(tags: pd.Series) -> NDArray[np.bool_]:
    """Return which lists of tags hold one by which the wiki marks an undoing."""
    marked = [isinstance(t, (list, np.ndarray)) and not UNDOING.isdisjoint(t) for t in tags]
    return np.array(marked, dtype=bool)


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
