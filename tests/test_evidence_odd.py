"""Odd histories: insufficient or uncalibrated with the reason, never a number without support."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from test_evidence_weigh import FEW, START, accounts_of, edits_of, history

from sockgraph.evidence import ComparisonInput, compare
from sockgraph.schema import empty, validate

DAY = dt.timedelta(days=1)


def few(user, n=3):
    return [(user, START + i * DAY, f"Page {i}", "x") for i in range(n)]


def one_minute(user):
    return [(user, START + dt.timedelta(seconds=i), f"Page {i}", "x") for i in range(50)]


def machine(user, offset=0):
    return [
        (user, START + dt.timedelta(minutes=10 * i, seconds=offset), f"Page {i % 30}", "bot")
        for i in range(400)
    ]


def by_the_minute(user):
    rows = history(user, 77, n=60)
    return [(u, at.replace(second=0, microsecond=0), p, c) for u, at, p, c in rows]


def silent(user):
    return [(u, at, p, None) for u, at, p, _ in history(user, 88)]


ODD = {
    "three edits each": few("Y") + few("Z"),
    "all in one minute": one_minute("Y") + one_minute("Z"),
    "machines at a constant pace": machine("Y") + machine("Z", 5),
    "clocks by the minute": by_the_minute("Y") + by_the_minute("Z"),
    "no summaries": silent("Y") + silent("Z"),
    "one of each": few("X") + one_minute("Y") + machine("Z") + by_the_minute("W"),
}


def blocks(users):
    rows = [
        ("x.example", i, kind, kind, START + 90 * DAY, "Clerk", f"User:{user}", "{}")
        for i, (user, kind) in enumerate([(u, k) for u in users for k in ("block", "thanks")])
    ]
    columns = ["wiki", "log_id", "type", "action", "timestamp", "actor", "target", "params"]
    return validate("log_events", pd.DataFrame(rows, columns=columns))


@pytest.fixture(scope="module")
def reference():
    rows = [row for i in range(36) for row in history(f"R{i:02d}", 100 + i)]
    return rows, {f"R{i:02d}": "reference" for i in range(36)}


def weighed(rows, roles, log_events=None):
    found = compare(
        ComparisonInput(edits_of(rows), accounts_of(**roles), settings=FEW, log_events=log_events)
    )
    sound(found)
    return found


def sound(found):
    """Check that whatever is said is a number, and whatever is not says why."""
    evidence, links = found.evidence, found.links
    said = evidence[evidence["status"] == "ok"]
    assert said["score"].notna().all()
    assert evidence.loc[evidence["status"] != "ok", "log10_lr"].isna().all()
    for column in ("score", "log10_lr", "log10_lr_low", "log10_lr_high"):
        assert not np.isinf(links[column].dropna()).any()
    silent = links["score"].isna()
    assert set(links.loc[silent, "band"]) <= {"insufficient", "not calibrated"}
    assert not links.loc[silent, "flagged"].any()
    if found.calibration["calibrated"]:
        assert links.loc[~silent, "log10_lr"].notna().all()
    else:
        assert found.calibration["reason"]
        assert evidence["log10_lr"].isna().all()


@pytest.mark.parametrize("name", ODD)
def test_beside_a_reference(name, reference):
    rows, roles = reference
    odd = ODD[name]
    users = sorted({r[0] for r in odd})
    found = weighed(rows + odd, roles | dict.fromkeys(users, "nominated"), blocks(users))
    if name == "three edits each":
        assert set(found.links["band"]) == {"insufficient"}
    assert not found.links["alibi"].any()


@pytest.mark.parametrize("name", ODD)
def test_without_a_reference(name):
    odd = ODD[name]
    weighed(odd, dict.fromkeys({r[0] for r in odd}, "nominated"))


@pytest.mark.parametrize("name", ODD)
def test_beside_a_reference_of_one(name):
    odd = ODD[name]
    roles = {"R00": "reference"} | dict.fromkeys({r[0] for r in odd}, "nominated")
    weighed(history("R00", 100) + odd, roles, empty("log_events"))


def test_one_account_alone():
    found = compare(
        ComparisonInput(edits_of(few("Y", 20)), accounts_of(Y="nominated"), settings=FEW)
    )
    assert found.links.empty
    assert found.evidence.empty


def test_intervals_do_not_depend_on_how_many_pairs_are_looked_at_together(monkeypatch):
    from sockgraph.evidence import scoring as judge

    rng = np.random.default_rng(5)
    scores = [rng.normal(size=100) for _ in range(30)]
    whole = judge._around(scores, (100,))
    monkeypatch.setattr(judge, "AT_ONCE", 7)
    for one, other in zip(whole, judge._around(scores, (100,)), strict=True):
        assert np.array_equal(one, other)
        assert (one > 0).all()
