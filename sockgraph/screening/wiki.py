# ruff: noqa: S608 - paths go into queries quoted, names as values
"""A whole wiki, imported once and shared by cases: sorted Parquet, found by index and not by scan.

`edits.parquet` is sorted by account, `pages.parquet` (who edited what) by page: Parquet's own
statistics say which few row groups hold a name or a page. DuckDB sorts within a stated amount of
memory, and answers any other question: `duckdb -c "FROM 'wiki/edits.parquet' LIMIT 5"`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sockgraph.errors import SourceError, StoreError
from sockgraph.names import ACCOUNT, kind_of, normal_name
from sockgraph.runtime import Progress, silent
from sockgraph.schema import empty
from sockgraph.screening import CLOSE, FIXED_POINT, page_weights
from sockgraph.screening.edits import (
    duckdb_errors,
    files_of,
    literal,
    open_duckdb,
    open_edits,
    query_progress,
    quoted,
)
from sockgraph.sources.base import unknown_activity
from sockgraph.sources.cleaning import CleanedEdits, clean_edits
from sockgraph.sources.table import TableSource, _within
from sockgraph.store import sha256
from sockgraph.store.files import make_folder, whole_file, write_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sockgraph.case import Case
    from sockgraph.sources.base import Discussion, ReadResult

EDITS, PAGES, ABOUT = "edits.parquet", "pages.parquet", "wiki.json"
LEARNT = "calibration-"
"""What begins the names of files that keep what a reference of the wiki taught."""
ROW_GROUP = 32_768
MEMORY = 1 << 30
NAMED = 5  # pairs of revisions that stand for a page's co-edits
PAGE_COLUMNS = ("page_id", "title")
BEHIND = f"""
WITH mine AS (SELECT {{page}} AS page, epoch_us(timestamp) // 1000000 AS second, rev_id
                FROM edits WHERE user = ? AND {{page}} IS NOT NULL),
theirs AS (SELECT user AS user_b, {{page}} AS page, epoch_us(timestamp) // 1000000 AS second, rev_id
             FROM edits WHERE user IN ({{partners}}) AND {{page}} IN (SELECT page FROM mine)),
degrees AS (SELECT page, any_value(degree) AS degree FROM pages
             WHERE page IN (SELECT page FROM theirs) GROUP BY page),
close AS (SELECT user_b, page, count(*) AS coedits_1h,
                 list(mine.rev_id || ':' || theirs.rev_id
                      ORDER BY abs(mine.second - theirs.second), mine.rev_id, theirs.rev_id
                     )[1:{NAMED}] AS rev_ids
            FROM theirs JOIN mine USING (page) WHERE abs(mine.second - theirs.second) <= {CLOSE}
           GROUP BY user_b, page)
SELECT user_b, page, degree, coalesce(coedits_1h, 0) AS coedits_1h,
       coalesce(rev_ids, []::VARCHAR[]) AS rev_ids
  FROM (SELECT DISTINCT user_b, page FROM theirs) JOIN degrees USING (page)
  LEFT JOIN close USING (user_b, page)
"""


def import_wiki(
    source: Path, folder: Path, *, memory: int = MEMORY, progress: Progress = silent
) -> WholeWiki:
    """Sort a table of edits into a folder that many cases can share.

    Parameters
    ----------
    source
        A Parquet or CSV file, or a folder of Parquet files, with every edit of a wiki.
    folder
        Where the wiki goes; an import that fails leaves what was there.
    memory
        Bytes that sorting may take; the rest is set aside in `folder`.

    Raises
    ------
    TableError
        If the table cannot be used.
    ScreeningError
        If `memory` does not do.
    StoreError
        If the folder cannot be written, or the disk is full.
    """
    progress("hashing the table", 0, None)
    files = identity(files_of(source))
    with (
        duckdb_errors(source, make_folder(folder)),
        open_duckdb(memory, folder) as base,
        whole_file(folder / EDITS) as edits,
        whole_file(folder / PAGES) as pages,
    ):
        page = _people(base, source)
        with query_progress(base, "sorting edits by account", progress):
            _copy(base, "SELECT * FROM people ORDER BY user, timestamp, rev_id", edits)
        pairs = f"SELECT DISTINCT {page} AS page, user FROM people"
        pairs = f"SELECT *, count(*) OVER (PARTITION BY page) AS degree FROM ({pairs})"
        with query_progress(base, "sorting edits by page", progress):
            _copy(base, f"{pairs} ORDER BY page, user", pages)
        accounts = base.sql("SELECT count(DISTINCT user) FROM people").fetchall()[0][0]
        (folder / ABOUT).unlink(missing_ok=True)  # until both are in place, it is no wiki
        for learnt in folder.glob(f"{LEARNT}*"):  # it holds edits of before
            learnt.unlink()
    about = {
        "accounts": accounts,
        "edits": pq.read_metadata(folder / EDITS).num_rows,
        "source": source.name,
        "page": page,
        "files": files,
    }
    write_bytes(folder / ABOUT, (json.dumps(about, indent=1) + "\n").encode())
    return WholeWiki(folder)


def identity(files: Sequence[Path]) -> dict[str, str]:
    """Return each file's name and SHA-256."""
    return {file.name: sha256(file) for file in files}


def _people(base: Any, source: Path) -> str:
    """Make the view `people`: rows of registered accounts; return the column that names pages."""
    columns = open_edits(base, source, typed=True)
    user = "" if "user" in columns else ", '#' || user_id AS user"
    revision = "" if "rev_id" in columns else ", row_number() OVER () AS rev_id"
    base.execute(f"CREATE VIEW whole AS SELECT *{user}{revision} FROM source")
    users = base.sql("SELECT DISTINCT user::VARCHAR FROM whole WHERE user IS NOT NULL").fetchall()
    names = pa.array([name for (name,) in users if kind_of(name) == ACCOUNT], pa.string())
    base.register("names", pa.table({"user": names}))
    base.execute("CREATE VIEW people AS SELECT * FROM whole SEMI JOIN names USING (user)")
    return next(name for name in PAGE_COLUMNS if name in columns)


def _copy(base: Any, query: str, target: Path) -> None:
    base.execute(
        f"COPY ({query}) TO '{quoted(target)}' "
        f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP}, USE_TMP_FILE false)"
    )  # into the draft itself: a file of DuckDB's own would stay behind a kill


@dataclass(frozen=True)
class WholeWiki:
    """An imported wiki.

    Attributes
    ----------
    folder
        What `import_wiki` wrote.
    """

    folder: Path

    @property
    def about(self) -> dict[str, Any]:
        """Accounts, edits, and what the source was called.

        Raises
        ------
        StoreError
            If the folder is no imported wiki.
        """
        try:
            known: dict[str, Any] = json.loads((self.folder / ABOUT).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise StoreError(
                self.folder, "it is not an imported wiki.", "Run `sockgraph import-wiki` first."
            ) from error
        return known

    def made_of(self, source: Path) -> bool:
        """Whether the wiki was imported from this very table, as it is now."""
        if not (self.folder / ABOUT).exists():
            return False
        return bool(self.about.get("files") == identity(files_of(source)))

    def edits_of(
        self,
        users: Sequence[str],
        *,
        newest: int | None = None,
        days: tuple[str, str] | None = None,
    ) -> pd.DataFrame:
        """Return edits of these accounts, by account and time; only their row groups are read.

        Parameters
        ----------
        users
            As the wiki writes them.
        newest
            Of each so many; default: all.
        days
            The first and the last, as 2024-05-31; default: all.

        Raises
        ------
        StoreError
            If the folder is no imported wiki.
        """
        where = f"user IN ({', '.join('?' for _ in users) or 'NULL'})"
        if days is not None:
            where += " AND timestamp >= ?::TIMESTAMP AND timestamp < ?::TIMESTAMP + INTERVAL 1 DAY"
        if newest is not None:
            latest = "PARTITION BY user ORDER BY timestamp DESC, rev_id DESC"
            where += f" QUALIFY row_number() OVER ({latest}) <= {newest}"
        edits: pd.DataFrame = self.ask(
            f"SELECT * FROM edits WHERE {where} ORDER BY user, timestamp, rev_id",
            [*users, *(days or ())],
        ).to_pandas()
        return edits

    def ask(self, query: str, values: Sequence[Any] = (), **tables: Any) -> Any:
        """Answer a question in DuckDB's SQL.

        Parameters
        ----------
        query
            May read `edits` and `pages` (page, user, degree), and the tables given by name.
        values
            For the question marks in it.

        Returns
        -------
        pyarrow.Table
        """
        _ = self.about
        with open_duckdb(MEMORY, self.folder) as base:
            for name, file in (("edits", EDITS), ("pages", PAGES)):
                place = literal(self.folder / file)
                base.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{place}')")
            for name, table in tables.items():
                base.register(name, table)
            found = base.sql(query, params=list(values)) if values else base.sql(query)
            return found.to_arrow_table()

    def explain(self, user: str, partners: Sequence[str]) -> pd.DataFrame:
        """Return what lies behind an account's candidates: the pages shared, and the co-edits.

        Parameters
        ----------
        user
            The account.
        partners
            Its candidates, e.g. `user_b` of its rows in `candidates.parquet`.

        Returns
        -------
        DataFrame
            A row for each partner and shared page: `user_b`, `page`, `degree` (accounts that edited
            it), `weight` (w_p**2), `coedits_1h`, and `rev_ids`: up to five pairs of revisions
            within an hour, closest first; by partner, then heaviest page first.
        """
        query = BEHIND.format(
            page=self.about["page"], partners=", ".join("?" for _ in partners) or "NULL"
        )
        found: pd.DataFrame = self.ask(query, [user, *partners]).to_pandas()
        weight = page_weights(self.about["accounts"], found["degree"].to_numpy()) / FIXED_POINT
        found.insert(3, "weight", weight)
        return found.sort_values(
            ["user_b", "weight", "page"], ascending=[True, False, True], ignore_index=True
        )


class WikiSource(TableSource):
    """A folder that `import_wiki` wrote, named by a case as its table; many cases can share it.

    Parameters
    ----------
    case
        Its `[source]` names the folder as `path`, and optionally `accounts` and `log_events`.
    folder
        The folder, where the case names the table or dump that it was imported from.
    story
        What the provenance then says of that table or dump, `files` (names and hashes) among it.

    Raises
    ------
    StoreError
        If the folder is no imported wiki.
    """

    def __init__(
        self, case: Case, folder: Path | None = None, *, story: Mapping[str, Any] | None = None
    ) -> None:
        self._case = case
        self._path = folder or case.beside(case.source.path or Path())
        self._story = dict(story or {})
        self._wiki = WholeWiki(self._path)
        self._page = self._wiki.about["page"]
        self._loaded = frozenset[str]()
        self._cleaned = CleanedEdits(empty("edits"), empty("edits"), {})
        self._raw, self.dropped = self._cleaned.edits, dict[str, int]()

    def everyone(self) -> list[str]:
        """Return every account with at least `min_edits` distinct edit times; no bots."""
        times = self._wiki.ask(
            "SELECT user, count(DISTINCT timestamp) AS times FROM edits "
            "WHERE timestamp >= ?::TIMESTAMP AND timestamp < ?::TIMESTAMP + INTERVAL 1 DAY "
            "GROUP BY user ORDER BY user",
            self._days,
        ).to_pandas()
        names = times["user"][times["times"] >= self._case.accounts.min_edits]
        kept = [name for name in names if not self._is_bot(name)]
        self.dropped["bots, by group or by name"] = len(names) - len(kept)
        self.dropped["accounts with fewer edit times than min_edits"] = len(times) - len(names)
        return kept

    def resolve(self, names: Sequence[str]) -> dict[str, str]:
        """Return how the wiki writes each name, as given or as MediaWiki would."""
        asked = sorted({written for n in names for written in (n, normal_name(n))})
        known = set(self._wiki.edits_of(asked)["user"]) | set(self._facts["user"])
        found = {n: n if n in known else normal_name(n) for n in names}
        self._refuse_unknown([name for name, written in found.items() if written not in known])
        return found

    def account_facts(self, users: Sequence[str]) -> pd.DataFrame:
        """Return `accounts` without `role`; what the wiki does not say is null."""
        self._load(users)
        return super().account_facts(users)

    def read(self, users: Sequence[str]) -> ReadResult:
        """Return these accounts' edits, newest `max_edits` of each, within the window."""
        self._load(users)
        return super().read(users)

    def bots(self, users: Sequence[str]) -> list[str]:
        """Return which of these are bots, by group or by name."""
        return [name for name in users if self._is_bot(name)]

    def newest(self, users: Sequence[str]) -> pd.DataFrame:
        """Return these accounts' newest `max_edits` within the window, and hold none of them.

        What is older is not even counted: an account with exactly so many may have more.
        """
        most = self._case.accounts.max_edits
        frame = self._wiki.edits_of(list(users), newest=most, days=self._days)
        return clean_edits(frame, self._path, self._case.wiki, part=True).edits

    def neighbours(self, edits: pd.DataFrame) -> pd.DataFrame:
        """Return who else edited the pages of `edits`, most shared pages first."""
        pages = pa.array(edits[self._page].dropna().unique())
        shared: pd.DataFrame = self._wiki.ask(
            "SELECT user, count(*) AS shared_pages FROM pages SEMI JOIN wanted USING (page) "
            "ANTI JOIN own USING (user) GROUP BY user ORDER BY shared_pages DESC, user",
            wanted=pa.table({"page": pages}),
            own=pa.table({"user": pa.array(edits["user"].unique(), pa.string())}),
        ).to_pandas()
        people: pd.DataFrame = shared.loc[[not self._is_bot(name) for name in shared["user"]]]
        self.dropped["bots left out of the reference"] = len(shared) - len(people)
        return people.reset_index(drop=True)

    def activity(self, users: Sequence[str]) -> pd.DataFrame:
        """Return nothing of these accounts' activity: only what is looked up is held."""
        return unknown_activity(users)

    def background(self, users: Sequence[str]) -> pd.DataFrame:
        """Return nothing: of everybody else, only what is looked up is held."""
        return _within(self._raw[~self._raw["user"].isin(users)], self._case.window).iloc[:0]

    def discussions(self, pages: Sequence[str]) -> Discussion:
        """Refuse: an imported wiki holds no texts.

        Raises
        ------
        SourceError
            Always.
        """
        raise SourceError(
            f"[discussions] ({', '.join(pages)})",
            "an imported wiki holds no texts.",
            "Read the wiki itself or its pages-meta-history dump, or remove [discussions].",
        )

    def provenance(self) -> dict[str, Any]:
        """Return the imported files' hashes, what was imported, and the time of the newest edit."""
        newest = self._wiki.ask("SELECT strftime(max(timestamp), '%Y-%m-%dT%H:%M:%S') FROM edits")
        return {
            "kind": "table",
            "imported": self._wiki.about,
            "read_on": f"{newest[0][0].as_py()}+00:00",
            "requests": {},
            **(self._story or {"files": identity([self._path / EDITS, self._path / ABOUT])}),
        }

    @property
    def _days(self) -> tuple[str, str]:
        window = self._case.window
        return str(window.start or "1970-01-01"), str(window.end or "2105-12-31")

    def _load(self, users: Sequence[str]) -> None:
        """Look up the edits of accounts that were not looked up yet."""
        wanted = sorted(set(users) - self._loaded)
        self._loaded |= set(wanted)
        frame = self._wiki.edits_of(wanted)
        if len(frame):
            found = clean_edits(frame, self._path, self._case.wiki, part=True)
            self._raw = pd.concat([self._raw, found.edits], ignore_index=True)
            for why, n in found.dropped.items():
                self.dropped[why] = self.dropped.get(why, 0) + n


COMMUNITY = 15
"""Accounts drawn together."""
DRAWN = (
    f"drawn by seed from the whole wiki: accounts by lot, each with {COMMUNITY - 1} others who "
    "edited its pages, weight = pages shared; no bots, none blocked as a sock"
)


def draw_reference(source: WikiSource, wanted: int, seed: int) -> list[str]:
    """Return so many accounts with enough edits, or all there are; in alphabetical order."""
    rng = np.random.default_rng([seed, wanted])
    everyone = source.everyone()
    eligible = set(everyone) - source.blocked_as_sock(everyone)
    chosen: list[str] = []
    for place in rng.permutation(len(everyone)):
        if len(chosen) >= wanted:
            break
        centre = everyone[place]
        if centre in eligible:
            others = _others(source, centre, eligible - {centre}, rng)
            chosen += [centre, *others]
            eligible -= {centre, *others}
    return sorted(chosen[:wanted])


def _others(
    source: WikiSource, centre: str, eligible: set[str], rng: np.random.Generator
) -> list[str]:
    """Draw from those who edited the same pages, by exponential keys, as in `reference`."""
    pool = source.neighbours(source.newest([centre]))
    pool = pool[pool["user"].isin(eligible)]
    keys = rng.exponential(size=len(pool)) / pool["shared_pages"].to_numpy(float)
    return [str(name) for name in pool["user"].iloc[np.argsort(keys)[: COMMUNITY - 1]]]
