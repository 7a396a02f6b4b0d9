"""What a cut fixes is not calibrated on it, and what is calibrated on it, the cut does not fix."""

from __future__ import annotations

import numpy as np
import pytest
from test_evidence_weigh import edits_of, history

from sockgraph.evidence.adjustment import (
    PRIOR,
    Closeness,
    CommunityAdjustment,
    rivalry,
    rivalry_of_halves,
    tilt,
)
from sockgraph.evidence.model import Bounds, Sample, elub, line
from sockgraph.evidence.pseudo_pairs import GAP_DAYS, cut_histories
from sockgraph.signals import (
    SIGNALS,
    Histories,
    compile_edits,
    of_accounts,
    profile,
    similarity,
)
from sockgraph.signals.corpus import DAY
from sockgraph.signals.handover import find_handovers

CALIBRATED = {"pages", "time", "text", "mechanics"}


@pytest.fixture(scope="module")
def units():
    rows = [row for i in range(12) for row in history(f"R{i:02d}", 100 + i, n=60)]
    corpus = compile_edits(edits_of(rows))
    return of_accounts(corpus, [f"R{i:02d}" for i in range(12)])


@pytest.fixture(scope="module")
def splits(units):
    return cut_histories(units, np.arange(12), least=10, seed=3)


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


def test_both_halves_belong_to_their_account(units, splits):
    for half in (splits.first, splits.second):
        owner = units.owner[half.owner[half.unit]]
        assert np.array_equal(half.corpus.account[half.saves], owner)
        assert half.n_saves.min() >= 10


def test_cuts_depend_on_the_seed_alone(units):
    again = [cut_histories(units, np.arange(12), least=10, seed=s) for s in (3, 3, 4)]
    assert np.array_equal(again[0].first.saves, again[1].first.saves)
    assert not np.array_equal(again[0].first.saves, again[2].first.saves)


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
    bags = [signal.bag(compile_edits(f)) for f in (frame, moved)]
    if bags[0] is None:
        pytest.skip("the source has none of it")
    assert np.allclose(bags[0].rows.toarray(), bags[1].rows.toarray(), atol=1e-5)


def test_a_line_recovers_the_log_lr_of_two_normals():
    draw = np.random.default_rng(1)
    same, different = draw.normal(2, 1, 4000), draw.normal(0, 1, 4000)
    even = np.full(4000, 1 / 4000)
    lift, scale = line(Sample(same, even, different, even))
    assert scale * np.log(10) == pytest.approx(2, abs=0.15)  # slope (m1 - m0) / variance
    assert lift * np.log(10) == pytest.approx(-2, abs=0.2)


def test_a_line_stays_finite_on_what_does_not_overlap():
    even = np.full(50, 1 / 50)
    lift, scale = line(Sample(np.full(50, 3.0), even, np.zeros(50), even))
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


def scored(*pairs, n=4):
    """Scores of n accounts, -2 but for the pairs given."""
    found = np.full((n, n), -2.0)
    for a, b, score in pairs:
        found[a, b] = found[b, a] = score
    return found


def test_a_rival_speaks_against_and_the_pair_itself_does_not():
    everyone = np.ones(4, dtype=bool)
    alone = rivalry(scored((0, 1, 4.0)), everyone)
    assert alone[0, 1] == pytest.approx(-np.log10(PRIOR), abs=0.01)
    beside = rivalry(scored((0, 1, 4.0), (0, 2, 4.0)), everyone)
    assert beside[0, 1] > alone[0, 1] + 0.9
    assert np.array_equal(beside, beside.T)


def test_who_may_be_the_same_as_the_other_side_is_no_rival():
    three = rivalry(scored((0, 1, 4.0), (0, 2, 4.0), (1, 2, 4.0)), np.ones(4, dtype=bool))
    two = rivalry(scored((0, 1, 4.0), (0, 2, 4.0)), np.ones(4, dtype=bool))
    assert three[0, 1] < two[0, 1] - 0.7


def test_only_the_community_holds_rivals_and_silence_is_none():
    scores = scored((0, 1, 4.0), (0, 2, 4.0))
    assert rivalry(scores, np.array([True, True, False, True]))[0, 1] < 2.01
    scores[0, 2] = scores[2, 0] = np.nan
    assert rivalry(scores, np.ones(4, dtype=bool))[0, 1] < 2.01


def test_halves_have_the_rivals_that_accounts_have():
    whole = scored((0, 1, 1.0), (0, 2, 3.0), (1, 3, 2.0))
    sides = whole[:2].copy()
    sides[:, :2] = np.nan  # their own account, in both
    others = np.stack([sides[:1], sides[1:]])
    everyone = np.ones(4, dtype=bool)
    assert rivalry_of_halves(others, everyone)[0] == pytest.approx(rivalry(whole, everyone)[0, 1])


def neighbours(lift, n=400):
    """A reference in which one pair of eight is near, and near different people score higher."""
    draw = np.random.default_rng(6)
    near = (np.arange(n) % 8 == 0).astype(float)
    same, different = draw.normal(1.5, 0.8, n), draw.normal(-1.5, 0.8, n) + lift * near
    even = np.full(n, 1 / n)
    close = Closeness(np.zeros((2, 2)), np.zeros((2, 2)), np.ones(n), near, np.arange(n) // 2)
    return Sample(same, even, different, even), close, np.zeros(n, dtype=bool)


def test_near_pairs_of_different_people_keep_their_word():
    sample, close, nothing = neighbours(1.4)
    near = close.different == 1
    assert (sample.different[near] > 1).mean() > 0.1
    found = tilt(sample, close, nothing).on(sample, close)
    assert (found.different[near] > 1).mean() <= 0.1
    assert np.array_equal(found.different[~near], sample.different[~near])
    order = np.argsort(sample.different[near])
    assert (np.diff(found.different[near][order]) >= 0).all()


def test_near_pairs_that_keep_their_word_are_left_alone():
    sample, close, nothing = neighbours(0.0)
    assert tilt(sample, close, nothing) == CommunityAdjustment()


def test_too_few_near_pairs_say_nothing():
    sample, close, nothing = neighbours(1.4)
    far = Closeness(close.place, close.pairs, 0 * close.splits, close.different, close.owner)
    assert tilt(sample, far, nothing) == CommunityAdjustment()


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
    cuts = cut_histories(accounts, np.arange(accounts.n_units), least=10, seed=3)
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
        halves = (profile(bag, half, signal.weighting) for half in (first, second))
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
    assert told_apart(*values) > 0.8
    assert "hand-over" not in {signal.name for signal in SIGNALS}
