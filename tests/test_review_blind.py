"""Blinding: no name is left wherever it can occur, and nothing that ranks is shown."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from urllib.parse import quote

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from review_fixture import NOMINATED, A, B, C, D, edits_table, make_dossier

from sockgraph.reviews import sheet as sheets
from sockgraph.reviews.blinding import blinder, own_names
from sockgraph.reviews.packet import make_exhibit
from sockgraph.reviews.rules import ReviewTask, draw_foils, is_foil, open_links, queue
from sockgraph.reviews.sheet import PAGE_EDITS, UNSHARED_PAGES, gap_words, make_sheet, sides
from sockgraph.reviews.states import LinkHistory

HOUR = pd.Timedelta(hours=1)
BLIND = blinder({C: "A", "石埠晚钟": "B", "Bo": "B", A: "other"}, ["Benutzer:Weir Lantern/x"])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("thanks Weir Lantern!", "thanks Account A!"),
        ("weir_lantern and Weir%20Lantern", "Account A and Account A"),
        (
            "[[User:Weir Lantern|We<b>ir</b> L]] ([[User talk:Weir_Lantern|talk]])",
            "Account A (Account A)",
        ),
        ("User:Weir Lantern/Draft", "Account A/Draft"),
        ("User talk:Somebody Else/Archive 1", "another account/Archive 1"),
        ("Benutzer:Weir Lantern", "Account A"),
        ("感谢石埠晚钟的帮助", "感谢Account B的帮助"),
        ("感谢Weir Lantern的", "感谢Account A的"),
        ("Bowl of Bo, Bo's", "Bowl of Account B, Account B's"),
        ("[[Special:Contributions/Weir Lantern|W]]", "Account A"),
        ("[[Special:Contributions/192.0.2.1|x]] reverted", "another account reverted"),
        ("[[特殊:用户贡献/石埠晚钟|石]]", "Account B"),
        ("https://x.example/wiki/User:Foo_Bar?x=1", "https://x.example/wiki/another account"),
        (f"https://x.example/wiki/User:{quote('石埠晚钟')}", "https://x.example/wiki/Account B"),
        ("We\u200bir Lan\u00adtern", "Account A"),
        ("[[:de:User:Weir Lantern]]", "Account A"),
        ("{{ping|Weir Lantern}}", "{{ping|Account A}}"),
        ("Wikipedia:RfA/Weir Lantern", "Wikipedia:RfA/Account A"),
        ("ping Alder Tollgate", "ping another account"),
        ("nothing here", "nothing here"),
        ("", ""),
    ],
)
def test_a_name_is_replaced_wherever_it_occurs(text, shown):
    assert BLIND.plain(text) == shown


words = st.text(st.sampled_from("ab c_[]|:{}\u200b石/'\"<>&-"), max_size=12)
names = st.sampled_from([C, C.lower(), C.replace(" ", "_"), quote(C), "石埠晚钟", "WEIR  LANTERN"])


@given(st.lists(st.one_of(words, names), max_size=6).map("".join))
@example("[[User:Weir LanternWeir Lantern|x]]")
def test_nothing_of_a_long_name_survives_any_surroundings(text):
    shown = BLIND.plain(text)
    plain = re.sub(r"[\u200b\u00ad]", "", shown).replace("_", " ").casefold()
    plain = " ".join(plain.split())
    assert "weir lantern" not in plain
    assert "石埠晚钟" not in plain
    assert quote(C) not in shown


@pytest.fixture
def room(tmp_path):
    return make_dossier(tmp_path)


def said(sheet):
    return json.dumps(sheet.as_dict(), ensure_ascii=False)


def test_no_account_s_name_is_in_a_sheet_nor_a_former_one(room):
    dossier, _ = room
    text = said(make_sheet(dossier, C, A)) + said(
        make_exhibit(dossier, (C, A), LinkHistory((A, C)))
    )
    for name in (*NOMINATED, "Old Alder"):
        assert name.casefold() not in text.casefold()
    assert "<script>alert(1)</script>" in text  # text is kept as text; who shows it makes it inert


def test_a_foil_shows_no_name_of_a_reference_account(room):
    dossier, _ = room
    for task in draw_foils(dossier, 3):
        text = said(make_sheet(dossier, *task.pair))
        assert "Real Reader" not in text
        assert "reference-" not in text


def test_a_reference_account_s_own_name_is_guessed_from_its_user_pages():
    edits = edits_table()
    assert own_names(edits[edits["user"] == "reference-003"]) == ["Real Reader 3"]
    assert own_names(edits[edits["user"] == D]) == []


def test_a_sheet_shows_nothing_that_ranks(room):
    dossier, _ = room
    for forbidden in ("score", "log10", "band", "flagged", "state", "foil", "cluster", "asserted"):
        assert forbidden not in said(make_sheet(dossier, C, A)).casefold()


def test_pages_and_rows_come_in_time_order(room):
    dossier, _ = room
    sheet = make_sheet(dossier, B, C)
    firsts = [(page.rows[0].a or page.rows[0].b).date for page in sheet.shared]
    assert firsts == sorted(firsts)
    for page in sheet.shared:
        dates = [c.date for row in page.rows for c in (row.a, row.b) if c]
        assert dates == sorted(dates)
        assert all(row.gap for row in page.rows if row.a and row.b)
    assert sheet.totals == {"shared": 5, "only_a": 20, "only_b": 20}


def test_long_lists_are_cut_and_counted(room):
    dossier, _ = room
    edits = dossier.tables["edits"]
    first = edits[edits["user"] == B].iloc[[0]]
    more = [
        first.assign(rev_id=5000 + i, title=f"Page {i:03d}" if i < 80 else "Toll bridges 0")
        for i in range(160)
    ]
    grown = {**dossier.tables, "edits": type(edits)(_joined([edits, *more]))}
    sheet = make_sheet(type(dossier)(dossier.case, grown, dossier.manifest), B, C)
    assert sheet.totals["only_a"] == 100
    assert len(sheet.only_a) == UNSHARED_PAGES
    page = next(p for p in sheet.shared if p.left_out)
    shown = sum((row.a is not None) + (row.b is not None) for row in page.rows)
    assert shown <= PAGE_EDITS
    assert shown + page.left_out == 80 + 2 + 2
    assert all(row.gap for row in page.rows if row.a and row.b)


def _joined(frames):
    return pd.concat(frames, ignore_index=True)


def test_hidden_and_missing_summaries_are_told_apart(room):
    dossier, _ = room
    edits = dossier.tables["edits"].copy()
    at = edits.index[edits["user"] == B][:2]
    edits.loc[at, "comment"] = None
    edits["hidden"] = [["comment"] if i == at[0] else [] for i in edits.index]
    cards = make_sheet(
        type(dossier)(dossier.case, {**dossier.tables, "edits": edits}, dossier.manifest), B, C
    ).cards
    blank = [card for card in cards.values() if card.summary is None]
    assert sorted(card.hidden for card in blank) == [[], ["comment"]]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (119, "119 s"), (540, "9 min"), (7200, "2 h"), (3 * 86400, "3 days")],
)
def test_gaps_in_one_unit(seconds, said):
    import datetime as dt

    assert gap_words(dt.timedelta(seconds=seconds)) == said


def test_diffs_are_held_inline_and_blinded(room):
    dossier, _ = room
    rev = "fernwick.example:1000"
    sheet = make_sheet(dossier, A, C, diffs={rev: [("same", "see "), ("ins", f"[[User:{C}|L]]")]})
    assert sheet.cards[rev].diff == [("same", ["see "]), ("ins", [{"who": "B"}])]
    assert sum(card.diff is not None for card in sheet.cards.values()) == 1


def test_who_is_account_a_is_drawn():
    drawn = {sides((A, C), str(i)) for i in range(20)}
    assert drawn == {(A, C), (C, A)}
    assert sides((A, C), "x") == sides((A, C), "x")


def test_the_queue_is_shuffled_by_reviewer_and_the_same_each_time(room):
    dossier, ledger = room
    entries = ledger.entries()
    ann = queue(dossier, entries, "Ann")
    assert ann == queue(dossier, entries, "Ann")
    assert len({tuple(t.pair for t in queue(dossier, entries, f"R{i}")) for i in range(12)}) > 4
    assert {t.pair for t in ann if not t.foil} == {(A, C), (B, C)}


def test_two_accounts_of_one_labelled_person_are_no_known_different_pair(room):
    dossier, _ = room
    users = sorted(dossier.names)
    one = replace(dossier, persons=dict.fromkeys(users, "one person"))
    assert draw_foils(one, 3) == []
    two = replace(dossier, persons=dict.fromkeys(users[1:], "one person"))
    assert [users[0] in task.pair for task in draw_foils(two, 3)] == [True]


def test_everyone_gets_the_same_foils_and_no_account_twice(room):
    dossier, ledger = room
    entries = ledger.entries()
    foils = {
        frozenset(t.pair for t in queue(dossier, entries, f"R{i}") if t.foil) for i in range(5)
    }
    assert len(foils) == 1
    accounts = [user for pair in next(iter(foils)) for user in pair]
    assert len(accounts) == len(set(accounts)) == 6
    assert all(is_foil(dossier, pair) for pair in next(iter(foils)))
    assert not is_foil(dossier, (A, C))
    assert [t for t in queue(dossier, entries, "Ann", foils=0) if t.foil] == []


def test_only_links_in_question_wait(room):
    dossier, ledger = room
    assert open_links(dossier, ledger.entries()) == [ReviewTask((A, C)), ReviewTask((B, C))]
    assert [
        t.pair for t in queue(dossier, ledger.entries(), "Marrow Lintel the Clerk", foils=0)
    ] == [(B, C)]


def test_gaps_are_true_where_a_long_run_is_shortened(room):
    dossier, _ = room
    edits = dossier.tables["edits"]
    base = edits[edits["user"] == B].iloc[[0]]
    who = [B] * 20 + [C] * 15 + [B]
    start = base["timestamp"].item()
    runs = [
        base.assign(rev_id=9000 + i, user=user, title="Long page", timestamp=start + i * HOUR)
        for i, user in enumerate(who)
    ]
    grown = {**dossier.tables, "edits": _joined([edits, *runs])}
    sheet = make_sheet(type(dossier)(dossier.case, grown, dossier.manifest), B, C)
    (page,) = [p for p in sheet.shared if p.title == ["Long page"]]
    assert [row.gap for row in page.rows if row.gap] == ["60 min", "60 min"]
    assert page.left_out == len(who) - 7


def test_pages_that_fewest_edited_come_first(tmp_path, monkeypatch):
    monkeypatch.setattr(sheets, "FIRST_PAGES", 2)
    shared = make_sheet(make_dossier(tmp_path)[0], B, C).shared
    editors = [page.editors for page in shared]
    assert sorted(editors)[:2] == sorted(editors[:2]) < sorted(editors)[-2:]
