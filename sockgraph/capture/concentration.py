"""A community over time: editing, reverting, voting, administering; by account and by hand."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np
import pandas as pd

from sockgraph.capture.effective import effective_number
from sockgraph.errors import SockgraphError
from sockgraph.signals.interaction import UNDOES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

ACTIVITIES = ("editing", "reverting", "voting", "administering")
PERIODS = {"month": "MS", "quarter": "QS", "year": "YS"}
EVENTS, DAYS = 50, 10  # of a period, below which nothing is said
UNDOING = {"mw-undo", "mw-rollback", "mw-manual-revert"}
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
        (see `Effective`), `status` (insufficient: fewer than 50 events or 10 days, all measures
        null). No name is in it.
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
        found["voting"] = cast.drop_duplicates(["page", "user"], keep="last")[columns]
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
        undoes |= np.array([bool(UNDOING & set(_list(t))) for t in edits["tags"]], dtype=bool)
    return undoes


def _list(tags: object) -> list[str]:
    return list(tags) if isinstance(tags, (list, np.ndarray)) else []


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
