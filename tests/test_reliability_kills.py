"""Killed two dozen times: every table is whole or absent, and a rerun ends the same."""

from __future__ import annotations

import random

import pytest
from kills import COMMANDS, bench, made, measure, moments

KILLS = {
    "fetch": 3, "run": 5, "screen": 3, "review": 4, "reverse": 3, "purge": 2, "validate": 2,
    "import-wiki": 2,
}  # fmt: skip
ROUNDS = 60


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return made(tmp_path_factory.mktemp("kills"))


@pytest.mark.whole
@pytest.mark.parametrize("command", COMMANDS)
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


def test_there_are_two_dozen_kills():
    assert sum(KILLS.values()) == 24
