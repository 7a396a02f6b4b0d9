"""When people vote: against their own usual hours, and after messages sent to many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import binom

from sockgraph.signals.pages import of_wikis, revision_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

HOURS = 24
RARE = 0.10  # an account's quietest hours, that hold at most this share of its edits
ENOUGH_EDITS, ENOUGH_VOTES = 50, 5
RUN = pd.Timedelta(minutes=60)  # between one message of a run and the next
RECEIVERS = 3
AFTER = pd.Timedelta(hours=24)
USER_TALK = 3


def hour_shares(edits: pd.DataFrame) -> dict[str, NDArray[np.float64]]:
    """Return each account's share of edits by hour of the day, UTC; shape (24,).

    Hours are smoothed over their two neighbours (weights 1, 2, 1), and a 24th of one edit is added
    to each, so that no hour is impossible.
    """
    hours = edits["timestamp"].dt.hour.to_numpy()
    counts = {
        str(user): np.bincount(hours[rows], minlength=HOURS).astype(np.float64)
        for user, rows in edits.groupby("user").indices.items()
    }
    return {user: _smooth(count) for user, count in counts.items()}


def _smooth(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    spread = (np.roll(counts, 1) + 2 * counts + np.roll(counts, -1)) / 4 + 1 / HOURS
    shares: NDArray[np.float64] = spread / spread.sum()
    return shares


def usual_hours(votes: pd.DataFrame, edits: pd.DataFrame) -> pd.DataFrame:
    """Compare when accounts vote with when they edit otherwise.

    Parameters
    ----------
    votes
        The table `votes`; only well-formed rows count, one a discussion.
    edits
        The accounts' edits; those of the same revisions are left out.

    Returns
    -------
    DataFrame
        `user, n_votes, n_edits, in_quiet_hours` (votes in the account's quietest hours, which hold
        at most a tenth of its edits), `expected` (of them), `p` (binomial, that many or more, not
        adjusted), `status` (insufficient below 5 votes or 50 edits; p is null then).
    """
    counted = votes[votes["parse"] == "ok"].sort_values(["timestamp", "rev_id"])
    first = counted.drop_duplicates(["wiki", "page", "user"])
    others = edits[~revision_keys(edits).isin(revision_keys(votes))]
    rows = [
        {"user": user, **_quiet(_hours(first, user), _hours(others, user))}
        for user in sorted(set(first["user"]) & set(edits["user"]))
    ]
    columns = ["user", "n_votes", "n_edits", "in_quiet_hours", "expected", "p", "status"]
    return pd.DataFrame(rows, columns=columns)


def _hours(table: pd.DataFrame, user: str) -> NDArray[np.int64]:
    hours: NDArray[np.int64] = table.loc[table["user"] == user, "timestamp"].dt.hour.to_numpy()
    return hours


def _quiet(voted: NDArray[np.int64], edited: NDArray[np.int64]) -> dict[str, object]:
    shares = _smooth(np.bincount(edited, minlength=HOURS).astype(np.float64))
    order = np.argsort(shares, kind="stable")
    quiet = order[np.cumsum(shares[order]) <= RARE]
    share = float(shares[quiet].sum())
    seen = int(np.isin(voted, quiet).sum())
    enough = len(voted) >= ENOUGH_VOTES and len(edited) >= ENOUGH_EDITS
    return {
        "n_votes": len(voted),
        "n_edits": len(edited),
        "in_quiet_hours": seen,
        "expected": share * len(voted),
        "p": float(binom.sf(seen - 1, len(voted), share)) if enough else np.nan,
        "status": "ok" if enough else "insufficient",
    }


def mass_messages(edits: pd.DataFrame) -> pd.DataFrame:
    """Return runs of messages: one account to three or more others' talk pages, an hour apart.

    Parameters
    ----------
    edits
        The table `edits`: only what its accounts sent is seen.

    Returns
    -------
    DataFrame
        `sender, start, end, receivers` (list), `rev_ids` (list of "wiki:rev_id"), by time.
    """
    talk = edits[(edits["ns"] == USER_TALK) & edits["title"].notna()]
    titles = (
        talk["title"].str.replace(r"^[^:]*:", "", regex=True).str.replace(r"/.*", "", regex=True)
    )
    sent = talk.assign(receiver=titles).sort_values(["user", "timestamp", "rev_id"])
    sent = sent[(sent["receiver"] != sent["user"]) & (sent["receiver"] != "")]
    rows = []
    for sender, theirs in sent.groupby("user"):
        run = (theirs["timestamp"].diff() > RUN).cumsum()
        for _, part in theirs.groupby(run):
            if part["receiver"].nunique() >= RECEIVERS:
                rows.append({"sender": sender, **_run(part)})
    columns = ["sender", "start", "end", "receivers", "rev_ids"]
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values(["start", "sender"], ignore_index=True)


def _run(part: pd.DataFrame) -> dict[str, object]:
    ids = zip(part["wiki"], part["rev_id"], strict=True)
    return {
        "start": part["timestamp"].iloc[0],
        "end": part["timestamp"].iloc[-1],
        "receivers": sorted(set(part["receiver"])),
        "rev_ids": [f"{wiki}:{rev}" for wiki, rev in ids],
    }


def arrivals_after(votes: pd.DataFrame, sent: pd.DataFrame) -> pd.DataFrame:
    """Count who came to a discussion within a day of a message, of its receivers and of others.

    Parameters
    ----------
    votes
        The table `votes`.
    sent
        What `mass_messages` returns.

    Returns
    -------
    DataFrame
        A row for each run of messages and discussion that was open then and to which a receiver
        came: `sender, start, page, receivers` (not there before), `came` (of them, within 24 hours
        of the run's start), `others`, `others_came` (the same of everybody else who ever came).
    """
    came = votes[votes["parse"] == "ok"].assign(page=of_wikis(votes["page"], votes["wiki"]))
    first = came.groupby(["page", "user"])["timestamp"].min()
    rows = [
        {"sender": sender, "start": start, "page": page, **counts}
        for sender, start, receivers in sent[["sender", "start", "receivers"]].itertuples(
            index=False
        )
        for page, arrived in first.groupby("page")
        if (counts := _came(arrived.droplevel("page"), start, receivers))
    ]
    columns = ["sender", "start", "page", "receivers", "came", "others", "others_came"]
    return pd.DataFrame(rows, columns=columns)


def _came(
    arrived: pd.Series, start: pd.Timestamp, receivers: Sequence[str]
) -> dict[str, int] | None:
    later = arrived[arrived >= start]
    if len(later) == len(arrived) or later.empty:  # not open yet, or over
        return None
    soon = later < start + AFTER
    told = later.index.isin(list(receivers))
    if not told.any():
        return None
    return {
        "receivers": int(told.sum()),
        "came": int((soon & told).sum()),
        "others": int((~told).sum()),
        "others_came": int((soon & ~told).sum()),
    }
