"""What the terminal shows while a fetch goes on."""

from __future__ import annotations

import io
import itertools

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


def test_without_a_terminal_a_long_stage_says_where_it_is(monkeypatch):
    shown, now = io.StringIO(), itertools.chain([0, 1, 5, 12], itertools.repeat(23))
    monkeypatch.setattr(module, "CONSOLE", Console(file=shown, width=120))
    monkeypatch.setattr(module.time, "monotonic", lambda: next(now))
    with bar() as progress:
        progress("edits", 0, 4000)  # said at 1
        progress("edits", 400, 4000)  # nothing at 5
        progress("edits", 1200, 4000)  # said at 12
        progress("edits", 2400, None)
    assert shown.getvalue().splitlines() == ["edits …", "edits: 1,200 of 4,000", "edits: 2,400"]
