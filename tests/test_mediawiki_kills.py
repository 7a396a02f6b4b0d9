"""A fetch that is killed at any moment goes on where it was, and ends with the same tables."""

from __future__ import annotations

import random
import time

import pytest
from kills import started
from wiki import history

from sockgraph.case import load_case
from sockgraph.reference import read_population
from sockgraph.sources.mediawiki.source import MediaWikiSource
from sockgraph.store.raw_answers import SUFFIX, RawAnswers

pytestmark = pytest.mark.wiki
KILLS = 20
PAGE_SIZE = 40
NOMINATED = [str(account["name"]) for account in history.build().accounts[:40]]


def fetch(case, folder):
    source = MediaWikiSource(load_case(case), RawAnswers(folder), page_size=PAGE_SIZE)
    return read_population(load_case(case), source), source


def test_twenty_kills_change_nothing(wiki_case, tmp_path):
    case = wiki_case(*NOMINATED, reference="[reference]\naccounts = 30\n")
    began = time.monotonic()
    whole, uninterrupted = fetch(case, tmp_path / "whole")
    moment = (time.monotonic() - began) / (KILLS * 0.7)

    dice, kills, folder = random.Random(4), 0, tmp_path / "killed"  # noqa: S311 - no secret
    while kills < KILLS:
        process = started(fetch, case, folder)
        stored = len(list(folder.glob(f"[!.]*{SUFFIX}")))
        while len(list(folder.glob(f"[!.]*{SUFFIX}"))) == stored and process.is_alive():
            time.sleep(0.002)  # until it has begun to add something
        time.sleep(dice.random() * moment)
        process.kill()
        process.join()
        kills += process.exitcode == -9
        if process.exitcode != -9:  # it came to its end on a quicker machine: begin anew, sooner
            assert process.exitcode == 0
            folder, moment = tmp_path / f"killed-{kills}", moment / 2

    again, resumed = fetch(case, folder)
    assert len(again.edits) >= 5000
    assert len(again.accounts) >= 60
    for table in ("accounts", "edits", "log_events"):
        assert getattr(again, table).equals(getattr(whole, table))
    assert again.coverage.equals(whole.coverage)
    told, expected = resumed.provenance(), uninterrupted.provenance()
    assert told["requests"] == expected["requests"]
    assert sum(resumed.traffic()["requests"].values()) < sum(told["requests"].values())
