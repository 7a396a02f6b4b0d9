"""Dumps: read as a stream, whole rows only, what is missing told."""

from __future__ import annotations

import bz2
import gzip
import os
import subprocess
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from wiki import history as past

from sockgraph.case import load_case
from sockgraph.errors import SourceError
from sockgraph.names import KINDS, TEMPORARY
from sockgraph.sources import DumpSource
from sockgraph.sources.dump import DumpAccounts
from sockgraph.sources.history_dump import columns
from sockgraph.sources.xml_dump import read_xml
from sockgraph.store.files import seven_zip

STUB = Path(os.environ.get("SOCKGRAPH_DATA", "../shared/data")) / "stub_dump"


def row(number, layout, **values):
    given = {
        "wiki_db": "testwiki",
        "event_entity": "revision",
        "event_type": "create",
        "event_timestamp": f"2023-05-01 10:{number // 60 % 60:02}:{number % 60:02}.0",
        "event_comment": f"summary {number}",
        "event_user_id": "7",
        "event_user_text": "Example A",
        "event_user_is_anonymous": "false",
        "event_user_is_temporary": "false",
        "event_user_registration_timestamp": "2020-01-01 00:00:00.0",
        "event_user_revision_count": str(number),
        "page_id": "3",
        "page_title": "A_page",
        "page_namespace": "0",
        "revision_id": str(number),
        "revision_parent_id": "0",
        "revision_minor_edit": "true",
        "revision_deleted_parts_are_suppressed": "false",
        "revision_text_bytes_diff": "-5",
        "revision_is_deleted_by_page_deletion": "false",
        **values,
    }
    return "\t".join(given.get(name, "") for name in layout) + "\n"


@pytest.fixture
def open_dump(tmp_path):
    def open_one(kind="history", path="dump.tsv", folder="raw", names=("Example A",), accept=False):
        case = tmp_path / "dumped.toml"
        listed = ", ".join(f'"{name}"' for name in names)
        case.write_text(
            f'title = "t"\nreason = "r"\nwikis = ["test.wiki"]\n[source]\nkind = "{kind}"\n'
            f'path = "{path}"\naccept_broken = {str(accept).lower()}\n'
            f"[accounts]\nnominated = [{listed}]\n"
        )
        return DumpSource(load_case(case), tmp_path / folder)

    return open_one


@pytest.mark.parametrize("number", [70, 76, 78])
def test_every_layout_is_known_by_its_number_of_columns(number):
    layout = columns(number)
    assert len(layout) == len(set(layout)) == number
    assert layout[0] == "wiki_db"
    assert layout[-1] == "revision_tags"
    assert layout.index("event_comment") == (5 if number == 78 else 4)
    assert ("event_user_is_temporary" in layout) == (number > 70)


@pytest.mark.parametrize("number", [70, 76, 78])
def test_a_history_row_becomes_an_edit(open_dump, tmp_path, number):
    layout = columns(number)
    told = row(
        5, layout, event_comment="a\\tb", revision_tags="mobile edit,visualeditor",
        revision_text_sha1="abc",
    )  # fmt: skip
    (tmp_path / "dump.tsv").write_text(told)
    source = open_dump()
    edits = source.read(["Example A"]).edits
    edit = edits.iloc[0]
    assert edit["timestamp"] == pd.Timestamp("2023-05-01 10:00:05", tz="UTC")
    assert (edit["comment"], edit["title"], edit["sha1"]) == ("a\tb", "A page", "abc")
    assert (edit["rev_id"], edit["user_id"], edit["page_id"], edit["ns"]) == (5, 7, 3, 0)
    assert (edit["size_diff"], edit["minor"]) == (-5, True)
    assert list(edit["tags"]) == ["mobile edit", "visualeditor"]
    facts = source.account_facts(["Example A"]).iloc[0]
    assert facts["edit_count"] == 5
    assert facts["registered"] == pd.Timestamp("2020-01-01", tz="UTC")


def test_what_is_left_out_is_counted(open_dump, tmp_path):
    layout = columns(76)
    rows = [
        row(1, layout),
        row(2, layout, event_entity="user", event_type="rename"),
        row(3, layout, event_user_is_anonymous="true"),
        row(4, layout, event_user_is_temporary="true"),
        row(5, layout, revision_is_deleted_by_page_deletion="true"),
        row(6, layout, event_user_text=""),
        "not\ta\twhole\trow\n",
        row(7, layout, revision_deleted_parts="comment,text", event_comment=""),
        row(8, layout, event_user_text="Tidy", event_user_is_bot_by="group", event_user_id="9"),
    ]
    (tmp_path / "dump.tsv").write_text("".join(rows))
    source = open_dump()
    edits = source.read(["Example A"]).edits.set_index("rev_id")
    assert list(edits.index) == [1, 7]
    assert edits["comment"].isna()[7]
    assert list(edits.loc[7, "hidden"]) == ["comment", "text"]
    assert source.account_facts(["Tidy"])["groups"].iloc[0] == ["bot"]
    counts = source.provenance()["counts"]
    assert counts["edits of deleted pages"] == 1
    assert counts["edits of unregistered editors"] == 1
    assert counts["edits of temporary accounts whose name does not say so"] == 1
    assert counts["edits whose author is hidden"] == 1
    assert counts["events that are no edits"] == 1
    assert counts["rows that are not whole or not readable, skipped"] == 1
    assert source.provenance()["notices"] == [
        "1 of 9 rows of the dump cannot be read, and are skipped."
    ]
    assert not source.read(["Example A"]).coverage[0].full
    assert counts["edits"] == 3


@pytest.mark.parametrize("number", [70, 76])
def test_a_temporary_account_is_read_where_a_case_names_it_as_found_elsewhere(
    open_dump, tmp_path, number
):
    layout, name = columns(number), "~2025-12345-67"
    theirs = {"event_user_text": name, "event_user_id": "12", "event_user_is_temporary": "true"}
    rows = [row(1, layout), row(2, layout, **theirs), row(3, layout, **theirs)]
    (tmp_path / "dump.tsv").write_text("".join(rows))
    source = open_dump()
    assert source.dropped[KINDS[TEMPORARY]] == 2
    assert set(source.background([])["user"]) == {"Example A"}
    assert source.resolve([name]) == {name: name}
    assert source.read([name]).edits["rev_id"].tolist() == [2, 3]
    assert source.account_facts([name])["groups"].iloc[0] == ["temp"]
    with pytest.raises(SourceError, match=r"\(2 rows\): it is a temporary account"):
        open_dump(names=("Example A", name)).resolve([name])


def test_several_files_are_one_dump_and_read_once(open_dump, tmp_path):
    layout, folder = columns(70), tmp_path / "dump"
    folder.mkdir()
    (folder / "2022.tsv.bz2").write_bytes(
        bz2.compress("".join(row(n, layout) for n in range(1, 5)).encode())
    )
    (folder / "2023.tsv.gz").write_bytes(
        gzip.compress("".join(row(n, layout) for n in range(5, 9)).encode())
    )
    (folder / "readme.txt").write_text("not a dump")
    source = open_dump(path="dump")
    assert sorted(source.read(["Example A"]).edits["rev_id"]) == list(range(1, 9))
    assert set(source.provenance()["files"]) == {"2022.tsv.bz2", "2023.tsv.gz"}
    made = {p: p.stat().st_mtime_ns for p in (tmp_path / "raw").rglob("*") if p.is_file()}
    assert len(made) == 3
    open_dump(path="dump")
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "raw").rglob("*") if p.is_file()} == made


def test_a_dump_that_breaks_off_is_read_as_far_as_it_is_whole(open_dump, tmp_path):
    layout = columns(70)
    text = "".join(row(n, layout, event_comment=os.urandom(400).hex()) for n in range(1, 12_000))
    whole = bz2.compress(text.encode(), compresslevel=1)
    (tmp_path / "dump.tsv.bz2").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceError, match="--accept-broken"):
        open_dump(path="dump.tsv.bz2")
    source = open_dump(path="dump.tsv.bz2", accept=True)
    read = sorted(source._raw["rev_id"])
    assert read == list(range(1, len(read) + 1))
    assert 5_700 < len(read) < 6_300  # half the file, to the last whole row
    assert "breaks off" in source.provenance()["broken"]["dump.tsv.bz2"]


@pytest.mark.parametrize(
    "bad",
    [
        ("dump.tsv", b"a\tb\tc\n", "3 columns"),
        ("dump.tsv.bz2", b"no bzip2", "cannot be read"),
        ("dump.txt", b"", "no file of the kind history"),
    ],
)
def test_what_is_no_history_dump_is_refused(open_dump, tmp_path, bad):
    path, content, said = bad
    (tmp_path / path).write_bytes(content)
    with pytest.raises(SourceError, match=said):
        open_dump(path=path)
    assert not list((tmp_path / "raw").rglob("*.parquet"))


def dump_of(wiki, target):
    """Let the wiki dump itself."""
    wiki.php("dumpBackup.php", "--full", "--stub", f"--output=gzip:{target}")
    return target


@pytest.mark.wiki
def test_an_xml_dump_of_the_real_wiki(wiki, open_dump, tmp_path):
    dump_of(wiki, tmp_path / "dump.xml.gz")
    names = [*past.OPERATED, past.HIDES]
    source = open_dump("xml", "dump.xml.gz", names=names)
    reading = source.read(names)
    made = [
        (title, pd.Timestamp(at).floor("s"))
        for title, edits in past.build().pages.items()
        for at, who, _ in edits
        if who in {past.RENAMED[0], *names}
    ]
    read = zip(reading.edits["title"], reading.edits["timestamp"], strict=True)
    assert sorted(read) == sorted(made)
    hidden = reading.edits[reading.edits["user"] == past.HIDES]
    assert sum("comment" in h for h in hidden["hidden"]) == 5
    assert reading.edits["size_diff"].notna().mean() > 0.9
    assert source.provenance()["counts"]["edits of unregistered editors"] == 20
    assert source.provenance()["counts"]["edits whose author is hidden"] >= 3
    assert source.provenance()["broken"] == {}


@pytest.mark.wiki
@pytest.mark.parametrize("packed", [True, False])
def test_an_xml_dump_that_breaks_off(wiki, open_dump, tmp_path, packed):
    whole = dump_of(wiki, tmp_path / "whole.xml.gz").read_bytes()
    text = gzip.decompress(whole)
    path = tmp_path / ("cut.xml.gz" if packed else "cut.xml")
    path.write_bytes(whole[: len(whole) // 2] if packed else text[: len(text) // 2])
    with pytest.raises(SourceError, match="--accept-broken"):
        open_dump("xml", path.name, names=["*"])
    source = open_dump("xml", path.name, names=["*"], accept=True)
    told = source.provenance()
    assert "everything before was read" in told["broken"][path.name]
    assert 1500 < told["counts"]["rows"] < 3500
    complete = open_dump("xml", "whole.xml.gz", names=["*"])
    assert set(source._raw["rev_id"]) < set(complete._raw["rev_id"])


@pytest.mark.realdata
def test_a_real_stub_dump_whole_and_cut(open_dump, tmp_path):
    files = sorted(STUB.glob("*.xml.gz")) if STUB.is_dir() else []
    if not files:
        pytest.skip(f"no stub dump in {STUB}: set SOCKGRAPH_DATA")
    whole = files[0].read_bytes()
    (tmp_path / "whole.xml.gz").write_bytes(whole)
    (tmp_path / "cut.xml.gz").write_bytes(whole[: len(whole) * 2 // 3])
    told = open_dump("xml", "whole.xml.gz", names=["*"]).provenance()
    assert told["counts"]["rows"] == gzip.decompress(whole).count(b"<revision>")
    assert told["broken"] == {}
    with pytest.raises(SourceError, match="--accept-broken"):
        open_dump("xml", "cut.xml.gz", names=["*"])
    cut = open_dump("xml", "cut.xml.gz", names=["*"], accept=True)
    assert 5_000 < cut.provenance()["counts"]["rows"] < told["counts"]["rows"]
    assert "breaks off" in cut.provenance()["broken"]["cut.xml.gz"]
    assert cut._raw["rev_id"].is_unique
    assert len(cut.everyone()) > 20


def test_what_is_no_xml_dump_is_refused(open_dump, tmp_path):
    (tmp_path / "dump.xml").write_text("<html><p>not found</p></html>")
    with pytest.raises(SourceError, match="no MediaWiki XML dump"):
        open_dump("xml", "dump.xml")


@pytest.fixture
def packed_7z(tmp_path):
    tool = seven_zip()
    if tool is None:
        said = "no 7z; sh tests/wiki/install.sh, or install 7zip"
        (pytest.fail if os.environ.get("SOCKGRAPH_REQUIRE_SERVICES") == "1" else pytest.skip)(said)
    xml = tmp_path / "small.xml"
    rows = "".join(SEVEN_ROW.format(n=n) for n in range(1, 3001))
    xml.write_text(SEVEN_DUMP.format(rows=rows))
    subprocess.run([tool, "a", str(tmp_path / "small.xml.7z"), str(xml)], check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    return tmp_path / "small.xml.7z"


SEVEN_DUMP = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11"
xml:lang="en"><siteinfo><sitename>T</sitename><dbname>t</dbname></siteinfo>
<page><title>River</title><ns>0</ns><id>1</id>{rows}</page></mediawiki>"""
SEVEN_ROW = """<revision><id>{n}</id><timestamp>2024-05-01T10:00:00Z</timestamp>
<contributor><username>Heron</username><id>4</id></contributor><model>wikitext</model>
<format>text/x-wiki</format><text bytes="3" sha1="s{n}" /><sha1>s{n}</sha1></revision>"""


def test_a_7z_dump_is_read(packed_7z):
    counts = Counter()
    batches = list(read_xml(packed_7z, "t.example", counts=counts, facts=DumpAccounts()))
    assert sum(batch.num_rows for batch in batches) == counts["rows"] == 3000


def test_a_7z_dump_that_is_cut_says_so(packed_7z):
    whole = packed_7z.read_bytes()
    packed_7z.write_bytes(whole[: len(whole) // 2])
    with pytest.raises((EOFError, SourceError), match=r"exit code|no MediaWiki XML dump"):
        list(read_xml(packed_7z, "t.example", counts=Counter(), facts=DumpAccounts()))


def test_without_the_tool_the_error_names_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "small.xml.7z").write_bytes(b"7z")
    with pytest.raises(SourceError, match=r"needs one of the tools 7z, 7zz.*Install 7zip"):
        list(
            read_xml(tmp_path / "small.xml.7z", "t.example", counts=Counter(), facts=DumpAccounts())
        )
