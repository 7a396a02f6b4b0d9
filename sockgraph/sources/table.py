"""Edits from a Parquet or CSV file that somebody already has."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from sockgraph.errors import SchemaError, SourceError, TableError
from sockgraph.log_events import account_of, kept_out, params_of
from sockgraph.names import TEMPORARY, TEMPORARY_NAME, kind_of, normal_name, says_bot
from sockgraph.schema import empty, validate
from sockgraph.sources.added_text import own_texts
from sockgraph.sources.base import (
    Coverage,
    ReadResult,
    Source,
    activity_of,
    newest_of_each,
    pick_discussions,
)
from sockgraph.sources.cleaning import clean_edits, logged, of_case
from sockgraph.sources.table_file import hashes, read_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from sockgraph.case import Case, Window
    from sockgraph.sources.base import Discussion


class TableSource(Source):
    """A file of edits, read once and held in memory.

    Temporary accounts are left out: they are read only where a case names one as found elsewhere.

    Parameters
    ----------
    case
        Its `[source]` names the file: `path`, and optionally `accounts` and `log_events`.
    of_dump
        The file was made from the wiki's own dump.

    Raises
    ------
    TableError
        If a file is missing, unreadable or truncated, lacks a column, or contradicts itself.
    """

    _whole = True  # no element of the file had to be skipped

    def __init__(self, case: Case, *, of_dump: bool = False) -> None:
        if case.source.path is None:  # the case's own check refuses this earlier
            raise TableError(case.slug, "source.path is missing.", "Add it to [source].")
        self._case = case
        self._path = case.beside(case.source.path)
        self._cleaned = clean_edits(read_table(self._path), self._path, case.wiki, of_dump=of_dump)
        self._raw, self._texts_read = own_texts(self._cleaned.edits, case.source.reads)
        self.dropped = dict(self._cleaned.dropped)

    def everyone(self) -> list[str]:
        """Return every account with at least `min_edits` distinct edit times; no bots."""
        times = _within(self._raw, self._case.window).groupby("user")["timestamp"].nunique()
        names = times.index[times >= self._case.accounts.min_edits]
        kept = self._people(names, "bots, by group or by name")
        self.dropped["accounts with fewer edit times than min_edits"] = len(times) - len(names)
        return sorted(kept)

    def resolve(self, names: Sequence[str]) -> dict[str, str]:
        """Return how the file writes each name.

        Raises
        ------
        SourceError
            If names are not in the file, neither as given nor as MediaWiki would write them, or if
            a temporary account is nominated.
        """
        temporary = self._temporary["user"].value_counts()
        known = set(self._raw["user"]) | set(self._facts["user"]) | set(temporary.index)
        written = {normal_name(user): user for user in sorted(known)}
        found = {n: n if n in known else written.get(normal_name(n), "") for n in names}
        found = {name: user for name, user in found.items() if user}
        self._refuse_temporary(found, temporary)
        self._refuse_unknown([name for name in names if name not in found])
        return found

    def _refuse_unknown(self, names: Sequence[str]) -> None:
        if names:
            raise SourceError(
                ", ".join(map(repr, names)),
                f"{self._path.name} has no edits of this name.",
                "Check the spelling in the case file; names are compared to the letter.",
            )

    def _refuse_temporary(self, found: dict[str, str], rows: pd.Series) -> None:
        """Refuse temporary accounts that are nominated, and say how many rows are theirs."""
        nominated = {found.get(name, name) for name in self._case.accounts.nominated}
        said = [f"{name} ({rows[name]:,} rows)" for name in sorted(nominated) if name in rows.index]
        if said:
            raise SourceError(
                ", ".join(said),
                "it is a temporary account, and tables leave them out: a browser's for 90 days,"
                " and one person has several.",
                "Remove it from nominated; a link found elsewhere can name it under [[earlier]].",
            )

    def account_facts(self, users: Sequence[str]) -> pd.DataFrame:
        """Return `accounts` without `role`; what the file does not say is null."""
        theirs = self._all[self._all["user"].isin(users)].dropna(subset="user_id")
        ids = theirs.groupby("user")["user_id"].first()
        bare = pd.DataFrame(
            {
                "wiki": self._case.wiki,
                "user": list(users),
                "user_id": ids.reindex(list(users)).array,
            }
        )
        facts = self._facts.set_index("user").drop(columns=["wiki", "role"]).reindex(list(users))
        known = bare.set_index("user")["user_id"]
        groups = [
            [*(groups if isinstance(groups, list) else []), *(["temp"] if _temporary(user) else [])]
            for user, groups in facts["groups"].items()
        ]
        listed = pd.Series(groups, index=facts.index, dtype=object)
        facts = facts.assign(user_id=facts["user_id"].combine_first(known), groups=listed)
        whole = facts.reset_index().assign(wiki=self._case.wiki, role="nominated")
        return validate("accounts", whole).drop(columns="role")

    def read(self, users: Sequence[str]) -> ReadResult:
        """Return these accounts' edits, newest `max_edits` of each, within the window."""
        theirs = self._all[self._all["user"].isin(users)]
        inside = _within(theirs, self._case.window)
        kept = newest_of_each(inside, self._case.accounts.max_edits)
        kept = kept.sort_values(["wiki", "rev_id"], ignore_index=True)
        coverage = self._coverage(users, theirs, inside, kept)
        return ReadResult(kept, coverage, dict(self.dropped))

    def log_events(self, users: Sequence[str]) -> pd.DataFrame:
        """Return the file's log events about these accounts, and their own moves and thanks."""
        events, named = self._events, frozenset(users)
        ours = [account_of(target, named) for target in events["target"]]
        about = pd.Series(ours, index=events.index, dtype="string")
        renamed = [
            kind == "renameuser" and account_of(params_of(params).get("newuser"), named) is not None
            for kind, params in zip(events["type"], events["params"], strict=True)
        ]
        by = events["actor"].isin(named) & events["type"].isin(["move", "newusers", "thanks"])
        told = events.assign(target=about.fillna(events["target"]))
        return told[about.notna() | by | pd.Series(renamed, events.index, bool)].reset_index(
            drop=True
        )

    def blocked_as_sock(self, users: Sequence[str]) -> set[str]:
        """Return who was blocked as a sock, or on all wikis, or locked, by the file's log."""
        return kept_out(self._events, users)

    def neighbours(self, edits: pd.DataFrame) -> pd.DataFrame:
        """Return who else edited the pages of `edits`, most shared pages first."""
        pages = _page(self._raw)
        others = self._raw[
            pages.isin(set(_page(edits))) & ~self._raw["user"].isin(set(edits["user"]))
        ]
        shared = _page(others).groupby(others["user"]).nunique()
        people = self._people(shared.index, "bots left out of the reference")
        table = shared.loc[people].rename("shared_pages").rename_axis("user").reset_index()
        return table.sort_values(
            ["shared_pages", "user"], ascending=[False, True], ignore_index=True
        )

    def activity(self, users: Sequence[str]) -> pd.DataFrame:
        """Return how much and when these accounts edit, from the whole file."""
        theirs = _within(self._raw[self._raw["user"].isin(users)], self._case.window)
        return activity_of(theirs).reindex(list(users))

    def background(self, users: Sequence[str]) -> pd.DataFrame:
        """Return the edits of everybody else in the file."""
        return _within(self._raw[~self._raw["user"].isin(users)], self._case.window)

    def discussions(self, pages: Sequence[str]) -> Discussion:
        """Return the table's edits of these pages, with the texts that a second file holds.

        Raises
        ------
        SourceError
            If no file of texts is named.
        """
        path = self._case.source.text_file
        if path is None:
            raise SourceError(
                "[discussions]",
                "a table of edits holds no texts, and source.texts is missing.",
                'Add texts = "texts.parquet" (rev_id, text) to [source], or remove [discussions].',
            )
        return pick_discussions(self._all, _texts(self._case.beside(path), self._case.wiki), pages)

    def provenance(self) -> dict[str, Any]:
        """Return files' names and hashes, the newest edit's time, and what a reader must know."""
        files = [self._path, *(self._case.beside(p) for p in self._extras if p)]
        return {
            "kind": "table",
            "temporary_names": [f"assumed: {TEMPORARY_NAME}"],
            "files": {name: digest for path in files for name, digest in hashes(path).items()},
            "read_on": self._raw["timestamp"].max().isoformat() if len(self._raw) else None,
            "requests": {},
            "counts": {**self._cleaned.counts, **self._texts_read},
            "notices": list(self._cleaned.notices),
        }

    @property
    def _temporary(self) -> pd.DataFrame:
        return self._cleaned.temporary

    @property
    def _all(self) -> pd.DataFrame:
        """The edits, those of temporary accounts among them."""
        return pd.concat([self._raw, self._temporary]) if len(self._temporary) else self._raw

    @property
    def _extras(self) -> tuple[Path | None, ...]:
        source = self._case.source
        return source.accounts, source.log_events, source.text_file

    @cached_property
    def _facts(self) -> pd.DataFrame:
        return self._extra("accounts", self._case.source.accounts)

    @cached_property
    def _events(self) -> pd.DataFrame:
        return self._extra("log_events", self._case.source.log_events)

    def _people(self, names: Iterable[str], bots: str) -> list[str]:
        """Leave out bots, and who is temporary by the accounts' own table; count both."""
        listed, brief = list(names), self._in_group("temp")
        people = [name for name in listed if not self._is_bot(name)]
        kept = [name for name in people if name not in brief]
        self.dropped[bots] = len(listed) - len(people)
        if len(people) > len(kept):
            self.dropped["temporary accounts, by group"] = len(people) - len(kept)
        return kept

    def _in_group(self, group: str) -> set[str]:
        return set(self._facts["user"][[group in groups for groups in self._facts["groups"]]])

    @cached_property
    def _bots(self) -> set[str]:
        return self._in_group("bot")

    @cached_property
    def _grouped(self) -> set[str]:
        """Accounts whose groups are known: all of a table that tells of any group."""
        tells = self._facts["groups"].map(len).any() if len(self._facts) else False
        return set(self._facts["user"]) if tells else set()

    def _is_bot(self, name: str) -> bool:
        return name in self._bots or (name not in self._grouped and says_bot(name))

    def _extra(self, name: str, path: Path | None) -> pd.DataFrame:
        if path is None:
            return empty(name)
        frame = of_case(read_table(self._case.beside(path)), path, self._case.wiki)
        if name == "accounts" and "role" not in frame:
            frame = frame.assign(role="nominated")
        if name == "log_events":
            frame = logged(frame, path)
        try:
            return validate(name, frame)
        except SchemaError as error:
            raise TableError(path, error.rule, "Correct the file.") from error

    def _coverage(
        self,
        users: Sequence[str],
        theirs: pd.DataFrame,
        inside: pd.DataFrame,
        kept: pd.DataFrame,
    ) -> tuple[Coverage, ...]:
        def rows(frame: pd.DataFrame) -> pd.Series:
            return frame["user"].value_counts().reindex(list(users), fill_value=0)

        def hidden(part: str) -> pd.Series:
            return rows(kept.loc[[part in parts for parts in kept["hidden"]]])

        table = pd.DataFrame(
            {
                "edits_read": rows(kept),
                "outside_window": rows(theirs) - rows(inside),
                "capped": rows(inside) > rows(kept),
                "hidden_comments": hidden("comment"),
                "hidden_texts": hidden("text"),
                "seen": rows(theirs),
                "edit_count": self._facts.set_index("user")["edit_count"].reindex(list(users)),
            }
        )
        notes = self._cleaned.notes
        return tuple(
            replace(_covered(user, facts), note=notes.get(user, ""), source_whole=self._whole)
            for user, facts in zip(users, table.to_dict("records"), strict=True)
        )


def _covered(user: str, facts: dict[Any, Any]) -> Coverage:
    seen, count = facts.pop("seen"), facts.pop("edit_count")
    known = None if pd.isna(count) else int(count)
    beyond = None if known is None else max(0, known - seen)
    return Coverage(user=user, edit_count=known, not_listed=beyond, **facts)


def _texts(path: Path, wiki: str) -> pd.DataFrame:
    frame = of_case(read_table(path), path, wiki)
    try:
        return validate("texts", frame)
    except SchemaError as error:
        raise TableError(path, error.rule, "A table of texts is rev_id, text.") from error


def _temporary(name: object) -> bool:
    return kind_of(str(name)) == TEMPORARY


def _page(edits: pd.DataFrame) -> pd.Series:
    """Return what tells a page from another: its id where there is one, else its whole title."""
    ids = edits["page_id"].astype("string")
    titled = edits["ns"].astype("string").fillna("") + ":" + edits["title"].astype("string")
    return ids.where(ids.notna(), titled)


def _within(edits: pd.DataFrame, window: Window) -> pd.DataFrame:
    inside = pd.Series(data=True, index=edits.index)
    if window.start:
        inside &= edits["timestamp"] >= pd.Timestamp(window.start, tz="UTC")
    if window.end:
        inside &= edits["timestamp"] < pd.Timestamp(window.end, tz="UTC") + pd.Timedelta(days=1)
    return edits[inside]
