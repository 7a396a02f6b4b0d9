"""What the explorer shows, as tables: pure functions of a case that was run.

The widget draws these and nothing else, so whatever it shows can be had, counted and checked here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sockgraph.report.facts import events_of
from sockgraph.signals.corpus import page_titles, revision_keys
from sockgraph.strings import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    Tables = Mapping[str, pd.DataFrame]

HOURS = 168
_MONDAY = 96
"""Hours from the epoch, a Thursday, to the first Monday after it."""


def each(frame: pd.DataFrame) -> Iterable[Any]:
    """Return a table's rows, one by one, as records of whatever their columns hold."""
    return frame.itertuples()


def pair_rows(tables: Tables, table: str, a: str, b: str) -> pd.DataFrame:
    """Return the rows of a table about two accounts, whichever way round they are named.

    Returns
    -------
    DataFrame
        The contract's columns, from its first row on; empty where the case has none.
    """
    first, second = sorted((a, b))
    frame = tables[table]
    found = frame[(frame["user_a"] == first) & (frame["user_b"] == second)]
    return found.reset_index(drop=True)


def link_evidence(tables: Tables, a: str, b: str) -> pd.DataFrame:
    """Return every signal on two accounts, strongest against first, those that say nothing last.

    Returns
    -------
    DataFrame
        `signal, family, log10_lr, contribution, support, status, rev_ids`.
    """
    rows = pair_rows(tables, "evidence", a, b)
    rows = rows.sort_values(["contribution", "family", "signal"], na_position="last")
    columns = ["signal", "family", "log10_lr", "contribution", "support", "status", "rev_ids"]
    return rows[columns].reset_index(drop=True)


def shared_edits(tables: Tables, a: str, b: str) -> pd.DataFrame:
    """Return both accounts' edits on the pages that both edited, oldest first.

    Returns
    -------
    DataFrame
        `rev` (`wiki:rev_id`), `timestamp` (UTC), `user`, `page`, `ns`, `comment`, `hidden` (list),
        `minor`, `size_diff`, and `gap`: seconds since the other account's last edit of that page,
        null where it had not yet edited it or the account's own edit came between.
    """
    edits = tables["edits"]
    both = edits[edits["user"].isin([a, b])].copy()
    both["page"] = page_titles(both)
    editors = both.groupby("page", observed=True)["user"].nunique()
    both = both[both["page"].map(editors).eq(2).to_numpy()]
    both = both.sort_values(["timestamp", "rev_id"], kind="stable")
    before = both.groupby("page", observed=True)[["user", "timestamp"]].shift()
    turned = before["user"].notna() & (before["user"] != both["user"])
    gap = (both["timestamp"] - before["timestamp"]).dt.total_seconds().where(turned)
    found = both.assign(rev=revision_keys(both), gap=gap)
    columns = ["rev", "timestamp", "user", "page", "ns", "comment", "hidden", "minor", "size_diff"]
    return found[[*columns, "gap"]].reset_index(drop=True)


def latest_edits(tables: Tables, a: str, b: str, *, most: int = 50) -> pd.DataFrame:
    """Return each account's own latest edits, in the columns of `shared_edits`, oldest first."""
    edits = tables["edits"]
    both = edits[edits["user"].isin([a, b])].sort_values(["timestamp", "rev_id"], kind="stable")
    both = both.groupby("user", observed=True, sort=False).tail(most)
    found = both.assign(rev=revision_keys(both), page=page_titles(both), gap=np.nan)
    columns = ["rev", "timestamp", "user", "page", "ns", "comment", "hidden", "minor", "size_diff"]
    return found[[*columns, "gap"]].reset_index(drop=True)


def cited_edits(tables: Tables, a: str, b: str) -> pd.DataFrame:
    """Return which signals of a pair rest most on which edits.

    Returns
    -------
    DataFrame
        `rev` (`wiki:rev_id`), `signal`, `contribution` (log10, in the sum; null where it has none):
        a row for every edit that a signal cites.
    """
    rows = pair_rows(tables, "evidence", a, b)[["signal", "contribution", "rev_ids"]]
    cited = rows.explode("rev_ids").dropna(subset=["rev_ids"])
    return cited.rename(columns={"rev_ids": "rev"}).reset_index(drop=True)


def shared_pages(tables: Tables, a: str, b: str, edits: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the pages that both accounts edited, those first whose edits moved the number most.

    Parameters
    ----------
    edits
        What `shared_edits` returned of the two, where it was asked.

    Returns
    -------
    DataFrame
        `page`, `ns`, `n_a`, `n_b` (edits of either), `closest` (seconds between one's edit and the
        other's next, null where hands never changed), `editors` (accounts of all that were read),
        and `moved`: over the pair's signals, the sum of |contribution| times the page's share of
        the edits that the signal cites.
    """
    edits = shared_edits(tables, a, b) if edits is None else edits
    by_page = edits.groupby("page", observed=True, sort=False)
    first = edits["user"].eq(a).groupby(edits["page"], observed=True, sort=False).sum()
    there = page_titles(tables["edits"])
    there = there[there.isin(first.index).to_numpy()]
    everybody = pd.DataFrame({"user": tables["edits"]["user"].loc[there.index], "page": there})
    everybody = everybody.drop_duplicates()
    cited = cited_edits(tables, a, b).merge(edits[["rev", "page"]], on="rev")
    share = 1 / cited.groupby("signal")["rev"].transform("size")
    moved = (cited["contribution"].abs() * share).groupby(cited["page"]).sum()
    pages = pd.DataFrame(
        {
            "ns": by_page["ns"].first(),
            "n_a": first,
            "n_b": by_page.size() - first,
            "closest": by_page["gap"].min(),
            "editors": everybody["page"].value_counts().reindex(first.index),
        }
    )
    pages = pages.assign(moved=moved.reindex(pages.index).fillna(0.0)).rename_axis("page")
    order = {"moved": False, "editors": True, "closest": True}
    pages = pages.sort_values(list(order), ascending=list(order.values()), kind="stable")
    return pages.reset_index()


def contacts(edits: pd.DataFrame, user: str) -> pd.DataFrame:
    """Return how one account meets every other on pages that both edited.

    Parameters
    ----------
    edits
        The contract table.

    Returns
    -------
    DataFrame
        By the other account: `shared_pages`, and `closest`, the seconds between an edit of the one
        and the nearest edit of the other on the same page. Those who share no page are not in it.
    """
    columns = pd.DataFrame(
        {
            "user": edits["user"].astype("object"),
            "page": page_titles(edits),
            "timestamp": edits["timestamp"],
        }
    ).sort_values("timestamp", kind="stable")
    mine = columns[columns["user"] == user]
    others = columns[(columns["user"] != user) & columns["page"].isin(mine["page"])]
    met = pd.merge_asof(
        others,
        mine[["timestamp", "page"]].assign(at=mine["timestamp"]),
        on="timestamp",
        by="page",
        direction="nearest",
    )
    met["closest"] = (met["timestamp"] - met["at"]).abs().dt.total_seconds()
    found = met.groupby("user").agg(shared_pages=("page", "nunique"), closest=("closest", "min"))
    return found.rename_axis(None)


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
    np.add.at(counts, (index, _hour_of_week(edits)), 1)
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


def group_facts(tables: Tables) -> pd.DataFrame:
    """Return a row for every account that is in a group.

    Returns
    -------
    DataFrame
        `cluster_id, user, membership, status`, and of its group the weakest link:
        `weakest_a, weakest_b, weakest_log10_lr`.
    """
    grouped = tables["clusters"].dropna(subset=["cluster_id"])
    links = tables["links"]
    rows = []
    for number, members in grouped.groupby("cluster_id", sort=True):
        users = set(members["user"])
        inside = links[links["user_a"].isin(users) & links["user_b"].isin(users)]
        inside = inside.dropna(subset=["log10_lr"]).sort_values(["log10_lr", "user_a", "user_b"])
        weakest = inside.iloc[0] if len(inside) else None
        rows += [
            {
                "cluster_id": int(str(number)),
                "user": row.user,
                "membership": row.membership,
                "status": row.status,
                "weakest_a": None if weakest is None else weakest["user_a"],
                "weakest_b": None if weakest is None else weakest["user_b"],
                "weakest_log10_lr": np.nan if weakest is None else float(weakest["log10_lr"]),
            }
            for row in each(members)
        ]
    columns = ["cluster_id", "user", "membership", "status"]
    columns += ["weakest_a", "weakest_b", "weakest_log10_lr"]
    return pd.DataFrame(rows, columns=columns)


def _hour_of_week(edits: pd.DataFrame) -> NDArray[np.int64]:
    stamps = edits["timestamp"].dt.tz_convert(None).to_numpy("datetime64[h]").astype(np.int64)
    return np.asarray((stamps - _MONDAY) % HOURS)


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
    rows = pair_rows(tables, "alibis", a, b)
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
