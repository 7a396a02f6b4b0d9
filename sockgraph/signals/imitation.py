"""Imitation: whose words appear first with the one account, and later, literally, with the other.

Whoever wants a person blamed copies them: pages, hours, and the summaries word for word. What is
copied looks like one operator, and is free to make. It has an order, and it is literal; one
operator's second account has habits in common with the first and seldom a whole summary that hardly
anybody else ever wrote. So, for every ordered pair, the later account's distinct summaries are
counted that are *taken over*: the other account wrote the same words before (case and punctuation
apart) and was among the first `FIRST` to do so, in the same words anywhere, or on the same page,
and no more than `SPREAD` accounts ever did. The statistic is the least share of the later
account's summaries that this stands for: the lower end of the share's 95 % interval (Clopper &
Pearson 1934, Biometrika 26:404), so that two of three weigh as much as five of forty.

Three conditions, which one operator's accounts seldom meet together (the price is measured on
labelled communities, docs/attacks.md): `LEAST` summaries and at least a share of `SHARE` are
taken over; it is `BEYOND` times what all but `RARE` of the reference take over from that same
account, or `MUCH` at any rate; and it goes one way, more than `ONE_WAY` times as many as the other
way round. Then the link says so, and it is for people to judge whether someone copied: nothing is
to be flagged on what can be copied.

Restored versions are left out: bringing back the own other account's version is what an operator
in a dispute does, and no labelled community has it. So are pages in order: translators who move to
a new account go on through the same pages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import betaincinv

from sockgraph.schema import empty, validate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sockgraph.signals.corpus import Corpus, Histories

FAMILY = "imitation"
"""What the tables call it: a signal and a family of its own, and no number."""
LEAST = 2
"""Distinct summaries taken over below which nothing is said."""
SHARE = 0.05
"""The least share of what an account wrote; chosen with `LEAST` by benchmarks/imitation.py."""
LEVEL = 0.05
"""How often the true share is below what is taken for the least."""
RARE, BEYOND = 0.01, 2.0
"""Busy accounts that came early are where many words of a small stock come from."""
MUCH = 0.25
"""The share that is enough however many others reach it: they may all be one attacker's."""
ONE_WAY = 4
"""So many times as many summaries go one way: two who share a habit take over from each other."""
FIRST = 2
"""Accounts, in order of time, that count as where words come from."""
SPREAD = 10
"""Accounts beyond which words are the community's."""
TOLD = 6
"""Summaries taken over whose edits are named, the copy and what it was copied from."""
WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Imitation:
    """Who may be copying whom.

    Attributes
    ----------
    taken
        (units, units) distinct summaries of the row's unit taken over from the column's.
    share
        (units, units) the least that this is of all that the row's unit wrote; NaN for a unit
        without summaries, and for a unit with itself.
    rare
        (units,) the share that is rare to be taken over from each.
    pair, saves
        One entry a summary taken over: row · units + column; the corpus's saves of the (2,) copy
        and its origin.
    """

    taken: NDArray[np.int64]
    share: NDArray[np.float64]
    rare: NDArray[np.float64]
    pair: NDArray[np.int64] = field(repr=False)
    saves: NDArray[np.int64] = field(repr=False)

    @property
    def found(self) -> NDArray[np.bool_]:
        """Return, (units, units), whether the row's unit may be copying the column's."""
        enough = (self.taken >= LEAST) & (np.nan_to_num(self.share) >= self.rare[None, :])
        return np.asarray(enough & (self.taken > ONE_WAY * self.taken.T))

    def telling(self, a: int, b: int) -> NDArray[np.int64]:
        """Return the saves of the first summaries taken over, either way, and of their origins."""
        n = len(self.taken)
        here = np.flatnonzero((self.pair == a * n + b) | (self.pair == b * n + a))
        return np.unique(self.saves[here[:TOLD]])

    def rows(
        self, histories: Histories, users: tuple[str, ...], nominated: NDArray[np.bool_]
    ) -> pd.DataFrame:
        """Return a row of `evidence` for each nominated pair that may be imitation, with its edits.

        It moves no number: `score` is the share of the later account's summaries that were taken
        over, `support` how many.

        Parameters
        ----------
        histories
            Those it was found in.
        users, nominated
            (units,) what each is called, and which are nominated.
        """
        rows = []
        for copy, origin in np.argwhere(self.found & nominated[:, None] & nominated[None, :]):
            a, b = sorted((int(copy), int(origin)), key=lambda i: users[i])
            edits = np.searchsorted(histories.corpus.save, self.telling(a, b))
            rows.append(
                {
                    "user_a": users[a],
                    "user_b": users[b],
                    "signal": FAMILY,
                    "family": FAMILY,
                    "score": self.share[copy, origin],
                    "log10_lr": np.nan,
                    "contribution": np.nan,
                    "support": self.taken[copy, origin],
                    "status": "ok",
                    "rev_ids": histories.corpus.rev_ids(edits),
                }
            )
        return validate("evidence", pd.DataFrame(rows)) if rows else empty("evidence")


def find_imitation(histories: Histories, reference: NDArray[np.bool_]) -> Imitation | None:
    """Look for imitation between all units; None where the source has no summaries.

    Parameters
    ----------
    reference
        (units,) who says what is rare.
    """
    corpus = histories.corpus
    if not corpus.comments:
        return None
    n = histories.n_units
    unit = np.full(len(corpus.users), -1)
    unit[corpus.account[histories.saves]] = histories.unit
    words = _words(corpus)
    copy, origin, said = _taken_over(corpus, words)
    rows, columns = unit[corpus.account[copy]], unit[corpus.account[origin]]
    here = np.flatnonzero((rows >= 0) & (columns >= 0))
    pair = rows[here] * n + columns[here]
    _, once = np.unique(np.column_stack([pair, said[here]]), axis=0, return_index=True)
    pair, saves = pair[once], np.column_stack([copy, origin])[here[once]]
    in_time = np.argsort(corpus.seconds[saves[:, 0]], kind="stable")
    taken = np.bincount(pair, minlength=n * n).reshape(n, n)
    share = _least_share(taken, _vocabulary(corpus, words, unit, n)[:, None])
    np.fill_diagonal(share, np.nan)
    return Imitation(taken, share, _rare(share, reference), pair[in_time], saves[in_time])


def plain(summary: str) -> str:
    """Return a summary's words, without case and punctuation.

    >>> plain("/* Early life */ Fix  the date.")
    'early life fix the date'
    """
    return " ".join(WORD.findall(summary.casefold()))


def _words(corpus: Corpus) -> NDArray[np.int64]:
    """Return (saves,) the code of what each says; -1: nothing."""
    codes: dict[str, int] = {"": -1}
    of_comment = [codes.setdefault(plain(c), len(codes) - 1) for c in corpus.comments]
    return np.array([*of_comment, -1])[corpus.comment]


def _taken_over(
    corpus: Corpus, words: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the save of each copy, the save that it takes after, and what both say."""
    everywhere = np.flatnonzero(words >= 0)
    here = np.flatnonzero((corpus.page >= 0) & (words[corpus.save] >= 0))
    save = corpus.save[here]
    on_page = corpus.page[here] * (words.max(initial=0) + 1) + words[save]
    parts = [_after(corpus, *p) for p in ((words[everywhere], everywhere), (on_page, save))]
    copy, origin = (np.concatenate([p[i] for p in parts]) for i in range(2))
    return copy, origin, words[copy]


def _after(
    corpus: Corpus, item: NDArray[np.int64], save: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return every first use of an item after an account's that was among its first."""
    order = np.lexsort((corpus.seconds[save], corpus.account[save], item))
    item, save = item[order], save[order]
    new = (np.diff(item, prepend=-1) != 0) | (np.diff(corpus.account[save], prepend=-1) != 0)
    item, save = item[new], save[new]
    order = np.lexsort((corpus.seconds[save], item))
    item, save = item[order], save[order]
    start = np.flatnonzero(np.diff(item, prepend=-1))
    size = np.diff(start, append=len(item))
    copies, origins = [], []
    for rank in range(FIRST):
        for behind in range(rank + 1, SPREAD):
            some = start[(size > behind) & (size <= SPREAD)]
            later = corpus.seconds[save[some + behind]] > corpus.seconds[save[some + rank]]
            copies.append(save[some[later] + behind])
            origins.append(save[some[later] + rank])
    return np.concatenate(copies), np.concatenate(origins)


def _vocabulary(
    corpus: Corpus, words: NDArray[np.int64], unit: NDArray[np.int64], n: int
) -> NDArray[np.float64]:
    """Return (units,) how many distinct summaries each wrote; NaN: none."""
    whose = unit[corpus.account]
    used = (whose >= 0) & (words >= 0)
    distinct = np.unique(np.column_stack([whose[used], words[used]]), axis=0)
    count = np.bincount(distinct[:, 0], minlength=n).astype(float)
    return np.where(count > 0, count, np.nan)


def _least_share(taken: NDArray[np.int64], of: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the lower end of the shares' interval."""
    with np.errstate(invalid="ignore"):
        low = betaincinv(np.maximum(taken, 1), of - np.maximum(taken, 1) + 1, LEVEL)
    return np.asarray(np.where(taken > 0, low, 0 * of))


def _rare(share: NDArray[np.float64], reference: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return what hardly anybody of the reference takes over from each unit, within limits."""
    usual = np.where(np.eye(len(share), dtype=bool), np.nan, np.nan_to_num(share))[reference]
    if len(usual) < 2:
        return np.full(len(share), SHARE)
    high = np.nanquantile(usual, 1 - RARE, axis=0, method="lower")
    return np.asarray(np.clip(BEYOND * high, SHARE, MUCH))
