"""Edits from a Parquet or CSV file that somebody already has."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from sockgraph.case import normal_name
from sockgraph.errors import SchemaError, SourceError, TableError
from sockgraph.schema import TABLES, empty, validate
from sockgraph.sources.activity import activity_of
from sockgraph.sources.base import Coverage, Reading, pick_discussions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sockgraph.case import Case, Window
    from sockgraph.sources.base import Discussion

TEMPORARY = re.compile(r"~\d{4}-\d+(-\d+)*")  # MediaWiki's default pattern for temporary accounts
HASHED_IP = re.compile(r"ip-[0-9a-f]+")  # as pseudonymised exports write unregistered editors
SAYS_BOT = re.compile(r"bot\b", re.IGNORECASE)  # bot policies ask that a bot's name ends so

SOCK_BLOCK = re.compile(
    r"sock|puppet|multiple accounts|傀儡|分身|多重帳號|多重账号", re.IGNORECASE
)  # words of block summaries; such an account cannot stand for "different people"


class TableSource:
    """A file of edits, read once and held in memory.

    Parameters
    ----------
    case
        Its `[source]` names the file: `path`, and optionally `accounts` and `log_events`.

    Raises
    ------
    TableError
        If a file is missing, unreadable or truncated, lacks a column, or contradicts itself.
    """

    def __init__(self, case: Case) -> None:
        if case.source.path is None:  # the case's own check refuses this earlier
            raise TableError(case.slug, "source.path is missing.", "Add it to [source].")
        self._case = case
        self._path = case.beside(case.source.path)
        self._raw, self.dropped = _clean(_read(self._path), self._path, case.wiki)

    def everyone(self) -> list[str]:
        """Return every account with at least `min_edits` distinct edit times; no bots."""
        times = _within(self._raw, self._case.window).groupby("user")["timestamp"].nunique()
        names = times.index[times >= self._case.accounts.min_edits]
        kept = [name for name in names if not self._is_bot(name)]
        self.dropped["bots, by group or by name"] = len(names) - len(kept)
        self.dropped["accounts with fewer edit times than min_edits"] = len(times) - len(names)
        return sorted(kept)

    def resolve(self, names: Sequence[str]) -> dict[str, str]:
        """Return how the file writes each name.

        Raises
        ------
        SourceError
            If names are not in the file, neither as given nor as MediaWiki would write them.
        """
        known = set(self._raw["user"]) | set(self._facts["user"])
        found = {n: w for n in names for w in (n, normal_name(n)) if w in known}
        found |= {name: name for name in names if name in known}
        unknown = [name for name in names if name not in found]
        if unknown:
            raise SourceError(
                ", ".join(map(repr, unknown)),
                f"{self._path.name} has no edits of this name.",
                "Check the spelling in the case file; names are compared to the letter.",
            )
        return found

    def nominees(self, names: Sequence[str]) -> list[str]:
        """Return the names: in one file each means one account."""
        return list(names)

    def account_facts(self, users: Sequence[str]) -> pd.DataFrame:
        """Return `accounts` without `role`; what the file does not say is null."""
        ids = self._raw.dropna(subset="user_id").groupby("user")["user_id"].first()
        bare = pd.DataFrame(
            {
                "wiki": self._case.wiki,
                "user": list(users),
                "user_id": ids.reindex(list(users)).array,
            }
        )
        facts = self._facts.set_index("user").drop(columns=["wiki", "role"]).reindex(list(users))
        known = bare.set_index("user")["user_id"]
        facts = facts.assign(user_id=facts["user_id"].combine_first(known))
        whole = facts.reset_index().assign(wiki=self._case.wiki, role="nominated")
        return validate("accounts", whole).drop(columns="role")

    def read(self, users: Sequence[str]) -> Reading:
        """Return these accounts' edits, newest `max_edits` of each, within the window."""
        theirs = self._raw[self._raw["user"].isin(users)]
        inside = _within(theirs, self._case.window)
        order = inside.sort_values(["timestamp", "rev_id"], ascending=False, kind="stable")
        kept = order.groupby("user", sort=False).head(self._case.accounts.max_edits)
        kept = kept.sort_values(["wiki", "rev_id"], ignore_index=True)
        coverage = self._coverage(users, theirs, inside, kept)
        return Reading(kept, coverage, dict(self.dropped))

    def log_events(self, users: Sequence[str]) -> pd.DataFrame:
        """Return the file's log events about these accounts, and their own moves and thanks."""
        events = self._events
        about = events["target"].isin(users)
        by = events["actor"].isin(users) & events["type"].isin(["move", "newusers", "thanks"])
        return events[about | by].reset_index(drop=True)

    def blocked_as_sock(self, users: Sequence[str]) -> set[str]:
        """Return whom a block's summary in the file's log calls a sock."""
        blocks = self._events[self._events["type"].isin(["block", "globalauth"])]
        said = blocks["comment"].astype("string").fillna("").str.contains(SOCK_BLOCK)
        return set(blocks["target"][said]) & set(users)

    def shared_histories(self, edits: pd.DataFrame) -> pd.DataFrame:  # noqa: ARG002 - Source asks so
        """Return nothing: the file holds what it holds, and `background` gives it."""
        return empty("histories")

    def with_sha1(self, edits: pd.DataFrame) -> pd.DataFrame:
        """Return the edits as they are: the file gives the hashes that it has."""
        return edits

    def neighbours(self, edits: pd.DataFrame) -> pd.DataFrame:
        """Return who else edited the pages of `edits`, most shared pages first."""
        pages = _page(self._raw)
        others = self._raw[
            pages.isin(set(_page(edits))) & ~self._raw["user"].isin(set(edits["user"]))
        ]
        shared = _page(others).groupby(others["user"]).nunique()
        people = [name for name in shared.index if not self._is_bot(name)]
        self.dropped["bots left out of the reference"] = len(shared) - len(people)
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
        path = self._case.source.texts
        if path is None:
            raise SourceError(
                "[discussions]",
                "a table of edits holds no texts, and source.texts is missing.",
                'Add texts = "texts.parquet" (rev_id, text) to [source], or remove [discussions].',
            )
        return pick_discussions(self._raw, _texts(self._case.beside(path), self._case.wiki), pages)

    def provenance(self) -> dict[str, Any]:
        """Return the files' names and hashes, and the time of the newest edit."""
        files = [self._path, *(self._case.beside(p) for p in self._extras if p)]
        return {
            "kind": "table",
            "files": {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in files},
            "read_on": self._raw["timestamp"].max().isoformat() if len(self._raw) else None,
            "requests": {},
        }

    @property
    def _extras(self) -> tuple[Path | None, ...]:
        source = self._case.source
        return source.accounts, source.log_events, source.texts

    @cached_property
    def _facts(self) -> pd.DataFrame:
        return self._extra("accounts", self._case.source.accounts)

    @cached_property
    def _events(self) -> pd.DataFrame:
        return self._extra("log_events", self._case.source.log_events)

    @cached_property
    def _bots(self) -> set[str]:
        return set(self._facts["user"][["bot" in groups for groups in self._facts["groups"]]])

    def _is_bot(self, name: str) -> bool:
        return name in self._bots or bool(SAYS_BOT.search(name))

    def _extra(self, name: str, path: Path | None) -> pd.DataFrame:
        if path is None:
            return empty(name)
        frame = _read(self._case.beside(path))
        if name == "accounts" and "role" not in frame:
            frame = frame.assign(role="nominated")
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
        return tuple(
            _covered(user, facts)
            for user, facts in zip(users, table.to_dict("records"), strict=True)
        )


def _covered(user: str, facts: dict[Any, Any]) -> Coverage:
    seen, count = facts.pop("seen"), facts.pop("edit_count")
    known = None if pd.isna(count) else int(count)
    beyond = None if known is None else max(0, known - seen)
    return Coverage(user=user, edit_count=known, not_listed=beyond, **facts)


def _texts(path: Path, wiki: str) -> pd.DataFrame:
    frame = _read(path)
    try:
        return validate("texts", frame.assign(wiki=frame.get("wiki", wiki)))
    except SchemaError as error:
        raise TableError(path, error.rule, "A table of texts is rev_id, text.") from error


def _read(path: Path) -> pd.DataFrame:
    """Read a Parquet or CSV file whole."""
    readers = {".parquet": pq.read_table, ".csv": _read_csv}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise TableError(
            path, f"{path.suffix or 'no ending'!r} is not read.", "Give a .parquet or .csv file."
        )
    try:
        frame: pd.DataFrame = reader(path).to_pandas()
    except FileNotFoundError as error:
        raise TableError(path, "there is no such file.", "Check source.path.") from error
    except (pa.ArrowException, OSError, UnicodeError) as error:
        raise TableError(
            path,
            f"it cannot be read: {str(error).rstrip('.')}.",
            "It may be truncated; make or copy it again.",
        ) from error
    if frame.empty:
        raise TableError(path, "it has no rows.", "Give a file with edits.")
    if not frame.columns.is_unique:
        twice = sorted(set(frame.columns[frame.columns.duplicated()]))
        raise TableError(path, f"columns stand twice: {', '.join(twice)}.", "Name each once.")
    return frame


def _read_csv(path: Path) -> pa.Table:
    names = ("user", "title", "comment", "sha1", "text", "timestamp")
    text = dict.fromkeys(names, pa.string())
    options = pyarrow.csv.ConvertOptions(column_types=text, strings_can_be_null=False)
    return pyarrow.csv.read_csv(
        path,
        convert_options=options,
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
    )


def _clean(frame: pd.DataFrame, path: Path, wiki: str) -> tuple[pd.DataFrame, dict[str, int]]:
    """Bring a file's rows to the contract `edits`, counting every row that is left out."""
    _require(frame, path)
    frame = _completed(frame, path, wiki)
    dropped: dict[str, int] = {}
    for why, wrong in _LEFT_OUT.items():
        rows = wrong(frame)
        dropped[why] = int(rows.sum())
        frame = frame[~rows]
    whole = len(frame)
    frame = frame[~frame.assign(**_hashable(frame)).duplicated()]
    dropped["rows that stand twice"] = whole - len(frame)
    if frame.empty:
        raise TableError(path, "it has no edits of registered accounts.", "Give another file.")
    try:
        return validate("edits", frame), dropped
    except SchemaError as error:
        raise TableError(path, error.rule, "Correct these rows.") from error


def _require(frame: pd.DataFrame, path: Path) -> None:
    for choices in (("timestamp",), ("user", "user_id"), ("title", "page_id")):
        if not set(choices) & set(frame.columns):
            raise TableError(
                path,
                f"column {' or '.join(choices)} is missing (it has: {', '.join(frame.columns)}).",
                "A table of edits needs timestamp, user or user_id, title or page_id.",
            )


def _completed(frame: pd.DataFrame, path: Path, wiki: str) -> pd.DataFrame:
    """Fill in what follows from the other columns, and leave the rest null."""
    frame = frame.assign(wiki=wiki, timestamp=_times(frame["timestamp"], path))
    if "user" not in frame:
        frame = frame.assign(user="#" + frame["user_id"].astype("Int64").astype("string"))
    if "rev_id" not in frame:
        frame = frame.assign(rev_id=range(1, len(frame) + 1))
    if "size_diff" not in frame and {"size", "parent_id"} <= set(frame.columns):
        sizes = frame.drop_duplicates("rev_id").set_index("rev_id")["size"]
        before = frame["parent_id"].map(sizes).where(frame["parent_id"] != 0, 0)
        frame = frame.assign(size_diff=(frame["size"] - before).astype("Int32"))
    listed = {c: _split(frame[c]) for c in ("tags", "hidden") if c in frame}
    return frame.assign(**listed).reindex(columns=list(TABLES["edits"].columns))


def _split(values: pd.Series) -> pd.Series:
    """Turn lists that a file writes as text, "minor edit,mobile edit", into lists."""
    given = values.dropna()
    if not all(isinstance(value, str) for value in given):  # older PyArrow gives text as objects
        return values
    known = {v: [p.strip() for p in v.split(",") if p.strip()] for v in given.unique()}
    lists = [known.get(v, []) for v in values]
    return pd.Series(lists, index=values.index, dtype=object)


def _times(values: pd.Series, path: Path) -> pd.Series:
    if pd.api.types.is_numeric_dtype(values):
        raise TableError(
            path,
            "timestamp holds numbers.",
            "Write times as 2024-05-31T12:00:00Z or as timestamps.",
        )
    times = pd.to_datetime(values, utc=True, errors="coerce", format="ISO8601")
    wrong = times.isna()
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        raise TableError(
            path,
            f"row {row + 1} of {int(wrong.sum())} has no readable timestamp: {values.iloc[row]!r}.",
            "Write times as 2024-05-31T12:00:00Z.",
        )
    return times.astype("datetime64[us, UTC]")


def _blank(values: pd.Series) -> pd.Series:
    return values.isna() | (values.astype("string").fillna("").str.strip() == "")


def _is_ip(name: str) -> bool:
    if HASHED_IP.fullmatch(name):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _named(test: Callable[[str], bool]) -> Callable[[pd.DataFrame], pd.Series]:
    """Return which rows are by users whose name passes the test, asking once a name."""

    def rows(frame: pd.DataFrame) -> pd.Series:
        return frame["user"].isin({name for name in frame["user"].unique() if test(name)})

    return rows


_LEFT_OUT: dict[str, Callable[[pd.DataFrame], pd.Series]] = {
    "rows without a user": lambda frame: _blank(frame["user"]),
    "rows without a page": lambda frame: _blank(frame["title"]) & frame["page_id"].isna(),
    "rows of unregistered editors": _named(_is_ip),
    "rows of temporary accounts": _named(lambda name: bool(TEMPORARY.fullmatch(name))),
}


def _hashable(frame: pd.DataFrame) -> dict[str, pd.Series]:
    return {c: frame[c].map(tuple, na_action="ignore") for c in ("tags", "hidden")}


def _page(edits: pd.DataFrame) -> pd.Series:
    """Return what tells a page from another: its id where there is one, else its title."""
    ids = edits["page_id"].astype("string")
    return ids.where(ids.notna(), "title:" + edits["title"].astype("string"))


def _within(edits: pd.DataFrame, window: Window) -> pd.DataFrame:
    inside = pd.Series(data=True, index=edits.index)
    if window.start:
        inside &= edits["timestamp"] >= pd.Timestamp(window.start, tz="UTC")
    if window.end:
        inside &= edits["timestamp"] < pd.Timestamp(window.end, tz="UTC") + pd.Timedelta(days=1)
    return edits[inside]
