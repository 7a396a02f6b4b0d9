"""From the revisions of discussion pages to the table `votes`; and voters without their names."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from sockgraph.concert.discussion_page import Statement, profile_of, read_page
from sockgraph.names import is_ip
from sockgraph.schema import empty, validate

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from sockgraph.concert.discussion_page import Paragraph, WikiProfile

COPIED = pd.Timedelta(minutes=10)  # a signature that is further from its save was not made by it
UNREGISTERED = "statements of unregistered or hidden authors, left out"


@dataclass(frozen=True)
class Votes:
    """What people said on discussion pages.

    Attributes
    ----------
    table
        The table `votes`: a row for each revision in which somebody voted, changed or withdrew a
        vote, or commented. `page` is the title, with #heading where a page holds several
        discussions. `side` is null for comments, for withdrawn votes, and where it cannot be read.
        `timestamp` is the revision's. Of `parse` "ok", the revision is by the account that signed,
        at the time it signed; all else is "malformed": it is kept, and nothing should rest on it.
    told
        What was read, and what was left out, in numbers.
    """

    table: pd.DataFrame
    told: dict[str, int]


def read_votes(
    edits: pd.DataFrame,
    texts: pd.DataFrame,
    *,
    profile: str,
    former: Mapping[str, str] | None = None,
) -> Votes:
    """Return who said what, in which revision.

    Every text of a page is read. A statement belongs to the first revision that has it; that its
    author changes its side or strikes it out later is a row of its own. What others change of it is
    theirs, and no row.

    Parameters
    ----------
    edits
        `discussion_edits`: every revision of the pages.
    texts
        `texts` of those revisions; null where hidden.
    profile
        Whose markup votes are written in.
    former
        From accounts' former names, as old signatures have them, to their names now.

    Raises
    ------
    SockgraphError
        If there is no such profile.
    """
    told: Counter[str] = Counter()
    revisions = edits.merge(texts, how="left", on=["wiki", "rev_id"])
    rows: list[dict[str, Any]] = []
    for (wiki, title), page in revisions.groupby(["wiki", "title"], sort=True):
        ordered = page.sort_values(["timestamp", "rev_id"])
        names = {**(former or {}), **_local(ordered["user"], f"@{wiki}")}
        reader = _Reader(profile_of(profile), names, told)
        found = [row for revision in ordered.itertuples() for row in reader.read(revision)]
        rows += [{"wiki": wiki, **row} for row in _with_pages(str(title), found)]
    table = _table(rows)
    told["votes"] = int(table["side"].notna().sum())
    told["malformed"] = int((table["parse"] == "malformed").sum())
    return Votes(table, dict(told))


def _local(authors: pd.Series, ending: str) -> dict[str, str]:
    """Return, by their names on this wiki, the accounts that a case of several calls Name@wiki."""
    return {name.removesuffix(ending): name for name in authors.dropna() if name.endswith(ending)}


@dataclass
class _Cast:
    """A statement as its page shows it now.

    Attributes
    ----------
    user, rev_id
        Whose it is, and the revision that brought it.
    vote, side
        What it says now, whoever wrote that.
    """

    user: str
    rev_id: int
    vote: bool
    side: str | None


@dataclass
class _Reader:
    """Reads the revisions of one page, oldest first.

    Attributes
    ----------
    known
        Every statement seen so far, by who signed it when; the unsigned by author and beginning.
    shown
        The keys of those that the last readable text had.
    hidden
        Revisions since then whose text cannot be read.
    """

    profile: WikiProfile
    former: Mapping[str, str]
    told: Counter[str]
    known: dict[tuple[str, object], _Cast] = field(default_factory=dict)
    shown: set[tuple[str, object]] = field(default_factory=set)
    hidden: list[Any] = field(default_factory=list)

    def read(self, revision: Any) -> Iterator[dict[str, Any]]:
        """Yield what this revision says anew, changes or withdraws."""
        self.told["revisions"] += 1
        if not isinstance(revision.text, str):
            self.told["revisions whose text is hidden or not held"] += 1
            self.hidden.append(revision)
            return
        author = revision.user if isinstance(revision.user, str) else None
        now: set[tuple[str, object]] = set()
        for statement in read_page(revision.text, self.profile):
            key = _next(self._key(statement, author, now), now)
            now.add(key)
            if key in self.known:
                yield from self._changed(self.known[key], statement, revision)
            else:
                yield from self._added(key, statement, revision)
        yield from self._removed(self.shown - now, revision)
        self.shown, self.hidden = now, []

    def _key(
        self, statement: Statement, author: str | None, now: set[tuple[str, object]]
    ) -> tuple[str, object]:
        """Return by what a statement is known again."""
        said = statement.said
        if said.user is None or said.time is None:
            same = sorted(str(k[0]) for k in self.shown - now if k[1] == said.head)
            return same[0] if same else author or "", said.head
        user = self._name(said.user)
        signed = (user, said.time)
        if signed not in self.known:  # signed later, by hand or by a bot?
            heads = sorted(str(k[1]) for k in self.shown - now if k[0] == user and _opens(k, said))
            self.known |= {signed: self.known[user, heads[-1]]} if heads else {}
        return signed

    def _name(self, name: str) -> str:
        return self.former.get(name, name)

    def _added(
        self,
        key: tuple[str, object],
        statement: Statement,
        revision: Any,
    ) -> Iterator[dict[str, Any]]:
        said = statement.said
        signed = said.user is not None and said.time is not None
        user = key[0] if signed else revision.user
        if not isinstance(user, str) or is_ip(user):
            self.told[UNREGISTERED] += 1
            self.known[key] = _Cast("", revision.rev_id, statement.vote, statement.side)
            return
        by = self._bringer(revision, user, said.time) if signed else revision
        fits = signed and by.user == user and abs(by.timestamp - said.time) <= COPIED
        self.known[key] = _Cast(user, by.rev_id, statement.vote, statement.side)
        yield _row(by, user, statement, ok=fits and statement.side != "")

    def _bringer(self, revision: Any, user: str, time: Any) -> Any:
        """Return the revision that brought a statement: this one, or one that cannot be read."""
        unread = (r for r in self.hidden if r.user == user and abs(r.timestamp - time) <= COPIED)
        return revision if revision.user == user else next(unread, revision)

    def _changed(
        self,
        cast: _Cast,
        statement: Statement,
        revision: Any,
    ) -> Iterator[dict[str, Any]]:
        before, cast.side = cast.side, statement.side
        ours = cast.user == revision.user and (cast.vote or statement.vote)
        cast.vote = cast.vote or statement.vote
        if ours and before != statement.side:
            self.told["votes changed or withdrawn"] += 1
            yield _row(revision, cast.user, statement, ok=statement.side != "")

    def _removed(self, gone: set[tuple[str, object]], revision: Any) -> Iterator[dict[str, Any]]:
        """Yield a vote that its own author, and nothing else, takes from the page."""
        if len(gone) != 1:
            return
        cast = self.known[next(iter(gone))]
        if cast.user == revision.user and cast.vote and cast.side:
            cast.side = None
            self.told["votes changed or withdrawn"] += 1
            yield {**_bare(revision, cast.user), "side": None, "parse": "ok", "headings": ()}


def _next(key: tuple[str, object], taken: set[tuple[str, object]]) -> tuple[str, object]:
    """Return the key, or the next one: several statements can be of one minute."""
    while key in taken:
        user, what = key
        key = (user, (*what, what[0]) if isinstance(what, tuple) else (what, what))
    return key


def _opens(key: tuple[str, object], said: Paragraph) -> bool:
    """Whether a statement begins as an unsigned one did."""
    return isinstance(key[1], str) and bool(key[1]) and said.head.startswith(key[1])


def _bare(revision: Any, user: str) -> dict[str, Any]:
    return {"user": user, "rev_id": revision.rev_id, "timestamp": revision.timestamp, "vote": True}


def _row(revision: Any, user: str, statement: Statement, *, ok: bool) -> dict[str, Any]:
    return {
        **_bare(revision, user),
        "side": statement.side or None,
        "vote": statement.vote,
        "parse": "ok" if ok else "malformed",
        "headings": statement.headings,
    }


def _with_pages(title: str, rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Name the discussion of each row: the page, or its part where several were voted on.

    A vote belongs to the nearest heading that names a discussion; a comment to the nearest of its
    headings under which somebody voted.
    """
    voted = {row["headings"][-1] for row in rows if row["vote"] and row["headings"]}
    for row in rows:
        under = [heading for heading in row["headings"] if heading in voted]
        several = len(voted) > 1 and under
        kept = {name: row[name] for name in ("user", "rev_id", "timestamp", "side", "parse")}
        yield {**kept, "page": f"{title}#{under[-1]}" if several else title}


def _table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return one row for what an account did to a discussion in one revision.

    What it voted goes before what it commented. Two sides at once are none that can be read.
    """
    if not rows:
        return empty("votes")
    key = ["wiki", "page", "user", "rev_id"]
    table = pd.DataFrame(rows)
    table["timestamp"] = pd.to_datetime(table["timestamp"], utc=True)
    sides = table.groupby(key)["side"].transform("nunique")
    table.loc[sides > 1, "parse"] = "malformed"
    table.loc[sides > 1, "side"] = None
    table = table.assign(voted=table["side"].notna(), well=table["parse"] == "ok")
    table = table.sort_values([*key, "voted", "well"], ascending=[True] * 4 + [False] * 2)
    kept = table.drop_duplicates(key).drop(columns=["voted", "well"])
    return validate("votes", kept)


def pseudonymize_voters(votes: pd.DataFrame, named: Collection[str], salt: str) -> pd.DataFrame:
    """Return votes with everybody else under a number: `voter-0001`, `voter-0002`.

    They are the crowd that chance is drawn from; who they are is nobody's business.

    Parameters
    ----------
    votes
        The table `votes`.
    named
        Accounts that keep their names.
    salt
        The case's id: it decides the order of the numbers.
    """
    others = sorted(
        set(votes["user"]) - set(named),
        key=lambda name: hmac.new(salt.encode(), name.encode(), hashlib.sha256).digest(),
    )
    covers = {name: f"voter-{number:04}" for number, name in enumerate(others, 1)}
    users = votes["user"].map(lambda name: covers.get(name, name))
    return votes.assign(user=users).sort_values(
        ["wiki", "page", "user", "rev_id"], ignore_index=True
    )
