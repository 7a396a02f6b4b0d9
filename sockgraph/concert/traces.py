"""The traces that acting in concert leaves, each with what chance alone would bring."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sockgraph.concert.chance import AFTER, SlotFit, hour_shares, mass_messages, permute
from sockgraph.signals.corpus import revision_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

QUICK = pd.Timedelta(minutes=30)  # at this distance two arrivals count 1/e of a coincidence
PERIOD = pd.Timedelta(days=7)  # of a discussion: who came in which of its weeks is kept
DAYS = 7
BORROWED = 5.0  # arrivals that an account's promptness borrows from everybody's
JOINED = pd.Timedelta(days=1)
SEASON = pd.Timedelta(days=30)  # of a page: who came in which of its months is kept
QUARTER = pd.Timedelta(days=91)
GONE = pd.Timedelta(days=91)  # without an edit of the page until the data end
MOST = 5  # occasions whose revisions are shown


@dataclass(frozen=True)
class CoordinationTrace:
    """One trace over all pairs.

    Attributes
    ----------
    name
        succession, trigger, joining, leaving or reverting.
    sums : ndarray of float, shape (samples + 1, n_pairs)
        The trace as observed (row 0) and as chance would have it.
    occasions : ndarray of int, shape (n_pairs,)
        Where it could have shown.
    rev_ids
        For each pair, the revisions of its strongest occasions.
    """

    name: str
    sums: Floats
    occasions: Ints
    rev_ids: list[list[str]]

    def add(self, pair: int, shown: NDArray[np.bool_], rev_ids: Sequence[str]) -> None:
        """Count one occasion of a pair, while the trace is being made."""
        self.sums[:, pair] += shown
        self.occasions[pair] += 1
        if shown[0] and len(self.rev_ids[pair]) < 2 * MOST:
            self.rev_ids[pair].extend(rev_ids)


@dataclass(frozen=True)
class PermutationNull:
    """How chance is drawn, and for whom.

    Attributes
    ----------
    users
        The accounts that are compared, sorted.
    samples
        How many deals.
    rng
        Where chance comes from.
    """

    users: tuple[str, ...]
    samples: int
    rng: np.random.Generator

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Every pair of the accounts, in order."""
        return list(combinations(self.users, 2))

    def number(self, a: str, b: str) -> int:
        """Return the place of a pair among them."""
        i, j = sorted((self.users.index(a), self.users.index(b)))
        return i * len(self.users) - i * (i + 1) // 2 + j - i - 1


@dataclass(frozen=True)
class _Occasions:
    """Pairs of events that may be one occasion of acting in concert.

    Attributes
    ----------
    pair, a, b : ndarray of int, shape (n,)
        The pair of accounts, and the event of each.
    """

    pair: Ints
    a: Ints
    b: Ints


def arrivals_of(votes: pd.DataFrame) -> pd.DataFrame:
    """Return everybody's arrival at each discussion, and where they stood in the end.

    Only well-formed rows count.

    Returns
    -------
    DataFrame
        `page, user, timestamp, wiki, rev_id` (of the arrival), `side` ("" for comments alone and
        for votes withdrawn).
    """
    counted = votes[votes["parse"] == "ok"].sort_values(["page", "timestamp", "rev_id"])
    by = counted.groupby(["page", "user"], as_index=False, sort=True)
    first = by[["timestamp", "wiki", "rev_id"]].first()
    voted = counted[counted["side"].notna()].groupby(["page", "user"])["side"].last()
    stood = voted.reindex(pd.MultiIndex.from_frame(first[["page", "user"]])).fillna("")
    return first.assign(side=stood.to_numpy(str))


def succession(
    arrivals: pd.DataFrame, edits: pd.DataFrame, chance: PermutationNull
) -> CoordinationTrace:
    """Arrive at the same discussions, on the same side, in quick succession.

    Each shared discussion on which two stand on one side counts exp(-gap / 30 min). By chance those
    who stand on one side and came on the same day of a discussion exchange their moments, as their
    usual hours allow: whom opinion, popularity or habit brings together is not in concert.
    """
    stratum = _codes(arrivals["page"], _age(arrivals, PERIOD), arrivals["side"])
    fits = _moments(arrivals, edits)
    dealt = permute(stratum, samples=chance.samples, rng=chance.rng, fits=fits)
    shared = _shared(arrivals, _codes(arrivals["page"], arrivals["side"]), chance)
    return _close("succession", arrivals, dealt, shared, scale=QUICK, chance=chance)


def trigger(
    arrivals: pd.DataFrame, edits: pd.DataFrame, chance: PermutationNull
) -> CoordinationTrace:
    """Arrive within a day of a message that one account sent to both, among several.

    By chance those who came after the same message exchange their moments, as their usual hours
    allow: who came only after it is kept, since a sender chooses whom to tell.
    """
    sent = mass_messages(edits)
    spans = arrivals.groupby("page")["timestamp"].agg(["min", "max"])
    runs = [
        _Run(page, start, frozenset(receivers))
        for start, receivers in sent[["start", "receivers"]].itertuples(index=False)
        for page, low, high in spans.itertuples()
        if low < start < high
    ]
    return _after(arrivals, _hours(arrivals, edits), runs, chance)


@dataclass(frozen=True)
class _Run:
    """Messages sent while a discussion was open."""

    page: str
    start: pd.Timestamp
    receivers: frozenset[str]


def _segments(arrivals: pd.DataFrame, runs: Sequence[_Run]) -> Ints:
    """Return after how many runs of messages about its discussion each arrival came."""
    count = np.zeros(len(arrivals), np.int64)
    for run in runs:
        here = (arrivals["page"] == run.page) & (arrivals["timestamp"] >= run.start)
        count = count + here.to_numpy(np.int64)
    return count


def _after(
    arrivals: pd.DataFrame, fits: SlotFit, runs: Sequence[_Run], chance: PermutationNull
) -> CoordinationTrace:
    trace = _blank("trigger", chance)
    if not runs:
        return trace
    segment = pd.Series(_segments(arrivals, runs), index=arrivals.index)
    stratum = _codes(arrivals["page"], segment)
    dealt = permute(stratum, samples=chance.samples, rng=chance.rng, fits=fits)
    moments, ids = _minutes(arrivals["timestamp"]), revision_keys(arrivals).tolist()
    users = arrivals["user"].to_numpy()
    for run in runs:
        told = arrivals["user"].isin(run.receivers & set(chance.users))
        late = (arrivals["page"] == run.page) & (arrivals["timestamp"] >= run.start)
        here = np.flatnonzero(told & late)
        soon = moments[dealt[:, here]] < _minutes(pd.Series([run.start + AFTER]))[0]
        for i, j in combinations(range(len(here)), 2):
            at = chance.number(users[here[i]], users[here[j]])
            shown = [ids[here[i]], ids[here[j]]]
            trace.add(at, soon[:, i] & soon[:, j], shown)
    return trace


def _blank(name: str, chance: PermutationNull) -> CoordinationTrace:
    n = len(chance.pairs)
    sums, occasions = np.zeros((chance.samples + 1, n)), np.zeros(n, np.int64)
    return CoordinationTrace(name, sums, occasions, [[] for _ in range(n)])


def joining(
    edits: pd.DataFrame, chance: PermutationNull, *, leaving: bool = False
) -> CoordinationTrace:
    """Join the same pages within a day or so, or leave them so.

    Each shared page counts exp(-gap / 1 day), between the first edits of both, or their last ones
    if neither came back within a quarter. By chance those who joined (or left) a page in the same
    30 days exchange their moments: what draws many to a page at once is not in concert.
    """
    known = edits[edits["page"].notna()]
    ours = known[known["user"].isin(chance.users)].groupby("page")["user"].nunique()
    known = known[known["page"].isin(ours.index[ours > 1])].sort_values(["timestamp", "rev_id"])
    if leaving:
        known = known.drop_duplicates(["page", "user"], keep="last")
        known = known[known["timestamp"] < edits["timestamp"].max() - GONE]
    events = known.drop_duplicates(["page", "user"]).reset_index(drop=True)
    stratum = _codes(events["page"], _age(events, SEASON))
    dealt = permute(stratum, samples=chance.samples, rng=chance.rng)
    shared = _shared(events, _codes(events["page"]), chance)
    name = "leaving" if leaving else "joining"
    return _close(name, events, dealt, shared, scale=JOINED, chance=chance)


def reverting(edits: pd.DataFrame, chance: PermutationNull) -> CoordinationTrace:
    """Restore each other's versions of pages.

    An edit whose content hash is that of an earlier version, not its own, restores that version for
    whoever made it first. By chance the edits that were made to a page in a quarter are exchanged
    among those who made them.
    """
    trace = _blank("reverting", chance)
    known = _restored_pages(edits, chance)
    if known.empty:
        return trace
    owner = known["owner"].to_numpy()
    stratum = _codes(known["page"], _age(known, QUARTER))
    dealt = permute(stratum, samples=chance.samples, rng=chance.rng)
    holder = np.empty_like(dealt)
    np.put_along_axis(holder, dealt, np.arange(len(known))[None], axis=1)
    users, ids = known["user"].to_numpy(), revision_keys(known).tolist()
    for slot in np.flatnonzero(known["restores"].to_numpy()):
        by = users[holder[:, slot]]
        for other in sorted(set(by) & set(chance.users) - {owner[slot]}):
            trace.add(chance.number(other, owner[slot]), by == other, [ids[slot]])
    return trace


def _restored_pages(edits: pd.DataFrame, chance: PermutationNull) -> pd.DataFrame:
    """Return the edits of pages on which versions of compared accounts were restored.

    Adds `owner`, who first made the version, and `restores`, whether it was there before and its
    owner is compared.
    """
    known = edits[edits["sha1"].notna() & edits["page"].notna()]
    known = known.sort_values(["page", "timestamp", "rev_id"])
    owner = known.groupby(["page", "sha1"])["user"].transform("first")
    restores = known.duplicated(["page", "sha1"]) & owner.isin(chance.users)
    known = known.assign(owner=owner, restores=restores)
    return known[known["page"].isin(known.loc[restores, "page"])].reset_index(drop=True)


def _age(events: pd.DataFrame, unit: pd.Timedelta) -> pd.Series:
    """Return how many whole units passed since the first event of each page."""
    since = events["timestamp"] - events.groupby("page")["timestamp"].transform("min")
    return (since.dt.total_seconds() / unit.total_seconds()).astype("int64")


def _codes(*columns: pd.Series) -> Ints:
    table = pd.DataFrame({at: column.to_numpy() for at, column in enumerate(columns)})
    codes: Ints = np.asarray(table.groupby(list(table)).ngroup(), dtype=np.int64)
    return codes


def _minutes(moments: pd.Series) -> Floats:
    minutes: Floats = moments.astype("int64").to_numpy(np.float64) / 60e6
    return minutes


def _hours(arrivals: pd.DataFrame, edits: pd.DataFrame) -> SlotFit:
    """Return how well hours suit accounts: by their edits, of the crowd by everybody's arrivals."""
    crowd = hour_shares(arrivals.assign(user="")).get("", np.full(24, 1 / 24))
    own = hour_shares(edits)
    shares = np.array([own.get(user, crowd) for user in arrivals["user"]]).reshape(-1, 24)
    return SlotFit(np.log(shares), arrivals["timestamp"].dt.hour.to_numpy(np.int64))


def _moments(arrivals: pd.DataFrame, edits: pd.DataFrame) -> SlotFit:
    """Return how well moments suit accounts: the hour, and the day of the discussion's week.

    How soon after the opening an account comes is known from its own arrivals and, for want of
    more, from everybody's.
    """
    hours, users = _hours(arrivals, edits), arrivals["user"]
    day = _age(arrivals, pd.Timedelta(days=1)).to_numpy() % DAYS
    counts = pd.crosstab(users, day).reindex(columns=range(DAYS), fill_value=0)
    everybody = (counts.sum() + 1) / (counts.sum() + 1).sum()
    days = (counts + BORROWED * everybody).div(counts.sum(axis=1) + BORROWED, axis=0)
    log_fit = np.log(days.loc[users].to_numpy())[:, :, None] + hours.log_fit[:, None, :]
    return SlotFit(log_fit.reshape(len(arrivals), DAYS * 24), 24 * day + hours.kind)


def _shared(events: pd.DataFrame, place: Ints, chance: PermutationNull) -> _Occasions:
    """Return the pairs of compared accounts' events at one place."""
    users = events["user"].to_numpy()
    ours = pd.Series(np.flatnonzero(events["user"].isin(chance.users).to_numpy()))
    rows = [
        (chance.number(users[a], users[b]), a, b)
        for _, here in ours.groupby(place[ours.to_numpy()])
        for a, b in combinations(here.tolist(), 2)
    ]
    return _Occasions(*np.array(rows, dtype=np.int64).reshape(-1, 3).T)


def _close(
    name: str,
    events: pd.DataFrame,
    dealt: Ints,
    shared: _Occasions,
    *,
    scale: pd.Timedelta,
    chance: PermutationNull,
) -> CoordinationTrace:
    """Sum how close the events of each pair are, as observed and as dealt."""
    moments = _minutes(events["timestamp"])
    n_pairs = len(chance.pairs)
    sums = np.zeros((len(dealt), n_pairs))
    first = np.zeros(len(shared.pair))
    for row, slots in enumerate(dealt):
        gap = np.abs(moments[slots[shared.a]] - moments[slots[shared.b]])
        worth = np.exp(-gap / (scale.total_seconds() / 60))
        sums[row] = np.bincount(shared.pair, worth, minlength=n_pairs)
        first = worth if row == 0 else first
    ids = revision_keys(events).tolist()
    best = pd.DataFrame({"pair": shared.pair, "worth": first, "a": shared.a, "b": shared.b})
    best = best[best["worth"] > np.exp(-1)].sort_values(["worth", "a"], ascending=[False, True])
    rev_ids: list[list[str]] = [[] for _ in range(n_pairs)]
    for pair, a, b in best.groupby("pair").head(MOST)[["pair", "a", "b"]].itertuples(index=False):
        rev_ids[pair] += [ids[a], ids[b]]
    return CoordinationTrace(name, sums, np.bincount(shared.pair, minlength=n_pairs), rev_ids)
