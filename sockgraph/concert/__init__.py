"""Whether accounts act in concert: arrive together, on one side, beyond what chance would bring.

Acting in concert is not having one operator, and one operator acts in concert with nobody. Three
hypotheses are compared: one operator, concert of different people, people independent of each
other. From votes and edits to the table `concert`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sockgraph.concert.traces import (
    CoordinationTrace,
    PermutationNull,
    arrivals_of,
    joining,
    reverting,
    succession,
    trigger,
)
from sockgraph.errors import SockgraphError
from sockgraph.runtime import Progress, silent
from sockgraph.schema import validate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


SHARED = 5  # discussions that two accounts must share
VOTES = 200  # that the discussions must hold, everybody's together


@dataclass(frozen=True)
class ConcertSettings:
    """What a comparison needs, and how chance is drawn.

    Attributes
    ----------
    shared
        Discussions that two accounts must share; with fewer they are `insufficient`.
    votes
        Votes that the discussions must hold in all; with fewer every pair is.
    samples
        How often chance is dealt: the least p is traces / (samples + 1).
    seed
        Of the deals.
    """

    shared: int = SHARED
    votes: int = VOTES
    samples: int = 1999
    seed: int = 20210913


@dataclass(frozen=True)
class Concert:
    """What speaks for acting in concert.

    Attributes
    ----------
    table
        The table `concert`: every pair of the accounts. `support` is the discussions that both came
        to; `statistic` the strongest trace, in standard units of chance; `p_adjusted` the
        probability that chance shows as much for any pair of them, in any trace.
    traces
        `user_a, user_b, trace, occasions, observed, expected, statistic, p_adjusted, rev_ids`: each
        trace of each pair by itself; p is null where the pair is insufficient.
    same_way
        `user_a, user_b, together, alike, expected`: on how many discussions both voted, on how
        many alike, and on how many any two of their voters would. It shows that people think
        alike, and counts for nothing.
    told
        Discussions, votes and accounts that this rests on; traces that could not be told.
    """

    table: pd.DataFrame
    traces: pd.DataFrame
    same_way: pd.DataFrame
    told: dict[str, int | list[str]]


def weigh_concert(
    votes: pd.DataFrame,
    edits: pd.DataFrame,
    users: Iterable[str],
    *,
    settings: ConcertSettings | None = None,
    progress: Progress = silent,
) -> Concert:
    """Compare how accounts came to discussions and pages with what chance would bring.

    For each trace the greatest statistic over all sufficient pairs is found in every deal; a pair's
    p is the share of deals, the observed one among them, whose greatest reaches its own (Westfall &
    Young 1993, Resampling-Based Multiple Testing): whatever pairs and discussions have in common,
    the probability of any false finding of that trace is at most p. It is multiplied by the number
    of traces (Bonferroni). Statistics are 2 (sqrt(x + 3/8) - sqrt(m + 3/8)) for the observed sum x
    and the mean m of all deals, which steadies the variance of rare coincidences (Anscombe 1948,
    Biometrika 35:246).

    Parameters
    ----------
    votes
        The table `votes`: the compared accounts' and everybody else's, who are the crowd.
    edits
        The table `edits`: usual hours, messages, pages joined and left, reverts.
    users
        The accounts that are compared.
    settings
        Thresholds, and how chance is drawn.
    progress
        Told of every trace.

    Raises
    ------
    SockgraphError
        If fewer than two accounts are given.
    """
    chosen = settings or ConcertSettings()
    names = tuple(sorted(set(users)))
    if len(names) < 2:
        raise SockgraphError(
            ", ".join(names) or "no account", "two accounts are compared at least.", "Name more."
        )
    chance = PermutationNull(names, chosen.samples, np.random.default_rng(chosen.seed))
    votes = votes.assign(page=votes["wiki"] + ":" + votes["page"])  # one title on two wikis is two
    edits = edits.assign(page=edits["wiki"] + ":" + edits["title"])
    arrivals = arrivals_of(votes)
    discussed = {page.partition("#")[0] for page in votes["page"]}
    elsewhere = edits[~edits["page"].isin(discussed)]
    shared = _shared_discussions(arrivals, names)
    n_votes = int((arrivals["side"] != "").sum())
    enough = (shared >= chosen.shared) & (n_votes >= chosen.votes)
    traces = _traces(arrivals, elsewhere, chance, progress)
    tested = [_Tested.of(trace, enough) for trace in traces if np.ptp(trace.sums, axis=0).any()]
    return Concert(
        _table(chance, tested, shared, enough),
        _by_trace(chance, tested, enough),
        _same_way(arrivals, chance),
        {
            "discussions": int(arrivals["page"].nunique()),
            "votes": n_votes,
            "voters": int(arrivals["user"].nunique()),
            "pairs compared": int(enough.sum()),
            "traces": [test.trace.name for test in tested],
        },
    )


def _traces(
    arrivals: pd.DataFrame, edits: pd.DataFrame, chance: PermutationNull, progress: Progress
) -> list[CoordinationTrace]:
    ways: tuple[Callable[[], CoordinationTrace], ...] = (
        lambda: succession(arrivals, edits, chance),
        lambda: trigger(arrivals, edits, chance),
        lambda: joining(edits, chance),
        lambda: joining(edits, chance, leaving=True),
        lambda: reverting(edits, chance),
    )
    found = []
    for at, way in enumerate(ways):
        progress("concert", at, len(ways))
        found.append(way())
    progress("concert", len(ways), len(ways))
    return found


def _shared_discussions(arrivals: pd.DataFrame, users: Sequence[str]) -> NDArray[np.int64]:
    came = pd.crosstab(arrivals["user"], arrivals["page"]).reindex(list(users), fill_value=0)
    counts = came.to_numpy(np.int64)
    shared: NDArray[np.int64] = (counts @ counts.T)[np.triu_indices(len(users), 1)]
    return shared


@dataclass(frozen=True)
class _Tested:
    """A trace with its statistics and adjusted p, for every pair; p of the insufficient is NaN."""

    trace: CoordinationTrace
    expected: Floats
    statistic: Floats
    p: Floats

    @classmethod
    def of(cls, trace: CoordinationTrace, enough: NDArray[np.bool_]) -> _Tested:
        expected = trace.sums.mean(axis=0)
        steady = 2 * (np.sqrt(trace.sums + 0.375) - np.sqrt(expected + 0.375))
        p = np.full(len(expected), np.nan)
        if enough.any():
            greatest = np.sort(np.round(steady[:, enough].max(axis=1), 9))
            reached = len(greatest) - np.searchsorted(greatest, np.round(steady[0], 9))
            p = np.where(enough, reached / len(greatest), np.nan)
        return cls(trace, expected, steady[0], p)


def _table(
    chance: PermutationNull,
    tested: Sequence[_Tested],
    shared: NDArray[np.int64],
    enough: NDArray[np.bool_],
) -> pd.DataFrame:
    pairs = pd.DataFrame(chance.pairs, columns=["user_a", "user_b"])
    n = len(pairs)
    p = np.array([test.p for test in tested]).reshape(-1, n)
    statistic = np.array([test.statistic for test in tested]).reshape(-1, n)
    best = np.zeros(n, np.int64)
    if len(tested):
        best = np.lexsort((-statistic, np.nan_to_num(p, nan=2)), axis=0)[0]
    at = np.arange(n)
    adjusted = np.minimum(1, p[best, at] * len(tested)) if len(tested) else np.ones(n)
    return validate(
        "concert",
        pairs.assign(
            support=shared,
            statistic=statistic[best, at] if len(tested) else 0.0,
            p_adjusted=np.where(enough, adjusted, np.nan),
            status=np.where(enough, "ok", "insufficient"),
            rev_ids=_lists(tested[best[i]].trace.rev_ids[i] if tested else [] for i in range(n)),
        ),
    )


def _by_trace(
    chance: PermutationNull, tested: Sequence[_Tested], enough: NDArray[np.bool_]
) -> pd.DataFrame:
    pairs = pd.DataFrame(chance.pairs, columns=["user_a", "user_b"])
    tables = [
        pairs.assign(
            trace=test.trace.name,
            occasions=test.trace.occasions,
            observed=test.trace.sums[0],
            expected=test.expected,
            statistic=test.statistic,
            p_adjusted=np.where(enough, np.minimum(1, test.p * len(tested)), np.nan),
            rev_ids=_lists(test.trace.rev_ids),
        )
        for test in tested
    ]
    columns = ["trace", "occasions", "observed", "expected", "statistic", "p_adjusted", "rev_ids"]
    none = pd.DataFrame(columns=["user_a", "user_b", *columns])
    return pd.concat(tables, ignore_index=True) if tables else none


def _lists(values: Iterable[list[str]]) -> pd.Series:
    return pd.Series(list(values), dtype=object)


def _same_way(arrivals: pd.DataFrame, chance: PermutationNull) -> pd.DataFrame:
    """Return how often two stood on one side, and how often any two voters there would."""
    voted = arrivals[arrivals["side"] != ""]
    shares = pd.crosstab(voted["page"], voted["side"], normalize="index")
    chance_of_page = (shares**2).sum(axis=1).to_numpy(np.float64)
    ours = voted[voted["user"].isin(chance.users)]
    row = pd.Index(chance.users).get_indexer(pd.Index(ours["user"]))
    column = shares.index.get_indexer(pd.Index(ours["page"]))
    stood = np.zeros((len(shares.columns), len(chance.users), len(shares)))
    stood[shares.columns.get_indexer(pd.Index(ours["side"])), row, column] = 1
    came = stood.sum(axis=0)
    at = np.triu_indices(len(chance.users), 1)
    pairs = pd.DataFrame(chance.pairs, columns=["user_a", "user_b"])
    return pairs.assign(
        together=(came @ came.T)[at].astype(np.int64),
        alike=sum((side @ side.T for side in stood), np.zeros((len(came),) * 2))[at].astype(int),
        expected=((came * chance_of_page) @ came.T)[at],
    )
