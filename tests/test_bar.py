"""What the terminal shows while a fetch goes on."""

from __future__ import annotations

import io
import time

from rich.console import Console

from sockgraph.cli import terminal as module
from sockgraph.cli.terminal import bar


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


def test_without_a_terminal_a_long_stage_says_where_it_is(monkeypatch):
    shown = io.StringIO()
    monkeypatch.setattr(module, "CONSOLE", Console(file=shown, width=120))
    monkeypatch.setattr(module, "QUIET", 0.2)
    with bar() as progress:
        progress("edits", 1200, 4000)
        time.sleep(0.5)  # the work tells nothing meanwhile
        progress("signals", 2, None)
        time.sleep(0.3)
    lines = shown.getvalue().splitlines()
    assert lines[0] == "edits …"
    assert lines[1].startswith("edits: 1,200 of 4,000, ")
    later = lines[lines.index("signals …") + 1 :]
    assert later[0].startswith("signals: 2, ")
    assert 4 <= len(lines) <= 6
