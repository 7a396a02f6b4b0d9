"""The open set: who is flagged with somebody while their true partners are away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sockgraph.evidence import link
from sockgraph.signals import SIGNALS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

APART = "alibi"


@dataclass(frozen=True)
class OpenSet:
    """Accounts without a partner among those compared, and who of them is flagged all the same.

    Attributes
    ----------
    accounts, flagged
        Accounts tried, and those flagged with somebody.
    expected
        Pairs that would meet a flag's conditions, were all that the case compares different people.
    bereft, bereft_flagged
        Of those, accounts whose true partners were taken away for it; None where nobody's were.
    """

    accounts: int
    flagged: int
    expected: float | None = None
    bereft: int | None = None
    bereft_flagged: int | None = None

    @property
    def nobody(self) -> float | None:
        """Share that is flagged with nobody; null where no account was tried."""
        return 1 - self.flagged / self.accounts if self.accounts else None

    @property
    def bereft_nobody(self) -> float | None:
        """The same, of the accounts whose partners were taken away."""
        if not self.bereft or self.bereft_flagged is None:
            return None
        return 1 - self.bereft_flagged / self.bereft


@dataclass(frozen=True)
class Flags:
    """What the flag rule needs of every pair of some accounts.

    Attributes
    ----------
    users
        The accounts.
    score
        (users, users) NaN where there is none.
    worthy
        (users, users) whether everything holds but being each other's best.
    apart
        (users, users) pairs that no flagged group may hold.
    """

    users: tuple[str, ...]
    score: NDArray[np.float64]
    worthy: NDArray[np.bool_]
    apart: NDArray[np.bool_]

    def among(self, kept: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return (users, users): the pairs flagged, were only these accounts compared."""
        both = kept[:, None] & kept[None, :]
        score = np.where(both, self.score, np.nan)
        return link.best_groups(score, self.worthy & both, apart=self.apart)


def flags_of(
    links: pd.DataFrame,
    evidence: pd.DataFrame,
    *,
    flag_score: float,
    flag_log10_lr: float,
    barred: Sequence[Sequence[str]] = (),
) -> Flags:
    """Read from a case's tables what its flags rest on.

    Parameters
    ----------
    links, evidence
        Contract tables.
    flag_score, flag_log10_lr
        What the score and the interval's low end must pass.
    barred
        Groups of accounts that are never flagged: declared ones, and pairs with accepted alibis.
    """
    users = tuple(sorted(set(links["user_a"]) | set(links["user_b"])))
    place = pd.Index(users)
    a, b = place.get_indexer(links["user_a"]), place.get_indexer(links["user_b"])
    score, low = links["score"].to_numpy(float), links["log10_lr_low"].to_numpy(float)
    spoken = (_families(links, evidence) >= 2).to_numpy(bool)
    ready = spoken & (score > flag_score) & (low >= flag_log10_lr)
    worthy = _square(len(users), a, b, ready.astype(float)) == 1
    said = evidence[evidence["signal"] == APART]
    alibi = _square(
        len(users),
        place.get_indexer(said["user_a"]),
        place.get_indexer(said["user_b"]),
        said["score"].to_numpy(float),
    )
    return Flags(
        users,
        _square(len(users), a, b, score),
        worthy & ~link.declared_pairs(users, barred),
        np.nan_to_num(alibi, nan=0.0) <= link.SPEAKS_AGAINST,
    )


def _families(links: pd.DataFrame, evidence: pd.DataFrame) -> pd.Series:
    """Return, for each link, how many families speak for one operator by what they add.

    Traces with a null of their own never count.
    """
    counted = evidence[evidence["signal"].isin([signal.name for signal in SIGNALS])]
    summed = counted.groupby(["user_a", "user_b", "family"])["contribution"].sum()
    n_for = (summed > 0).groupby(level=["user_a", "user_b"]).sum()
    pairs = pd.MultiIndex.from_frame(links[["user_a", "user_b"]])
    return n_for.reindex(pairs, fill_value=0)


def _square(
    n: int, a: NDArray[np.int64], b: NDArray[np.int64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    made = np.full((n, n), np.nan)
    made[a, b] = made[b, a] = values
    return made


def open_set(flags: Flags, person: NDArray[np.int64]) -> OpenSet:
    """Take each account's partners away in turn, and count who is flagged with somebody else.

    Scores stay as they are: only the choice of each other's best is made again. Where the accounts
    are their own reference, a partner's leaving would also move the scores a little.

    Parameters
    ----------
    flags
        Of every pair.
    person
        (users,) whose account each is; -1 is unknown: left out of the count, and compared still.
    """
    n = len(flags.users)
    partnered = (person[:, None] == person[None, :]) & (person >= 0)[:, None]
    np.fill_diagonal(partnered, val=False)
    bereft = partnered.any(axis=1)
    wrong = (flags.worthy & ~partnered).any(axis=1)
    plain = flags.among(np.ones(n, dtype=bool))
    flagged = np.zeros(n, dtype=bool)
    for i in np.flatnonzero(wrong & (person >= 0)):
        kept = ~partnered[i]
        found = flags.among(kept) if bereft[i] else plain
        flagged[i] = bool(found[i].any())
    known = person >= 0
    return OpenSet(
        int(known.sum()),
        int(flagged.sum()),
        bereft=int((bereft & known).sum()) if bereft.any() else None,
        bereft_flagged=int((flagged & bereft).sum()) if bereft.any() else None,
    )
