"""The alibi: what one person's accounts never have, and two people's have again and again."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from scipy import stats
from test_signals_traces import START, edits_of

from sockgraph.signals.alternation import DAYS, find_alternation, inverse_of_days, manual_edits
from sockgraph.signals.corpus import compile_edits, of_accounts
from sockgraph.signals.simultaneous import EVENINGS, LIMIT, find_alibis

PEOPLE = ["A", "B"]


def sitting(user, seed, day, n=8, *, pause=150.0, spread=0.9, start=0.0):
    """One person's evening: pauses of very different length, each save on a page of their own."""
    draw = np.random.default_rng([seed, day, len(user)])
    at = START + dt.timedelta(days=day, seconds=start + float(draw.uniform(0, 120)))
    rows = []
    for i in range(n):
        rows.append((user, at, f"{user} page {draw.integers(40)}-{i}", "c"))
        at += dt.timedelta(seconds=float(pause * np.exp(spread * draw.normal())) + 5)
    return rows


def units(rows):
    return of_accounts(compile_edits(edits_of(rows)), PEOPLE)


def alibi(rows):
    return find_alibis(units(rows), np.zeros(2, dtype=bool))


def turns(rows):
    return find_alternation(manual_edits(units(rows)), 2)


def two_people(days):
    return [
        row
        for day in range(days)
        for seed, user in enumerate(PEOPLE)
        for row in sitting(user, 10 + seed, day)
    ]


def one_person(days, deal):
    """One person's evenings dealt to two accounts: `deal` draws the account of each save."""
    rows = []
    for day in range(days):
        draw = np.random.default_rng([5, day])
        evening = sitting("one", 7, day, 16)
        rows += [(PEOPLE[a], *row[1:]) for a, row in zip(deal(draw, 16), evening, strict=True)]
    return rows


def at_will(draw, n):
    return draw.integers(0, 2, n)


def one_by_one(draw, n):
    return np.full(n, draw.integers(0, 2))


def test_two_people_at_work_together_evening_by_evening_have_an_alibi():
    found = alibi(two_people(25))
    assert found.significant[0, 1]
    assert found.log10_lr[0, 1] == -LIMIT
    assert found.turns.days[0, 1] >= DAYS


@pytest.mark.parametrize("deal", [at_will, one_by_one])
def test_one_person_has_none_however_the_accounts_are_used(deal):
    found = alibi(one_person(25, deal))
    assert not found.significant.any()
    assert np.nan_to_num(found.log10_lr[0, 1]) > -0.3


def test_accounts_used_one_after_the_other_have_no_turn():
    found = turns(one_person(25, one_by_one))
    assert found.count[0, 1] == 0
    assert found.inverse[0, 1] == 1


def test_mixing_at_will_has_many_turns_and_they_say_nothing():
    found = turns(one_person(25, at_will))
    assert found.days[0, 1] > DAYS
    assert found.inverse[0, 1] < 3


def test_fewer_days_than_three_say_nothing():
    found = turns(two_people(DAYS - 1))
    assert found.count[0, 1] > 0
    assert found.inverse[0, 1] == 1


def test_turns_are_counted_by_hand():
    minute = dt.timedelta(minutes=1)
    rows = [("A", START, "P", "c"), ("B", START + 4 * minute, "Q", "c")]
    rows += [("A", START + 9 * minute, "P", "c")]
    found = turns(rows)
    assert found.count[0, 1] == found.count[1, 0] == 1
    same_page = [(u, at, "P", c) for u, at, _, c in rows]
    assert turns(same_page).count[0, 1] == 0
    late = [*rows[:2], ("A", START + 31 * minute, "P", "c")]
    assert turns(late).count[0, 1] == 0
    twice = [*rows, ("B", START + 5 * minute, "Q", "c")]
    assert turns(twice).count[0, 1] == 0


def test_the_edits_named_are_turns_of_both_accounts():
    histories = units(two_people(25))
    found = find_alibis(histories, np.zeros(2, dtype=bool)).turns
    told = found.telling(0, 1)
    assert np.array_equal(told, found.telling(1, 0))
    assert set(histories.corpus.account[told]) == {0, 1}


@pytest.mark.parametrize("seconds", [1, 60])
def test_coarse_clocks_and_odd_histories_give_no_nan_where_something_is_said(seconds):
    rows = [(u, at.replace(second=at.second // seconds * seconds), p, c) for u, at, p, c in
            two_people(25)]  # fmt: skip
    found = alibi(rows)
    assert -LIMIT <= found.log10_lr[0, 1] <= 0
    assert np.isfinite(found.turns.inverse).all()


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [("A", START, "P", "c")],
        [("A", START + dt.timedelta(seconds=i), f"P{i}", "c") for i in range(40)],
        [("A", START, "P", "c"), ("B", START, "Q", "c")] * 1,
    ],
    ids=["nothing", "one edit", "one minute", "one second"],
)
def test_too_little_is_silence(rows):
    histories = units([("C", START, "P", "c")]) if not rows else units(rows)
    found = find_alibis(histories, np.zeros(2, dtype=bool))
    assert np.isnan(found.log10_lr).all()
    assert not found.significant.any()


def test_very_many_turns_are_a_large_number_and_no_overflow():
    from sockgraph.signals.null_models import inverse_lr

    found = inverse_lr(np.array([900.0]), np.array([1000.0]), np.array([0.001]))
    assert np.isfinite(found).all()
    assert found[0] > 1e300


def bought(evenings, edits=8, *, at=20.0):
    """One person's own evenings with either account, and evenings of saves in pairs."""
    draw = np.random.default_rng([evenings, edits])
    rows = one_person(30, one_by_one)
    for evening in range(evenings):
        moment = START + dt.timedelta(days=40 + 2 * evening, hours=at)
        for i in range(edits // 2):
            moment += dt.timedelta(seconds=float(draw.uniform(120, 400)))
            rows.append(("A", moment, f"P{i}", "c"))
            behind = moment + dt.timedelta(seconds=float(draw.uniform(5, 20)))
            rows.append(("B", behind, f"Q{i}", "c"))
    return alibi(rows)


@pytest.mark.parametrize("edits", [8, 40])
@pytest.mark.parametrize("evenings", [1, 3, 9])
def test_an_alibi_is_paid_for_in_evenings_and_not_in_edits(evenings, edits):
    found = bought(evenings, edits)
    assert found.log10_lr[0, 1] >= -LIMIT * evenings / EVENINGS - 1e-9
    assert not found.significant[0, 1]
    assert found.log10_lr[0, 1] > -LIMIT * 0.7


def test_ten_evenings_at_least_are_the_price_and_it_can_be_paid():
    assert EVENINGS >= 10
    assert bought(EVENINGS).significant[0, 1]


def test_an_evening_over_midnight_is_one():
    early, late = bought(5, 24, at=20.0), bought(5, 24, at=23.4)
    assert late.days[0, 1] == early.days[0, 1] == 5
    assert late.turns.days[0, 1] <= 5


def test_the_share_that_clears_is_held_against_the_upper_side_of_the_own_one():
    """Four own short pauses of forty are no ten per cent known for sure."""
    pauses = np.where(np.arange(41) % 10 == 5, 20.0, 400.0)
    rows = []
    for user, day in (("A", 0), ("B", 3)):
        at = START + dt.timedelta(days=day)
        for i, pause in enumerate(pauses):
            at += dt.timedelta(seconds=float(pause) + 0.01 * i)
            rows.append((user, at, f"{user}{i}", "c"))
    for day in range(10, 16):
        rows.append(("A", START + dt.timedelta(days=day), "P", "c"))
        rows.append(("B", START + dt.timedelta(days=day, seconds=900), "Q", "c"))
    found = alibi(rows)
    assert found.changes[0, 1] == 6
    own, total = 8, 80
    share = found.expected[0, 1] / found.changes[0, 1]
    assert share > stats.beta.ppf(0.85, own + 1, total - own + 1)
    assert share < stats.beta.ppf(0.99, own + 1, total - own + 1)


def test_half_of_those_who_run_two_accounts_are_thought_to_mix_them():
    """Turns as one person would make them are never worth more than two, however many."""
    found = inverse_of_days(np.array([200]), np.array([200.0]), np.array([0.0]))
    assert found == pytest.approx(2.0, rel=1e-3)


def test_turns_on_one_common_day_in_ten_are_more_than_one_after_the_other_explains():
    few, many = (
        inverse_of_days(np.array([k]), np.array([200.0]), np.array([-9.0])) for k in (3, 20)
    )
    assert few < 2.5
    assert many > 100


def test_mass_edits_are_no_work_by_hand():
    mass = [("A", START + dt.timedelta(seconds=25 * i + (i % 7)), f"R{i}", "t") for i in range(12)]
    hand = [
        ("A", START + dt.timedelta(days=1, seconds=200 * i**1.3), f"P{i}", "c") for i in range(9)
    ]
    histories = units([*mass, *hand, ("B", START, "Q", "c")])
    work = manual_edits(histories)
    mine = work.at[work.unit == 0]
    assert len(mine) == len(hand)
    assert mine.min() >= (START + dt.timedelta(days=1)).timestamp()
