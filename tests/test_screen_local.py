import datetime as dt
import importlib
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from screen_oracle import brute

from sockgraph.schema import validate
from sockgraph.screening import kernels
from sockgraph.screening.candidates import screen_local, write_parquet

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
HOUR_APART = [(0, 0, 0), (1, 0, 3600), (2, 0, 7201), (0, 1, 0), (1, 1, 20_000)]


def named(edits):
    """Ids run against the names, so that a tie shows which of the two decides."""
    return [(NAMES[u], page, START + t, BIG + 100 - u) for u, page, t in edits]


@given(
    edits=st.lists(edit, min_size=1, max_size=120),
    top=st.sampled_from([1, 2, 3, 50]),
    threads=st.sampled_from([1, 2, 3]),
    ids=st.booleans(),
    revs=st.booleans(),
)
@example(edits=HOUR_APART, top=3, threads=1, ids=True, revs=True)
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


def test_a_table_beyond_the_memory_to_sort_in_gives_the_same_rows(tmp_path, monkeypatch):
    """Twice what DuckDB may hold: it sets rows aside, and leaves nothing of them."""
    from sockgraph.screening import candidates, partners

    rng = np.random.default_rng(5)
    n = 1_500_000
    pages, users = rng.permutation(n) % 40_000, rng.integers(0, 300, n)
    given = pa.table(
        {
            "timestamp": pa.array(START + rng.integers(0, 9 * 10**6, n), pa.timestamp("s", "UTC")),
            "user_id": users + 1,
            "page_id": pages + 1,
        }
    )
    pq.write_table(given, tmp_path / "edits.parquet")
    group, aside = partners.group_by_page, []

    def watched(pages, n):
        def seen():
            for rows in pages:
                aside.append(sum(f.stat().st_size for f in tmp_path.glob(".sorting*/*")))
                yield rows

        return group(seen(), n)

    with monkeypatch.context() as patch:
        patch.setattr(candidates, "LEAST_MEMORY", 28 << 20)
        patch.setattr(candidates, "PROCESS", -(1 << 40))
        patch.setattr(partners, "group_by_page", watched)
        found = screen_local(tmp_path / "edits.parquet", memory=1, threads=1, scratch=tmp_path)
        little = rows_of(found, tmp_path)
    assert max(aside) > 1 << 20
    assert little == rows_of(screen_local(tmp_path / "edits.parquet"), tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["candidates.parquet", "edits.parquet"]


def test_rows_met_in_any_order_are_the_same_rows(screen, monkeypatch):
    from sockgraph.screening import partners

    def backwards(jobs, *given):
        return in_order(list(jobs)[::-1], *given)

    in_order = partners.in_threads
    monkeypatch.setattr(partners, "in_threads", backwards)
    edits = crowd()
    assert screen(table(edits), top=7, threads=2) == brute(edits, 7)


def test_many_accounts_with_few_partners_wanted(screen):
    """Enough accounts that blocks of them are passed over by what a row is sure of."""
    edits = crowd(n=700, pages=150, edits=9000, seed=4)
    assert screen(table(edits), top=2) == brute(edits, 2)


LOOP = """
from typing import NamedTuple
from sockgraph.screening.kernels import compiled
class {name}(NamedTuple):
    pages: int
@compiled
def loop(given):
    return given.pages + {more}
"""


def test_machine_code_of_an_older_version_is_compiled_anew(tmp_path, monkeypatch):
    """Its index names a class that is gone: Numba alone ends in an AttributeError."""
    monkeypatch.syspath_prepend(tmp_path)
    path = tmp_path / "kept_loop.py"
    for name, more in (("Old", 1), ("Renamed", 20)):
        path.write_text(LOOP.format(name=name, more=more))
        monkeypatch.delitem(sys.modules, "kept_loop", raising=False)
        importlib.invalidate_caches()
        loops = importlib.import_module("kept_loop")
        assert loops.loop(getattr(loops, name)(3)) == 3 + more
        assert len(list(tmp_path.rglob("*.nbi"))) == 1
    assert loops.loop.stats.cache_misses.total() == 1


def test_where_nothing_can_be_kept_a_loop_is_compiled_all_the_same(monkeypatch):
    compile_with = kernels.njit

    def nowhere(**options):
        def refuse(_):
            raise RuntimeError("cannot cache function: no locator available")

        return refuse if options.pop("cache", False) else compile_with(**options)

    monkeypatch.setattr(kernels, "njit", nowhere)
    assert kernels.compiled(lambda x: x + 1)(2) == 3
