"""Diffs for reviewers, against a real MediaWiki: asked once, kept, and removed when hidden."""

from __future__ import annotations

import json
import re

import pytest
from desk_fixture import WAIT, DeskPage
from typer.testing import CliRunner
from wiki import history

from sockgraph.case import load_case
from sockgraph.cli import app
from sockgraph.desk.state import Desk
from sockgraph.pipeline.run import run_case
from sockgraph.reviews.sheet import DIFFS_A_PAIR
from sockgraph.sources.mediawiki.revisions import DiffSource, parse_diff, stored_diffs
from sockgraph.sources.mediawiki.source import MediaWikiSource
from sockgraph.store.raw_answers import RawAnswers

pytestmark = pytest.mark.wiki
PRIVATE = "the keeper's own address"
UNKNOWN = 999_999_999


@pytest.fixture
def raw(tmp_path):
    return RawAnswers(tmp_path / "raw")


@pytest.fixture
def open_source(wiki_case, raw):
    def open_one(**options):
        case = load_case(wiki_case(history.HIDES, *history.OPERATED))
        return MediaWikiSource(case, RawAnswers(raw.folder), **options)

    return open_one


@pytest.fixture
def hide_text(wiki):
    """Return what hides a revision's text; it is shown again for the tests that follow."""
    hidden = []

    def hide(rev_id, how="hide"):
        site = wiki.admin()
        site.api(
            "revisiondelete", type="revision", ids=rev_id, reason="privacy",
            token=site.get_token("csrf"), **{how: "content"},
        )  # fmt: skip
        if how == "hide":
            hidden.append(rev_id)

    yield hide
    for rev_id in hidden:
        hide(rev_id, "show")


def write(wiki, title, *texts):
    page = wiki.admin().pages[title]
    return [page.edit(text, "a line")["newrevid"] for text in texts]


def kept(raw):
    return b"".join(stored_diffs(raw).body(e) for e in stored_diffs(raw).entries()).decode()


def test_each_edit_shows_what_it_changed_and_is_asked_about_once(wiki, open_source, raw):
    first, second = write(wiki, "Weir keepers", "The toll is old.", "The toll is new.")
    source = open_source()
    assert isinstance(source, DiffSource)
    told = source.diffs([second, first, second])
    assert list(told) == [second, first]
    assert parse_diff(told[first]) == [("ins", "The toll is old.")]
    assert [p for p in parse_diff(told[second]) if p[0] != "same"] == [
        ("del", "old"),
        ("ins", "new"),
    ]
    assert source.traffic()["requests"] == {"diffs": 2}
    assert raw.entries() == []  # what the tables come from is as it was
    again = open_source()
    assert again.diffs([first, second]) == {first: told[first], second: told[second]}
    assert again.traffic()["requests"] == {}


def test_offline_gives_what_is_stored_and_no_more(wiki, open_source):
    first, second = write(wiki, "Weir fees", "A fee.", "Two fees.")
    offline = open_source(offline=True)
    assert offline.diffs([first]) == {}
    told = open_source().diffs([first])
    assert open_source(offline=True).diffs([first, second]) == told
    assert offline.traffic()["requests"] == {}


def test_hidden_and_deleted_edits_are_absent_and_not_asked_about_again(
    wiki, open_source, raw, hide_text
):
    site = wiki.admin()
    before, hidden, after, last = write(
        wiki, "Weir letters", "One.", f"One. {PRIVATE}", "One. Two.", "One. Two. Three."
    )
    hide_text(hidden)
    (gone,) = write(wiki, "Weir rumours", PRIVATE)
    site.api("delete", title="Weir rumours", token=site.get_token("delete"))
    wanted = [before, hidden, after, last, gone, UNKNOWN]
    source = open_source()
    assert list(source.diffs(wanted)) == [before, last]
    assert PRIVATE not in kept(raw)
    assert source.traffic()["requests"] == {"diffs": len(wanted)}
    again = open_source()
    assert list(again.diffs(wanted)) == [before, last]
    assert again.traffic()["requests"] == {}


def test_text_hidden_later_is_removed_from_both_diffs_that_hold_it(
    wiki, open_source, raw, hide_text
):
    before, secret, after, last = write(
        wiki, "Weir notes", "One.", f"One. {PRIVATE}", "One. Two.", "One. Two. Three."
    )
    told = open_source().diffs([before, secret, after, last])
    assert len(told) == 4
    assert kept(raw).count("keeper") == 2
    hide_text(secret)
    removed = open_source().remove_hidden()
    assert (removed.checked, removed.texts, removed.answers) == (4, 1, 2)
    assert "keeper" not in kept(raw)
    left = open_source()
    assert list(left.diffs([before, secret, after, last])) == [before, last]
    assert left.traffic()["requests"] == {}
    assert open_source().remove_hidden().answers == 0


def test_the_desk_opens_one_diff_at_a_time_under_its_row(browser, wiki_case, tmp_path):
    case, data = wiki_case(*history.OPERATED[:2]), tmp_path / "data"
    run_case(case, data=data)
    shown = DeskPage(browser, Desk.of(case, data=data))
    page, row = shown.page, shown.page.locator(".sg .diffrow")
    buttons = page.locator(".sg .edits .diffs")
    assert buttons.count() == page.locator(".sg .edits input[type=checkbox]").count() > 2

    def opened(button):
        """Wait for the diff that stands right under an edit's row."""
        below = button.locator("xpath=ancestor::tr/following-sibling::tr[1][@class='diffrow']")
        below.wait_for(timeout=WAIT)
        assert row.count() == 1
        return below

    for n in (0, 2):
        buttons.nth(n).click()
        found = opened(buttons.nth(n))
        assert found.locator(".problem").count() == 0
        table = found.locator("xpath=ancestor::table")
        assert found.bounding_box()["width"] == pytest.approx(table.bounding_box()["width"], abs=1)
    buttons.nth(2).click()
    row.wait_for(state="detached", timeout=WAIT)
    page.locator(".sg .edits input[type=checkbox]").nth(1).focus()
    page.keyboard.press("d")
    look = "all => all.map(e => getComputedStyle(e).textDecorationLine)"
    found = opened(buttons.nth(1))
    changes = {kind: found.locator(kind).evaluate_all(look) for kind in ("ins", "del")}
    assert set(changes["ins"]) <= {"underline"}
    assert set(changes["del"]) <= {"line-through"}
    assert changes["ins"] or changes["del"]
    assert shown.heard == []
    page.close()


def test_a_packet_holds_diffs_inline_and_the_case_is_as_it_was(wiki_case, tmp_path):
    a, b = history.OPERATED[:2]
    case, data, out = wiki_case(a, b), tmp_path / "data", tmp_path / "packet.html"
    earlier = f'[[earlier]]\na = "{a}"\nb = "{b}"\nby = "Marrow Lintel"\ndate = 2024-03-01\n'
    case.write_text(case.read_text(encoding="utf-8") + earlier, encoding="utf-8")
    manifest = run_case(case, data=data).manifest
    words = ["review-packet", str(case), "--reviewer", "Ann", "--foils", "0", "--out", str(out)]
    made = CliRunner().invoke(app, [*words, "--data", str(data)])
    assert made.exit_code == 0, made.output
    page = out.read_text(encoding="utf-8")
    shown = json.loads(
        re.search(r'type="application/json"[^>]*>(.*?)</script>', page, re.DOTALL)[1]
    )
    (task,) = shown["tasks"]
    cards = [c for p in task["sheet"]["shared"] for r in p["rows"] for c in (r["a"], r["b"]) if c]
    diffs = [card["diff"] for card in cards if card["diff"]]
    assert len(diffs) == min(len(cards), DIFFS_A_PAIR)
    assert all(any(kind == "ins" for kind, _ in diff) for diff in diffs)
    assert a not in page
    assert b not in page
    again = run_case(case, data=data).manifest
    assert again["source"] == manifest["source"]
    assert again["run"]["traffic"]["requests"] == {}
