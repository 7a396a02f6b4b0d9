"""Who is who on wikis of today: temporary accounts, several blocks, names that changed hands."""

import gzip
import json
from functools import partial

import mwclient
import pandas as pd
import pytest
import requests
from faulty import error, faulty_wiki, say
from wiki.server import HERE, running

from sockgraph.case import load_case
from sockgraph.errors import CaseError
from sockgraph.pipeline.run import run_case
from sockgraph.sources.mediawiki.source import MediaWikiSource
from sockgraph.sources.mediawiki.tables import blocked_for_good, blocks_of, earlier_names
from sockgraph.store.raw_answers import RawAnswers

PASSWORD = "sockgraph-test-1"  # noqa: S105 - of a wiki that lives for minutes


@pytest.fixture(scope="module")
def temporary(wiki):
    return edit_unregistered(wiki)


@pytest.fixture
def other(wiki):
    """Run a wiki that calls temporary accounts otherwise than MediaWiki does, for one test."""
    with running(wiki.version) as own:
        (own.folder / "extra.php").write_text(
            "<?php $wgAutoCreateTempUser['genPattern'] = 'Guest $1 of the mill';"
            "$wgAutoCreateTempUser['matchPattern'] = ['~$1', 'Guest $1 of the mill'];"
        )
        yield own


def edit_unregistered(wiki):
    """Edit as a browser that never logged in; give the name that the wiki gave it."""
    browser = requests.Session()

    def ask(method="get", **params):
        given = {"params" if method == "get" else "data": {**params, "format": "json"}}
        return getattr(browser, method)(wiki.api, timeout=60, **given).json()

    for n in range(12):
        token = ask(action="query", meta="tokens")["query"]["tokens"]["csrftoken"]
        page = f"Canals {n % 4}" if n else "Talk:Canals 1"
        text = f"\n{n} ~~~~"
        told = ask("post", action="edit", title=page, appendtext=text, token=token)
        assert told["edit"]["result"] == "Success", told
    return ask(action="query", meta="userinfo")["query"]["userinfo"]["name"]


@pytest.fixture(scope="module")
def blocked(wiki, tmp_path_factory):
    """Make an account with two blocks at once, of parts of the wiki and of all of it."""
    name = "Twice Plover"
    wiki.php("createAndPromote.php", name, PASSWORD)
    at = {"name": name, "at": "20240401000000"}
    blocks = [
        {**at, "expiry": "infinity", "reason": "Sockpuppetry on one page", "only on": "Canals 1"},
        {**at, "expiry": "20990101000000", "reason": "Vandalism, for years"},
    ]
    given = tmp_path_factory.mktemp("blocks") / "blocks.json"
    given.write_text(json.dumps({"accounts": [], "blocks": blocks, "renames": [], "tags": []}))
    wiki.php(HERE / "seed.php", "after", given)
    return name


@pytest.mark.wiki
@pytest.mark.mediawiki("1.43")
def test_a_temporary_account_is_no_reference(wiki_case, tmp_path, temporary):
    case = wiki_case("Willow Kerb", "Kerbside Willow", "Amber Wren")
    run_case(case, data=tmp_path)
    said = (tmp_path / "processed" / case.stem / "manifest.json").read_text()
    assert '"left out: temporary": ' in said
    assert temporary not in said


@pytest.mark.wiki
@pytest.mark.mediawiki("1.43")
def test_everyone_means_everyone_but_temporary_accounts(wiki_case, tmp_path, temporary):
    raw = RawAnswers(tmp_path / "raw")
    source = MediaWikiSource(load_case(wiki_case("*")), raw)
    everyone = source.everyone()
    assert len(everyone) > 30
    assert temporary not in everyone
    assert source.provenance()["counts"]["temporary accounts, left out"] >= 1
    assert temporary.encode() not in b"".join(raw.body(entry) for entry in raw.entries())


@pytest.mark.wiki
@pytest.mark.mediawiki("1.43")
def test_a_temporary_account_cannot_be_nominated(wiki_case, tmp_path, temporary):
    with pytest.raises(CaseError, match=r"temporary account cannot be nominated.*\[\[earlier\]\]"):
        run_case(wiki_case("Willow Kerb", temporary), data=tmp_path)


@pytest.mark.wiki
@pytest.mark.mediawiki("1.43")
def test_found_elsewhere_it_is_reviewed_by_its_edits_and_never_flagged(
    wiki_case, tmp_path, temporary
):
    earlier = (
        f'[[earlier]]\na = "Willow Kerb"\nb = "{temporary}"\nby = "A clerk"\ndate = 2024-05-01\n'
    )
    case = wiki_case("Willow Kerb", "Amber Wren", earlier=earlier)
    result = run_case(case, data=tmp_path)
    theirs = result.links[(result.links[["user_a", "user_b"]] == temporary).any(axis=1)]
    assert len(theirs) == 2
    assert set(theirs["band"]) <= {"insufficient", "not calibrated"}
    assert not theirs["flagged"].any()
    assert theirs["log10_lr"].isna().all()
    assert "asserted" in set(theirs["state"])
    assert (result.edits["user"] == temporary).sum() == 12


@pytest.mark.wiki
@pytest.mark.mediawiki("1.43")
def test_discussions_and_histories_keep_no_name_of_one(wiki_case, tmp_path, temporary):
    page = '[discussions]\nreason = "r"\npages = ["Talk:Canals 1"]\n'
    raw = RawAnswers(tmp_path / "raw")
    source = MediaWikiSource(load_case(wiki_case("Willow Kerb", discussions=page)), raw)
    said = source.discussions(["Talk:Canals 1"])
    assert said.pages["Talk:Canals 1"]["unregistered"] == 1
    assert temporary not in set(said.edits["user"].dropna())
    edits = source.read(["Willow Kerb"]).edits
    told = source.histories(sorted({int(n) for n in edits["page_id"]})[:5])
    assert temporary not in set(told["user"])
    assert temporary not in stored_names(raw)


def stored_names(raw):
    """Return who stands in the stored answers as an author or an account."""
    told = [json.loads(raw.body(entry))["query"] for entry in raw.entries()]
    revisions = [
        r for query in told for p in query.get("pages", []) for r in p.get("revisions", [])
    ]
    listed = [row for query in told for row in query.get("allusers", [])]
    names = {r.get("user") for r in revisions} | {row.get("name") for row in listed}
    assert len(names) > 3
    return names


@pytest.mark.wiki
@pytest.mark.mediawiki("1.43")
def test_a_wiki_s_own_name_for_temporary_accounts_is_heeded(other, tmp_path):
    guest, path, raw = edit_unregistered(other), tmp_path / "c.toml", RawAnswers(tmp_path / "raw")
    assert guest.startswith("Guest ")
    path.write_text(other.case_text("*"))
    source = MediaWikiSource(load_case(path), raw)
    assert guest not in source.everyone()
    assert source.provenance()["counts"]["temporary accounts, left out"] >= 1
    assert source.provenance()["temporary_names"] == ["~$1", "Guest $1 of the mill"]
    assert source.discussions(["Talk:Canals 1"]).pages["Talk:Canals 1"]["unregistered"] >= 1
    edits = source.read(["Willow Kerb"]).edits
    source.histories(sorted({int(n) for n in edits["page_id"]})[:5])
    assert guest not in stored_names(raw)
    assert guest not in set(source.neighbours(edits)["user"])
    path.write_text(other.case_text("Willow Kerb", guest))
    with pytest.raises(CaseError, match="temporary account cannot be nominated"):
        run_case(path, data=tmp_path / "named")


@pytest.mark.wiki
@pytest.mark.mediawiki("1.43")
def test_each_of_several_blocks_is_judged_by_itself(wiki_case, tmp_path, blocked):
    source = MediaWikiSource(load_case(wiki_case(blocked)), RawAnswers(tmp_path / "raw"))
    row = source._facts([blocked])[blocked]
    assert len(blocks_of(row)) == 2
    assert not blocked_for_good(row)  # what is endless and of a sock is of one page
    facts = source.account_facts([blocked]).iloc[0]
    assert pd.notna(facts["blocked_at"])
    note = source.read([blocked]).coverage[0].note
    assert "blocked from parts of the wiki, not from all of it" in note
    assert "Sockpuppetry on one page" in note


@pytest.mark.wiki
@pytest.mark.mediawiki("1.39", "1.43")
def test_a_sock_block_that_has_ended_keeps_out_of_the_reference(wiki_case, tmp_path):
    from wiki import history

    source = MediaWikiSource(load_case(wiki_case("Willow Kerb")), RawAnswers(tmp_path / "raw"))
    asked = [history.UNBLOCKED, history.SOCK_BLOCKED, "Amber Wren"]
    assert source.blocked_as_sock(asked) == set(asked[:2])


CASE = """
title = "T"
reason = "R"
wikis = ["{host}"]
[source]
kind = "mediawiki"
scheme = "http"
api_path = "/"
contact = "ada@example.org"
[accounts]
nominated = ["Heron", "Moth"]
min_edits = 1
"""


@pytest.fixture
def farm(tmp_path):
    """Serve a wiki with CentralAuth and GlobalBlocking, and open a case on it."""
    with faulty_wiki() as server:
        server.otherwise = _farm
        (tmp_path / "farm.toml").write_text(CASE.format(host=server.host))
        raw = RawAnswers(tmp_path / "raw")
        yield MediaWikiSource(load_case(tmp_path / "farm.toml"), raw)


NUMBERS = {"Heron": 1, "Moth": 2, "Wren": 3, "Local Loon": 4}


def _everywhere(params, version):
    """Answer as CentralAuth and GlobalBlocking do, after the source of their API modules."""
    if "guiuser" in params:
        name = params["guiuser"]
        if name == "Local Loon":  # a hidden one is shown so, too
            return {"globaluserinfo": {"missing": True}}
        locked = {"locked": True} if name == "Moth" else {}
        return {"globaluserinfo": {"name": name, "id": NUMBERS[name], **locked}}
    if version < "1.43":  # it knows no bgtargets, and lists everything
        return {"globalblocks": [{"address": "192.0.2.1", "timestamp": "2024-01-05T00:00:00Z"}]}
    if "Local Loon" in params["bgtargets"]:
        return None
    row = {"target": "Wren", "by": "Steward", "timestamp": "2024-01-05T00:00:00Z",
           "expiry": "infinity", "reason": "Spam"}  # fmt: skip
    return {"globalblocks": [row] if "Wren" in params["bgtargets"] else []}


def _farm(params, version="1.43"):
    log = {
        "Special:Log": [],
        "User:Heron": [
            {"logid": 5, "type": "renameuser", "action": "renameuser", "ns": 2, "user": "Clerk",
             "title": "User:Heron", "timestamp": "2023-02-01T00:00:00Z", "comment": "asked for",
             "params": {"olduser": "Heron", "newuser": "Old Heron"}},
        ],
        "User:Moth@global": [
            {"logid": 6, "type": "globalauth", "action": "setstatus", "ns": 2, "user": "Steward",
             "title": "User:Moth@global", "timestamp": "2024-03-01T00:00:00Z",
             "comment": "Cross-wiki abuse", "params": {"added": ["locked"]}},
        ],
    }  # fmt: skip
    if params.get("meta") == "siteinfo":
        extensions = [{"name": "CentralAuth"}, {"name": "GlobalBlocking"}]
        general = {"generator": f"MediaWiki {version}", "wikiid": "w"}
        return say({"query": {"general": general, "extensions": extensions}})
    if {"guiuser", "bgtargets"} & set(params):
        told = _everywhere(params, version)
        return say({"query": told}) if told else error("nosuchuser")
    if params.get("list") == "users":
        rows = [
            {"name": n, "userid": NUMBERS[n], "editcount": 2, "groups": []}
            for n in params["ususers"].split("|")
        ]
        return say({"query": {"users": rows}})
    if params.get("list") == "usercontribs":
        rows = [
            {"userid": number, "user": name, "revid": 10 * number + n, "pageid": 1, "ns": 0,
             "title": "P", "timestamp": f"202{n}-01-0{number}T10:00:00Z", "comment": "",
             "minor": False, "sizediff": 1, "parentid": 0, "tags": []}
            for name in params["ucuser"].split("|")
            for number in ((9, 1) if name == "Heron" else (NUMBERS[name],))
            for n in (3, 4)
        ]  # fmt: skip
        return say({"query": {"usercontribs": rows}})
    events = log["User:Heron"] if params.get("letype") == "renameuser" else []
    return say({"query": {"logevents": log.get(params.get("letitle"), events)}})


def test_rows_are_an_accounts_by_its_id(farm):
    reading = farm.read(["Heron", "Moth"])
    assert reading.edits["user"].value_counts().to_dict() == {"Heron": 2, "Moth": 2}
    assert set(reading.edits.loc[reading.edits["user"] == "Heron", "user_id"]) == {1}
    assert reading.dropped["rows of another account that had the name"] == 2


def test_a_name_that_was_somebody_elses_is_said(farm):
    reading = farm.read(["Heron", "Moth"])
    notice = farm.provenance()["notices"]
    assert len(notice) == 1
    assert notice[0].startswith("Heron: Until 2023-02-01 this name was another account's")
    assert "Until 2023-02-01" in reading.coverage[0].note


def test_a_lock_and_a_block_on_all_wikis_keep_out_of_the_reference(farm):
    assert farm.blocked_as_sock(["Heron", "Moth", "Wren"]) == {"Moth", "Wren"}


def test_who_is_no_global_account_keeps_nobody_elses_blocks_back(farm):
    assert farm.blocked_as_sock(["Local Loon", "Moth", "Wren"]) == {"Moth", "Wren"}


def test_an_older_wiki_is_not_asked_for_every_address_that_it_blocks(tmp_path):
    with faulty_wiki() as server:
        server.otherwise = partial(_farm, version="1.42")
        (tmp_path / "farm.toml").write_text(CASE.format(host=server.host))
        source = MediaWikiSource(load_case(tmp_path / "farm.toml"), RawAnswers(tmp_path / "raw"))
        assert source.blocked_as_sock(["Heron", "Moth", "Wren"]) == {"Moth"}
    assert not any(asked.get("list") == "globalblocks" for asked in server.asked)


def test_a_lock_stands_in_the_log_with_who_and_why(farm):
    events = farm.log_events(["Heron", "Moth"]).set_index("target")
    assert events.loc["Moth", "actor"] == "Steward"
    assert events.loc["Moth", "comment"] == "Cross-wiki abuse"
    assert events.loc["Heron", "comment"] == "asked for"
    assert events.loc["Heron", "actor"] == "Clerk"
    assert "locked on all wikis" in farm.read(["Moth"]).coverage[0].note


def test_what_holds_on_all_wikis_is_kept_with_its_day(farm):
    farm.find(["Moth", "Wren"])
    moth, wren = farm.read(["Moth", "Wren"]).coverage
    assert moth.as_dict()["everywhere"] == [{"what": "lock", "since": None, "by": None}]
    assert wren.everywhere == ({"what": "block", "since": "2024-01-05", "by": "Steward"},)


def test_who_vanished_has_no_former_name_and_is_not_found_by_it():
    pairs = [("Heron", "Old Heron"), ("Old Heron", "Renamed user 0a1b2c")]
    assert earlier_names("Renamed user 0a1b2c", pairs) == ()
    assert earlier_names("Old Heron", pairs) == ("Heron",)


@pytest.mark.wiki
@pytest.mark.mediawiki("1.43")
def test_a_hidden_account_leaves_everything_and_the_case_goes_on(wiki_case, wiki, tmp_path):
    name = "Gone Plover"
    wiki.php("createAndPromote.php", name, PASSWORD)
    site = mwclient.Site(wiki.host, path="/", scheme="http", clients_useragent="test wiki")
    site.login(name, PASSWORD)
    for n in range(3):
        site.api("edit", title=f"Canals {n}", appendtext=f"\n{n}", token=site.get_token("edit"))
    case = wiki_case("Willow Kerb", "Amber Wren", name, accounts="min_edits = 2")
    run_case(case, data=tmp_path)
    admin = wiki.admin()
    admin.api("userrights", user="Admin", add="suppress", token=admin.get_token("userrights"))
    admin = wiki.admin()
    admin.api(
        "block", user=name, expiry="infinite", reason="privacy", hidename=1,
        token=admin.get_token("csrf"),
    )  # fmt: skip
    admin.api("userrights", user="Admin", remove="suppress", token=admin.get_token("userrights"))
    for again in ({"refresh": True}, {"offline": True}):
        result = run_case(case, data=tmp_path, **again)
        assert set(result.links["user_a"]) | set(result.links["user_b"]) == {
            "Willow Kerb", "Amber Wren",
        }  # fmt: skip
        assert "is hidden on the wiki by now" in result.manifest["notices"][0]
    for file in sorted((tmp_path / "processed").rglob("*")) + sorted((tmp_path / "raw").rglob("*")):
        if file.is_file():
            content = file.read_bytes()
            content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
            assert name.encode() not in content, file
