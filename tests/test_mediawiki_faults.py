"""What the wiki client makes of a wiki on its worst days."""

from __future__ import annotations

import datetime as dt
import email.utils
import json
import socket
import time

import pytest
from faulty import Say, error, faulty_wiki, say, status, zipped

from sockgraph.errors import FetchError
from sockgraph.sources.mediawiki import answer_models
from sockgraph.sources.mediawiki.client import ATTEMPTS, LONGEST_WAIT, Connection

GOOD = {"batchcomplete": True, "query": {"users": [{"name": "Example A"}]}}
ASK = {"action": "query", "list": "users", "ususers": "Example A"}


@pytest.fixture
def wiki():
    with faulty_wiki() as served:
        yield served


@pytest.fixture
def slept():
    return []


@pytest.fixture
def connection(wiki, slept):
    return connect(wiki.host, slept)


def connect(host, slept, **more):
    options = {"per_minute": None, "timeout": (1, 1), "sleep": slept.append, **more}
    return Connection(host=host, scheme="http", path="/w/", contact="me@example.org", **options)


def ask(connection):
    return connection.ask(ASK, kind="accounts", what="accounts of Example A", found=["users"])


def test_the_request_says_who_asks_and_how_patiently(wiki, connection):
    wiki.script = [say(GOOD)]
    assert b"Example A" in ask(connection)
    assert wiki.asked[0]["maxlag"] == "5"
    assert wiki.asked[0]["formatversion"] == "2"
    assert "me@example.org" in wiki.headers[0]["User-Agent"]
    assert wiki.headers[0]["User-Agent"].startswith("sockgraph/")
    assert wiki.headers[0]["Accept-Encoding"] == "gzip"
    assert wiki.paths[0].startswith("/w/api.php?")


@pytest.mark.parametrize(
    "bad",
    [
        status(429),
        status(503),
        status(500),
        error("maxlag"),
        error("ratelimited"),
        error("readonly"),
        error("internal_api_error_DBQueryError"),
        say({}),
        say(None),
        say([]),
        say({"batchcomplete": True}),
        say({"query": {"pages": []}}),
        Say(b'{"query": {"users": ['),
        Say(b""),
        Say(b"\xff\xfe{}"),
        Say(b'{"query": {}}', cut=5),
        zipped(GOOD, keep=0.5),
        Say(b'{"query": {"users": [1]}}', cut=9, how="reset"),
    ],
    ids=lambda say: f"{say.status}-{say.how}-{say.body[:24]!r}",
)
def test_a_bad_answer_is_asked_for_again(wiki, connection, slept, bad):
    wiki.script = [say(GOOD), bad, bad, say(GOOD)]
    ask(connection)
    assert b"Example A" in ask(connection)
    assert slept == [1, 2]
    assert connection.retries["accounts"] == 2
    assert connection.requests["accounts"] == 2


def test_an_answer_that_unpacks_to_too_much_is_refused(wiki, connection, slept, monkeypatch):
    monkeypatch.setattr(answer_models, "MOST_BYTES", 1 << 20)
    wiki.script = [zipped({**GOOD, "more": "x" * (1 << 22)})]
    assert len(wiki.script[0].body) < 10_000
    with pytest.raises(FetchError, match="larger than 1 MiB"):
        ask(connection)
    assert slept == []


def test_html_is_retried_once_the_wiki_has_answered(wiki, connection, slept):
    wiki.script = [say(GOOD), Say(b"<!DOCTYPE html><p>Our servers are busy"), say(GOOD)]
    ask(connection)
    ask(connection)
    assert slept == [1]


def test_a_wiki_that_hangs_is_not_waited_for_for_ever(wiki, connection, slept):
    wiki.script = [say(GOOD), Say(how="hang"), say(GOOD)]
    ask(connection)
    started = time.monotonic()
    ask(connection)
    assert slept == [1]
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("how", ["drip", "drip headers"])
def test_a_server_that_drips_is_not_waited_for_for_ever(wiki, slept, how):
    connection = connect(wiki.host, slept, whole=0.4)
    wiki.script = [say(GOOD), Say(json.dumps(GOOD).encode() + b" " * 150, how=how), say(GOOD)]
    ask(connection)
    started = time.monotonic()
    ask(connection)
    assert time.monotonic() - started < 5
    assert slept == [1]
    wiki.script = [Say(b" " * 150, how=how)] * ATTEMPTS
    with pytest.raises(FetchError, match=r"took more than 0\.4 seconds"):
        ask(connection)


def test_a_long_answer_that_comes_in_time_is_read_whole(wiki, slept):
    connection = connect(wiki.host, slept, whole=20)
    wiki.script = [say(GOOD | {"padding": "x" * 5_000_000}), say(GOOD)]
    assert len(ask(connection)) > 5_000_000
    assert slept == []


def test_a_date_to_come_back_is_read_by_the_servers_own_clock(wiki, connection, slept):
    then = dt.datetime(2019, 5, 1, 10, 0, 0, tzinfo=dt.UTC)  # its clock is years behind ours
    stamps = [email.utils.format_datetime(then + dt.timedelta(seconds=s)) for s in (0, 40)]
    busy = status(429, Retry_After=stamps[1])
    wiki.script = [Say(busy.body, 429, (*busy.headers, ("Date", stamps[0]))), say(GOOD)]
    ask(connection)
    assert slept == [40]


@pytest.mark.parametrize("bad", [status(429, Retry_After="17"), status(503, retry_after="17")])
def test_retry_after_in_seconds_is_honoured(wiki, connection, slept, bad):
    wiki.script = [bad, say(GOOD)]
    ask(connection)
    assert slept == [17]


def test_retry_after_as_a_date_is_honoured(wiki, connection, slept):
    until = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=40)
    wiki.script = [status(429, Retry_After=email.utils.format_datetime(until)), say(GOOD)]
    ask(connection)
    assert 37 <= slept[0] <= 40


@pytest.mark.parametrize("header", ["soon", "", "-3", "Thu, 01 Jan 1970 00:00:00 GMT", "0"])
def test_a_retry_after_that_says_nothing_leaves_our_own_waits(wiki, connection, slept, header):
    wiki.script = [status(429, Retry_After=header), status(429), say(GOOD)]
    ask(connection)
    assert slept == [1, 2]


@pytest.mark.parametrize("headers", [{}, {"Retry_After": "5"}, {"Retry_After": "Thu, 01 Jan 1970"}])
def test_database_lag_with_and_without_retry_after(wiki, connection, slept, headers):
    wiki.script = [error("maxlag", X_Database_Lag="9", **headers), say(GOOD)]
    ask(connection)
    assert slept == [5 if headers.get("Retry_After") == "5" else 1]


def test_waits_grow_and_end_in_one_clear_error(wiki, connection, slept):
    wiki.otherwise = lambda _: status(503)
    with pytest.raises(FetchError) as caught:
        ask(connection)
    assert slept == [1, 2, 4, 8, 16, 32]
    assert len(wiki.asked) == ATTEMPTS
    said = str(caught.value)
    for part in (
        wiki.host,
        "accounts of Example A",
        "HTTP 503: busy",
        "run the same command again",
    ):
        assert part in said


def test_a_wiki_that_wants_us_gone_for_long_is_left_alone(wiki, connection, slept):
    wiki.script = [status(429, Retry_After=str(int(LONGEST_WAIT) + 1))]
    with pytest.raises(FetchError, match="wait 301 seconds"):
        ask(connection)
    assert slept == []
    assert len(wiki.asked) == 1


@pytest.mark.parametrize("code", ["readapidenied", "badvalue", "toomanyvalues"])
def test_a_refusal_is_not_repeated(wiki, connection, slept, code):
    wiki.script = [error(code)]
    with pytest.raises(FetchError, match=f"refuses: because of {code}"):
        ask(connection)
    assert slept == []


def test_a_misspelt_path_is_one_clear_error(wiki, connection, slept):
    wiki.script = [status(404)]
    with pytest.raises(FetchError, match=r"HTTP 404.*api_path"):
        ask(connection)
    assert slept == []


def test_a_site_that_is_no_wiki_is_one_clear_error(wiki, connection, slept):
    wiki.script = [Say(b"<html><title>Parked</title>", headers=(("Content-Type", "text/html"),))]
    with pytest.raises(FetchError, match=r"not as a MediaWiki API.*api_path"):
        ask(connection)
    assert slept == []


def test_other_hosts_are_never_contacted(wiki, connection):
    with faulty_wiki() as elsewhere:
        there = (("Location", f"http://{elsewhere.host}/w/api.php"),)
        wiki.script = [Say(status=302, headers=there)]
        with pytest.raises(FetchError, match=elsewhere.host):
            ask(connection)
        assert elsewhere.asked == []


def test_an_unreachable_host_is_one_clear_error_at_once(slept):
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(FetchError, match=r"cannot be reached.*spelling") as caught:
            ask(connect(host, slept))
    assert host in str(caught.value)
    assert slept == []


def test_a_misspelt_host_is_one_clear_error_at_once(slept):
    with pytest.raises(FetchError, match=r"zh\.wikipedai\.invalid.*cannot be reached"):
        ask(connect("zh.wikipedai.invalid", slept))
    assert slept == []


def test_many_long_names_are_posted(wiki, connection):
    listed = [f"青石巷{n}" * 10 for n in range(50)]
    names = "|".join(listed)
    wiki.script = [say({"query": {"users": [{"name": name} for name in listed]}})]
    connection.ask({**ASK, "ususers": names}, kind="accounts", what="many", found=["users"])
    assert wiki.paths == ["/w/api.php"]
    assert wiki.asked[0]["ususers"] == names


def test_requests_a_minute_are_bounded(wiki, slept):
    now = [0.0]
    connection = connect(wiki.host, slept, per_minute=120, clock=lambda: now[0])
    wiki.script = [say(GOOD), say(GOOD), say(GOOD)]
    ask(connection)
    now[0] = 0.2
    ask(connection)
    assert slept == [pytest.approx(0.3)]
    now[0] = 9.0
    ask(connection)
    assert len(slept) == 1


def test_credentials_of_netrc_are_not_sent(wiki, connection, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("default login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    wiki.script = [say(GOOD)]
    ask(connection)
    assert "Authorization" not in wiki.headers[0]
