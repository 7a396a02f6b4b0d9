"""Whatever is wrong with a table: a clear error or the right answer, and no file half-written."""

import concurrent.futures
import importlib
import signal
import subprocess
import sys
import time

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from screen_oracle import brute
from test_screen_local import START, crowd, rows_of, table

from sockgraph.errors import ScreeningError, StoreError, TableError
from sockgraph.names import KINDS, TEMPORARY
from sockgraph.screening import expected_false_links
from sockgraph.screening.candidates import screen, screen_local


@pytest.fixture
def write(tmp_path):
    def _write(given, name="edits.parquet"):
        pq.write_table(given, tmp_path / name)
        return tmp_path / name

    return _write


def edits_of(rows, **more):
    """rows: (user, page, second)."""
    columns = {
        "timestamp": pa.array([r[2] for r in rows], pa.timestamp("us", "UTC")),
        "user": pa.array([r[0] for r in rows], pa.string()),
        "title": pa.array([r[1] for r in rows], pa.string()),
    }
    columns["timestamp"] = pa.array([r[2] * 10**6 for r in rows]).cast(pa.timestamp("us", "UTC"))
    return pa.table(columns | more)


PAIR = [("Ash", "River", START), ("Ash", "Hill", START), ("Elm", "River", START + 3600)]
PAIR += [("Elm", "Hill", START + 3601), ("Oak", "Lake", START)]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.drop(["timestamp"]), "column timestamp is missing"),
        (lambda t: t.drop(["user"]), "column user or user_id is missing"),
        (lambda t: t.drop(["title"]), "column title or page_id is missing"),
        (lambda t: t.slice(0, 0), "it has no rows"),
        (lambda t: t.set_column(0, "timestamp", pa.array([1] * 5)), "timestamp holds BIGINT"),
        (
            lambda t: t.set_column(0, "timestamp", pa.array([*["2023-01-01T00:00:00Z"] * 4, "?"])),
            "a timestamp cannot be read",
        ),
        (
            lambda t: t.set_column(0, "timestamp", pa.array([0, 1, None, 3, 4], pa.timestamp("s"))),
            "row 3 has no timestamp",
        ),
        (
            lambda t: t.set_column(0, "timestamp", pa.array([0, -1, 0, 3, 4], pa.timestamp("s"))),
            "row 2 is dated before 1970",
        ),
        (
            lambda t: t.append_column("page_id", pa.array([1, 2, 1, 2, -(2**62)])),
            "page_id holds numbers below",
        ),
        (
            lambda t: t.append_column("page_id", pa.array([1, 2, 1, 2, 1.5])),
            "page_id is not a whole number",
        ),
        (
            lambda t: t.append_column("rev_id", pa.array([1, 2, 3, 2, 5])),
            "rev_id 2 stands twice and differently",
        ),
        (
            lambda t: t.append_column("rev_id", pa.array([1, 2, 3, None, 5])),
            "rev_id is null",
        ),
        (
            lambda t: t.set_column(1, "user", pa.array(["192.0.2.7"] * 5)),
            "no edits of registered accounts",
        ),
    ],
)
def test_an_unusable_table_is_an_error_and_leaves_nothing(write, tmp_path, change, said):
    path = write(change(edits_of(PAIR)))
    with pytest.raises(TableError, match=said):
        screen(path, tmp_path / "out" / "candidates.parquet")
    assert list((tmp_path / "out").iterdir()) == []


def test_missing_truncated_and_other_files(tmp_path, write):
    with pytest.raises(TableError, match="no such file"):
        screen_local(tmp_path / "none.parquet")
    with pytest.raises(TableError, match=r"has no \.parquet files"):
        screen_local(tmp_path)
    whole = write(edits_of(PAIR)).read_bytes()
    (tmp_path / "half.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TableError, match="cannot be read"):
        screen_local(tmp_path / "half.parquet")
    (tmp_path / "edits.xlsx").write_bytes(b"")
    with pytest.raises(TableError, match=r"'.xlsx' is not read"):
        screen_local(tmp_path / "edits.xlsx")


def test_nulls_are_left_out_and_counted(write, tmp_path):
    nobody = [(None, "River", START), (" ", "Hill", START), ("Oak", None, START)]
    others = [("192.0.2.1", "River", START), ("2001:DB8::1", "Hill", START)]
    others += [("ip-0a1b", "Hill", START), ("~2025-1234-5", "River", START)]
    found = screen_local(write(edits_of(PAIR + nobody + others)))
    assert rows_of(found, tmp_path) == brute(PAIR, 50)
    assert found.dropped == {
        "rows without a user": 2,
        "rows without a page": 1,
        "rows of unregistered editors": 3,
        KINDS[TEMPORARY]: 1,
    }


def test_hidden_users_are_left_out_though_their_id_stands(write, tmp_path):
    users = pa.array([7, 7, 8, 8, 9, 7])
    given = edits_of([*PAIR, (None, "Lake", START)], user_id=users)
    found = screen_local(write(given))
    assert rows_of(found, tmp_path) == brute(PAIR, 50)
    assert found.dropped == {"rows without a user": 1}


def test_an_account_with_and_without_its_id_is_one_account(write, tmp_path):
    users = pa.array([7, None, None, 8, 9])
    found = screen_local(write(edits_of(PAIR, user_id=users)))
    assert rows_of(found, tmp_path) == brute(PAIR, 50)
    assert found.accounts == 3


def test_ids_alone_do(write, tmp_path):
    given = edits_of(PAIR).drop(["user"]).append_column("user_id", pa.array([7, 7, 8, 8, 9]))
    assert [row[:3] for row in rows_of(screen_local(write(given)), tmp_path)] == [
        ("#7", 1, "#8"),
        ("#8", 1, "#7"),
    ]


def test_csv_gives_the_same(write, tmp_path):
    given = edits_of([(u, p, t) for u, p, t, _ in crowd_by_title()])
    text = given.set_column(
        0, "timestamp", pa.array([t.strftime("%Y-%m-%dT%H:%M:%SZ") for t in given[0].to_pylist()])
    )
    pyarrow.csv.write_csv(text, tmp_path / "edits.csv")
    expected = rows_of(screen_local(write(given), top=5), tmp_path)
    assert rows_of(screen_local(tmp_path / "edits.csv", top=5), tmp_path) == expected
    assert expected == brute([(u, p, t) for u, p, t, _ in crowd_by_title()], 5)


def crowd_by_title():
    return [(u, f"Page {p}", t, i) for u, p, t, i in crowd()]


def test_a_folder_of_files_is_one_table(tmp_path):
    edits = crowd()
    (tmp_path / "wiki" / "year=2023").mkdir(parents=True)
    whole = table(edits)
    pq.write_table(whole.slice(0, 1000), tmp_path / "wiki" / "a.parquet")
    pq.write_table(whole.slice(1000), tmp_path / "wiki" / "year=2023" / "b.parquet")
    assert rows_of(screen_local(tmp_path / "wiki", top=7), tmp_path) == brute(edits, 7)


def test_a_window_leaves_out_the_rest(write, tmp_path):
    edits = crowd()
    first, last = START + 5 * 86_400, START + 20 * 86_400
    found = screen_local(write(table(edits)), top=7, window=(first, last))
    inside = [e for e in edits if first <= e[2] < last]
    assert rows_of(found, tmp_path) == brute(inside, 7)
    assert found.dropped == {"rows outside the window": len(edits) - len(inside)}


def test_one_giant_page_alone_is_no_candidate(write, tmp_path):
    edits = [(f"Editor {i}", 1, START + i, i + 1) for i in range(3000)]
    assert rows_of(screen_local(write(table(edits))), tmp_path) == []


def test_pages_that_everybody_edited_weigh_nothing_yet_count(write, tmp_path):
    edits = [(f"Editor {i:03}", p, START + i, i + 1) for i in range(60) for p in (1, 2)]
    edits += [("Editor 007", 3, START, 8), ("Editor 009", 3, START, 10)]
    rows = rows_of(screen_local(write(table(edits)), top=3), tmp_path)
    assert rows == brute(edits, 3)
    assert rows[0][3:5] == (2, 0.0)


def test_one_account_with_all_edits_has_no_partner(write, tmp_path):
    edits = [("Ash", p, START + p, 1) for p in range(500)]
    found = screen_local(write(table(edits)))
    assert rows_of(found, tmp_path) == []
    assert found.accounts == 1


def test_bursts_on_one_page_are_counted_not_listed(write, tmp_path):
    """Two accounts, 60,000 edits of one page in one hour: 900 million pairs of edits."""
    edits = [("Ash" if i % 2 else "Elm", 1, START + i % 3600, 1 + i % 2) for i in range(60_000)]
    edits += [("Ash", 2, START, 2), ("Elm", 2, START, 1)]
    rows = rows_of(screen_local(write(table(edits))), tmp_path)
    assert [row[5] for row in rows] == [30_000 * 30_000 + 1] * 2


def test_too_little_memory_is_said_before_it_runs_out(write):
    with pytest.raises(ScreeningError, match="is not enough: this wiki needs about"):
        screen_local(write(table(crowd())), memory=10 * 2**20)


def test_running_out_of_memory_all_the_same_leaves_nothing(write, tmp_path, monkeypatch):
    def out(*_, **__):
        raise MemoryError

    path = write(table(crowd()))
    monkeypatch.setattr("sockgraph.screening.partners.best_partners", out)
    with pytest.raises(ScreeningError, match="has not enough memory"):
        screen(path, tmp_path / "out" / "candidates.parquet")
    assert list((tmp_path / "out").iterdir()) == []


def test_senseless_options(write):
    with pytest.raises(ScreeningError, match="1 or more"):
        screen_local(write(edits_of(PAIR)), top=0)
    with pytest.raises(ScreeningError, match="0 or more"):
        expected_false_links(-1, 1.5)


def test_a_full_disk_is_an_error_and_leaves_nothing(write, tmp_path, monkeypatch):
    path, target = write(edits_of(PAIR)), tmp_path / "out" / "candidates.parquet"

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq.ParquetWriter, "write_batch", full)
    with pytest.raises(StoreError, match="No space left on device"):
        screen(path, target)
    monkeypatch.undo()

    def spill(*_):
        raise importlib.import_module("duckdb").IOException("IO Error: No space left on device")

    monkeypatch.setattr("sockgraph.screening.partners.group_by_page", spill)
    with pytest.raises(StoreError, match="No space left on device"):
        screen(path, target)
    assert list(target.parent.iterdir()) == []


def test_the_earlier_table_stays_when_a_new_one_fails(write, tmp_path):
    target = tmp_path / "candidates.parquet"
    screen(write(edits_of(PAIR)), target)
    before = target.read_bytes()
    with pytest.raises(TableError):
        screen(write(edits_of(PAIR).slice(0, 0)), target)
    assert target.read_bytes() == before


def test_an_interrupt_leaves_nothing(write, tmp_path):
    rows = [(f"Editor {i % 900:03}", f"Page {i * i % 77}", START + i) for i in range(200_000)]
    path, out = write(edits_of(rows)), tmp_path / "out"
    code = (
        "import signal, sys, pathlib, time\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # off in the background
        "from sockgraph.screening.candidates import screen\n"
        "def say(stage, done, total):\n"
        "    if stage == 'comparing accounts' and done == 3:\n"
        "        print('there', flush=True)\n"
        "        time.sleep(5)\n"
        "screen(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), progress=say)\n"
    )
    target = out / "candidates.parquet"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path), str(target)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout.readline().strip() == b"there"
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
    assert process.returncode != 0
    assert list(out.iterdir()) == []


def test_screenings_side_by_side_do_not_disturb_each_other(write, tmp_path):
    path = write(table(crowd()))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(screen_local, path, top=7) for _ in range(2)]
        first, second = (run.result() for run in runs)
    time.sleep(0)
    assert rows_of(first, tmp_path) == rows_of(second, tmp_path)
