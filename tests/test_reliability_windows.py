"""Where the system has no more than Windows has, cases are run and reviewed: simulated on Linux."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import tiny

from sockgraph.pipeline.run import demo_case


@pytest.mark.parametrize("which", ["tiny", pytest.param("demo", marks=pytest.mark.whole)])
def test_a_case_is_run_and_reviewed_with_what_windows_has(tmp_path, which):
    data = tmp_path / "data"
    case = tiny.write(tmp_path) if which == "tiny" else demo_case(data)
    script = Path(__file__).with_name("as_windows.py")
    ran = subprocess.run(
        [sys.executable, "-X", "warn_default_encoding", script, case, data],
        check=False,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert ran.stdout.strip().endswith("not upheld")
