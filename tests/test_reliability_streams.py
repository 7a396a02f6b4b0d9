"""Standard output closed, full or ASCII: a clean end, and nothing altered without a word."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "sockgraph", "--help"]
HANDED_OVER = """
from sockgraph.runtime import open_streams
from sockgraph.cli.terminal import hand_over, tell
open_streams()
hand_over("\\u9752\\u77f3\\u5df7")
tell("\\u9752\\u77f3\\u5df7")
"""


def run(command, **more):
    return subprocess.run(command, check=False, stderr=subprocess.PIPE, timeout=300, **more)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_output_is_told_in_one_line(unbuffered):
    """Unbuffered, it breaks on the way; else as the process ends."""
    with Path("/dev/full").open("w") as full:
        ran = run(COMMAND, stdout=full, env=os.environ | {"PYTHONUNBUFFERED": unbuffered})
    assert ran.returncode == 2
    (line,) = ran.stderr.decode().splitlines()
    assert line == (
        "sockgraph: standard output: it cannot be written (No space left on device). Free space."
    )


@pytest.mark.parametrize("closed", [(1,), (0, 1, 2)])
def test_a_closed_output_is_a_clean_end(closed):
    shell = " ".join(f"{number}>&-" for number in closed)
    ran = run(["sh", "-c", f'exec "$@" {shell}', "sh", *COMMAND])
    assert ran.returncode == 0
    assert ran.stderr == b""


def test_a_reader_that_leaves_is_a_clean_end():
    left, gone = os.pipe()
    os.close(left)
    ran = run(COMMAND, stdout=gone)
    os.close(gone)
    assert ran.returncode in {0, 1}
    assert ran.stderr == b""


def test_an_ascii_output_changes_no_name():
    plain = {**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0"}
    ran = run([sys.executable, "-c", HANDED_OVER], stdout=subprocess.PIPE, env=plain)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "青石巷\n青石巷\n".encode()  # typer writes UTF-8 where it is told ASCII


def test_a_name_of_a_file_is_no_pattern(tmp_path):
    pytest.importorskip("duckdb", reason="the screen extra is not installed")
    import pandas as pd

    from sockgraph.screening.wiki import import_wiki

    when = pd.Timestamp("2024-01-01", tz="UTC")
    for n, name in enumerate(("e*.parquet", "ex.parquet", "wiki[1].parquet", "it's.parquet")):
        rows = [(f"{name} {n}", when, f"Page {i}", i) for i in range(n + 1)]
        frame = pd.DataFrame(rows, columns=["user", "timestamp", "title", "rev_id"])
        frame.to_parquet(tmp_path / name)
        folder = tmp_path / f"sorted [{n}]*"
        assert import_wiki(tmp_path / name, folder).folder == folder
        assert len(pd.read_parquet(folder / "edits.parquet")) == n + 1
