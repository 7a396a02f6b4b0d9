"""The local engine against the definition in SQL, on 4,000 accounts and two million edits."""

import importlib.util
import os
import sys
from pathlib import Path

import pandas as pd
import pytest
from test_screen_local import rows_of

from sockgraph.screening.candidates import screen_local

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


def load(name):
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def size_s(tmp_path_factory):
    folder = os.environ.get("SOCKGRAPH_BENCH_DATA")
    given = Path(folder or "none") / "S" / "edits.parquet"
    data = load("screen_data")
    target = tmp_path_factory.mktemp("bench") / "edits.parquet"
    return given if given.exists() else data.generate(*data.SIZES["S"], target)


@pytest.fixture(scope="session")
def local_s(size_s, tmp_path_factory):
    return rows_of(screen_local(size_s), tmp_path_factory.mktemp("local"))


def test_equal_to_sql_at_size_s(size_s, local_s, tmp_path):
    pytest.importorskip("duckdb", reason="the bench extra is not installed")
    load("screen_peers").duckdb_sql(size_s, tmp_path / "sql.parquet")
    expected = pd.read_parquet(tmp_path / "sql.parquet").astype({"rank": "int64"})
    names = [f"Editor {user - 1000:07d}" for user in range(1000, 5000)]
    rows = [
        (names[a - 1000], rank, names[b - 1000], shared, score, close, hours)
        for a, rank, b, shared, score, close, hours in expected.itertuples(index=False, name=None)
    ]
    assert local_s == rows
    assert len(rows) > 100_000


def test_any_number_of_threads_at_size_s(size_s, local_s, tmp_path):
    assert rows_of(screen_local(size_s, threads=3), tmp_path) == local_s
