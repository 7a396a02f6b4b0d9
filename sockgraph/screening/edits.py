# ruff: noqa: S608 - columns are ours, paths are quoted, names go as tables
"""A whole wiki's edits in DuckDB: read, checked, cleaned, numbered and sorted by page.

DuckDB sorts within a stated amount of memory and sets the rest aside, so a table may be larger than
the machine's memory, in any order of rows.
"""

from __future__ import annotations

import contextlib
import glob
import tempfile
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sockgraph.errors import ScreeningError, StoreError, TableError
from sockgraph.names import ACCOUNT, BLANK, KINDS, kind_of
from sockgraph.sources.cleaning import TWICE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sockgraph.runtime import Progress

NEEDED = (("timestamp",), ("user", "user_id"), ("title", "page_id"))
LATEST = 1 << 32  # seconds since 1970 are held in 32 bits: until 2106
SMALL = 1 << 31
LARGEST_ID = 1 << 61  # below its negative stand the numbers of titles without a page_id
LEAST_MEMORY = 256 << 20  # DuckDB sorts nothing in less
TOTALS = """
SELECT count(*), count(page), count(rev), count(second), min(second), max(second), min(page),
       max(page)
  FROM raw
"""
SEEN = "CREATE TABLE seen AS SELECT id, name, count(*) AS n FROM raw GROUP BY id, name"
"""Every spelling of every account: a small table, by which the large one is judged."""
ACCOUNTS = """
CREATE TABLE labels AS
SELECT id, name, n,
       CASE WHEN id IS NULL THEN name ELSE min(name) OVER (PARTITION BY id) END AS label
  FROM seen WHERE trim(name) <> '';
CREATE TABLE accounts AS
SELECT label, (row_number() OVER (ORDER BY min(id) NULLS LAST, label) - 1)::INTEGER AS account
  FROM labels ANTI JOIN others USING (label) GROUP BY label;
CREATE TABLE by_id AS
SELECT DISTINCT id, account FROM labels JOIN accounts USING (label) WHERE id IS NOT NULL;
CREATE TABLE by_name AS
SELECT name, account FROM labels JOIN accounts USING (label) WHERE id IS NULL;
"""
"""An id is one account whatever its rows call it. Numbers are in the order that ties take."""
ONCE = """
CREATE TABLE once AS
SELECT rev, count(*) AS n, min(account) AS account, min(page) AS page, min(second) AS second,
       min(account) <> max(account) OR min(page) <> max(page)
       OR min(second) <> max(second) AS unlike
  FROM every GROUP BY rev
"""


def literal(path: Path) -> str:
    """Write a path to read between the quotes of an SQL string: a `*` in it is no pattern."""
    return glob.escape(quoted(path))


def quoted(path: Path | str) -> str:
    """Write a path as it stands between the quotes of an SQL string."""
    return str(path).replace("'", "''")


def duckdb() -> Any:
    """Return the module, or say how to get it."""
    try:
        import duckdb  # an extra
    except ImportError as error:
        raise ScreeningError(
            "a whole wiki", "needs DuckDB.", "pip install 'sockgraph[screen]'"
        ) from error
    return duckdb


@contextlib.contextmanager
def open_duckdb(memory: int, scratch: Path | None = None, threads: int = 2) -> Iterator[Any]:
    """Open DuckDB within so many bytes; what does not fit is set aside in `scratch`."""
    with tempfile.TemporaryDirectory(prefix=".sorting", dir=scratch) as aside:
        base = duckdb().connect()
        try:
            base.execute(
                f"SET memory_limit = '{memory // 2**20}MiB'; SET threads = {threads}; "
                f"SET temp_directory = '{quoted(aside)}'; SET TimeZone = 'UTC'; "
                "SET enable_progress_bar = true; SET enable_progress_bar_print = false"
            )
            yield base
        finally:
            base.close()


@contextlib.contextmanager
def query_progress(base: Any, stage: str, progress: Progress) -> Iterator[None]:
    """Tell, every second, how many per cent of a query DuckDB has done."""
    over = threading.Event()

    def listen() -> None:
        while not over.wait(1):
            progress(stage, max(0, int(base.query_progress())), 100)

    progress(stage, 0, 100)
    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        yield
    finally:
        over.set()
        listener.join()
    progress(stage, 100, 100)


@contextlib.contextmanager
def duckdb_errors(source: Path, scratch: Path | None) -> Iterator[None]:
    """Say what DuckDB could not do, and what to do about it."""
    errors = duckdb()
    try:
        yield
    except errors.OutOfMemoryException as error:
        raise ScreeningError(
            source, f"sorting it takes more ({_first_line(error)}).", "Allow more with --memory."
        ) from error
    except (errors.Error, RuntimeError) as error:
        said = _first_line(error)
        if "interrupt" in said.lower():  # what DuckDB makes of Ctrl-C, in several words
            raise KeyboardInterrupt from error
        if isinstance(error, errors.IOException) and "space" in said.lower():
            raise StoreError(
                scratch or tempfile.gettempdir(),
                f"it cannot be written ({said}).",
                "Free space, or choose another.",
            ) from error
        if not isinstance(error, errors.Error):
            raise
        raise TableError(
            source, f"it cannot be read: {said}.", "It may be truncated; make or copy it again."
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".")


def files_of(path: Path) -> list[Path]:
    """Return the files of a table of edits: one Parquet or CSV, or a folder's Parquet files.

    Raises
    ------
    TableError
        If there is no such table.
    """
    if path.is_dir():
        found = sorted(p for p in path.rglob("*.parquet") if not p.name.startswith("."))
        if not found:
            raise TableError(path, "the folder has no .parquet files.", "Check source.path.")
        return found
    if not path.exists():
        raise TableError(path, "there is no such file.", "Check source.path.")
    if path.suffix.lower() not in {".parquet", ".csv"}:
        raise TableError(
            path, f"{path.suffix or 'no ending'!r} is not read.", "Give a .parquet or .csv file."
        )
    return [path]


def open_edits(base: Any, path: Path, *, typed: bool = False) -> dict[str, str]:
    """Make a table of edits the view `source`; return its columns and their DuckDB types.

    A CSV's columns are text, unless DuckDB is to guess their types.

    Raises
    ------
    TableError
        If there is no such table, it cannot be read, or a column is missing.
    """
    files = files_of(path)
    csv = files[0].suffix.lower() == ".csv"
    options = f", header = true, all_varchar = {not typed}" if csv else ""
    reader = "read_csv" if csv else "read_parquet"
    listed = ", ".join(f"'{literal(file)}'" for file in files)
    base.execute(f"CREATE VIEW source AS SELECT * FROM {reader}([{listed}]{options})")
    described = base.sql("SELECT column_name, column_type FROM (DESCRIBE source)").fetchall()
    columns = {str(name): str(kind) for name, kind in described}
    require(path, columns)
    return columns


def require(path: Path | str, columns: Iterable[str]) -> None:
    """Refuse a table without the columns that screening reads."""
    for choices in NEEDED:
        if not set(choices) & set(columns):
            raise TableError(
                path,
                f"column {' or '.join(choices)} is missing (it has: {', '.join(columns)}).",
                "A table of edits needs timestamp, user or user_id, title or page_id.",
            )


@dataclass
class Edits:
    """A table of edits: who made them, and the edits by page.

    Attributes
    ----------
    base
        DuckDB, with the tables `accounts` (label, account) and `edits` (account, page, second).
    names
        Arrow array of the accounts' names, in the order that ties take.
    rows
        Rows read.
    dropped
        Rows left out, by reason.
    page_type
        What DuckDB holds pages as while it sorts: numbers of 32 bits take a sixth less time.
    """

    base: Any
    names: Any
    rows: int
    dropped: dict[str, int] = field(default_factory=dict)
    page_type: str = "BIGINT"

    def by_page(self) -> Iterator[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]]:
        """Yield page, second and account of every edit, by page and time; no page is cut."""
        sorted_rows = self.base.sql(
            f"SELECT page::{self.page_type} AS page, second::UINTEGER AS second, "
            "account::INTEGER AS account FROM edits ORDER BY page, second"
        )
        waiting = [np.empty(0, kind) for kind in (np.int64, np.uint32, np.int32)]
        for batch in pa.RecordBatchReader.from_stream(sorted_rows):
            if not batch.num_rows:
                continue
            new = map(np.from_dlpack, batch.columns)
            rows = [np.concatenate(both) for both in zip(waiting, new, strict=True)]
            whole = int(np.searchsorted(rows[0], rows[0][-1]))
            yield rows[0][:whole], rows[1][:whole], rows[2][:whole]
            waiting = [column[whole:].copy() for column in rows]
        yield waiting[0], waiting[1], waiting[2]


def check_edits(base: Any, path: Path, window: tuple[int, int] | None) -> Edits:
    """Check a table of edits, and number its accounts.

    Parameters
    ----------
    base
        DuckDB, as `open_duckdb` opens it.
    path
        A Parquet or CSV file, or a folder of Parquet files.
    window
        First second that counts and first that no longer does, since 1970 UTC; None is all.

    Raises
    ------
    TableError
        If the table is missing, damaged, contradicts itself, or has no edits of accounts.
    """
    columns = open_edits(base, path)
    base.execute(f"CREATE VIEW raw AS {_raw(base, path, columns)}")
    rows, paged, numbered, dated, *ends = base.sql(TOTALS).fetchall()[0]
    if not rows:
        raise TableError(path, "it has no rows.", "Give a table with edits.")
    if dated < rows or ends[0] < 0 or ends[1] >= LATEST:
        _undated(base, path)
    if numbered < rows and "rev_id" in columns:
        raise TableError(path, "rev_id is null in some rows.", "Fill it in, or leave it out.")
    base.execute(SEEN)
    nobody = base.sql("SELECT sum(CASE WHEN trim(name) <> '' THEN 0 ELSE n END) FROM seen")
    dropped = _number_accounts(base)
    nameless = int(nobody.fetchall()[0][0])
    dropped[KINDS[BLANK]] = dropped.get(KINDS[BLANK], 0) + nameless
    dropped["rows without a page"] = _every(base, pageless=paged < rows, nobody=nameless > 0)
    edits = "every"
    if "rev_id" in columns and not _rising(files_of(path)):
        edits, dropped[TWICE] = "once", _once(base, path)
    if window is not None:
        inside = f"second >= {window[0]} AND second < {window[1]}"
        dropped["rows outside the window"] = _count(base, f"{edits} WHERE NOT ({inside})")
        edits = f"{edits} WHERE {inside}"
    base.execute(f"CREATE VIEW edits AS SELECT account, page, second FROM {edits}")
    if not base.sql("SELECT 1 FROM edits LIMIT 1").fetchall():
        raise TableError(path, "it has no edits of registered accounts.", "Give another file.")
    names = base.sql("SELECT label FROM accounts ORDER BY account").to_arrow_table()["label"]
    left_out = {why: int(n) for why, n in dropped.items() if n}
    small = paged == rows and -SMALL <= ends[2] <= ends[3] < SMALL
    return Edits(
        base, names.combine_chunks(), int(rows), left_out, "INTEGER" if small else "BIGINT"
    )


def _raw(base: Any, path: Path, columns: dict[str, str]) -> str:
    """Return the query for id, name, page, title, second and rev, null where nothing is said."""
    ids = {name: _whole(base, path, name, columns) for name in ("user_id", "page_id", "rev_id")}
    # MediaWiki gives 0 to whoever and whatever has no id
    name = '"user"::VARCHAR' if "user" in columns else f"'#' || nullif({ids['user_id']}, 0)"
    title = "CASE WHEN trim(title) <> '' THEN title END" if "title" in columns else "NULL::VARCHAR"
    return (
        f"SELECT nullif({ids['user_id']}, 0) AS id, {name} AS name, "
        f"nullif({ids['page_id']}, 0) AS page, {title} AS title, "
        f"{_second(base, path, columns['timestamp'])} AS second, {ids['rev_id']} AS rev FROM source"
    )


def _whole(base: Any, path: Path, name: str, columns: dict[str, str]) -> str:
    """Return a column of ids as BIGINT, after a look at whether it holds only whole numbers."""
    kind = columns.get(name)
    if kind is None:
        return "NULL::BIGINT"
    if kind in {"BIGINT", "INTEGER", "UINTEGER", "SMALLINT"}:
        written = f"{name}::BIGINT"
    else:
        text = f"nullif(regexp_replace(trim({name}::VARCHAR), '\\.0+$', ''), '')"
        text = f"nullif(nullif({text}, 'nan'), 'NULL')"
        wrong = f"{text} IS NOT NULL AND NOT regexp_full_match({text}, '[+-]?[0-9]+')"
        if _count(base, f"source WHERE {wrong}"):
            raise TableError(path, f"{name} is not a whole number everywhere.", "Correct the rows.")
        written = f"TRY_CAST({text} AS BIGINT)"
        if _count(base, f"source WHERE {text} IS NOT NULL AND {written} IS NULL"):
            raise TableError(path, f"{name} holds numbers beyond 2**63.", "Correct these rows.")
    if name == "page_id" and _count(base, f"source WHERE {written} <= -{LARGEST_ID}"):
        raise TableError(path, f"{name} holds numbers below -2**61.", "Correct these rows.")
    return written


def _second(base: Any, path: Path, kind: str) -> str:
    """Return times in whole seconds since 1970; those without an offset are UTC."""
    if kind.startswith("TIMESTAMP"):
        zoned = "timestamp" if "ZONE" in kind else "timestamp::TIMESTAMP"
    elif kind == "VARCHAR":
        zoned = "TRY_CAST(timestamp AS TIMESTAMPTZ)"
        wrong = base.sql(
            f"SELECT timestamp FROM source WHERE trim(timestamp) <> '' AND {zoned} IS NULL LIMIT 1"
        ).fetchall()
        if wrong:
            raise TableError(
                path,
                f"a timestamp cannot be read: {wrong[0][0]!r}.",
                "Write times as 2024-05-31T12:00:00Z.",
            )
    else:
        raise TableError(
            path,
            f"timestamp holds {kind}.",
            "Write times as 2024-05-31T12:00:00Z or as timestamps.",
        )
    return f"(epoch_us({zoned}) // 1000000)"


def _undated(base: Any, path: Path) -> None:
    wrong = f"second IS NULL OR second < 0 OR second >= {LATEST}"
    row, second = base.sql(
        f"SELECT * FROM (SELECT row_number() OVER () AS row, second FROM raw) WHERE {wrong} LIMIT 1"
    ).fetchall()[0]
    if second is None:
        raise TableError(path, f"row {row} has no timestamp.", "Correct or remove these rows.")
    raise TableError(path, f"row {row} is dated before 1970 or after 2106.", "Correct it.")


def _number_accounts(base: Any) -> dict[str, int]:
    """Make the tables of accounts; return how many rows others have, by kind."""
    names = base.sql("SELECT DISTINCT name FROM seen WHERE trim(name) <> ''").fetchall()
    kinds = {name: kind for (name,) in names if (kind := kind_of(name)) != ACCOUNT}
    base.execute(
        "CREATE TABLE others AS SELECT unnest(?::VARCHAR[]) AS label, unnest(?::INTEGER[]) AS kind",
        [list(kinds), list(kinds.values())],
    )
    base.execute(ACCOUNTS)
    counted = base.sql("SELECT kind, sum(n) FROM labels JOIN others USING (label) GROUP BY kind")
    return {KINDS[kind]: n for kind, n in counted.fetchall()}


def _every(base: Any, *, pageless: bool, nobody: bool) -> int:
    """Make the view of all edits by number of account and page; return the rows without a page."""
    nowhere, page, titles = 0, "page", ""
    if pageless:
        page, titles = "coalesce(page, number) AS page", "LEFT JOIN titles USING (title)"
        base.execute(
            "CREATE TABLE titles AS "
            f"SELECT title, row_number() OVER () - {2 * LARGEST_ID} AS number FROM ("
            "SELECT DISTINCT title FROM raw WHERE page IS NULL AND title IS NOT NULL)"
        )
        nowhere = _count(base, "raw WHERE page IS NULL AND title IS NULL AND trim(name) <> ''")
    where = "trim(name) <> ''" if nobody else "true"
    if nowhere:
        where += " AND NOT (page IS NULL AND title IS NULL)"
    known = [("by_id", "id", "true"), ("by_name", "name", "raw.id IS NULL")]
    parts = [
        f"SELECT account, {page}, second, rev FROM raw JOIN {who} USING ({key}) {titles} "
        f"WHERE {where} AND {only}"
        for who, key, only in known
        if _count(base, who)
    ]
    empty = "SELECT 0 AS account, 0 AS page, 0 AS second, 0 AS rev WHERE false"
    base.execute(f"CREATE VIEW every AS {' UNION ALL '.join(parts) or empty}")
    return nowhere


def _rising(files: Sequence[Path]) -> bool:
    """Whether rev_ids rise from row to row, so that none stands twice: a look at one column."""
    last = None
    for file in files:
        if file.suffix.lower() == ".csv":
            return False
        for batch in pq.ParquetFile(file).iter_batches(1 << 19, columns=["rev_id"]):
            revs = batch.column(0)
            if not pa.types.is_integer(revs.type) or revs.null_count:
                return False
            values = np.from_dlpack(revs)
            if (last is not None and values[:1] <= last) or (values[1:] <= values[:-1]).any():
                return False
            last = values[-1:]
    return True


def _once(base: Any, path: Path) -> int:
    """Keep one row a revision; refuse one that stands twice and differently; return the others."""
    base.execute(ONCE)
    wrong = base.sql("SELECT min(rev) FROM once WHERE unlike").fetchall()[0][0]
    if wrong is not None:
        raise TableError(
            path,
            f"rev_id {wrong} stands twice and differently.",
            "A revision has one page, one account and one time: correct these rows.",
        )
    return int(base.sql("SELECT sum(n - 1) FROM once").fetchall()[0][0] or 0)


def _count(base: Any, rows: str) -> int:
    return int(base.sql(f"SELECT count(*) FROM {rows}").fetchall()[0][0])
