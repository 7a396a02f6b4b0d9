"""Diffs as pieces: from MediaWiki's rows, and from a real wiki."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from review_fixture import B, C, make_dossier

from sockgraph.errors import FetchError
from sockgraph.pipeline import review_session as room
from sockgraph.reviews.sheet import make_sheet, wanted_diffs
from sockgraph.sources.mediawiki.revisions import CONTEXT, parse_diff

CHANGED = (
    '<tr><td class="diff-marker" data-marker="−"></td>'
    '<td class="diff-deletedline diff-side-deleted"><div>the toll was '
    '<del class="diffchange diffchange-inline">abolished</del> and</div></td>'
    '<td class="diff-marker" data-marker="+"></td>'
    '<td class="diff-addedline diff-side-added"><div>the toll was '
    '<ins class="diffchange diffchange-inline">suspended &amp; kept</ins> and</div></td></tr>'
)
CONTEXT_ROW = (
    '<tr><td class="diff-marker"></td><td class="diff-context"><div>same</div></td>'
    '<td class="diff-marker"></td><td class="diff-context"><div>same</div></td></tr>'
)
ADDED = (
    '<tr><td colspan="2" class="diff-empty"></td><td class="diff-marker"></td>'
    '<td class="diff-addedline"><div>&lt;b&gt;new&lt;/b&gt;</div></td></tr>'
)


def test_a_changed_line_shows_both_sides_once():
    assert parse_diff(CHANGED) == [
        ("same", "the toll was "),
        ("del", "abolished"),
        ("ins", "suspended & kept"),
        ("same", " and"),
    ]


def test_an_empty_line_is_no_text():
    empty = '<td class="diff-deletedline"><div>&#160;</div>'
    first = ADDED.replace('<td colspan="2" class="diff-empty">', empty)
    assert first != ADDED
    assert parse_diff(first) == [("ins", "<b>new</b>")]


def test_lines_alone_are_all_change_and_context_is_left_out():
    assert parse_diff(CONTEXT_ROW) == []
    assert parse_diff(CONTEXT_ROW + ADDED) == [("ins", "<b>new</b>")]
    assert parse_diff(ADDED + CHANGED)[:2] == [("ins", "<b>new</b>"), ("same", "\n")]


def test_text_far_from_a_change_is_cut():
    far = "x" * 500
    shown = parse_diff(CHANGED.replace("the toll was ", f"{far} the toll was "))
    assert shown[0] == ("same", "…" + f"{far} the toll was "[-CONTEXT:])


@given(st.text(max_size=60))
def test_no_text_stops_the_reader(text):
    parse_diff(text)
    parse_diff(CHANGED.replace("abolished", text))


def test_diffs_are_asked_for_as_the_pages_come(tmp_path):
    dossier, _ = make_dossier(tmp_path)
    sheet = make_sheet(dossier, B, C)
    wanted = wanted_diffs(sheet, 5)["fernwick.example"]
    assert len(wanted) == 5
    shown = [c.rev for row in sheet.shared[0].rows for c in (row.a, row.b) if c]
    assert f"fernwick.example:{wanted[0]}" == shown[0]


class Silent:
    """A source whose wiki does not answer; what was stored before can be had offline."""

    def __init__(self, offline):
        self.offline = offline

    def diffs(self, rev_ids, *, wiki):
        assert wiki == "fernwick.example"
        if not self.offline:
            raise FetchError("fernwick.example", "it cannot be reached.", "Try again.")
        return {rev_ids[0]: CHANGED}


def test_a_wiki_that_fails_keeps_nobody_from_reviewing(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "open_source", lambda *_, offline=False, **__: Silent(offline))
    dossier, ledger = make_dossier(tmp_path)
    source = dossier.case.source.model_copy(update={"kind": "mediawiki"})
    on_wiki = dossier.case.model_copy(update={"source": source})
    dossier = dataclasses.replace(dossier, case=on_wiki)
    said = []
    desk = room.ReviewSession(tmp_path / "case.toml", tmp_path, dossier, ledger, None, said.append)
    sheet = make_sheet(dossier, B, C)
    told = desk.diff_reader()(sheet)
    assert told == {
        f"fernwick.example:{wanted_diffs(sheet)['fernwick.example'][0]}": parse_diff(CHANGED)
    }
    assert "Diffs that were read before are shown" in " ".join(said)


@pytest.mark.wiki
def test_a_real_wiki_s_diff(wiki):
    site = wiki.admin()
    page = site.pages["Toll bridge at the weir"]
    page.save("The toll was abolished in 1911.\n\nThe keeper's house stands.")
    saved = page.save(
        "The toll was suspended in 1911.\n\nThe keeper's house stands.\n\n[[盐码头]] <!-- x -->"
    )
    answer = site.get("compare", fromrev=saved["newrevid"], torelative="prev", prop="diff")
    pieces = parse_diff(answer["compare"]["*"])
    assert [kind for kind, text in pieces if text.strip() in ("abolished", "suspended")] == [
        "del",
        "ins",
    ]
    assert ("ins", "[[盐码头]] <!-- x -->") in pieces
    assert "keeper" not in "".join(text for _, text in pieces)
