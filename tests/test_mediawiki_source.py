"""The MediaWiki source against a real MediaWiki, filled with an invented history."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from faulty import faulty_wiki, say
from wiki import history

from sockgraph.case import load_case
from sockgraph.errors import CaseError, FetchError, SourceError
from sockgraph.reference import read_population
from sockgraph.schema import validate
from sockgraph.sources.mediawiki.source import MediaWikiSource
from sockgraph.store.raw_answers import RawAnswers

pytestmark = [pytest.mark.wiki, pytest.mark.mediawiki("1.39", "1.43")]
PAST = history.build()


@pytest.fixture
def open_source(wiki_case, tmp_path):
    """Return a function that opens the source of a case on the wiki."""

    def open_one(*nominated, raw="raw", more=None, **options):
        case = load_case(wiki_case(*nominated, **(more or {})))
        return MediaWikiSource(case, RawAnswers(tmp_path / raw), **options)

    return open_one


@pytest.fixture
def write_fake_case(tmp_path):
    def write(host, more=""):
        path = tmp_path / "fake.toml"
        path.write_text(
            f'title = "T"\nreason = "R"\nwikis = ["{host}"]\n[source]\nkind = "mediawiki"\n'
            f'scheme = "http"\napi_path = "/"\ncontact = "ada@example.org"\n{more}\n'
            '[accounts]\nnominated = ["Heron"]\n'
        )
        return path

    return write


def edits_of(name):
    """Every edit that the invented history holds of an account, as (title, time, summary)."""
    old = {new: old for old, new in [history.RENAMED]}.get(name, name)
    rows = [
        (title, pd.Timestamp(at), comment)
        for title, edits in PAST.pages.items()
        for at, who, comment in edits
        if who == old and title != history.DELETED_PAGE
    ]
    return sorted((title, at.floor("s"), comment) for title, at, comment in rows)


@pytest.mark.parametrize("name", [*history.NON_ASCII[1:2], *history.OPERATED, "Amber Wren"])
def test_every_edit_is_read_as_it_was_made(open_source, name):
    edits = open_source(name).read([name]).edits
    read = zip(edits["title"], edits["timestamp"].dt.floor("s"), edits["comment"], strict=True)
    assert sorted(read) == edits_of(name)
    assert set(edits["user"]) == {name}
    assert set(edits["ns"]) <= {0, 1}
    assert edits["page_id"].notna().all()
    assert edits["size_diff"].notna().all()
    assert edits["sha1"].isna().all()
    assert edits["minor"].sum() == sum(c == "fix a typo" for _, _, c in edits_of(name))


@pytest.mark.parametrize("page_size", [1, 3, 50])
def test_continuation_loses_and_repeats_nothing(open_source, page_size):
    names = list(history.OPERATED)
    whole = open_source(*names, raw="whole").read(names)
    parts = open_source(*names, raw="parts", page_size=page_size)
    assert parts.read(names).edits.equals(whole.edits)
    edits = len(whole.edits)
    assert parts.traffic()["requests"]["contributions"] <= -(-edits // page_size) + 1
    assert parts.read(names).dropped == {"rows that the wiki gave twice": 0}


def test_fifty_accounts_a_request(open_source):
    names = [str(account["name"]) for account in PAST.accounts[:60]]
    source = open_source(*names)
    reading = source.read(names)
    asked = source.traffic()["requests"]
    assert asked["accounts"] == 2
    assert asked["contributions"] <= -(-len(reading.edits) // 500) + 2
    assert len(reading.edits) == sum(len(edits_of(name)) for name in names)


def test_tables_keep_their_contracts(open_source):
    source = open_source()
    names = list(source.resolve(history.NON_ASCII).values())
    facts = source.account_facts(names)
    validate("accounts", facts.assign(role="nominated"))
    validate("edits", source.read(names).edits)
    validate("log_events", source.log_events(names))
    assert facts["edit_count"].notna().all()
    assert facts["registered"].notna().all()


def test_hidden_is_not_empty(open_source):
    reading = open_source(history.HIDES).read([history.HIDES])
    edits, covered = reading.edits, reading.coverage[0]
    concealed = edits[["comment" in h for h in edits["hidden"]]]
    assert covered.hidden_comments == len(concealed) == 5
    assert concealed["comment"].isna().all()
    assert covered.hidden_texts == sum("text" in h for h in edits["hidden"]) == 2
    assert edits[~edits.index.isin(concealed.index)]["comment"].notna().all()


def test_hidden_users_and_deleted_pages_are_told_apart_from_nothing(open_source):
    source = open_source(history.HIDDEN_FROM, "Pebble O'Hara")
    hidden, deleted = source.read([history.HIDDEN_FROM, "Pebble O'Hara"]).coverage
    assert hidden.edit_count == hidden.edits_read + 3
    assert hidden.not_listed == 3
    assert deleted.not_listed == 2
    assert hidden.full
    assert deleted.full


def test_a_renamed_account_is_one_account(open_source):
    old, new = history.RENAMED
    source = open_source(old)
    assert source.resolve([old, new]) == {old: new, new: new}
    reading = source.read([new])
    assert reading.coverage[0].renamed_from == (old,)
    assert len(reading.edits) == len(edits_of(new))
    events = source.log_events([new])
    assert events[events["type"] == "renameuser"]["target"].tolist() == [old]
    assert "newusers" in set(events["type"])


def test_unknown_accounts_are_all_named(open_source):
    source = open_source()
    with pytest.raises(SourceError) as caught:
        source.resolve(["Amber Wren", history.MISSING, "192.0.2.7", "a#b"])
    for name in (history.MISSING, "192.0.2.7", "a#b"):
        assert name in str(caught.value)
    assert "Amber" not in str(caught.value)


def test_names_are_written_as_the_wiki_writes_them(open_source):
    source = open_source()
    given = ["amber_Wren", " Dune  Wren", "a&B+C", "مستخدم_تجربة", "User:kelp Wren"]
    assert list(source.resolve(given).values()) == [
        "Amber Wren", "Dune Wren", "A&B+C", "مستخدم تجربة", "Kelp Wren",
    ]  # fmt: skip


def test_an_account_without_edits_has_none(open_source):
    reading = open_source(history.NO_EDITS).read([history.NO_EDITS])
    assert reading.edits.empty
    covered = reading.coverage[0]
    assert (covered.edits_read, covered.edit_count, covered.not_listed) == (0, 0, 0)


def test_blocks_and_groups_are_told(open_source):
    source = open_source()
    names = [history.SOCK_BLOCKED, history.UNBLOCKED, history.BOT]
    facts = source.account_facts(names).set_index("user")
    assert facts["blocked_at"].notna().to_dict() == {
        history.SOCK_BLOCKED: True, history.UNBLOCKED: False, history.BOT: False,
    }  # fmt: skip
    assert "bot" in facts.loc[history.BOT, "groups"]
    events = source.log_events(names)
    done = events.groupby("target")["action"].apply(list).to_dict()
    assert "block" in done[history.SOCK_BLOCKED]
    assert {"block", "unblock"} <= set(done[history.UNBLOCKED])
    assert "rights" in done[history.BOT]
    assert json.loads(events[events["action"] == "block"]["params"].iloc[0])["duration"]


def test_what_accounts_did_is_asked_kind_by_kind(write_fake_case, tmp_path):
    def answer(params):
        if params.get("meta") == "siteinfo":
            general = {"generator": "MediaWiki 1.43"}
            return say({"query": {"general": general, "extensions": [{"name": "Thanks"}]}})
        kind = params.get("letype")
        if kind not in {"move", "thanks", "newusers"}:
            return say({"query": {"logevents": []}})
        number = ["move", "thanks", "newusers"].index(kind)
        row = {"logid": number + 1, "type": kind, "action": kind, "user": params["leuser"]}
        row |= {"ns": 2, "title": "User:Moth", "timestamp": "2024-05-01T10:00:00Z"}
        return say({"query": {"logevents": [row]}})

    with faulty_wiki() as fake:
        fake.otherwise = answer
        case = load_case(write_fake_case(fake.host))
        source = MediaWikiSource(case, RawAnswers(tmp_path / "raw"))
        events = source.log_events(["Heron"])
    assert events["type"].tolist() == ["move", "thanks", "newusers"]
    assert set(events["actor"]) == {"Heron"}
    assert source.provenance()["requests"] == {
        "accounts created by accounts": 1, "logs about accounts": 1, "moves by accounts": 1,
        "renames": 1, "site": 1, "thanks by accounts": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "per_minute", "page_size"),
    [("", None, None), ("requests_per_minute = 30\npage_size = 100", 30, 100)],
)
def test_a_case_may_set_limits(write_fake_case, tmp_path, given, per_minute, page_size):
    case = load_case(write_fake_case("127.0.0.1:9", given))
    asker = MediaWikiSource(case, RawAnswers(tmp_path / "raw"))._asker
    assert (asker.connection.per_minute, asker.page_size) == (per_minute, page_size)
    away = case.model_copy(update={"wikis": ("wiki.example",)})
    there = MediaWikiSource(away, RawAnswers(tmp_path / "raw"))._asker.connection
    assert there.per_minute == (per_minute or 200)


@pytest.mark.parametrize("bad", ["requests_per_minute = 0", "page_size = 0", "page_size = 9999"])
def test_limits_out_of_bounds_are_refused(write_fake_case, bad):
    with pytest.raises(CaseError, match=bad.split(" ", maxsplit=1)[0]):
        load_case(write_fake_case("127.0.0.1:9", bad))


def test_tags_come_along(open_source):
    edits = open_source().read([history.OPERATED[0]]).edits
    assert sum("mobile edit" in tags for tags in edits["tags"]) == len(PAST.tags)


def test_a_cap_keeps_the_newest_and_says_so(open_source):
    name = history.OPERATED[0]
    whole = open_source(name, raw="whole").read([name]).edits
    capped = open_source(name, more={"accounts": "max_edits = 20"}, page_size=7)
    reading = capped.read([name])
    assert capped.traffic()["requests"]["contributions"] == 3
    newest = whole.sort_values(["timestamp", "rev_id"]).tail(20)
    assert set(reading.edits["rev_id"]) == set(newest["rev_id"])
    covered = reading.coverage[0]
    assert covered.capped
    assert not covered.full
    assert covered.not_listed is None


def test_a_window_is_honoured_and_what_it_leaves_out_is_unknown(open_source):
    name = history.OPERATED[0]
    window = {"window": "[window]\nstart = 2023-03-01\nend = 2023-09-30\n"}
    whole = open_source(name, raw="whole").read([name]).edits
    reading = open_source(name, more=window).read([name])
    days = whole["timestamp"].dt.date.astype(str)
    inside = whole[(days >= "2023-03-01") & (days <= "2023-09-30")]
    assert 0 < len(inside) < len(whole)
    assert set(reading.edits["rev_id"]) == set(inside["rev_id"])
    covered = reading.coverage[0]
    assert covered.outside_window is None
    assert covered.not_listed is None
    assert not covered.full


def test_neighbours_are_people_of_the_same_pages(open_source):
    names = list(history.OPERATED)
    source = open_source(*names)
    edits = source.read(names).edits
    found = source.neighbours(edits)
    mine = set(edits["title"])
    shared = {}
    for title in mine:
        for _, who, _ in PAST.pages[title]:
            shared.setdefault(who, set()).add(title)
    expected = {
        who: len(titles)
        for who, titles in shared.items()
        if who not in {*names, history.RENAMED[0], history.BOT, history.SOCK_BLOCKED, "192.0.2.7"}
    }
    got = dict(zip(found["user"], found["shared_pages"], strict=True))
    hidden = expected.keys() & {history.HIDDEN_FROM}  # some of its edits cannot be seen
    assert {n: k for n, k in got.items() if n not in hidden} == {
        n: k for n, k in expected.items() if n not in hidden
    }
    assert found["shared_pages"].is_monotonic_decreasing
    counts = source.provenance()["counts"]
    assert counts["left out: blocked without end or as a sock"] == 1
    assert counts["pages not asked about"] == 0
    addresses = [t for t in mine if any(who == "192.0.2.7" for _, who, _ in PAST.pages[t])]
    assert counts["unregistered editors of these pages, left out"] == len(addresses) > 0


def test_a_second_run_asks_nothing_and_gives_the_same(open_source):
    first = open_source()
    whole = read_population(first._case, first)
    assert first.traffic()["requests"]["contributions"] > 0
    for options in ({}, {"offline": True}):
        again = open_source(**options)
        repeated = read_population(again._case, again)
        assert again.traffic() == {"requests": {}, "retries": {}, "shared": {}}
        assert repeated.edits.equals(whole.edits)
        assert repeated.accounts.equals(whole.accounts)
        assert repeated.coverage.equals(whole.coverage)
        assert again.provenance() == first.provenance()


def test_only_what_is_missing_is_asked_for(open_source):
    open_source().read(["Amber Wren", "Dune Wren"])
    more = open_source()
    more.read(["Amber Wren", "Dune Wren", "Kelp Wren"])
    assert more.traffic()["requests"] == {"accounts": 1, "contributions": 1}


def test_offline_names_what_is_missing(open_source):
    open_source().read(["Amber Wren"])
    source = open_source(offline=True)
    assert len(source.read(["Amber Wren"]).edits)
    with pytest.raises(FetchError, match=r"Dune Wren.*never fetched.*--offline"):
        source.read(["Amber Wren", "Dune Wren"])


def test_provenance_says_what_was_read_where_and_when(open_source, wiki):
    source = open_source()
    source.read(["Amber Wren"])
    told = source.provenance()
    assert told["wiki"] == wiki.host
    assert told["generator"].startswith("MediaWiki 1.")
    assert told["requests"] == {"accounts": 1, "contributions": 1, "renames": 1, "site": 1}
    assert pd.Timestamp(told["read_on"]).tzinfo is not None
    json.dumps(told, allow_nan=False)


def test_everyone_is_who_has_edits_enough(open_source):
    names = open_source().everyone()
    assert history.BOT not in names
    assert history.NO_EDITS not in names
    assert set(history.OPERATED) <= set(names)
    assert len(names) >= 60


def test_a_misspelt_wiki_is_one_clear_error(wiki_case, tmp_path):
    path = wiki_case("Amber Wren")
    path.write_text(path.read_text().replace('api_path = "/"', 'api_path = "/wiki/"'))
    source = MediaWikiSource(load_case(path), RawAnswers(tmp_path / "raw"))
    with pytest.raises(FetchError, match="api_path"):
        source.resolve(["Amber Wren"])
    assert RawAnswers(tmp_path / "raw").entries() == []
