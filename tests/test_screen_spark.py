"""The Spark engine on `local[2]`: the same rows as the local engine and the oracle."""

import importlib.util
import os
import shutil
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from screen_oracle import brute
from test_screen_local import START, crowd, rows_of, table
from test_screen_sql import local_s, size_s  # noqa: F401 - fixtures

from sockgraph.errors import ScreeningError, TableError

MISSING = [
    what
    for what, there in (
        ("the spark extra", importlib.util.find_spec("pyspark")),
        ("java", shutil.which("java")),
    )
    if not there
]
if MISSING and (MISSING == ["java"] and os.environ.get("SOCKGRAPH_REQUIRE_SERVICES") == "1"):
    pytest.fail("pyspark is installed, but java is not: apt-get install default-jre-headless")
pytestmark = [
    pytest.mark.whole,
    pytest.mark.skipif(bool(MISSING), reason=f"not here: {', '.join(MISSING)}"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(scope="session")
def session(tmp_path_factory):
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    folder = tmp_path_factory.mktemp("spark")
    found = (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.memory", "2g")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.local.dir", str(folder))
        .config("spark.sql.warehouse.dir", str(folder))
        .getOrCreate()
    )
    found.sparkContext.setLogLevel("OFF")
    yield found
    found.stop()


@pytest.fixture
def screen(session, tmp_path):
    from sockgraph.screening.spark import screen_spark

    def _screen(given, **options):
        path = tmp_path / "edits.parquet"
        pq.write_table(given, path)
        return rows_of(screen_spark(path, session=session, **options), tmp_path)

    return _screen


def test_equal_to_the_definition(screen, monkeypatch):
    edits = crowd()
    monkeypatch.setattr("sockgraph.screening.spark.INCIDENCES_A_BLOCK", 300)
    twice = pa.concat_tables([table(edits), table(edits).slice(50, 200)])
    assert screen(twice, top=7) == brute(edits, 7)


def test_titles_names_and_nulls_do(screen):
    edits = [(u, f"Page {p}", t) for u, p, t, _ in crowd(edits=900)]
    rows = [*edits, (None, "Page 1", START), ("192.0.2.1", "Page 2", START), ("Elm", None, START)]
    given = pa.table(
        {
            "timestamp": pa.array([r[2] for r in rows], pa.timestamp("s", "UTC")),
            "user": [r[0] for r in rows],
            "title": [r[1] for r in rows],
        }
    )
    assert screen(given, top=4) == brute(edits, 4)


def test_a_table_that_contradicts_itself(screen):
    given = table(crowd(edits=20))
    revs = given.schema.get_field_index("rev_id")
    with pytest.raises(TableError, match="rev_id 1 stands twice and differently"):
        screen(given.set_column(revs, "rev_id", pa.array([1] * 20)))
    with pytest.raises(TableError, match="column timestamp is missing"):
        screen(given.drop(["timestamp"]))


def test_no_table(session, tmp_path):
    from sockgraph.screening.spark import screen_spark

    with pytest.raises(ScreeningError, match="Spark cannot read it"):
        screen_spark(tmp_path / "none.parquet", session=session)


def test_equal_to_the_local_engine_at_size_s(session, size_s, local_s, tmp_path):  # noqa: F811
    from sockgraph.screening.spark import screen_spark

    assert rows_of(screen_spark(size_s, session=session), tmp_path) == local_s
