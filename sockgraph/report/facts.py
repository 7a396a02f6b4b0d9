"""Facts, which need no model: a line an account, a line a pair, and the pages that two share."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sockgraph.charts.activity import AccountActivity
from sockgraph.charts.marks import text_width
from sockgraph.log_events import (
    RESTRAINING,
    account_of,
    effect,
    is_sitewide,
    params_of,
    restraints,
)
from sockgraph.names import clean
from sockgraph.report.wording import day
from sockgraph.signals.corpus import page_titles
from sockgraph.strings import say

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from sockgraph.case import Case
    from sockgraph.log_events import Restraint
    from sockgraph.report.data import Link, ReportData

MOST = 8
QUOTED = ["wiki", "rev_id", "user", "timestamp", "comment", "hidden"]
STALE_DAYS = 90
FIGURE_WIDTH = 230.0
LEAST_TURN = 3
TURNS = 24 - 2 * LEAST_TURN + 1  # of an hour: from 3 to 21


@dataclass(frozen=True)
class QuotedEdit:
    """One edit as the page quotes it."""

    user: str
    at: pd.Timestamp
    rev_id: int
    comment: str | None
    hidden: bool
    wiki: str

    @property
    def rev(self) -> str:
        """The revision as evidence names it, `wiki:rev_id`."""
        return f"{self.wiki}:{self.rev_id}"


@dataclass(frozen=True)
class SharedPage:
    """A page that both accounts edited, and their two edits on it nearest in time."""

    title: str
    editors: int
    first: QuotedEdit
    then: QuotedEdit

    @property
    def seconds(self) -> float:
        """The gap."""
        return (self.then.at - self.first.at).total_seconds()


@dataclass(frozen=True)
class EditIndex:
    """Who edited which page, prepared once for all pairs.

    Attributes
    ----------
    edits
        Edits of the compared accounts in time order, with their `page`.
    by_user
        Of each compared account, by page: its rows of `edits`, in time order.
    editors
        How many of the accounts that were read edited a page.
    revisions
        Each revision that the evidence points to: its page and the edit.
    """

    edits: pd.DataFrame
    by_user: dict[str, dict[str, NDArray[np.intp]]]
    editors: dict[str, int]
    revisions: dict[str, tuple[str, QuotedEdit]]

    def at(self, row: int) -> QuotedEdit:
        """Return the edit in one row: an account may have millions, and few are quoted."""
        return _edit(self.edits.iloc[row])


def index_edits(edits: pd.DataFrame, links: Collection[Link]) -> EditIndex:
    """Prepare the edits of the accounts of some links."""
    users = {user for link in links for user in link.pair}
    keyed = edits[QUOTED].assign(page=page_titles(edits))
    editors = keyed.groupby("page", observed=True)["user"].nunique()
    named = keyed[keyed["user"].isin(users)].sort_values(["timestamp", "rev_id"], kind="stable")
    named = named.reset_index(drop=True)
    by_user: dict[str, dict[str, NDArray[np.intp]]] = {user: {} for user in users}
    places: dict[Any, Any] = named.groupby(["user", "page"], observed=True).indices
    for (user, page), rows in places.items():
        by_user[user][str(page)] = rows
    moved = {rev for link in links for signal in link.signals for rev in signal.rev_ids}
    numbers = {int(rev.rpartition(":")[2]) for rev in moved}
    quoted = named[named["rev_id"].isin(numbers)]
    revisions = {(e := _edit(row)).rev: (str(row.page), e) for row in quoted.itertuples()}
    return EditIndex(named, by_user, {str(page): int(n) for page, n in editors.items()}, revisions)


def shared_pages(link: Link, editing: EditIndex) -> tuple[list[SharedPage], int]:
    """Return the shared pages that moved the number most, in time order, and how many there are.

    Pages named by the evidence's `rev_ids` come first, then those that fewest accounts edited.
    """
    of_a, of_b = editing.by_user[link.a], editing.by_user[link.b]
    both = of_a.keys() & of_b.keys()
    named = _named(link, editing)
    ranked = sorted(both, key=lambda p: (named.get(p, len(named)), editing.editors[p], p))
    shown = [
        SharedPage(clean(page), editing.editors[page], *_nearest(editing, of_a[page], of_b[page]))
        for page in ranked[:MOST]
    ]
    return sorted(shown, key=lambda page: (page.first.at, page.title)), len(both)


def _edit(row: Any) -> QuotedEdit:
    comment = None if pd.isna(row.comment) else str(row.comment)
    hidden = "comment" in row.hidden
    return QuotedEdit(str(row.user), row.timestamp, int(row.rev_id), comment, hidden, str(row.wiki))


def _named(link: Link, editing: EditIndex) -> dict[str, int]:
    """Return the pages that the evidence points to, in its order, pages' own signals first."""
    signals = sorted(link.signals, key=lambda s: (s.family != "pages", -abs(s.contribution or 0)))
    found: dict[str, int] = {}
    for text in (rev for signal in signals for rev in signal.rev_ids):
        known = editing.revisions.get(text)
        if known is not None:
            found.setdefault(known[0], len(found))
    return found


def _nearest(
    editing: EditIndex, of_a: NDArray[np.intp], of_b: NDArray[np.intp]
) -> tuple[QuotedEdit, QuotedEdit]:
    """Return the two edits, one of each account, with the least time between them."""
    rows = np.concatenate([of_a, of_b])
    order = np.argsort(rows, kind="stable")
    second = np.repeat([False, True], [len(of_a), len(of_b)])[order]
    rows = rows[order]
    turns = np.flatnonzero(second[1:] != second[:-1])
    times = editing.edits["timestamp"].to_numpy("datetime64[us]")
    nearest = turns[np.argmin(times[rows[turns + 1]] - times[rows[turns]])]
    return editing.at(rows[nearest]), editing.at(rows[nearest + 1])


@dataclass(frozen=True)
class Account:
    """What is known of an account before any comparison.

    Attributes
    ----------
    times
        Its edit times in UTC, sorted, as `datetime64[us]`.
    n_times
        How many of them are distinct: a batch saved at once counts once.
    before, after
        Edits before and after the first block or lock; None where there was neither.
    days_since
        From the last edit to the day the case was read.
    """

    user: str
    registered: pd.Timestamp | None
    times: np.ndarray
    events: tuple[Event, ...]
    renamed_from: tuple[str, ...]
    bot: bool
    everywhere: tuple[str, ...]
    blocked_at: pd.Timestamp | None
    declared: tuple[tuple[str, str | None], ...]
    read_on: dt.date
    number: int = 0

    @property
    def label(self) -> str:
        """The name as figures write it: a number stands in for one too long for a figure."""
        return figure_name(self.user, self.number)

    @property
    def n_edits(self) -> int:
        """Edits read."""
        return len(self.times)

    @property
    def n_times(self) -> int:
        """Distinct edit times."""
        return len(np.unique(self.times))

    @property
    def first(self) -> pd.Timestamp | None:
        """The first edit read."""
        return pd.Timestamp(self.times[0], tz="UTC") if len(self.times) else None

    @property
    def last(self) -> pd.Timestamp | None:
        """The last edit read."""
        return pd.Timestamp(self.times[-1], tz="UTC") if len(self.times) else None

    @property
    def days_since(self) -> int | None:
        """Days from the last edit to the day the case was read."""
        return None if self.last is None else max((self.read_on - self.last.date()).days, 0)

    @property
    def stale(self) -> bool:
        """Whether the last edit is so old that the wiki's own technical logs are gone."""
        return self.days_since is not None and self.days_since > STALE_DAYS

    @property
    def restraint(self) -> Event | None:
        """The first block or lock."""
        logged = next((event for event in self.events if event.restrains), None)
        if logged is None and self.blocked_at is not None:
            return Event("block", self.blocked_at, say("blocked {day}", day=day(self.blocked_at)))
        return logged

    @property
    def restraints(self) -> tuple[tuple[str, str], ...]:
        """Every block and lock, and its end, in words, each with the reason that its log gives."""
        logged = tuple((e.words, e.reason) for e in self.events if e.kind != "rename")
        here = logged or (((self.restraint.words, ""),) if self.restraint else ())
        return (*here, *((words, "") for words in self.everywhere))

    @property
    def before_after(self) -> tuple[int, int] | None:
        """Edits before and after the first block or lock."""
        if self.restraint is None:
            return None
        before = int(np.searchsorted(self.times, _naive(self.restraint.at), side="right"))
        return before, self.n_edits - before

    @property
    def renames(self) -> tuple[tuple[str, str], ...]:
        """Earlier names, each with the day it was given up where the log says so."""
        dated = {e.old_name: e.words for e in self.events if e.kind == "rename" and e.old_name}
        names = dict.fromkeys([*self.renamed_from, *dated])
        return tuple((old, dated.get(old, "")) for old in names)

    @property
    def life(self) -> AccountActivity:
        """The account as figures over time draw it."""
        moments = [(event.at, _words(event.kind, event.words)) for event in self.events]
        if self.registered is not None:
            moments.append((self.registered, say("registered {day}", day=day(self.registered))))
        if not self.events and self.restraint is not None:
            moments.append((self.restraint.at, self.restraint.words))
        return AccountActivity(self.label, np.unique(self.times), tuple(moments))

    @property
    def begun(self) -> pd.Timestamp | None:
        """When it was created, or the first edit where the source does not tell."""
        return self.registered if self.registered is not None else self.first


def _words(kind: str, words: str) -> str:
    if kind == "rename":
        return say("renamed {day}", day=words)
    return say("blocked {how}", how=words) if kind == "block" else words


def case_offset(case: Case) -> int:
    """Return by how many hours a case's page turns the week: a courtesy, not secrecy.

    Any day, and an hour of the day that is at least three off either way.
    """
    digest = hashlib.sha256(f"{case.slug}\n{case.id or ''}".encode()).digest()
    day, hour = divmod(int.from_bytes(digest[:4], "big") % (7 * TURNS), TURNS)
    return 24 * day + LEAST_TURN + hour


def figure_name(user: str, number: int) -> str:
    """Return a name as figures write it; one too long for them is never cut, but numbered.

    >>> figure_name("Fen Orchid", 5), figure_name("N" * 255, 7)
    ('Fen Orchid', 'account 7')
    """
    return user if text_width(user, bold=True) <= FIGURE_WIDTH else say("account {n}", n=number)


def read_accounts(data: ReportData) -> dict[str, Account]:
    """Return the accounts that are compared, by name, in the case file's order."""
    rows = data.accounts.drop_duplicates("user").set_index("user")
    named = data.edits[data.edits["user"].isin(data.nominated)]
    stamps = named["timestamp"].dt.tz_localize(None).to_numpy(dtype="datetime64[us]")
    times = {user: np.sort(stamps[at]) for user, at in named.groupby("user").indices.items()}
    moments = {name: rows[name].to_dict() for name in ("registered", "blocked_at")}
    events = events_of(data.nominated, data.log_events)
    renamed = {c["user"]: tuple(c.get("renamed_from", ())) for c in data.coverage}
    force = restraints(
        data.log_events,
        data.accounts,
        data.nominated,
        read_on=str(data.read_on),
        coverage=data.coverage,
    )
    declared = _declared(data)
    bots = set(data.accounts.loc[["bot" in g for g in data.accounts["groups"]], "user"])
    return {
        user: Account(
            user=user,
            registered=_moment(moments["registered"][user]),
            times=times.get(user, np.array([], dtype="datetime64[us]")),
            events=events[user],
            renamed_from=renamed.get(user, ()),
            everywhere=tuple(
                _everywhere(one)
                for one in force
                if one.user == user and not (one.wiki or one.logged)
            ),
            bot=user in bots,
            blocked_at=_moment(moments["blocked_at"][user]),
            declared=tuple(declared.get(user, ())),
            read_on=data.read_on,
            number=number,
        )
        for number, user in enumerate(data.nominated, 1)
    }


def _everywhere(one: Restraint) -> str:
    """Say what is in force on all wikis, where no log tells of it."""
    return (
        say("locked on all wikis") if one.lock else say("blocked on all wikis {day}", day=one.day)
    )


def overlap_days(a: Account, b: Account) -> int | None:
    """Return for how long both were active; None where either has no edit."""
    if a.first is None or b.first is None or a.last is None or b.last is None:
        return None
    days = (min(a.last, b.last) - max(a.first, b.first)).days
    return max(days, 0)


def created_after(a: Account, b: Account) -> str:
    """Say whether either account began after the other was first blocked or locked."""
    said = []
    for one, other in ((a, b), (b, a)):
        event, begun = other.restraint, one.begun
        if event is None or begun is None:
            continue
        if begun > event.at:
            return say("yes: {day}, {words}", day=day(begun), words=_dated(event))
        said.append(say("no: {day}, {words}", day=day(begun), words=_dated(event)))
    return said[0] if said else say("neither was blocked")


def _dated(event: Event) -> str:
    return say("{what} {day}", what=say(event.kind), day=day(event.at))


def _declared(data: ReportData) -> dict[str, list[tuple[str, str | None]]]:
    found: dict[str, list[tuple[str, str | None]]] = defaultdict(list)
    for entry in data.case.declared:
        for user in entry.accounts:
            found[user] += [(other, entry.url) for other in entry.accounts if other != user]
    return found


def _moment(value: object) -> pd.Timestamp | None:
    return value if isinstance(value, pd.Timestamp) else None


def _naive(moment: pd.Timestamp) -> np.datetime64:
    return moment.tz_convert(None).to_datetime64()


@dataclass(frozen=True)
class Event:
    """A block, lock or rename.

    Attributes
    ----------
    kind
        `block`, `lock`, `end` (an unblock or unlock) or `rename`.
    words
        What happened, with its date, as the table shows it.
    reason
        What whoever did it wrote; empty where nothing was, or where it is hidden.
    """

    kind: str
    at: pd.Timestamp
    words: str
    old_name: str | None = None
    reason: str = ""

    @property
    def restrains(self) -> bool:
        """Whether the account could not edit from then on, for a while at least."""
        return self.kind in {"block", "lock"}


def events_of(users: Sequence[str], log_events: pd.DataFrame) -> dict[str, tuple[Event, ...]]:
    """Return each account's events, oldest first."""
    found: dict[str, list[Event]] = {user: [] for user in users}
    for row in log_events.sort_values("timestamp", kind="stable").itertuples():
        event = _event(row)
        if event is None:
            continue
        said = getattr(row, "comment", None)  # some logs have none
        if isinstance(said, str):
            event = replace(event, reason=said.strip())
        renamed = params_of(row.params).get("newuser") if event.kind == "rename" else None
        target = account_of(renamed, found) or account_of(row.target, found)
        if target is not None:
            found[target].append(event)
    return {user: tuple(events) for user, events in found.items()}


def _event(row: Any) -> Event | None:
    params = params_of(row.params)
    if row.type == "renameuser":
        old = params.get("olduser")
        shown = str(old) if old else str(row.target).split(":", 1)[-1]
        return Event("rename", row.timestamp, day(row.timestamp), old_name=shown)
    restrained = effect(row) if row.type in RESTRAINING else None
    if restrained is None:
        return None
    if not restrained:
        return Event("end", row.timestamp, say(_ENDS[row.type], day=day(row.timestamp)))
    if row.type == "globalauth":
        return Event("lock", row.timestamp, say("locked {day}", day=day(row.timestamp)))
    return _block(row, params)


_ENDS = {
    "block": "unblocked {day}",
    "gblblock": "unblocked on all wikis {day}",
    "globalauth": "unlocked {day}",
}


def _block(row: Any, params: dict[str, Any]) -> Event:
    expiry = str(params.get("expiry") or "")
    until = say("until {day}", day=expiry[:10]) if expiry[:1].isdigit() else expiry
    length = params.get("duration") or until or say("length not stated")
    if str(length) in {"infinite", "infinity", "indefinite", "never"}:
        length = say("indefinitely")
    if not is_sitewide(params):
        length = say("parts of the wiki, {length}", length=length)
    if row.type == "gblblock":
        length = say("on all wikis, {length}", length=length)
    changed = row.action in {"reblock", "modify"}
    text = "changed to {length}, {day}" if changed else "{length}, {day}"
    return Event("block", row.timestamp, say(text, length=length, day=day(row.timestamp)))
