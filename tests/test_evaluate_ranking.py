import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from sockgraph.evaluation.metrics import average_precision, count_by_score, recall_at_fpr, roc_auc

both_kinds = st.lists(
    st.tuples(st.sampled_from([0.0, 0.5, 1.0, math.nan]), st.booleans()), min_size=2, max_size=6
).filter(lambda pairs: {same for _, same in pairs} == {True, False})


def orders(pairs):
    """Every order of the pairs that respects the score, null last: all are equally probable."""

    def key(pair):
        return math.inf if math.isnan(pair[0]) else -pair[0]

    ties = [list(tie) for _, tie in itertools.groupby(sorted(pairs, key=key), key=key)]
    for choice in itertools.product(*(itertools.permutations(tie) for tie in ties)):
        yield [same for tie in choice for _, same in tie]


def mean_over_orders(pairs, measure):
    return np.mean([measure(order) for order in orders(pairs)])


def auc_of(order):
    wins = sum(a and not b for a, b in itertools.combinations(order, 2))
    return wins / (sum(order) * (len(order) - sum(order)))


def precision_of(order):
    at = [place for place, same in enumerate(order, 1) if same]
    return np.mean([found / place for found, place in enumerate(at, 1)])


def recall_of(order, per):
    allowed, found = (len(order) - sum(order)) // per, 0
    for same in order:
        if not same:
            allowed -= 1
        if allowed < 0:
            break
        found += same
    return found / sum(order)


def counted(pairs):
    return count_by_score(*zip(*pairs, strict=True))


@given(both_kinds)
def test_auc_is_the_mean_over_every_order_of_ties(pairs):
    assert roc_auc(counted(pairs)) == pytest.approx(mean_over_orders(pairs, auc_of))


@given(both_kinds)
def test_average_precision_is_the_mean_over_every_order_of_ties(pairs):
    assert average_precision(counted(pairs)) == pytest.approx(mean_over_orders(pairs, precision_of))


@given(both_kinds, st.sampled_from([2, 3, 1000]))
def test_recall_is_the_mean_over_every_order_of_ties(pairs, per):
    by_hand = mean_over_orders(pairs, lambda order: recall_of(order, per))
    assert recall_at_fpr(counted(pairs), per) == pytest.approx(by_hand)


def test_without_ties_each_is_what_scikit_learn_says():
    random = np.random.default_rng(4)
    same = random.random(20_000) < 0.01
    score = random.normal(size=20_000) + 2 * same
    counts = count_by_score(score, same)
    assert roc_auc(counts) == pytest.approx(roc_auc_score(same, score))
    assert average_precision(counts) == pytest.approx(average_precision_score(same, score))
    false, found, _ = roc_curve(same, score, drop_intermediate=False)
    assert recall_at_fpr(counts) == pytest.approx(found[false <= 1e-3].max())


def test_one_great_tie_gives_what_chance_gives():
    same = np.arange(100_000) < 50
    counts = count_by_score(np.zeros(100_000), same)
    assert roc_auc(counts) == 0.5
    assert average_precision(counts) == pytest.approx(50 / 100_000, rel=0.3)
    assert recall_at_fpr(counts) == pytest.approx(100 / 99_951)


def test_a_tie_of_millions_costs_nothing_and_keeps_its_digits():
    counts = count_by_score([2.0, 1.0], [True, False]).followed_by(1, 3_000_000)
    assert average_precision(counts) == pytest.approx(0.5 * (1 + expected_last(3_000_000)))


def expected_last(n):
    """Mean of 2/(2 + place) over the places 1 ... n + 1, summed term by term."""
    return np.mean(2 / (2.0 + np.arange(1, n + 2)))


@given(both_kinds, st.randoms())
def test_the_order_of_rows_changes_nothing(pairs, random):
    shuffled = random.sample(pairs, len(pairs))
    for measure in (roc_auc, average_precision, recall_at_fpr):
        assert measure(counted(pairs)) == measure(counted(shuffled))
