"""The reference: which pairs of different people and which halves of one a model learns from.

Halves are histories of one operator, made by cutting real ones in two. Successive: cut at a time,
with a gap of at least 30 days left out between the halves. Parallel: whole alternate fortnights,
runs of saves on one page kept on one side. Either flatters: one client, one phase of life, nobody
hiding; see `sockgraph.evidence.model` for what is done about it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sockgraph.evidence.model import Training, family_means
from sockgraph.evidence.settings import PULL
from sockgraph.signals.corpus import DAY, Histories

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sockgraph.signals.corpus import Corpus

STRATA = ("successive", "parallel")
LABELLED = len(STRATA)
KINDS = (*STRATA, "labelled")
"""What is known to be one operator's: cut histories, and pairs that a case's labels give to one."""
GAP_DAYS = 30.0
FORTNIGHT = 14 * DAY
RUN = DAY
"""Saves on one page this close to each other are one run of work."""
HARD = 3000
"""Different pairs that look most alike: all of these are learnt from,"""
PLAIN = 3000
"""and so many of the others, weighted back to all of them."""
EXTREME = 0.001
"""The share of different pairs that may be one operator's, undetected: used with and without."""
ENOUGH = 30
"""Accounts with a labelled partner that count as much as all cut histories together."""


@dataclass(frozen=True)
class PseudoPairs:
    """Halves of accounts: unit i of `first` and unit i of `second` are one account's.

    Attributes
    ----------
    first, second
        The halves.
    stratum
        (units,) index into `STRATA`.
    """

    first: Histories
    second: Histories
    stratum: NDArray[np.int64]

    @property
    def owner(self) -> NDArray[np.int64]:
        """The account of each split."""
        return self.first.owner


class _Piece(NamedTuple):
    """One account, cut."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    stratum: int
    owner: int


def cut_histories(
    accounts: Histories, which: NDArray[np.int64], *, least: int, deals: int = 2
) -> PseudoPairs:
    """Cut these accounts' histories, each in every stratum, `deals` times where it can be cut.

    Parameters
    ----------
    accounts
        Whole histories.
    which
        Units to cut.
    least
        Saves that each half must keep.
    deals
        Cuts of each account in each stratum.

    Notes
    -----
    Where an account is cut depends on nothing but its own edit times, so that no name, case id, row
    order or other account moves it. Halves are thinned to a stretch of consecutive saves whose
    length is drawn evenly on a log scale: accounts of every length are compared with each other.
    """
    starts = np.searchsorted(accounts.unit, np.arange(accounts.n_units + 1))
    pages = first_pages(accounts.corpus)
    pieces: list[_Piece] = []
    for unit in which:
        saves = accounts.saves[starts[unit] : starts[unit + 1]]
        key = history_key(accounts.corpus.seconds[saves])
        for stratum in range(len(STRATA)):
            for deal in range(deals):
                rng = np.random.default_rng([key, stratum, deal])
                sides = _cut(accounts.corpus, saves, pages, stratum, rng)
                if min(map(len, sides)) >= least:
                    thin = [_stretch(side, least, rng) for side in sides]
                    pieces.append(_Piece(thin[0], thin[1], stratum, int(unit)))
    return _assemble(accounts, pieces)


def history_key(seconds: NDArray[np.float64]) -> int:
    """Return a number that one account's edit times decide, and nothing else."""
    times = np.round(seconds).astype("<i8").tobytes()
    return int.from_bytes(hashlib.sha256(times).digest()[:8], "little")


def no_cuts(accounts: Histories) -> PseudoPairs:
    """Return no split at all."""
    return _assemble(accounts, [])


def _cut(  # noqa: PLR0917 - one cut's parts
    corpus: Corpus,
    saves: NDArray[np.int64],
    first_page: NDArray[np.int64],
    stratum: int,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    seconds = corpus.seconds[saves]
    if stratum == 0:
        return successive(saves, seconds, rng)
    late = parallel(corpus, saves, first_page, rng)
    return saves[~late], saves[late]


def successive(
    saves: NDArray[np.int64], seconds: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cut at the time of a save between the 30th and 70th hundredth, a gap around it left out."""
    if not len(saves):
        return saves, saves
    at = seconds[int(len(saves) * rng.uniform(0.3, 0.7))]
    half = GAP_DAYS * DAY / 2
    return saves[seconds < at - half], saves[seconds > at + half]


def parallel(
    corpus: Corpus,
    saves: NDArray[np.int64],
    first_page: NDArray[np.int64],
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """Return which saves go to the second half: alternate fortnights, from a random day on."""
    seconds = corpus.seconds[saves]
    late = np.floor(seconds / FORTNIGHT + rng.uniform()).astype(np.int64) % 2 == 1
    return np.asarray(late[_run_starts(corpus, saves, first_page)])


def _run_starts(
    corpus: Corpus, saves: NDArray[np.int64], first_page: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return for every save the first save of its run: same page, less than `RUN` apart."""
    if len(saves) < 2:
        return np.arange(len(saves))
    page, at = first_page[saves], corpus.seconds[saves]
    order = np.lexsort((at, page))
    same = (np.diff(page[order]) == 0) & (np.diff(at[order]) < RUN)
    new = np.flatnonzero(np.r_[True, ~same])
    starts = np.empty(len(saves), dtype=np.int64)
    starts[order] = np.repeat(order[new], np.diff(np.r_[new, len(order)]))
    return starts


def first_pages(corpus: Corpus) -> NDArray[np.int64]:
    """Return the first page of every save."""
    return corpus.page[np.searchsorted(corpus.save, np.arange(corpus.n_saves))]


def _stretch(side: NDArray[np.int64], least: int, rng: np.random.Generator) -> NDArray[np.int64]:
    wanted = round(float(np.exp(rng.uniform(np.log(least), np.log(len(side))))))
    start = int(rng.integers(0, len(side) - wanted + 1))
    return side[start : start + wanted]


def _assemble(accounts: Histories, pieces: list[_Piece]) -> PseudoPairs:
    owner = np.array([piece.owner for piece in pieces], dtype=np.int64)
    stratum = np.array([piece.stratum for piece in pieces], dtype=np.int64)
    halves = []
    for saves in ([p.first for p in pieces], [p.second for p in pieces]):
        unit = np.repeat(np.arange(len(pieces)), [len(s) for s in saves])
        joined = np.concatenate(saves) if saves else np.zeros(0, dtype=np.int64)
        halves.append(Histories(accounts.corpus, joined, unit, owner))
    return PseudoPairs(halves[0], halves[1], stratum)


@dataclass(frozen=True)
class TrainingPairs:
    """Reference pairs and splits, by account.

    Attributes
    ----------
    different
        (pairs, signals) surprise of pairs of distinct reference accounts, NaN where silent.
    a, b
        (pairs,) their accounts.
    weight
        (pairs,) how many pairs each stands for.
    same
        (splits, signals) surprise between halves of one account, or between two accounts that
        labels give to one person.
    owner, partner, stratum
        (splits,) the account, the other account (of a cut the same), and the index into `KINDS`.
    n_accounts
        Size of the account index that `a`, `b` and `owner` point into.
    """

    different: NDArray[np.float64]
    a: NDArray[np.int64]
    b: NDArray[np.int64]
    weight: NDArray[np.float64]
    same: NDArray[np.float64]
    owner: NDArray[np.int64]
    partner: NDArray[np.int64]
    stratum: NDArray[np.int64]
    n_accounts: int

    def some(self, rows: NDArray[np.int64], weight: NDArray[np.float64]) -> TrainingPairs:
        """Return the same with these different pairs alone, weighted so."""
        return replace(
            self, different=self.different[rows], a=self.a[rows], b=self.b[rows], weight=weight
        )

    def training(self, times: NDArray[np.float64] | None = None) -> Training:
        """Return what a model learns from.

        Parameters
        ----------
        times
            (accounts,) how often each counts; 0: left out. Default: each once.
        """
        return self.weighed(*self.weights(times))

    def weighed(self, same: NDArray[np.float64], different: NDArray[np.float64]) -> Training:
        """Return what a model learns from, under weights of splits and of pairs."""
        keep, used = different > 0, same > 0
        return Training(
            same=self.same[used],
            same_weight=same[used],
            different=self.different[keep],
            different_weight=different[keep],
            pull=PULL * (1 - self.told) ** 2,
        )

    @property
    def told(self) -> float:
        """How much labelled pairs count beside cut histories: n/(n + `ENOUGH`), n their accounts.

        Weights learnt on what two real accounts want need the less pulling back.
        """
        n = len(np.unique(self.owner[self.stratum == LABELLED]))
        return n / (n + ENOUGH)

    def weights(
        self,
        times: NDArray[np.float64] | None = None,
        *,
        mix: Sequence[float] | None = None,
        drop: NDArray[np.bool_] | None = None,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Weigh splits and different pairs, each adding up to one.

        Parameters
        ----------
        times
            (accounts,) how often each counts; 0: left out.
        mix
            Share of each stratum of cut histories; default: equal.
        drop
            (pairs,) different pairs to leave out.
        """
        counted = np.ones(self.n_accounts) if times is None else times
        different = self.weight * counted[self.a] * counted[self.b]
        if drop is not None:
            different = np.where(drop, 0.0, different)
        same = self._split_weight(counted, mix)
        return same / max(same.sum(), 1e-300), different / max(different.sum(), 1e-300)

    def _split_weight(
        self, counted: NDArray[np.float64], mix: Sequence[float] | None
    ) -> NDArray[np.float64]:
        """Weigh an account once in each stratum; cuts as `mix` says, beside what is labelled."""
        shares = np.full(len(STRATA), 1 / len(STRATA)) if mix is None else np.asarray(mix)
        weight = np.zeros(len(self.owner))
        for stratum, share in enumerate([*(shares * (1 - self.told)), self.told]):
            here = self.stratum == stratum
            a, b = self.owner[here], self.partner[here]
            times = counted[a] * np.where(a == b, 1.0, counted[b])
            each = times / np.maximum(np.bincount(a, minlength=self.n_accounts)[a], 1)
            weight[here] = share * each / max(each.sum(), 1e-300)
        return weight


def choose_pairs(
    surprise: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Choose pairs to learn from: the hard ones all, of the others every so many, weighted back.

    The others are taken at even steps of their rank, so that the choice hangs on no chance.

    Parameters
    ----------
    surprise
        (pairs, signals).

    Returns
    -------
    rows, weight
        Chosen rows, and how many pairs each stands for.
    """
    n = len(surprise)
    if n <= HARD + PLAIN:
        return np.arange(n), np.ones(n)
    order = np.argsort(-family_means(surprise).sum(axis=1), kind="stable")
    plain = HARD + (np.arange(PLAIN) + 0.5) * (n - HARD) / PLAIN
    rows = np.concatenate([order[:HARD], order[plain.astype(np.int64)]])
    weight = np.concatenate([np.ones(HARD), np.full(PLAIN, (n - HARD) / PLAIN)])
    return rows, weight
