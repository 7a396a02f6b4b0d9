"""A refresh asks for what is new, and only for that."""

from __future__ import annotations

import pytest
from wiki import history

from sockgraph.case import load_case
from sockgraph.sources.mediawiki.source import MediaWikiSource
from sockgraph.store.raw_answers import RawAnswers

pytestmark = pytest.mark.wiki
NAMES = ["Admin", *history.OPERATED]


@pytest.fixture
def source(wiki_case, tmp_path):
    def open_one(**options):
        return MediaWikiSource(
            load_case(wiki_case(*NAMES)), RawAnswers(tmp_path / "raw"), **options
        )

    return open_one


def test_a_refresh_reads_new_edits_once_and_keeps_the_old(wiki, source):
    before = source().read(NAMES)
    site = wiki.admin()
    site.pages["Notes made by a test"].edit(
        "A line written during the test.", summary="during the test"
    )
    assert source().read(NAMES).edits.equals(before.edits)

    fresh = source(refresh=True, page_size=50)
    after = fresh.read(NAMES)
    new = after.edits[~after.edits["rev_id"].isin(before.edits["rev_id"])]
    assert new["comment"].tolist() == ["during the test"]
    assert len(after.edits) == len(before.edits) + 1
    asked = fresh.traffic()["requests"]
    assert asked == {"accounts": 1, "contributions": 1, "renames": 1}
    count = {c.user: c.edit_count for c in after.coverage}
    assert count["Admin"] == {c.user: c.edit_count for c in before.coverage}["Admin"] + 1

    again = source()
    assert again.read(NAMES).edits.equals(after.edits)
    assert again.traffic()["requests"] == {}


def test_an_account_added_after_a_refresh_is_read_whole(source):
    source().read(NAMES)
    source(refresh=True).read(NAMES)
    both = source().read([*NAMES, "Kelp Wren"])
    alone = source().read(["Kelp Wren"])
    theirs = both.edits[both.edits["user"] == "Kelp Wren"]
    assert len(theirs) == len(alone.edits) == alone.coverage[0].edit_count
