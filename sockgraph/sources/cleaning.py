"""From the rows of a file to `edits`: whose they are, of which page and wiki, each once.

Nothing is dropped without being counted, and what cannot be told apart is refused, not guessed.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from sockgraph.errors import SchemaError, TableError
from sockgraph.names import (
    ACCOUNT,
    KINDS,
    PLACEHOLDER,
    TEMPORARY,
    capital,
    kind_of,
    normal_name,
    plain_name,
    visible_name,
)
from sockgraph.schema import TABLES, validate
from sockgraph.sources.table_file import listed, other_columns

if TYPE_CHECKING:
    from pathlib import Path

NAMESPACES = {  # canonical prefixes, which every wiki understands; others go by number
    1: "Talk", 2: "User", 3: "User talk", 4: "Project", 5: "Project talk", 6: "File",
    7: "File talk", 8: "MediaWiki", 9: "MediaWiki talk", 10: "Template", 11: "Template talk",
    12: "Help", 13: "Help talk", 14: "Category", 15: "Category talk", 828: "Module",
    829: "Module talk",
}  # fmt: skip
PROJECTS = {"wikipedia.org": "wiki", **{f"{p}.org": p for p in (
    "wiktionary", "wikibooks", "wikinews", "wikiquote", "wikisource", "wikiversity", "wikivoyage",
)}}  # fmt: skip
ALONE = {
    "commons.wikimedia.org": "commonswiki", "meta.wikimedia.org": "metawiki",
    "species.wikimedia.org": "specieswiki", "incubator.wikimedia.org": "incubatorwiki",
    "www.wikidata.org": "wikidatawiki", "www.mediawiki.org": "mediawikiwiki",
}  # fmt: skip
HIDDEN_BITS = {1: "text", 2: "comment", 4: "user", 8: "suppressed"}  # of rev_deleted
TWICE = "rows that stand twice"
RESPELT = "rows whose account was spelt otherwise"
DAYS_ONLY = (
    "The times of these edits are whole days: hours, sessions and simultaneous work are not "
    "compared, and nothing is said about them."
)
ASSUMED = (
    "{n:,} rows are left out as temporary accounts', by names such as ~2026-12345-67 and"
    " *Unregistered 3: this is assumed, a wiki may call them otherwise."
)
NUMBERS = frozenset(
    {"ns", "rev_id", "page_id", "user_id", "size", "size_diff", "parent_id", "rev_deleted"}
)
_STAMP = re.compile(r"\d{14}")  # as MediaWiki's database writes times
_PREFIX = re.compile(r"([^:]+):\S")


@dataclass(frozen=True)
class CleanedEdits:
    """A file's edits, and what was made of its rows.

    Attributes
    ----------
    edits
        `edits` of registered accounts.
    temporary
        `edits` of temporary accounts: read only where a case names one as found elsewhere.
    dropped
        Rows left out, by reason.
    counts
        What else was done to rows.
    notices
        Sentences for a reader of any number.
    notes
        By account: a sentence for its coverage.
    """

    edits: pd.DataFrame
    temporary: pd.DataFrame
    dropped: dict[str, int]
    counts: dict[str, int] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    notes: dict[str, str] = field(default_factory=dict)


def clean_edits(
    frame: pd.DataFrame, path: Path, wiki: str, *, part: bool = False, of_dump: bool = False
) -> CleanedEdits:
    """Bring a file's rows to the contract `edits`.

    Parameters
    ----------
    frame
        As `read_table` gives it.
    path
        The file, for errors.
    wiki
        The case's wiki; rows of other wikis are left out and counted.
    part
        The rows are some of a file's only: names and titles stay as they are written.
    of_dump
        The wiki wrote them: where one `user_id` has several names by turns, the names hold.

    Raises
    ------
    TableError
        If a column is missing, a value cannot be read, or rows contradict each other.
    """
    _require(frame, path)
    _require_numbers(frame, path)
    other_users = [] if part else _other_users(frame)
    frame, elsewhere = _of_wiki(frame, path, wiki)
    dropped = {"rows of other wikis": elsewhere} if elsewhere else {}
    times, days_only = _times(frame["timestamp"], path)
    frame = _completed(frame.assign(timestamp=times), path, wiki)
    if not part:
        frame = frame.assign(title=_titles(frame))
    kinds = _kinds(frame)
    dropped |= {why: int((kinds == kind).sum()) for kind, why in enumerate(KINDS) if kind}
    frame = frame[kinds.isin([ACCOUNT, TEMPORARY])]
    pageless = _blank(frame["title"]) & frame["page_id"].isna()
    dropped["rows without a page"] = int(pageless.sum())
    frame, respelt, notes = frame[~pageless], 0, dict[str, str]()
    if not part:
        frame, respelt, notes = _one_account(frame, path, of_dump=of_dump)
    frame, twice = _once(frame, days_only=days_only)
    dropped[TWICE] = twice
    temporary = frame["user"].isin([u for u in frame["user"].unique() if kind_of(u) == TEMPORARY])
    if temporary.all():
        raise TableError(path, "it has no edits of registered accounts.", "Give another file.")
    try:
        edits, briefly = (validate("edits", part) for part in (frame[~temporary], frame[temporary]))
    except SchemaError as error:
        raise TableError(path, error.rule, "Correct these rows.") from error
    assumed = [ASSUMED.format(n=len(briefly))] if len(briefly) else []
    return CleanedEdits(
        edits, briefly, dropped, {RESPELT: respelt} if respelt else {},
        (*((DAYS_ONLY,) if days_only else ()), *assumed, *other_users), notes,
    )  # fmt: skip


def of_case(frame: pd.DataFrame, path: Path, wiki: str) -> pd.DataFrame:
    """Return the rows that are of the case's wiki, with its name; all where none are named."""
    return _of_wiki(frame, path, wiki)[0].assign(wiki=wiki)


def logged(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Bring a log to our names, also as MediaWiki's own table has it: titles bare, times as digits.

    Raises
    ------
    TableError
        If a time cannot be read, or a namespace is no number.
    """
    _require_numbers(frame, path)
    told = frame if "actor" in frame else frame.rename(columns={"user": "actor"})
    if "timestamp" in told:
        told = told.assign(timestamp=_times(told["timestamp"], path)[0])
    if {"ns", "target"} <= set(told.columns):
        spaces = told["ns"].fillna(0).astype("int64")
        whole = [
            title if pd.isna(title) else prefixed(plain_name(title), 0 if ns == 2 else ns)
            for title, ns in zip(told["target"], spaces, strict=True)
        ]  # of a user's page the name alone, as a log that is fetched has it
        told = told.drop(columns="ns").assign(target=whole)
    return told


def prefixed(title: str, namespace: int | None) -> str:
    """Return a page's whole title.

    >>> prefixed("Mill pond", 1), prefixed("Mill pond", 0), prefixed("Bridge", 100)
    ('Talk:Mill pond', 'Mill pond', 'Namespace 100:Bridge')
    """
    if not namespace:
        return title
    return f"{NAMESPACES.get(namespace, f'Namespace {namespace}')}:{title}"


def _require(frame: pd.DataFrame, path: Path) -> None:
    for choices in (("timestamp",), ("user", "user_id"), ("title", "page_id")):
        if not set(choices) & set(frame.columns):
            raise TableError(
                path,
                f"column {' or '.join(choices)} is missing"
                f" (it has: {', '.join(map(str, frame.columns))}).",
                "A table of edits needs timestamp, user or user_id, title or page_id.",
            )


def _require_numbers(frame: pd.DataFrame, path: Path) -> None:
    for name in (column for column in frame if column in NUMBERS):  # the same first one each time
        given = frame[name]
        words = pd.to_numeric(given, errors="coerce").isna() & ~_blank(given)
        if words.any():
            first = given[words].iloc[0]
            raise TableError(
                path, f"{name} holds {first!r}, which is no number.", f"Write {name} as a number."
            )


def _other_users(frame: pd.DataFrame) -> list[str]:
    """Say which columns of users were not read although they name others than the one that was."""
    said = []
    for column in sorted(set(other_columns(frame, "user"))):
        names = (frame[c].astype("string").fillna("").map(normal_name) for c in ("user", column))
        one, other = names  # as the wiki spells them: A_B is A B
        differ = int(((one != other) & (other != "")).sum())
        if differ:
            said.append(
                f"Two columns of the table name users: {column} was left unread, and names another"
                f" user in {differ:,} of {len(frame):,} rows."
            )
    return said


def _of_wiki(frame: pd.DataFrame, path: Path, wiki: str) -> tuple[pd.DataFrame, int]:
    """Keep the rows of one wiki; a file that does not say which wiki it is of is believed."""
    if "wiki" not in frame:
        return frame, 0
    named = frame["wiki"].astype("string").str.strip()
    there = sorted(named.dropna().unique())
    ours = {name for name in there if name in _names_of(wiki)}
    if not ours and (not there or (len(there) == 1 and "." not in there[0])):
        return frame, 0  # a database's name, whose host is not known
    if not ours:
        raise TableError(
            path,
            f"its rows are of {'several wikis' if len(there) > 1 else 'another wiki'}:"
            f" {', '.join(there[:8])}; the case is of {wiki}.",
            f"Name one of them in the case's wikis, or write {wiki!r} into the column.",
        )
    kept = named.isin(ours)
    return frame[kept], int((~kept).sum())


def _names_of(wiki: str) -> set[str]:
    """Return how exports call a wiki: its host, and where that is known its database."""
    language, _, family = wiki.removeprefix("m.").partition(".")
    database = f"{language.replace('-', '_')}{PROJECTS[family]}" if family in PROJECTS else wiki
    return {wiki, wiki.removesuffix(".org"), f"https://{wiki}", ALONE.get(wiki, database)}


def _completed(frame: pd.DataFrame, path: Path, wiki: str) -> pd.DataFrame:
    """Fill in what follows from the other columns, and leave the rest null."""
    frame = frame.assign(wiki=wiki)
    if "user" not in frame:
        frame = frame.assign(user="#" + frame["user_id"].astype("Int64").astype("string"))
    if "rev_deleted" in frame and "hidden" not in frame:
        bits = frame["rev_deleted"].fillna(0).astype("int64")
        names = {n: [p for bit, p in HIDDEN_BITS.items() if n & bit] for n in bits.unique()}
        frame = frame.assign(hidden=bits.map(names))
    if "size_diff" not in frame and {"size", "parent_id", "rev_id"} <= set(frame.columns):
        sizes = frame.drop_duplicates("rev_id").set_index("rev_id")["size"]
        before = frame["parent_id"].map(sizes).where(frame["parent_id"] != 0, 0)
        frame = frame.assign(size_diff=(frame["size"] - before).astype("Int32"))
    if "sha1" in frame:
        frame = frame.assign(sha1=frame["sha1"].where(~_blank(frame["sha1"]), None))
    lists = {c: listed(frame[c], path) for c in ("tags", "hidden") if c in frame}
    return frame.assign(**lists).reindex(columns=list(TABLES["edits"].columns))


def _titles(frame: pd.DataFrame) -> pd.Series:
    """Return whole titles: "Mill pond" and "Talk:Mill pond" are two pages."""
    if frame["ns"].isna().all() or frame["title"].isna().all():
        return frame["title"]
    known = frame[["ns", "title"]].drop_duplicates().dropna(subset=["title"])
    whole: dict[tuple[Any, str], str] = {}
    for number, titles in known.groupby(known["ns"].fillna(0).astype("int64"))["title"]:
        plain = {title: plain_name(title) for title in titles}
        bare = not _have_prefixes(list(plain.values()))
        whole |= {
            (number, title): prefixed(written, int(str(number)) if bare else 0)
            for title, written in plain.items()
        }
    keys = zip(frame["ns"].fillna(0).astype("int64"), frame["title"], strict=True)
    return pd.Series([whole.get(key) for key in keys], index=frame.index, dtype="string")


def _have_prefixes(titles: list[str]) -> bool:
    """Tell whether titles of one namespace say it: all begin with one of two words and a colon."""
    found = [_PREFIX.match(title) for title in titles]
    return all(found) and len({m.group(1).casefold() for m in found if m}) <= 2


def _times(values: pd.Series, path: Path) -> tuple[pd.Series, bool]:
    """Return the times, UTC, and whether they are whole days only."""
    text = values
    if pd.api.types.is_numeric_dtype(values):
        text = values.astype("Int64").astype("string")
        if not text.str.fullmatch(_STAMP.pattern).fillna(value=False).all():
            raise TableError(
                path,
                "timestamp holds numbers.",
                "Write times as 2024-05-31T12:00:00Z or as timestamps.",
            )
    elif pd.api.types.infer_dtype(values, skipna=True) == "bytes":
        text = values.map(bytes.decode, na_action="ignore")
    elif pd.api.types.infer_dtype(values, skipna=True) == "date":
        text = values.astype("string")
    stamped = pd.api.types.is_string_dtype(text) and text.str.fullmatch(_STAMP.pattern).all()
    layout = "%Y%m%d%H%M%S" if stamped else "ISO8601"
    times = pd.to_datetime(text, utc=True, errors="coerce", format=layout)
    wrong = times.isna()
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        raise TableError(
            path,
            f"row {row + 1} of {int(wrong.sum())} has no readable timestamp: {values.iloc[row]!r}.",
            "Write times as 2024-05-31T12:00:00Z.",
        )
    return times.astype("datetime64[us, UTC]"), _days_only(text, times, path)


def _days_only(text: pd.Series, times: pd.Series, path: Path) -> bool:
    """Tell whether no time of the day is given; some rows with and some without are refused."""
    midnight = times == times.dt.floor("D")
    if midnight.all():
        return len(times) > 1
    if pd.api.types.is_string_dtype(text):
        short = text.str.strip().str.len() <= len("2024-05-31")
        if short.any():
            raise TableError(
                path,
                f"{int(short.sum())} of {len(text)} rows have a day and no time (first: row"
                f" {int(short.to_numpy().argmax()) + 1}).",
                "Give all rows a time, or none.",
            )
    return False


def _blank(values: pd.Series) -> pd.Series:
    return values.isna() | (values.astype("string").fillna("").str.strip() == "")


def _kinds(frame: pd.DataFrame) -> pd.Series:
    """Return of each row what its user is; user_id 0 is nobody's."""
    names = frame["user"].astype("string").fillna("")
    known = {name: kind_of(plain_name(name)) for name in names.unique()}
    kinds = names.map(known).astype("int64")
    nobody = (frame["user_id"] == 0).fillna(value=False).astype(bool) & (kinds == ACCOUNT)
    return kinds.mask(nobody, PLACEHOLDER)


def _one_account(
    frame: pd.DataFrame, path: Path, *, of_dump: bool
) -> tuple[pd.DataFrame, int, dict[str, str]]:
    """Give every account one name: the same however it is spelt, and another's never.

    What is spelt in one way stays so; of several ways it is MediaWiki's.
    """
    names = frame["user"].astype(object)
    plain = {name: plain_name(name) for name in names.unique()}
    twins = {p for p in plain.values() if p != capital(p)}
    folds = bool(twins) and {capital(p) for p in twins} <= set(plain.values())
    written = {name: capital(p) if folds else p for name, p in plain.items()}
    ways = Counter(written.values())
    written = {n: w if ways[w] > 1 else visible_name(n) for n, w in written.items()}
    frame = frame.assign(user=names.map(written))
    frame = frame.astype({"user_id": "Int64"})
    frame, notes = _by_id(_without_mixed_ids(frame) if of_dump else frame, path)
    spellings = pd.DataFrame({"given": names, "user": frame["user"]}).drop_duplicates()
    several = spellings.groupby("user")["given"].nunique()
    for user, n in several[several > 1].items():
        notes[str(user)] = " ".join(
            filter(None, (notes.get(str(user)), f"Its name is written in {n} ways."))
        )
    changed = (frame["user"] != names) & frame["user"].isin(several.index[several > 1])
    return frame, int(changed.sum()), notes


def _without_mixed_ids(frame: pd.DataFrame) -> pd.DataFrame:
    """Blank each `user_id` whose names take turns: wikis of 2002 wrote some rows so."""
    mixed = [
        one
        for one, rows in _spans(frame).groupby("user_id")
        if len({normal_name(name) for name in rows["user"]}) > 1 and _by_turns(rows)
    ]
    return frame.assign(user_id=frame["user_id"].mask(frame["user_id"].isin(mixed)))


def _spans(frame: pd.DataFrame) -> pd.DataFrame:
    known = frame.dropna(subset=["user_id"])
    spans = known.groupby(["user_id", "user"])["timestamp"].agg(["min", "max", "size"])
    return spans.reset_index().sort_values(["max", "user"], kind="stable")


def _by_turns(rows: pd.DataFrame) -> bool:
    before, after = rows["max"].iloc[:-1], rows["min"].iloc[1:]
    return bool((after.to_numpy() < before.to_numpy()).any())


def _by_id(frame: pd.DataFrame, path: Path) -> tuple[pd.DataFrame, dict[str, str]]:
    """Let `user_id` say whose a row is, where it is given: names pass from one to another."""
    spans = _spans(frame)
    several = spans["user_id"].duplicated(keep=False)
    one_name = spans[~several]
    names = dict(zip(one_name["user_id"].astype(int), one_name["user"].astype(str), strict=True))
    for one, rows in spans[several].groupby("user_id"):
        names[int(str(one))] = _newest_name(int(str(one)), rows, path)
    holders = {name: one for one, name in names.items()}  # of several, the last to edit
    order = spans.groupby("user_id")["max"].max().to_dict()
    for one, name in names.items():
        if (order[one], one) > (order[holders[name]], holders[name]):
            holders[name] = one
    final = {
        one: name if holders[name] == one else f"{name} (account {one})"
        for one, name in names.items()
    }
    mapped = frame["user_id"].astype(object).map(final)
    apart: Counter[str] = Counter()
    sizes = spans.groupby("user_id")["size"].sum()
    for one, name in sorted(names.items()):
        apart[name] += 0 if holders[name] == one else int(sizes[one])
    notes = {
        name: f"{n:,} edits under this name are of another account, which had it before (user_id)."
        for name, n in apart.items()
        if n
    }
    return frame.assign(user=mapped.where(mapped.notna(), frame["user"])), notes


def _newest_name(one: int, rows: pd.DataFrame, path: Path) -> str:
    """Return the latest of an account's names; names that take turns are of no one account."""
    same = {normal_name(name) for name in rows["user"]}
    if len(same) == 1:
        return same.pop()
    if _by_turns(rows):
        raise TableError(
            path,
            f"user_id {one} stands for several accounts at once: {', '.join(rows['user'][:4])}.",
            "Correct user_id, or leave the column out.",
        )
    return str(rows["user"].iloc[-1])


def _once(frame: pd.DataFrame, *, days_only: bool) -> tuple[pd.DataFrame, int]:
    """Leave out rows that stand twice, and number the rest where the file does not.

    Without a number, rows are one edit if they say the same of one second; of one day they need
    not be.
    """
    unnumbered = frame["rev_id"].isna().all()
    parts = {c: frame[c].map(tuple, na_action="ignore") for c in ("tags", "hidden")}
    twice = frame.assign(**parts).duplicated() & (not (unnumbered and days_only))
    kept = frame[~twice]
    if unnumbered:
        order = [c for c in ("timestamp", "user", "title", "page_id", "comment") if c in kept]
        kept = kept.sort_values(order, kind="stable")
        kept = kept.assign(rev_id=range(1, len(kept) + 1))
    return kept, int(twice.sum())
