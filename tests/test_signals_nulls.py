"""Traces with a null of their own: what they say, leave unsaid, and how often they are wrong."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from test_signals_traces import START, edits_of

from sockgraph.evidence.null_tests import last_blocks
from sockgraph.schema import empty, validate
from sockgraph.signals import compile_edits, of_accounts
from sockgraph.signals.dialogue import find_talk, find_thanks
from sockgraph.signals.handover import find_handovers
from sockgraph.signals.meetings import coupled_absence, page_gaps, shared_sessions
from sockgraph.signals.nulls import LIMIT, UNPROVEN
from sockgraph.signals.reverts import find_undoing
from sockgraph.signals.sides import find_restored, find_same_side

DAY = dt.timedelta(days=1)
MEETINGS = (coupled_absence, shared_sessions, page_gaps)


def lives(seed, n):
    """Accounts that begin and end whenever they like, over four years."""
    draw = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        first, last = np.sort(draw.uniform(0, 1460, 2))
        at = np.linspace(first, last, 12)
        rows += [(f"R{i:03d}", START + float(x) * DAY, f"P{i}", "c") for x in at]
    return rows


def units(rows, users=None):
    return of_accounts(compile_edits(edits_of(rows)), users or sorted({r[0] for r in rows}))


def handovers(rows):
    found = units(rows)
    n = found.n_units
    return find_handovers(found, np.ones(n, dtype=bool), np.full(n, np.nan))


def upper(values):
    return values[np.triu_indices(len(values), 1)]


def test_one_stops_and_the_other_starts():
    rows = lives(1, 60)
    rows += [("A", START + i * DAY, "P", "c") for i in range(200, 600, 20)]
    rows += [("B", START + (581 + i) * DAY, "Q", "c") for i in range(0, 400, 20)]
    found = handovers(rows)
    assert found.log10_lr[0, 1] > 0.5
    assert found.log10_lr[0, 1] == found.log10_lr[1, 0] <= LIMIT
    corpus = units(rows).corpus
    told = found.telling(0, 1)
    assert set(corpus.account[told]) == {0, 1}
    assert corpus.seconds[told].max() - corpus.seconds[told].min() < 90 * 86400


def test_hand_overs_of_strangers_have_a_mean_lr_of_one():
    lr = upper(handovers(lives(2, 250)).log10_lr)
    heard = lr[~np.isnan(lr)]
    assert len(heard) > 5000
    assert 0.7 < (10**heard).mean() < 1.3
    assert (heard > 0.5).mean() < 10**-0.5


def test_two_who_work_side_by_side_hand_nothing_over():
    rows = lives(1, 30)
    rows += [(u, START + i * DAY, "P", "c") for u in "AB" for i in range(200, 900, 20)]
    assert np.isnan(handovers(rows).log10_lr[0, 1])


def test_a_block_is_an_end():
    rows = lives(1, 60) + [("A", START + i * DAY, "P", "c") for i in range(200, 600, 20)]
    rows += [("B", START + (650 + i) * DAY, "Q", "c") for i in range(0, 400, 20)]
    found = units(rows)
    log = pd.DataFrame(
        [("x.example", 1, "block", "block", START + 648 * DAY, "X", "User:A", "{}")],
        columns=["wiki", "log_id", "type", "action", "timestamp", "actor", "target", "params"],
    )
    users = tuple(sorted({r[0] for r in rows}))
    blocked = last_blocks(validate("log_events", log), users)
    assert blocked[0] == (START + 648 * DAY).timestamp()
    everyone = np.ones(len(users), dtype=bool)
    without, told = (
        find_handovers(found, everyone, b).log10_lr[0, 1]
        for b in (np.full(len(users), np.nan), blocked)
    )
    assert told > without


def clocks(seed, n=40):
    """People with hours of their own and nothing to do with each other."""
    draw = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        day = np.unique(draw.integers(0, 400, 120))
        hour = draw.uniform(0, 24) + draw.normal(0, 1.5, len(day))
        rows += [
            (f"R{i:03d}", START + float(d + h / 24) * DAY, f"P{draw.integers(3)}", "c")
            for d, h in zip(day, hour, strict=True)
        ]
    return rows


@pytest.mark.parametrize("signal", MEETINGS, ids=lambda s: s.__name__)
def test_meetings_of_strangers_are_held_and_have_no_lr_above_one_on_the_whole(signal):
    found = signal(units(clocks(3)))
    lr = upper(found.log10_lr)
    heard = lr[~np.isnan(lr)]
    assert (np.abs(heard) <= UNPROVEN).all()
    assert len(heard) > 50
    assert (10**heard).mean() < 1.05
    assert np.array_equal(found.log10_lr, found.log10_lr.T, equal_nan=True)


def test_sessions_that_keep_apart_speak_for_and_shared_ones_against():
    rows = clocks(4, 20)
    for i in range(120):
        a, b, c = (("A", 10.0), ("B", 10.0 if i % 2 else 15.0), ("C", 10.2))
        for user, hour in (a, b, c):
            if user != "A" or i % 2 == 0:
                rows.append((user, START + (i + hour / 24) * DAY, "P", "c"))
    found = shared_sessions(units(rows))
    assert found.log10_lr[0, 1] > 0 > found.log10_lr[0, 2]
    assert found.support[0, 1] == 0 < found.support[0, 2]


def test_the_saves_named_meet():
    rows = [(u, START + i * DAY, "P", "c") for u in "AB" for i in range(30)]
    histories = units(rows)
    for signal in MEETINGS:
        told = signal(histories).telling(0, 1)
        assert set(histories.corpus.account[told]) == {0, 1}


def talking():
    people = "ABCDEF"
    draw = np.random.default_rng(1)
    rows = []
    for i in range(150):
        a, b = draw.choice(6, 2, replace=False)
        rows.append((people[a], START + i * DAY, f"User talk:{people[b]}", "hi"))
    rows += [("A", START + (200 + i) * DAY, "User talk:B/archive", "hi") for i in range(12)]
    frame = edits_of(rows)
    frame["ns"] = pd.array([3] * len(frame), dtype="Int16")
    return of_accounts(compile_edits(validate("edits", frame)), list(people))


def test_talking_to_each_other_speaks_a_little_against():
    found = find_talk(talking(), list("ABCDEF"))
    assert found.log10_lr[0, 1] == -UNPROVEN
    assert found.support[0, 1] >= 12
    assert len(found.telling(0, 1))


def test_without_talk_pages_or_thanks_nothing_is_available():
    histories = units([("A", START, "P", "c"), ("B", START, "Q", "c")])
    assert find_talk(histories, ["A", "B"]) is None
    assert find_thanks(histories, ["A", "B"], empty("log_events")) is None


def test_thanks_are_counted_by_day():
    histories = talking()
    rows = [
        ("x.example", i, "thanks", "thank", START + (i // 2) * DAY, "A", "User:B", "{}")
        for i in range(8)
    ]
    columns = ["wiki", "log_id", "type", "action", "timestamp", "actor", "target", "params"]
    log = validate("log_events", pd.DataFrame(rows, columns=columns))
    found = find_thanks(histories, list("ABCDEF"), log)
    assert found.support[0, 1] == found.support[1, 0] == 4
    assert np.nanmax(np.abs(found.log10_lr)) <= UNPROVEN


def dispute(tagged=None):
    """C changes the page, A and B each put it back, in turn, against C, D and E."""
    rows, hashes = [], []
    for i in range(12):
        for j, (user, text) in enumerate(
            (("CDE"[i % 3], f"new{i}"), ("AB"[i % 2], "old"), ("FG"[i % 2], f"more{i}"))
        ):
            rows.append((user, START + i * DAY + j * DAY / 10, "P", f"edit {i}"))
            hashes.append(text)
    frame = edits_of(rows)
    frame["sha1"] = hashes
    if tagged is not None:
        frame["sha1"] = None
        frame["tags"] = [["mw-undo"] if t == "old" else [] for t in hashes]
    return of_accounts(compile_edits(validate("edits", frame)), list("ABCDEFG"))


@pytest.mark.parametrize("tagged", [None, True], ids=["by hash", "by the wiki's tag"])
def test_the_same_side_against_the_same_people(tagged):
    histories = dispute(tagged)
    found = find_same_side(histories)
    assert found.support[0, 1] == 3
    assert found.support[0, 2] == 0
    assert set(histories.corpus.account[found.telling(0, 1)]) == {0, 1}


def test_versions_brought_back_are_the_last_saver_s():
    found = find_restored(dispute())
    assert found.support[0, 1] >= 10
    assert found.support[0, 2] == 0
    assert find_restored(dispute(tagged=True)) is None


@pytest.mark.parametrize("rows", [1, 2, 30], ids=["one edit", "two edits", "one second each"])
def test_odd_histories_say_nothing_and_break_nothing(rows):
    histories = units([("AB"[i % 2], START, f"P{i}", "c") for i in range(rows)], ["A", "B"])
    found = [signal(histories) for signal in MEETINGS]
    found.append(find_handovers(histories, np.ones(2, dtype=bool), np.full(2, np.nan)))
    found.append(find_undoing(histories))
    for trace in found:
        assert not np.isinf(trace.log10_lr).any()
        assert np.isnan(np.diag(trace.log10_lr)).all()
        trace.telling(0, 1)
