"""Filings and notes: two-sided, without a verdict, and inert whatever anybody wrote."""

from __future__ import annotations

import dataclasses
import html
import re

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from review_fixture import CASE, A, B, C, clusters_table, make_dossier
from review_work import review
from review_work import with_tables as with_case_tables

from sockgraph.log_events import restraints
from sockgraph.names import clean
from sockgraph.report.filing import PickedEdit, restoration_note
from sockgraph.report.markup import escape_wikitext
from sockgraph.report.wikitext import (
    PROFILES,
    VARIANTS,
    Filing,
    basket_text,
    diff_lines,
    spi_filing,
)
from sockgraph.reviews.arguments import CLAIMS
from sockgraph.reviews.audit import witnesses_in
from sockgraph.reviews.reversal import ask_reversal, settle_reversals
from sockgraph.reviews.states import histories
from sockgraph.reviews.words import SIGNAL_NAMES, action_words
from sockgraph.schema import empty, validate

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
FORBIDDEN = ("sockpuppet|", "guilty", "confirmed", "likely", "{{checkuser", "LockHide")


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
    signals = evidence["signal"].replace("words", "phrases")  # as today's text signal is named
    evidence = evidence.assign(rev_ids=[revs] * len(evidence), signal=signals)
    dossier = with_case_tables(dossier, edits=edits, evidence=evidence)
    review(dossier, ledger, (B, C), Ann="upheld", Bea="upheld")
    known = histories(ledger.entries())
    others = [history for pair, history in known.items() if pair != (B, C)]
    return Filing(dossier, [known[B, C]], others, ledger.head())


def with_tables(filing, **other):
    """Return a filing of a case with other tables."""
    return dataclasses.replace(filing, dossier=with_case_tables(filing.dossier, **other))


@example("".join(map(chr, range(128))))  # whatever examples are drawn, every mark of ASCII
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_no_character_that_wikitext_reads_is_left(text):
    spelled = re.sub(r"&#\d+;", "", escape_wikitext(text))
    assert not re.search(r"[\[\]{}<>|=~#*:;'_&\n\r]", spelled)
    assert not re.search(r"ISBN|RFC|PMID", spelled)
    assert html.unescape(escape_wikitext(text)) == clean(text)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_filing_has_both_sides_and_no_verdict(filing, profile, variant):
    text = spi_filing(filing, profile=profile, variant=variant)
    assert str(filing.head) in text
    assert re.search(r"^(=====|Accounts)", text, re.MULTILINE)  # a heading begins its line
    assert not re.search(r"[^=\n]=====\s?\w", text)
    if profile in ("enwiki", "zhwiki"):
        assert "{{subst:SPI report" in text
        assert "|evidence=" in text
        assert "{{diff|diff=" in text
    if profile == "enwiki":
        assert text.index("Against one operator") < text.index("For one operator")
        assert "the strongest other explanation: colleagues" in text
        assert "Public edits cannot exclude" in text
    for word in FORBIDDEN:
        assert word not in text
    assert "Clerk" not in text
    if profile != "mail":
        for hostile in HOSTILE[:7]:
            assert hostile not in text
        templates = profile != "meta"
        assert text.count("{{") == text.count("}}") == templates + text.count("{{diff|")
    assert ("log10 LR alone" in text or "单独的 log10 LR" in text) == (variant == "private")
    told = text.replace(str(filing.head), "")
    assert not re.search(r"\d\d:\d\d|UTC", told)  # days, and no hour of the day


def claims(text):
    return [line for line in text.splitlines() if line.startswith("* ")]


def test_a_filing_argues_at_most_six_times_and_never_twice_the_same(filing):
    text = spi_filing(filing, profile="enwiki", variant="public")
    argued = claims(text.split("For one operator")[1].split("Why its reviewers")[0])
    assert 1 <= len(argued) <= 6
    assert len(argued) == len(set(argued))
    rows = [line for line in text.splitlines() if line.startswith("** ")]
    assert rows
    for row in rows:  # one account's diff beside the other's
        assert "↔" in row
        assert f"[[User:{B}|{B}]] {{{{diff|" in row
        assert f"[[User:{C}|{C}]] {{{{diff|" in row
    assert len(set(rows)) == len(rows)


def test_a_filing_counts_the_arguments_that_it_leaves_out(filing):
    one = filing.dossier.tables["evidence"].query("signal == 'phrases' and user_a == @B").iloc[[0]]
    revs = [[], *([rev] for rev in one["rev_ids"].iloc[0][:8])]  # none, or one of its own
    told = [one.assign(signal=f"trace {i}", rev_ids=[rev]) for i, rev in enumerate(revs)]
    filing = with_tables(filing, evidence=pd.concat(told))
    text = spi_filing(filing, profile="enwiki", variant="public")
    assert text.count("Both are alike in") == 6
    assert "\n* Arguments left out: 3. They come after the first 6, or have no edit" in text


def test_a_filing_goes_under_the_oldest_account(filing):
    accounts = filing.dossier.tables["accounts"].copy()
    for user, oldest in ((B, C), (C, B)):
        days = {
            user: pd.Timestamp("2023-09-24", tz="UTC"),
            oldest: pd.Timestamp("2023-01-17", tz="UTC"),
        }
        accounts["registered"] = accounts["user"].map(days)
        dated = with_tables(filing, accounts=accounts)
        assert dated.accounts == (oldest, user)
        text = spi_filing(dated, profile="enwiki", variant="public")
        assert text.startswith(f"<!-- Wikipedia:Sockpuppet investigations/{oldest} -->")
        assert f"|1={user}" in text
        assert f"[[User:{oldest}|{oldest}]] (oldest): registered 2023-01-17; first edit" in text


@pytest.mark.parametrize("language", ["zh-hans", "zh-hant"])
@pytest.mark.parametrize("profile", ["zhwiki", "mail"])
def test_a_filing_in_chinese_is_so_throughout(filing, profile, language):
    edits = filing.dossier.tables["edits"].assign(comment="补充来源", title="桥")
    filing = with_tables(filing, edits=edits)
    text = spi_filing(filing, profile=profile, variant="private", language=language)
    said = re.sub(
        r"<!--.*?-->|\{\{diff[^}]*\}\}|\{\{subst:SPI report|evidence|User:|https\S+", "", text
    )
    theirs = ("because", "colleagues", "Ann", "Bea", "fernwick.example")  # people's own words
    for name in (B, C, "log10 LR", "Subject", str(filing.head), *theirs):
        said = said.replace(name, "")
    assert re.findall(r"[A-Za-z]{2,}", said) == []
    assert not re.search(r"[:;(] ?[\u4e00-\u9fff]", re.sub(r"\[\[:", "", said).removeprefix(": "))
    assert ("註冊" in text or "帳號" in text) == (language == "zh-hant")


def with_signal(filing, signal, family):
    """Return a filing of which each link rests on one signal."""
    evidence = filing.dossier.tables["evidence"]
    evidence = evidence[evidence["signal"] == "phrases"].assign(signal=signal, family=family)
    return with_tables(filing, evidence=evidence)


def test_writing_is_claimed_of_what_was_read_of_it(filing):
    filing = with_signal(filing, "added text", "writing")
    english = spi_filing(filing, profile="enwiki", variant="public")
    assert "Both write alike in what their edits added" in english
    chinese = spi_filing(filing, profile="zhwiki", variant="public")
    assert "两者在编辑所添加的文字中写法相似" in chinese
    case = filing.dossier.case
    source = case.source.model_copy(update={"texts": "posts"})
    case = case.model_copy(update={"source": source})
    filing = dataclasses.replace(filing, dossier=dataclasses.replace(filing.dossier, case=case))
    posts = spi_filing(filing, profile="enwiki", variant="public")
    assert "Both write alike in their posts on talk pages" in posts


def test_a_signal_without_a_claim_of_its_own_is_told_in_the_filing_s_language(filing):
    filing = with_signal(filing, "rivalry", "pages")
    assert "Both are alike in: rivalry." in spi_filing(filing, profile="enwiki", variant="public")
    assert "两者相似之处：rivalry。" in spi_filing(filing, profile="zhwiki", variant="public")


def test_imitation_that_was_explained_comes_first_among_what_speaks_against(filing):
    filing = with_signal(filing, "imitation", "imitation")
    for variant in VARIANTS:
        text = spi_filing(filing, profile="enwiki", variant=variant)
        against = claims(text.split("===== Against one operator")[1].split("=====\n\n")[0])
        assert "takes over the other's summaries word for word" in html.unescape(against[0])


def test_a_filing_counts_the_other_accounts_and_the_days_that_it_shows(filing):
    edits = filing.dossier.tables["edits"]
    own = edits["user"].isin([B, C])
    edits = edits.assign(comment=edits["comment"].where(~own, "per the toll survey"))
    filing = with_tables(filing, edits=edits)
    text = spi_filing(filing, profile="enwiki", variant="public")
    assert "“per the toll survey” in their summaries. None of the 14 other accounts" in text
    for row in re.findall(r"^\*\* .*", text, re.MULTILINE):
        one, other = re.findall(r"label=([\d-]+)", row)
        days = abs((pd.Timestamp(one) - pd.Timestamp(other)).days)
        gap = "on the same day" if not days else f"{days} day{'s' * (days > 1)} apart"
        assert f"({gap})" in row or row.startswith("** For example: ")


def test_a_number_at_the_bound_is_filed_as_at_least_that(filing):
    links = filing.dossier.tables["links"].assign(
        log10_lr=2.1, log10_lr_low=1.8, log10_lr_high=2.1, bound_low=-1.9, bound_high=2.1
    )
    filing = with_tables(filing, links=links)
    text = html.unescape(spi_filing(filing, profile="enwiki", variant="public"))
    assert "log10 LR ≥ 2.1 [1.8, ≥ 2.1]" in text


def test_a_mail_is_plain_text(filing):
    text = spi_filing(filing, profile="mail", variant="private")
    assert text.startswith("Subject: ")
    addresses = re.findall(r"https://fernwick.example/w/index.php\?diff=(\S+)", text)
    assert addresses
    assert all(number.isdigit() for number in addresses)  # nothing of the sentence clings to them
    for markup in ("[[User:Quill", "{{diff", "====="):
        assert markup not in text


def test_a_filing_can_be_audited_against(filing, tmp_path):
    path = tmp_path / "filing.wiki"
    path.write_text(spi_filing(filing, profile="zhwiki", variant="public"), encoding="utf-8")
    assert witnesses_in(path) == [filing.head]


def test_simultaneous_work_is_told_first_by_day_and_length(filing):
    alibis = filing.dossier.tables["alibis"].assign(user_a=B, user_b=C)
    filing = with_tables(filing, alibis=alibis)
    public = spi_filing(filing, profile="enwiki", variant="public")
    day = "On 2024-01-01, 40 edits by turns on different pages, in 2 h altogether."
    assert f"===== Against one operator =====\n* {day}\n" in public
    many = pd.concat([alibis] * 10).assign(
        start=lambda t: [*pd.date_range(t["start"].iloc[0], periods=9), t["start"].iloc[0]],
        end=lambda t: t["start"] + pd.Timedelta(hours=1),
    )
    filing = with_tables(filing, alibis=many)
    public = spi_filing(filing, profile="enwiki", variant="public")
    assert public.count("edits by turns") == 6
    assert "On 2024-01-01, 80 edits by turns on different pages, in 2 h altogether." in public
    assert "Likewise on 3 more days." in public


def test_every_claim_is_of_something_that_is_looked_at():
    claims = {key for way in CLAIMS.values() for key in way}
    assert claims <= {*SIGNAL_NAMES, "page", "wording", "opening", "openings", "posts", "other"}


def test_edits_become_diff_lines_oldest_first(filing):
    edits = filing.dossier.tables["edits"]
    edits = edits[edits["user"] == A].head(2).iloc[::-1]
    lines = diff_lines(filing.dossier.case, edits, profile="enwiki").splitlines()
    assert lines[0].startswith("* {{diff|diff=1000|oldid=prev|label=2024-01-01}}: “reply to ")
    assert len(lines) == 2
    meta = diff_lines(filing.dossier.case, edits, profile="meta")
    assert "[https://fernwick.example/w/index.php?diff=1000 2024-01-01]" in meta


def restored(tmp_path, everywhere=None, **given):
    dossier, ledger = make_dossier(tmp_path, **given)
    for one in dossier.manifest["coverage"] if everywhere else ():
        one["everywhere"] = everywhere.get(one["user"], [])
    ask_reversal(ledger, dossier, (A, C), author="Ash", reason="a letter")
    review(dossier, ledger, (A, C), Ann="reversed", Bea="reversed")
    (entry,) = settle_reversals(ledger, dossier)
    return restoration_note(dossier, entry, ledger.head()), ledger


def test_the_restoration_note_says_what_to_undo_and_whom_to_tell(tmp_path):
    note, ledger = restored(tmp_path, clusters=clusters_table(first=1))
    for part in (
        f"The link between [[User:{A}|{A}]] and [[User:{C}|{C}]] was wrong",
        "It stood since 2025-02-10. 2 people who had no part in it took it back on ",
        "=== What was wrong ===\n* because\n\n",  # once, though two people wrote it
        "* Undo the lock that followed from the link",
        "* No block or lock of these accounts is known to be in force.",
        "* The link of [[User:Quillmoss|Quillmoss]], [[User:Weir Lantern|Weir Lantern]]",
        "* Marrow Lintel the Clerk, who made or upheld the link",
        f"Ledger head {ledger.head()}",
    ):
        assert part in note
    assert "parquet" not in note


def logged(*events):
    rows = [
        {
            "wiki": "fernwick.example",
            "log_id": i,
            "type": type_,
            "action": action,
            "timestamp": pd.Timestamp(f"2025-02-{10 + i}", tz="UTC"),
            "actor": "Marrow Lintel",
            "target": target,
            "params": params,
        }
        for i, (type_, action, target, params) in enumerate(events)
    ]
    return validate("log_events", pd.DataFrame(rows))


def test_the_note_says_what_is_still_in_force_and_since_when(tmp_path):
    log = logged(
        ("block", "block", f"User:{A}", "{}"),
        ("block", "unblock", f"User:{A}", "{}"),
        ("block", "block", f"User:{C}", "{}"),
        ("globalauth", "setstatus", f"User:{C}@global", '{"added": ["locked"]}'),
    )
    note, _ = restored(tmp_path, log_events=log)
    user = f"[[User:{C}|{C}]]"
    for part in (
        f"* {user}: blocked on fernwick.example since 2025-02-12, by Marrow Lintel\n",
        f"* {user}: globally locked since 2025-02-13, by Marrow Lintel\n",
        f"* Unblock {user} on fernwick.example",
        f"* Unlock {user} globally",
    ):
        assert part in note
    assert f"* Unblock [[User:{A}" not in note
    assert "Undo the" not in note  # the lock that followed is told as the log has it


@pytest.mark.parametrize("profile", PROFILES)
def test_edits_of_one_account_are_not_said_to_have_been_held_against_anything(filing, profile):
    edits = filing.dossier.tables["edits"]
    revs = [edits[edits["user"] == user].iloc[0] for user in (A, C)]
    picks = tuple(PickedEdit(f"{row.wiki}:{row.rev_id}", "for") for row in revs)
    alone, both = (
        basket_text(filing.dossier, basket, filing.head, profile=profile)
        for basket in (picks[:1], picks)
    )
    nothing, caveat = "Nothing that was looked at", "Public edits cannot exclude"
    if profile == "zhwiki":
        nothing, caveat = "没有反对的证据", "公开编辑不能排除"
    assert str(revs[0].rev_id) in alone
    assert nothing not in alone
    assert caveat not in alone
    assert caveat in both


@pytest.mark.parametrize(
    ("then", "held"),
    [
        ('{"added": ["hidden"], "removed": []}', True),
        ('["(none)", "hidden"]', True),
        ('{"added": "(none)", "removed": "locked, hidden"}', False),
        ('["(none)", "locked"]', False),
        ('{"0": "(none)", "1": "locked"}', False),
        ('a:2:{i:0;s:6:"(none)";i:1;s:6:"locked";}', False),
        ("(none)\nlocked", False),
        ("(none)\nhidden", True),
    ],
)
def test_only_what_names_the_lock_ends_it(then, held):
    target = f"User:{C}@global"
    log = logged(
        ("globalauth", "setstatus", target, '["locked", "(none)"]'),
        ("globalauth", "setstatus", target, then),
    )
    found = restraints(log, empty("accounts"), [C], read_on="2025-03-01", coverage=())
    assert [(one.lock, one.day) for one in found] == ([(True, "2025-02-10")] if held else [])


@pytest.mark.parametrize(
    ("then", "params", "since"),
    [
        ("whitelist", "[]", "2025-02-10"),
        ("modify", '{"expiry": "infinity"}', "2025-02-11"),
        ("modify", '{"expiry": "2025-02-20T00:00:00Z"}', None),
        ("modify", 'a:1:{s:11:"5::duration";s:6:"3 days";}', None),
        ("modify", 'a:1:{s:11:"5::duration";s:7:"1 month";}', "2025-02-11"),
        ("modify", "2 weeks\nnocreate", None),
        ("modify", "99999 years\nnocreate", "2025-02-11"),
        ("gunblock", "[]", None),
    ],
)
def test_a_block_on_all_wikis_of_a_log_reads_like_one_that_the_wiki_tells(then, params, since):
    log = logged(
        ("gblblock", "gblock", f"User:{C}", '{"expiry": "infinity"}'),
        ("gblblock", then, f"User:{C}", params),
    )
    found = restraints(log, empty("accounts"), [C], read_on="2025-03-01", coverage=())
    told = [(one.lock, one.wiki, one.day, one.by) for one in found]
    assert told == ([(False, "", since, "Marrow Lintel")] if since else [])
    block = {"what": "block", "since": "2025-02-10", "by": "Marrow Lintel"}
    both = {"user": C, "everywhere": [block]}
    again = restraints(log, empty("accounts"), [C], read_on="2025-03-01", coverage=[both])
    assert len(again) == 1


def test_what_the_wiki_says_is_in_force_on_all_wikis_is_in_the_note(tmp_path):
    told = {"what": "lock", "since": None, "by": None}
    block = {"what": "block", "since": "2024-01-05", "by": "Steward"}
    recent = {"what": "block", "since": "2025-02-09", "by": "Steward"}  # stated the day after
    note, _ = restored(tmp_path, everywhere={C: [told, recent], A: [block]})
    before = "; this was so before the link was made"
    for part in (
        f"* [[User:{C}|{C}]]: globally locked\n",
        f"* Unlock [[User:{C}|{C}]] globally, if it followed from the link\n",
        f"* [[User:{A}|{A}]]: blocked on all wikis since 2024-01-05, by Steward{before}\n",
        f"* Unblock [[User:{C}|{C}]] on all wikis, if it followed from the link\n",
    ):
        assert part in note
    assert "No block or lock" not in note
    assert f"Unblock [[User:{A}" not in note  # in force before: not by the link


def test_the_note_is_in_the_wiki_s_language(tmp_path):
    text = CASE.replace('"fernwick.example"', '"zh.fernwick.example"', 1)
    note, ledger = restored(tmp_path, text=text)
    assert "之间的关联有误，现予撤回。" in note
    assert "2 位与此无涉的复核者" in note
    assert "作出的处置：锁定" in note
    own = re.sub(r"\[\[User:.*?\]\]|https\S+|Marrow Lintel the Clerk|because|river", "", note)
    own = own.replace("fernwick.example", "").replace(str(ledger.head()), "")
    assert not re.findall("[A-Za-z]{2,}", re.sub(f"{A}|{C}", "", own))


@pytest.mark.parametrize(
    ("action", "said"),
    [("none", ""), (None, ""), ("locked", "lock"), ("global lock", "global lock")],
)
def test_an_action_is_a_noun_or_nothing(action, said):
    assert action_words(action) == said


@pytest.mark.wiki
@pytest.mark.mediawiki("1.39", "1.43")
def test_what_is_posted_parses_without_error_on_a_real_wiki(wiki, filing, tmp_path):
    site = wiki.admin()
    site.pages["Template:SPI report"].save(
        "<includeonly>==== Suspected sockpuppets ====\n* {{{1}}}\n{{{evidence}}}</includeonly>"
    )
    site.pages["Template:Diff"].save("<span class='diff'>{{{diff}}} {{{label}}}</span>")
    note, _ = restored(tmp_path, clusters=clusters_table(first=1))
    profiles = [profile for profile in PROFILES if profile != "mail"]
    texts = [spi_filing(filing, profile=p, variant=v) for p in profiles for v in VARIANTS]
    accounts = {f"User:{name}" for name in (A, B, C)}
    pages = set(filing.dossier.tables["edits"]["title"].dropna())
    filed = accounts | pages | {"User:Admin", "User talk:Admin"}  # who signs
    allowed = [*[filed] * len(texts), accounts]
    for text, may_link in zip((*texts, note), allowed, strict=True):
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
        assert targets <= may_link


@pytest.mark.wiki
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_as_it_was_written_on_a_real_wiki(wiki, text):
    site = wiki.admin()
    answer = site.post(
        "parse", text=f"* {escape_wikitext(text)}", pst=1, contentmodel="wikitext", title="Case",
        disablelimitreport=1, wrapoutputclass="",
    )  # fmt: skip
    shown = answer["parse"]["text"]["*"]
    inside = re.fullmatch(r"\s*<ul><li>(.*?)</li></ul>\s*", shown, re.DOTALL)
    assert inside, shown
    assert "<" not in inside[1]
    assert html.unescape(inside[1]).split() == clean(text).split()
