import hashlib
import os
import subprocess
import sys
from functools import partialmethod
from itertools import combinations
from pathlib import Path

import pandas as pd
import pytest

from sockgraph import synthetic
from sockgraph.case import load_case
from sockgraph.schema import validate
from sockgraph.sources import TableSource
from sockgraph.synthetic import demo_case_text, write_demo
from sockgraph.synthetic.people import PeopleGenerator
from sockgraph.synthetic.wiki import (
    COLLEAGUE,
    DECLARED,
    FRIENDS,
    NEWCOMER,
    NOMINATED,
    OPERATOR,
    small_wiki,
)
from sockgraph.synthetic.writing import CHINESE, ENGLISH, SLOTS

ROOT = Path(__file__).parent.parent
FILES = ("edits.parquet", "accounts.parquet", "log_events.parquet", "truth.parquet", "demo.toml")


@pytest.fixture(scope="module")
def wiki():
    return small_wiki(1)


@pytest.fixture(scope="module")
def edits(wiki):
    return wiki.edits


def _hashes(folder):
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in FILES}


@pytest.mark.whole
def test_same_seed_same_bytes_in_other_processes_and_hash_seeds(tmp_path):
    code = (
        "import sys, pathlib, sockgraph.synthetic as s; s.write_demo(pathlib.Path(sys.argv[1]), 5)"
    )
    for hash_seed in ("0", "4711"):
        env = os.environ | {"PYTHONHASHSEED": hash_seed}
        folder = tmp_path / hash_seed
        subprocess.run([sys.executable, "-c", code, str(folder)], check=True, env=env, timeout=120)
    assert _hashes(tmp_path / "0") == _hashes(tmp_path / "4711")


def test_another_seed_is_another_wiki_with_the_same_cast(monkeypatch):
    monkeypatch.setattr(PeopleGenerator, "others", partialmethod(PeopleGenerator.others, 60))
    one, other = small_wiki(1), small_wiki(2)
    assert not other.edits["comment"].equals(one.edits["comment"])
    for invented in (one, other):
        assert set(NOMINATED) <= set(invented.truth["user"])


def test_tables_keep_their_contracts(wiki):
    validate("edits", wiki.edits)
    validate("log_events", wiki.log_events)
    validate("accounts", wiki.accounts.assign(role="reference"))
    assert set(wiki.edits["user"]) == set(wiki.accounts["user"]) == set(wiki.truth["user"])


def test_revisions_are_numbered_in_time_order_and_chained_by_page(edits):
    assert edits["rev_id"].is_monotonic_increasing
    assert edits["timestamp"].is_monotonic_increasing
    before = edits.groupby("page_id")["rev_id"].shift(1, fill_value=0)
    assert (before == edits["parent_id"]).all()
    assert edits.groupby("page_id")["title"].nunique().eq(1).all()


def test_no_person_is_in_two_places_in_one_minute(wiki, edits):
    persons = wiki.truth.set_index("user")["person"]
    minutes = edits.assign(
        person=edits["user"].map(persons), minute=edits["timestamp"].dt.floor("min")
    )
    accounts = minutes.groupby(["person", "minute"])["user"].nunique()
    assert accounts.max() == 1


def test_the_colleague_and_the_operator_are_at_work_at_once(edits):
    minutes = {
        name: set(edits.loc[edits["user"] == name, "timestamp"].dt.floor("min"))
        for name in (*OPERATOR, COLLEAGUE)
    }
    together = sum(len(minutes[name] & minutes[COLLEAGUE]) for name in OPERATOR)
    assert together >= 5


def test_friends_answer_each_other_on_the_same_pages(edits):
    first, second = (edits[edits["user"] == name] for name in FRIENDS)
    near = pd.merge_asof(
        second.sort_values("timestamp"),
        first[["timestamp", "page_id", "rev_id"]].sort_values("timestamp"),
        on="timestamp",
        by="page_id",
        tolerance=pd.Timedelta("20min"),
    )
    assert near["rev_id_y"].notna().sum() >= 30


def test_people_share_pages_with_their_community(edits):
    pages = {name: set(edits.loc[edits["user"] == name, "page_id"]) for name in NOMINATED[:-1]}
    for a, b in combinations(pages, 2):
        assert pages[a] & pages[b], (a, b)


def test_activity_is_very_different(wiki, edits):
    others = wiki.truth.loc[wiki.truth["part"] == "other", "user"]
    counts = edits["user"].value_counts().reindex(others)
    low, high = counts.quantile([0.1, 0.9])
    assert len(counts) == 300
    assert low < 30
    assert high > 10 * low
    assert (counts < 10).any()


def test_one_nominated_account_has_too_few_edits(edits):
    assert 0 < edits.loc[edits["user"] == NEWCOMER, "timestamp"].nunique() < 10


def test_everyday_features_of_a_wiki_are_there(edits):
    tags = set(edits["tags"].explode().dropna())
    assert {"mw-reverted", "mw-rollback", "mw-undo", "visualeditor", "mobile web edit"} <= tags
    assert {0, 1, 3, 4, 10} <= set(edits["ns"])
    assert edits["hidden"].map(bool).any()
    assert edits.loc[edits["hidden"].map(bool), "comment"].isna().all()
    assert edits["comment"].str.contains("[一-鿿]").mean() > 0.05
    assert 0.02 < edits["minor"].mean() < 0.5


def test_a_revert_restores_the_text_before(edits):
    undone = edits[edits["tags"].map(lambda t: "mw-undo" in t or "mw-rollback" in t)]
    by_rev = edits.set_index("rev_id")
    for row in undone.head(50).itertuples():
        parent = by_rev.loc[row.parent_id]
        assert row.sha1 == by_rev.loc[parent.parent_id, "sha1"]
        assert "mw-reverted" in parent.tags
        assert row.size_diff == -parent.size_diff


def test_blocks_tell_the_story(wiki):
    blocks = wiki.log_events[wiki.log_events["type"] == "block"].set_index("target")
    assert list(blocks.index) == [OPERATOR[0], COLLEAGUE]
    last = wiki.edits.groupby("user")["timestamp"].max()
    assert (last[blocks.index] < blocks["timestamp"]).all()
    third = wiki.edits.loc[wiki.edits["user"] == OPERATOR[2], "timestamp"]
    assert third.min() > blocks.loc[OPERATOR[0], "timestamp"]


def test_the_case_in_the_repository_is_the_one_that_is_written(wiki, tmp_path, monkeypatch):
    monkeypatch.setattr(synthetic, "small_wiki", lambda seed: wiki if seed == 1 else None)
    stored = (ROOT / "cases" / "demo.toml").read_text(encoding="utf-8")
    assert stored == demo_case_text("../data/raw/demo/")
    case = load_case(write_demo(tmp_path, 1))
    assert case.accounts.nominated == NOMINATED
    source = TableSource(case)
    assert source.resolve(case.named).keys() == set(case.named)
    assert DECLARED in case.named
    everyone = source.read(list(NOMINATED))
    assert {c.user: c.full for c in everyone.coverage} == dict.fromkeys(NOMINATED, True)


def test_every_slot_of_a_phrase_is_known():
    allowed = {*SLOTS, "d", "s", "n", "k", "j"}
    phrases = [p for stock in (ENGLISH, CHINESE) for kind in stock.values() for p in kind]
    found = {part.split("}")[0] for p in phrases for part in p.split("{")[1:]}
    assert found <= allowed
