"""Credentials: from the environment, over https, seeing what everybody sees, and never shown."""

from __future__ import annotations

import pytest
from faulty import Say, error, faulty_wiki, say, status
from wiki.proxy import certificate, proxied

from sockgraph.case import load_case
from sockgraph.errors import FetchError, SourceError
from sockgraph.sources.mediawiki.client import Connection
from sockgraph.sources.mediawiki.connection import Credentials, credentials
from sockgraph.sources.mediawiki.source import MediaWikiSource
from sockgraph.store.raw_answers import RawAnswers

SECRET = "0123456789abcdefghijklmnopqrstuv"  # noqa: S105 - the form that MediaWiki asks of one
GOOD = say({"query": {"users": [{"name": "Example A"}]}})


def rights(*names):
    return say({"query": {"userinfo": {"name": "Me", "rights": ["read", *names]}}})


@pytest.fixture
def wiki_of_faults():
    with faulty_wiki() as served:
        yield served


def ask(connection):
    params = {"action": "query", "list": "users", "ususers": "Example A"}
    return connection.ask(params, kind="accounts", what="accounts of Example A", found=["users"])


def connect(host, given, scheme="http"):
    return Connection(
        host=host, scheme=scheme, path="/", contact="me@example.org", per_minute=None,
        credentials=given, sleep=lambda _: None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, Credentials()),
        ({"SOCKGRAPH_OAUTH_TOKEN": SECRET}, Credentials(token=SECRET)),
        (
            {"SOCKGRAPH_BOT_USER": "Me@tool", "SOCKGRAPH_BOT_PASSWORD": SECRET},
            Credentials(user="Me@tool", password=SECRET),
        ),
    ],
)
def test_credentials_come_from_the_environment(environment, expected):
    assert credentials(environment) == expected
    assert SECRET not in repr(credentials(environment))


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"SOCKGRAPH_BOT_USER": "Me@tool"}, "SOCKGRAPH_BOT_PASSWORD"),
        ({"SOCKGRAPH_BOT_PASSWORD": SECRET}, "SOCKGRAPH_BOT_USER"),
        (
            {
                "SOCKGRAPH_OAUTH_TOKEN": SECRET,
                "SOCKGRAPH_BOT_USER": "Me@tool",
                "SOCKGRAPH_BOT_PASSWORD": SECRET,
            },
            "both are set",
        ),
    ],
)
def test_half_and_double_credentials_are_refused(environment, named):
    with pytest.raises(SourceError, match=named) as caught:
        credentials(environment)
    assert SECRET not in str(caught.value)


def test_a_token_is_sent_and_every_answer_must_know_us(wiki_of_faults):
    wiki_of_faults.script = [rights("apihighlimits"), GOOD, GOOD]
    connection = connect(wiki_of_faults.host, Credentials(token=SECRET))
    ask(connection)
    ask(connection)
    assert len(wiki_of_faults.asked) == 3
    assert {h["Authorization"] for h in wiki_of_faults.headers} == {f"Bearer {SECRET}"}
    assert {asked["assert"] for asked in wiki_of_faults.asked} == {"user"}
    assert SECRET not in repr(connection)


def test_being_logged_out_leads_to_a_new_login(wiki_of_faults):
    wiki_of_faults.script = [rights(), GOOD, error("assertuserfailed"), rights(), GOOD]
    connection = connect(wiki_of_faults.host, Credentials(token=SECRET))
    ask(connection)
    ask(connection)
    assert wiki_of_faults.script == []


def test_a_site_that_is_no_wiki_is_not_logged_in_to(wiki_of_faults):
    wiki_of_faults.otherwise = lambda _: Say(b"<html>parked</html>")
    with pytest.raises(FetchError, match="not as a MediaWiki API"):
        ask(connect(wiki_of_faults.host, Credentials(token=SECRET)))
    assert len(wiki_of_faults.asked) == 1


@pytest.mark.parametrize("bad", [say({}), say(None), status(503), error("maxlag"), Say(b"{")])
def test_a_login_that_is_badly_answered_is_tried_again(wiki_of_faults, bad):
    wiki_of_faults.script = [bad, rights(), GOOD]
    ask(connect(wiki_of_faults.host, Credentials(token=SECRET)))
    wiki_of_faults.script = [bad, bad]
    wiki_of_faults.otherwise = lambda _: bad
    with pytest.raises(FetchError, match="no usable answer") as caught:
        ask(connect(wiki_of_faults.host, Credentials(user="Me@tool", password=SECRET)))
    assert SECRET not in str(caught.value)


def test_a_wrong_token_is_one_clear_error(wiki_of_faults):
    wiki_of_faults.script = [error("mwoauth-invalid-authorization")]
    with pytest.raises(FetchError, match="refuses the login") as caught:
        ask(connect(wiki_of_faults.host, Credentials(token=SECRET)))
    assert SECRET not in str(caught.value)


def test_whoever_sees_hidden_edits_is_refused(wiki_of_faults):
    wiki_of_faults.script = [rights("deletedhistory", "viewsuppressed")]
    with pytest.raises(SourceError, match=r"deletedhistory, viewsuppressed.*high-volume"):
        ask(connect(wiki_of_faults.host, Credentials(token=SECRET)))


def test_credentials_are_not_sent_in_the_clear():
    with pytest.raises(SourceError, match="https only"):
        connect("wiki.example", Credentials(token=SECRET))
    connect("wiki.example", Credentials(token=SECRET), scheme="https")
    connect("wiki.example", Credentials())


@pytest.mark.wiki
def test_a_bot_password_works_on_a_real_wiki(wiki, wiki_case, tmp_path, monkeypatch):
    wiki.php("createBotPassword.php", "--appid=tool", "--grants=basic,highvolume", "Admin", SECRET)
    monkeypatch.setenv("SOCKGRAPH_BOT_USER", "Admin@tool")
    monkeypatch.setenv("SOCKGRAPH_BOT_PASSWORD", SECRET)
    case = load_case(wiki_case("Amber Wren"))
    raw = RawAnswers(tmp_path / "raw")
    assert len(MediaWikiSource(case, raw).read(["Amber Wren"]).edits)
    kept = b"".join(raw.body(entry) for entry in raw.entries())
    said = repr(raw.entries()).encode()
    assert SECRET.encode() not in kept + said
    assert b"Admin" not in said

    monkeypatch.setenv("SOCKGRAPH_BOT_PASSWORD", "wrong")
    with pytest.raises(FetchError, match="refuses the login"):
        MediaWikiSource(case, RawAnswers(tmp_path / "other")).read(["Amber Wren"])


@pytest.mark.wiki
@pytest.mark.mediawiki("1.39", "1.43")
def test_a_private_wiki_is_read_with_a_bot_password_alone(wiki, wiki_case, tmp_path, monkeypatch):
    wiki.php("createBotPassword.php", "--appid=in", "--grants=basic,highvolume", "Admin", SECRET)
    case = load_case(wiki_case("Amber Wren"))
    private = wiki.folder / "extra.php"
    private.write_text("<?php $wgGroupPermissions['*']['read'] = false;")
    try:
        with pytest.raises(FetchError, match=r"readapidenied.*give credentials"):
            MediaWikiSource(case, RawAnswers(tmp_path / "out")).read(["Amber Wren"])
        monkeypatch.setenv("SOCKGRAPH_BOT_USER", "Admin@in")
        monkeypatch.setenv("SOCKGRAPH_BOT_PASSWORD", SECRET)
        source = MediaWikiSource(case, RawAnswers(tmp_path / "raw"))
        edits = source.read(["Amber Wren"]).edits
        assert len(edits)
        assert len(source.neighbours(edits))
    finally:
        private.unlink()


@pytest.mark.wiki
@pytest.mark.mediawiki("1.39", "1.43")
def test_a_wiki_behind_a_server_with_a_password_and_an_authority_of_its_own(
    wiki, wiki_case, tmp_path, monkeypatch
):
    """Basic auth and TLS by a real server before a real wiki, a bot password beside them."""
    wiki.php("createBotPassword.php", "--appid=far", "--grants=basic,highvolume", "Admin", SECRET)
    path, pem = wiki_case("Amber Wren"), certificate(tmp_path)
    with proxied(wiki.host, basic=("ada", "let me in"), pem=pem) as host:
        text = path.read_text().replace('scheme = "http"', 'scheme = "https"')
        path.write_text(text.replace(wiki.host, host))

        def read(folder):
            return MediaWikiSource(load_case(path), RawAnswers(tmp_path / folder)).read(
                ["Amber Wren"]
            )

        with pytest.raises(FetchError, match=r"certificate.*REQUESTS_CA_BUNDLE"):
            read("untrusted")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(pem))
        with pytest.raises(FetchError, match=r"password of its own.*SOCKGRAPH_HTTP_USER"):
            read("outside")
        monkeypatch.setenv("SOCKGRAPH_HTTP_USER", "ada")
        monkeypatch.setenv("SOCKGRAPH_HTTP_PASSWORD", "wrong")
        with pytest.raises(FetchError, match="401"):
            read("wrong")
        monkeypatch.setenv("SOCKGRAPH_HTTP_PASSWORD", "let me in")
        edits = read("without").edits
        monkeypatch.setenv("SOCKGRAPH_BOT_USER", "Admin@far")
        monkeypatch.setenv("SOCKGRAPH_BOT_PASSWORD", SECRET)
        assert len(read("with").edits) == len(edits) > 0


@pytest.mark.wiki
def test_an_administrators_own_password_is_refused(wiki_case, tmp_path, monkeypatch):
    from wiki.server import PASSWORD

    monkeypatch.setenv("SOCKGRAPH_BOT_USER", "Admin")
    monkeypatch.setenv("SOCKGRAPH_BOT_PASSWORD", PASSWORD)
    source = MediaWikiSource(load_case(wiki_case("Amber Wren")), RawAnswers(tmp_path / "raw"))
    with pytest.raises(SourceError, match="deletedhistory"):
        source.read(["Amber Wren"])
    assert RawAnswers(tmp_path / "raw").entries() == []
