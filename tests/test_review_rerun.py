"""A case that is run again respects its ledger: findings stand beside the evidence as it is now."""

from __future__ import annotations

import dataclasses
import re

import pandas as pd
import pytest
from report_fixture import river_trade
from review_work import commit, review

from sockgraph.pipeline import review_session, run
from sockgraph.report.data import read_links
from sockgraph.report.summary import answer
from sockgraph.reviews.answers import open_findings

PAIR = ("Heron", "Moth")
CASE = """
title = "Edits to one river"
reason = "Three articles were returned to one wording"
wikis = ["fernwick.example"]
[source]
kind = "table"
path = "edits.parquet"
[accounts]
nominated = ["Heron", "Moth"]
[[earlier]]
a = "Heron"
b = "Moth"
by = "Marrow Lintel"
date = 2024-03-01
action = "lock"
"""
LOOK = "for another look"


@pytest.fixture
def room(tmp_path):
    start = pd.Timestamp("2024-01-01", tz="UTC")
    edits = pd.DataFrame(
        {
            "timestamp": [start + pd.Timedelta(hours=7 * i) for i in range(120)],
            "user": ["Heron", "Moth", "Wren"] * 40,
            "title": ["River", "Lake", "Hill", "Marsh"] * 30,
            "comment": "ce",
        }
    )
    edits.to_parquet(tmp_path / "edits.parquet")
    case = tmp_path / "river.toml"
    case.write_text(CASE)
    return run_again(case)


def run_again(case):
    run.run_case(case, data=case.parent / "data")
    return review_session.ReviewSession.of(case, case.parent / "data")


def page(room):
    return room.store.path("report.html").read_text(encoding="utf-8")


def change(room):
    path = room.file.parent / "edits.parquet"
    pd.read_parquet(path).iloc[30:].to_parquet(path)


def test_findings_show_beside_the_evidence_in_every_rerun_the_same(room):
    before = page(room)
    assert "<li>Asserted by Marrow Lintel on 2024-03-01 (lock).</li>" in before
    assert "<li>Review: " not in before
    review(room.dossier, room.ledger, PAIR, Ann="not upheld", Bea="not upheld")
    after = page(run_again(room.file))
    assert "<li>Review: Ann: not upheld; Bea: not upheld.</li>" in after
    assert LOOK not in after
    assert page(run_again(room.file)) == after


def test_a_finding_is_marked_once_its_evidence_has_moved(room):
    review(room.dossier, room.ledger, PAIR, Ann="not upheld", Bea="not upheld")
    entries = room.ledger.entries()
    change(room)
    moved = run_again(room.file)
    assert "<li>Review: Ann: not upheld; Bea: not upheld.</li>" in page(moved)
    assert f'<span class="state d">{LOOK}</span>' in page(moved)
    assert moved.ledger.entries() == entries


def test_an_accepted_alibi_reaches_the_flags(room, monkeypatch):
    given = []

    def weigh(case, **more):
        given.append(list(case.accepted_alibis))
        return original(case, **more)

    original = run.compare
    monkeypatch.setattr(run, "compare", weigh)
    run_again(room.file)
    kept = [
        commit(room.dossier, room.ledger, PAIR, who, "not upheld", alibi="accepted")
        for who in ("Ann", "Bea")
    ]
    open_findings(room.ledger, kept)
    again = run_again(room.file)
    assert given == [[], [PAIR]]
    assert "cannot-link" in page(again)


@pytest.mark.parametrize("state", ["upheld", "not upheld", "inconclusive", "stands"])
def test_what_a_review_has_decided_waits_for_none(state):
    links = read_links(river_trade())
    first, *others = [link for link in links if link.flagged]
    rest = [link for link in links if not link.flagged]
    decided = dataclasses.replace(first, state=state)
    told = re.sub(r"<[^>]+>", "", answer([decided, *others, *rest], 8))
    assert f"{first.a} and {first.b} was reviewed: {state}." in told
    assert told.count("to review") == 1
    alone = re.sub(r"<[^>]+>", "", answer([decided, *rest], 8))
    assert "to review" not in alone
    assert "No link met" not in alone
    moved = answer([dataclasses.replace(decided, moved=True), *others, *rest], 8)
    assert "was reviewed" not in moved  # two people are to look again
