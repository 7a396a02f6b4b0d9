import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockgraph.evaluation.metrics import (
    calibrated_loss,
    cllr,
    cllr_min,
    count_by_score,
    ece,
    exceeding,
    isotonic,
    tippett,
)

LN10 = np.log(10)
ratios = st.lists(
    st.tuples(st.floats(-4, 4).map(lambda x: round(x, 1)), st.booleans()), min_size=2, max_size=60
).filter(lambda pairs: {same for _, same in pairs} == {True, False})


def normal(n_same, n_different, spread, seed=0):
    """Log10 LRs that are calibrated by construction."""
    random = np.random.default_rng(seed)
    same = np.arange(n_same + n_different) < n_same
    drawn = np.where(same, 1, -1) * spread**2 / 2 + spread * random.normal(size=len(same))
    return drawn / LN10, same


@pytest.fixture(scope="module")
def lir():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own, on being imported
        from lir import metrics
        from lir.data.models import LLRData
    return lambda name, values, same: getattr(metrics, name)(
        LLRData(features=np.asarray(values).reshape(-1, 1), labels=np.asarray(same, int))
    )


@given(pairs=ratios)
def test_cllr_and_its_least_value_are_those_of_lir(lir, pairs):
    values, same = zip(*pairs, strict=True)
    counts = count_by_score(values, same)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # log of zero in lir's pooled LRs
        assert cllr(counts) == pytest.approx(lir("cllr", values, same))
        assert cllr_min(counts) == pytest.approx(lir("cllr_min", values, same), abs=1e-9)


def test_on_a_large_set_too(lir):
    values, same = normal(80, 45_000, 2.5)
    counts = count_by_score(1.3 * values + 0.2, same)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert cllr(counts) == pytest.approx(lir("cllr", 1.3 * values + 0.2, same))
        assert cllr_min(counts) == pytest.approx(lir("cllr_min", values, same))


def test_saying_nothing_costs_one_bit():
    counts = count_by_score([np.nan, 0.0, np.nan], [True, False, False], null=0.0)
    assert cllr(counts) == 1
    assert cllr_min(counts) == 1


def test_perfect_separation_leaves_nothing():
    assert cllr_min(count_by_score([1, 2, -1, -2], [True, True, False, False])) == 0


@given(ratios)
def test_pooling_never_costs_and_never_reorders(pairs):
    counts = count_by_score(*zip(*pairs, strict=True))
    best = isotonic(counts)
    assert cllr_min(counts) <= cllr(counts) + 1e-12
    assert (np.diff(best.levels) < 0).all()
    assert (best.n_same, best.n_different) == (counts.n_same, counts.n_different)


def test_pooled_blocks_by_hand():
    best = isotonic(count_by_score([3, 2, 1, 0], [True, False, True, False]))
    assert best.levels.tolist() == pytest.approx([np.inf, 0.0, -np.inf])
    assert best.same.tolist() == [1, 1, 0]
    assert best.different.tolist() == [0, 1, 1]


def test_exceeding_counts_what_is_above_and_not_what_is_at():
    counts = count_by_score([1.0, 1.1, 0.0, 5.0], [False, False, False, True])
    assert exceeding(counts, 10) == pytest.approx(1 / 3)


def test_tippett_gives_shares_at_or_above():
    curve = tippett(count_by_score([1.0, 0.0, 0.0, -1.0], [True, True, False, False]))
    assert curve["log10_lr"].tolist() == [-1.0, 0.0, 1.0]
    assert curve["same"].tolist() == [1.0, 1.0, 0.5]
    assert curve["different"].tolist() == [1.0, 0.5, 0.0]


def test_ece_meets_cllr_at_even_odds_and_is_bounded_there_by_both():
    counts = count_by_score(*normal(60, 5_000, 2.0))
    curve = ece(counts).set_index("log10_prior_odds")
    assert curve.loc[0.0, "ece"] == pytest.approx(cllr(counts))
    assert curve.loc[0.0, "ece_min"] == pytest.approx(cllr_min(counts))
    assert curve.loc[0.0, "ece_null"] == pytest.approx(1)
    assert (curve["ece_min"] <= curve[["ece", "ece_null"]].min(axis=1) + 1e-9).all()
    assert np.isfinite(curve.to_numpy()).all()


def test_even_perfect_ratios_show_a_loss_and_fewer_true_pairs_show_more():
    few, many = count_by_score(*normal(20, 5_000, 2.5)), count_by_score(*normal(2_000, 5_000, 2.5))
    assert calibrated_loss(few, runs=40) > 2 * calibrated_loss(many, runs=40) > 0
    assert calibrated_loss(few, runs=5) == calibrated_loss(few, runs=5)
