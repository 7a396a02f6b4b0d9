import datetime as dt

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from screen_oracle import brute

from sockgraph.schema import validate
from sockgraph.screening.candidates import write_parquet
from sockgraph.screening.local import screen_local

BIG = 2**40  # ids beyond 32 bits


def table(edits, *, ids=True, revs=True):
    columns = {
        "timestamp": pa.array([e[2] for e in edits], pa.timestamp("s", "UTC")),
        "user": pa.array([e[0] for e in edits], pa.string()),
        "page_id": pa.array([BIG + hash_page(e[1]) for e in edits], pa.int64()),
    }
    if ids:
        columns["user_id"] = pa.array([e[3] for e in edits], pa.int64())
    if revs:
        columns["rev_id"] = pa.array(range(1, len(edits) + 1), pa.int64())
    return pa.table(columns)


def hash_page(page):
    return 1 + 7919 * page


@pytest.fixture
def screen(tmp_path):
    def _screen(given, **options):
        path = tmp_path / "edits.parquet"
        pq.write_table(given, path, row_group_size=options.pop("group", 1 << 20))
        return rows_of(screen_local(path, scratch=tmp_path, **options), tmp_path)

    return _screen


def rows_of(found, folder):
    write_parquet(found.batches(), folder / "candidates.parquet")
    frame = validate("candidates", pd.read_parquet(folder / "candidates.parquet"))
    return list(frame.itertuples(index=False, name=None))


NAMES = ["Ash", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Gorse", "Hazel", "青石巷", "Ivy"]
START = int(dt.datetime(2023, 1, 1, 22, tzinfo=dt.UTC).timestamp())
edit = st.tuples(
    st.integers(0, len(NAMES) - 1),
    st.integers(0, 7),
    st.one_of(st.integers(0, 20_000), st.sampled_from([0, 3600, 3601, 7200, 7201])),
)
SLOW = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def named(edits):
    """Ids run against the names, so that a tie shows which of the two decides."""
    return [(NAMES[u], page, START + t, BIG + 100 - u) for u, page, t in edits]


@SLOW
@given(
    edits=st.lists(edit, min_size=1, max_size=120),
    top=st.sampled_from([1, 2, 3, 50]),
    threads=st.sampled_from([1, 2, 3]),
    ids=st.booleans(),
    revs=st.booleans(),
)
def test_equal_to_the_definition(screen, edits, *, top, threads, ids, revs):
    edits = named(edits)
    expected = brute(edits if ids else [e[:3] for e in edits], top)
    assert screen(table(edits, ids=ids, revs=revs), top=top, threads=threads) == expected


def crowd(n=120, pages=60, edits=4000, seed=1):
    """Accounts of very different activity on pages of very different degree."""
    rng = np.random.default_rng(seed)
    who = (n * rng.random(edits) ** 2.5).astype(int)
    where = (pages * rng.random(edits) ** 2).astype(int)
    when = START + np.sort(rng.integers(0, 40 * 86_400, edits))
    rows = zip(who.tolist(), where.tolist(), when.tolist(), strict=True)
    return [(f"Editor {u:03}", p, t, 1000 + u) for u, p, t in rows]


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_a_crowd_on_any_number_of_threads(screen, threads):
    edits = crowd()
    assert screen(table(edits), top=7, threads=threads) == brute(edits, 7)


def test_rows_in_any_order_and_twice_are_the_same_rows(screen):
    edits = crowd()
    whole = table(edits)
    order = np.random.default_rng(2).permutation(len(edits))
    twice = np.concatenate([order, order[:700]])
    assert screen(whole.take(twice), top=7) == brute(edits, 7)


def test_rows_set_aside_on_disk_are_the_same_rows(screen, tmp_path):
    edits = crowd()
    path = tmp_path / "big.parquet"
    pq.write_table(table(edits), path)
    from sockgraph.screening import ingest

    original, ingest.EDITS_A_PART = ingest.EDITS_A_PART, 64
    try:
        kept = ingest.ingest(
            path,
            window=None,
            threads=2,
            memory=0,
            scratch=tmp_path,
            progress=lambda *_: None,
        )
        assert kept.spilled == 16 * len(edits)  # page ids beyond 32 bits here
        assert len(kept.pages) > 16
        got = screen(table(edits), top=7)
    finally:
        ingest.EDITS_A_PART = original
    assert got == brute(edits, 7)
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_rows_met_in_any_order_are_the_same_rows(screen, monkeypatch):
    from sockgraph.screening import local

    def backwards(jobs, work, desk, **given):
        return in_order(list(jobs)[::-1], work, desk, **given)

    in_order = local.in_threads
    monkeypatch.setattr(local, "in_threads", backwards)
    edits = crowd()
    assert screen(table(edits), top=7, threads=2) == brute(edits, 7)


def test_many_accounts_with_few_partners_wanted(screen):
    """Enough accounts that blocks of them are passed over by what a row is sure of."""
    edits = crowd(n=700, pages=150, edits=9000, seed=4)
    assert screen(table(edits), top=2) == brute(edits, 2)
