"""One run at a time, and its files appear together: stopped or killed at any change to a file."""

from __future__ import annotations

import os
import signal
import stat
import sys
import warnings

import pytest

from sockgraph import store
from sockgraph.case_template import identify
from sockgraph.errors import StaleArtifactError, StoreError
from sockgraph.pipeline.results import writing
from sockgraph.pipeline.run import run_case
from sockgraph.store import GRAPH, REPORT, Store
from sockgraph.store.files import held, make_folder, open_to_others, write_bytes

CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree"}
MOST = 60  # changes to files; a set of four files makes fewer


def write_set(root, mark):
    """Write a whole set of files, every one with the same mark."""
    store = Store(root).case("river")
    with store.writing("run"), store.new_set() as new:
        write_bytes(new.path("links.parquet"), mark.encode())
        if mark == "old":
            write_bytes(new.path("texts.parquet"), b"only the old set has it")
        new.write_text(GRAPH, mark)
        new.write_text(REPORT, mark)
        new.write_manifest({"mark": mark})


def frozen(root, change):
    """Write a set in another process that stops, as a frozen machine would, at a change to a file.

    Returns its number, and whether it stopped before its end.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python 3.12 warns of threads, none of which is needed
        process = os.fork()
    if process == 0:
        code = 1
        try:
            sys.addaudithook(_stopping(root, change))
            write_set(root, "new")
            code = 0
        finally:
            os._exit(code)
    return process, os.WIFSTOPPED(os.waitpid(process, os.WUNTRACED)[1])


def _stopping(root, change):
    seen = [0]

    def hook(event, given):
        writes = event == "open" and isinstance(given[2], int) and given[2] & os.O_ACCMODE
        if str(root) in str(given[:1]) and (event in CHANGES or writes):
            seen[0] += 1
            if seen[0] == change:
                os.kill(os.getpid(), signal.SIGSTOP)

    return hook


def marks(store):
    """Return what the files that a reader gets say."""
    _, manifest = store.read_set([])
    texts = {store.path(name).read_text() for name in (GRAPH, REPORT, "links.parquet")}
    return {manifest["mark"], *texts}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows cannot stop a process")
@pytest.mark.parametrize("then", [signal.SIGCONT, signal.SIGKILL])
def test_a_run_that_stops_at_any_change_leaves_the_old_set_or_the_new(tmp_path, then, monkeypatch):
    monkeypatch.setattr(store, "PATIENCE", 0.0)
    outcomes = []
    for change in range(1, MOST, 2 if then == signal.SIGKILL else 5):
        root = tmp_path / str(change)
        write_set(root, "old")
        process, stopped = frozen(root, change)
        if not stopped:
            break
        holds = (root / "processed/river/.lock-holder").exists()
        if holds:
            with pytest.raises(StoreError, match=f"being run already .process {process}"):
                write_set(root, "rival")
        try:
            assert len(marks(Store(root).case("river"))) == 1
        except StoreError:
            outcomes.append("told")
        os.kill(process, then)
        os.waitpid(process, 0)
        found = marks(Store(root).case("river"))
        assert found in ({"old"}, {"new"}), change
        outcomes += found
        names = {path.name for path in (root / "processed/river").iterdir()}
        assert ("texts.parquet" in names) == (found == {"old"})
        if then == signal.SIGCONT:
            assert found == {"new"}
        write_set(root, "again")
        left = {path.name for path in (root / "processed/river").iterdir()}
        assert left == {"links.parquet", GRAPH, REPORT, "manifest.json"}
    assert outcomes.count("new") > 2
    assert then == signal.SIGCONT or outcomes.count("old") > 5


def test_a_set_that_fails_leaves_the_old_one(tmp_path):
    write_set(tmp_path, "old")
    store = Store(tmp_path).case("river")

    def fail():
        with store.writing("run"), store.new_set() as new:
            new.write_text(REPORT, "new")
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        fail()
    assert marks(store) == {"old"}
    assert not store.path(".new").exists()


def test_a_reader_waits_for_a_set_that_is_taking_its_places(tmp_path):
    import threading

    write_set(tmp_path, "old")
    store = Store(tmp_path).case("river")
    store.path(GRAPH).write_text("new")
    holder = store.path(".lock-holder")
    holder.write_text(f"run {os.getpid()}")
    threading.Timer(0.3, lambda: store.path(GRAPH).write_text("old")).start()
    assert marks(store) == {"old"}


def test_a_store_may_be_held_again_by_itself_alone_and_leaves_no_lock(tmp_path):
    store, folder = Store(tmp_path).case("river"), tmp_path / "processed" / "river"
    with store.writing("run"):
        with store.writing("removed"):
            pass
        assert (folder / ".lock").exists()
        with pytest.raises(StoreError, match="being run already"), held(folder, "fetched"):
            pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_files_are_private_under_any_umask(tmp_path, umask):
    before = os.umask(umask)
    try:
        write_set(tmp_path / "deep" / "data", "old")
        make_folder(tmp_path / "a" / "b")
        write_bytes(tmp_path / "a" / "b" / "c", b"x")
    finally:
        os.umask(before)
    found = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*") if path.is_dir()}
    assert found == {0o700}
    found = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {0o600}


def test_a_data_folder_that_others_can_write_is_said(tmp_path):
    assert open_to_others(tmp_path) is None
    tmp_path.chmod(0o777)
    assert open_to_others(tmp_path) == "everybody can write into it"
    tmp_path.chmod(0o700)


def test_a_case_whose_file_was_renamed_does_not_begin_anew_without_its_ledger(tmp_path):
    import tiny

    tiny.write(tmp_path)
    case, data = identify(tmp_path / "tiny.toml"), tmp_path / "data"
    Store(data).case("tiny", case.id).write_manifest({"case": {"id": case.id}})
    renamed = (tmp_path / "tiny.toml").rename(tmp_path / "small.toml")
    with pytest.raises(StaleArtifactError, match="was run as tiny, and its ledger lies there"):
        run_case(renamed, data=data)
    assert not (data / "processed" / "small").exists()
    (data / "processed" / "tiny").rename(data / "processed" / "small")
    with writing(identify(renamed), data, "run") as store:
        assert store.processed.name == "small"
