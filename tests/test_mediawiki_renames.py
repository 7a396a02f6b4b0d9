"""Earlier names, where the rename log is short, and where it is too long to be read whole."""

from __future__ import annotations

import pytest
from wiki import history

from sockgraph.case import load_case
from sockgraph.sources.mediawiki import accounts as renames
from sockgraph.sources.mediawiki.cache import CachedClient
from sockgraph.sources.mediawiki.queries import RENAMES
from sockgraph.sources.mediawiki.source import MediaWikiSource
from sockgraph.store.raw_answers import RawAnswers

pytestmark = pytest.mark.wiki
OLD, NEW = history.RENAMED


@pytest.fixture
def open_source(wiki_case, tmp_path):
    def open_one(*nominated, **options):
        case = load_case(wiki_case(*nominated))
        return MediaWikiSource(case, RawAnswers(tmp_path / "raw"), **options)

    return open_one


@pytest.fixture
def endless_log(monkeypatch):
    """A rename log whose latest answers do not hold the rename."""
    monkeypatch.setattr(renames, "log_is_whole", lambda _: False)
    rows = CachedClient.rows
    monkeypatch.setattr(
        CachedClient,
        "rows",
        lambda self, asked, *a, **k: iter(()) if asked is RENAMES else rows(self, asked, *a, **k),
    )


@pytest.fixture
def redirect(wiki):
    """The redirect that a rename leaves behind, and one that is none."""
    site = wiki.admin()
    for name in (OLD, "Copper Heron"):
        site.pages[f"User:{name}"].edit(f"#REDIRECT [[User:{NEW}]]", "moved with the account")
    site.pages[f"User:{OLD}/notes"].edit(f"#REDIRECT [[User:{NEW}]]", "moved with the account")


def test_a_short_log_is_read_whole(open_source):
    source = open_source(NEW)
    assert source.read([NEW]).coverage[0].renamed_from == (OLD,)
    assert source.traffic()["requests"]["renames"] == 1
    assert "redirects of user pages" not in source.traffic()["requests"]


@pytest.mark.usefixtures("redirect", "endless_log")
def test_redirects_lead_to_old_names_where_the_log_is_long(open_source):
    source = open_source(NEW, "Amber Wren")
    reading = source.read([NEW, "Amber Wren", "Kelp Wren"])
    told = {c.user: c for c in reading.coverage}
    assert told[NEW].renamed_from == (OLD,)
    assert told["Amber Wren"].renamed_from == ()
    assert "as far as redirects" in told[NEW].note
    asked = source.traffic()["requests"]
    assert asked["redirects of user pages"] == 1
    # of the two named, and of the two user pages that redirect; only one was an account's
    assert asked["logs about accounts"] == 4
    events = source.log_events([NEW])
    assert events[events["type"] == "renameuser"]["target"].tolist() == [OLD]
