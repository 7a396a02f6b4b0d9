"""Several wikis in one case: who is one account, and who only has the same name."""

from __future__ import annotations

import contextlib
import gzip
import json
import re

import pandas as pd
import pytest
from faulty import faulty_wiki, say

from sockgraph.case import load_case
from sockgraph.errors import CaseError, SourceError
from sockgraph.names import hidden_pseudonym
from sockgraph.pipeline.run import open_source, refresh_hidden, run_case
from sockgraph.reference import read_population
from sockgraph.sources import MultiWikiSource
from sockgraph.store import Store

CASE = """
title = "Two wikis"
reason = "The same link was added on both"
wikis = [{wikis}]
[source]
kind = "mediawiki"
scheme = "http"
api_path = "/"
contact = "ada@example.org"
[accounts]
nominated = [{nominated}]
min_edits = 1
[reference]
accounts = {reference}
"""


class Fake:
    """A wiki of a family: accounts with edits, and what CentralAuth says of them."""

    def __init__(self, server, wiki_id, people, family=None):
        self.server, self.wiki_id, self.people, self.family = server, wiki_id, people, family
        server.otherwise = self.answer

    def answer(self, params):
        if params.get("meta") == "siteinfo":
            extensions = [{"name": "CentralAuth"}] if self.family is not None else []
            general = {"generator": "MediaWiki 1.43", "wikiid": self.wiki_id}
            return say({"query": {"general": general, "extensions": extensions}})
        if params.get("meta") == "globaluserinfo":
            name = params["guiuser"]
            missing = {"name": name, "missing": True}
            return say({"query": {"globaluserinfo": (self.family or {}).get(name, missing)}})
        kind = params.get("list") or params.get("prop")
        return getattr(self, kind)(params)

    def users(self, params):
        known = {n: {"name": n, "userid": 1 + i} for i, n in enumerate(self.people)}
        names = params["ususers"].split("|")
        rows = [known.get(n, {"name": n, "missing": True}) for n in names]
        counted = [r | {"editcount": len(self.people.get(r["name"], ()))} for r in rows]
        return say({"query": {"users": counted}})

    def usercontribs(self, params):
        names = params["ucuser"].split("|")
        rows = [r | {"user": n} for n in names for r in self.people.get(n, ())]
        return say({"query": {"usercontribs": rows}})

    def logevents(self, params):
        row = {"logid": 7, "type": "block", "action": "block", "user": "Clerk", "ns": 2}
        row |= {"title": params.get("letitle", ""), "timestamp": "2024-05-09T10:00:00Z"}
        return say({"query": {"logevents": [row] if params.get("letitle") == "User:Heron" else []}})

    def revisions(self, params):
        rows = [{"revid": int(n), "sha1": f"of {n}"} for n in params["revids"].split("|")]
        return say({"query": {"pages": [{"pageid": 1, "title": "P", "revisions": rows}]}})

    def contributors(self, params):
        names = [{"userid": i, "name": n} for i, n in enumerate(self.people)]
        pages = [{"pageid": int(n), "contributors": names} for n in params["pageids"].split("|")]
        return say({"query": {"pages": pages}})


def edits(first, n=3):
    rows = [(first + i, f"2024-05-0{1 + i}T10:00:00Z") for i in range(n)]
    return [
        {"revid": rev, "pageid": 1, "ns": 0, "title": "P", "timestamp": at, "comment": "c"}
        | {"minor": False, "sizediff": 1, "parentid": 0, "tags": []}
        for rev, at in rows
    ]


def family(**accounts):
    """CentralAuth's accounts: name -> (id, the wikis it is attached on)."""
    return {
        name: {"name": name, "id": number, "merged": [{"wiki": w, "editcount": 3} for w in wikis]}
        for name, (number, wikis) in accounts.items()
    }


@pytest.fixture
def two(tmp_path):
    """Return a function that serves two wikis and writes a case on them."""
    with contextlib.ExitStack() as stack:
        one, other = (stack.enter_context(faulty_wiki()) for _ in range(2))

        def serve(first, second, *, nominated, reference=0, families=(None, None), refresh=False):
            Fake(one, "onewiki", first, families[0])
            Fake(other, "otherwiki", second, families[1])
            wikis = (one.host, other.host)
            text = CASE.format(
                wikis=", ".join(f'"{host}"' for host in wikis),
                nominated=", ".join(f'"{n.format(*wikis)}"' for n in nominated),
                reference=reference,
            )
            path = tmp_path / "two.toml"
            path.write_text(text)
            case = load_case(path)
            store = Store(tmp_path / "data").case(case.slug)
            return case, open_source(case, store, refresh=refresh), wikis

        yield serve


def test_without_central_auth_equal_spelling_is_two_accounts(two):
    case, source, (a, b) = two(
        {"Heron": edits(1)}, {"Heron": edits(1), "Moth": edits(11)}, nominated=["Heron", "Moth"]
    )
    people = read_population(case, source)
    assert people.case.accounts.nominated == (f"Heron@{a}", f"Heron@{b}", f"Moth@{b}")
    assert set(people.accounts["user"]) == {f"Heron@{a}", f"Heron@{b}", f"Moth@{b}"}
    keys = people.edits[["wiki", "user"]].drop_duplicates().itertuples(index=False, name=None)
    assert set(keys) == {(a, f"Heron@{a}"), (b, f"Heron@{b}"), (b, f"Moth@{b}")}
    assert len(people.edits) == 9  # rev ids 1 to 3 stand on both wikis
    assert people.edits["sha1"].notna().groupby(people.edits["wiki"]).any().to_dict() == {
        a: False, b: True,
    }  # fmt: skip
    assert set(people.log_events["target"]) == {f"Heron@{a}", f"Heron@{b}"}
    assert set(people.log_events["actor"]) == {f"Clerk@{a}", f"Clerk@{b}"}


def test_an_attached_account_goes_by_its_global_name(two):
    told = family(Heron=(5, ["onewiki", "otherwiki"]))
    case, source, (a, b) = two(
        {"Heron": edits(1)}, {"Heron": edits(1, 2)},
        nominated=["Heron"], families=(told, told),
    )  # fmt: skip
    people = read_population(case, source)
    assert people.case.accounts.nominated == ("Heron",)
    assert people.accounts[["wiki", "user"]].to_numpy().tolist() == sorted(
        [[a, "Heron"], [b, "Heron"]]
    )
    assert len(people.edits) == 5
    covered = people.coverage.iloc[0]
    assert (covered.edits_read, covered.edit_count, covered.not_listed) == (5, 5, 0)
    assert a in covered.note
    assert b in covered.note


def test_an_account_that_is_not_attached_there_is_another(two):
    told = family(Heron=(5, ["onewiki"]))
    case, source, (_, b) = two(
        {"Heron": edits(1)}, {"Heron": edits(1)}, nominated=["Heron"], families=(told, told)
    )
    assert read_population(case, source).case.accounts.nominated == ("Heron", f"Heron@{b}")


def test_two_families_of_wikis_attach_nobody_to_each_other(two):
    case, source, (a, b) = two(
        {"Heron": edits(1)}, {"Heron": edits(1)}, nominated=["Heron"],
        families=(family(Heron=(5, ["onewiki"])), family(Heron=(9, ["otherwiki"]))),
    )  # fmt: skip
    assert read_population(case, source).case.accounts.nominated == (f"Heron@{a}", f"Heron@{b}")


def test_a_name_may_be_on_a_certain_wiki(two):
    case, source, (_, b) = two({"Heron": edits(1)}, {"Heron": edits(1)}, nominated=["Heron@{1}"])
    assert read_population(case, source).case.accounts.nominated == (f"Heron@{b}",)


def test_names_that_no_wiki_has_are_told(two):
    case, source, (a, _) = two(
        {"Heron": edits(1)}, {"Moth": edits(1)}, nominated=["Heron", "Wren", "Moth@{0}"]
    )
    with pytest.raises(SourceError, match="Wren") as caught:
        read_population(case, source)
    assert f"Moth@{a}" in str(caught.value)
    assert "'Heron'" not in str(caught.value)


def compared(people):
    return set(people.accounts.loc[people.accounts["role"] == "nominated", "user"])


def stored(tmp_path):
    """Return everything that is kept of the wikis' answers, as one text."""
    files = [path.read_bytes() for path in (tmp_path / "data" / "raw").rglob("*") if path.is_file()]
    return b"".join(gzip.decompress(f) if f[:2] == b"\x1f\x8b" else f for f in files).decode()


def test_who_is_hidden_on_every_wiki_is_forgotten_on_every_wiki(two, tmp_path):
    names = ["Heron", "Moth", "Gone Plover"]
    first, second = {"Heron": edits(1), "Gone Plover": edits(11)}, {"Moth": edits(1)}
    case, source, _ = two(first, second, nominated=names)
    assert len(compared(read_population(case, source))) == 3
    assert stored(tmp_path).count("Gone Plover") > 3
    first.pop("Gone Plover")
    for refresh in (True, False):
        case, source, (a, b) = two(first, second, nominated=names, refresh=refresh)
        assert compared(read_population(case, source)) == {f"Heron@{a}", f"Moth@{b}"}
        assert "Gone Plover" not in stored(tmp_path)
        assert source.provenance()["hidden"] == [hidden_pseudonym(case.slug, "Gone Plover")]


def test_who_is_hidden_is_covered_with_and_without_the_wiki_that_the_case_names(two):
    names = ["Heron", "Moth", "Gone Plover@{0}"]
    first, second = {"Heron": edits(1), "Gone Plover": edits(11)}, {"Moth": edits(1)}
    case, source, _ = two(first, second, nominated=names)
    read_population(case, source)
    first.pop("Gone Plover")
    case, source, (a, _) = two(first, second, nominated=names, refresh=True)
    read_population(case, source)
    spellings = ("Gone Plover", f"Gone Plover@{a}")
    covers = sorted(hidden_pseudonym(case.slug, name) for name in spellings)
    assert source.provenance()["hidden"] == covers


def test_who_is_hidden_on_one_wiki_is_read_on_the_other(two):
    first = {"Heron": edits(1), "Wren": edits(11)}
    second = {"Wren": edits(21)}
    case, source, _ = two(first, second, nominated=["Heron", "Wren"])
    assert len(compared(read_population(case, source))) == 3
    first.pop("Wren")
    case, source, (a, b) = two(first, second, nominated=["Heron", "Wren"], refresh=True)
    people = read_population(case, source)
    assert compared(people) == {f"Heron@{a}", f"Wren@{b}"}
    assert set(people.edits.loc[people.edits["user"] == f"Wren@{b}", "rev_id"]) == {21, 22, 23}


def test_one_account_named_twice_is_refused(two):
    told = family(Heron=(5, ["onewiki", "otherwiki"]))
    case, source, _ = two(
        {"Heron": edits(1)}, {"Heron": edits(1)},
        nominated=["Heron", "Heron@{1}"], families=(told, told),
    )  # fmt: skip
    with pytest.raises(CaseError, match="one account"):
        read_population(case, source)


def test_a_namesake_in_the_reference_is_taken_once_and_none_of_the_nominated(two):
    first = {"Heron": edits(1), "Wren": edits(11), "Finch": edits(21)}
    second = {"Moth": edits(1), "Wren": edits(11), "Heron": edits(31)}
    case, source, (a, b) = two(first, second, nominated=["Heron@{0}", "Moth"], reference=5)
    people = read_population(case, source)
    reference = people.accounts[people.accounts["role"] == "reference"]
    assert len(reference) == 2  # Wren, once, and Finch
    assert reference["user"].is_unique
    counts = source.provenance()["counts"]
    assert counts["reference: same spelling elsewhere, left out"] == 1
    assert counts["reference: nominated elsewhere, left out"] == 1
    assert set(people.edits["wiki"]) == {a, b}


def test_only_the_wikis_of_the_case_are_asked_and_requests_add_up(two):
    case, source, wikis = two({"Heron": edits(1)}, {"Moth": edits(1)}, nominated=["Heron", "Moth"])
    read_population(case, source)
    told = source.provenance()
    assert set(told["wikis"]) == set(wikis)
    each = [one["requests"] for one in told["wikis"].values()]
    assert told["requests"]["contributions"] == sum(one["contributions"] for one in each)
    assert sum(source.traffic()["requests"].values()) == sum(told["requests"].values())
    json.dumps(told, allow_nan=False)


def test_a_dump_is_of_one_wiki(tmp_path):
    path = tmp_path / "two.toml"
    text = CASE.format(wikis='"a.example", "b.example"', nominated='"Heron"', reference=0)
    path.write_text(text.replace('kind = "mediawiki"', 'kind = "table"\npath = "e.parquet"'))
    with pytest.raises(CaseError, match="2 wikis are listed"):
        load_case(path)


def test_credentials_go_to_the_wikis_that_are_named(two, monkeypatch):
    monkeypatch.setenv("SOCKGRAPH_OAUTH_TOKEN", "tOkEn")
    with pytest.raises(SourceError, match="SOCKGRAPH_CREDENTIALS_FOR") as caught:
        two({"Heron": edits(1)}, {}, nominated=["Heron"])
    assert "tOkEn" not in str(caught.value)
    monkeypatch.setenv("SOCKGRAPH_CREDENTIALS_FOR", "elsewhere.example")
    case, source, _ = two({"Heron": edits(1)}, {}, nominated=["Heron"])
    assert isinstance(source, MultiWikiSource)
    read_population(case, source)
    for wiki in source._wikis.values():
        assert "Authorization" not in wiki._asker.connection._session.headers


@pytest.mark.wiki
def test_a_case_on_two_real_wikis_runs_to_its_report(wiki, tmp_path):
    from wiki import server

    with server.running() as second:
        path = tmp_path / "both.toml"
        more = "[reference]\naccounts = 20\n"
        nominated = ["Willow Kerb", f"Amber Wren@{wiki.host}", f"Dune Wren@{second.host}"]
        text = wiki.case_text(*nominated, reference=more)
        path.write_text(text.replace(f'["{wiki.host}"]', f'["{wiki.host}", "{second.host}"]'))
        result = run_case(path, data=tmp_path / "data")
        hidden, _ = refresh_hidden(path, data=tmp_path / "data")
        assert hidden.checked > 0
    again = run_case(path, data=tmp_path / "data", offline=True)
    assert again.links.equals(result.links)
    users = {*result.links["user_a"], *result.links["user_b"]}
    assert users == {
        f"Willow Kerb@{wiki.host}", f"Willow Kerb@{second.host}", *nominated[1:],
    }  # fmt: skip
    assert set(result.edits["wiki"]) == {wiki.host, second.host}
    named = pd.Series([rev for revs in result.evidence["rev_ids"] for rev in revs])
    known = set(result.edits["wiki"] + ":" + result.edits["rev_id"].astype(str))
    assert set(named) <= known
    page = result.report.read_text()
    linked = re.findall(r'href="http://([^/"]+)/index\.php\?diff=(\d+)"', page)
    assert linked
    assert {f"{host}:{rev_id}" for host, rev_id in linked} <= known  # each at its own wiki
    assert wiki.host in page
    assert second.host in page
