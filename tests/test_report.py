import dataclasses
import datetime as dt
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from report_fixture import CALIBRATED, USERS, WIKI, case, plain_case, river_trade

from sockgraph.charts.activity import week_counts
from sockgraph.charts.waterfall import waterfall_steps
from sockgraph.report.data import pair_tables, read_links, with_evidence
from sockgraph.report.facts import case_offset, events_of
from sockgraph.report.markup import diff_url, name, summary
from sockgraph.report.page import case_report
from sockgraph.report.wording import MOST_OMITTED, merge_omissions
from sockgraph.schema import empty


@pytest.fixture(scope="module")
def page():
    return case_report(river_trade())


def test_says_the_headline_in_the_one_form(page):
    text = page.replace("\N{NO-BREAK SPACE}", " ")
    assert "Evidence speaks moderately for one operator: log10 LR 2.1 [1.6, 2.4], bound 2.6" in text
    minus = "\N{MINUS SIGN}"
    numbers = f"log10 LR {minus}1.4 [{minus}1.9, {minus}1.0], bound {minus}2.2"
    assert f"Evidence speaks moderately against one operator: {numbers}" in text
    assert ">does not separate</span>" in text


def test_is_one_file_without_script_or_network(page):
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in page
    assert "<script" not in page
    assert not re.search(r'\b(src|srcset|data|action|xlink:href)="', page)
    assert not re.search(r"url\((?!#)", page)
    assert not re.search(r"\son[a-z]+=", page)


def test_is_the_same_bytes_from_the_same_tables(page):
    assert case_report(river_trade()) == page


def test_is_the_same_bytes_in_another_process(page):
    code = "import report_fixture, sockgraph.report.page as r, hashlib;"
    code += "p = r.case_report(report_fixture.river_trade());"
    code += "print(hashlib.sha256(p.encode()).hexdigest())"
    here = Path(__file__).parent
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": "1", "PYTHONPATH": f"{here}:{here.parent}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == hashlib.sha256(page.encode()).hexdigest()


def test_opens_by_sending_reviewers_away_and_ends_with_the_ledger(page):
    assert page.index("Going to review a link of this case?") < page.index("<h1 ")
    assert "9c41 e7d0 3b8a 5f26 : 17" in page
    assert "9c41e7d03b8a5f26" * 4 + ":17" in page


def test_lede_counts_flags_contradicted_and_insufficient(page):
    asked = re.search(r'<h1 id="question">(.*?)</h1>', page)[1]
    assert asked == "Was <bdi>Heron Wade</bdi> operated with <bdi>Lantern Moth</bdi>?"
    said = re.sub(r"<(?!/?b>)[^>]+>", "", re.search(r'<p class="ans">(.*?)</p>', page)[1])
    assert said == (
        "The edits of Heron Wade and Lantern Moth speak <b>against</b> one operator. The edits"
        " speak <b>for</b> one operator behind each of two links to review: Heron Wade and"
        " Quillwort; Heron Wade and 青石巷. 8 accounts, 28 pairs."
    )
    tally = "4 pairs speak for one operator, 8 against, 9 do not separate, 7 with too few edits."
    assert tally in page


def account_rows(page):
    table = page[page.index('id="accounts"') : page.index('id="pairs"')]
    rows = re.findall(r"<tr><td class=\"name\">(.*?)</tr>", table, re.DOTALL)
    return {re.search(r"<bdi[^>]*>(.*?)</bdi>", row)[1]: row for row in rows}


def test_account_lines_mark_age_blocks_and_renames(page):
    rows = account_rows(page)
    begun = [re.search(r"\d{4}-\d\d-\d\d", row)[0] for row in rows.values()]
    assert begun == sorted(begun)
    assert set(rows) == set(USERS)
    assert re.search(r"<b>\d+</b> <small>stale</small>", rows["渡口灯"])
    assert "7 days" in rows["渡口灯"]
    assert 'locked <span class="nb">2024-05-14' in rows["Lantern Moth"]
    assert "stale" not in rows["Lantern Moth"]
    assert "from <bdi>Reed Singer 7</bdi>" in rows["Sedge Warbler"]


def test_a_block_s_reason_is_quoted_and_does_nothing():
    data = river_trade()
    said = [None, "", "<b>rude</b> \u202eto all", "edit war"]
    page = case_report(river_trade(log_events=data.log_events.assign(comment=said)))
    rows = account_rows(page)
    assert "“" not in rows["Heron Wade"]  # hidden, or never given
    assert "“" not in rows["Lantern Moth"]
    assert "<small>“<bdi>&lt;b&gt;rude&lt;/b&gt; ⟨U+202E⟩to all</bdi>”</small>" in rows["渡口灯"]


def test_what_holds_on_all_wikis_stands_on_the_account_s_line(monkeypatch):
    data = river_trade()
    held = {"what": "block", "since": "2024-06-02", "by": "Steward"}, {"what": "lock"}
    for entry in data.coverage:
        monkeypatch.setitem(entry, "everywhere", held)
    rows = account_rows(case_report(data))
    assert 'blocked on all wikis <span class="nb">2024-06-02' in rows["渡口灯"]
    assert "locked on all wikis" in rows["渡口灯"]
    assert "locked on all wikis" not in rows["Lantern Moth"].replace("blocked on", "")


def test_before_and_after_add_up_to_the_edits_read(page):
    counts = r'data-l="Edits read">([\d,]+)</td>.*?>([\d,]+) edits before, ([\d,]+) after'
    found = [re.search(counts, row, re.DOTALL) for row in account_rows(page).values()]
    whole = [tuple(int(n.replace(",", "")) for n in f.groups()) for f in found if f]
    assert len(whole) == 3
    assert all(total == before + after for total, before, after in whole)


def test_every_pair_up_to_fifteen_accounts_has_its_place(page):
    data = river_trade()
    links = read_links(data)
    full = [link for link in links if link.flagged or link.state != "none"]
    assert page.count('<section id="link-') == len(full)
    assert page.count('<details class="pr"') == len(links) - len(full)
    assert "<details open" not in page


def waterfalls():
    data = river_trade()
    tables = pair_tables(data, [link.pair for link in read_links(data)])
    told = [known for known in tables.values() if pd.notna(known.link["log10_lr"])]
    return [(known.link, waterfall_steps(known.link, known.evidence)) for known in told]


def test_waterfall_steps_add_up_to_the_score():
    for link, steps in waterfalls():
        adds = steps["end"] - steps["start"]
        held = steps["title"] == "Held at the bound"
        assert adds[steps["title"] == "Baseline"].item() == pytest.approx(CALIBRATED["baseline"])
        assert adds[~held].sum() == pytest.approx(link["score"])
        assert adds.sum() == pytest.approx(link["log10_lr"])
        assert held.any() == (abs(link["score"] - link["log10_lr"]) >= 0.05)


def test_waterfall_reads_against_then_for_then_open_then_corrections():
    order = ["against", "absence", "for", "open", "correction"]
    for _, steps in waterfalls():
        rank = [order.index(kind) for kind in steps["kind"]]
        assert rank == sorted(rank)


def test_what_did_not_happen_is_no_evidence_for_or_against():
    link, _ = waterfalls()[0]
    known = pair_tables(river_trade(), [(link["user_a"], link["user_b"])])
    rows = known[link["user_a"], link["user_b"]].evidence.copy()
    rows.loc[rows["signal"] == "hours", "support"] = 0
    steps = waterfall_steps(link, rows).set_index("kind")
    assert steps.loc["absence", "title"] == "Hours"
    assert "Time" not in set(steps["title"])
    assert steps["end"].dropna().iloc[-1] == pytest.approx(link["log10_lr"])


def test_hatching_and_words_stand_where_nothing_is_known(page):
    assert "url(#hatch)" in page
    assert 'id="hatch"' in page
    assert "Tallow Jack</bdi> has 12 edits at 12 distinct times" not in page
    assert "No signal found enough in both accounts." in page


def test_says_what_was_found_and_needed_where_edits_are_few():
    data = river_trade(case=case(accounts={"nominated": list(USERS), "min_edits": 40}))
    page = case_report(data)
    assert re.search(r"Tallow Jack</bdi> has 12 edits at \d+ distinct times; 40 are needed", page)


def test_prior_times_bound_is_said_in_words(page):
    assert (
        "about one link in three wrong: <b>the evidence alone cannot carry a finding.</b>" in page
    )
    without = case_report(river_trade(case=case(prior=None)))
    assert "This case states no prior" in without
    assert "cannot carry a finding" not in without
    sure = case_report(river_trade(case=case(prior={"per_pair": 0.2})))
    assert "cannot carry a finding" not in sure


def test_nothing_flagged_names_the_nearest_miss_and_its_condition():
    data = river_trade()
    data = dataclasses.replace(data, links=data.links.assign(flagged=False))
    page = case_report(data)
    assert "No link met the conditions for review" in page
    near = re.search(r"Nearest to it came (.*?)\. What it missed: (.*?)</p>", page)
    assert "Quillwort" in near[1]
    assert near[2]


def test_uncalibrated_gives_the_reason_and_no_number():
    data = river_trade()
    null = dict.fromkeys(
        ["log10_lr", "log10_lr_low", "log10_lr_high", "log10_lr_naive", "bound_low", "bound_high"],
        np.nan,
    )
    links = data.links.assign(**null, flagged=False)
    links.loc[links["band"] != "insufficient", "band"] = "not calibrated"
    evidence = data.evidence.assign(log10_lr=np.nan, contribution=np.nan)
    reason = "3 reference accounts where 30 are needed."
    page = case_report(
        dataclasses.replace(
            data,
            links=links,
            evidence=evidence,
            calibration={"calibrated": False, "reason": reason},
        )
    )
    assert f"Not calibrated: {reason}" in page
    assert "Evidence speaks" not in page
    assert "Nothing could be calibrated" in page
    assert "neither graph nor staircase is drawn" in page
    assert "It ranks, and says nothing of odds" in page
    assert not re.search(r"\bnan\b", page)


@pytest.mark.parametrize("users", [(), ("Heron Wade",)])
def test_a_case_with_no_pair_says_so(users):
    page = case_report(plain_case(users))
    assert "One account makes no pair" in page
    assert "Groups" in page


def test_a_case_with_only_insufficient_pairs_draws_no_waterfall():
    data = river_trade()
    links = data.links.assign(
        **dict.fromkeys(["score", "log10_lr", "log10_lr_low", "log10_lr_high"], np.nan),
        band="insufficient", flagged=False, state="none",
    )  # fmt: skip
    page = case_report(dataclasses.replace(data, links=links, omissions=empty("omissions")))
    assert "Every pair has too few edits" in page
    assert "Nothing could be calibrated" not in page
    assert "neither graph nor staircase is drawn" in page
    assert "Baseline" not in page
    assert '<section id="link-' not in page


def test_many_accounts_leave_pairs_out_and_say_how_many():
    users = [f"Invented Editor {i:02d}" for i in range(18)]
    data = plain_case(users)
    page = case_report(data)
    shown = page.count('<section id="link-') + page.count('<details class="pr"')
    left = int(re.search(r"<b>([\d,]+) pairs left out here</b>", page)[1])
    assert shown + left == 153
    assert 'href="links.parquet"' in page


def test_everyone_sends_nobody_to_review():
    data = plain_case([f"Invented Editor {i:02d}" for i in range(4)])
    page = case_report(
        dataclasses.replace(data, case=case(accounts={"nominated": ["*"]}, declared=[], earlier=[]))
    )
    assert "Review and filings are refused until accounts are nominated by name" in page


def test_reference_accounts_are_counted_never_named(page):
    assert "reference-0" not in page
    assert "30 reference accounts" in page


def test_hours_are_turned_by_the_case_and_not_placed():
    offsets = {case_offset(case(slug=f"case-{i}")) for i in range(400)}
    assert {offset % 24 for offset in offsets} == set(range(3, 22))  # three hours either way
    assert {offset // 24 for offset in offsets} == set(range(7))
    times = np.array(["2024-01-01T05:00", "2024-01-01T05:30"], dtype="datetime64[us]")
    turned = week_counts(times, 3)
    assert turned.sum() == 2
    assert (np.roll(week_counts(times).ravel(), 3) == turned.ravel()).all()


def test_diffs_lead_to_the_wiki_of_the_case_and_nowhere_from_an_example():
    source = {
        "kind": "mediawiki",
        "contact": "me@fernwick.example",
        "scheme": "http",
        "api_path": "/wiki-x/",
    }
    loopback = case(wikis=["127.0.0.1:8123"], source=source)
    assert diff_url(loopback, 17) == "http://127.0.0.1:8123/wiki-x/index.php?diff=17"
    assert (
        diff_url(case(wikis=["zh.wikipedia.org"]), 17)
        == "https://zh.wikipedia.org/w/index.php?diff=17"
    )
    assert diff_url(case(), 17) is None
    assert diff_url(case(wikis=["wiki.test"]), 17) is None


def test_real_hosts_link_each_signal_to_its_very_edits():
    data = river_trade(case=case(wikis=["zh.wikipedia.org"]))
    page = case_report(data)
    revisions = {r.rsplit(":", 1)[1] for revs in data.evidence["rev_ids"] for r in revs}
    linked = set(re.findall(r'href="https://zh\.wikipedia\.org/w/index\.php\?diff=(\d+)"', page))
    assert linked >= {r for r in revisions if r in page}
    assert linked & revisions


def test_days_are_counted_from_the_reading_never_from_the_clock():
    later = case_report(river_trade(read_on=dt.date(2025, 7, 1)))
    assert "".join(account_rows(later).values()).count("<small>stale</small>") == 8


def test_groups_are_shown_both_ways_where_an_alibi_is_open():
    data = river_trade()
    other = data.clusters.assign(
        cluster_id=data.clusters["cluster_id"].where(data.clusters["cluster_id"] == 1)
    )
    page = case_report(dataclasses.replace(data, clusters_if_alibi=other))
    groups = page[page.index('<h2 id="groups"') :]
    assert "no change" in groups
    assert "falls apart" in groups


def test_a_name_is_never_truncated_and_a_summary_says_so():
    long = "N" * 255
    assert str(name(long)).count("N") == 255
    assert str(summary("s" * 300)).endswith("…</bdi>")


def test_no_word_is_a_verdict(page):
    text = re.sub(r"<[^>]+>", " ", page[page.index("<main>") :]).lower()
    for word in ("guilty", "confirmed", "likely", "unlikely", "possible", "sockpuppet", "culprit"):
        assert not re.search(rf"\b{word}\b", text), word


def test_signals_that_the_source_does_not_offer_are_named():
    data = river_trade()
    silent = data.evidence["signal"] == "tools"
    evidence = data.evidence.assign(
        status=data.evidence["status"].mask(silent, "not_available"),
        contribution=data.evidence["contribution"].mask(silent),
    )
    page = case_report(dataclasses.replace(data, evidence=evidence))
    assert "This source does not tell of tools: <i>not available</i>." in page
    assert ">not available</text>" in page


def test_measured_false_links_are_told_by_kind_of_pair():
    measured = {
        "different": {"10": 0.0098, "100": 0.0},
        "same pages": {"10": 0.031},
    }
    sizes = {"different": {"pairs": 435, "against": 0.61}}
    facts = {**CALIBRATED, "false_links": measured, "strata": sizes}
    data = river_trade(calibration=facts)
    page = case_report(data).replace("\N{NO-BREAK SPACE}", " ")
    table = page[page.index('<table class="tb rates">') :]
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in table.split("<tr>")[2:4]]
    assert rows[0] == ["all different pairs", "435", "0.98 %", "none", "61 %"]
    dash = "\N{EN DASH}"
    assert rows[1] == ["same pages", dash, "3.1 %", "not testable", "not testable"]
    assert "An LR over 1,000 is beyond what this reference can test." in page


def test_a_large_case_says_how_many_false_links_to_expect():
    rates = {"different": {"10": 0.01, "100": 0.002}}
    data = plain_case([f"Invented Editor {i:02d}" for i in range(51)])
    page = case_report(dataclasses.replace(data, calibration={**CALIBRATED, "false_links": rates}))
    assert "about 3 of these 1,275 pairs would have an LR over 100" in page


def test_missing_values_never_show_as_nan(page):
    text = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    assert not re.search(r"\b(nan|NaT|None|NA)\b", text)


def test_wiki_appears_once_as_fact(page):
    assert f"<dd>{WIKI}</dd>" in page


def test_omissions_that_say_the_same_are_drawn_once():
    whole = ("All evidence", 2.1, 1.9, 2.1, True)
    same = [(f"Without {i}", 2.1, 1.9, None, True) for i in range(5)]
    other = [(f"Without {i}", 1.0 - i / 20, 0.5, None, True) for i in range(12)]
    drawn = merge_omissions([whole, *same, *other])
    assert drawn[0] == whole
    assert drawn[1][0] == "Without any one of 5 more"
    assert drawn[2:] == other[-MOST_OMITTED + 1 :]
    assert merge_omissions([whole, *same[:2]]) == [whole, *same[:2]]


def test_an_alibi_shows_every_stretch_and_no_chance_that_was_not_measured(page):
    section = next(s for s in page.split("<section ") if "again and again" in s)
    assert "10 such stretches on 10 days" in section
    assert "10 simultaneous stretches. 1 more was automated and left out." in section
    assert "by chance" not in section


@pytest.mark.parametrize(
    ("event", "params", "said"),
    [
        ("block/block", {"duration": "infinity"}, "indefinitely, 2024-05-02"),
        ("block/block", {"expiry": "2024-05-09T00:00:00Z"}, "until 2024-05-09, 2024-05-02"),
        ("block/reblock", {"duration": "3 days"}, "changed to 3 days, 2024-05-02"),
        ("block/block", {}, "length not stated, 2024-05-02"),
        ("block/unblock", {}, "unblocked 2024-05-02"),
        ("globalauth/setstatus", {"added": ["locked"], "removed": []}, "locked 2024-05-02"),
        ("globalauth/setstatus", {"added": [], "removed": ["locked"]}, "unlocked 2024-05-02"),
        ("globalauth/setstatus", {"added": ["hidden"], "removed": []}, None),
        ("globalauth/setstatus", ["(none)", "locked"], "unlocked 2024-05-02"),
        ("globalauth/setstatus", {"0": "hidden, locked", "1": "(none)"}, "locked 2024-05-02"),
        ("thanks/thank", {}, None),
        ("gblblock/gblock", {"expiry": "infinity"}, "on all wikis, indefinitely, 2024-05-02"),
        (
            "gblblock/modify",
            {"expiry": "2024-06-02T00:00:00Z", "flags": []},
            "changed to on all wikis, until 2024-06-02, 2024-05-02",
        ),
        ("gblblock/gunblock", [], "unblocked on all wikis 2024-05-02"),
        ("gblblock/whitelist", [], None),
    ],
)
@pytest.mark.parametrize("target", ["Quillwort", "用户:Quillwort", "User:Quillwort@global"])
def test_reads_what_the_log_says_of_an_account(event, params, said, target):
    assert logged(event, target, json.dumps(params)) == ([said] if said else [])


@pytest.mark.parametrize(
    ("target", "params"), [(None, "{}"), ("Quillwort", "no json"), ("X", "[]")]
)
def test_a_log_that_cannot_be_read_is_no_block_of_somebody_else(target, params):
    assert len(logged("block/block", target, params)) == (target == "Quillwort")


def logged(event, target, params):
    kind, action = event.split("/")
    row = {"type": kind, "action": action, "target": target, "params": params}
    stamp = pd.Timestamp("2024-05-02", tz="UTC")
    found = events_of(["Quillwort"], pd.DataFrame([{**row, "timestamp": stamp}]))
    return [event.words for event in found["Quillwort"]]


def test_reads_links_with_everything_that_hangs_on_them():
    data = river_trade()
    links = {link.pair: link for link in with_evidence(data, read_links(data))}
    flagged = links[(USERS[0], USERS[2])]
    assert flagged.flagged
    assert len(flagged.signals) == 8
    assert len(flagged.omissions) == 6
    moth = links[(USERS[0], USERS[3])]
    assert moth.earlier is not None
    assert len(moth.stretches) == 11
    assert isinstance(moth.stretches[0].start, pd.Timestamp)


def section_of(page, *pair):
    sections = page.split('<section id="link-')[1:]
    return next(s for s in sections if all(name in s.split("</h2>")[0] for name in pair))


def test_a_link_s_section_shows_how_it_came_to_its_state():
    trail = ("Asserted by Marrow on 2024-05-13 (lock).", "Review: Ann: not upheld; Bea: upheld.")
    pair = (USERS[0], USERS[3])
    page = case_report(river_trade(trails={pair: trail}))
    shown = section_of(page, *pair)
    assert re.findall(r'<ol class="trail">(.*?)</ol>', page) == [
        "".join(f"<li>{line}</li>" for line in trail)
    ]
    assert shown.index("asserted elsewhere") < shown.index(">Next<") < shown.index(trail[0])
    assert "another look" not in page


def test_a_finding_whose_evidence_moved_is_marked_for_another_look():
    pair = (USERS[6], USERS[5])
    page = case_report(river_trade(moved=frozenset({pair})))
    shown = section_of(page, *pair)
    assert shown.count('<span class="state d">for another look</span>') == 1
    assert "not upheld · " in shown
    assert "what the finding rested on has changed since" in shown
    assert "The link may not be acted on." not in shown
    first = page[page.index('<ul class="links">') : page.index("</ul>")]
    assert first.count("for another look") == 1


def test_a_pair_with_too_few_edits_shows_its_trail_too():
    pair = tuple(sorted((USERS[0], USERS[7])))
    page = case_report(river_trade(trails={pair: ("Review: Ann: inconclusive.",)}))
    few = page[page.index('id="rest"') : page.index('<h2 id="groups"')]
    assert "<li>Review: Ann: inconclusive.</li>" in few
