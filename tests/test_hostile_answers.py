"""A wiki that answers with malice: each answer is read, or refused in our words and not stored."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import random
from pathlib import Path
from urllib.parse import quote

import pytest

from sockgraph.case import load_case
from sockgraph.errors import FetchError, SockgraphError, SourceError
from sockgraph.names import printable
from sockgraph.pipeline.run import open_source
from sockgraph.reference import read_population
from sockgraph.sources.mediawiki import answer_models, client
from sockgraph.sources.mediawiki.connection import credentials
from sockgraph.store import Store

CASE = """
id = "0123456789abcdef0123456789abcdef"
title = "An invented wiki"
reason = "Its answers are bad"
wikis = ["wiki.example"]
[source]
kind = "mediawiki"
contact = "me@operator.example"
[accounts]
nominated = ["Alpha", "Beta"]
min_edits = 5
[reference]
accounts = 6
"""
PEOPLE = ["Alpha", "Beta", *(f"Neighbour {i}" for i in range(8))]
START = dt.datetime(2021, 1, 1, tzinfo=dt.UTC)
SEPARATOR = "\x1f"


def _edits():
    rows = []
    for number, name in enumerate(PEOPLE):
        dice = random.Random(number)  # noqa: S311 - no secret
        for _ in range(20):
            page = dice.randint(1, 12)
            at = START + dt.timedelta(days=dice.randint(0, 300), minutes=dice.randint(0, 1439))
            rows.append(
                {
                    "userid": number + 1, "user": name, "pageid": page, "revid": 1000 + len(rows),
                    "parentid": 999 + len(rows), "ns": 0, "title": f"Page {page}",
                    "timestamp": f"{at:%Y-%m-%dT%H:%M:%SZ}", "comment": "wording", "size": 1000,
                    "sizediff": 5, "tags": [], "minor": False,
                }
            )  # fmt: skip
    return rows


EDITS = _edits()
LOG = {
    "logid": 3, "type": "block", "action": "block", "timestamp": "2021-05-01T00:00:00Z", "ns": 2,
    "title": "User:Alpha", "user": "X", "params": {}, "comment": "c",
}  # fmt: skip


def honest(asked):
    """Answer as a small wiki would."""
    query = {}
    if asked.get("meta") == "siteinfo":
        query = {"general": {"generator": "MediaWiki 1.43"}, "extensions": []}
        query["autocreatetempuser"] = {"enabled": False}
    elif asked.get("list") == "users":
        names = asked["ususers"].strip(SEPARATOR).replace(SEPARATOR, "|").split("|")
        query["users"] = [
            {
                "userid": PEOPLE.index(n) + 1, "name": n, "editcount": 60, "groups": ["*", "user"],
                "registration": "2020-01-01T00:00:00Z",
            } if n in PEOPLE else {"name": n, "missing": True}
            for n in names
        ]  # fmt: skip
    elif asked.get("list") == "usercontribs":
        names = asked["ucuser"].split("|")
        query["usercontribs"] = [row for row in EDITS if row["user"] in names]
    elif asked.get("prop") == "contributors":
        people = [{"userid": i + 1, "name": n} for i, n in enumerate(PEOPLE)]
        query["pages"] = [
            {"pageid": int(p), "ns": 0, "title": f"Page {p}", "contributors": people}
            for p in asked["pageids"].split("|")
        ]
    elif asked.get("prop") == "revisions" and "revids" in asked:
        wanted = {int(rev) for rev in asked["revids"].split("|")}
        query["pages"] = [
            {
                "pageid": row["pageid"], "ns": 0, "title": row["title"],
                "revisions": [{"revid": row["revid"], "parentid": 5, "sha1": "0" * 40}],
            }
            for row in EDITS if row["revid"] in wanted
        ]  # fmt: skip
    else:
        query[asked.get("list", "pages")] = []
    return {"batchcomplete": True, "curtimestamp": "2026-01-01T00:00:00Z", "query": query}


def first(**fields):
    """Change fields of the first row."""
    return lambda rows: [{**rows[0], **fields}, *rows[1:]]


def is_(value):
    """Put a value in the place of all rows."""
    return lambda _: value


ROWS = {
    "usercontribs": {
        "surrogate": first(comment="bad \ud800 half"),
        "surrogate title": first(title="Page \udfff"),
        "control characters": first(comment="a\x00b\x1b[2Jc\u202e", title="Pa\x00ge"),
        "2999": first(timestamp="2999-01-01T00:00:00Z"),
        "9999": first(timestamp="9999-12-31T23:59:59Z"),
        "year 1": first(timestamp="0001-01-01T00:00:00Z"),
        "1600": first(timestamp="1600-01-01T00:00:00Z"),
        "infinity": first(timestamp="infinity"),
        "no such day": first(timestamp="2021-02-30T00:00:00Z"),
        "twice": lambda rows: [*rows, *rows[:30]],
        "strangers": lambda rows: [*rows, *({**row, "user": "Stranger"} for row in rows)],
        "negative sizes": first(sizediff=-(2**31), size=-5),
        "huge revision": first(revid=2**63),
        "negative revision": first(revid=-5),
        "huge size": first(sizediff=2**40),
        "revision in words": first(revid="12"),
        "page in words": first(pageid="seven"),
        "half a revision": first(revid=1234.5),
        "tags as an object": first(tags={"x": 1}),
        "nested tags": first(tags=[["a"], {"b": 1}]),
        "not a number": first(sizediff=float("nan")),
        "long summary": first(comment="x" * 5_000_000),
        "too long": first(comment="x" * 20_000_000),
        "nobody": first(user=None),
        "numbers": is_([1]),
        "null": is_(None),
        "an object": is_({"a": {"revid": 1}}),
        "a string": is_("x"),
        "too many": lambda rows: rows * 3000,
    },
    "users": {
        "surrogate": first(name="Alpha\ud800"),
        "none": is_([]),
        "without a name": is_([{"userid": 1}]),
        "count in words": first(editcount="many"),
        "negative count": first(editcount=-7),
        "count as a list": first(editcount=[1]),
        "no count": first(editcount=None),
        "upper case": lambda rows: [{**r, "name": r["name"].upper()} for r in rows],
        "all Beta": lambda rows: [{**r, "name": "Beta"} for r in rows],
        "an object": is_({"name": "Alpha"}),
        "a string": is_("Alpha"),
        "numbers": is_([1, 2, None]),
        "groups": first(groups="sysop"),
        "blocked in words": first(blockedtimestamp=["x"]),
    },
    "general": {
        "a list": is_(["x"]),
        "a string": is_("x"),
        "generator": lambda g: {**g, "generator": {"a": [1]}},
        "surrogate": lambda g: {**g, "generator": "MW \ud800"},
        "markup": lambda g: {**g, "generator": "<script>1</script>\u202e"},
    },
    "extensions": {"a string": is_("x"), "numbers": is_([1])},
    "autocreatetempuser": {
        "a list": is_([1]),
        "a pattern": is_({"enabled": True, "matchPatterns": ["$1(" * 50]}),
    },
    "logevents": {
        "half": is_([{"logid": "x"}]),
        "null": is_([None, 5]),
        "no colon": is_([{**LOG, "title": "NoColon"}]),
        "parameters": is_([{**LOG, "type": "renameuser", "params": "zzz"}]),
        "no time": is_([{**LOG, "timestamp": None}]),
    },
    "pages": {
        "an object": is_({"1": {"pageid": 1}}),
        "null": is_([None]),
        "contributors": lambda pages: [{**page, "contributors": "x"} for page in pages] or [1],
        "nameless": lambda pages: [{**p, "contributors": [{"userid": 3}]} for p in pages] or [1],
        "revisions": is_([{"pageid": 1, "revisions": [{"revid": "a"}]}]),
        "no revisions": is_([{"pageid": 1, "revisions": None}]),
        "other pages": lambda pages: [{**page, "pageid": 999} for page in pages],
    },
}
TOP = {
    "time in words": {"curtimestamp": "yesterday"},
    "time as a number": {"curtimestamp": 5},
    "year 1": {"curtimestamp": "0001-01-01T00:00:00Z"},
    "continue in words": {"continue": "x"},
    "continue as a list": {"continue": [1]},
    "continue nested": {"continue": {"uccontinue": {"a": "b"}}},
    "another question": {"continue": {"ucuser": "Stranger", "action": "edit", "text": "pwn"}},
    "the same again": {"continue": {"uccontinue": "1|2", "continue": "-||"}},
    "warning in words": {"warnings": "boo"},
    "warnings as a list": {"warnings": [{"a": 1}]},
    "warning with markup": {"warnings": {"main": {"warnings": "<script>1</script>\x1b[31m"}}},
    "long error": {"error": {"code": "<b>\x1b[31mX", "info": "<script>" + "y" * 200_000}},
    "nested error": {"error": {"code": ["a"], "info": {"b": 1}}},
    "query as a list": {"query": [1]},
}
TEXTS = {
    "deep": '{"query":{"general":' + "[" * 100_000 + "]" * 100_000 + "}}",
    "a long number": '{"query":{"general":{"x":' + "9" * 6000 + "}}}",
    "nothing": "",
    "half": '{"query":',
    "null": "null",
}
MALICE = [
    *((f"{key}: {name}", key, change) for key, of in ROWS.items() for name, change in of.items()),
    *((f"top: {name}", None, change) for name, change in TOP.items()),
    *((f"text: {name}", "text", change) for name, change in TEXTS.items()),
]


def fetch(case, data, monkeypatch, key=None, change=None):
    """Read the case from the wiki, one kind of its answers being bad."""

    def call(_, sent):
        answer = honest(sent)
        if key == "text":
            return change
        if key is None:
            answer |= change or {}
        elif key in answer["query"]:
            answer["query"][key] = change(answer["query"][key])
        return json.dumps(answer)

    monkeypatch.setattr(client.Connection, "_call", call)
    monkeypatch.setattr(client.Connection, "_pace", lambda _: None)
    monkeypatch.setattr(client.Connection, "_wait", _given_up)
    store = Store(data).case("bad")
    return read_population(case, open_source(case, store))


def _given_up(_, busy, *__):
    raise FetchError("wiki.example", f"no usable answer ({busy}).", "Try later.")


@pytest.fixture
def case(tmp_path):
    (tmp_path / "bad.toml").write_text(CASE)
    return load_case(tmp_path / "bad.toml")


HARMLESS = {  # read as they are: what they say can be so
    "usercontribs: control characters",
    "usercontribs: twice",
    "usercontribs: long summary",
    "general: markup",
    "autocreatetempuser: a pattern",
    "top: the same again",
    "top: warning with markup",
}
ASKED = (
    {"meta": "siteinfo"},
    {"list": "users", "ususers": "Alpha|Beta"},
    {"list": "usercontribs", "ucuser": "Alpha"},
    {"list": "logevents", "letitle": "User:Alpha"},
    {"prop": "contributors", "pageids": "1|2"},
)


@pytest.mark.parametrize(("name", "key", "change"), MALICE, ids=[m[0] for m in MALICE])
def test_an_answer_is_refused_in_our_words_unless_it_can_be_so(monkeypatch, name, key, change):
    monkeypatch.setattr(client.Connection, "_wait", _given_up)
    asked = next(
        (a for a in ASKED if key in honest(a)["query"] and key != "text"),
        {"list": "users", **ASKED[1]},
    )
    answer = honest(asked)
    found = next(iter(answer["query"]))
    if key is None:
        answer |= change
    elif key != "text":
        answer["query"][key] = change(answer["query"][key])
    monkeypatch.setattr(
        client.Connection, "_call", lambda *_: change if key == "text" else json.dumps(answer)
    )
    wiki = client.Connection(host="w.example", scheme="https", path="/w/", contact="c")
    if name in HARMLESS:
        assert wiki.ask(asked, kind="x", what="x", found=(found,))
        return
    with pytest.raises(FetchError) as refused:
        wiki.ask(asked, kind="x", what="x", found=(found,))
    assert len(str(refused.value)) < 1000
    assert "\x1b" not in printable(str(refused.value))


@pytest.mark.whole
@pytest.mark.parametrize(
    ("key", "change"),
    [m[1:] for m in MALICE if m[0] in HARMLESS or "surrogate" in m[0] or "top" in m[0]],
)
def test_a_bad_answer_breaks_no_case_for_good_and_never_passes_as_no_edits(
    case, tmp_path, monkeypatch, key, change
):
    data = tmp_path / "data"
    with contextlib.suppress(SockgraphError):
        assert len(fetch(case, data, monkeypatch, key, change).edits) > 100
    assert len(fetch(case, data, monkeypatch).edits) > 100


def test_there_are_as_many_as_were_tried():
    assert len(MALICE) >= 78


def test_a_stored_answer_from_before_the_check_is_named_with_what_removes_it(
    case, tmp_path, monkeypatch
):
    with monkeypatch.context() as unchecked:
        unchecked.setattr(answer_models, "check", lambda *_: None)
        with pytest.raises(Exception, match=r"."):
            fetch(case, tmp_path, monkeypatch, "logevents", is_([{"logid": "x"}]))
    with pytest.raises(SockgraphError, match=r"logevents\.0.*`rm .*\.json\.gz`") as refused:
        fetch(case, tmp_path, monkeypatch)
    assert Path(str(refused.value.value)).exists()


@pytest.mark.parametrize("contact", ["運營者@operator.example", "Zoë <zoe@operator.example>"])
def test_any_contact_is_carried(contact):
    wiki = client.Connection(host="w.example", scheme="https", path="/w/", contact=contact)
    agent = wiki._session.headers["User-Agent"]
    assert agent.isascii()
    assert quote(contact.split("@")[0].split(" ")[0]) in agent


def test_a_contact_of_two_lines_and_a_token_that_is_none_are_refused_by_name():
    with pytest.raises(SourceError, match=r"^source\.contact"):
        client.Connection(host="w.example", scheme="https", path="/", contact="a\nX-Evil: b")
    for token in ("TOK\nCANARY", "令牌CANARY"):
        with pytest.raises(SourceError, match=r"^SOCKGRAPH_OAUTH_TOKEN") as refused:
            credentials({"SOCKGRAPH_OAUTH_TOKEN": token})
        assert "CANARY" not in str(refused.value)


@pytest.mark.parametrize(
    "header", ["²", "-5", "99999999999999999999", "Fri, 31 Dec 99999 23:59:59 GMT", "x"]
)
def test_any_retry_after_is_a_number_or_nothing(header):
    found = client._retry_after(header, None)
    assert found is None or found >= 0
