"""Filings and notes: two-sided, without a verdict, and inert whatever anybody wrote."""

from __future__ import annotations

import dataclasses
import html
import re

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from review_fixture import A, B, C, clusters_table, make_dossier
from review_work import review

from sockgraph.cli.filing import read_case_links
from sockgraph.names import clean
from sockgraph.report.wikitext import (
    PROFILES,
    VARIANTS,
    Filing,
    diff_lines,
    inert,
    restoration_note,
    spi_filing,
)
from sockgraph.reviews import histories
from sockgraph.reviews.audit import witnesses_in
from sockgraph.reviews.reversal import ask_reversal, settle_reversals

HOSTILE = (
    "{{delete}}",
    "{{subst:PAGENAME}} {{{1}}}",
    "<script>alert(1)</script>",
    "<nowiki></nowiki><!-- --> -->",
    "[[Category:Taken over]] [[File:X.png]]",
    "[http://evil.example x] http://evil.example //evil.example",
    "~~~~ ~~~~~",
    "__NOTOC__ #REDIRECT [[x]]",
    "'''bold''' ''slanted''",
    "|} |- || ! !! {|",
    "= heading =\n* list\n----\n pre",
    "ISBN 9780306406157 RFC 1234 PMID 1234 ISBN\u00a09780306406157",
    "&lt;b&gt; &#91;[x]] &nbsp;",
    "-{zh-cn:甲;zh-tw:乙}-",
    "<ref>x</ref> <math>x</math> <gallery>",
    "a\u202eb\u200bc",
    "name=value|2=other",
    "盐码头，票价表（1908年）",
)
FORBIDDEN = ("sockpuppet|", "blocked", "guilty", "confirmed", "likely", "{{checkuser", "LockHide")


@pytest.fixture
def filing(tmp_path):
    dossier, ledger = make_dossier(tmp_path)
    edits = dossier.tables["edits"]
    own = edits.index[edits["user"].isin([B, C])]
    edits = edits.assign(comment=edits["comment"].astype(object))
    for i, at in enumerate(own):
        edits.loc[at, "comment"] = HOSTILE[i % len(HOSTILE)]
    evidence = dossier.tables["evidence"]
    revs = [f"fernwick.example:{rev}" for rev in edits.loc[own, "rev_id"]]
    evidence = evidence.assign(rev_ids=[revs] * len(evidence))
    dossier = dataclasses.replace(
        dossier, tables={**dossier.tables, "edits": edits, "evidence": evidence}
    )
    review(dossier, ledger, (B, C), Ann="upheld", Bea="upheld")
    known = histories(ledger.entries())
    link = read_case_links(dossier)[B, C]
    return Filing(dossier.case, [link], [known[B, C]], edits, ledger.head())


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
@settings(max_examples=300, deadline=None)
def test_no_character_that_wikitext_reads_is_left(text):
    spelled = re.sub(r"&#\d+;", "", inert(text))
    assert not re.search(r"[\[\]{}<>|=~#*:;'_&\n\r]", spelled)
    assert not re.search(r"ISBN|RFC|PMID", spelled)
    assert html.unescape(inert(text)) == clean(text)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_filing_has_both_sides_and_no_verdict(filing, profile, variant):
    text = spi_filing(filing, profile=profile, variant=variant)
    assert str(filing.head) in text
    if profile != "meta":
        assert "{{subst:SPI report" in text
        assert "|evidence=" in text
    if profile == "enwiki":
        assert text.index("Evidence against one operator") < text.index("Evidence for one operator")
        assert "colleagues" in text  # the reviewers' alternative
        assert "{{diff|diff=" in text
    for word in FORBIDDEN:
        assert word not in text
    assert "Clerk" not in text
    for hostile in HOSTILE[:7]:
        assert hostile not in text
    assert text.count("{{") == text.count("}}") == 1 + text.count("{{diff|") or profile == "meta"


def test_the_public_variant_withholds_how_signals_work(filing):
    public = spi_filing(filing, profile="enwiki", variant="public")
    private = spi_filing(filing, profile="enwiki", variant="private")
    assert "words (text)" in private
    assert "words" not in public.split("Evidence against")[1].split("Ledger head")[0]
    assert "log10 LR alone" not in public


def test_a_filing_can_be_audited_against(filing, tmp_path):
    path = tmp_path / "filing.wiki"
    path.write_text(spi_filing(filing, profile="zhwiki", variant="public"), encoding="utf-8")
    assert witnesses_in(path) == [filing.head]


def test_the_public_variant_gives_days_and_lengths_and_no_hours(filing):
    from sockgraph.report.data import Stretch

    start = pd.Timestamp("2024-03-02T05:10", tz="UTC")
    stretch = Stretch(start, start + pd.Timedelta(hours=2), 40, 1.5, None)
    link = dataclasses.replace(filing.links[0], stretches=(stretch,))
    filing = dataclasses.replace(filing, links=[link])
    private = spi_filing(filing, profile="enwiki", variant="private")
    public = spi_filing(filing, profile="enwiki", variant="public")
    assert "2024-03-02, 5 to 7 h UTC, 40 edits" in private
    assert "UTC" not in public
    assert "5 to 7" not in public
    assert "2024-03-02, 120 minutes, 40 edits" in public


def test_edits_become_diff_lines_oldest_first(filing):
    edits = filing.edits[filing.edits["user"] == A].head(2).iloc[::-1]
    lines = diff_lines(filing.case, edits, profile="enwiki").splitlines()
    assert lines[0].startswith("* {{diff|diff=1000|oldid=prev|label=2024-01-01}}: “reply to ")
    assert len(lines) == 2
    meta = diff_lines(filing.case, edits, profile="meta")
    assert "[https://fernwick.example/w/index.php?diff=1000 2024-01-01]" in meta


def restored(tmp_path):
    dossier, ledger = make_dossier(tmp_path, clusters=clusters_table(first=1))
    ask_reversal(ledger, dossier, (A, C), author="Ash", reason="a letter")
    review(dossier, ledger, (A, C), Ann="reversed", Bea="reversed")
    (entry,) = settle_reversals(ledger, dossier)
    return restoration_note(dossier.case, entry, ledger.head()), ledger


def test_the_restoration_note_says_what_to_undo_and_whom_to_tell(tmp_path):
    note, ledger = restored(tmp_path)
    for part in (
        f"The link between [[User:{A}|{A}]] and [[User:{C}|{C}]] was wrong",
        "It stood since 2025-02-10",
        "=== What was wrong ===\n* because\n* because",
        "* Undo the lock that followed from the link",
        "* the link of [[User:Quillmoss|Quillmoss]], [[User:Weir Lantern|Weir Lantern]]",
        "* Marrow Lintel the Clerk, who made or upheld the link",
        f"Ledger head {ledger.head()}",
    ):
        assert part in note


@pytest.mark.wiki
def test_what_is_posted_parses_without_error_on_a_real_wiki(wiki, filing, tmp_path):
    site = wiki.admin()
    site.pages["Template:SPI report"].save(
        "<includeonly>==== Suspected sockpuppets ====\n* {{{1}}}\n{{{evidence}}}</includeonly>"
    )
    site.pages["Template:Diff"].save("<span class='diff'>{{{diff}}} {{{label}}}</span>")
    note, _ = restored(tmp_path)
    texts = [spi_filing(filing, profile=p, variant=v) for p in PROFILES for v in VARIANTS]
    for text in (*texts, note):
        answer = site.post(
            "parse", text=text, pst=1, contentmodel="wikitext", title="Case", disablelimitreport=1
        )
        parsed = answer["parse"]
        shown = parsed["text"]["*"]
        assert not parsed.get("parsewarnings")
        assert 'class="error"' not in shown
        assert "<script" not in shown
        assert "evil.example" not in "".join(parsed["externallinks"])
        assert not parsed["categories"]
        assert not parsed["images"]
        assert {t["*"] for t in parsed["templates"]} <= {"Template:Diff"}
        targets = {link["*"] for link in parsed["links"]}
        assert targets <= {f"User:{name}" for name in (A, B, C)}


@pytest.mark.wiki
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_as_it_was_written_on_a_real_wiki(wiki, text):
    site = wiki.admin()
    answer = site.post(
        "parse", text=f"* {inert(text)}", pst=1, contentmodel="wikitext", title="Case",
        disablelimitreport=1, wrapoutputclass="",
    )  # fmt: skip
    shown = answer["parse"]["text"]["*"]
    inside = re.fullmatch(r"\s*<ul><li>(.*?)</li></ul>\s*", shown, re.DOTALL)
    assert inside, shown
    assert "<" not in inside[1]
    assert html.unescape(inside[1]).split() == clean(text).split()
