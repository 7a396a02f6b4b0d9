"""Dumps of the kinds that people bring: read right, or refused in words."""

import json
import re

import pytest
from files_fixture import EACH, PAGES, PEOPLE, counts, rows
from typer.testing import CliRunner

from sockgraph.cli import app
from sockgraph.errors import SourceError, TableError
from sockgraph.sources.history_dump import columns

SITE = (
    '<mediawiki version="0.10"><siteinfo><dbname>{db}</dbname><namespaces><namespace key="0"/>'
    '<namespace key="1">Talk</namespace></namespaces></siteinfo>\n'
)


def xml(frame=None, *, after="", between="", db="f", ns="<ns>{}</ns>"):
    frame = rows() if frame is None else frame
    pages = []
    for page, theirs in frame.groupby("page_id"):
        first = theirs.iloc[0]
        revisions = "".join(
            f"<revision><id>{r.rev_id}</id><timestamp>{r.timestamp}</timestamp><contributor>"
            f"<username>{r.user}</username><id>{r.user_id}</id></contributor>"
            f'<comment>{r.comment}</comment><text bytes="9">x</text></revision>\n'
            for r in theirs.itertuples()
        )
        pages.append(
            f"<page><title>{first['title']}</title>{ns.format(first['ns'])}<id>{page}</id>"
            f"{revisions}{after}</page>\n"
        )
    return SITE.format(db=db) + between.join(pages) + "</mediawiki>\n"


@pytest.mark.parametrize(
    "content",
    [
        xml(after="<upload><timestamp>2024-01-01T00:00:00Z</timestamp><contributor><username>A"
            "</username><id>9</id></contributor><filename>a.png</filename></upload>"),
        xml(after="<DiscussionThreading><ThreadPage>x</ThreadPage></DiscussionThreading>"),
        xml(between="<br />\n<b>Notice</b>: Undefined index & more\n"),
        xml(rows()[:18]) + xml(rows()[18:]),
        xml(rows().assign(comment="a\x08b &#x0B; &nbsp;")),
    ],
    ids=["upload", "threads", "notice", "two dumps", "characters"],
)  # fmt: skip
def test_what_nobody_expected_in_a_dump_does_no_harm(dump, content):
    source = dump(content)
    assert counts(source) == EACH
    assert source.provenance()["broken"] == {}
    assert source.read(["Fern Alder"]).coverage[0].full


def test_a_broken_revision_costs_itself_alone(dump):
    whole = xml()
    one = whole.replace("<id>110</id>", "<id>x</id>", 1)
    source = dump(one)
    assert len(source._raw) == 35
    assert not source.read(["Fern Alder"]).coverage[0].full
    two = one.replace("<timestamp>2024", "<timestamp>", 1)
    with pytest.raises(SourceError, match=r"2 of 36 rows of the dump.*--accept-broken"):
        dump(two)
    assert len(dump(two, more="accept_broken = true")._raw) == 34


@pytest.mark.parametrize("at", [0.3, 0.6, 0.95])
def test_a_dump_that_is_cut_is_not_used_as_whole(dump, at):
    text = xml()
    with pytest.raises(SourceError, match=r"breaks off.*--accept-broken"):
        dump(text[: int(len(text) * at)])
    cut = text[: int(len(text) * at)]
    source = dump(cut, more="accept_broken = true")
    assert 0 < len(source._raw) == cut.count("</revision>")


def test_a_dump_that_is_cut_before_another_begins_is_seen(dump):
    with pytest.raises(SourceError, match="another dump begins before this one ends"):
        dump(xml()[: len(xml()) // 2] + xml(db="f"))


def test_a_dump_of_pages_as_they_stand_is_no_history(dump):
    text = re.sub("(<id>(1..)</id>)", r"\1<parentid>9\2</parentid>", xml())
    with pytest.raises(SourceError, match=r"Of 36 of 36 revisions.*no histories.*--accept-broken"):
        dump(text)
    source = dump(text, more="accept_broken = true")
    assert not source.read(["Fern Alder"]).coverage[0].full


def test_an_author_without_a_name_is_unknown(dump):
    source = dump(xml(rows(*PEOPLE[:2], "")))
    assert counts(source) == dict.fromkeys(PEOPLE[:2], 12)
    assert source.provenance()["counts"]["edits whose author is unknown"] == 12


def test_old_dumps_name_the_namespace_in_the_title(dump):
    edits = dump(xml(ns=""))._raw
    assert set(zip(edits["ns"], edits["title"], strict=True)) == {
        (ns, f"Talk:{title}" if ns else title) for ns, title in PAGES
    }


def test_dumps_of_two_wikis_are_two_wikis(dump):
    both = xml(rows()[:18], db="dewiki") + xml(rows()[18:], db="enwiki")
    source = dump(both, wiki="de.wikipedia.org")
    assert len(source._raw) == 18
    assert source.dropped["rows of other wikis"] == 18
    with pytest.raises(TableError, match="several wikis: dewiki, enwiki"):
        dump(both)


def history(**cells):
    layout = columns(76)
    lines = []
    for row in rows(each=24).itertuples():
        given = {
            "wiki_db": "fwiki", "event_entity": "revision", "event_type": "create",
            "event_timestamp": row.timestamp.replace("T", " ").replace("Z", ".0"),
            "event_comment": row.comment, "event_user_id": str(row.user_id),
            "event_user_text": row.user, "event_user_is_anonymous": "false",
            "event_user_is_temporary": "false", "event_user_revision_count": "24",
            "page_id": str(row.page_id), "page_namespace": str(row.ns),
            "page_title": row.title.removeprefix("Talk:").replace(" ", "_"),
            "revision_id": str(row.rev_id), "revision_parent_id": "0",
            "revision_minor_edit": "false", "revision_text_bytes_diff": "5",
            "revision_is_deleted_by_page_deletion": "false",
        }  # fmt: skip
        given |= cells if row.rev_id == 130 else {}
        lines.append("\t".join(given.get(name, "") for name in layout) + "\n")
    return "".join(lines)


@pytest.mark.parametrize(
    "cells",
    [{"revision_text_bytes_diff": "99999999999"}, {"event_timestamp": "2024-13-01 00:00:00.0"},
     {"revision_id": "x"}, {"page_namespace": "1e9"}, {"event_user_id": "9" * 25}],
)  # fmt: skip
def test_a_cell_that_cannot_be_read_costs_its_row_alone(dump, cells):
    source = dump(history(**cells), "d.tsv", "history")
    assert len(source._raw) == 71
    assert source.provenance()["notices"] == [
        "1 of 72 rows of the dump cannot be read, and are skipped."
    ]
    assert not source.read(["Fern Alder"]).coverage[0].full


def test_titles_of_a_history_dump_name_their_namespace(dump):
    edits = dump(history(), "d.tsv", "history")._raw
    pages = edits[["ns", "title", "page_id"]].drop_duplicates()
    assert len(pages) == edits["title"].nunique() == 4
    assert "Talk:Mill pond" in set(edits["title"])


def test_what_is_missing_is_said_at_the_terminal_and_on_the_page(case, tmp_path):
    text = xml()
    (tmp_path / "d.xml").write_text(text[: len(text) * 2 // 3])
    path = case("d.xml", "xml")
    command = ["run", str(path), "--data", str(tmp_path / "data")]
    refused = CliRunner().invoke(app, command)
    assert "--accept-broken" in str(refused.exception or refused.output)
    done = CliRunner().invoke(app, [*command, "--accept-broken"])
    assert done.exit_code == 0, done.output
    assert "breaks off" in " ".join(done.output.split())
    folder = tmp_path / "data" / "processed" / "case"
    assert "breaks off" in (folder / "report.html").read_text()
    told = json.loads((folder / "manifest.json").read_text())
    assert not any(row["full"] for row in told["coverage"])
