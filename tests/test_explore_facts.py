"""What the explorer shows, as tables: counted by hand on a small invented case."""

import dataclasses
import html
import json
import re
import stat
import sys
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from hostile import NAMES

import sockgraph
from sockgraph.charts import hours
from sockgraph.charts.groups import matrix_cells
from sockgraph.charts.svg import colours
from sockgraph.desk import hours_in_common, messages, shared_edits, shared_pages, timeline
from sockgraph.desk.messages import handle_message
from sockgraph.desk.state import Desk, read_positions
from sockgraph.desk.tables import shared_phrases, tokens_of
from sockgraph.desk.widget import STATIC, Explorer, fallback, graph_payload, scoped_tokens
from sockgraph.errors import SockgraphError
from sockgraph.names import hidden_pseudonym
from sockgraph.pipeline.results import read_case
from sockgraph.report.filing import PickedEdit, keep_basket, read_basket
from sockgraph.report.summary import reference_pairs
from sockgraph.signals import FAMILIES
from sockgraph.store import CaseStore
from sockgraph.store.retention import purge_case

SAID = [
    "rv to sourced wording",
    "ce",
    None,
    "rv to sourced wording, see talk",
    "kept as it was",
    "",
]


class Tags(HTMLParser):
    """The tags and attributes that a browser would make of a page."""

    def __init__(self):
        super().__init__()
        self.found, self.attributes = set(), set()

    def handle_starttag(self, tag, attrs):
        self.found.add(tag)
        self.attributes |= {name for name, _ in attrs}


@pytest.fixture(scope="module")
def tables():
    start = pd.Timestamp("2024-01-01T00:00:00Z")  # a Monday
    hours = [0, 1, 2, 26, 30, 200]
    edits = pd.DataFrame(
        {
            "wiki": "fernwick.example",
            "rev_id": range(1, 7),
            "user": ["Heron", "Moth", "Heron", "Moth", "Wren", "Heron"],
            "title": ["River", "River", "River", "River", "River", "Alone"],
            "page_id": pd.array([7, 7, 7, 7, 7, 8], dtype="Int64"),
            "ns": pd.array([0] * 6, dtype="Int16"),
            "timestamp": [start + pd.Timedelta(hours=h) for h in hours],
            "comment": pd.array(SAID, dtype="string"),
            "minor": False,
            "size_diff": pd.array([1] * 6, dtype="Int32"),
            "hidden": [[] for _ in range(6)],
        }
    )
    empty = pd.DataFrame({"user_a": [], "user_b": [], "start": [], "end": [], "n_edits": []})
    log = pd.DataFrame(columns=["type", "action", "timestamp", "target", "params"])
    accounts = pd.DataFrame({"user": ["Heron", "Moth"], "registered": [start, pd.NaT]})
    return {"edits": edits, "alibis": empty, "log_events": log, "accounts": accounts}


def test_shared_edits_are_in_time_order_with_the_gap_to_the_other_account(tables):
    found = shared_edits(tables, "Moth", "Heron")
    assert found["rev"].tolist() == [f"fernwick.example:{n}" for n in (1, 2, 3, 4)]
    assert found["gap"].isna().tolist() == [True, False, False, False]
    assert found["gap"].tolist()[1:] == [3600, 3600, 24 * 3600]


def test_hours_of_the_week_are_counted_from_monday(tables):
    drawn = hours(tables["edits"], "Heron", "Moth").data
    assert drawn["a"].sum() == 3
    assert drawn.loc[[0, 2, 200 % 168], "a"].tolist() == [1, 1, 1]
    assert drawn.loc[[1, 26], "b"].tolist() == [1, 1]


def test_hours_in_common_are_a_share_and_stand_beside_others(tables):
    known = hours_in_common(tables, "Heron", "Moth")
    assert known == {"overlap": 0.0, "expected": 0.0, "n_others": 1}
    assert hours_in_common(tables, "Heron", "Heron")["overlap"] == pytest.approx(1.0)
    assert np.isnan(hours_in_common(tables, "Heron", "Nobody")["overlap"])


def test_shared_phrases_are_those_of_both_and_say_who_else_wrote_them(tables):
    found = shared_phrases(tables, "Heron", "Moth")
    assert found["phrase"].tolist() == ["rv to sourced wording"]
    assert found.loc[0, ["n_a", "n_b", "others", "of_others"]].tolist() == [1, 1, 0, 1]


def test_unsegmented_scripts_share_phrases_too():
    assert tokens_of("/* 渡口 */ 恢復 revert") == ["恢", "復", "revert"]


def test_the_time_line_says_when_one_takes_over(tables):
    apart = {**tables, "edits": tables["edits"].assign(user=["Heron"] * 3 + ["Moth"] * 3)}
    found = timeline(apart, "Heron", "Moth")
    over = found[found["kind"] == "hand-over"]
    assert over["words"].tolist() == ["last edit read of Heron, first of Moth 1 days later"]
    assert found.loc[0, "kind"] in {"first edit", "registered"}


def ask(desk, **question):
    link = graph_payload(desk)["links"][0]
    return handle_message(desk, {"a": link["a"], "b": link["b"], **question})


def test_the_scene_has_every_account_where_the_graph_puts_it(desk):
    scene = graph_payload(desk)
    assert len(scene["nodes"]) == 10
    assert scene["pairs"] == 45
    assert scene["insufficient"] == (desk.tables["links"]["band"] == "insufficient").sum() == 9
    assert {n["user"] for n in scene["nodes"] if n["insufficient"]} == {"Pewter Heronry"}
    places = read_positions(desk.store.path("graph.graphml"))
    assert all(0 <= x <= 1 and 0 <= y <= 1 for x, y in places.values())


def test_a_link_s_panels_say_the_report_s_numbers(desk):
    said = ask(
        desk, ask="panels", panels=["head", "evidence", "timecards", "timeline", "summaries"]
    )
    link = graph_payload(desk)["links"][0]
    assert f"{abs(link['lr']):.1f}" in said["head"]
    assert "H1: one operator" in said["evidence"]
    rows = desk.tables.of_pair("evidence", link["a"], link["b"])
    assert all(name in said["evidence"] for name in rows["signal"])
    assert "Mon" in said["timecards"]
    assert "first edit" in said["timeline"]


def test_what_is_picked_is_kept_on_its_side_and_comes_out_as_a_filing(desk):
    edits = ask(desk, ask="edits")["edits"]
    revs = [edits[0]["rev"], edits[1]["rev"], edits[-1]["rev"]]
    for rev in revs:
        ask(desk, ask="change basket", do="pick", rev=rev, side="for")
    ask(desk, ask="change basket", do="pick", rev=revs[2], side="against")
    said = ask(desk, ask="change basket", do="move", rev=revs[1], by=-1)
    assert [(p["rev"], p["side"]) for p in said["picked"]] == [
        (revs[2], "against"), (revs[1], "for"), (revs[0], "for"),
    ]  # fmt: skip
    path = desk.store.path("basket.json")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert all(name not in path.read_text("utf-8") for name in desk.accounts)
    again = handle_message(dataclasses.replace(desk), {"ask": "basket", "text": True})
    text = again["text"]
    assert text.index("Against one operator") < text.index("For one operator")
    assert text.count("{{diff|") >= 3
    for one in again["picked"]:
        line = next(k for k in text.splitlines() if f"diff={one['rev'].partition(':')[2]}|" in k)
        for part in (one["user"], one["at"][:10], html.escape(one["page"]).replace(":", "&#58;")):
            assert part in line
    mail = ask(desk, ask="basket", text=True, profile="mail")["text"]
    assert "{{" not in mail
    assert "one of enwiki, zhwiki" in ask(desk, ask="basket", profile="x")["problem"]["rule"]
    for rev in revs:
        said = ask(desk, ask="change basket", do="remove", rev=rev)
    assert said["picked"] == []
    assert not path.exists()


def test_a_basket_says_what_the_case_has_no_more_and_a_broken_one_is_kept(desk):
    gone = {"edits": [{"rev": "elsewhere.example:1", "side": "for"}]}
    path = desk.store.path("basket.json")
    path.write_text(json.dumps(gone))
    assert ask(desk, ask="basket", text=True)["picked"][0]["gone"]
    assert ask(desk, ask="basket", text=True)["text"] == ""
    path.write_text('{"edits": [{"rev": 1, "side": "sideways"}]}')
    assert "not a filing basket" in ask(desk, ask="basket")["problem"]["rule"]
    assert (
        "not a filing basket"
        in ask(desk, ask="change basket", do="remove", rev="x:1")["problem"]["rule"]
    )
    assert "sideways" in path.read_text()
    path.unlink()


def test_a_basket_is_purged_with_its_case(tmp_path):
    store = CaseStore(tmp_path / "raw", tmp_path / "processed")
    keep_basket(store, (PickedEdit("w:1", "for"),))
    assert read_basket(store) == (PickedEdit("w:1", "for"),)
    purge_case(store)
    assert not store.path("basket.json").exists()


def test_an_opening_that_told_is_marked_and_counted_among_all_accounts_read(desk):
    said = ask(desk, ask="edits")
    told = [e for e in said["edits"] if "openings" in e["signals"] and e["told"]]
    opens = [(e["summary"], e["told"]) for e in told if e["told"]["opens"]]
    assert opens
    rows = desk.tables["edits"].dropna(subset=["comment"])
    bare = rows["comment"].str.replace(r"/\*.*?\*/", "", regex=True).str.strip()
    of = rows["user"].nunique() - 2
    for summary, one in opens:
        assert re.sub(r"/\*.*?\*/", "", summary).strip().startswith(one["text"])
        begin = rows.loc[bare.str.lower().str.startswith(one["text"].lower()), "user"].unique()
        assert (one["others"], one["of"]) == (len(begin) - 2, of), one
    assert ("换图，", 3, 266) in {(t["text"], t["others"], t["of"]) for _, t in opens}


def pairs(desk, **question):
    """Ask for rows of the table of pairs; return them by column name."""
    said = handle_message(desk, {"ask": "pairs", **question})
    return [dict(zip(said["columns"], row, strict=True)) for row in said["rows"]]


def test_every_pair_is_in_the_table_with_what_both_have_in_common(desk):
    rows = pairs(desk)
    assert len(rows) == 45
    assert sum(row["insufficient"] for row in rows) == 9
    user = "Weir Lantern"
    ours = pairs(desk, user=user)
    assert len(ours) == 9
    assert {row["a"] == user or row["b"] == user for row in ours} == {True}
    for row in ours:
        pages = shared_pages(desk.tables, row["a"], row["b"])
        assert row["shared"] == len(pages)
        closest = pages["closest"].min()
        assert row["closest"] == (None if pd.isna(closest) else closest)
    numbers = [desk.bare_link(row["a"], row["b"]).log10_lr for row in ours if row["words"]]
    assert len(numbers) == sum(not row["insufficient"] for row in ours)
    assert numbers == sorted(numbers, reverse=True)
    assert "no account" in ask(desk, ask="pairs", user="Nobody")["problem"]["rule"]
    assert "sorted by" in ask(desk, ask="pairs", sort="x")["problem"]["rule"]


@pytest.mark.parametrize("falling", [True, False])
@pytest.mark.parametrize("user", [None, "Weir Lantern"])
@pytest.mark.parametrize("sort", ["shared", "closest", "lr", "pair"])
def test_the_kernel_sorts_all_pairs_and_sends_them_by_parts(desk, monkeypatch, sort, user, falling):
    """What is sorted by is what the rows show, though it is counted in another way."""
    whole = pairs(desk, sort=sort, user=user, falling=falling)
    monkeypatch.setattr(messages, "MOST_ROWS", 20)
    parts = [
        row
        for start in (0, 20, 40)
        for row in pairs(desk, sort=sort, user=user, falling=falling, start=start)
    ]
    assert parts == whole
    assert len({(row["a"], row["b"]) for row in whole}) == (9 if user else 45)
    values = {
        "shared": lambda row: row["shared"],
        "closest": lambda row: row["closest"],
        "lr": lambda row: desk.bare_link(row["a"], row["b"]).log10_lr,
        "pair": lambda row: next(name for name in (row["a"], row["b"]) if name != user).casefold(),
    }
    found = [values[sort](row) for row in whole]
    told = [value for value in found if value is not None]
    assert told == sorted(told, reverse=falling)
    assert found == told + [None] * (len(found) - len(told))  # none comes last, either way


def test_an_account_has_its_number_with_everybody_also_with_those_not_drawn(desk, monkeypatch):
    monkeypatch.setattr("sockgraph.desk.widget.MOST_LINKS", 2)
    assert len(graph_payload(desk)["links"]) == 2
    numbers = ask(desk, ask="numbers", user="Weir Lantern")["numbers"]
    assert {other for other, _ in numbers} == set(desk.accounts) - {"Weir Lantern"}
    told = [words for _, words in numbers if words]
    rows = [row["words"] for row in pairs(desk, user="Weir Lantern") if row["words"]]
    assert told == rows
    assert [bool(words) for _, words in numbers] == [True] * len(told) + [False] * (9 - len(told))


def test_the_matrix_shows_what_the_report_s_matrix_shows(desk):
    said = handle_message(desk, {"ask": "matrix", "order": "oldest first"})
    users = [u["user"] for u in said["users"]]
    assert users[0] == "Weir Lantern"
    cells = matrix_cells(users, desk.tables["links"], desk.data.cannot_links)
    assert said["cells"] == cells.to_dict("records")
    assert len(cells) == 45
    by_name = handle_message(desk, {"ask": "matrix", "order": "by name"})["users"]
    assert [u["user"] for u in by_name] == sorted(users, key=str.casefold)
    assert (
        "order is one of"
        in handle_message(desk, {"ask": "matrix", "order": "x"})["problem"]["rule"]
    )


def test_a_matrix_of_many_holds_the_strongest_and_those_looked_at(desk, monkeypatch):
    monkeypatch.setattr(messages, "MOST", 4)
    said = handle_message(desk, {"ask": "matrix", "order": "by name", "pair": ["Pewter Heronry"]})
    users = {u["user"] for u in said["users"]}
    assert {"Pewter Heronry", "Weir Lantern", "Quillmoss"} <= users
    assert (len(users), said["left_out"]) == (4, 6)


def test_absence_and_corrections_are_counted_as_neither(desk):
    said = ask(desk, ask="panels", panels=["evidence", "card", "head"])
    heads = re.findall(r"<h4>([^<]+)", said["evidence"])
    assert [h.split(":")[0].split(",")[0] for h in heads[:5]] == [
        "Against one operator", "Absence", "For one operator", "Could not speak", "Corrections",
    ]  # fmt: skip
    parts = re.split("<h4>", said["evidence"])
    link = graph_payload(desk)["links"][0]
    rows = desk.tables.of_pair("evidence", link["a"], link["b"])
    absent = rows[(rows["status"] == "ok") & (rows["support"] == 0) & rows["family"].isin(FAMILIES)]
    assert len(absent)
    assert all(f"{name}<br>" in parts[2] for name in absent["signal"])
    different = reference_pairs(desk.data)
    score = desk.link(link["a"], link["b"]).score
    assert f"{(different['score'] >= score).sum():,} of {len(different):,} pairs" in said["head"]
    assert "innocent cases like this one" in said["head"]


def test_a_note_goes_into_the_ledger_under_its_author_and_nowhere_else(desk):
    report = (desk.store.path("report.html")).read_bytes()
    said = ask(desk, ask="note", text="The same odd comma.")
    assert [(n["by"], n["text"]) for n in said["notes"]] == [("Ann", "The same odd comma.")]
    assert desk.ledger.verify() == desk.head
    assert desk.store.path("report.html").read_bytes() == report
    nobody = dataclasses.replace(desk, by="")
    assert "needs its author" in ask(nobody, ask="note", text="x")["problem"]["rule"]
    assert "empty" in ask(desk, ask="note", text=" ")["problem"]["rule"]
    assert "longer than" in ask(desk, ask="note", text="w" * 20_001)["problem"]["rule"]


def test_a_note_names_nobody_whom_the_wiki_hides_by_now(desk):
    ask(desk, ask="note", text="Quoted from Sallow Ferryman, once.")
    key = desk.result.case.id or desk.result.case.slug
    cover = hidden_pseudonym(key, "Sallow Ferryman")
    manifest = dict(desk.result.manifest)
    manifest["source"] = {**manifest["source"], "hidden": [cover]}
    later = dataclasses.replace(desk, result=dataclasses.replace(desk.result, manifest=manifest))
    said = [note["text"] for note in ask(later, ask="notes")["notes"]]
    assert said[-1] == f"Quoted from {cover}, once."
    assert "Sallow Ferryman" in desk.ledger.path.read_text("utf-8")  # the chain stays whole


def test_what_cannot_be_had_is_said_and_not_raised(desk):
    assert "only a wiki holds diffs" in ask(desk, ask="diff", rev="x:1")["problem"]["rule"]
    assert "no account" in ask(desk, ask="edits", a="Nobody")["problem"]["rule"]
    assert "no such group" in ask(desk, ask="group", number=99)["problem"]["rule"]


def test_without_calibration_there_is_everything_but_a_number(tiny_ran):
    desk = Desk.of(tiny_ran / "tiny.toml", data=tiny_ran / "data")
    scene = graph_payload(desk)
    assert not scene["calibrated"]
    a, b = scene["opens"]
    said = handle_message(desk, {"ask": "panels", "a": a, "b": b, "panels": ["head", "evidence"]})
    assert "at least 30 are needed" in said["head"]
    assert "at least 30 are needed" in said["evidence"]
    assert not re.search(r"[+−]\d", said["evidence"])
    edits = handle_message(desk, {"ask": "edits", "a": a, "b": b})
    assert len(edits["edits"]) > 100
    assert {page["moved"] for page in edits["pages"]} == {0.0}
    assert not any(edit["signals"] for edit in edits["edits"])
    rows = pairs(desk)
    assert len(rows) == 6
    assert {row["words"] for row in rows} == {""}


def test_a_case_that_was_not_run_says_so_in_the_widget(tmp_path, demo_ran):
    text = (demo_ran / "raw" / "demo" / "demo.toml").read_text()
    case = tmp_path / "other.toml"
    case.write_text(text)
    shown = Explorer(case, data=tmp_path)
    assert shown.desk is None
    assert shown.problem["remedy"]


def test_a_stale_artefact_says_so_in_the_widget(demo_copy):
    links = demo_copy / "processed" / "demo" / "links.parquet"
    whole = links.read_bytes()
    links.write_bytes(whole[:-1])
    try:
        shown = Explorer(demo_copy / "raw" / "demo" / "demo.toml", data=demo_copy)
    finally:
        links.write_bytes(whole)
    assert "manifest" in shown.problem["rule"]


def test_names_of_adversaries_are_inert_in_every_panel(desk):
    case = read_case(demo := desk.result.case.folder / "demo.toml", data=demo.parents[2])
    names = dict(zip(desk.accounts, NAMES, strict=False))
    tables = {
        name: frame.assign(
            **{c: frame[c].replace(names) for c in ("user", "user_a", "user_b") if c in frame}
        )
        for name, frame in case.tables.items()
    }
    ends = ["user_a", "user_b"]
    for frame in tables.values():
        if "user_a" in frame:
            turned = (frame["user_a"] > frame["user_b"]).to_numpy()
            frame.loc[turned, ends] = frame.loc[turned, ends[::-1]].to_numpy()
    hostile = dataclasses.replace(desk, result=dataclasses.replace(case, tables=tables))
    link = next(k for k in hostile.links.values() if k.log10_lr is not None)
    said = handle_message(
        hostile,
        {"ask": "panels", "a": link.a, "b": link.b, "panels": ["head", "evidence", "timeline"]},
    )
    for panel in said.values():
        tags = Tags()
        tags.feed(panel)
        assert not tags.found & {"script", "img", "iframe", "object", "meta"}, tags.found
        assert not [name for name in tags.attributes if name.startswith("on")]


def test_the_widgets_open_by_name_or_say_what_is_missing(monkeypatch, demo_copy):
    case = demo_copy / "raw" / "demo" / "demo.toml"
    assert sockgraph.explore(str(case), data=str(demo_copy)).problem is None
    shown = sockgraph.review(case, reviewer=" ", data=demo_copy)
    assert "a review needs its reviewer" in shown.said.value
    monkeypatch.setitem(sys.modules, "sockgraph.desk.widget", None)
    with pytest.raises(SockgraphError, match="notebook"):
        sockgraph.explore(case)


def test_the_widget_leaves_the_page_around_it_alone():
    css = scoped_tokens()
    assert ":root" not in css
    assert '[data-jp-theme-light="false"] .sg' in css


def luminance(colour):
    """Relative luminance, as WCAG 2 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


TEXT = ("ink", "ink-2", "ink-3", "for", "against")
MARKS = ("for", "against", "rule-strong", "hatch", "focus", "ink")


@pytest.mark.parametrize("dark", [False, True])
def test_text_and_marks_stand_out_from_what_is_behind_them(dark):
    known = colours(dark=dark)
    for behind in ("paper", "panel"):
        for name in TEXT:
            assert contrast(known[name], known[behind]) >= 4.5, (name, behind)
        for name in MARKS:
            assert contrast(known[name], known[behind]) >= 3, (name, behind)
    for pale in ("for-pale", "against-pale"):  # cells of the matrix
        assert contrast(known["ink"], known[pale]) >= 4.5
    css = (STATIC / "explorer.css").read_text("utf-8")
    assert not re.search(r"color: (?!var|inherit)", css)  # every colour is one of those
    assert set(re.findall(r"font(?:-size)?: [^;]*?(\d+)px", css)) <= {"12", "13", "15", "18"}


def test_where_no_kernel_draws_there_is_a_table_and_a_sentence():
    link = {
        "a": "<b>Moth",
        "b": "Heron",
        "lr": 2.04,
        "direction": "for",
        "flagged": True,
        "state": "none",
    }
    shown = fallback({"pairs": 1200, "links": [link] * 40}, None)
    assert "1,200 pairs were compared" in shown
    assert shown.count("<tr>") == 31
    assert "<td>&lt;b&gt;Moth</td><td>Heron</td><td>+2.0</td><td>for</td><td>yes</td>" in shown
    assert "&lt;x" in fallback({}, {"value": "<x", "rule": "is none.", "remedy": "Give one."})
