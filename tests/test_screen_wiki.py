import importlib
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from screen_oracle import brute
from test_screen_local import START, crowd, rows_of, table

from sockgraph.errors import ScreeningError, StoreError, TableError
from sockgraph.screening import FIXED_POINT, page_weights
from sockgraph.screening.candidates import screen_local

pytest.importorskip("duckdb", reason="the screen extra is not installed")
from sockgraph.screening.wiki import WholeWiki, import_wiki


@pytest.fixture
def wiki(tmp_path):
    edits = crowd()
    pq.write_table(table(edits), tmp_path / "edits.parquet")
    return import_wiki(tmp_path / "edits.parquet", tmp_path / "wiki"), edits


def test_an_import_holds_every_edit_sorted(wiki):
    imported, edits = wiki
    assert imported.about["edits"] == len(edits)
    assert imported.about["accounts"] == len({e[0] for e in edits})
    kept = pd.read_parquet(imported.folder / "edits.parquet")
    assert kept["user"].is_monotonic_increasing
    assert sorted(kept["rev_id"]) == list(range(1, len(edits) + 1))
    assert {p.name for p in imported.folder.iterdir()} == {
        "edits.parquet",
        "pages.parquet",
        "wiki.json",
    }


def test_many_cases_screen_one_import(wiki, tmp_path):
    imported, edits = wiki
    found = screen_local(imported.folder / "edits.parquet", top=7)
    assert rows_of(found, tmp_path) == brute(edits, 7)


def test_edits_of_some_accounts_alone(wiki):
    imported, edits = wiki
    wanted = ["Editor 003", "Editor 090", "Nobody"]
    got = imported.edits_of(wanted)
    assert len(got) == sum(e[0] in wanted for e in edits)
    assert set(got["user"]) == {"Editor 003", "Editor 090"}


def test_what_lies_behind_a_candidate(wiki):
    imported, edits = wiki
    rows = [row for row in brute(edits, 5) if row[0] == "Editor 004"]
    facts = imported.explain("Editor 004", [row[2] for row in rows])
    degrees = {}
    for user, page, *_ in edits:
        degrees.setdefault(page, set()).add(user)
    n = len({e[0] for e in edits})
    for row in rows:
        mine = facts[facts["user_b"] == row[2]]
        assert len(mine) == row[3]
        assert mine["coedits_1h"].sum() == row[5]
        assert (mine["rev_ids"].map(len) > 0).tolist() == (mine["coedits_1h"] > 0).tolist()
    by_id = {1 + 7919 * page + 2**40: len(users) for page, users in degrees.items()}
    assert facts["degree"].tolist() == [by_id[page] for page in facts["page"]]
    weights = page_weights(n, facts["degree"].to_numpy()) / FIXED_POINT
    assert facts["weight"].tolist() == weights.tolist()


def test_unregistered_editors_are_not_imported(tmp_path):
    users = ["Ash", "192.0.2.1", None, "~2025-12"]
    given = pa.table(
        {
            "timestamp": pa.array([START] * 4, pa.timestamp("s", "UTC")),
            "user": users,
            "title": ["River"] * 4,
        }
    )
    pq.write_table(given, tmp_path / "edits.parquet")
    assert import_wiki(tmp_path / "edits.parquet", tmp_path / "wiki").about["edits"] == 1


def test_no_wiki_and_no_table(tmp_path):
    with pytest.raises(StoreError, match="not an imported wiki"):
        WholeWiki(tmp_path).edits_of(["Ash"])
    with pytest.raises(TableError, match="no such file"):
        import_wiki(tmp_path / "none.parquet", tmp_path / "wiki")
    assert not (tmp_path / "wiki").exists()


def test_an_import_that_fails_leaves_the_one_that_was_there(wiki, tmp_path, monkeypatch):
    imported, edits = wiki
    before = {p.name: p.read_bytes() for p in imported.folder.iterdir()}
    pq.write_table(table(edits[:50]), tmp_path / "fewer.parquet")
    with pytest.raises(ScreeningError, match="sorting it takes more"):
        import_wiki(tmp_path / "fewer.parquet", imported.folder, memory=1 << 18)

    def full(*_):
        raise importlib.import_module("duckdb").IOException("IO Error: No space left on device")

    monkeypatch.setattr("sockgraph.screening.wiki._copy", full)
    with pytest.raises(StoreError, match="No space left on device"):
        import_wiki(tmp_path / "fewer.parquet", imported.folder)
    assert {p.name: p.read_bytes() for p in imported.folder.iterdir()} == before
    assert len(imported.edits_of(["Editor 003"])) > 0


def test_an_import_is_its_owners_alone(wiki):
    imported, _ = wiki
    assert all(not p.stat().st_mode & 0o077 for p in imported.folder.iterdir())


def test_an_interrupted_import_leaves_nothing(tmp_path):
    rows = 1_500_000
    pq.write_table(
        pa.table(
            {
                "timestamp": pa.array(np.arange(rows) * 7919 % 10**8, pa.timestamp("s", "UTC")),
                "user": pa.array([f"Editor {i}" for i in range(997)]).take(
                    pa.array(np.arange(rows) * 31 % 997)
                ),
                "page_id": pa.array(np.arange(rows) * 17 % 9973 + 1),
            }
        ),
        tmp_path / "edits.parquet",
    )
    code = (
        "import signal, sys, pathlib\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # off in the background
        "from sockgraph.screening.wiki import import_wiki\n"
        "def say(stage, done, total): print(stage, flush=True)\n"
        "import_wiki(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), progress=say)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "edits.parquet"), str(tmp_path / "wiki")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout.readline().startswith(b"hashing")
        assert process.stdout.readline().startswith(b"sorting")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode != 0
    assert b"KeyboardInterrupt" in said  # which main() makes one line
    assert list((tmp_path / "wiki").iterdir()) == []


CASE = """
title = "A case on a shared wiki"
reason = "To compare the two ways in"
wikis = ["fernwick.example"]
[source]
kind = "table"
path = "{path}"
[accounts]
nominated = ["editor 003", "Editor 090"]
min_edits = 3
[window]
start = 2023-01-05
"""


@pytest.mark.usefixtures("wiki")
def test_a_case_reads_the_same_from_a_wiki_as_from_its_table(tmp_path):
    from sockgraph.case import load_case
    from sockgraph.errors import SourceError
    from sockgraph.screening.wiki import WikiSource
    from sockgraph.sources import TableSource

    (tmp_path / "a.toml").write_text(CASE.format(path="edits.parquet"))
    (tmp_path / "b.toml").write_text(CASE.format(path="wiki"))
    table_, wiki_ = (
        TableSource(load_case(tmp_path / "a.toml")),
        WikiSource(load_case(tmp_path / "b.toml")),
    )
    assert wiki_.everyone() == table_.everyone()
    names = wiki_.resolve(["editor 003", "Editor 090"])
    assert names == table_.resolve(["editor 003", "Editor 090"])
    users = list(names.values())
    pd.testing.assert_frame_equal(wiki_.account_facts(users), table_.account_facts(users))
    mine, theirs = wiki_.read(users), table_.read(users)
    pd.testing.assert_frame_equal(mine.edits, theirs.edits)
    assert mine.coverage == theirs.coverage
    near = wiki_.neighbours(mine.edits)
    pd.testing.assert_frame_equal(near, table_.neighbours(theirs.edits), check_dtype=False)
    assert wiki_.provenance()["read_on"] == table_.provenance()["read_on"]
    assert wiki_.background(users).empty
    with pytest.raises(SourceError, match="'Nobody'"):
        wiki_.resolve(["Nobody"])
