"""Same input, case file and code: the same bytes, whatever the process, the threads, the order."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
import tiny
from hypothesis import given, settings
from hypothesis import strategies as st

from sockgraph.pipeline.run import run_case

ROOT = Path(__file__).parent.parent
PROCESSES = [
    {"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    {"PYTHONHASHSEED": "4711", "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"},
]


def files(data, *, of_input=True):
    """Return a hash of every file; `run` in the manifest is for what differs by intent.

    With `of_input` unset, what depends on the bytes of the table of edits, and not on its rows, is
    left out: its own hash, and with that the manifest's.
    """
    found = {}
    for path in sorted((data / "processed").rglob("*")):
        content = path.read_bytes() if path.is_file() else b""
        if path.name == "manifest.json":
            told = {**json.loads(content), "run": 0}
            if not of_input:
                told["source"]["files"] = 0
            content = json.dumps(told).encode()
        if path.name == "ledger.jsonl":  # its entries carry the time of their writing
            content = b"%d" % content.count(b"\n")
        found[path.name] = hashlib.sha256(content).hexdigest()
    return found


def in_process(folder, data, environment):
    run = subprocess.run(
        [sys.executable, "-m", "sockgraph", "run", "tiny.toml", "--data", data],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return files(folder / data)


@pytest.mark.whole
def test_other_processes_threads_and_hash_seeds_give_the_same_bytes(tmp_path):
    tiny.write(tmp_path, reference=36)  # enough to be calibrated: every fit takes part
    first, second = (
        in_process(tmp_path, f"data{n}", environment) for n, environment in enumerate(PROCESSES)
    )
    assert first == second
    manifest = json.loads((tmp_path / "data0/processed/tiny/manifest.json").read_text())
    assert manifest["evidence"]["calibrated"]


@pytest.fixture(scope="module")
def as_written(tiny_ran):
    return files(tiny_ran / "data", of_input=False)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=2)  # each is a run
def test_any_order_of_rows_and_columns_gives_the_same_bytes(tmp_path_factory, as_written, seed):
    order = random.Random(seed)  # noqa: S311 - no secret
    frame = tiny.edits()
    rows, columns = list(range(len(frame))), list(frame.columns)
    order.shuffle(rows)
    order.shuffle(columns)
    folder = tmp_path_factory.mktemp("in another order")
    path = tiny.write(folder, frame=frame.iloc[rows][columns])
    run_case(path, data=folder / "data")
    assert files(folder / "data", of_input=False) == as_written
