# ruff: noqa: S608 - names of columns and views are ours
"""The Spark engine: the same table from a cluster, reading the same Parquet.

SQL cleans, numbers and joins; accounts are dealt into blocks, and a worker compares those of two
blocks in the same compiled loop as the local engine. No worker needs the whole, and no page is too
large, since its accounts are dealt too.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from sockgraph.errors import ScreeningError, TableError
from sockgraph.names import ACCOUNT, BLANK, KINDS, kind_of
from sockgraph.runtime import Progress, silent
from sockgraph.screening import (
    CLOSE,
    MICRO,
    MIN_SHARED,
    MONDAY,
    TOP,
    page_weights,
)
from sockgraph.screening.candidates import COLUMNS
from sockgraph.screening.edits import require
from sockgraph.screening.kernels import transpose
from sockgraph.screening.partners import best_partners
from sockgraph.sources.cleaning import TWICE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

INCIDENCES_A_BLOCK = 8_000_000
LEAST_BLOCKS = 2
LABELS = """
SELECT *, CASE WHEN id IS NULL THEN name ELSE min(name) OVER (PARTITION BY id) END AS label
  FROM raw WHERE trim(name) <> '' AND page IS NOT NULL
"""
ACCOUNTS = """
SELECT label, bigint(row_number() OVER (ORDER BY id NULLS LAST, label) - 1) AS account
  FROM kinds WHERE kind = 0
"""
ONCE = """
SELECT rev, count(*) AS n, min(account) AS account, min(page) AS page, min(second) AS second,
       min(account) <> max(account) OR min(page) <> max(page)
       OR min(second) <> max(second) AS unlike
  FROM every GROUP BY rev
"""
PAGES = """
SELECT page, count(*) AS degree, row_number() OVER (ORDER BY page) - 1 AS number
  FROM (SELECT DISTINCT account, page FROM edits) GROUP BY page
"""
ROWS = """
SELECT account, sum(weight) AS mass, collect_list(number) AS pages, collect_list(weight) AS weights
  FROM (SELECT DISTINCT account, page FROM edits) JOIN pages USING (page)
  JOIN weights USING (degree) GROUP BY account HAVING count(*) >= {least}
"""
BEST = """
SELECT * FROM (
  SELECT *, row_number() OVER (PARTITION BY a ORDER BY micro DESC, shared DESC, b) AS rank
    FROM (SELECT DISTINCT * FROM compared)) WHERE rank <= {top}
"""
COEDITS = """
WITH times AS (SELECT account, page, second, count(*) AS n FROM edits GROUP BY ALL),
near AS (SELECT *, explode(sequence(second DIV {close} - 1, second DIV {close} + 1)) AS slot
           FROM times)
SELECT x.account AS low, y.account AS high, sum(x.n * y.n) AS times
  FROM times x JOIN near y ON x.page = y.page AND x.second DIV {close} = y.slot
   AND x.account < y.account AND abs(x.second - y.second) <= {close} GROUP BY ALL
"""
"""Edits of one second count at once, so that a burst costs no more than its seconds."""
HOURS = """
SELECT account, pmod((second - {monday}) DIV 3600, 168) AS hour, count(*) AS n
  FROM edits GROUP BY ALL
"""
ALIKE = """
WITH norms AS (SELECT account, sum(n * n) AS norm FROM hours GROUP BY account)
SELECT a, b, floor(sum(x.n * y.n) / sqrt(double(any_value(p.norm)) * double(any_value(q.norm)))
                   * 1e6 + 0.5) AS alike
  FROM best JOIN hours x ON x.account = a JOIN hours y ON y.account = b AND y.hour = x.hour
  JOIN norms p ON p.account = a JOIN norms q ON q.account = b GROUP BY a, b
"""
CANDIDATES = """
SELECT x.label AS user_a, int(rank) AS rank, y.label AS user_b, int(shared) AS shared_pages,
       micro / double({micro}) AS weighted_overlap, bigint(coalesce(times, 0)) AS coedits_1h,
       coalesce(alike, 0) / double({micro}) AS hours_cosine
  FROM best JOIN accounts x ON x.account = a JOIN accounts y ON y.account = b
  LEFT JOIN coedits ON low = least(a, b) AND high = greatest(a, b)
  LEFT JOIN alike USING (a, b) ORDER BY user_a, rank
"""


@dataclass(frozen=True)
class SparkCandidates:
    """Every account's best partners, on the cluster.

    Attributes
    ----------
    frame
        The rows of `candidates.parquet`, in order; write it from here where it is too large for the
        driver.
    accounts, rows, dropped
        Accounts with at least one edit, rows read, rows left out by reason.
    """

    frame: DataFrame
    accounts: int
    rows: int
    dropped: dict[str, int]

    def batches(self) -> Iterator[Any]:
        """Yield the rows as Arrow record batches; they pass through the driver."""
        yield from self.frame.toArrow().cast(COLUMNS).to_batches()


def screen_spark(
    path: Path | str,
    *,
    top: int = TOP,
    window: tuple[int, int] | None = None,
    session: SparkSession | None = None,
    progress: Progress = silent,
    **_local: object,
) -> SparkCandidates:
    """Find every account's best partners on a cluster, as `screen` says it.

    Parameters
    ----------
    path
        A Parquet file or folder, or any address that Spark reads (`hdfs://…`, `s3a://…`).
    session
        The Spark session; the active one, or a new one with Spark's own settings, where None.
    """
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    spark = session or SparkSession.getActiveSession()
    spark = spark or SparkSession.builder.appName("sockgraph screen").getOrCreate()
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    work = _Work(spark, str(path), progress)
    work.clean(window)
    accounts = work.compare(top)
    frame = spark.sql(CANDIDATES.format(micro=MICRO))
    return SparkCandidates(frame, accounts, work.rows, work.dropped)


class _Work:
    """One screening: the session, and what was counted on the way."""

    def __init__(self, spark: SparkSession, path: str, progress: Progress) -> None:
        self._spark, self._path, self._progress = spark, path, progress
        self.rows, self.dropped = 0, dict[str, int]()

    def _view(self, name: str, query: str | DataFrame, *, hold: bool = True) -> DataFrame:
        """Name a query's rows; they are kept for the queries that follow."""
        self._progress(f"screening on Spark: {name}", 0, None)
        frame = self._spark.sql(query) if isinstance(query, str) else query
        frame = frame.persist() if hold else frame
        frame.createOrReplaceTempView(name)
        return frame

    def _one(self, query: str) -> Any:
        return self._spark.sql(query).collect()[0]

    def _drop(self, why: str, n: int | None) -> None:
        if n:
            self.dropped[why] = self.dropped.get(why, 0) + int(n)

    def clean(self, window: tuple[int, int] | None) -> None:
        """Make the views `accounts` (label, account) and `edits` (account, page, second)."""
        columns = self._read()
        self.rows, nobody, nowhere = self._one(
            "SELECT count(*), count_if(name IS NULL OR trim(name) = ''), "
            "count_if(trim(name) <> '' AND page IS NULL) FROM raw"
        )
        if not self.rows:
            raise TableError(self._path, "it has no rows.", "Give a table with edits.")
        self._drop(KINDS[BLANK], nobody)
        self._drop("rows without a page", nowhere)
        self._view("labelled", LABELS)
        grouped = "SELECT label, min(id) AS id, count(*) AS n FROM labelled GROUP BY label"
        schema = "label string, id long, n long, kind int"
        self._view("kinds", self._spark.sql(grouped).mapInArrow(_with_kind, schema))
        for kind, n in self._spark.sql("SELECT kind, sum(n) FROM kinds GROUP BY kind").collect():
            if kind != ACCOUNT:
                self._drop(KINDS[kind], n)
        self._view("accounts", ACCOUNTS)
        every = "SELECT account, page, second, rev FROM labelled JOIN accounts USING (label)"
        self._view("every", every, hold=False)
        edits = "every"
        if "rev_id" in columns:
            edits = self._once()
        where = "" if window is None else f"second >= {window[0]} AND second < {window[1]}"
        if where:
            left_out = self._one(f"SELECT count(*) FROM {edits} WHERE NOT ({where})")[0]
            self._drop("rows outside the window", left_out)
        query = f"SELECT account, page, second FROM {edits} WHERE {where or 'true'}"
        if self._view("edits", query).isEmpty():
            raise TableError(
                self._path, "it has no edits of registered accounts.", "Give another file."
            )

    def _read(self) -> list[str]:
        """Make the view `raw`: id, name, page, second, rev, null where the table does not say."""
        try:
            table = self._spark.read.parquet(self._path)
        except Exception as error:
            raise ScreeningError(
                self._path, f"Spark cannot read it: {str(error).splitlines()[0]}.", "Check it."
            ) from error
        has = table.columns
        require(self._path, has)
        self._view("source", table, hold=False)
        # MediaWiki gives 0 to whoever and whatever has no id
        ids = "nullif(bigint(user_id), 0)" if "user_id" in has else "bigint(NULL)"
        pages = ["string(nullif(bigint(page_id), 0))"] if "page_id" in has else []
        if "title" in has:
            pages.append("CASE WHEN trim(title) <> '' THEN concat('title:', title) END")
        user = "`user`" if "user" in has else f"concat('#', {ids})"
        self._view(
            "raw",
            f"SELECT {ids} AS id, {user} AS name, coalesce({', '.join(pages)}) AS page, "
            "unix_seconds(timestamp(timestamp)) AS second, "
            f"{'bigint(rev_id)' if 'rev_id' in has else 'bigint(NULL)'} AS rev FROM source",
        )
        return list(has)

    def _once(self) -> str:
        """Keep one row a revision; refuse one that stands twice and differently."""
        if self._one("SELECT count(*) FROM raw WHERE rev IS NULL")[0]:
            raise TableError(
                self._path, "rev_id is null in some rows.", "Fill it in, or leave it out."
            )
        self._view("once", ONCE)
        wrong, twice = self._one("SELECT min(CASE WHEN unlike THEN rev END), sum(n - 1) FROM once")
        if wrong is not None:
            raise TableError(
                self._path,
                f"rev_id {wrong} stands twice and differently.",
                "A revision has one page, one account and one time: correct these rows.",
            )
        self._drop(TWICE, twice)
        return "once"

    def compare(self, top: int) -> int:
        """Make the views that the candidates are joined from; return N."""
        n = int(self._one("SELECT count(DISTINCT account) FROM edits")[0])
        degrees = [
            row[0] for row in self._view("pages", PAGES).select("degree").distinct().collect()
        ]
        weights = page_weights(n, np.array(degrees, np.int64)).tolist()
        weighed = list(zip(degrees, weights, strict=True))
        self._view("weights", self._spark.createDataFrame(weighed, "degree long, weight long"))
        self._view("rows", ROWS.format(least=MIN_SHARED))
        total = int(self._one("SELECT coalesce(sum(size(pages)), 0) FROM rows")[0])
        blocks = max(LEAST_BLOCKS, -(-total // INCIDENCES_A_BLOCK))
        dealt = self._spark.sql(
            f"SELECT *, least(block, other) * {blocks} + greatest(block, other) AS task FROM ("
            f"SELECT *, account % {blocks} AS block, explode(sequence(0, {blocks - 1})) AS other "
            "FROM rows) WHERE block <> other"
        )
        compared = dealt.groupBy("task").applyInArrow(
            _compared(top), "a long, b long, micro long, shared long"
        )
        self._view("compared", compared)
        self._view("best", BEST.format(top=top))
        self._view("coedits", COEDITS.format(close=CLOSE))
        self._view("hours", HOURS.format(monday=MONDAY))
        self._view("alike", ALIKE)
        return n


def _with_kind(batches: Iterable[Any]) -> Iterator[Any]:
    for batch in batches:
        kinds = [kind_of(name) for name in batch.column("label").to_pylist()]
        yield pa.RecordBatch.from_arrays(
            [*batch.columns, pa.array(kinds, pa.int32())], [*batch.schema.names, "kind"]
        )


def _compared(top: int) -> Any:
    """Return what a worker does: compare all accounts of two blocks."""

    def compare(table: Any) -> Any:
        table = table.sort_by("account").combine_chunks()
        accounts, mass = (table[name].to_numpy() for name in ("account", "mass"))
        lists, weighed = (table[name].combine_chunks() for name in ("pages", "weights"))
        starts = np.concatenate([[0], np.cumsum(lists.value_lengths().to_numpy())])
        numbers, pages = np.unique(lists.flatten().to_numpy(), return_inverse=True)
        weights = np.zeros(numbers.size, np.int64)
        weights[pages] = weighed.flatten().to_numpy()
        by_page = transpose(starts.astype(np.int64), pages.astype(np.int32), numbers.size)
        best = best_partners(by_page, weights, mass, top=top)
        return pa.table(
            {
                "a": np.repeat(accounts, np.diff(best.starts)),
                "b": accounts[best.partners],
                "micro": best.micro,
                "shared": best.shared,
            }
        )

    return compare
