# ruff: noqa: S608 - paths go into queries quoted, names as values
"""A whole wiki, imported once and shared by cases: sorted Parquet, found by index and not by scan.

`edits.parquet` is sorted by account, `pages.parquet` (who edited what) by page: Parquet's own
statistics say which few row groups hold a name or a page. DuckDB sorts within a stated amount of
memory, and answers any other question: `duckdb -c "FROM 'wiki/edits.parquet' LIMIT 5"`.
"""

from __future__ import annotations

import contextlib
import json
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sockgraph.account_names import kind_of
from sockgraph.errors import ScreeningError, StoreError, TableError
from sockgraph.runtime import Progress, silent
from sockgraph.screening.definition import CLOSE, FIXED_POINT, page_weights
from sockgraph.screening.reading import lay_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pandas as pd

EDITS, PAGES, ABOUT = "edits.parquet", "pages.parquet", "wiki.json"
LEARNT = "calibration-"
"""What begins the names of files that keep what a reference of the wiki taught."""
ROW_GROUP = 32_768
MEMORY = 1 << 30
NAMED = 5  # pairs of revisions that stand for a page's co-edits
PAGE_COLUMNS = ("page_id", "title")


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
    from sockgraph.store.files import make_folder, whole_file, write_bytes  # noqa: PLC0415

    layout = lay_out(source)
    progress("hashing the table", 0, None)
    files = identity(layout.files)
    base = connect(memory, make_folder(folder))
    page = _page_column(layout.columns)
    try:
        with (
            _told(source, folder),
            whole_file(folder / EDITS) as edits,
            whole_file(folder / PAGES) as pages,
        ):
            rows = _rows_of(base, layout.files, layout.columns)
            by_account = f"SELECT * FROM {rows} ORDER BY user, timestamp, rev_id"
            with _heard(base, "sorting edits by account", progress):
                _copy(base, by_account, edits)
            pairs = f"SELECT DISTINCT {page} AS page, user FROM {rows}"
            pairs = f"SELECT *, count(*) OVER (PARTITION BY page) AS degree FROM ({pairs})"
            with _heard(base, "sorting edits by page", progress):
                _copy(base, f"{pairs} ORDER BY page, user", pages)
            accounts = base.sql(f"SELECT count(DISTINCT user) FROM {rows}").fetchall()[0][0]
            (folder / ABOUT).unlink(missing_ok=True)  # until both are in place, it is no wiki
            for learnt in folder.glob(f"{LEARNT}*"):  # it holds edits of before
                learnt.unlink()
    finally:
        base.close()
    about = {
        "accounts": accounts,
        "edits": pq.read_metadata(folder / EDITS).num_rows,
        "source": source.name,
        "page": page,
        "files": files,
    }
    write_bytes(folder / ABOUT, (json.dumps(about, indent=1) + "\n").encode())
    return WholeWiki(folder)


@contextlib.contextmanager
def _told(source: Path, folder: Path) -> Iterator[None]:
    """Say what DuckDB could not do, and what to do about it."""
    errors = _duckdb()
    try:
        yield
    except errors.OutOfMemoryException as error:
        raise ScreeningError(
            source, f"sorting it takes more ({_first_line(error)}).", "Allow more with --memory."
        ) from error
    except errors.IOException as error:
        raise StoreError(
            folder,
            f"it cannot be written ({_first_line(error)}).",
            "Free space, or choose another.",
        ) from error
    except (errors.Error, RuntimeError) as error:
        if "interrupt" in str(error).lower():  # what DuckDB makes of Ctrl-C, in several words
            raise KeyboardInterrupt from error
        if isinstance(error, RuntimeError):
            raise
        raise TableError(
            source, f"it cannot be sorted: {_first_line(error)}.", "Correct the table."
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".")


def identity(files: Sequence[Path]) -> dict[str, str]:
    """Return each file's name and SHA-256."""
    from sockgraph.store import sha256  # noqa: PLC0415

    return {file.name: sha256(file) for file in files}


def _duckdb() -> Any:
    try:
        import duckdb  # noqa: PLC0415
    except ImportError as error:
        raise ScreeningError(
            "a whole wiki", "needs DuckDB.", "pip install 'sockgraph[screen]'"
        ) from error
    return duckdb


def connect(memory: int, scratch: Path) -> Any:
    """Open DuckDB within so many bytes; what does not fit is set aside in `scratch`."""
    base = _duckdb().connect()
    base.execute(f"SET memory_limit = '{memory // 2**20}MiB'")
    base.execute(f"SET temp_directory = '{quoted(scratch / '.sorting')}'")
    base.execute("SET enable_progress_bar = true")  # so that it counts
    base.execute("SET enable_progress_bar_print = false")
    return base


@contextlib.contextmanager
def _heard(base: Any, stage: str, progress: Progress) -> Iterator[None]:
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


def quoted(path: Path) -> str:
    """Write a path as it stands between the quotes of an SQL string."""
    return str(path).replace("'", "''")


def _rows_of(base: Any, files: Sequence[Path], columns: Sequence[str]) -> str:
    """Name the source's rows, those without a user or of no account left out."""
    listed = ", ".join(f"'{quoted(file)}'" for file in files)
    reader = "read_csv_auto" if files[0].suffix.lower() == ".csv" else "read_parquet"
    table = f"{reader}([{listed}])"
    if "user" not in columns:
        table = f"(SELECT *, '#' || user_id AS user FROM {table})"
    if "rev_id" not in columns:
        table = f"(SELECT *, row_number() OVER () AS rev_id FROM {table})"
    users = base.sql(f"SELECT DISTINCT user FROM {table} WHERE user IS NOT NULL")
    names = [name for (name,) in users.fetchall() if kind_of(name) == 0]
    base.register("people", pa.table({"user": names}))
    return f"(SELECT * FROM {table} SEMI JOIN people USING (user))"


def _page_column(columns: Sequence[str]) -> str:
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
        return bool(self.about.get("files") == identity(lay_out(source).files))

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
        base = connect(MEMORY, self.folder)
        for name, file in (("edits", EDITS), ("pages", PAGES)):
            place = quoted(self.folder / file)
            base.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{place}')")
        for name, table in tables.items():
            base.register(name, table)
        found = base.sql(query, params=list(values)) if values else base.sql(query)
        answer = found.to_arrow_table()
        base.close()
        return answer

    def degrees(self, pages: Sequence[Any]) -> dict[Any, int]:
        """Return how many accounts edited each of these pages."""
        found = self.ask(
            "SELECT page, any_value(degree) AS degree FROM pages SEMI JOIN wanted USING (page) "
            "GROUP BY page",
            wanted=pa.table({"page": pa.array(list(pages))}),
        )
        return dict(zip(found["page"].to_pylist(), found["degree"].to_pylist(), strict=True))

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
        import pandas as pd  # noqa: PLC0415 - the engines start without it

        page = self.about["page"]
        edits = self.edits_of([user, *partners]).dropna(subset=[page])
        seconds = edits["timestamp"].astype("datetime64[s, UTC]").astype("int64")
        edits = edits.assign(page=edits[page], second=seconds)[["user", "page", "second", "rev_id"]]
        mine = edits[edits["user"] == user].drop(columns="user")
        theirs = edits[edits["user"] != user].rename(columns={"user": "user_b"})
        shared = theirs[theirs["page"].isin(set(mine["page"]))]
        whole = shared[["user_b", "page"]].drop_duplicates()
        degree = self.degrees(list(whole["page"].unique()))
        whole = whole.assign(degree=whole["page"].map(degree).astype("int64"))
        weight = page_weights(self.about["accounts"], whole["degree"].to_numpy())
        whole = whole.assign(weight=weight / FIXED_POINT)
        close = _close_pairs(mine, shared).astype({"user_b": whole["user_b"].dtype})
        close = close.astype({"page": whole["page"].dtype})
        whole = whole.merge(close, on=["user_b", "page"], how="left")
        none: Any = pd.Series([[] for _ in range(len(whole))], index=whole.index, dtype=object)
        whole = whole.assign(
            coedits_1h=whole["coedits_1h"].fillna(0).astype("int64"),
            rev_ids=whole["rev_ids"].where(whole["rev_ids"].notna(), none),
        )
        return whole.sort_values(
            ["user_b", "weight", "page"], ascending=[True, False, True], ignore_index=True
        )


def _close_pairs(mine: pd.DataFrame, theirs: pd.DataFrame) -> pd.DataFrame:
    """Count the pairs of edits within an hour by partner and page, and name the closest."""
    import pandas as pd  # noqa: PLC0415 - the engines start without it

    pages = pd.Index(mine["page"].unique())
    mine = mine.assign(at=_moments(pages, mine)).sort_values("at", kind="stable")
    theirs = theirs.assign(at=_moments(pages, theirs))
    low = np.searchsorted(mine["at"], theirs["at"] - CLOSE, side="left")
    high = np.searchsorted(mine["at"], theirs["at"] + CLOSE, side="right")
    near = theirs.assign(low=low, high=high, coedits_1h=high - low)
    near = near[near["coedits_1h"] > 0]
    counts = near.groupby(["user_b", "page"])["coedits_1h"].sum()
    closest = near.groupby(["user_b", "page"])[["at", "rev_id", "low", "high"]].apply(
        lambda rows: _closest(mine, rows)
    )
    if counts.empty:
        return pd.DataFrame({name: [] for name in ("user_b", "page", "coedits_1h", "rev_ids")})
    return counts.to_frame().assign(rev_ids=closest).reset_index()


def _moments(pages: pd.Index, rows: pd.DataFrame) -> Any:
    """Return times that tell pages apart too: no hour reaches from one page into the next."""
    index: Any = pages
    return index.get_indexer(rows["page"]) * (1 << 34) + rows["second"].to_numpy()


def _closest(mine: pd.DataFrame, rows: pd.DataFrame) -> list[str]:
    revs, times = mine["rev_id"].to_numpy(), mine["at"].to_numpy()
    found = [
        (abs(int(times[i]) - at), f"{revs[i]}:{rev}")
        for at, rev, low, high in rows.itertuples(index=False, name=None)
        for i in range(low, high)
    ]
    return [pair for _, pair in sorted(found)[:NAMED]]
