"""Getting in: passwords, certificates, paths, and what a server says when it refuses."""

import json
import sys
import types

import pytest
from faulty import Say, faulty_wiki, say
from wiki.proxy import certificate, proxied

from sockgraph.case import load_case
from sockgraph.errors import FetchError, SourceError
from sockgraph.sources.mediawiki.client import Connection
from sockgraph.sources.mediawiki.connection import Credentials, credentials, is_loopback
from sockgraph.sources.mediawiki.source import MediaWikiSource
from sockgraph.store.raw_answers import RawAnswers

GOOD = {"query": {"users": []}}


@pytest.fixture
def server():
    with faulty_wiki() as running:
        yield running


def connect(host, **more):
    given = {"scheme": "http", "path": "/", "contact": "ada@example.org", "sleep": lambda _: None}
    return Connection(host=host, **{**given, **more})


def ask(connection):
    return connection.ask({"action": "query"}, kind="k", what="accounts", found=["users"])


def page(code, text, kind="text/html"):
    return Say(text.encode(), status=code, headers=(("Content-Type", kind),))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (page(401, "<h1>401 Authorization Required</h1>"), "SOCKGRAPH_HTTP_USER"),
        (page(403, "<title>Just a moment...</title>"), "HTTP 403: Just a moment.*robots"),
        (page(403, "Please respect our robot policy https://w.example", "text/plain"),
         "robot policy https://w.example.*source.contact"),
        (page(500, "MediaWiki API is not enabled for this site.", "text/plain"),
         "MediaWiki API is not enabled for this site"),
        (Say(b'{"error": {"code": "mwoauth-invalid-authorization", "info": "The headers are bad"}}',
             status=403), r"The headers are bad \(mwoauth-invalid-authorization\).*credentials"),
        (page(404, "<title>Not Found</title>"), "HTTP 404: Not Found.*api_path"),
        (page(200, "<title>Sign in</title>"), "answers with a web page.*Sign in"),
        (say({"error": {"code": "readapidenied", "info": "You need read permission"}}),
         "You need read permission.*Only its members"),
    ],
)  # fmt: skip
def test_a_refusal_is_one_line_with_the_servers_own_words(server, answer, said):
    server.otherwise = lambda _: answer
    with pytest.raises(FetchError, match=said) as error:
        ask(connect(server.host))
    assert "\n" not in str(error.value)
    assert len(server.asked) == 1


def test_a_byte_order_mark_does_no_harm(server):
    server.otherwise = lambda _: Say('\ufeff{"query": {"users": []}}'.encode())
    assert ask(connect(server.host)) == b'{"query": {"users": []}}'


def test_a_query_asks_for_todays_continuation(server):
    server.otherwise = lambda _: say(GOOD)
    ask(connect(server.host))
    assert server.asked[0]["continue"] == ""
    connect(server.host).ask(
        {"action": "query", "continue": "-||"}, kind="k", what="w", found=["users"]
    )
    assert server.asked[1]["continue"] == "-||"


@pytest.mark.parametrize("reason", [{"reason": "Incorrect password"}, {}])
def test_a_wrong_password_is_sent_once(server, reason):
    def answer(params):
        if params.get("meta") == "tokens":
            return say({"query": {"tokens": {"logintoken": "t+\\"}}})
        return say({"login": {"result": "Failed", **reason}})

    server.otherwise = answer
    with pytest.raises(FetchError, match="refuses the login"):
        ask(connect(server.host, credentials=Credentials(user="Ada@tool", password="no")))  # noqa: S106 - of nobody
    assert sum(asked.get("action") == "login" for asked in server.asked) == 1


def test_a_servers_own_password_goes_with_every_request(server):
    server.otherwise = lambda _: say(GOOD)
    known = credentials({"SOCKGRAPH_HTTP_USER": "ada", "SOCKGRAPH_HTTP_PASSWORD": "x"})
    ask(connect(server.host, credentials=known))
    assert server.headers[0]["Authorization"] == "Basic YWRhOng="
    assert "assert" not in server.asked[0]
    with pytest.raises(SourceError, match="https only"):
        connect("wiki.example", credentials=known)
    with pytest.raises(SourceError, match="both are set"):
        credentials(
            {
                "SOCKGRAPH_HTTP_USER": "a",
                "SOCKGRAPH_HTTP_PASSWORD": "x",
                "SOCKGRAPH_OAUTH_TOKEN": "t",
            }
        )


def test_a_secret_may_be_kept_in_the_keyring(monkeypatch):
    kept = {("sockgraph", "SOCKGRAPH_OAUTH_TOKEN"): "t"}
    ring = types.SimpleNamespace(get_password=lambda *place: kept.get(place))
    monkeypatch.setitem(sys.modules, "keyring", ring)
    assert credentials({"SOCKGRAPH_OAUTH_TOKEN": "keyring"}).token == "t"  # noqa: S105 - of nobody
    asked = {"SOCKGRAPH_BOT_USER": "Ada@tool", "SOCKGRAPH_BOT_PASSWORD": "keyring"}
    with pytest.raises(SourceError, match="keyring set sockgraph SOCKGRAPH_BOT_PASSWORD"):
        credentials(asked)
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(SourceError, match="pip install keyring"):
        credentials(asked)


CASE = (
    'title = "t"\nreason = "r"\nwikis = ["{host}"]\n[source]\nkind = "mediawiki"\n'
    'scheme = "http"\napi_path = "{path}"\ncontact = "ada@example.org"\n'
    '[accounts]\nnominated = ["Heron"]\n'
)


@pytest.fixture
def case(tmp_path):
    def write(host, path="/"):
        (tmp_path / "c.toml").write_text(CASE.format(host=host, path=path))
        return load_case(tmp_path / "c.toml")

    return write


@pytest.mark.parametrize(
    ("given", "meant"),
    [("/w/api.php", "/w/"), ("/w", "/w/"), ("w/", "/w/"), ("/api.php", "/"), ("", "/"), ("/", "/")],
)
def test_the_path_of_the_api_is_understood_however_it_is_given(case, given, meant):
    assert case("wiki.example", given).source.api_path == meant


@pytest.mark.parametrize("host", ["[::1]:8080", "[::1]", "127.0.0.1:80", "localhost"])
def test_this_machine_has_several_names(case, host):
    assert case(host).wiki == host
    assert is_loopback(host)
    assert connect(host).api == f"http://{host}/api.php"


def test_an_old_wiki_is_refused_by_its_version(server, case, tmp_path):
    server.otherwise = lambda _: say({"query": {"general": {"generator": "MediaWiki 1.23.1"}}})
    source = MediaWikiSource(case(server.host), RawAnswers(tmp_path / "raw"))
    with pytest.raises(SourceError, match=r"MediaWiki 1\.23\.1 is older than 1\.26"):
        source.read(["Heron"])
    assert len(server.asked) == 1


def test_a_certificate_of_ones_own_authority(tmp_path, monkeypatch):
    """The authority's file is named in the error, and with it the wiki is read."""
    pem = certificate(tmp_path)
    with faulty_wiki() as served, proxied(served.host, pem=pem) as host:
        served.otherwise = lambda _: say({"query": {"users": []}})
        with pytest.raises(FetchError, match=r"certificate.*REQUESTS_CA_BUNDLE"):
            ask(connect(host, scheme="https"))
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(pem))
        assert json.loads(ask(connect(host, scheme="https"))) == {"query": {"users": []}}
