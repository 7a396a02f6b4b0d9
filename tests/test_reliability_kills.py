"""Killed some forty times: every table is whole or absent, and a rerun ends the same."""

from __future__ import annotations

import random
import shutil

import pytest
import typer
from kills import COMMANDS, bench, measure, moments

from sockgraph import cli

KILLS = dict.fromkeys(COMMANDS, 1) | {
    "fetch": 3, "run": 5, "screen": 3, "review": 4, "reverse": 3, "purge": 2, "validate": 2,
    "import-wiki": 2, "reopen": 2, "review-merge": 2, "refresh-hidden": 2, "new-case": 2, "demo": 0,
}  # fmt: skip
"""The demo is a run of a larger case: `benchmarks/kills.py` kills it."""
ROUNDS = 60
READ_ONLY = {"evaluate", "reviewers", "audit"}
ALIKE = {"lab", "report"}  # they write notebooks as new-case does, an entry as reverse does


@pytest.fixture(scope="module")
def start(tiny_ran, tmp_path_factory):
    return shutil.copytree(tiny_ran, tmp_path_factory.mktemp("kills") / "made")


@pytest.mark.whole
@pytest.mark.parametrize("command", [one for one in COMMANDS if KILLS[one]])
def test_a_kill_loses_nothing(start, tmp_path, command):
    known = measure(start, tmp_path / "whole", command)
    dice = random.Random(f"{command} 7")  # noqa: S311 - no secret
    kills = rounds = 0
    while kills < KILLS[command]:  # a moment may come after the command's end: then another
        assert rounds < ROUNDS, f"{kills} kills only"
        killed = bench(start, tmp_path / f"killed-{rounds}", command)
        for moment in moments(dice, known, KILLS[command] - kills):
            killed.start(moment)
            killed.look()
        killed.finish()
        killed.look()
        assert killed.outcome() == known.outcome
        kills += killed.kills
        rounds += 1
    assert kills == KILLS[command]


def test_every_command_that_writes_is_killed():
    """Whoever adds a command says here whether it is."""
    app = typer.main.get_command(cli.app)
    found = set()
    for name, command in app.commands.items():
        found |= {f"{name} {sub}" for sub in getattr(command, "commands", ())} or {name}
    assert set(COMMANDS) | READ_ONLY | ALIKE == found
