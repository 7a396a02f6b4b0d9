"""Votes on pages of the real MediaWiki, in both languages, with malformed signatures."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from wiki import history

from sockgraph.pipeline.concert import concert_of, votes_of
from sockgraph.pipeline.run import run_case

pytestmark = pytest.mark.wiki

VOTERS = ("Sorrel Gate", "Teasel Bank", "Yarrow Lock", "渡口青灯")
START = dt.datetime(2024, 3, 4, 9, 30, tzinfo=dt.UTC)
DAYS = "一二三四五六日"


def at(minute):
    return START + dt.timedelta(minutes=minute)


def en(user, minute):
    moment = at(minute)
    links = f"[[User:{user}|{user}]] ([[User talk:{user}|talk]])"
    return f"{links} {moment:%H:%M}, {moment.day} {moment:%B %Y} (UTC)"


def zh(user, minute):
    moment = at(minute)
    links = f"--[[User:{user}|{user}]]（[[User talk:{user}|留言]]）"
    day = f"{moment.year}年{moment.month}月{moment.day}日 ({DAYS[moment.weekday()]})"
    return f"{links} {day} {moment:%H:%M} (UTC)"


def english():
    """Yield minute, author and text of each revision."""
    head = "== Move the lock ==\nPlease say. " + en(VOTERS[0], 0)
    first = f"{head}\n* '''Support''' per the report. {en(VOTERS[1], 5)}"
    second = f"{first}\n** Which report? {en(VOTERS[2], 9)}"
    forged = f"{second}\n* '''Oppose''' {en(VOTERS[2], 12)}"
    bare = f"{forged}\n* {{{{oppose}}}} too dear"
    changed = bare.replace("'''Support''' per", "<s>'''Support'''</s> '''Oppose''' after")
    yield 0, VOTERS[0], head
    yield 5, VOTERS[1], first
    yield 9, VOTERS[2], second
    yield 12, VOTERS[0], forged
    yield 20, VOTERS[3], bare
    yield 90, VOTERS[1], changed


def chinese():
    """Yield the same of a page whose sections are sides."""
    head = "== 迁移船闸 ==\n=== 支持 ===\n{}\n=== 反對 ===\n{}\n=== 意見 ===\n{}\n"
    one = f"# 同意报告。{zh(VOTERS[3], 100)}"
    two = f"{one}\n#: 哪份报告？{zh(VOTERS[0], 104)}"
    against = f"# {{{{反对}}}}，太贵。{zh(VOTERS[0], 110)}"
    late = f"{against}\n# 签名有误。[[User:{VOTERS[1]}]] 2024年3月40日 (一) 11:00 (UTC)"
    yield 100, VOTERS[3], head.format(one, "", "")
    yield 104, VOTERS[0], head.format(two, "", "")
    yield 110, VOTERS[0], head.format(two, against, "")
    yield 130, VOTERS[1], head.format(two, late, "")
    yield 140, VOTERS[2], head.format(two, late, f"* 再議。{zh(VOTERS[2], 140)}")


PAGES = {"Project:Votes on the lock": english, "Project:船闸投票": chinese}


@pytest.fixture(scope="module")
def voted(wiki):
    """The wiki with two discussion pages, each revision by its author at its time."""
    site = wiki.admin()
    for name in VOTERS:
        tokens = site.get("query", meta="tokens", type="createaccount")["query"]["tokens"]
        token = tokens["createaccounttoken"]
        words = {"username": name, "password": "ferry-lantern-71", "retype": "ferry-lantern-71"}
        site.post(
            "createaccount", **words, createreturnurl=f"http://{wiki.host}", createtoken=token
        )
    pages = ""
    for title, revisions in PAGES.items():
        written = "".join(history._revision(at(m), who, "", text) for m, who, text in revisions())
        pages += f"<page><title>{title}</title><ns>4</ns>{written}</page>"
    xml = (
        '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" '
        f'xml:lang="en">{pages}</mediawiki>'
    )
    answer = site.connection.post(
        wiki.api,
        data={
            "action": "import", "format": "json", "interwikiprefix": "x", "assignknownusers": "1",
            "token": site.get_token("csrf", force=True),
        },
        files={"xml": ("pages.xml", xml.encode(), "text/xml")},
        timeout=60,
    ).json()  # fmt: skip
    assert len(answer["import"]) == len(PAGES), answer
    return wiki


def case_of(wiki_case, page, profile):
    listed = (
        '[accounts]\nnominated = ["{}"]\nmin_edits = 1\n[reference]\naccounts = 0\n'
        '[discussions]\nreason = "Whether it was decided fairly"\n'
        f'pages = ["{page}"]\nprofile = "{profile}"\n'
    ).format('", "'.join(VOTERS))
    path = wiki_case(*VOTERS, stem=f"votes-{profile}")
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: text.index("[accounts]")] + listed, encoding="utf-8")
    return path


def told(table):
    """Return user, side and parse, in the order of revisions."""
    ordered = table.sort_values(["timestamp", "user"])
    return [
        (user, None if pd.isna(side) else side, parse)
        for user, side, parse in zip(
            ordered["user"], ordered["side"], ordered["parse"], strict=True
        )
    ]


def test_english_votes_are_read_from_the_wiki(voted, wiki_case, tmp_path):
    assert voted
    path = case_of(wiki_case, "Project:Votes on the lock", "enwiki")
    run_case(path, data=tmp_path / "data")
    votes = votes_of(path, data=tmp_path / "data")
    assert told(votes.table) == [
        (VOTERS[0], None, "ok"),
        (VOTERS[1], "support", "ok"),
        (VOTERS[2], None, "ok"),
        (VOTERS[2], "oppose", "malformed"),
        (VOTERS[3], "oppose", "malformed"),
        (VOTERS[1], "oppose", "ok"),
    ]
    assert votes.told["votes changed or withdrawn"] == 1
    found = concert_of(path, data=tmp_path / "data")
    assert set(found.concert.table["status"]) == {"insufficient"}
    assert "No pair could be compared." in found.page.read_text(encoding="utf-8")


def test_chinese_votes_are_read_from_the_wiki(voted, wiki_case, tmp_path):
    assert voted
    path = case_of(wiki_case, "Project:船闸投票", "zhwiki")
    run_case(path, data=tmp_path / "data")
    votes = votes_of(path, data=tmp_path / "data").table
    assert told(votes) == [
        (VOTERS[3], "support", "ok"),
        (VOTERS[0], None, "ok"),
        (VOTERS[0], "oppose", "ok"),
        (VOTERS[1], "oppose", "malformed"),
        (VOTERS[2], None, "ok"),
    ]
