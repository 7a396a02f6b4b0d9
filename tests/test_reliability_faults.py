"""A full disk, a folder that cannot be written, permissions that were lost: told, and no harm."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import tiny
from kills import Bench, started
from kills import command as _command

REMEDY = "Free space or correct the permissions"
NOBODY = 65534


@pytest.fixture
def home(tiny_ran, tmp_path):
    return shutil.copytree(tiny_ran, tmp_path / "home")


def run(home, *words, before=None, given=()):
    """Run a command in a process of its own, `before` in it first; return its code and errors."""
    (home / "said").write_text("", encoding="utf-8")
    process = started(_faulted, home, words, before, given)
    process.join(120)
    return process.exitcode, (home / "said").read_text(encoding="utf-8").strip()


def _faulted(home, words, before, given):
    os.chdir(home)
    said = os.open("said", os.O_WRONLY | os.O_APPEND)
    for number in (1, 2):
        os.dup2(said, number)
    sys.stdin = Path(os.devnull).open()  # noqa: SIM115 - the process ends with it
    if before:
        before(*given)
    _command(words)


def hashes(home):
    return Bench(home, "run").outcome()


@pytest.fixture
def full(tmp_path, request):
    """Return a folder on a disk of 128 KiB; without the right to mount, the test is skipped."""
    size = getattr(request, "param", "128k")
    place = tmp_path / "small disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place],
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        pytest.skip("mounting a small disk is not allowed here")
    yield place
    subprocess.run(["umount", place], check=True)


@pytest.mark.parametrize("limit", [1_000, 40_000])
def test_a_file_that_cannot_grow_is_told_and_leaves_the_old_ones(home, limit):
    """RLIMIT_FSIZE stands for a full disk where no small disk can be mounted."""
    before = hashes(home)
    (home / "edits.parquet").unlink()
    tiny.edits(seed=2).to_parquet(home / "edits.parquet")

    code, said = run(home, "run", "tiny.toml", before=small, given=(limit,))
    assert code == 2, said
    assert REMEDY in said
    assert said.count("\n") <= 8, said  # stages, and one line of error
    bench = Bench(home, "run")
    bench.look()
    assert not list((home / "data").rglob("*/.*.parquet.*"))
    tiny.edits().to_parquet(home / "edits.parquet")
    assert run(home, "run", "tiny.toml")[0] == 0
    assert hashes(home) == before


def test_a_full_disk_is_told_and_a_rerun_elsewhere_is_whole(home, full):
    code, said = run(home, "run", "tiny.toml", "--data", str(full / "data"))
    assert code == 2, said
    assert "No space left" in said
    assert REMEDY in said
    drafts = [p for p in full.rglob(".*") if p.is_file() and p.suffix != ".lock"]
    assert not drafts, "a draft was left behind"
    code, said = run(home, "purge", "tiny.toml", "--data", str(full / "data"), "--yes")
    assert code == 0, said


@pytest.mark.parametrize("full", ["40m"], indirect=True)
@pytest.mark.parametrize("more", [(), ("--ledger",)])
def test_a_case_is_purged_from_a_full_disk(home, full, more):
    data = shutil.copytree(home / "data", full / "data")
    with contextlib.suppress(OSError), (full / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))
    assert shutil.disk_usage(full).free == 0
    code, said = run(home, "purge", "tiny.toml", "--data", str(data), "--yes", *more)
    assert code == 0, said
    left = sorted(p.name for p in data.rglob("*") if p.is_file() and not p.name.endswith(".lock"))
    assert left == (["removed.json"] if more else ["ledger.jsonl", "removed.json"])
    for path in (data / "processed/tiny").glob("*"):
        text = path.read_text(encoding="utf-8")
        assert not any(name in text for name in tiny.NAMES)


def test_a_read_only_disk_is_told_and_nothing_changes(home):
    before = hashes(home)
    data = home / "data"
    if subprocess.run(["mount", "--bind", data, data], check=False).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", data], check=True)
        for words in (("run", "tiny.toml"), ("screen", "tiny.toml"), ("fetch", "dumped.toml")):
            code, said = run(home, *words)
            assert code == 2, said
            assert "Read-only file system" in said
            assert REMEDY.lower() in said.lower()
        words = ("reverse", "tiny.toml", tiny.NAMES[0], tiny.NAMES[2], "--by", "A", "--reason", "r")
        code, said = run(home, *words)
        assert code == 2, said
        assert "the ledger cannot be read or written (Read-only file system)" in said
        assert run(home, "audit", "tiny.toml")[0] == 0  # reading goes on
    finally:
        subprocess.run(["umount", data], check=True)
    assert hashes(home) == before


def test_a_full_disk_takes_no_half_entry_into_the_ledger(home):
    ledger = home / "data/processed/tiny/ledger.jsonl"
    before = ledger.read_bytes()
    words = ("reverse", "tiny.toml", tiny.NAMES[0], tiny.NAMES[2], "--by", "Ash", "--reason", "r")
    code, said = run(home, *words, before=small, given=(len(before) + 100,))
    assert code == 2, said
    assert "the ledger cannot be read or written" in said
    assert ledger.read_bytes() == before


def small(limit):
    """Let no file grow past a limit."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))


def as_nobody():
    os.setgid(NOBODY)
    os.setuid(NOBODY)


@contextlib.contextmanager
def open_to_nobody(home):
    """Let another user walk to a folder under pytest's own, which is its owner's only."""
    changed = [path for path in home.parents if path.stat().st_uid == os.geteuid()]
    changed = [path for path in changed if "pytest" in str(path)]
    modes = {path: path.stat().st_mode for path in changed}
    for path, mode in modes.items():
        path.chmod(mode | 0o011)
    try:
        yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize(
    "words",
    [
        ("run", "tiny.toml"),
        ("run", "tiny.toml", "--data", "fresh"),
        ("purge", "tiny.toml", "--yes"),
        ("review", "tiny.toml", "--reviewer", "Ann"),
        ("screen", "tiny.toml"),
        ("fetch", "dumped.toml"),
        ("audit", "tiny.toml"),
    ],
)
def test_another_user_can_neither_read_nor_write_and_is_told(home, words):
    before = hashes(home)
    home.chmod(0o755)
    for path in home.glob("*.*"):
        path.chmod(0o644)
    with open_to_nobody(home):
        code, said = run(home, *words, before=as_nobody)
    assert code == 2, said
    assert re.search("is not readable|cannot be|ermission", said), said
    assert "Traceback" not in said
    assert hashes(home) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_case_file_that_cannot_be_read_or_given_an_id_is_no_end(home):
    home.chmod(0o755)
    (home / "tiny.toml").chmod(0o600)
    with open_to_nobody(home):
        code, said = run(home, "run", "tiny.toml", before=as_nobody)
    assert code == 2, said
    assert re.search("is not readable|Check its permissions", said)
