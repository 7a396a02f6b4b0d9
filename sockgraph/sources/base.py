"""What every source offers, how it tells what it could not give, and who is active alike.

People of the same pages differ in how they edit. Those who say what two *different* people look
like should be as active as the compared accounts, in the same hours and in the same years, or a
likeness of hours alone would look rare.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from sockgraph.names import TEMPORARY, kind_of, normal_name
from sockgraph.schema import TABLES, empty, validate

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


@dataclass(frozen=True)
class Coverage:
    """What was read of one account, and what was not; None is unknown, never zero.

    Attributes
    ----------
    edits_read
        Rows in `edits`, after window and cap.
    edit_count
        The wiki's own count, deleted and hidden edits included.
    outside_window
        Rows left out because the case's window excludes them; null where they were not asked for.
    hidden_comments, hidden_texts
        Edits whose summary or text is hidden.
    capped
        Whether older edits were left unread because of `max_edits`.
    not_listed
        `edit_count` less every edit seen: deleted, hidden or imported ones; null when capped.
    renamed_from
        Earlier names, oldest first.
    everywhere
        The lock or block on all wikis that is in force: `what` (`lock`, `block`), `since` (a day)
        and `by`, the latter two null where the wiki does not tell.
    source_whole
        Whether nothing of the file or dump had to be skipped.
    note
        Anything else a reader must know, in a sentence.
    """

    user: str
    edits_read: int
    edit_count: int | None = None
    outside_window: int | None = 0
    hidden_comments: int = 0
    hidden_texts: int = 0
    capped: bool = False
    not_listed: int | None = None
    renamed_from: tuple[str, ...] = ()
    everywhere: tuple[dict[str, str | None], ...] = ()
    source_whole: bool = True
    note: str = ""

    @property
    def full(self) -> bool:
        """Whether the whole public history was read."""
        return not self.capped and self.outside_window == 0 and self.source_whole

    def as_dict(self) -> dict[str, Any]:
        """Return the coverage as the manifest keeps it."""
        lists = {"renamed_from": list(self.renamed_from), "everywhere": list(self.everywhere)}
        return {**asdict(self), **lists, "full": self.full}


@dataclass(frozen=True)
class ReadResult:
    """Edits of some accounts, and what is missing from them."""

    edits: pd.DataFrame
    coverage: tuple[Coverage, ...]
    dropped: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Discussion:
    """Every revision of the pages that a case lists under [discussions].

    Attributes
    ----------
    edits, texts
        The tables `discussion_edits` and `texts`; a hidden text is null, and so is the name of an
        author who is hidden or not registered.
    pages
        By title: what was read of the page, in numbers.
    missing
        Titles that the source does not have.
    """

    edits: pd.DataFrame
    texts: pd.DataFrame
    pages: dict[str, dict[str, int]]
    missing: tuple[str, ...] = ()


class Source(Protocol):
    """A place that edits come from: a wiki, or a file.

    Tables keep the contracts of `sockgraph.schema`, save that `accounts` comes without `role`. What
    has an answer here is so of most sources; the others say theirs.
    """

    def everyone(self) -> list[str]:
        """Return every account of the source; SourceError where it cannot be listed."""

    def vanished(self, names: Sequence[str]) -> set[str]:  # noqa: ARG002 - others ask
        """Return who of these was there once and is hidden by now; the case goes on without."""
        return set()  # a file does not change

    def nominees(self, names: Sequence[str]) -> list[str]:
        """Return the accounts that nominated names mean: on several wikis one may mean several."""
        return list(names)

    def resolve(self, names: Sequence[str]) -> dict[str, str]:
        """Return how the source writes each name; SourceError names every one it does not have."""

    def account_facts(self, users: Sequence[str]) -> pd.DataFrame:
        """Return `accounts` without `role`, a row for every user."""

    def read(self, users: Sequence[str]) -> ReadResult:
        """Return the edits of these accounts, within the case's window and cap."""

    def log_events(self, users: Sequence[str]) -> pd.DataFrame:
        """Return `log_events` about and by these accounts; empty where the source has none."""

    def blocked_as_sock(self, users: Sequence[str]) -> set[str]:
        """Return who of these accounts was blocked as a sock, as far as the source tells."""

    def with_sha1(self, edits: pd.DataFrame) -> pd.DataFrame:
        """Return `edits` with the hashes of texts on shared pages, where they can be had."""
        return edits  # a file gives those that it has

    def with_texts(self, edits: pd.DataFrame) -> pd.DataFrame:
        """Return `edits` with what each added in its author's words, if the case asks for it.

        All accounts that are compared come in one call: each is read alike.
        """
        return edits  # a file's texts came with them

    def shared_histories(self, edits: pd.DataFrame) -> pd.DataFrame:  # noqa: ARG002 - others ask
        """Return `histories` of pages that several accounts of `edits` edited, if the case asks."""
        return empty("histories")  # a file holds what it holds, and `background` gives it

    def neighbours(self, edits: pd.DataFrame) -> pd.DataFrame:
        """Return who else edited the pages of `edits`.

        Returns
        -------
        DataFrame
            `user` (unique) and `shared_pages` (int), by descending `shared_pages`, then name; no
            bots, no unregistered editors, nobody of `edits` itself.
        """

    def activity(self, users: Sequence[str]) -> pd.DataFrame:
        """Return what is known of the activity of candidates, before any of their edits is read.

        As `sockgraph.sources.base.activity_of`; what is not known is null.
        """

    def background(self, users: Sequence[str]) -> pd.DataFrame:  # noqa: ARG002 - others ask
        """Return `edits` of everybody else, where the source holds them anyway; else none.

        They tell how common a page or a word is; nobody of them is compared or kept.
        """
        return empty("edits")  # of a wiki nobody is fetched who is not compared

    def discussions(self, pages: Sequence[str]) -> Discussion:
        """Return every revision of these pages with its text; SourceError where it has no texts."""

    def provenance(self) -> dict[str, Any]:
        """Return what the manifest says of the source: kind, place, hashes, requests per kind."""


def newest_of_each(edits: pd.DataFrame, most: int) -> pd.DataFrame:
    """Return the newest edits of each account, so many at most, newest first."""
    order = edits.sort_values(["timestamp", "rev_id"], ascending=False, kind="stable")
    newest: pd.DataFrame = order.groupby("user", sort=False).head(most)
    return newest


def pick_discussions(edits: pd.DataFrame, texts: pd.DataFrame, pages: Sequence[str]) -> Discussion:
    """Return the edits of these pages, each with its text; null where the file has none.

    Temporary accounts are not named.

    Parameters
    ----------
    edits
        `edits` or `discussion_edits`.
    texts
        `texts`.
    pages
        Titles, underscores or spaces alike.
    """
    titles = edits["title"].map(normal_name, na_action="ignore")
    wanted = {page: normal_name(page) for page in pages}
    listed = edits[titles.isin(wanted.values())]
    brief = [name for name in listed["user"].dropna().unique() if kind_of(name) == TEMPORARY]
    listed = listed.assign(user=listed["user"].mask(listed["user"].isin(brief)))
    columns = list(TABLES["discussion_edits"].columns)
    found = validate("discussion_edits", listed[[c for c in columns if c in listed]])
    whole = found[["wiki", "rev_id"]].merge(texts, how="left", on=["wiki", "rev_id"])
    told = {page: _counts(found, whole, title) for page, title in wanted.items()}
    missing = tuple(page for page, counts in told.items() if not counts["revisions"])
    return Discussion(found, validate("texts", whole), told, missing)


def _counts(edits: pd.DataFrame, texts: pd.DataFrame, title: str) -> dict[str, int]:
    here = edits["title"].map(normal_name) == title
    rows, read = edits[here], texts[here.to_numpy()]["text"].notna()
    unseen = rows["hidden"].map(lambda parts: "user" in parts).astype(bool)
    return {
        "revisions": len(rows),
        "texts": int(read.sum()),
        "hidden texts": int((~read).sum()),
        "hidden authors": int(unseen.sum()),
        "unregistered": int((rows["user"].isna() & ~unseen).sum()),
        "read in part": 0,
    }
