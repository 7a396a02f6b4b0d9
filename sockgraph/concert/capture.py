"""How concentrated a community's work is: effective numbers of hands, without a name."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np
import pandas as pd
from scipy.special import gammaln
from scipy.stats import t

from sockgraph.errors import SockgraphError
from sockgraph.signals.null_models import UNDOES, tagged_as_undoing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    from collections.abc import Iterable, Mapping


LEVEL = 0.95


@dataclass(frozen=True)
class EffectiveNumber:
    """How many hands share the events of a period.

    Attributes
    ----------
    events, hands, days
        Events, those who made them, and days on which there were any.
    effective
        Hill number of order 2, 1 / sum p^2, estimated without the bias of few events; null where no
        hand made two events.
    low, high
        Its 95 % interval.
    expected
        Hands to expect among `draw` events drawn at random; null where there are fewer.
    coverage
        Share of all events to come that the hands seen here would make (Good and Turing).
    largest
        Share of the busiest hand.
    """

    events: int
    hands: int
    days: int
    effective: float
    low: float
    high: float
    expected: float
    coverage: float
    largest: float


def effective_number(hand: Ints, day: Ints, *, draw: int = 100) -> EffectiveNumber:
    """Measure how concentrated events are.

    The effective number is N (N - 1) / sum n (n - 1), the inverse of the unbiased estimate of
    Simpson's concentration (Simpson 1949, Nature 163:688; Hill 1973, Ecology 54:427): the inverse
    probability that two events are by one hand. It does not grow with the number of events, so that
    quiet and busy periods compare. Its interval is a jackknife over days on the log scale, with
    Student's t: what one hand does on a day hangs together. `expected` is rarefaction (Hurlbert
    1971, Ecology 52:577), `coverage` after Chao & Jost (2012, Ecology 93:2533).

    Parameters
    ----------
    hand, day : ndarray of int, shape (n,)
        Who made each event, and on which day.
    draw
        Events that hands are expected among.

    Raises
    ------
    ValueError
        If there is no event.
    """
    if not len(hand):
        msg = "no events"
        raise ValueError(msg)
    table = pd.crosstab(hand, day).to_numpy(np.int64)
    counts = table.sum(axis=1)
    low, high = _interval(table)
    n = int(counts.sum())
    return EffectiveNumber(
        events=n,
        hands=len(counts),
        days=table.shape[1],
        effective=float(_inverse(counts[:, None])[0]),
        low=low,
        high=high,
        expected=_rarefied(counts, draw),
        coverage=_coverage(counts),
        largest=float(counts.max() / n),
    )


def _inverse(counts: Ints) -> NDArray[np.float64]:
    """Return the effective number of each column of counts; NaN where no hand made two."""
    n = counts.sum(axis=0).astype(np.float64)
    alike = (counts * (counts - 1.0)).sum(axis=0)
    inverse: NDArray[np.float64] = np.full(len(n), np.nan)
    np.divide(n * (n - 1), alike, out=inverse, where=alike > 0)
    return inverse


def _interval(table: Ints) -> tuple[float, float]:
    """Return the jackknife interval over the days of a table, hands by days."""
    days = table.shape[1]
    counts = table.sum(axis=1)
    without = np.log(_inverse(counts[:, None] - table))
    whole = np.log(_inverse(counts[:, None]))[0]
    if days < 2 or not np.isfinite(without).all() or not math.isfinite(whole):
        return math.nan, math.nan
    spread = math.sqrt((days - 1) / days * float(((without - without.mean()) ** 2).sum()))
    reach = float(t.ppf((1 + LEVEL) / 2, days - 1)) * spread
    return max(1.0, math.exp(whole - reach)), math.exp(whole + reach)


def _rarefied(counts: Ints, draw: int) -> float:
    """Return the hands to expect among `draw` of the events, drawn without replacement."""
    n = int(counts.sum())
    if n < draw:
        return math.nan
    rest = n - counts
    possible = rest >= draw
    log_none = (
        gammaln(rest[possible] + 1)
        - gammaln(rest[possible] - draw + 1)
        - gammaln(n + 1)
        + gammaln(n - draw + 1)
    )
    return float(len(counts) - np.exp(log_none).sum())


def _coverage(counts: Ints) -> float:
    n, once, twice = int(counts.sum()), int((counts == 1).sum()), int((counts == 2).sum())
    if once == 0:
        return 1.0
    if n == once:
        return 0.0
    factor = (n - 1) * once / ((n - 1) * once + 2 * twice) if twice else (n - 1) / n
    return 1 - once / n * factor


PERIODS = {"month": "MS", "quarter": "QS", "year": "YS"}
EVENTS, DAYS = 50, 10  # of a period, below which nothing is said
POWERS = ("block", "delete", "protect", "rights")
MEASURES = ("effective", "low", "high", "expected", "coverage", "largest")
COLUMNS = ("activity", "period", "counted", "events", "hands", "days", *MEASURES, "status")


@dataclass(frozen=True)
class Capture:
    """How concentrated a community is.

    Attributes
    ----------
    table
        A row for each activity, period and way of counting: `activity`, `period` (its first day),
        `counted` (accounts; hands, in which accounts of one group or acting in concert are one),
        `events`, `hands`, `days`, `effective`, `low`, `high`, `expected`, `coverage`, `largest`
        (see `EffectiveNumber`), `status` (insufficient: fewer than 50 events or 10 days, all
        measures null). No name is in it.
    merged
        Accounts that share a hand with another, and the hands that hold them.
    """

    table: pd.DataFrame
    merged: tuple[int, int]


def measure_capture(
    edits: pd.DataFrame,
    *,
    log_events: pd.DataFrame | None = None,
    votes: pd.DataFrame | None = None,
    together: Iterable[tuple[str, str]] = (),
    every: str = "quarter",
) -> Capture:
    """Measure how concentrated activities are, period by period.

    Parameters
    ----------
    edits
        Every edit of the wiki or topic: `user, timestamp`, and `comment` or `tags`, from which
        undoings are known.
    log_events
        The table `log_events`; blocks, deletions, protections and changes of rights are counted.
    votes
        The table `votes`; well-formed votes are counted, the last of each in a discussion.
    together
        Pairs of accounts that count as one hand.
    every
        month, quarter or year.

    Raises
    ------
    SockgraphError
        If the period is none of these.
    """
    if every not in PERIODS:
        raise SockgraphError(every, f"a period is one of {', '.join(PERIODS)}.", "Choose one.")
    hands = _hands(together)
    events = _events(edits, log_events, votes)
    rows = [
        row
        for activity, table in events.items()
        for row in _rows(activity, table, hands, PERIODS[every])
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return Capture(table, (len(hands), len(set(hands.values()))))


def _hands(together: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return, for each account that shares a hand, the first account of that hand."""
    graph = nx.Graph(list(together))
    return {user: min(part) for part in nx.connected_components(graph) for user in part}


def _events(
    edits: pd.DataFrame, log_events: pd.DataFrame | None, votes: pd.DataFrame | None
) -> dict[str, pd.DataFrame]:
    """Return `user, timestamp` of each activity."""
    columns = ["user", "timestamp"]
    found = {"editing": edits[columns], "reverting": edits.loc[_undoes(edits), columns]}
    if votes is not None:
        cast = votes[(votes["parse"] == "ok") & votes["side"].notna()].sort_values("timestamp")
        found["voting"] = cast.drop_duplicates(["wiki", "page", "user"], keep="last")[columns]
    if log_events is not None:
        powers = log_events["type"].isin(POWERS) & log_events["actor"].notna()
        found["administering"] = log_events.loc[powers, ["actor", "timestamp"]].rename(
            columns={"actor": "user"}
        )
    return found


def _undoes(edits: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which edits undo others, by their summary or the wiki's own tags."""
    undoes = np.zeros(len(edits), dtype=bool)
    if "comment" in edits:
        said = edits["comment"].fillna("")
        undoes |= np.array([bool(UNDOES.search(text)) for text in said], dtype=bool)
    if "tags" in edits:
        undoes |= tagged_as_undoing(edits["tags"])
    return undoes


def _rows(
    activity: str, events: pd.DataFrame, hands: Mapping[str, str], unit: str
) -> Iterable[dict[str, object]]:
    day = events["timestamp"].dt.floor("D").dt.tz_localize(None)
    known = events.assign(day=day, hand=events["user"].map(lambda user: hands.get(user, user)))
    ways = (("accounts", "user"), ("hands", "hand")) if hands else (("accounts", "user"),)
    for period, part in known.groupby(pd.Grouper(key="day", freq=unit)):
        for counted, column in ways:
            row = {"activity": activity, "period": period, "counted": counted}
            yield row | _measured(part[column], part["day"])


def _measured(hand: pd.Series, day: pd.Series) -> dict[str, object]:
    n, days = len(hand), int(day.nunique())
    if n < EVENTS or days < DAYS:
        unknown = dict.fromkeys(MEASURES, np.nan)
        seen = {"events": n, "hands": int(hand.nunique()), "days": days}
        return {**seen, **unknown, "status": "insufficient"}
    codes, when = pd.factorize(hand)[0], pd.factorize(day)[0]
    measured = effective_number(codes.astype(np.int64), when.astype(np.int64))
    return {**asdict(measured), "status": "ok"}
