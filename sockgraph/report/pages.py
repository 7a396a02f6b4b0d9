"""Shared pages in time order: who came first, what the gap was, and the very edits."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pandas as pd

from sockgraph.report.markup import clean

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sockgraph.report.data import Link

MOST = 8
SEVERAL = 2


@dataclass(frozen=True)
class Edit:
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
    first: Edit
    then: Edit

    @property
    def seconds(self) -> float:
        """The gap."""
        return (self.then.at - self.first.at).total_seconds()


@dataclass(frozen=True)
class Editing:
    """Who edited which page, prepared once for all pairs.

    Attributes
    ----------
    by_user
        Edits of each compared account, by page.
    editors
        How many of the accounts that were read edited a page.
    revisions
        Each revision of a compared account: its page and the edit.
    """

    by_user: dict[str, dict[str, list[Edit]]]
    editors: dict[str, int]
    revisions: dict[str, tuple[str, Edit]]


def read_editing(edits: pd.DataFrame, users: Collection[str]) -> Editing:
    """Prepare the edits of some accounts."""
    keyed = edits.assign(page=_page_keys(edits))
    editors = keyed.groupby("page", observed=True)["user"].nunique()
    named = keyed[keyed["user"].isin(set(users))].sort_values(
        ["timestamp", "rev_id"], kind="stable"
    )
    by_user: dict[str, dict[str, list[Edit]]] = {user: {} for user in users}
    revisions: dict[str, tuple[str, Edit]] = {}
    for row in named.itertuples():
        edit, page = _edit(row), str(row.page)
        by_user[edit.user].setdefault(page, []).append(edit)
        revisions[edit.rev] = (page, edit)
    return Editing(by_user, {str(page): int(n) for page, n in editors.items()}, revisions)


def shared_pages(link: Link, editing: Editing) -> tuple[list[SharedPage], int]:
    """Return the shared pages that moved the number most, in time order, and how many there are.

    Pages named by the evidence's `rev_ids` come first, then those that fewest accounts edited.
    """
    of_a, of_b = editing.by_user[link.a], editing.by_user[link.b]
    both = of_a.keys() & of_b.keys()
    named = _named(link, editing)
    ranked = sorted(both, key=lambda p: (named.get(p, len(named)), editing.editors[p], p))
    shown = [
        _nearest(page, of_a[page], of_b[page], editing.editors[page]) for page in ranked[:MOST]
    ]
    return sorted(shown, key=lambda page: (page.first.at, page.title)), len(both)


def _page_keys(edits: pd.DataFrame) -> pd.Series[str]:
    """Return each edit's page: its title, and of several wikis which."""
    numbered = "page " + edits["page_id"].astype("string")
    titles = edits["title"].astype("string").fillna(numbered).fillna("page without a title")
    one = edits["wiki"].nunique() < SEVERAL
    return titles if one else titles + " (" + edits["wiki"].astype("string") + ")"


def _edit(row: Any) -> Edit:  # noqa: ANN401 - a row of a table
    comment = None if pd.isna(row.comment) else str(row.comment)
    hidden = "comment" in row.hidden
    return Edit(str(row.user), row.timestamp, int(row.rev_id), comment, hidden, str(row.wiki))


def _named(link: Link, editing: Editing) -> dict[str, int]:
    """Return the pages that the evidence points to, in its order, pages' own signals first."""
    signals = sorted(link.signals, key=lambda s: (s.family != "pages", -abs(s.contribution or 0)))
    found: dict[str, int] = {}
    for text in (rev for signal in signals for rev in signal.rev_ids):
        known = editing.revisions.get(text)
        if known is not None:
            found.setdefault(known[0], len(found))
    return found


def _nearest(page: str, of_a: Sequence[Edit], of_b: Sequence[Edit], editors: int) -> SharedPage:
    """Return the two edits, one of each account, with the least time between them."""
    merged = sorted([*of_a, *of_b], key=lambda edit: (edit.at, edit.rev_id))
    steps = [(x, y) for x, y in pairwise(merged) if x.user != y.user]
    first, then = min(steps, key=lambda step: (step[1].at - step[0].at, step[0].at))
    return SharedPage(clean(page), editors, first, then)
