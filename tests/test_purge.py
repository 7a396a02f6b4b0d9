"""What is removed from a case, by whom, and what stays to tell of it."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shutil

import pandas as pd
import pytest
from typer.testing import CliRunner

from sockgraph.case import load_case
from sockgraph.cli import app
from sockgraph.errors import CaseError, ReviewError, StoreError
from sockgraph.names import hidden_pseudonym
from sockgraph.pipeline.results import open_store, purge, read_case
from sockgraph.pipeline.run import fetch_case, run_case
from sockgraph.reviews import blinding
from sockgraph.reviews import ledger as ledger_module
from sockgraph.reviews.blinding import anonymized, remove_names, without_hidden_names
from sockgraph.reviews.ledger import NAMES_REMOVED, Ledger, LedgerHead, chain_entries
from sockgraph.store import Store
from sockgraph.store.kept import KEPT
from sockgraph.store.retention import RAW, _matches, enforce_retention

CASE = """
title = "Edits to one river"
reason = "Three articles were returned to one wording"
wikis = ["fernwick.example"]
[source]
kind = "table"
path = "edits.parquet"
[accounts]
nominated = ["Heron", "Moth"]
min_edits = 2
[reference]
accounts = 0
[[earlier]]
a = "Heron"
b = "Moth"
by = "Clerk of the lists"
date = 2024-03-01
action = "lock"
url = "https://fernwick.example/wiki/User:Heron"
"""
BODY = {
    "user_a": "Heron", "user_b": "Moth", "finding": "upheld", "Heron": {"heron moth": 1.5},
    "why": "Heron writes as Moth does", "salts": {"finding": "ab" * 16}, "commit": "cd" * 32,
    "evidence": "ef" * 32, "links": [["Heron", "Moth"]], "blinded": True,
}  # fmt: skip
NAMES = ("Heron", "Moth", "heron", "moth", "Clerk", "Robin")


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ran")
    start = pd.Timestamp("2024-01-01", tz="UTC")
    rows = [
        {"timestamp": start + pd.Timedelta(hours=i), "user": user, "title": f"Page {i}"}
        for user in ("Heron", "Moth")
        for i in range(5)
    ]
    pd.DataFrame(rows).to_parquet(folder / "edits.parquet")
    (folder / "river.toml").write_text(CASE)
    run_case(folder / "river.toml", data=folder / "data")
    return folder


@pytest.fixture
def case(ran, tmp_path):
    """Give a copy of the case that was run, to purge."""
    return shutil.copytree(ran, tmp_path, dirs_exist_ok=True) / "river.toml"


def _ledger(case):
    return Ledger(case.parent / "data" / "processed" / "river" / "ledger.jsonl")


def _files(case):
    files = (p.name for p in (case.parent / "data").rglob("*") if p.is_file())
    return sorted(name for name in files if not name.endswith(".lock"))


def test_a_purge_keeps_the_ledger_without_names(case):
    ledger = _ledger(case)
    ledger.append("finding", author="Robin", **BODY)
    before = ledger.entries()
    assert set(KEPT) - set(_files(case)) <= {"weeks.bin"}  # left out only where LRs are
    (ledger.path.parent / "weeks.bin").touch()
    purge(case, data=case.parent / "data")
    assert _files(case) == ["ledger.jsonl", "removed.json"]
    kept = "".join(p.read_text() for p in ledger.path.parent.iterdir())
    assert not [name for name in NAMES if name in kept]
    assert BODY["salts"]["finding"] not in kept
    assert BODY["commit"] not in kept
    assert BODY["evidence"] in kept
    first, *rest = ledger.entries()
    assert first.kind == NAMES_REMOVED
    assert first.body["head"] == f"{before[-1].hash}:{len(before)}"
    assert [(e.kind, e.time) for e in rest] == [(e.kind, e.time) for e in before]
    assert rest[0].pair == rest[1].pair  # one pair still, of nobody
    assert rest[1].body["finding"] == "upheld"
    assert all(e.hash not in kept for e in before[:-1])
    told = json.loads((ledger.path.parent / "removed.json").read_text())
    assert told["ledger_head"] == first.body["head"]


def test_a_purge_removes_what_a_crash_left_of_a_line(case):
    ledger = _ledger(case)
    with ledger.path.open("a") as file:
        file.write('{"author":"Clerk Robin')
    ledger.append("note", author="Clerk", text="Moth")
    assert list(ledger.path.parent.glob("*.torn-*"))
    purge(case, data=case.parent / "data")
    assert _files(case) == ["ledger.jsonl", "removed.json"]
    assert not any(name in ledger.path.read_text() for name in NAMES)


def test_a_view_of_the_ledger_keeps_no_name_that_the_wiki_hides_by_now(case):
    body = {**BODY, "why": "Heron@fernwick.example, as Heronry"}
    _ledger(case).append("note", author="Robin", **body)
    store = open_store(load_case(case), case.parent / "data")
    assert "Heron and Moth" in _audit(case)
    cover = hidden_pseudonym(load_case(case).id, "Heron")
    manifest = store.read_manifest()
    manifest["source"]["hidden"] = [cover]
    store.path("manifest.json").write_text(json.dumps(manifest))
    said = _audit(case)
    assert f"{cover} and Moth" in said
    assert re.findall(r"Heron\w*", said) == []
    held = without_hidden_names(_ledger(case).entries(), load_case(case).id, [cover])[-1].body
    assert held["why"] == f"{cover}@fernwick.example, as Heronry"
    assert held["links"] == [[cover, "Moth"]]
    assert _ledger(case).verify().length == 2  # the file itself is as it was


def test_a_hidden_name_is_covered_however_it_is_spelled_and_as_an_author(case):
    key = load_case(case).id
    why = "User:Old_Heron and old  heron, Old%20Heron; oldest heron"
    ledger = _ledger(case)
    ledger.append("note", author="Old Heron", user_a="Old Heron", user_b="Moth", why=why)
    cover = hidden_pseudonym(key, "Old_Heron")
    held = without_hidden_names(ledger.entries(), key, [cover])[-1]
    assert held.author == held.body["user_a"] == cover
    assert held.body["why"] == f"User:{cover} and {cover}, {cover}; oldest heron"
    assert without_hidden_names(ledger.entries(), key, []) == ledger.entries()


@pytest.mark.parametrize(
    ("name", "text", "left"),
    [
        ("Fen Orchid", "The comma of Fen Orchid, again.", "The comma of {}, again."),
        ("Fen Orchid", "see User:Fen_Orchid/sandbox", "see User:{}/sandbox"),
        ("石埠晚钟", "此处由石埠晚钟改写，与Moth相同", "此处由{}改写，与Moth相同"),
        ("あおいみずべ", "これはあおいみずべの編集です", "これは{}の編集です"),
        ("ミナト", "編集はミナトさんが行った", "編集は{}さんが行った"),
        ("นกกระจาบ", "แก้ไขโดยนกกระจาบเมื่อวาน", "แก้ไขโดย{}เมื่อวาน"),
        ("물가소리", "편집은 물가소리가 했다", "편집은 {}가 했다"),
        ("A.B. (bot)", "“A.B. (bot)” did it", "“{}” did it"),
        ("石埠晚钟", "wiki/User:%E7%9F%B3%E5%9F%A0%E6%99%9A%E9%92%9F?a=1", "wiki/User:{}?a=1"),
        ("Élan Rost", "By E\u0301lan Rost, again.", "By {}, again."),
        ("Fen orchid " * 22 + "end", "By " + "Fen orchid " * 22 + "end, again.", "By {}, again."),
    ],
)
def test_a_hidden_name_that_stands_in_a_sentence_alone_is_covered(case, name, text, left):
    ledger, key = _ledger(case), load_case(case).id
    ledger.append("note", author="Robin", user_a="Heron", user_b="Moth", text=text)
    cover = hidden_pseudonym(key, name)
    shown = without_hidden_names(ledger.entries(), key, [cover])[-1]
    assert shown.body["text"] == left.format(cover)


def test_a_text_is_searched_for_hidden_names_once(case, monkeypatch):
    ledger, key = _ledger(case), load_case(case).id
    note = {"author": "Robin", "user_a": "Heron", "user_b": "Moth"}
    ledger.append("note", text="此处由石埠晚钟改写" * 50, **note)
    hidden = [hidden_pseudonym(key, "石埠晚钟")]
    first = without_hidden_names(ledger.entries(), key, hidden)
    hashed = []
    monkeypatch.setattr(blinding, "hidden_pseudonym", lambda _, name: hashed.append(name))
    assert without_hidden_names(ledger.entries(), key, hidden) == first
    assert hashed == []
    ledger.append("note", text="a word", **note)
    without_hidden_names(ledger.entries(), key, hidden)
    assert set(hashed) <= {"a word", "a", "word", ""}


def _audit(case):
    told = CliRunner().invoke(app, ["audit", str(case), "--data", str(case.parent / "data")])
    assert told.exit_code == 0, told.output
    return told.output


def test_the_old_head_is_still_a_witness_and_an_earlier_one_no_more(case):
    ledger = _ledger(case)
    earlier = ledger.head()
    ledger.append("finding", author="Robin", **BODY)
    old = ledger.head()
    purge(case, data=case.parent / "data")
    assert ledger.verify(witnesses=[old]) == ledger.head()
    with pytest.raises(ReviewError, match="names were removed"):
        ledger.verify(witnesses=[earlier])
    lines = ledger.path.read_bytes().splitlines(keepends=True)
    ledger.path.write_bytes(b"".join([*lines[:1], *lines[2:]]))
    with pytest.raises(ReviewError, match="line 2"):
        ledger.verify(witnesses=[old])


def test_a_second_purge_changes_no_ledger_and_notes_the_same_head(case):
    ledger = _ledger(case)
    head = str(ledger.head())
    purge(case, data=case.parent / "data")
    kept = ledger.path.read_bytes()
    removed = purge(case, data=case.parent / "data")
    assert ledger.path.read_bytes() == kept
    assert json.loads(removed.tombstone.read_text())["ledger_head"] == head


def test_two_purges_hash_a_name_differently(case):
    entries = _ledger(case).entries()
    one, other = (anonymized(entries, key)[1].body["user_a"] for key in (b"1" * 32, b"2" * 32))
    assert one != other
    assert re.fullmatch("#[0-9a-f]{16}", one)


def test_with_the_ledger_only_its_head_and_the_day_stay(case):
    head = str(_ledger(case).head())
    removed = purge(case, data=case.parent / "data", ledger=True)
    assert _files(case) == ["removed.json"]
    told = json.loads(removed.tombstone.read_text())
    assert told["ledger_head"] == head
    assert re.fullmatch(r"removed on \d{4}-\d\d-\d\d", told["ledger"])


def test_a_purged_case_that_is_run_again_begins_a_ledger_of_its_own(case):
    data = case.parent / "data"
    purge(case, data=data)
    head = _ledger(case).head()
    run_case(case, data=data)
    aside = data / "processed" / "river" / f"ledger-{head.hash[:12]}.jsonl"
    assert Ledger(aside).head() == head
    assert [e.author for e in _ledger(case).entries()] == ["Clerk of the lists"]
    purge(case, data=data)
    assert aside.exists()


def test_a_ledger_that_cannot_be_replaced_stays_as_it_was(case, monkeypatch):
    ledger = _ledger(case)
    before = ledger.path.read_bytes()
    monkeypatch.setattr("sockgraph.reviews.ledger._write", _full)
    with pytest.raises(ReviewError, match="No space left"):
        remove_names(ledger)
    assert ledger.path.read_bytes() == before
    assert len(_files(case)) == len([n for n in _files(case) if not n.startswith(".")])


def test_on_a_full_disk_files_make_room_before_the_ledger_is_written_anew(case, monkeypatch):
    data, written = case.parent / "data", ledger_module._write

    def grudging(file, content):
        if (data / "processed/river/report.html").exists():
            _full()
        written(file, content)

    monkeypatch.setattr(ledger_module, "_write", grudging)
    head = _ledger(case).head()
    removed = purge(case, data=data)
    assert _files(case) == ["ledger.jsonl", "removed.json"]
    assert json.loads(removed.tombstone.read_text())["ledger_head"] == str(head)
    assert removed.files > 5
    assert not any(name in _ledger(case).path.read_text() for name in NAMES)


def test_a_case_at_work_keeps_its_ledger_as_it_was(case):
    before = _ledger(case).path.read_bytes()
    given = load_case(case)
    with (
        open_store(given, case.parent / "data").writing("run"),
        pytest.raises(StoreError, match="run already"),
    ):
        purge(case, data=case.parent / "data")
    assert _ledger(case).path.read_bytes() == before


def _full(*_):
    raise OSError(28, "No space left on device")


def test_an_empty_ledger_is_none():
    assert chain_entries([], "none") == ()
    assert LedgerHead.parse("none:0").length == 0


def _keep(case, days):
    case.write_text(f"{case.read_text()}\n[retention]\ndays = {days}\n")


def _age(case, days):
    """Let the manifest say that the run was so many days ago."""
    path = case.parent / "data" / "processed" / "river" / "manifest.json"
    manifest = json.loads(path.read_text())
    then = dt.datetime.now(dt.UTC) - dt.timedelta(days=days)
    manifest["run"]["started"] = then.isoformat(timespec="seconds")
    path.write_text(json.dumps(manifest))


def test_what_is_kept_too_long_is_removed_at_the_next_run_and_said_twice(case, capsys):
    data = case.parent / "data"
    _keep(case, 30)
    run_case(case, data=data)
    before = _ledger(case).entries()
    _age(case, 29)
    fetch_case(case, data=data)
    assert "removed" not in capsys.readouterr().err
    _age(case, 31)
    fetch_case(case, data=data)
    assert _files(case) == ["ledger.jsonl", "removed.json"]
    assert "files kept longer than 30 days, and removed" in capsys.readouterr().err
    *kept, last = _ledger(case).entries()
    assert tuple(kept) == before  # links must stay reversible
    assert last.kind == "data removed"
    assert last.body["files"] > 10
    told = json.loads((data / "processed" / "river" / "removed.json").read_text())
    assert told["retention_days"] == 30
    run_case(case, data=data)
    assert read_case(case, data=data)  # read anew
    assert "removed" not in capsys.readouterr().err  # nothing was left to remove


def test_what_only_reads_removes_nothing_and_says_that_it_is_due(case, capsys):
    data = case.parent / "data"
    _keep(case, 5)
    run_case(case, data=data)
    _age(case, 6)
    before = _files(case)
    assert read_case(case, data=data)
    assert _files(case) == before
    assert "kept longer than 5 days. `sockgraph run CASE` removes them" in capsys.readouterr().err


def test_an_old_file_of_somebody_else_is_neither_counted_nor_removed_but_named(case, capsys):
    data = case.parent / "data"
    folder = data / "processed" / "river"
    _keep(case, 5)
    run_case(case, data=data)
    beside = case.parent / "precious"
    beside.mkdir()
    (beside / "letter.txt").write_text("keep")
    notes = [
        folder / "note.txt",
        folder / ".notes.to-do",
        folder / "mine" / "links.parquet",
        data / "raw" / "river" / "x.md",
    ]
    for note in notes:
        note.parent.mkdir(exist_ok=True, parents=True)
        note.write_text("a note")
        os.utime(note, (1, 1))
    (folder / "behind").symlink_to(beside, target_is_directory=True)
    (folder / "report.html").unlink()
    (folder / "report.html").symlink_to(beside / "letter.txt")
    open_store(load_case(case), data)
    fetch_case(case, data=data)
    assert "removed" not in capsys.readouterr().err
    purge(case, data=data)
    said = capsys.readouterr().err
    assert all(note.read_text() == "a note" and str(note) in said for note in notes)
    assert (beside / "letter.txt").read_text() == "keep"
    assert str(folder / "behind") in said
    assert str(folder / "report.html") in said
    assert not (folder / "links.parquet").exists()


def test_a_case_folder_that_is_a_link_is_refused(case):
    data = case.parent / "data"
    elsewhere = (data / "processed" / "river").rename(case.parent / "elsewhere")
    (data / "processed" / "river").symlink_to(elsewhere, target_is_directory=True)
    before = sorted(path.name for path in elsewhere.iterdir())
    for act in (purge, run_case, read_case):
        with pytest.raises(StoreError, match="may not be a link"):
            act(case, data=data)
    assert sorted(path.name for path in elsewhere.iterdir()) == before


def test_sealed_answers_outlive_the_data_that_they_are_about(case):
    data = case.parent / "data"
    _keep(case, 5)
    run_case(case, data=data)
    _age(case, 6)
    sealed = data / "processed" / "river" / "unopened" / "0123456789abcdef.json"
    sealed.parent.mkdir(mode=0o700)
    sealed.write_text("[]")
    fetch_case(case, data=data)
    assert _files(case) == [sealed.name, "ledger.jsonl", "removed.json"]
    purge(case, data=data)
    assert not sealed.exists()


def test_an_answer_says_itself_how_old_it_is(tmp_path):
    from test_raw_store import BODY as ANSWER
    from test_raw_store import ENTRY

    store = Store(tmp_path).case("a-case")
    store.answers().put(ENTRY, ANSWER)
    store.answers("one.example:80").put(ENTRY, ANSWER)
    fetched = dt.datetime.fromisoformat(ENTRY.fetched)
    soon = fetched + dt.timedelta(days=10)
    assert enforce_retention(store, None, now=soon) is None
    assert enforce_retention(store, 10, now=soon) is None
    removed = enforce_retention(store, 9, now=soon)
    assert removed is not None
    assert removed.files == 2
    assert not store.raw.exists()


@pytest.mark.parametrize("days", [0, -1, '"a week"'])
def test_a_retention_is_a_number_of_days(case, days):
    _keep(case, days)
    with pytest.raises(CaseError, match=r"retention\.days"):
        load_case(case)


@pytest.mark.parametrize(
    "name", ["diffs/1.json.gz", "wikis/b.example/diffs/1.json.gz", "1.json.gz", "wikis/b/2.json.gz"]
)
def test_what_was_read_is_ours_wherever_it_lies(name):
    assert _matches(name, RAW)


@pytest.mark.parametrize("name", ["other/1.json.gz", "diffs/deeper/1.json.gz", "notes.txt"])
def test_what_others_left_is_not(name):
    assert not _matches(name, RAW)
