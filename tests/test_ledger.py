"""The ledger: what the chain shows by itself, what only a witness shows, and what a crash costs."""

from __future__ import annotations

import datetime as dt
import json
import os
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st
from kills import forked

from sockgraph.errors import ReviewError
from sockgraph.reviews.audit import entry_line, head_words, witnesses_in
from sockgraph.reviews.ledger import Draft, Ledger, LedgerHead

DAY = dt.datetime(2024, 5, 1, tzinfo=dt.UTC)
# whatever can stand in JSON text, which is everything but half of a surrogate pair
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
bodies = st.dictionaries(
    words, st.one_of(words, st.integers(), st.booleans(), st.none()), max_size=4
)
authors = words.filter(str.strip)
drafts = st.lists(
    st.builds(Draft, kind=words, author=authors, body=bodies, time=st.just(DAY)),
    min_size=2,
    max_size=6,
)


@contextmanager
def a_ledger(entries):
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder) / "ledger.jsonl")
        ledger.extend(lambda _: entries)
        yield ledger


def lines_of(ledger):
    return ledger.path.read_bytes().split(b"\n")[:-1]


def put(ledger, lines):
    ledger.path.write_bytes(b"".join(line + b"\n" for line in lines))


@given(drafts)
def test_what_is_written_is_read_back(entries):
    with a_ledger(entries) as ledger:
        found = ledger.entries()
        assert [e.kind for e in found] == [d.kind for d in entries]
        assert [dict(e.body) for e in found] == [dict(d.body) for d in entries]
        assert ledger.verify(witnesses=[ledger.head()]) == LedgerHead(found[-1].hash, len(entries))
        assert ledger.torn() == b""


@given(drafts, st.data())
def test_one_changed_byte_is_found_at_its_line(entries, data):
    with a_ledger(entries) as ledger:
        lines = lines_of(ledger)
        at = data.draw(st.integers(0, len(lines) - 1), "line")
        place = data.draw(st.integers(0, len(lines[at]) - 1), "byte")
        new = data.draw(
            st.integers(0, 255).filter(lambda b: b not in (lines[at][place], 10)), "new"
        )
        lines[at] = lines[at][:place] + bytes([new]) + lines[at][place + 1 :]
        put(ledger, lines)
        with pytest.raises(ReviewError, match=rf"line {at + 1}:"):
            ledger.verify()


@given(drafts, st.data())
def test_a_deleted_line_is_found(entries, data):
    with a_ledger(entries) as ledger:
        lines = lines_of(ledger)
        at = data.draw(st.integers(0, len(lines) - 2), "any but the last")
        put(ledger, lines[:at] + lines[at + 1 :])
        with pytest.raises(ReviewError, match=rf"line {at + 1}:.*does not follow"):
            ledger.verify()


@given(drafts, st.data())
def test_reordered_lines_are_found_at_the_first_moved(entries, data):
    with a_ledger(entries) as ledger:
        lines = lines_of(ledger)
        order = data.draw(
            st.permutations(range(len(lines))).filter(lambda o: o != sorted(o)), "order"
        )
        put(ledger, [lines[i] for i in order])
        first = next(i for i, j in enumerate(order) if i != j)
        with pytest.raises(ReviewError, match=rf"line {first + 1}:"):
            ledger.verify()


@given(drafts, st.data())
def test_lines_cut_from_the_end_are_found_by_a_witness_alone(entries, data):
    with a_ledger(entries) as ledger:
        head = ledger.head()
        keep = data.draw(st.integers(0, len(entries) - 1), "kept")
        put(ledger, lines_of(ledger)[:keep])
        assert ledger.verify().length == keep  # the chain alone cannot know
        with pytest.raises(ReviewError, match="entries are gone"):
            ledger.verify(witnesses=[head])


@given(drafts, st.data())
def test_a_whole_new_chain_is_found_by_a_witness_alone(entries, data):
    with a_ledger(entries) as ledger:
        head = ledger.head()
        at = data.draw(st.integers(0, len(entries) - 1), "changed")
        forged = [*entries]
        forged[at] = Draft(forged[at].kind + "!", forged[at].author, time=DAY)
        with a_ledger(forged) as other:
            ledger.path.write_bytes(other.path.read_bytes())
        assert ledger.verify().length == len(entries)  # every hash is valid
        with pytest.raises(ReviewError, match="rewritten"):
            ledger.verify(witnesses=[head])


@given(drafts, st.data())
def test_a_crash_in_mid_write_loses_no_earlier_entry(entries, data):
    with a_ledger(entries) as ledger:
        whole = ledger.path.read_bytes()
        start = len(whole) - len(lines_of(ledger)[-1]) - 1
        cut = data.draw(st.integers(start + 1, len(whole) - 1), "bytes that reached the disk")
        ledger.path.write_bytes(whole[:cut])
        complete = cut == len(whole) - 1  # only the line's end is missing
        kept = len(entries) - (0 if complete else 1)
        assert len(ledger.entries()) == kept
        assert ledger.torn() == (b"" if complete else whole[start:cut])
        ledger.append("next", author="Ann")
        assert [e.kind for e in ledger.entries()][-1] == "next"
        assert ledger.verify().length == kept + 1
        aside = list(ledger.path.parent.glob("*.torn-*"))
        assert [p.read_bytes() for p in aside] == ([] if complete else [whole[start:cut]])


def test_an_entry_that_cannot_be_written_leaves_the_ledger_as_it_was(tmp_path, monkeypatch):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append("first", author="Ann")
    before = ledger.path.read_bytes()
    real = os.fsync

    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ReviewError, match="No space left"):
        ledger.append("second", author="Ann")
    monkeypatch.setattr(os, "fsync", real)
    assert ledger.path.read_bytes() == before


def test_a_rule_that_refuses_leaves_the_ledger_as_it_was(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append("first", author="Ann")
    before = ledger.path.read_bytes()

    def refuse(entries):
        raise ReviewError(len(entries), "no.", "Stop.")

    with pytest.raises(ReviewError, match="1: no"):
        ledger.extend(refuse)
    with pytest.raises(ReviewError, match="author"):
        ledger.append("second", author="  ")
    with pytest.raises(ReviewError, match="JSON"):
        ledger.append("second", author="Ann", score=float("nan"))
    assert ledger.path.read_bytes() == before


def test_an_edited_ledger_takes_no_new_entry(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append("first", author="Ann", finding="stands")
    edited = ledger.path.read_bytes().replace(b"stands", b"upheld")
    ledger.path.write_bytes(edited)
    with pytest.raises(ReviewError, match="line 1: its content does not match its hash"):
        ledger.append("second", author="Ann")
    assert ledger.path.read_bytes() == edited


def _write(path, author):
    for number in range(20):
        Ledger(path).append("noted", author=author, number=number)


def test_writers_on_one_machine_do_not_corrupt_each_other(tmp_path):
    path = tmp_path / "ledger.jsonl"
    writers = [forked(_write, path, f"writer {i}") for i in range(4)]
    for writer in writers:
        writer.join()
    entries = Ledger(path).entries()
    assert len(entries) == 80
    for i in range(4):
        numbers = [e.body["number"] for e in entries if e.author == f"writer {i}"]
        assert numbers == list(range(20))


def test_the_same_entries_at_the_same_times_are_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        Ledger(tmp_path / name).append("asserted", author="Ann", time=DAY, user_a="x", user_b="y")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_only_its_owner_can_read_a_ledger(tmp_path):
    ledger = Ledger(tmp_path / "case" / "ledger.jsonl")
    ledger.append("first", author="Ann")
    assert ledger.path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "text", ["", "none:1", "abc:3", "f" * 64, "f" * 64 + ":0", "f" * 64 + ":x"]
)
def test_a_head_of_another_form_is_refused(text):
    with pytest.raises(ReviewError, match="ledger head"):
        LedgerHead.parse(text)


def test_any_file_that_prints_a_head_is_a_witness(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    heads = [(ledger.append("noted", author="Ann"), ledger.head())[1] for _ in range(3)]
    page = tmp_path / "report.html"
    page.write_text(f"<p>{head_words(heads[1])}</p><p>{heads[1]}</p>", encoding="utf-8")
    assert witnesses_in(page) == [heads[1]]
    assert [LedgerHead.parse(str(head)) for head in heads] == heads
    page.write_text("no head here", encoding="utf-8")
    with pytest.raises(ReviewError, match="prints no ledger head"):
        witnesses_in(page)


def test_no_entry_can_redraw_the_terminal(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    entry = ledger.append(
        "reversal asked", author="Ann\x1b[2J", user_a="a\n", user_b="b", reason="\u202e"
    )
    line = entry_line(entry)
    assert line.isprintable()
    assert "\\x1b" in line


@pytest.mark.parametrize(
    "line",
    [b"[]", b"{}", b"null", b"\xff", b"[" * 100_000, b'{"kind":1}'],
)
def test_what_is_no_entry_is_named(tmp_path, line):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append("first", author="Ann")
    with ledger.path.open("ab") as file:
        file.write(line + b"\n")
    with pytest.raises(ReviewError, match="line 2: it is not an entry"):
        ledger.entries()


def test_a_line_says_the_same_under_another_spelling_only_once(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append("first", author="Ann")
    entry = json.loads(ledger.path.read_bytes())
    ledger.path.write_text(json.dumps(entry) + "\n", encoding="utf-8")  # spaces after commas
    with pytest.raises(ReviewError, match="line 1"):
        ledger.entries()


def test_lines_that_were_checked_are_checked_again_when_they_change(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    for kind in ("first", "second", "third"):
        ledger.append(kind, author="Ann")
    assert len(ledger.entries()) == 3
    whole = ledger.path.read_bytes()
    ledger.path.write_bytes(whole.replace(b'"first"', b'"firzt"'))
    with pytest.raises(ReviewError, match="line 1"):
        ledger.entries()
    ledger.path.write_bytes(b"".join(whole.splitlines(keepends=True)[:1]))
    assert [e.kind for e in ledger.entries()] == ["first"]
    ledger.path.write_bytes(whole)
    assert [e.kind for e in ledger.entries()] == ["first", "second", "third"]


def test_a_ledger_is_checked_once_however_often_it_is_asked(tmp_path, monkeypatch):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.extend(lambda _: [Draft("noted", "Ann", {"n": n}) for n in range(50)])
    checked = []
    real = Ledger._entry
    monkeypatch.setattr(
        Ledger, "_entry", lambda *given: (checked.append(given[2]), real(*given))[1]
    )
    for _ in range(4):
        ledger.entries()
        ledger.append("noted", author="Ann")
    assert len(checked) == 54 - 1  # every line once; the last was written, and not read yet


def test_a_writer_that_waits_too_long_says_for_what(tmp_path, monkeypatch):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append("noted", author="Ann")
    monkeypatch.setattr("sockgraph.reviews.ledger.LONGEST_WAIT", 0.05)
    held = FileLock(tmp_path / ".ledger.jsonl.lock")
    with held, pytest.raises(ReviewError, match="another process"):
        ledger.append("noted", author="Bea")
    assert ledger.append("noted", author="Bea").author == "Bea"


def test_an_append_that_waits_for_a_purge_is_not_lost(tmp_path):
    path = tmp_path / "ledger.jsonl"
    ledger = Ledger(path)
    ledger.append("first", author="Ann")
    other = threading.Thread(target=lambda: Ledger(path).append("second", author="Bea"))

    def rule(held):
        other.start()
        time.sleep(0.1)  # the other writer waits by now
        return held

    ledger.replace(rule)
    other.join()
    assert [e.kind for e in ledger.entries()] == ["first", "second"]
