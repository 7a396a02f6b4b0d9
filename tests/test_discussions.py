"""Pages under [discussions]: every revision and its text, from a wiki, a table and a dump."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from faulty import faulty_wiki, say

from sockgraph.case import load_case
from sockgraph.errors import CaseError, SourceError
from sockgraph.pipeline.results import read_case
from sockgraph.pipeline.run import run_case
from sockgraph.sources import DumpSource, MediaWikiSource, TableSource
from sockgraph.store.raw_answers import RawAnswers

PAGE = "Wikipedia:Votes/River"
LISTED = f'[discussions]\nreason = "Who voted with whom"\npages = ["{PAGE}"]\n'
CASE = """
title = "Votes on a river"
reason = "The same three voted each time"
wikis = ["{host}"]
[source]
{source}
[accounts]
nominated = ["Heron"]
min_edits = 1
[reference]
accounts = 0
"""
WIKI = 'kind = "mediawiki"\nscheme = "http"\napi_path = "/"\ncontact = "ada@example.org"'


@pytest.fixture
def write_case(tmp_path):
    def write(source, host="fernwick.example", more=LISTED):
        path = tmp_path / "votes.toml"
        path.write_text(CASE.format(host=host, source=source) + more)
        return path

    return write


def _revision(rev_id, user, text, **more):
    at = f"2024-05-0{rev_id}T10:00:00Z"
    slot = {"contentmodel": "wikitext", "content": text}
    row = {"revid": rev_id, "parentid": rev_id - 1, "user": user, "timestamp": at}
    return {**row, "comment": "vote", "minor": False, "sha1": "ab", "slots": {"main": slot}} | more


REVISIONS = [
    _revision(1, "Heron", "# yes"),
    _revision(2, "192.0.2.7", "# yes\n# no", anon=True),
    _revision(3, "Moth", "", slots={"main": {"texthidden": True}}, texthidden=True),
    {k: v for k, v in _revision(4, "", "# no", userhidden=True).items() if k != "user"},
    _revision(5, "Moth", ""),
]


def _wiki_answer(params):
    if params.get("meta") == "siteinfo":
        return say({"query": {"general": {"generator": "MediaWiki 1.43.0"}}})
    if params.get("prop") != "revisions":
        return say({"query": {"pages": []}})
    if params["titles"] == "Nowhere":
        page = {"title": "Nowhere", "ns": 0, "missing": True}
        return say({"query": {"pages": [page]}})
    at = int(params.get("rvcontinue", 0))
    page = {"title": PAGE, "ns": 4, "pageid": 9, "revisions": REVISIONS[at : at + 2]}
    more = {"continue": {"rvcontinue": str(at + 2)}} if at + 2 < len(REVISIONS) else {}
    return say({"query": {"pages": [page]}, **more})


def test_every_revision_and_its_text_from_a_wiki(write_case, tmp_path):
    with faulty_wiki() as wiki:
        wiki.otherwise = _wiki_answer
        case = load_case(write_case(WIKI, wiki.host))
        source = MediaWikiSource(case, RawAnswers(tmp_path / "raw"))
        said = source.discussions([PAGE, "Nowhere"])
        assert source.traffic()["requests"] == {"discussions": 4, "site": 1}
        assert said.edits["rev_id"].tolist() == [1, 2, 3, 4, 5]
        assert said.edits["user"].fillna("-").tolist() == ["Heron", "-", "Moth", "-", "Moth"]
        assert said.edits["hidden"].tolist() == [[], [], ["text"], ["user"], []]
        texts = said.texts["text"]
        assert texts[[0, 1, 3, 4]].tolist() == ["# yes", "# yes\n# no", "# no", ""]
        assert pd.isna(texts[2])
        assert said.pages[PAGE] == {
            "revisions": 5, "texts": 4, "hidden texts": 1, "hidden authors": 1,
            "unregistered": 1, "read in part": 0,
        }  # fmt: skip
        assert said.missing == ("Nowhere",)
        again = MediaWikiSource(case, RawAnswers(tmp_path / "raw"), offline=True)
        assert again.discussions([PAGE]).texts.equals(said.texts)
    raw = RawAnswers(tmp_path / "raw")
    assert not any(b"192.0.2.7" in raw.body(entry) for entry in raw.entries())


def test_what_is_hidden_later_is_blanked_here_and_its_revision_stays(write_case, tmp_path):
    with faulty_wiki() as wiki:
        wiki.otherwise = _wiki_answer
        case = load_case(write_case(WIKI, wiki.host))
        source = MediaWikiSource(case, RawAnswers(tmp_path / "raw"))
        source.discussions([PAGE])

        def now(_):
            shown = [{k: r[k] for k in ("revid", "user") if k in r} for r in REVISIONS]
            shown[0] |= {"sha1hidden": True, "texthidden": True, "userhidden": True}
            return say({"query": {"pages": [{"title": PAGE, "revisions": shown}]}})

        wiki.otherwise = now
        assert source.remove_hidden().gone == 1
    said = MediaWikiSource(case, RawAnswers(tmp_path / "raw"), offline=True).discussions([PAGE])
    assert said.edits["rev_id"].tolist() == [1, 2, 3, 4, 5]
    assert pd.isna(said.edits["user"][0])
    assert pd.isna(said.texts["text"][0])
    raw = RawAnswers(tmp_path / "raw")
    assert not any(b'"Heron"' in raw.body(entry) for entry in raw.entries())


def _table(tmp_path):
    edits = pd.DataFrame(REVISIONS).rename(columns={"revid": "rev_id", "parentid": "parent_id"})
    edits = edits[["rev_id", "parent_id", "timestamp", "user", "comment"]].assign(title=PAGE)
    other = edits.iloc[[0]].assign(rev_id=9, title="River")
    pd.concat([edits, other]).to_parquet(tmp_path / "edits.parquet")
    texts = pd.DataFrame({"rev_id": [1, 5, 77], "text": ["# yes", None, "elsewhere"]})
    texts.to_parquet(tmp_path / "texts.parquet")


def test_a_table_brings_its_texts_in_a_second_file(write_case, tmp_path):
    _table(tmp_path)
    path = write_case('kind = "table"\npath = "edits.parquet"\ntexts = "texts.parquet"')
    said = TableSource(load_case(path)).discussions([PAGE.replace(" ", "_"), "Nowhere"])
    assert said.edits["rev_id"].tolist() == [1, 3, 5]
    assert said.texts["rev_id"].tolist() == [1, 3, 5]
    assert said.pages[PAGE]["hidden texts"] == 2
    assert said.missing == ("Nowhere",)


def test_a_table_s_discussions_keep_no_name_of_a_temporary_account(write_case, tmp_path):
    _table(tmp_path)
    edits = pd.read_parquet(tmp_path / "edits.parquet")
    edits["user"] = edits["user"].mask(edits["rev_id"] == 5, "~2026-3")
    edits.to_parquet(tmp_path / "edits.parquet")
    path = write_case('kind = "table"\npath = "edits.parquet"\ntexts = "texts.parquet"')
    said = TableSource(load_case(path)).discussions([PAGE])
    assert said.edits["rev_id"].tolist() == [1, 3, 5]
    assert set(said.edits["user"].dropna()) == {"Heron", "Moth"}
    assert said.pages[PAGE]["unregistered"] == 1


def test_without_texts_a_table_is_refused(write_case, tmp_path):
    _table(tmp_path)
    with pytest.raises(SourceError, match=r"source\.texts is missing"):
        TableSource(load_case(write_case('kind = "table"\npath = "edits.parquet"'))).discussions([])


def test_the_tables_are_written_only_where_the_case_asks(write_case, tmp_path):
    _table(tmp_path)
    source = 'kind = "table"\npath = "edits.parquet"\ntexts = "texts.parquet"'
    path = write_case(source)
    result = run_case(path, data=tmp_path / "data")
    assert read_case(path, data=tmp_path / "data").texts.equals(result.texts)
    told = result.manifest["population"]["discussions"]
    assert told["reason"] == "Who voted with whom"
    assert told["pages"][PAGE]["revisions"] == 3
    assert "texts.parquet" in json.loads((result.folder / "manifest.json").read_text())["files"]
    plain = path.read_text().replace(LISTED, "")
    path.write_text(plain)
    after = run_case(path, data=tmp_path / "data")
    assert "texts" not in after.tables
    assert not (after.folder / "texts.parquet").exists()
    assert not (after.folder / "discussion_edits.parquet").exists()


@pytest.mark.parametrize("missing", ["reason", "pages"])
def test_no_discussions_without_a_reason(write_case, missing):
    kept = [line for line in LISTED.splitlines() if not line.startswith(missing)]
    with pytest.raises(CaseError, match=f"discussions.{missing} is missing"):
        load_case(write_case(WIKI, more="\n".join(kept)))


DUMP = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="en">
<siteinfo><sitename>T</sitename><dbname>t</dbname></siteinfo>
<page><title>Wikipedia:Votes/River</title><ns>4</ns><id>9</id>{revisions}</page>
<page><title>River</title><ns>0</ns><id>1</id>{other}</page></mediawiki>"""
ROW = """<revision><id>{id}</id><timestamp>2024-05-0{id}T10:00:00Z</timestamp>{who}
<model>wikitext</model><format>text/x-wiki</format>{text}<sha1>abc</sha1></revision>"""
HERON = "<contributor><username>Heron</username><id>4</id></contributor>"
TEXT = '<text bytes="{n}" sha1="abc" xml:space="preserve">{text}</text>'


def _dump(path, *, stub=False):
    full = [
        (1, HERON, TEXT.format(n=3, text="yes")),
        (2, "<contributor><ip>192.0.2.7</ip></contributor>", TEXT.format(n=2, text="no")),
        (3, '<contributor deleted="deleted" />', TEXT.format(n=0, text="")),
        (4, HERON, '<text bytes="5" deleted="deleted" />'),
    ]
    if stub:
        full = [(n, who, '<text bytes="3" sha1="abc" id="7" />') for n, who, _ in full]
    rows = [ROW.format(id=n, who=who, text=text) for n, who, text in full]
    other = ROW.format(id=5, who=HERON, text=TEXT.format(n=1, text="x"))
    path.write_text(DUMP.format(revisions="".join(rows), other=other))


def test_a_dump_with_texts_gives_them(write_case, tmp_path):
    _dump(tmp_path / "dump.xml")
    case = load_case(write_case('kind = "xml"\npath = "dump.xml"'))
    said = DumpSource(case, tmp_path / "raw").discussions([PAGE])
    assert said.edits["rev_id"].tolist() == [1, 2, 3, 4]
    assert said.edits["user"].fillna("-").tolist() == ["Heron", "-", "-", "Heron"]
    assert said.texts["text"].fillna("-").tolist() == ["yes", "no", "", "-"]
    assert said.pages[PAGE]["hidden authors"] == 1
    assert said.pages[PAGE]["unregistered"] == 1
    assert said.pages[PAGE]["hidden texts"] == 1


def test_a_stub_dump_is_refused(write_case, tmp_path):
    _dump(tmp_path / "dump.xml", stub=True)
    case = load_case(write_case('kind = "xml"\npath = "dump.xml"'))
    with pytest.raises(SourceError, match="holds no texts"):
        DumpSource(case, tmp_path / "raw").discussions([PAGE])
