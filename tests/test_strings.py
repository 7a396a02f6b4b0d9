"""The table of strings: every text that pages say has its Chinese, and no English is left over."""

import ast
import html
import json
import re
from pathlib import Path
from string import Formatter

import pytest
from report_fixture import USERS, river_trade
from review_fixture import NOMINATED, A, C, make_dossier

import sockgraph
from sockgraph.desk.messages import handle_message
from sockgraph.desk.state import Desk
from sockgraph.desk.widget import page_strings, page_texts
from sockgraph.report.page import case_report
from sockgraph.reviews.arguments import CLAIMS, COMMON
from sockgraph.reviews.packet import make_packet
from sockgraph.reviews.reversal import ask_reversal
from sockgraph.reviews.words import (
    ALIBI_ANSWERS,
    FINDINGS,
    JUDGEMENTS,
    SIGNAL_NAMES,
    signal_about,
)
from sockgraph.schema import BANDS
from sockgraph.strings import said_by, say, speaking, strings

ROOT = Path(sockgraph.__file__).parent
SAID_HERE = (
    *("charts", "desk", "report", "reviews"),
    *("cli/review.py", "cli/filing.py", "pipeline/review_session.py"),
)
MATRIX = {"ask": "matrix", "order": "oldest first"}
NEVER_TRANSLATED = {  # what the wiki's people wrote, file names, and terms that stand as they are
    "log", "LR", "sockgraph", "ENFSI", "parquet", "alibis", "evidence", "links", "rev", "and",
}  # fmt: skip


def said():
    """Every text of the report and its charts that is looked up in the table."""
    found = set()
    for room in SAID_HERE:
        for path in [ROOT / room] if room.endswith(".py") else (ROOT / room).rglob("*.py"):
            looked_up = {"say"} if path.parent.name == "cli" else {"say", "tell"}
            for call in ast.walk(ast.parse(path.read_text("utf-8"))):
                named = isinstance(call, ast.Call) and getattr(call.func, "id", "")
                if named in looked_up and call.args:
                    given = call.args[0]
                    both = [given.body, given.orelse] if isinstance(given, ast.IfExp) else [given]
                    found |= {one.value for one in both if isinstance(one, ast.Constant)}
    for path in (ROOT / "report" / "templates").glob("*.j2"):
        found |= set(re.findall(r'\b(?:say|_)\("((?:[^"\\])*)"', path.read_text("utf-8")))
    packet = ROOT / "reviews" / "page"
    found |= set(re.findall(r'\bsay\("([^"]*)"', (packet / "packet.html.j2").read_text("utf-8")))
    found |= {claim for way in CLAIMS.values() for claim in way.values()} | {*COMMON.values()}
    return found | page_texts() | said_by((packet / "packet.js").read_text("utf-8"))


def test_every_text_of_report_and_desk_is_in_the_table():
    assert {text for text in said() if re.search("[A-Za-z]{2}", text)} - strings().keys() == set()


def test_no_text_is_translated_that_nothing_says():
    files = [path for path in ROOT.rglob("*") if "__pycache__" not in path.parts]
    pages = [p.read_text("utf-8") for p in files if p.suffix in {".js", ".j2", ".html"}]
    nodes = [n for p in files if p.suffix == ".py" for n in ast.walk(ast.parse(p.read_bytes()))]
    written = {n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    written |= {text.replace(" speak ", " speaks ") for text in written}  # of one pair
    written |= {f"{text}s" for text in written}  # counted
    written |= {*map(signal_about, SIGNAL_NAMES), *BANDS}  # put together of parts
    there = "\n".join(pages).replace('\\"', '"')
    assert [text for text in strings() if text not in written and text not in there] == []


def test_translations_fill_in_the_same_names():
    def names(text):
        return sorted(name for _, name, *_ in Formatter().parse(text) if name)

    for text, row in strings().items():
        for language, words in row.items():
            assert words, (language, text)
            assert set(names(words)) <= set(names(text)), (language, text)


@pytest.mark.parametrize("language", ["zh-hans", "zh-hant"])
def test_no_english_is_left_over(language):
    case_report(river_trade(), "en")  # what is kept of one page must not reach the next
    page = case_report(river_trade(), language)
    assert f'<html lang="{language}">' in page
    page = re.sub(r"<style>.*?</style>|<bdi[^>]*>.*?</bdi>|<span class=\"mono\">.*?</span>", "", page, flags=re.DOTALL)  # fmt: skip # noqa: E501
    page = page[page.index("<body>") :]
    text = html.unescape(re.sub(r"<[^>]+>", "\n", page))
    given = river_trade()
    for own in (*USERS, given.case.title, given.case.reason, given.case.slug, *given.case.wikis):
        text = text.replace(own, "")
    left = set(re.findall(r"[A-Za-z]{3,}", text)) - NEVER_TRANSLATED
    names = {word for user in USERS for word in user.split()}
    log = {"hours", "days"}  # a block's length, as the wiki's log has it
    assert left - names - log == set()


@pytest.mark.parametrize("language", ["zh-hans", "zh-hant"])
def test_no_english_is_left_over_on_the_desk(language, demo_copy):
    case = demo_copy / "raw" / "demo" / "demo.toml"
    desk = Desk.of(case, data=demo_copy, by="Ann")
    names = {word for user in desk.accounts for word in user.split()}
    log = {"UTC"}
    shown = ["head", "card", "evidence", "timecards", "timeline", "summaries"]
    pairs = [link.pair for link in desk.links.values()][:4]
    few = desk.tables["links"].query("band == 'insufficient'").iloc[0]
    said = [
        handle_message(desk, {"ask": "panels", "a": a, "b": b, "panels": shown, "lang": language})
        for a, b in [*pairs, (few["user_a"], few["user_b"])]
    ]
    said.append({"note": handle_message(desk, {**MATRIX, "lang": language})["note"]})
    for panel in [panel for one in said for panel in one.values()]:
        own = re.sub(r"<bdi[^>]*>.*?</bdi>|<mark>.*?</mark>", "", panel, flags=re.DOTALL)
        text = html.unescape(re.sub(r"<[^>]+>", "\n", own))
        left = set(re.findall(r"[A-Za-z]{3,}", text)) - NEVER_TRANSLATED - names - log
        assert left == set(), text
    page = page_strings(language)
    same = {text for text in page_texts() if text not in page}
    assert {text for text in same if re.search("[a-z]{3}", text)} <= {"log10 LR", "Enter", "Esc"}


def test_a_language_that_is_not_there_is_refused():
    with (
        pytest.raises(sockgraph.errors.SockgraphError, match="en, zh-hans or zh-hant"),
        speaking("fr"),
    ):
        pass
    assert say("flagged") == "flagged"


def packet_text(language, tmp_path):
    """What a packet says, of its page and of every pair, without what the wiki's people wrote."""
    dossier, ledger = make_dossier(tmp_path)
    ask_reversal(ledger, dossier, (A, C), author="Ash", reason="a letter")
    page = make_packet(dossier, ledger.entries(), "Ann", language=language).html
    assert f'<html lang="{language}">' in page
    held = json.loads(re.search(r'id="packet">(.*?)</script>', page, re.DOTALL).group(1))
    of_people = {"title", "summary", "diff", "rev", "who", "hidden"}  # and names of fields

    def texts(value, key=""):
        if isinstance(value, dict):
            return [t for k, v in value.items() if k not in of_people for t in texts(v, k)]
        if isinstance(value, list):
            return [t for v in value for t in texts(v, key)]
        return [value] if isinstance(value, str) else []

    keys = {*JUDGEMENTS, *FINDINGS, *ALIBI_ANSWERS}  # as the answers' file has them
    words = {k: v for k, v in held["words"].items() if k != "strings"}
    said = [*texts(words), *held["words"]["strings"].values()]
    for task in held["tasks"]:
        said += texts(task["sheet"]) + texts({**(task["exhibit"] or {}), "asked": []})
    shell = re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL)
    return [text for text in said if text not in keys], shell


@pytest.mark.parametrize("language", ["zh-hans", "zh-hant"])
def test_no_english_is_left_over_in_a_packet(language, tmp_path):
    said, shell = packet_text(language, tmp_path)
    assert len(said) > 150
    names = {word for user in NOMINATED for word in user.split()}
    for text in [*said, shell.replace("Ann", "").replace("sockgraph", "")]:
        left = re.sub(r"\{\w+\}|[0-9a-f]{16,}|Firefox|Chromium|SHA|log10 LR|fernwick\S*", "", text)
        found = set(re.findall(r"[A-Za-z]{3,}", left)) - names
        assert not found, (found, text)


def test_a_packet_in_english_says_what_its_script_says(tmp_path):
    said, _ = packet_text("en", tmp_path)
    assert "Clearly different people" in said
    assert not re.search(r"[\u4e00-\u9fff]", "".join(said))
