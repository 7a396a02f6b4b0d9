"""What a wiki hides or deletes after it was read is removed here; a purge leaves a tombstone."""

from __future__ import annotations

import json

import pytest
from wiki import history

from sockgraph.case import load_case
from sockgraph.errors import StoreError
from sockgraph.sources.mediawiki.revisions import _Cover
from sockgraph.sources.mediawiki.source import MediaWikiSource
from sockgraph.store import Store
from sockgraph.store.raw_answers import RawAnswers
from sockgraph.store.retention import purge_case

NAMES = ["Onyx Heron", "Onyx Plover"]
TOO_MUCH = "a summary that says too much"


@pytest.fixture
def open_source(wiki_case, tmp_path):
    def open_one(**options):
        return MediaWikiSource(
            load_case(wiki_case(*NAMES)), RawAnswers(tmp_path / "raw"), **options
        )

    return open_one


def hide(site, rev_id, what):
    site.api(
        "revisiondelete", type="revision", ids=rev_id, hide=what, reason="privacy",
        token=site.get_token("csrf"),
    )  # fmt: skip


@pytest.mark.wiki
def test_what_is_hidden_since_is_removed(wiki, open_source, tmp_path):
    site = wiki.admin()
    page = site.pages["Notes on what is hidden"]
    revisions = [
        page.edit(f"Line {number}", f"{TOO_MUCH} {number}")["newrevid"] for number in range(4)
    ]
    gone = site.pages["Notes on what is deleted"].edit("Line", TOO_MUCH)["newrevid"]
    source = open_source()
    names = ["Admin", *NAMES]
    before = source.read(names).edits
    source.histories([int(before.set_index("rev_id").loc[revisions[0], "page_id"])])
    hide(site, revisions[0], "comment")
    hide(site, revisions[1], "content")
    hide(site, revisions[2], "user")
    site.api("delete", title="Notes on what is deleted", token=site.get_token("delete"))

    told = open_source().remove_hidden()
    assert (told.checked, told.gone, told.comments, told.texts) == (len(before), 2, 1, 1)
    assert told.answers == 2
    kept = b"".join(
        RawAnswers(tmp_path / "raw").body(e) for e in RawAnswers(tmp_path / "raw").entries()
    )
    assert f"{TOO_MUCH} 3".encode() in kept
    for number in (0, 2):
        assert f"{TOO_MUCH} {number}".encode() not in kept
    after = open_source(offline=True).read(names).edits.set_index("rev_id")
    assert set(before["rev_id"]) - set(after.index) == {revisions[2], gone}
    assert after.loc[revisions[0], "hidden"] == ["comment"]
    assert after["comment"].isna()[revisions[0]]
    assert after.loc[revisions[1], "hidden"] == ["text"]
    untouched = [n for n in after.index if n not in revisions]
    assert after.loc[untouched].equals(before.set_index("rev_id").loc[untouched])

    again = open_source().remove_hidden()
    assert (again.gone, again.answers) == (0, 0)


def test_a_purge_leaves_a_tombstone_without_names(tmp_path):
    from test_raw_store import BODY, ENTRY

    store = Store(tmp_path).case("a-case")
    store.answers().put(ENTRY, BODY)
    store.write_text("report.html", "about 青石巷")
    store.write_text("ledger.jsonl", "kept")
    told = purge_case(store, note=lambda: {"ledger_head": "abc"})
    assert told.files == 2  # the answer, the report
    left = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file())
    assert left == ["processed/a-case/ledger.jsonl", "processed/a-case/removed.json"]
    said = json.loads(told.tombstone.read_text())
    assert said["ledger_head"] == "abc"
    assert said["files"] == 2
    assert history.HIDES not in told.tombstone.read_text()
    assert purge_case(store).files == 0


def test_a_case_that_is_being_fetched_is_not_purged(tmp_path):
    from test_raw_store import BODY, ENTRY

    store = Store(tmp_path).case("a-case")
    store.answers().put(ENTRY, BODY)
    with store.answers().locked(), pytest.raises(StoreError, match="fetched already"):
        purge_case(store)
    assert len(store.answers().entries()) == 1


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        (
            "2019",
            {"user": "2019", "timestamp": "2019-05-01", "revid": 2019},
            {"user": "X", "timestamp": "2019-05-01", "revid": 2019},
        ),
        ('A "B" \\ C', {"title": 'User talk:A "B" \\ C/sandbox'}, {"title": "User talk:X/sandbox"}),
        ("Test", {"comment": "Test of [[User:Test|t]]"}, {"comment": "Test of [[User:X|t]]"}),
        ("Heron Wade", {"comment": "rv Heron_Wade, as asked"}, {"comment": "rv X, as asked"}),
        (
            "Heron Wade",
            {"ucuser": "Moth|Heron Wade", "rows": ["Heron Wade", 3]},
            {"ucuser": "Moth|X", "rows": ["X", 3]},
        ),
    ],
)
def test_a_hidden_name_is_covered_in_values_and_nothing_else_is(name, before, after):
    assert _Cover(name, "X").within(before) == after
