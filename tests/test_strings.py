"""The table of strings: every text that pages say has its Chinese, and no English is left over."""

import ast
import html
import re
from pathlib import Path
from string import Formatter

import pytest
from report_fixture import USERS, river_trade

import sockgraph
from sockgraph.desk.messages import handle_message
from sockgraph.desk.state import Desk
from sockgraph.desk.widget import page_strings, page_texts
from sockgraph.report import case_report
from sockgraph.reviews.words import _ABOUT, signal_about
from sockgraph.strings import say, speaking, strings

ROOT = Path(sockgraph.__file__).parent
SAID_HERE = ("charts", "desk", "report")
NEVER_TRANSLATED = {  # what the wiki's people wrote, file names, and terms that stand as they are
    "log", "LR", "sockgraph", "ENFSI", "parquet", "alibis", "evidence", "links", "rev", "and",
}  # fmt: skip


def said():
    """Every text of the report and its charts that is looked up in the table."""
    found = set()
    for room in SAID_HERE:
        for path in (ROOT / room).rglob("*.py"):
            if path.name in {"wikitext.py", "review_widget.py"}:  # a filing has its wiki's words
                continue
            for call in ast.walk(ast.parse(path.read_text("utf-8"))):
                named = isinstance(call, ast.Call) and getattr(call.func, "id", "")
                if named in {"say", "tell"} and call.args:
                    given = call.args[0]
                    both = [given.body, given.orelse] if isinstance(given, ast.IfExp) else [given]
                    found |= {one.value for one in both if isinstance(one, ast.Constant)}
    for path in (ROOT / "report" / "templates").glob("*.j2"):
        found |= set(re.findall(r'\b(?:say|_)\("((?:[^"\\])*)"', path.read_text("utf-8")))
    return found | page_texts()


def test_every_text_of_report_and_desk_is_in_the_table():
    assert {text for text in said() if re.search("[A-Za-z]{2}", text)} - strings().keys() == set()


def test_no_text_is_translated_that_nothing_says():
    files = [path for path in ROOT.rglob("*") if "__pycache__" not in path.parts]
    pages = [p.read_text("utf-8") for p in files if p.suffix in {".js", ".j2", ".html"}]
    nodes = [n for p in files if p.suffix == ".py" for n in ast.walk(ast.parse(p.read_bytes()))]
    written = {n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    written |= {text.replace(" speak ", " speaks ") for text in written}  # of one pair
    written |= {f"{text}s" for text in written}  # counted
    written |= {signal_about(signal) for signal in _ABOUT}  # put together of parts
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
    log = {"indefinitely", "UTC"}  # a block's length, as the wiki's log has it
    shown = ["head", "card", "evidence", "timecards", "timeline", "summaries"]
    pairs = [link.pair for link in desk.links.values()][:4]
    few = desk.tables["links"].query("band == 'insufficient'").iloc[0]
    said = [
        handle_message(desk, {"ask": "panels", "a": a, "b": b, "panels": shown, "lang": language})
        for a, b in [*pairs, (few["user_a"], few["user_b"])]
    ]
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
