"""Edits from a live MediaWiki, answer by answer through the raw store."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from sockgraph.errors import SourceError
from sockgraph.names import ACCOUNT, hidden_pseudonym, is_ip, kind_of, normal_name
from sockgraph.runtime import Progress, silent
from sockgraph.schema import empty
from sockgraph.sources.added_text import own_texts
from sockgraph.sources.base import ReadResult, Source, newest_of_each, unknown_activity
from sockgraph.sources.mediawiki import accounts as renames
from sockgraph.sources.mediawiki import tables
from sockgraph.sources.mediawiki.accounts import (
    PART_OF_RENAMES,
    covered,
    has_more,
    joined_notes,
    owned,
)
from sockgraph.sources.mediawiki.cache import CachedClient
from sockgraph.sources.mediawiki.client import PER_MINUTE, Connection
from sockgraph.sources.mediawiki.connection import credentials_for, is_loopback
from sockgraph.sources.mediawiki.pages import (
    find_neighbours,
    histories,
    read_discussions,
    shared_pages,
    with_sha1,
    with_texts,
)
from sockgraph.sources.mediawiki.queries import (
    ALL_USERS,
    BUT_TEMPORARY,
    SITE,
    SPELLING,
    TEMPORARY_USERS,
    USERS,
    Query,
    contributions,
    starts_of,
)
from sockgraph.sources.mediawiki.revisions import HiddenReport, forget, read_diffs, remove_hidden
from sockgraph.sources.mediawiki.tables import read_logs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sockgraph.case import Case
    from sockgraph.sources.base import Discussion
    from sockgraph.store.raw_answers import AnswerChain, RawAnswers

_TAKEN_OVER = (
    "Until {day} this name was another account's, whose edits are not counted as this one's;"
    " what was said of the name before that day is of the other."
)
_VANISHED = (
    "{n} of the accounts that the case names is hidden on the wiki by now: it is left out, and its"
    " name is removed from what is kept here. Remove it from the case file, too."
)
OLDEST = (1, 26)  # MediaWiki's version since which answers have today's form
ACCOUNTS_LISTED = 20  # answers of 500 accounts: a larger wiki is read from a dump


class MediaWikiSource(Source):
    """A case's wiki.

    Every answer is stored before anything is derived from it, and what is stored is not asked for
    again: an interrupted run goes on where it was, a second run asks only for what is missing.

    Parameters
    ----------
    case
        Names the wiki, the accounts, the window and the cap.
    raw
        The case's stored answers.
    offline
        Ask the wiki nothing.
    refresh
        Ask again for what may have changed, and for edits since the last reading.
    page_size
        Rows an answer; null for as many as the wiki gives.
    per_minute
        Requests a minute at most; null: 200, and no limit on loopback.
    progress
        Told of every batch.
    """

    def __init__(
        self,
        case: Case,
        raw: RawAnswers,
        *,
        offline: bool = False,
        refresh: bool = False,
        page_size: int | None = None,
        per_minute: float | None = None,
        progress: Progress = silent,
    ) -> None:
        self._case = case
        self._asker = CachedClient(
            connection=_connect(case, per_minute),
            raw=raw,
            offline=offline,
            page_size=page_size or case.source.page_size,
            round=raw.round + (1 if refresh and raw.entries() else 0),
            progress=progress,
        )
        self._counts: dict[str, int] = {}
        self._taken_over: dict[str, str] = {}
        self._hidden: list[str] = []  # what stands for accounts of the case
        self._named = {normal_name(name) for name in case.named}

    def everyone(self) -> list[str]:
        """Return every account with at least `min_edits` edits by the wiki's count; no bots.

        Raises
        ------
        SourceError
            If the wiki has more than 10,000 accounts that ever edited.
        """
        with self._asker.session():
            self._greet()
            told = self._asker.temporary_names
            question = BUT_TEMPORARY if told else ALL_USERS
            self._asker.ensure(question, enough=_listed_enough)
            if told:
                starts = starts_of(told)
                self._asker.ensure(TEMPORARY_USERS, starts, enough=_listed_enough)
                counted = self._asker.rows(TEMPORARY_USERS, starts, enough=_listed_enough)
                self._counts["temporary accounts, left out"] = sum(1 for _ in counted)
        if not all(chain.complete for chain in self._asker.raw.chains(question.identity)):
            raise SourceError(
                f'nominated = ["*"] on {self._case.wiki}',
                "the wiki has too many accounts to read them all.",
                "Nominate accounts by name, or read a dump or a table of edits.",
            )
        listed = {
            r["name"]: r.get("editcount", 0)
            for r in self._asker.rows(question)
            if kind_of(r["name"], told) == ACCOUNT
        }
        kept = [name for name, edits in listed.items() if edits >= self._case.accounts.min_edits]
        self._counts["accounts with fewer edits than min_edits"] = len(listed) - len(kept)
        return sorted(kept)

    def resolve(self, names: Sequence[str]) -> dict[str, str]:
        """Return how the wiki writes each name; a name that was given up leads to today's.

        Raises
        ------
        SourceError
            If names are of no account; all of them are named.
        """
        found = self.find(names)
        known = {name: today for name, today in found.items() if today is not None}
        unknown = [name for name in names if name not in known]
        if unknown:
            raise SourceError(
                ", ".join(map(repr, unknown)),
                f"{self._case.wiki} has no such account, under this name or a later one.",
                "Check the spelling; unregistered editors and hidden accounts cannot be read.",
            )
        return known

    def vanished(self, names: Sequence[str]) -> set[str]:
        """Return who of these the wiki showed once and shows no more; they are forgotten here."""
        stored = {subject for entry in self._asker.raw.entries() for subject in entry.subjects}
        before = {name for name in names if self._cover(name) in stored}
        found = self.find([name for name in names if name not in before])
        lost = {
            name
            for name, today in found.items()
            if today is None
            and any(
                "userid" in row and normal_name(row["name"]) == normal_name(name)
                for row in self._asker.rows(USERS, [normal_name(name)])  # others of the batch too
            )
        }
        self.forget(sorted(lost))
        self._hidden = sorted(self._cover(name) for name in before | lost)
        return before | lost

    def forget(self, names: Sequence[str]) -> None:
        """Remove accounts from every stored answer: their names, and what they did."""
        for name in names:
            with self._asker.session():
                forget(self._asker.raw, normal_name(name), self._cover(name))

    def _cover(self, name: str) -> str:
        return hidden_pseudonym(self._case.id or self._case.slug, name)

    def find(self, names: Sequence[str]) -> dict[str, str | None]:
        """Return how the wiki writes each name today; null for those of no account."""
        written = {name: normal_name(name) for name in names}
        with self._asker.session():
            known = self._existing(list(written.values()))
            followed = {
                n: self._today(n) for n in dict.fromkeys(written.values()) if n not in known
            }
        found = {name: followed.get(w, w) for name, w in written.items()}
        self._named |= {today for today in found.values() if today is not None}
        return found

    def global_names(self, names: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Return what CentralAuth says of each name; nothing where there is none."""
        with self._asker.session():
            return renames.global_accounts(self._asker, names)

    @property
    def identity(self) -> tuple[str, str]:
        """The wiki's id in its database, as CentralAuth calls it, and its host."""
        return str(self._asker.whole(SITE)["general"].get("wikiid", "")), self._case.wiki

    def account_facts(self, users: Sequence[str]) -> pd.DataFrame:
        """Return `accounts` without `role`, a row for every user."""
        rows = self._facts(users)
        return tables.accounts_table(self._case.wiki, [rows[user] for user in users])

    def read(self, users: Sequence[str]) -> ReadResult:
        """Return the edits of these accounts, newest `max_edits` of each, within the window."""
        facts = self._facts(users)
        with self._asker.session():
            for some, alone in self._by_length(facts):
                question = replace(self._edits, batch=1) if alone else self._edits
                expected = sum(facts[user].get("editcount", 0) for user in some)
                self._asker.ensure(question, some, enough=self._read_enough, expected=expected)
            named = self._of_case(users)
            renames.ask_renames(self._asker, named)
            renames.ask_global(self._asker, named)
            held = renames.everywhere(self._asker, named)
            before = renames.former_holders(self._asker, named)
            elsewhere = joined_notes(
                {user: tables.block_notes(facts[user]) for user in named},
                renames.global_notes(self._asker, named),
                renames.block_notes(self._asker, named),
                {user: _TAKEN_OVER.format(day=day) for user, day in before.items()},
            )
        self._taken_over |= before
        answered = list(self._asker.rows(self._edits, users, enough=self._read_enough))
        rows = owned(answered, facts)
        whole = tables.edits_table(self._case.wiki, rows)
        kept = newest_of_each(whole, self._case.accounts.max_edits)
        capped = self._capped(users) | has_more(whole, kept)
        known = renames.renamings(self._asker, named)
        windowed = bool(self._case.window.start or self._case.window.end)
        part = () if renames.log_is_whole(self._asker) else (PART_OF_RENAMES,)
        told = (
            covered(facts[u], whole, kept, capped=u in capped, windowed=windowed) for u in users
        )
        coverage = tuple(
            replace(
                c,
                renamed_from=tables.earlier_names(c.user, known) if c.user in self._named else (),
                everywhere=held.get(c.user, ()),
                note=" ".join(filter(None, (c.note, *part, elsewhere.get(c.user)))),
            )
            for c in told
        )
        dropped = {"rows that the wiki gave twice": len(rows) - len(whole)}
        if len(answered) > len(rows):
            dropped["rows of another account that had the name"] = len(answered) - len(rows)
        return ReadResult(
            kept.sort_values(["wiki", "rev_id"], ignore_index=True), coverage, dropped
        )

    def log_events(self, users: Sequence[str]) -> pd.DataFrame:
        """Return blocks, rights, renames, creation, moves and thanks, about and by them."""
        with self._asker.session():
            rows = read_logs(self._asker, users, self._of_case(users))
        return tables.log_table(self._case.wiki, rows)

    def blocked_as_sock(self, users: Sequence[str]) -> set[str]:
        """Return who is or was blocked as a sock, or is locked or blocked on all wikis."""
        now = {user for user, row in self._facts(users).items() if tables.blocked_for_good(row)}
        others = [user for user in users if user not in now]
        with self._asker.session():
            found = tables.blocked_before(self._asker, others)
            return now | found | renames.locked_or_blocked(self._asker, others)

    def neighbours(self, edits: pd.DataFrame) -> pd.DataFrame:
        """Return who else edited the pages of `edits`, most shared pages first."""
        with self._asker.session():
            found = find_neighbours(
                self._asker,
                edits,
                wanted=self._case.places,
                min_edits=self._case.accounts.min_edits,
            )
        self._counts |= found.counts
        return found.table

    def activity(self, users: Sequence[str]) -> pd.DataFrame:
        """Return edit counts and registration; when they edit is not known before it is read."""
        facts = self._facts(users)
        known = unknown_activity(users)
        count = [facts[user].get("editcount") for user in users]
        since = pd.to_datetime(pd.Series([facts[u].get("registration") for u in users]), utc=True)
        capped = pd.Series(count, dtype="float64").clip(upper=self._case.accounts.max_edits)
        return known.assign(edits=capped.to_numpy(), first=since.array)

    def with_sha1(self, edits: pd.DataFrame) -> pd.DataFrame:
        """Return `edits` with the texts' hashes, where several of its accounts edited the page.

        With `source.sha1 = false` nothing is asked, and they stay null.
        """
        if not self._case.source.sha1:
            return edits
        with self._asker.session():
            hashed, counts = with_sha1(self._asker, edits)
        self._counts |= counts
        return hashed

    def with_texts(self, edits: pd.DataFrame) -> pd.DataFrame:
        """Return `edits` with what they added, as far as `source.texts` asks for it."""
        if self._case.source.reads == "none":
            return edits
        return self.texts_among(edits)

    def texts_among(self, edits: pd.DataFrame, *, wikis: int = 1) -> pd.DataFrame:
        """Return `edits` with what they added; so many wikis share the requests."""
        chains = self._asker.raw.chains(self._edits.identity)
        users = sorted({name for chain in chains for name in chain.subjects})
        listed = self._asker.rows(self._edits, users, enough=self._read_enough)
        sizes = {row["revid"]: row["size"] for row in listed if "size" in row}
        with self._asker.session():
            told, counts = with_texts(
                self._asker, edits, sizes, self._case.source.reads, wikis=wikis
            )
        own, more = own_texts(told, self._case.source.reads)
        self._counts |= counts | more
        return own

    def shared_histories(self, edits: pd.DataFrame) -> pd.DataFrame:
        """Return the histories of as many shared pages as the case asks for, a request each."""
        pages = shared_pages(edits)[: self._case.source.histories]
        return self.histories(pages) if pages else empty("histories")

    def histories(self, pages: Sequence[int]) -> pd.DataFrame:
        """Return every edit of these pages by anybody; the provenance says what is missing."""
        with self._asker.session():
            table, counts = histories(self._asker, self._case.wiki, pages)
        self._counts |= counts
        return table

    def discussions(self, pages: Sequence[str]) -> Discussion:
        """Return every revision of these pages with its text."""
        with self._asker.session():
            return read_discussions(self._asker, self._case.wiki, pages)

    def diffs(self, rev_ids: Sequence[int], *, wiki: str | None = None) -> dict[int, str]:  # noqa: ARG002 - there is one
        """Return what these edits changed, as `revisions.read_diffs` says it."""
        return read_diffs(self._asker, rev_ids)

    def remove_hidden(self) -> HiddenReport:
        """Remove from the stored answers what the wiki has hidden or deleted since."""
        return remove_hidden(self._asker.connection, self._asker.raw, progress=self._asker.progress)

    def provenance(self) -> dict[str, Any]:
        """Return the wiki, its software, when it was read, requests per kind, what was left out.

        The same stored answers give the same provenance, whoever fetched them and when.
        """
        entries = self._asker.raw.entries()
        warnings = {warning for entry in entries for warning in entry.warnings}
        return {
            "kind": "mediawiki",
            "wiki": self._case.wiki,
            "api": self._asker.connection.api,
            "generator": self._asker.whole(SITE)["general"].get("generator"),
            "read_on": self._asker.raw.read_on(),
            "temporary_names": list(self._asker.temporary_names),
            "answers_sha256": self._asker.raw.sha256(),
            "requests": dict(sorted(Counter(entry.kind for entry in entries).items())),
            "warnings": sorted(warnings),
            "counts": dict(sorted(self._counts.items())),
            "hidden": self._hidden,
            "notices": [
                *([_VANISHED.format(n=len(self._hidden))] if self._hidden else []),
                *(
                    f"{user}: {_TAKEN_OVER.format(day=day)}"
                    for user, day in sorted(self._taken_over.items())
                ),
            ],
        }

    def traffic(self) -> dict[str, dict[str, int]]:
        """Return what this object asked, per kind.

        Answers had, attempts repeated, and answers taken over from the data folder's other cases.
        """
        asked = self._asker.connection
        counts = {"requests": asked.requests, "retries": asked.retries, "shared": asked.shared}
        return {name: dict(count) for name, count in counts.items()}

    @cached_property
    def _edits(self) -> Query:
        return contributions(self._case.window)

    def _greet(self) -> None:
        """Ask what wiki it is, first of all; one that is too old answers in another form."""
        version = tables.version(self._asker)
        if version and version < OLDEST:
            told = self._asker.whole(SITE)["general"]["generator"]
            raise SourceError(
                self._case.wiki,
                f"{told} is older than {OLDEST[0]}.{OLDEST[1]}, which this needs.",
                "Read a dump of the wiki instead: docs/fetching.md.",
            )

    def _facts(self, users: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return the wiki's newest word on each account, by name."""
        with self._asker.session():
            self._greet()
            self._asker.ensure(USERS, users)
        rows = {row["name"]: row for row in self._asker.rows(USERS, users)}
        return {user: rows.get(user, {"name": user, "missing": True}) for user in users}

    def _existing(self, names: Sequence[str]) -> set[str]:
        return {
            name
            for name, row in self._facts(names).items()
            if not row.get("missing") and not row.get("invalid")
        }

    def _today(self, name: str) -> str | None:
        """Follow a name that no longer exists to the one that its account has now."""
        if is_ip(name):
            return None
        self._asker.ensure(SPELLING, [name])  # alone, so that the answer's name is this one's
        told = list(self._asker.rows(SPELLING, [name]))[-1]
        if "userid" in told:
            return str(told["name"])
        for _ in range(renames.RENAMES_FOLLOWED):
            later = renames.today(self._asker, name)
            if later is None or self._existing([later]):
                return later
            name = later
        return None

    def _by_length(self, facts: dict[str, dict[str, Any]]) -> list[tuple[list[str], bool]]:
        """Part the accounts that are read whole, 50 a request, from those that are read alone."""
        cap = self._case.accounts.max_edits
        long = [user for user, row in facts.items() if row.get("editcount", 0) > cap]
        return [([user for user in facts if user not in set(long)], False), (long, True)]

    def _read_enough(self, chain: AnswerChain) -> bool:
        alone = len(chain.subjects) == 1
        return chain.complete or (alone and chain.rows >= self._case.accounts.max_edits)

    def _capped(self, users: Sequence[str]) -> set[str]:
        chains = self._asker.raw.chains(self._edits.identity)
        unfinished = {c.subjects[0] for c in chains if not c.complete and self._read_enough(c)}
        whole = {s for c in chains if c.complete and c.entries[0].round == 0 for s in c.subjects}
        return (unfinished - whole) & set(users)

    def _of_case(self, users: Sequence[str]) -> list[str]:
        """Keep those the case names: of the reference, earlier names are nobody's business."""
        return [user for user in users if user in self._named]


def _connect(case: Case, per_minute: float | None) -> Connection:
    host, asked = case.wiki, per_minute or case.source.requests_per_minute
    return Connection(
        host=host,
        scheme=case.source.scheme,
        path=case.source.api_path,
        contact=case.source.contact or "",
        credentials=credentials_for(host),
        per_minute=asked or (None if is_loopback(host) else PER_MINUTE),
    )


def _listed_enough(chain: AnswerChain) -> bool:
    return chain.complete or len(chain.entries) >= ACCOUNTS_LISTED
