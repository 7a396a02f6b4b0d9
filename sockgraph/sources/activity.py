"""How like the compared accounts another one is: how much, when in the day, and when in the years.

People of the same pages differ in how they edit. Those who say what two *different* people look
like should be as active as the compared accounts, in the same hours and in the same years, or a
likeness of hours alone would look rare.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

HOURS = [f"h{hour:02d}" for hour in range(24)]
COLUMNS = ["edits", "first", "last", *HOURS]
OCTAVES = 1.5  # of edits: an account twice or half as active matches by 0.8, four times by 0.4
LEAST = 0.05  # the least that a factor can make of a chance: nobody is ruled out


def activity_of(edits: pd.DataFrame) -> pd.DataFrame:
    """Return what these edits tell of each account's activity.

    Returns
    -------
    DataFrame
        By `user`: `edits`, `first`, `last`, and `h00` to `h23`, edits by the hour of the day.
    """
    by_user = edits.groupby("user")["timestamp"]
    times = by_user.agg(edits="size", first="min", last="max")
    cell = by_user.ngroup().to_numpy() * 24 + edits["timestamp"].dt.hour.to_numpy()
    counts = np.bincount(cell, minlength=24 * len(times)).reshape(-1, 24)
    hours = pd.DataFrame(counts, index=times.index, columns=HOURS)
    whole: pd.DataFrame = times.join(hours).astype(dict.fromkeys(["edits", *HOURS], "float64"))
    return whole[COLUMNS]


def unknown_activity(users: Sequence[str]) -> pd.DataFrame:
    """Return activity of which nothing is known."""
    frame = pd.DataFrame(np.nan, index=pd.Index(list(users), name="user"), columns=COLUMNS)
    times = {name: pd.Series(pd.NaT, frame.index, "datetime64[us, UTC]") for name in COLUMNS[1:3]}
    return frame.assign(**times)


def match(theirs: pd.DataFrame, own: pd.DataFrame) -> pd.DataFrame:
    """Return how well accounts match the compared ones, each factor in [0.05, 1].

    Every factor is a mean over the compared accounts; what is not known of an account counts as
    the mean of those of whom it is.

    Parameters
    ----------
    theirs, own
        As `activity_of` gives them; of `theirs`, anything may be null.

    Returns
    -------
    DataFrame
        By user: `activity` (exp(−½ (log2 of the ratio of edits / 1.5)²)), `hours` (the
        Bhattacharyya coefficient of the hours of the day, Σ√(p·q)) and `period` (the share of the
        compared account's days, first to last edit, that lie within the other's).
    """
    found = {
        "activity": _activity(theirs, own),
        "hours": _hours(theirs, own),
        "period": _period(theirs, own),
    }
    frame = pd.DataFrame(found, index=theirs.index)
    return (LEAST + (1 - LEAST) * frame.fillna(frame.mean())).fillna(1.0)


def _activity(theirs: pd.DataFrame, own: pd.DataFrame) -> NDArray[Any]:
    ratio = _log2(theirs)[:, None] - _log2(own)[None, :]
    near: NDArray[Any] = np.exp(-0.5 * (ratio / OCTAVES) ** 2).mean(axis=1)
    return near


def _log2(activity: pd.DataFrame) -> NDArray[Any]:
    return np.asarray(np.log2(np.maximum(activity["edits"].to_numpy(dtype="float64"), 1.0)))


def _hours(theirs: pd.DataFrame, own: pd.DataFrame) -> NDArray[Any]:
    near: NDArray[Any] = (_profile(theirs) @ _profile(own).T).mean(axis=1)
    return near


def _profile(activity: pd.DataFrame) -> NDArray[Any]:
    counts = activity[HOURS].to_numpy(dtype="float64")
    with np.errstate(invalid="ignore"):
        return np.asarray(np.sqrt(counts / counts.sum(axis=1, keepdims=True)))


def _period(theirs: pd.DataFrame, own: pd.DataFrame) -> NDArray[Any]:
    """Where the last edit is not known, an account counts as active until now."""
    first, last = _days(theirs["first"]), _days(theirs["last"])
    last = np.where(np.isnan(last), np.inf, last)
    start, end = _days(own["first"])[None, :], _days(own["last"])[None, :]
    inside = np.minimum(last[:, None], end) + 1 - np.maximum(first[:, None], start)
    share = np.clip(np.clip(inside, 0, None) / (end + 1 - start), 0, 1)
    return np.asarray(share.mean(axis=1))


def _days(times: pd.Series) -> NDArray[Any]:
    whole = pd.to_datetime(times, utc=True)
    since = (whole - pd.Timestamp("2001-01-01", tz="UTC")) / pd.Timedelta(days=1)
    return since.to_numpy(dtype="float64", na_value=np.nan)
