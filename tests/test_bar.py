"""What the terminal shows while a fetch goes on."""

from __future__ import annotations

import io

from rich.console import Console

from sockgraph.cli import bar as module
from sockgraph.cli.bar import bar


def test_a_fetch_shows_accounts_edits_requests_rate_and_time_left(monkeypatch):
    shown = io.StringIO()
    monkeypatch.setattr(module, "CONSOLE", Console(file=shown, force_terminal=True, width=120))
    with bar() as progress:
        progress("accounts", 3, 3)
        for step in range(1, 6):
            progress("edits", step * 400, 4000)
            progress("requests", step, None)
    text = shown.getvalue()
    for word in ("accounts", "3/3", "edits", "2000/4000", "requests", "5/?", "/s", "-:--:--"):
        assert word in text, word


def test_without_a_terminal_each_stage_is_a_line(monkeypatch):
    shown = io.StringIO()
    monkeypatch.setattr(module, "CONSOLE", Console(file=shown, width=120))
    with bar() as progress:
        progress("accounts", 1, 3)
        progress("accounts", 3, 3)
        progress("edits", 100, None)
    assert shown.getvalue().splitlines() == ["accounts …", "edits …"]
