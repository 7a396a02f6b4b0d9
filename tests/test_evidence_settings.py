"""Every tuned number does what it says: moved, something that is told moves with it."""

from __future__ import annotations

import numpy as np
import pytest

from sockgraph.evidence import flagging, model, settings, similarity
from sockgraph.evidence.model import (
    FAMILIES,
    Training,
    as_strangers,
    crowd,
    fit,
    fit_near_pairs,
    own_crowd,
    standing,
)
from sockgraph.evidence.similarity import surprise


def test_the_numbers_are_those_that_were_chosen():
    """Whoever changes one measures again: docs/validation.md, ADR 100."""
    chosen = {"pages": 0.55, "time": 0.50, "text": 1.03, "writing": 0.4, "mechanics": 0.19}
    assert chosen == settings.WEIGHTS
    assert (settings.TAIL, settings.BEYOND, settings.PULL, settings.RIDGE) == (10, 0.25, 0.1, 1e-3)
    assert (settings.CROWD, settings.CROWD_SHARE, settings.STRANGERS) == (10, 0.5, 0.25)
    assert (settings.LEAD, settings.STANDING, settings.CROWDED) == (3.0, 5.5, 0.1)
    assert (settings.EXPECTED_FALSE, settings.FEWEST_CASES) == (0.5, 50)
    assert (settings.MIN_REFERENCE, settings.MIN_SPLITS) == (30, 20)
    told = settings.EvidenceSettings()
    assert (told.flag_log10_lr, told.family_log10_lr) == (0.3, 0.3)
    assert (told.min_edits, told.resamples) == (10, 60)


def test_a_surprise_follows_a_tail_of_so_many_and_so_much_of_what_is_beyond(monkeypatch):
    cohort = np.random.default_rng(1).exponential(size=(1, 200))
    alone = np.zeros((1, 2), dtype=bool)
    far = np.array([[np.quantile(cohort, 0.97), 60.0]])
    found = surprise(far, cohort, alone)[0]
    most = np.log(201)
    assert found[1] == pytest.approx(most + settings.BEYOND * similarity.FAR)
    monkeypatch.setattr(similarity, "TAIL", 20)
    assert surprise(far, cohort, alone)[0, 0] != pytest.approx(found[0], abs=1e-6)


def test_the_crowd_takes_a_share_of_so_many_best_others(monkeypatch):
    scores = np.zeros((30, 30))
    scores[:10, 10:20] = scores[10:20, :10] = 4.0  # ten of each side are like ten others
    assert own_crowd(scores)[0] == pytest.approx(settings.CROWD_SHARE * 4.0)
    assert crowd(scores)[0, 25] == pytest.approx(settings.CROWD_SHARE * 2.0)
    monkeypatch.setattr(model, "CROWD", 20)
    assert own_crowd(scores)[0] == pytest.approx(settings.CROWD_SHARE * 2.0)


def test_strangers_hold_what_speaks_against():
    assert as_strangers(np.array([-50.0]))[0] == pytest.approx(np.log10(settings.STRANGERS))
    assert as_strangers(np.array([5.0]))[0] == pytest.approx(5 + np.log10(1 - settings.STRANGERS))


def test_weights_are_drawn_to_those_that_labels_chose(monkeypatch):
    draw = np.random.default_rng(2)
    n = len(model.MEMBER)
    same, different = draw.normal(1.6, 1, (400, n)), draw.normal(1, 1, (4000, n))
    training = Training(same, np.full(400, 1 / 400), different, np.full(4000, 1 / 4000))
    chosen = np.array([settings.WEIGHTS[f] for f in FAMILIES])
    drawn = [fit(one).weights for one in (training, loose(training))]
    apart = [1 - w @ chosen / np.linalg.norm(w) / np.linalg.norm(chosen) for w in drawn]
    assert apart[0] < apart[1]
    split = Training(same + 30, training.same_weight, different, training.different_weight)
    held = np.linalg.norm(fit(split).weights)  # told apart perfectly, and finite
    monkeypatch.setattr(model, "RIDGE", 1e-5)
    assert held < 0.8 * np.linalg.norm(fit(split).weights)


def loose(training):
    return Training(
        training.same, training.same_weight, training.different, training.different_weight, 0.001
    )


def test_a_lead_counts_so_many_times():
    scores = np.array([[0, 2.0, 1.0], [2.0, 0, 1.0], [1.0, 1.0, 0]])
    found = standing(scores, np.zeros((3, 3)), np.eye(3, dtype=bool))
    assert found[0, 1] == pytest.approx(2 + settings.LEAD)


def test_a_third_account_is_no_rival_of_the_second():
    scores = np.full((8, 8), -1.0)
    for i, j in ((0, 1), (0, 2), (1, 2)):
        scores[i, j] = scores[j, i] = 3.0
    off, nobody = np.zeros((8, 8)), np.eye(8, dtype=bool)
    everybody = np.ones(8, dtype=bool)
    alone = standing(scores, off, nobody)
    together = standing(scores, off, nobody, [everybody])
    assert alone[0, 1] == pytest.approx(3.0)
    assert together[0, 1] == together[1, 2] == pytest.approx(3 + settings.LEAD * 4)
    across = np.arange(8) < 2  # the third has another role: no group
    assert standing(scores, off, nobody, [across, ~across])[0, 1] == pytest.approx(3.0)
    assert model.GROUP == 10


def test_a_promise_is_kept_at_the_numbers_given():
    assert flagging.STANDING == settings.STANDING
    assert flagging.CROWDED == settings.CROWDED


def near_and_lr(n=12_000, tied=0.0):
    draw = np.random.default_rng(3)
    near = -np.log10(1 - np.arange(n) / (n + 1))
    near[near < tied] = 0.0
    return near, draw.normal(-1.0, 1.0, n) + 0.8 * near


@pytest.mark.parametrize("tied", [0.0, 1.1])
def test_at_every_nearness_few_different_pairs_pass_ten(tied):
    """Also where so many pairs share no page that the first bin is empty."""
    near, lr = near_and_lr(tied=tied)
    said = lr - fit_near_pairs(lr, near).correction(near)
    for least in (2.0, 2.5, 3.0):
        assert (said[near >= least] > 1).mean() <= 0.12
    assert (lr[near >= 3.0] > 1).mean() > 0.5


def test_the_very_nearest_pairs_are_corrected_however_few():
    near, lr = near_and_lr(3000)
    nearest = np.argsort(near)[-20:]
    lr[nearest] += 3.0
    fitted = fit_near_pairs(lr, near)
    assert (lr[nearest] - fitted.correction(near[nearest]) > 1).mean() <= 0.2
    assert not len(fit_near_pairs(lr[:5], near[:5]).at)
