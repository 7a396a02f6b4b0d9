"""Raw answers: whole or not there, never changed, found again."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import signal
import stat
from dataclasses import replace

import pytest
from kills import forked

from sockgraph.errors import StoreError
from sockgraph.store import Store
from sockgraph.store.raw_answers import RawAnswers, StoredAnswer

ENTRY = StoredAnswer(
    api="https://wiki.example/w/api.php",
    params={"list": "usercontribs", "ucuser": "青石巷"},
    kind="contributions",
    question="q",
    subjects=("青石巷",),
    chain="c",
    number=0,
    following=None,
    round=0,
    rows=2,
    answered="2024-05-01T00:00:00Z",
    fetched="2024-05-01T00:00:05Z",
)
BODY = '{"query": {"usercontribs": ["青石巷"]}}'.encode()


@pytest.fixture
def raw(tmp_path):
    return RawAnswers(tmp_path / "raw" / "case")


def page(number, *, last=False, chain="c", round_=0):
    return replace(
        ENTRY,
        params={**ENTRY.params, "uccontinue": f"{chain}{number}"},
        chain=chain,
        number=number,
        following=None if last else {"uccontinue": f"{chain}{number + 1}"},
        round=round_,
    )


def test_an_answer_reads_back_byte_for_byte(raw):
    kept = raw.put(ENTRY, BODY)
    again = RawAnswers(raw.folder)
    assert again.entries() == [kept]
    assert again.body(again.entries()[0]) == BODY
    assert again.entries()[0].subjects == ("青石巷",)


def test_only_the_owner_can_read(raw):
    raw.put(ENTRY, BODY)
    for folder in (raw.folder, raw.folder.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in raw.folder.iterdir()} == {0o600}


def test_an_answer_is_never_rewritten(raw):
    raw.put(ENTRY, BODY)
    before = {p.name: p.read_bytes() for p in raw.folder.iterdir()}
    with pytest.raises(StoreError, match="never rewritten"):
        raw.put(ENTRY, b"other")
    assert {p.name: p.read_bytes() for p in raw.folder.iterdir()} == before


def test_the_hash_of_all_answers_does_not_know_when_they_were_fetched(tmp_path):
    one, two = RawAnswers(tmp_path / "1"), RawAnswers(tmp_path / "2")
    one.put(ENTRY, BODY)
    two.put(replace(ENTRY, fetched="2025-01-01T00:00:00Z"), BODY)
    assert one.sha256() == two.sha256()
    two.put(page(1), BODY)
    assert one.sha256() != two.sha256()


def test_the_wikis_clock_says_when_it_was_read(raw):
    assert raw.read_on() is None
    raw.put(ENTRY, BODY)
    assert raw.read_on() == "2024-05-01T00:00:00Z"


@pytest.mark.parametrize("harm", ["truncate", "flip", "empty", "text"])
def test_a_damaged_answer_is_named(raw, harm):
    kept = raw.put(ENTRY, BODY)
    path = next(raw.folder.glob("[!.]*.json.gz"))
    content = path.read_bytes()
    path.write_bytes(
        {
            "truncate": content[:-20],
            "flip": content[:-30] + bytes([content[-30] ^ 255]) + content[-29:],
            "empty": b"",
            "text": b"not gzip",
        }[harm]
    )
    with pytest.raises(StoreError, match="damaged") as caught:
        RawAnswers(raw.folder).body(kept)
    assert path.name in str(caught.value)
    assert "run again" in str(caught.value)


def test_a_changed_answer_is_named(raw):
    kept = raw.put(ENTRY, BODY)
    with pytest.raises(StoreError, match="does not match its hash"):
        raw.body(replace(kept, sha256="0" * 64))


def test_a_chain_ends_at_its_first_gap(raw):
    for number in (0, 1, 3):
        raw.put(page(number), BODY)
    raw.put(page(0, chain="d", last=True), BODY)
    raw.put(page(2, chain="e"), BODY)
    chains = {chain.entries[0].chain: chain for chain in raw.chains("q")}
    assert [e.number for e in chains["c"].entries] == [0, 1]
    assert not chains["c"].complete
    assert chains["d"].complete
    assert "e" not in chains
    assert chains["c"].rows == 4


def test_rounds_come_in_order(raw):
    raw.put(page(0, chain="a", last=True, round_=1), BODY)
    raw.put(page(0, chain="b", last=True), BODY)
    assert [c.entries[0].round for c in raw.chains("q")] == [0, 1]
    assert raw.round == 1


def test_half_written_files_are_ignored_and_removed(raw):
    raw.put(ENTRY, BODY)
    draft = raw.folder / f".{'0' * 64}.json.gz.abcd"
    draft.write_bytes(b"half")
    assert len(RawAnswers(raw.folder).entries()) == 1
    with raw.locked():
        assert not draft.exists()


def test_what_another_fetch_added_is_seen(raw):
    assert raw.entries() == []
    RawAnswers(raw.folder).put(ENTRY, BODY)
    with raw.locked():
        assert len(raw.entries()) == 1


def _hold(folder, held, end):
    with RawAnswers(folder).locked():
        held.set()
        end.wait(30)


def test_two_fetches_of_one_case_at_once(raw):
    fork = multiprocessing.get_context("fork")
    held, end = fork.Event(), fork.Event()
    other = forked(_hold, raw.folder, held, end)
    assert held.wait(30)
    with pytest.raises(StoreError, match=f"fetched already.*{other.pid}"), raw.locked():
        pass
    os.kill(other.pid, signal.SIGKILL)  # a lock must not outlive its holder
    other.join()
    with raw.locked(), raw.locked():
        assert len(raw.entries()) == 0
    with RawAnswers(raw.folder).locked():
        pass


def _fill(raw, said):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))
    try:
        raw.put(ENTRY, os.urandom(5000))
    except StoreError as error:
        said.send(str(error))
    said.close()


def test_a_disk_that_fills_leaves_nothing_behind(raw):
    heard, said = multiprocessing.Pipe(duplex=False)
    other = forked(_fill, raw, said)
    said.close()
    told = heard.recv()
    other.join()
    assert "cannot be written" in told
    assert "--data" in told
    assert list(raw.folder.iterdir()) == []
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 300


def test_the_case_store_gives_its_answers(tmp_path):
    store = Store(tmp_path).case("a-case")
    store.answers().put(ENTRY, BODY)
    assert json.loads(store.answers().body(store.answers().entries()[0]))["query"]
    assert (tmp_path / "raw" / "a-case").is_dir()
