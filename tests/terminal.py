"""The command line as a person meets it: words in; exit code, output and errors out."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path
from unittest import mock

from sockgraph.cli import main


def sockgraph(*words, cwd="."):
    """Run a command in this process: what a process costs is seconds of imports."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with (
        mock.patch.object(sys, "argv", ["sockgraph", *map(str, words)]),
        contextlib.chdir(cwd),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as stop:
            code = stop.code or 0
    return code, out.getvalue(), err.getvalue()


def process(*words, cwd="."):
    """Run a command as a process of its own."""
    run = subprocess.run(
        [sys.executable, "-m", "sockgraph", *map(str, words)],
        cwd=Path(cwd),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=os.environ | {"COLUMNS": "200"},
    )
    return run.returncode, run.stdout, run.stderr
