"""The command line: a thin translation of library calls, and of errors into one line and exit 2."""

from __future__ import annotations

from sockgraph.cli.app import app, main

__all__ = ["app", "main"]
