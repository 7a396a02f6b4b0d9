"""The investigator's desk in JupyterLab, and the tables behind everything it shows.

The tables are pure functions of a case that was run. The widget draws these and nothing else, so
whatever it shows can be had, counted and checked here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sockgraph.charts.activity import HOURS, hour_of_week
from sockgraph.desk.tables import CaseTables
from sockgraph.report.facts import events_of
from sockgraph.signals.corpus import revision_keys
from sockgraph.strings import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    Tables = Mapping[str, pd.DataFrame]


def each(frame: pd.DataFrame) -> Iterable[Any]:
    """Return a table's rows, one by one, as records of whatever their columns hold."""
    return frame.itertuples()


def shared_edits(tables: Tables, a: str, b: str) -> pd.DataFrame:
    """Return both accounts' edits on the pages that both edited, oldest first.

    Returns
    -------
    DataFrame
        `rev` (`wiki:rev_id`), `timestamp` (UTC), `user`, `page`, `ns`, `comment`, `hidden` (list),
        `minor`, `size_diff`, and `gap`: seconds since the other account's last edit of that page,
        null where it had not yet edited it or the account's own edit came between.
    """
    known = CaseTables.of(tables)
    rows, gaps = known.shared(a, b)
    return _side_by_side(known, rows, gaps)


def latest_edits(tables: Tables, a: str, b: str, *, most: int = 50) -> pd.DataFrame:
    """Return each account's own latest edits, in the columns of `shared_edits`, oldest first."""
    known = CaseTables.of(tables)
    rows = known.edits_of(a, b, most=most)
    return _side_by_side(known, rows, np.full(len(rows), np.nan))


def _side_by_side(
    known: CaseTables, rows: NDArray[np.intp], gaps: NDArray[np.float64]
) -> pd.DataFrame:
    """Return some rows of the table of edits in the columns that both sides show."""
    columns = ["timestamp", "user", "ns", "comment", "hidden", "minor", "size_diff"]
    found = known["edits"][["wiki", "rev_id", *columns]].iloc[rows].reset_index(drop=True)
    pages = known.titles.iloc[rows].to_numpy(dtype=object)
    return found[columns].assign(rev=revision_keys(found), page=pages, gap=gaps)


def cited_edits(tables: Tables, a: str, b: str) -> pd.DataFrame:
    """Return which signals of a pair rest most on which edits.

    Returns
    -------
    DataFrame
        `rev` (`wiki:rev_id`), `signal`, `contribution` (log10, in the sum; null where it has none):
        a row for every edit that a signal cites.
    """
    rows = CaseTables.of(tables).of_pair("evidence", a, b)
    cited = [(rev, row.signal, row.contribution) for row in each(rows) for rev in row.rev_ids]
    return pd.DataFrame(cited, columns=["rev", "signal", "contribution"])


def shared_pages(tables: Tables, a: str, b: str) -> pd.DataFrame:
    """Return the pages that both accounts edited, those first whose edits moved the number most.

    Returns
    -------
    DataFrame
        `page`, `ns`, `n_a`, `n_b` (edits of either), `closest` (seconds between one's edit and the
        other's next, null where hands never changed), `editors` (accounts of all that were read),
        and `moved`: over the pair's signals, the sum of |contribution| times the page's share of
        the edits that the signal cites.
    """
    known = CaseTables.of(tables)
    rows, gaps = known.shared(a, b)
    numbers, first, at = np.unique(known.pages[rows], return_index=True, return_inverse=True)
    edits = known["edits"][["wiki", "rev_id", "user", "ns"]].iloc[rows]
    size = len(numbers)
    n_a = np.bincount(at[edits["user"].eq(a).to_numpy(bool)], minlength=size)
    closest = np.full(size, np.inf)
    np.fmin.at(closest, at, gaps)
    pages = pd.DataFrame(
        {
            "page": known.titles.iloc[rows[first]].to_numpy(dtype=object),
            "ns": edits["ns"].iloc[first].to_numpy(),
            "n_a": n_a,
            "n_b": np.bincount(at, minlength=size) - n_a,
            "closest": np.where(np.isinf(closest), np.nan, closest),
            "editors": known.editors[numbers],
            "moved": _moved(cited_edits(known, a, b), edits, at, size),
        }
    )
    moved = -pages["moved"].round(9)  # sums in another order differ in their last bits
    order = np.lexsort((first, closest, pages["editors"], moved))
    return pages.iloc[order].reset_index(drop=True)


def _moved(
    cited: pd.DataFrame, edits: pd.DataFrame, at: NDArray[np.intp], size: int
) -> NDArray[np.float64]:
    """Return how much each page's edits moved the number, in the order of the pages' numbers."""
    pages = dict(zip(revision_keys(edits), at, strict=True))
    cited = cited[cited["rev"].isin(pages)]
    weights = cited["contribution"].abs() / cited.groupby("signal")["rev"].transform("size")
    page = cited["rev"].map(pages).to_numpy(np.intp)
    moved = np.bincount(page, weights.fillna(0.0).to_numpy(float), minlength=size)
    return moved.astype(np.float64)


def hours_in_common(tables: Tables, a: str, b: str) -> dict[str, float]:
    """Return how much of two accounts' weeks is the same, and how much others share with them.

    Returns
    -------
    dict
        `overlap`: the sum over 168 hours of the smaller of both shares, in [0, 1]; `expected`: the
        median of the same between either account and every other account of the case, the
        reference included; `n_others`.
    """
    edits = tables["edits"]
    users, index = np.unique(edits["user"].to_numpy(dtype=object), return_inverse=True)
    counts = np.zeros((len(users), HOURS))
    times = edits["timestamp"].dt.tz_convert(None).to_numpy("datetime64[us]")
    np.add.at(counts, (index, hour_of_week(times)), 1)
    shares = counts / counts.sum(axis=1, keepdims=True)
    at = {user: i for i, user in enumerate(users)}
    if a not in at or b not in at:
        return {"overlap": float("nan"), "expected": float("nan"), "n_others": 0}
    one, other = shares[at[a]], shares[at[b]]
    rest = np.delete(shares, [at[a], at[b]], axis=0)
    common = np.concatenate([np.minimum(rest, mine).sum(axis=1) for mine in (one, other)])
    expected = float(np.median(common)) if len(common) else float("nan")
    overlap = float(np.minimum(one, other).sum())
    return {"overlap": overlap, "expected": expected, "n_others": len(rest)}


def timeline(tables: Tables, a: str, b: str) -> pd.DataFrame:
    """Return what happened to, and between, two accounts, oldest first.

    Returns
    -------
    DataFrame
        `start`, `end` (null for a moment), `user` (null for both), `kind` {registered, first edit,
        last edit, block, lock, end, rename, hand-over, simultaneous}, `words`.
    """
    rows = [*_moments(tables, a), *_moments(tables, b), *_stretches(tables, a, b)]
    rows += _hand_over(tables["edits"], a, b)
    columns = ["start", "end", "user", "kind", "words"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.sort_values(["start", "kind"], kind="stable", ignore_index=True)


def _moments(tables: Tables, user: str) -> list[tuple[object, ...]]:
    times = tables["edits"].loc[tables["edits"]["user"] == user, "timestamp"]
    accounts = tables["accounts"]
    registered = accounts.loc[accounts["user"] == user, "registered"].dropna()
    rows: list[tuple[object, ...]] = [
        (moment, pd.NaT, user, "registered", say("registered")) for moment in registered[:1]
    ]
    if len(times):
        rows.append((times.min(), pd.NaT, user, "first edit", say("first edit read")))
        rows.append((times.max(), pd.NaT, user, "last edit", say("last edit read")))
    logged = events_of([user], tables["log_events"])[user]
    return rows + [(event.at, pd.NaT, user, event.kind, event.words) for event in logged]


def _stretches(tables: Tables, a: str, b: str) -> list[tuple[object, ...]]:
    rows = CaseTables.of(tables).of_pair("alibis", a, b)
    return [
        (
            row.start,
            row.end,
            None,
            "simultaneous",
            say("{n} edits by turns on different pages", n=row.n_edits)
            + ("" if pd.isna(row.excluded) else say(" (left out: {why})", why=say(row.excluded))),
        )
        for row in each(rows)
    ]


def _hand_over(edits: pd.DataFrame, a: str, b: str) -> list[tuple[object, ...]]:
    """Return the day on which one account takes over, where their edits do not overlap in time."""
    spans = {
        user: (times.min(), times.max())
        for user in (a, b)
        if len(times := edits.loc[edits["user"] == user, "timestamp"])
    }
    if len(spans) < len((a, b)):
        return []
    (first, (_, stopped)), (then, (began, _)) = sorted(spans.items(), key=lambda item: item[1])
    if began <= stopped:
        return []
    days = (began - stopped).days
    return [
        (
            stopped,
            began,
            None,
            "hand-over",
            say(
                "last edit read of {one}, first of {other} {n} days later",
                one=first,
                other=then,
                n=days,
            ),
        )
    ]
