"""Shared pages in time order: who came first, what the gap was, and the very edits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sockgraph.names import clean
from sockgraph.signals.pages import page_titles

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from sockgraph.report.data import Link

MOST = 8
QUOTED = ["wiki", "rev_id", "user", "timestamp", "comment", "hidden"]


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
        return _edit(next(self.edits.iloc[[row]].itertuples()))


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
