"""What a cut fixes is not calibrated on it, and what is calibrated on it, the cut does not fix."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from test_evidence_weigh import START, edits_of, history

from sockgraph.evidence.model import (
    FAMILIES,
    GRID,
    Bounds,
    Model,
    NearPairs,
    Sample,
    Training,
    _before_first_failure,
    as_strangers,
    crowd,
    elub,
    fit,
    fit_line,
    fit_near_pairs,
)
from sockgraph.evidence.reliability import shared_pages
from sockgraph.evidence.settings import CROWD, CROWD_SHARE, STRANGERS
from sockgraph.evidence.training import GAP_DAYS, cut_histories
from sockgraph.signals import SIGNALS
from sockgraph.signals.corpus import DAY, Histories, compile_edits, of_accounts
from sockgraph.signals.null_models import find_handovers
from sockgraph.signals.vectors import similarity, term_vectors

CALIBRATED = {"pages", "time", "text", "writing", "mechanics"}


@pytest.fixture(scope="module")
def units():
    rows = [row for i in range(12) for row in history(f"R{i:02d}", 100 + i, n=60)]
    corpus = compile_edits(edits_of(rows))
    return of_accounts(corpus, [f"R{i:02d}" for i in range(12)])


@pytest.fixture(scope="module")
def splits(units):
    return cut_histories(units, np.arange(12), least=10)


def times(histories, unit):
    return histories.corpus.seconds[histories.saves[histories.unit == unit]]


def test_successive_halves_leave_a_gap(splits):
    found = np.flatnonzero(splits.stratum == 0)
    assert len(found)
    for i in found:
        assert times(splits.second, i).min() - times(splits.first, i).max() >= GAP_DAYS * DAY


def test_parallel_halves_overlap_and_share_no_save(splits):
    found = np.flatnonzero(splits.stratum == 1)
    assert len(found)
    for i in found:
        first = set(splits.first.saves[splits.first.unit == i])
        assert not first & set(splits.second.saves[splits.second.unit == i])


def test_both_halves_belong_to_their_account(splits):
    for half in (splits.first, splits.second):
        names = [half.corpus.users[code] for code in half.corpus.account[half.saves]]
        assert names == [f"R{owner:02d}" for owner in half.owner[half.unit]]
        assert half.n_saves.min() >= 10


def test_cuts_depend_on_their_own_account_alone(units):
    """Neither a name, nor a place in the row, nor anybody else moves where an account is cut."""
    some = cut_histories(units, np.arange(6), least=10)
    everyone = cut_histories(units, np.arange(12), least=10)
    mine = everyone.owner < 6
    assert np.array_equal(everyone.stratum[mine], some.stratum)
    kept = mine[everyone.first.unit]
    assert np.array_equal(everyone.first.saves[kept], some.first.saves)
    frame = units.corpus.frame.drop(columns="page")
    renamed = compile_edits(
        frame.assign(user=frame["user"].map(lambda name: f"Z{99 - int(name[1:])}"))
    )
    other = of_accounts(renamed, [f"Z{99 - i}" for i in range(6)])
    again = cut_histories(other, np.arange(6), least=10)
    for half, then in ((some.first, again.first), (some.second, again.second)):
        assert np.array_equal(half.corpus.seconds[half.saves], then.corpus.seconds[then.saves])


def held_by_revision(signal, corpus):
    """Return (saves, terms) what saves hold, in the order of their revisions' numbers."""
    bag = signal.bag(corpus)
    if bag is None:
        pytest.skip("the source has none of it")
    first = np.searchsorted(corpus.save, np.arange(corpus.n_saves))
    order = np.argsort(corpus.frame["rev_id"].to_numpy()[first])
    return bag.rows[bag.item[order]].toarray()


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda s: s.name)
def test_no_calibrated_signal_sees_dates(signal, units):
    """Moving each account's saves by whole weeks of its own leaves every bag as it was.

    The two cuts fix when the halves are active, the pauses between them, who follows whom, and that
    they never meet. A signal that does not change when whole lives are moved in time (hours kept)
    cannot tell the cut from any other pairing.
    """
    assert signal.family in CALIBRATED
    frame = units.corpus.frame.drop(columns="page")
    weeks = frame["user"].map(lambda name: int(name[1:]) * 7 * 5)
    moved = frame.assign(timestamp=frame["timestamp"] + weeks.map(np.timedelta64(1, "D").__mul__))
    here, there = (held_by_revision(signal, compile_edits(f)) for f in (frame, moved))
    assert np.allclose(here, there, atol=1e-5)


def test_a_line_recovers_the_log_lr_of_two_normals():
    draw = np.random.default_rng(1)
    same, different = draw.normal(2, 1, 4000), draw.normal(0, 1, 4000)
    even = np.full(4000, 1 / 4000)
    lift, scale = fit_line(Sample(same, even, different, even))
    assert scale * np.log(10) == pytest.approx(2, abs=0.15)  # slope (m1 - m0) / variance
    assert lift * np.log(10) == pytest.approx(-2, abs=0.2)


def test_a_line_stays_finite_on_what_does_not_overlap():
    even = np.full(50, 1 / 50)
    lift, scale = fit_line(Sample(np.full(50, 3.0), even, np.zeros(50), even))
    assert np.isfinite([lift, scale]).all()
    assert 0 < scale < 10


def test_bounds_grow_with_observations_and_never_beyond_them():
    draw = np.random.default_rng(2)
    even = np.full(500, 1 / 500)
    sample = Sample(draw.normal(3, 1, 500), even, draw.normal(-3, 1, 500), even)
    few, many = elub(sample, 30, 30), elub(sample, 300, 300)
    assert 0 < few.high < many.high <= np.log10(301)
    assert -np.log10(301) <= many.low < few.low < 0


def test_worthless_scores_have_no_range():
    even = np.full(200, 1 / 200)
    same = np.random.default_rng(3).normal(0, 1, 200)
    assert elub(Sample(same, even, same.copy(), even), 200, 200) == Bounds(-0.0, 0.0)


def scored(n, *pairs):
    """Scores of n accounts, -2 but for the pairs given."""
    found = np.full((n, n), -2.0)
    for a, b, score in pairs:
        found[a, b] = found[b, a] = score
    return found


def test_the_crowd_leaves_the_pair_itself_out():
    n = CROWD + 2
    alone = crowd(scored(n, (0, 1, 9.0)))
    assert alone[0, 1] == pytest.approx(-2 * CROWD_SHARE)
    beside = crowd(scored(n, (0, 1, 9.0), (0, 2, 3.0)))
    assert beside[0, 1] == pytest.approx(alone[0, 1] + CROWD_SHARE * 5 / CROWD / 2)
    assert np.array_equal(beside, beside.T)


def near_by(llr, near):
    return fit_near_pairs(np.asarray(llr), np.asarray(near))


def test_near_pairs_of_different_people_keep_their_word():
    draw = np.random.default_rng(6)
    near = -np.log10(draw.uniform(size=20_000))
    llr = draw.normal(-1, 1, len(near)) + 0.8 * near
    assert (llr[near > 2] > 1).mean() > 0.1
    fitted = near_by(llr, near)
    left = llr - fitted.correction(near)
    for low in (1.0, 2.0, 2.5):
        assert (left[near > low] > 1).mean() <= 0.11
        assert (left[near > low] > 2).mean() <= 0.02
    far = near < 0.69
    assert np.array_equal(left[far], llr[far])


def test_the_correction_goes_on_growing_beyond_the_nearest_pair():
    fitted = NearPairs(np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0, 2.0]))
    assert fitted.correction(np.array([0.5, 1.5, 3.0, 4.0])) == pytest.approx([0, 0.5, 2.0, 3.0])


def test_near_pairs_that_keep_their_word_are_left_alone():
    draw = np.random.default_rng(7)
    near = -np.log10(draw.uniform(size=5_000))
    assert not near_by(draw.normal(-2, 0.5, len(near)), near).off.any()


def test_too_few_pairs_say_nothing_of_near_ones():
    assert not near_by(np.zeros(20), np.zeros(20)).correction(np.array([3.0])).any()


def test_some_further_accounts_look_like_strangers():
    assert as_strangers(np.array([-50.0]))[0] == pytest.approx(np.log10(STRANGERS))
    assert as_strangers(np.array([0.0]))[0] == pytest.approx(0)
    assert as_strangers(np.array([400.0]))[0] > 299


def test_a_model_stays_finite_where_the_two_kinds_are_told_apart():
    """A small reference told apart perfectly must not run away (once 10^2601)."""
    for gap in (1.0, 4.0, 8.0):
        for seed in range(4):
            draw = np.random.default_rng(seed)
            same = draw.normal(1 + gap, 1, (104, len(SIGNALS)))
            different = draw.normal(1, 1, (1300, len(SIGNALS)))
            training = Training(same, np.full(104, 1 / 104), different, np.full(1300, 1 / 1300))
            assert np.median(np.abs(fit(training).score(different))) < 4


def test_a_family_counts_once_however_many_of_its_signals_say_it():
    weights = np.arange(1.0, len(FAMILIES) + 1)
    model = Model(np.zeros(len(SIGNALS)), np.ones(len(SIGNALS)), weights, 0.0)
    one = np.array([1 + (s.family == "text") for s in SIGNALS], dtype=float)
    text = weights[FAMILIES.index("text")]
    assert model.score(one) == pytest.approx(text)
    some = np.where([s.name == "habits" for s in SIGNALS], np.nan, one)
    assert model.score(some) == pytest.approx(text)
    assert model.contributions(some).sum() == pytest.approx(text)


def test_bounds_end_before_the_first_failure():
    assert _before_first_failure(np.array([True, True, False, True])) == GRID[1]
    assert _before_first_failure(np.array([False, True])) == 0


def evenings(seed, n=24):
    """People whose habits do not change over three years."""
    draw = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        first, last = np.sort(draw.uniform([0, 600], [1500, 2100]))
        rows += history(f"R{i:02d}", 100 + i, n=int(last - first) // 5, start=float(first))
    corpus = compile_edits(edits_of(rows))
    return of_accounts(corpus, [f"R{i:02d}" for i in range(n)])


def paired_at_random(units, cuts, seed):
    """Deal the saves of each cut account's halves out again, session by session."""
    draw = np.random.default_rng(seed)
    sides = ([], [])
    for i in range(cuts.first.n_units):
        rows = np.sort(np.concatenate([h.saves[h.unit == i] for h in (cuts.first, cuts.second)]))
        session = np.cumsum(np.diff(units.corpus.seconds[rows], prepend=-np.inf) > 1800)
        late = draw.integers(0, 2, session.max() + 1)[session] == 1
        for side, chosen in zip(sides, (rows[~late], rows[late]), strict=True):
            side.append(chosen)
    return [
        Histories(units.corpus, np.concatenate(s), np.repeat(np.arange(len(s)), list(map(len, s))),
                  cuts.owner)
        for s in sides
    ]  # fmt: skip


def told_apart(cut, other):
    """Return the share in which a cut's value lies above that of another pairing, ties half."""
    cut, other = (v[~np.isnan(v)] for v in (cut, other))
    above = np.sign(cut[:, None] - other[None, :])
    return float((above.mean() + 1) / 2) if above.size else 0.5


@pytest.fixture(scope="module")
def steady():
    accounts = evenings(9)
    cuts = cut_histories(accounts, np.arange(accounts.n_units), least=10)
    return accounts, cuts, paired_at_random(accounts, cuts, 4)


@pytest.mark.parametrize("stratum", [0, 1], ids=["successive", "parallel"])
@pytest.mark.parametrize("signal", SIGNALS, ids=lambda s: s.name)
def test_no_calibrated_signal_tells_a_cut_from_a_random_pairing_of_sessions(
    signal, stratum, steady
):
    accounts, cuts, dealt = steady
    bag = signal.bag(accounts.corpus)
    if bag is None or not bag.rows.nnz:
        pytest.skip("the source has none of it")
    siblings = []
    for first, second in ((cuts.first, cuts.second), dealt):
        halves = (term_vectors(bag, half, signal.weighting) for half in (first, second))
        siblings.append(np.diag(similarity(*halves))[cuts.stratum == stratum])
    assert 0.25 < told_apart(*siblings) < 0.75


def test_hand_over_tells_a_cut_and_is_therefore_calibrated_on_none(steady):
    accounts, cuts, dealt = steady
    chosen = np.flatnonzero(cuts.stratum == 0)
    values = []
    for halves in ((cuts.first, cuts.second), dealt):
        first, second = (half.take(chosen) for half in halves)
        unit = np.concatenate([2 * first.unit, 2 * second.unit + 1])
        order = np.argsort(unit, kind="stable")
        saves = np.concatenate([first.saves, second.saves])[order]
        both = Histories(accounts.corpus, saves, unit[order], np.repeat(first.owner, 2))
        n = both.n_units
        found = find_handovers(both, np.ones(n, dtype=bool), np.full(n, np.nan)).log10_lr
        values.append(np.nan_to_num(found[np.arange(0, n, 2), np.arange(1, n, 2)]))
    assert abs(told_apart(*values) - 0.5) > 0.3
    assert "hand-over" not in {signal.name for signal in SIGNALS}


def test_pages_in_common_are_those_of_the_accounts_that_are_compared():
    rows = [
        (user, START + dt.timedelta(hours=n), title, "typo")
        for n, (user, titles) in enumerate({"A": "PQR", "B": "PS", "C": "PQT", "D": "U"}.items())
        for title in titles
    ]
    units = of_accounts(compile_edits(edits_of(rows)), ["D", "C", "B"])  # A is not
    assert shared_pages(units).tolist() == [[1, 0, 0], [0, 3, 1], [0, 1, 2]]


def test_no_name_moves_an_account_in_a_corpus():
    rows = [row for i in range(3) for row in history(f"R{i}", 7 + i, n=20)]
    renamed = [({"R0": "Z", "R1": "A"}.get(user, user), *rest) for user, *rest in rows]
    first, second = (compile_edits(edits_of(some)) for some in (rows, renamed))
    assert [{"R0": "Z", "R1": "A"}.get(user, user) for user in first.users] == list(second.users)
    assert first.digest == second.digest
