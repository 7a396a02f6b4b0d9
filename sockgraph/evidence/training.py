"""The reference: which pairs of different people and which halves of one a model learns from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sockgraph.evidence.model import Training, family_means
from sockgraph.evidence.pseudo_pairs import LABELLED, STRATA
from sockgraph.evidence.settings import PULL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

HARD = 3000
"""Different pairs that look most alike: all of these are learnt from,"""
PLAIN = 3000
"""and so many of the others, weighted back to all of them."""
EXTREME = 0.001
"""The share of different pairs that may be undetected socks: used with and without."""
ENOUGH = 30
"""Accounts with a labelled partner that count as much as all cut histories together."""


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
