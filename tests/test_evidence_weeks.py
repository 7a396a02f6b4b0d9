"""One week left out: another number where the week mattered, the same where nothing happened."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from test_evidence_weigh import FEW, accounts_of, edits_of, history

from sockgraph.evidence import ComparisonInput, compare
from sockgraph.evidence import leave_out as weeks_of
from sockgraph.signals import SIGNALS


@pytest.fixture(scope="module")
def community():
    rows = [row for i in range(40) for row in history(f"R{i:02d}", 100 + i)]
    rows += history("A", 1) + history("B", 1, start=2.0) + history("C", 2)
    roles = {f"R{i:02d}": "reference" for i in range(40)} | dict.fromkeys("ABC", "nominated")
    return edits_of(rows), accounts_of(**roles)


@pytest.fixture(scope="module")
def weighed(community):
    return compare(ComparisonInput(*community, settings=FEW))


def weeks(weighed):
    rows = weighed.omissions[weighed.omissions["omitted"].str.startswith("week:")]
    return rows.assign(pair=rows["subject"].map(json.loads))


def test_every_pair_is_told_without_its_weightiest_weeks(weighed):
    rows = weeks(weighed)
    assert len(rows.drop_duplicates(["subject", "omitted"])) == len(rows)
    assert {tuple(p) for p in rows["pair"]} == {("A", "B"), ("A", "C"), ("B", "C")}
    assert rows.groupby("subject").size().max() <= weeks_of.WEEKS
    assert (rows["log10_lr_low"] <= rows["log10_lr"]).all()


def test_the_weeks_hold_edits_that_moved_the_pair(community, weighed):
    edits, _ = community
    week = edits["timestamp"].dt.isocalendar()
    label = week["year"].astype(str) + "-W" + week["week"].astype(str).str.zfill(2)
    of_edit = dict(zip("x.example:" + edits["rev_id"].astype(str), label, strict=True))
    told = weighed.evidence.explode("rev_ids").dropna(subset=["rev_ids"])
    for row in weeks(weighed).itertuples():
        mine = told[(told["user_a"] == row.pair[0]) & (told["user_b"] == row.pair[1])]
        assert row.omitted.removeprefix("week:") in {of_edit[r] for r in mine["rev_ids"]}


def test_one_week_of_many_changes_little(weighed):
    links = weighed.links.set_index(["user_a", "user_b"])["log10_lr"]
    for row in weeks(weighed).itertuples():
        assert abs(row.log10_lr - links[tuple(row.pair)]) < 1


def test_a_week_without_edits_changes_nothing(community, weighed, monkeypatch):
    def nothing(_histories, rev_ids):
        return np.arange(len(rev_ids)), np.zeros(len(rev_ids), dtype=np.int64)  # in 1970

    monkeypatch.setattr(weeks_of, "_telling_weeks", nothing)
    rows = weeks(compare(ComparisonInput(*community, settings=FEW)))
    links = weighed.links.set_index(["user_a", "user_b"])["log10_lr"]
    assert len(rows) == 3
    for row in rows.itertuples():
        assert row.omitted == "week:1970-W01"
        assert row.log10_lr == pytest.approx(links[tuple(row.pair)], abs=1e-6)


def test_the_week_that_a_history_lives_in_leaves_nothing_to_say(community):
    edits, accounts = community
    one = edits_of(history("Z", 1, n=40)).assign(rev_id=lambda f: f["rev_id"] + 10**6)
    start = pd.Timestamp("2024-03-04T08:00Z")
    one["timestamp"] = start + pd.to_timedelta(np.arange(40), unit="h")
    told = compare(
        ComparisonInput(
            pd.concat([edits, one]), pd.concat([accounts, accounts_of(Z="nominated")]), settings=FEW
        )
    )
    rows = weeks(told)
    gone = rows[(rows["omitted"] == "week:2024-W10") & rows["pair"].map(lambda p: "Z" in p)]
    assert len(gone)
    assert gone["log10_lr"].isna().all()


@pytest.mark.parametrize("saves", [1, 700])
def test_long_histories_are_shortened_one_at_a_time(community, weighed, saves, monkeypatch):
    monkeypatch.setattr(weeks_of, "SAVES", saves)
    told = []
    again = compare(
        ComparisonInput(*community, settings=FEW), progress=lambda *step: told.append(step)
    )
    some, whole = (w.omissions.drop(columns="subject") for w in (again, weighed))
    pd.testing.assert_frame_equal(some, whole, atol=1e-5)
    assert ("weeks left out", 0, len(SIGNALS)) in told
