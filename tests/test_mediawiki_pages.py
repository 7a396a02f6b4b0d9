"""Hashes of texts, and histories of pages, against a real MediaWiki."""

from __future__ import annotations

import hashlib

import pytest
from wiki import history

from sockgraph.case import load_case
from sockgraph.sources.mediawiki.source import MediaWikiSource
from sockgraph.store.raw_answers import RawAnswers

pytestmark = pytest.mark.wiki
PAST = history.build()
NAMES = [history.HIDES, *history.OPERATED]


@pytest.fixture
def open_source(wiki_case, tmp_path):
    def open_one(**options):
        return MediaWikiSource(
            load_case(wiki_case(*NAMES)), RawAnswers(tmp_path / "raw"), **options
        )

    return open_one


def test_shared_pages_give_their_hashes_and_only_they(open_source):
    source = open_source()
    edits = source.read(NAMES).edits
    hashed = source.with_sha1(edits)
    shared = edits.groupby("page_id")["user"].transform("nunique") > 1
    hidden = edits["hidden"].map(lambda h: "text" in h)
    assert shared.any()
    assert not shared.all()
    assert (hashed["sha1"].notna() == (shared & ~hidden)).all()
    assert source.traffic()["requests"]["revisions"] == -(-shared.sum() // 50)
    assert hashed.drop(columns="sha1").equals(edits.drop(columns="sha1"))
    counts = source.provenance()["counts"]
    assert counts["edits on shared pages"] == shared.sum()
    assert counts["edits on shared pages, hash hidden"] == (shared & hidden).sum()
    assert counts["edits on shared pages, gone since"] == 0
    assert open_source(offline=True).with_sha1(edits).equals(hashed)


def test_a_case_may_ask_for_the_histories_of_shared_pages(wiki_case, tmp_path):
    path = wiki_case(*NAMES)
    path.write_text(path.read_text().replace("[source]", "[source]\nhistories = 4"))
    source = MediaWikiSource(load_case(path), RawAnswers(tmp_path / "raw"))
    edits = source.read(NAMES).edits
    told = source.shared_histories(edits)
    assert source.traffic()["requests"]["page histories"] == told["page_id"].nunique() == 4
    shared = edits.groupby("page_id")["user"].nunique()
    assert set(shared[told["page_id"].unique()]) == {shared.max()}
    assert not set(told["user"]) <= set(NAMES)  # everybody's edits
    assert "192.0.2.7" not in set(told["user"])
    raw = RawAnswers(tmp_path / "raw")
    assert not any(b"192.0.2.7" in raw.body(entry) for entry in raw.entries())


def test_a_case_can_do_without_hashes(wiki_case, tmp_path):
    path = wiki_case(*NAMES)
    path.write_text(path.read_text().replace("[source]", "[source]\nsha1 = false"))
    source = MediaWikiSource(load_case(path), RawAnswers(tmp_path / "raw"))
    edits = source.read(NAMES).edits
    assert source.with_sha1(edits).equals(edits)
    assert "revisions" not in source.traffic()["requests"]


def test_the_hash_is_of_the_text(open_source):
    source = open_source()
    hashed = source.with_sha1(source.read(NAMES).edits)
    row = hashed[hashed["sha1"].notna() & (hashed["parent_id"] == 0)].iloc[0]
    name = {new: old for old, new in [history.RENAMED]}.get(row["user"], row["user"])
    text = f"{name} wrote on {row['timestamp']:%d %B}. "
    assert row["sha1"] == hashlib.new("sha1", text.encode(), usedforsecurity=False).hexdigest()


@pytest.mark.parametrize("page_size", [3, None])
def test_a_page_history_has_everybody_in_it(open_source, page_size):
    source = open_source(page_size=page_size)
    edits = source.read([history.HIDDEN_FROM]).edits
    pages = edits.drop_duplicates("page_id").set_index("title")["page_id"].head(12)
    told = source.histories(list(pages))
    for title in pages.index:
        rows = told[told["title"] == title]
        made = {who for _, who, _ in PAST.pages[title]} - {history.RENAMED[0], history.HIDDEN_FROM}
        assert made <= set(rows["user"])
        assert len(rows) <= len(PAST.pages[title])
    lost = sum(len(PAST.pages[title]) for title in pages.index) - len(told)
    counts = source.provenance()["counts"]
    assert counts["edits whose author is hidden"] == lost
    assert counts["pages read in part"] == 0
    assert told["sha1"].notna().any()
    assert told["size_diff"].notna().mean() > 0.5
