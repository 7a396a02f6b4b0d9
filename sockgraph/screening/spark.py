"""The Spark engine: the same table from a cluster, reading the same Parquet.

Accounts are dealt into blocks; a worker gets two blocks with their pages, and meets each account
of one with each of the other in the same compiled loop as the local engine. Edits are dealt by page
for co-edits. No worker needs the whole, and no page is too large, since its accounts are dealt too.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as sf

from sockgraph.account_names import BLANK, KINDS, kind_of
from sockgraph.errors import ScreeningError, TableError
from sockgraph.runtime import Progress, silent
from sockgraph.screening.blocks import block_pair, coedits
from sockgraph.screening.candidates import CODED, COLUMNS
from sockgraph.screening.definition import (
    MICRO,
    MIN_SHARED,
    MONDAY,
    TOP,
    page_weights,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

INCIDENCES_A_BLOCK = 8_000_000
EDITS_A_BUCKET = 4_000_000
LEAST_BLOCKS = 2
STEPS = 6


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
    spilled: int = 0

    def batches(self) -> Iterator[Any]:
        """Yield the rows as Arrow record batches; they pass through the driver."""
        table = self.frame.toArrow().cast(COLUMNS).combine_chunks()
        for name in ("user_a", "user_b"):
            place = table.schema.get_field_index(name)
            table = table.set_column(place, name, table[name].dictionary_encode())
        yield from table.cast(CODED).to_batches()


def screen_spark(
    path: Path | str,
    *,
    top: int = TOP,
    window: tuple[int, int] | None = None,
    session: SparkSession | None = None,
    progress: Progress = silent,
    **_local: object,
) -> SparkCandidates:
    """Find every account's best partners in a table of edits, on a cluster.

    Parameters
    ----------
    path
        A Parquet file or folder, or any address that Spark reads (`hdfs://…`, `s3a://…`).
    top
        Partners an account, at most.
    window
        First second that counts and first that no longer does, since 1970 UTC.
    session
        The Spark session; the active one, or a new one with Spark's own settings, where None.

    Raises
    ------
    TableError
        If a column is missing, rows contradict each other, or there are no edits of accounts.
    ScreeningError
        If the path cannot be read by Spark.
    """
    spark = session or SparkSession.getActiveSession() or _new_session()
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    work = _Work(spark, str(path), window, progress)
    edits = work.edits()
    pages, incidence, n = work.incidence(edits)
    best = work.best(edits, incidence, pages, top)
    return SparkCandidates(work.named(best, edits), n, work.rows, work.dropped)


def _new_session() -> SparkSession:
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    return SparkSession.builder.appName("sockgraph screen").getOrCreate()


class _Work:
    """One screening: the session, and what was counted on the way."""

    def __init__(
        self,
        spark: SparkSession,
        path: str,
        window: tuple[int, int] | None,
        progress: Progress,
    ) -> None:
        self._spark, self._path, self._window = spark, path, window
        self._progress, self._done = progress, 0
        self.rows, self.dropped = 0, dict.fromkeys(KINDS[1:], 0)
        self._accounts: DataFrame | None = None
        self._shared: DataFrame | None = None

    def _step(self) -> None:
        self._done += 1
        self._progress("screening on Spark", self._done, STEPS)

    def edits(self) -> DataFrame:
        """Return `account`, `page`, `second`: numbers for accounts in the order that ties take."""
        raw = self._raw().persist()
        self.rows = raw.count()
        if not self.rows:
            raise TableError(self._path, "it has no rows.", "Give a table with edits.")
        nobody = sf.col("name").isNull() | (sf.trim("name") == "")
        nowhere = sf.col("page").isNull()
        counts = raw.agg(
            sf.sum(nobody.cast("long")), sf.sum((~nobody & nowhere).cast("long"))
        ).collect()
        self._drop(KINDS[BLANK], counts[0][0])
        self._drop("rows without a page", counts[0][1])
        known = self._labelled(raw.filter(~nobody & ~nowhere))
        self._accounts = self._numbered_accounts(known)
        self._step()
        edits = self._within(self._distinct(known)).join(self._accounts, "label")
        edits = edits.select("account", "page", "second").persist()
        if edits.isEmpty():
            raise TableError(
                self._path, "it has no edits of registered accounts.", "Give another file."
            )
        self._step()
        raw.unpersist()
        return edits

    def _drop(self, why: str, n: int | None) -> None:
        self.dropped[why] = self.dropped.get(why, 0) + int(n or 0)
        self.dropped = {reason: count for reason, count in self.dropped.items() if count}

    def _raw(self) -> DataFrame:
        """Return `id`, `name`, `page`, `second`, `rev`, null where the table does not say."""
        try:
            table = self._spark.read.parquet(self._path)
        except Exception as error:
            raise ScreeningError(
                self._path, f"Spark cannot read it: {str(error).splitlines()[0]}.", "Check it."
            ) from error
        has = set(table.columns)
        for choices in (("timestamp",), ("user", "user_id"), ("title", "page_id")):
            if not set(choices) & has:
                raise TableError(
                    self._path,
                    f"column {' or '.join(choices)} is missing (it has: {', '.join(has)}).",
                    "A table of edits needs timestamp, user or user_id, title or page_id.",
                )
        ids = _id("user_id") if "user_id" in has else sf.lit(None).cast("long")
        name = sf.col("user") if "user" in has else sf.concat(sf.lit("#"), ids.cast("string"))
        page = _id("page_id").cast("string") if "page_id" in has else sf.lit(None).cast("string")
        if "title" in has:
            titled = sf.when(sf.trim("title") != "", sf.concat(sf.lit("title:"), sf.col("title")))
            page = sf.coalesce(page, titled)
        rev = sf.col("rev_id").cast("long") if "rev_id" in has else sf.lit(None).cast("long")
        second = sf.unix_seconds(sf.col("timestamp").cast("timestamp"))
        return table.select(
            ids.alias("id"),
            name.alias("name"),
            page.alias("page"),
            second.alias("second"),
            rev.alias("rev"),
        )

    def _labelled(self, rows: DataFrame) -> DataFrame:
        """Give every row one name an account: an id's least, else the row's own."""
        by_id = rows.filter(sf.col("id").isNotNull()).groupBy("id")
        least = by_id.agg(sf.min("name").alias("least"))
        joined = rows.join(least, "id", "left")
        return joined.withColumn("label", sf.coalesce("least", "name")).drop("least", "name")

    def _numbered_accounts(self, rows: DataFrame) -> DataFrame:
        """Give accounts numbers: by user id, then those without, by name."""
        grouped = rows.groupBy("label").agg(sf.min("id").alias("id"), sf.count("*").alias("n"))
        kinds = grouped.mapInArrow(_with_kind, "label string, id long, n long, kind int").persist()
        for kind, n in kinds.groupBy("kind").agg(sf.sum("n")).collect():
            if kind:
                self._drop(KINDS[kind], n)
        order = (sf.col("id").asc_nulls_last(), sf.col("label").asc())
        people = kinds.filter("kind = 0").orderBy(*order).select("label").persist()
        return _numbered(people, "label string", "account").persist()

    def _distinct(self, rows: DataFrame) -> DataFrame:
        """Keep one row a revision; refuse one that stands twice and differently."""
        if rows.filter(sf.col("rev").isNotNull()).isEmpty():
            return rows
        if not rows.filter(sf.col("rev").isNull()).isEmpty():
            raise TableError(
                self._path, "rev_id is null in some rows.", "Fill it in, or leave it out."
            )
        columns = ("label", "page", "second")
        least = [sf.min(name).alias(name) for name in columns]
        most = [sf.max(name).alias(f"{name}_max") for name in columns]
        once = rows.groupBy("rev").agg(sf.count("*").alias("n"), *least, *most).persist()
        unlike = sf.expr("false")
        for name in columns:
            unlike = unlike | (sf.col(name) != sf.col(f"{name}_max"))
        wrong = once.filter(unlike).select("rev").take(1)
        if wrong:
            raise TableError(
                self._path,
                f"rev_id {wrong[0][0]} stands twice and differently.",
                "A revision has one page, one account and one time: correct these rows.",
            )
        self._drop("rows that stand twice", once.agg(sf.sum(sf.col("n") - 1)).collect()[0][0])
        return once.select("rev", *columns)

    def _within(self, rows: DataFrame) -> DataFrame:
        if self._window is None:
            return rows
        low, high = self._window
        inside = (sf.col("second") >= low) & (sf.col("second") < high)
        self._drop("rows outside the window", rows.filter(~inside).count())
        return rows.filter(inside)

    def incidence(self, edits: DataFrame) -> tuple[DataFrame, DataFrame, int]:
        """Return the pages' numbers and weights, who edited what, and N."""
        pairs = edits.select("account", "page").distinct().persist()
        n = pairs.select("account").distinct().count()
        degrees = pairs.groupBy("page").agg(sf.count("*").alias("degree")).persist()
        known = [row[0] for row in degrees.select("degree").distinct().collect()]
        weights = page_weights(n, np.array(known, np.int64)).tolist()
        weighed = self._spark.createDataFrame(
            list(zip(known, weights, strict=True)), "degree long, weight long"
        )
        pages = degrees.join(sf.broadcast(weighed), "degree").persist()
        self._step()
        return pages, pairs.join(pages, "page"), n

    def best(self, edits: DataFrame, incidence: DataFrame, pages: DataFrame, top: int) -> DataFrame:
        """Return `a`, `b`, `micro`, `shared`, `hours` and `rank` of every account's best."""
        mass = incidence.groupBy("account").agg(sf.sum("weight").alias("mass"))
        shared = pages.filter("degree > 1").select("page").persist()
        numbers = _numbered(shared, "page string", "number").persist()
        self._shared = numbers
        lists = (
            incidence.join(numbers, "page")
            .groupBy("account")
            .agg(
                sf.collect_list("number").alias("pages"), sf.collect_list("weight").alias("weights")
            )
            .filter(sf.size("pages") >= MIN_SHARED)
        )
        hour = sf.pmod(sf.floor((sf.col("second") - MONDAY) / 3600), sf.lit(168)).cast("int")
        hours = edits.groupBy("account", hour.alias("hour")).agg(sf.count("*").alias("count"))
        hours = hours.groupBy("account").agg(
            sf.collect_list("hour").alias("hours"), sf.collect_list("count").alias("counts")
        )
        rows = lists.join(mass, "account").join(hours, "account").persist()
        blocks = max(
            LEAST_BLOCKS,
            -(-int(rows.agg(sf.sum(sf.size("pages"))).collect()[0][0] or 0) // INCIDENCES_A_BLOCK),
        )
        self._step()
        found = (
            _dealt(rows, blocks).groupBy("task").applyInArrow(_pair_of_blocks(blocks, top), BEST)
        )
        order = Window.partitionBy("a").orderBy(sf.desc("micro"), sf.desc("shared"), "b")
        ranked = found.withColumn("rank", sf.row_number().over(order))
        return ranked.filter(sf.col("rank") <= top).persist()

    def named(self, best: DataFrame, edits: DataFrame) -> DataFrame:
        """Return the rows of `candidates.parquet`, co-edits added and accounts named."""
        names, shared = self._accounts, self._shared
        assert names is not None  # noqa: S101 - edits() comes first
        assert shared is not None  # noqa: S101 - best() comes first
        buckets = max(2, -(-self.rows // EDITS_A_BUCKET))
        self._step()
        dealt = edits.join(shared, "page").select(
            sf.pmod("number", sf.lit(buckets)).alias("bucket"),
            "account",
            sf.col("number").alias("page"),
            "second",
        )
        close = dealt.groupBy("bucket").applyInArrow(_close, "a long, b long, times long")
        close = close.groupBy("a", "b").agg(sf.sum("times").alias("times"))
        keyed = best.withColumn("low", sf.least("a", "b")).withColumn("high", sf.greatest("a", "b"))
        close = close.withColumnsRenamed({"a": "low", "b": "high"})
        whole = keyed.join(close, ["low", "high"], "left")
        left = names.withColumnsRenamed({"label": "user_a", "account": "a"})
        right = names.withColumnsRenamed({"label": "user_b", "account": "b"})
        self._step()
        return (
            whole.join(left, "a")
            .join(right, "b")
            .select(
                "user_a",
                sf.col("rank").cast("int").alias("rank"),
                "user_b",
                sf.col("shared").cast("int").alias("shared_pages"),
                (sf.col("micro") / sf.lit(float(MICRO))).alias("weighted_overlap"),
                sf.coalesce("times", sf.lit(0)).cast("long").alias("coedits_1h"),
                (sf.col("hours") / sf.lit(float(MICRO))).alias("hours_cosine"),
            )
            .orderBy("user_a", "rank")
        )


BEST = "a long, b long, micro long, shared long, hours long"


def _id(name: str) -> Any:
    """Return an id column, its zeros null: MediaWiki gives 0 to whoever has no id."""
    return sf.when(sf.col(name) != 0, sf.col(name).cast("long"))


def _with_kind(batches: Iterable[Any]) -> Iterator[Any]:
    for batch in batches:
        kinds = [kind_of(name) for name in batch.column("label").to_pylist()]
        yield pa.RecordBatch.from_arrays(
            [*batch.columns, pa.array(kinds, pa.int32())], [*batch.schema.names, "kind"]
        )


def _numbered(rows: DataFrame, schema: str, name: str) -> DataFrame:
    """Give rows numbers from 0 in their order, without bringing them to one worker."""
    place = rows.withColumn("part", sf.spark_partition_id())
    counts: dict[int, int] = dict(place.groupBy("part").count().collect())
    before, seen = {}, 0
    for part in sorted(counts):
        before[part] = seen
        seen += counts[part]

    def number(batches: Iterable[Any]) -> Iterator[Any]:
        at = None
        for batch in batches:
            if not batch.num_rows:
                continue
            if at is None:
                at = before[batch.column("part")[0].as_py()]
            numbers = pa.array(np.arange(at, at + batch.num_rows, dtype=np.int64))
            at += batch.num_rows
            yield pa.RecordBatch.from_arrays(
                [*batch.columns[:-1], numbers], [*batch.schema.names[:-1], name]
            )

    return place.mapInArrow(number, f"{schema}, {name} long")


def _dealt(rows: DataFrame, blocks: int) -> DataFrame:
    """Send each account to every pair of blocks that its own is one of."""
    block = sf.pmod(sf.col("account"), sf.lit(blocks)).cast("int")
    other = sf.explode(sf.sequence(sf.lit(0), sf.lit(blocks - 1)))
    dealt = rows.withColumn("block", block).withColumn("other", other)
    low, high = sf.least("block", "other"), sf.greatest("block", "other")
    return dealt.withColumn("task", low * blocks + high).drop("other")


def _pair_of_blocks(blocks: int, top: int) -> Any:
    def work(table: Any) -> Any:
        first, second = divmod(table["task"][0].as_py(), blocks)
        return block_pair(table, first=first, second=second, top=top)

    return work


def _close(table: Any) -> Any:
    schema = pa.schema([("a", pa.int64()), ("b", pa.int64()), ("times", pa.int64())])
    return pa.Table.from_batches(coedits(table), schema)
