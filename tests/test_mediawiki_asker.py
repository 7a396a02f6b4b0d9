"""Continuation that is ours: nothing lost, nothing twice, whatever the wiki does with it."""

from __future__ import annotations

import datetime as dt
import itertools
import random
import shutil

import pytest
from faulty import Say, error, faulty_wiki, say, status, zipped

from sockgraph.case import load_case
from sockgraph.errors import FetchError
from sockgraph.sources.mediawiki.cache import MOST_BARREN
from sockgraph.sources.mediawiki.source import MediaWikiSource
from sockgraph.store.raw_answers import RawAnswers

NAME = "Example A"
NOW = "2024-05-01T12:00:00Z"


def row(number):
    at = dt.datetime(2024, 1, 1, tzinfo=dt.UTC) + dt.timedelta(hours=number)
    return {
        "revid": number, "user": NAME, "userid": 7, "title": f"Page {number % 3}",
        "pageid": number % 3, "ns": 0, "timestamp": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "comment": "", "minor": False, "sizediff": 1, "parentid": 0, "tags": [],
    }  # fmt: skip


class SmallWiki:
    """Answers as a wiki with one account would; `overlap` rows of an answer are given again."""

    def __init__(self, rows=20, overlap=0, token=str):
        self.rows = [row(number) for number in range(rows, 0, -1)]
        self.overlap, self.token, self.now, self.central = overlap, token, NOW, {}

    def __call__(self, params):
        answer = getattr(self, f"_{params.get('list', params.get('meta'))}")(params)
        return say({"batchcomplete": True, "curtimestamp": self.now, **answer})

    def _siteinfo(self, _):
        extensions = [{"name": "CentralAuth"}] if self.central else []
        return {"query": {"general": {"generator": "MediaWiki 1.39"}, "extensions": extensions}}

    def _globaluserinfo(self, _):
        return {"query": {"globaluserinfo": {"name": NAME, **self.central}}}

    def _users(self, _):
        fact = {"name": NAME, "userid": 7, "editcount": len(self.rows), "groups": ["*", "user"]}
        return {"query": {"users": [fact]}}

    def _logevents(self, _):
        return {"query": {"logevents": []}}

    def _usercontribs(self, params):
        rows = [r for r in self.rows if r["timestamp"] >= params.get("ucend", "")]
        start = int(params.get("uccontinue", "0:").split(":")[0])
        size = int(params["uclimit"]) if params["uclimit"] != "max" else 500
        found = {"query": {"usercontribs": rows[max(0, start - self.overlap) : start + size]}}
        if start + size < len(rows):
            found["continue"] = {"uccontinue": self.token(start + size), "continue": "-||"}
        return found


@pytest.fixture
def server():
    with faulty_wiki() as served:
        served.otherwise = SmallWiki()
        yield served


@pytest.fixture
def open_source(server, tmp_path):
    def open_one(raw="raw", *, shared=False, **options):
        path = tmp_path / "small.toml"
        path.write_text(
            f'title = "t"\nreason = "r"\nwikis = ["{server.host}"]\n[source]\nkind = "mediawiki"\n'
            f'scheme = "http"\napi_path = "/"\ncontact = "me@example.org"\n'
            f'[accounts]\nnominated = ["{NAME}"]\n'
        )
        raw = RawAnswers(tmp_path / raw, others=tmp_path if shared else None)
        return MediaWikiSource(load_case(path), raw, **{"page_size": 4, **options})

    return open_one


def contributions(server):
    return [asked for asked in server.asked if asked.get("list") == "usercontribs"]


def test_rows_given_twice_are_kept_once_and_counted(server, open_source):
    server.otherwise = SmallWiki(overlap=2)
    reading = open_source().read([NAME])
    assert sorted(reading.edits["rev_id"]) == list(range(1, 21))
    assert reading.dropped == {"rows that the wiki gave twice": 8}


def test_progress_never_says_that_more_was_done_than_there_is(server, open_source):
    server.otherwise = SmallWiki(overlap=2)  # gives more rows than the account has edits
    told = []
    open_source(progress=lambda *step: told.append(step)).read([NAME])
    rows = [(done, total) for stage, done, total in told if stage == "edits"]
    assert rows[-1] == (28, 28)
    assert all(total is None or done <= total for _, done, total in told)


def test_the_wikis_continuation_is_sent_back_verbatim(server, open_source):
    server.otherwise = SmallWiki(token="{}:|ä".format)
    assert len(open_source().read([NAME]).edits) == 20
    sent = [asked.get("uccontinue") for asked in contributions(server)]
    assert sent == [None, "4:|ä", "8:|ä", "12:|ä", "16:|ä"]
    assert all(asked["continue"] == "-||" for asked in contributions(server)[1:])


def test_a_continuation_that_goes_round_is_an_error_and_not_a_loop(server, open_source):
    server.otherwise = SmallWiki(token=lambda _: "4")
    for _ in range(2):
        with pytest.raises(FetchError, match="same continuation"):
            open_source().read([NAME])
    assert len(contributions(server)) == 3  # the second run asks once more, from where it was


@pytest.mark.parametrize("rows", [[], [row(1)]])
def test_a_continuation_that_brings_nothing_new_is_an_error_and_not_a_loop(
    server, open_source, rows
):
    """Each answer names another place to go on from, and says the same."""
    wiki, asked = SmallWiki(), itertools.count()

    def endless(params):
        if params.get("list") != "usercontribs":
            return wiki(params)
        more = {"continue": {"uccontinue": f"{next(asked)}|1", "continue": "-||"}}
        return say({"query": {"usercontribs": rows}, "curtimestamp": NOW, **more})

    server.otherwise = endless
    with pytest.raises(FetchError, match="nothing new"):
        open_source().read([NAME])
    assert next(asked) == MOST_BARREN + bool(rows)


def interrupt(server, after):
    """Let the wiki fail for good after some answers of contributions."""
    wiki = SmallWiki()
    given = []

    def answer(params):
        if params.get("list") == "usercontribs":
            given.append(params)
        return error("readapidenied") if len(given) > after else wiki(params)

    server.otherwise = answer


def test_an_interrupted_chain_goes_on_where_it_was(server, open_source):
    interrupt(server, after=2)
    with pytest.raises(FetchError, match="readapidenied"):
        open_source().read([NAME])
    server.otherwise = SmallWiki()
    server.asked.clear()
    assert len(open_source().read([NAME]).edits) == 20
    assert [asked["uccontinue"] for asked in contributions(server)] == ["8", "12", "16"]


def test_a_continuation_that_the_wiki_no_longer_takes(server, open_source):
    interrupt(server, after=2)
    with pytest.raises(FetchError):
        open_source().read([NAME])
    server.otherwise = lambda params: (
        error("badcontinue") if "uccontinue" in params else SmallWiki()(params)
    )
    with pytest.raises(FetchError, match=r"badcontinue.*--refresh"):
        open_source().read([NAME])
    server.otherwise = SmallWiki()
    assert len(open_source(refresh=True).read([NAME]).edits) == 20


@pytest.mark.parametrize("year", [1999, 2099])
def test_a_wrong_clock_here_changes_nothing(server, open_source, year):
    clock = dt.datetime(year, 1, 1, tzinfo=dt.UTC)
    source = open_source()
    object.__setattr__(source._asker, "clock", lambda: clock)
    source.read([NAME])
    assert source.provenance()["read_on"] == NOW
    wiki = SmallWiki(rows=22)
    wiki.rows[0]["timestamp"], wiki.rows[1]["timestamp"] = "2024-05-01T12:01:00Z", NOW
    server.otherwise = wiki
    fresh = open_source(refresh=True)
    object.__setattr__(fresh._asker, "clock", lambda: clock)
    assert len(fresh.read([NAME]).edits) == 22
    assert contributions(server)[-1]["ucend"] == "2024-05-01T11:50:00Z"


def test_accounts_across_wikis_are_told_of_where_there_are_such(server, open_source):
    assert open_source().read([NAME]).coverage[0].note == ""
    wiki = SmallWiki()
    wiki.central = {
        "locked": True,
        "merged": [
            {"wiki": "awiki", "editcount": 20},
            {"wiki": "bwiki", "editcount": 1200, "blocked": {"expiry": "infinity"}},
            {"wiki": "cwiki", "editcount": 0},
        ],
    }
    server.otherwise = wiki
    source = open_source(refresh=True, raw="central")
    note = source.read([NAME]).coverage[0].note
    assert note == (
        "The account is locked on all wikis. It has 1,220 edits on 2 wikis together. "
        "It is blocked on 1 of them."
    )
    assert source.traffic()["requests"]["global accounts"] == 1


WORST = [
    status(429, Retry_After="3"), status(503), status(502), error("maxlag", X_Database_Lag="7"),
    error("ratelimited"), say({}), say(None), say({"batchcomplete": True}), Say(b'{"query": {'),
    Say(b"<html>busy</html>"), Say(b'{"query": {"usercontribs": []}}', cut=9),
    Say(b'{"query": {"usercontribs": []}}', cut=9, how="reset"), zipped({"query": {}}, keep=0.5),
]  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
def test_on_the_worst_of_days_nothing_is_lost_and_nothing_comes_twice(server, open_source, seed):
    calm = open_source().read([NAME])
    dice = random.Random(seed)  # noqa: S311 - no secret
    wiki = SmallWiki()
    server.script = [say({"query": {"general": {}}, "curtimestamp": NOW})]  # it is up, at first
    server.otherwise = lambda params: dice.choice(WORST) if dice.random() < 0.4 else wiki(params)
    source = open_source(raw="worst")
    source._asker.connection.sleep = lambda _: None
    stormy = source.read([NAME])
    assert stormy.edits.equals(calm.edits)
    assert stormy.coverage == calm.coverage
    assert sum(source.traffic()["retries"].values()) > 0
    assert source.traffic()["requests"]["contributions"] == 5


def test_requests_are_no_more_than_the_floor(server, open_source):
    open_source().read([NAME])
    assert len(contributions(server)) == 20 // 4


@pytest.fixture
def first_case(server, open_source):
    """Read one case of the wiki; then forget what the server was asked."""
    edits = open_source("first").read([NAME]).edits
    asked = len(server.asked)
    server.asked.clear()
    return edits, asked


def test_a_second_case_asks_for_nothing_that_another_was_just_answered(
    server, open_source, first_case, tmp_path
):
    edits, asked = first_case
    second = open_source("second", shared=True)
    assert second.read([NAME]).edits.equals(edits)
    assert server.asked == []
    told = second.traffic()
    assert (sum(told["requests"].values()), sum(told["shared"].values())) == (0, asked)
    shutil.rmtree(tmp_path / "first")  # as a purge does
    assert open_source("second", offline=True).read([NAME]).edits.equals(edits)


def test_an_old_answer_of_another_case_is_asked_again(server, open_source, first_case, monkeypatch):
    monkeypatch.setattr("sockgraph.sources.mediawiki.cache.SHARED", -dt.timedelta(days=1))
    second = open_source("second", shared=True)
    second.read([NAME])
    assert len(server.asked) == first_case[1]
    assert second.traffic()["shared"] == {}


@pytest.mark.usefixtures("first_case")
def test_a_refresh_asks_the_wiki_and_not_another_case(server, open_source):
    open_source("second", shared=True).read([NAME])
    server.asked.clear()
    open_source("first", refresh=True).read([NAME])
    first = len(contributions(server))
    open_source("second", shared=True, refresh=True).read([NAME])
    assert first > 0
    assert len(contributions(server)) == 2 * first


@pytest.mark.parametrize("harm", ["damage", "redact"])
def test_a_damaged_or_redacted_answer_of_another_case_is_not_used(
    server, open_source, first_case, tmp_path, harm
):
    raw = RawAnswers(tmp_path / "first")
    entry = next(e for e in raw.entries() if e.kind == "contributions")
    if harm == "damage":
        (tmp_path / "first" / f"{entry.key}.json.gz").write_bytes(b"no gzip")
    else:
        raw.redact(entry, raw.body(entry), rows=1)
    reading = open_source("second", shared=True).read([NAME])
    assert len(reading.edits) == len(first_case[0])
    assert len(server.asked) == 1
