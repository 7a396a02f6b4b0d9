"""Traces with a null of their own: what they say, leave unsaid, and how often they are wrong."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from test_signals_traces import START, edits_of

from sockgraph.evidence.comparison import last_blocks
from sockgraph.schema import validate
from sockgraph.signals.corpus import compile_edits, of_accounts
from sockgraph.signals.null_models import LIMIT, find_handovers, find_undoing, inverse_lr

DAY = dt.timedelta(days=1)


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
    rows = lives(1, 250)
    rows += [("A", START + i * DAY, "P", "c") for i in range(200, 600, 20)]
    rows += [("B", START + (581 + i) * DAY, "Q", "c") for i in range(0, 400, 20)]
    found = handovers(rows)
    assert found.log10_lr[0, 1] > 0.4
    assert found.log10_lr[0, 1] == found.log10_lr[1, 0] <= LIMIT
    corpus = units(rows).corpus
    told = found.telling(0, 1)
    assert {corpus.users[code] for code in corpus.account[told]} == {"A", "B"}
    assert corpus.seconds[told].max() - corpus.seconds[told].min() < 90 * 86400


def test_hand_overs_of_strangers_have_a_mean_lr_of_one_at_most():
    lr = upper(handovers(lives(2, 250)).log10_lr)
    heard = lr[~np.isnan(lr)]
    assert len(heard) > 5000
    assert 0.7 < (10**heard).mean() <= 1
    assert (heard > 0.5).mean() < 10**-0.5


@pytest.mark.parametrize("last_weeks", [20, 60])
def test_whoever_was_just_blocked_makes_no_newcomer_a_successor(last_weeks):
    """The mean is one at most of those heard with one that ended of late, not only of all."""
    draw = np.random.default_rng(last_weeks)
    end, rows = 1460 - 7 * last_weeks, []
    for i in range(300):
        first = float(draw.uniform(0, 1450))
        at = np.linspace(first, min(first + 20 + draw.exponential(300), 1460), 12)
        rows += [(f"R{i:03d}", START + float(x) * DAY, f"P{i}", "c") for x in at]
    rows += [("A", START + i * DAY, "P", "c") for i in np.linspace(200, end, 20)]
    found = units(rows)
    blocked = np.full(found.n_units, np.nan)
    blocked[0] = (START + end * DAY).timestamp()
    lr = find_handovers(found, np.ones(found.n_units, dtype=bool), blocked).log10_lr[0]
    heard = lr[~np.isnan(lr)]
    assert len(heard) >= 10
    assert (10**heard).mean() <= 1
    assert heard.max() < LIMIT


def test_a_beginning_that_many_share_is_no_hand_over():
    rows = lives(1, 250)
    rows += [("A", START + i * DAY, "P", "c") for i in range(200, 600, 20)]
    rows += [("B", START + (581 + i) * DAY, "Q", "c") for i in range(0, 400, 20)]
    alone = handovers(rows).log10_lr[0, 1]
    rows += [
        (f"C{k}", START + (581 + i) * DAY, "Q", "c") for k in range(9) for i in range(0, 300, 20)
    ]
    assert handovers(rows).log10_lr[0, 1] < alone - 0.2
    assert handovers(rows).support[0, 1] == 2


def test_nothing_heard_rests_on_nothing():
    found = handovers(lives(1, 5))
    assert np.isnan(found.log10_lr).all()
    assert not found.support.any()


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


@pytest.mark.parametrize("rows", [1, 2, 30], ids=["one edit", "two edits", "one second each"])
def test_odd_histories_say_nothing_and_break_nothing(rows):
    histories = units([("AB"[i % 2], START, f"P{i}", "c") for i in range(rows)], ["A", "B"])
    handover = find_handovers(histories, np.ones(2, dtype=bool), np.full(2, np.nan))
    for trace in (handover, find_undoing(histories)):
        assert not np.isinf(trace.log10_lr).any()
        assert np.isnan(np.diag(trace.log10_lr)).all()
        trace.telling(0, 1)


def quarrel(undone_by_b, undone_by_c=()):
    """A and B at work on one page; `undone_by_b` says which of A's edits B undoes."""
    rows = []
    for i in range(40):
        at = START + i * DAY
        rows.append(("A", at, "P", f"my view {i}"))
        rows.append(("B", at + DAY / 50, "P", "Undid revision by A" if i in undone_by_b else "x"))
        rows.append(("D", at + DAY / 40, "P", f"other view {i}"))
        rows.append(("ABC"[i % 3], at + DAY / 30, "P", "Undid revision by D"))
        rows.append(("C", at + DAY / 20, "P", "Undid revision by A" if i in undone_by_c else "y"))
    return find_undoing(units(rows, list("ABCD")))


def test_undoing_each_other_speaks_against_and_never_for():
    found = quarrel(range(0, 40, 2))
    assert found.log10_lr[0, 1] < -0.3
    assert (np.nan_to_num(found.log10_lr) <= 0).all()


def test_two_who_undo_the_same_third_person_and_not_each_other_say_nothing():
    """Nothing happened between A and B: no support, and evidence neither for nor against."""
    found = quarrel(())
    assert found.support[0, 1] == 0
    assert np.isnan(found.log10_lr[0, 1])
    assert found.support[0, 3] > 0


@pytest.mark.parametrize(("k", "n", "usual"), [(5.0, 50.0, 0.02), (3.0, 200.0, 0.01)])
def test_a_second_person_is_given_no_pace_up_to_eight_times_the_first_one_s(k, n, usual):
    share = np.linspace(usual, 8 * usual, 20_001)
    likelihood = share**k * (1 - share) ** (n - k)
    told = np.trapezoid(likelihood, share) / (7 * usual) / (usual**k * (1 - usual) ** (n - k))
    found = inverse_lr(np.array([k]), np.array([n]), np.array([usual]))
    assert found == pytest.approx(told, rel=1e-3)
