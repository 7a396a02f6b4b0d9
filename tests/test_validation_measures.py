"""What validation counts, on pairs whose truth and calibration are known by construction."""

import itertools
import json

import numpy as np
import pandas as pd
import pytest

from sockgraph.evaluation.false_links import (
    OpenSet,
    exculpation,
    false_link_strata,
    limits,
    open_set,
    precision_at,
    prior_reading,
)
from sockgraph.evaluation.metrics import count_by_score, separation, tippett, tippett_grid
from sockgraph.evaluation.validation import (
    CaseTerms,
    Validation,
    reading_of,
    validate_labels,
    validate_reference,
)
from sockgraph.evidence.flagging import band
from sockgraph.report.validation import CaseSummary, validation_page
from sockgraph.schema import empty, validate

LN10 = np.log(10)
TERMS = CaseTerms(-2.0, 2.6, 1.8, 1.5, 0.005)


def calibrated(n_same, n_different, spread=2.5, seed=3):
    """Return log10 LRs that mean what they say, and which pairs have one operator."""
    same = np.arange(n_same + n_different) < n_same
    drawn = np.random.default_rng(seed).standard_normal(len(same))
    return (np.where(same, 1, -1) * spread**2 / 2 + spread * drawn) / LN10, same


@pytest.fixture(scope="module")
def held_out():
    lr, same = calibrated(400, 8000)
    n = len(lr)
    random = np.random.default_rng(5)
    a = np.where(same, np.arange(n) % 130, random.integers(0, 65, n))
    b = np.where(same, a, random.integers(65, 130, n))
    frame = pd.DataFrame(
        {
            "truth": np.where(same, np.resize(["successive", "parallel"], n), "different"),
            "a": a, "b": b, "cut": np.arange(n), "score": lr, "standing": lr,
            "log10_lr": np.clip(lr, -2, 2.6),
            "shared_pages": random.integers(0, 12, n), "same_pages": random.random(n) < 0.05,
            "same_hours": random.random(n) < 0.05, "same_tools": False, "newcomers": False,
            "flagged": lr > 2.4, "worthy": lr > 2,
        }
    )  # fmt: skip
    splits = frame.columns[frame.columns.get_loc("shared_pages") :].tolist()
    frame[splits] = (
        frame[splits].astype(object).where(~same[:, None] & np.ones(len(splits), dtype=bool))
    )
    return validate("held_out", frame)


def test_what_is_above_each_limit_is_counted_and_too_few_pairs_are_not_testable():
    found = limits(np.array([0.5] * 40 + [1.5] * 5 + [2.5]), 2.0)
    assert [(x.ratio, x.above) for x in found] == [(10, 6), (100, 1), (1000, 0)]
    assert found[0].kept is False
    assert found[0].share == pytest.approx(6 / 46)
    assert (found[1].untested, found[1].kept) == ("46 of 300 pairs needed", None)
    assert limits(np.zeros(400), 2.0)[1].untested == "beyond the bound"
    assert limits(np.zeros(400), 2.1)[1].kept is True


def test_ratios_that_mean_what_they_say_keep_every_limit():
    lr, same = calibrated(0, 60_000, spread=2.0)
    assert not same.any()
    assert [x.kept for x in limits(lr, 6.0)] == [True, True, True]
    assert [x.kept for x in limits(2 * lr + 1, 6.0)] == [False, False, False]


def test_strata_are_given_with_and_without_the_most_extreme():
    score = np.arange(5000) / 1000
    different = pd.DataFrame(
        {"score": score, "log10_lr": score, "same_pages": score >= 4.9, "same_hours": None}
    )
    whole, pages = false_link_strata(different, 6.0)
    assert (whole.pairs, whole.pairs_without) == (5000, 4995)
    assert (pages.pairs, pages.pairs_without) == (100, 95)
    assert pages.limits[0].above == 100
    assert pages.limits[1].untested == "100 of 300 pairs needed"


def test_exculpation_asks_for_shared_pages_and_enough_edits():
    different = pd.DataFrame(
        {
            "score": [0.0, 0, 0, np.nan, 0],
            "log10_lr": [-2.0, -0.5, 1.2, np.nan, -2],
            "shared_pages": [5, 9, 5, 7, 4],
        }
    )
    found = exculpation(different)
    assert (found.pairs, found.cleared, found.towards) == (3, 1 / 3, 1 / 3)
    assert exculpation(different.drop(columns="shared_pages")) is None
    assert exculpation(different.iloc[4:]).cleared is None


def test_a_prior_says_what_is_left_and_whether_the_evidence_can_carry():
    weak = prior_reading(0.005, 2.6, 1.5)
    assert weak.at_bound == pytest.approx(0.005 / 0.995 * 10**2.6 / (1 + 0.005 / 0.995 * 10**2.6))
    assert not weak.carries
    assert weak.needed == pytest.approx(np.log10(19 * 0.995 / 0.005))
    assert prior_reading(0.005, weak.needed + 1e-9, 1.5).carries


def test_precision_at_a_prior_never_rests_on_a_rate_of_zero():
    even = precision_at(0.5, "x", (50, 100), (10, 1000))
    assert even.precision == pytest.approx(0.5 / 0.51)
    rare = precision_at(0.005, "x", (50, 100), (0, 999))
    assert rare.with_one_more
    assert rare.precision == pytest.approx(0.0025 / (0.0025 + 0.995 / 1000))
    assert precision_at(0.005, "x", (0, 100), (0, 999)).precision is None


def eligible(scores, users="abcde"):
    rows = [
        (a, b, scores.get(a + b, -3.0), a + b in scores and scores[a + b] > 2)
        for a, b in itertools.combinations(users, 2)
    ]
    table = pd.DataFrame(rows, columns=["user_a", "user_b", "score", "eligible"])
    return table.assign(log10_lr=table["score"].clip(upper=4.0))


def test_with_the_partner_away_the_next_best_is_flagged():
    links = eligible({"ab": 5.0, "ac": 3.0, "bc": -3.0, "de": 4.0})
    found = open_set(links, pd.Series([0, 0, 1, 2, 2], list("abcde")))
    assert (found.accounts, found.bereft) == (5, 4)
    assert (found.flagged, found.bereft_flagged) == (1, 1)  # a, with c, once b is away
    assert found.nobody == pytest.approx(0.8)
    unknown = open_set(links, pd.Series([0, 0], list("ab")))
    assert (unknown.accounts, unknown.bereft_nobody) == (2, 0.5)


def test_nobody_flagged_is_an_open_set_of_one():
    found = open_set(eligible({}, "abc"), pd.Series(range(3), list("abc")))
    assert found == OpenSet(3, 0)
    assert found.nobody == 1
    assert OpenSet(0, 0).nobody is None


def test_a_grid_of_the_tippett_curve_is_the_curve():
    lr, same = calibrated(50, 500)
    counts = count_by_score(np.clip(lr, -2, 2), same)
    exact, drawn = tippett(counts), tippett_grid(counts)
    for row in drawn.itertuples():
        above = exact[exact["log10_lr"] >= row.log10_lr - 1e-9]
        assert row.same == pytest.approx(above["same"].max())
        assert row.different == pytest.approx(above["different"].max())


def test_perfect_ratios_lose_no_more_than_perfect_ratios_do():
    lr, same = calibrated(200, 20_000)
    found = separation(
        "x", pd.DataFrame({"same": same, "score": lr, "standing": lr, "log10_lr": lr})
    )
    assert found.loss == pytest.approx(found.calibrated_loss, abs=0.02)
    shifted = separation(
        "x", pd.DataFrame({"same": same, "score": lr, "standing": lr, "log10_lr": lr + 1})
    )
    assert shifted.loss > found.loss + 0.1
    assert shifted.auc == found.auc


def test_a_reference_is_measured_whole_and_by_cut(held_out):
    side = validate_reference(held_out, TERMS)
    assert [s.name for s in side.separations] == [
        "cut histories", "halves cut at a time", "halves of alternate fortnights",
    ]  # fmt: skip
    assert [s.n_same for s in side.separations] == [400, 200, 200]
    assert {s.n_different for s in side.separations} == {8000}
    assert [s.name for s in side.strata] == [
        "all different pairs", "colleagues on the same pages", "same hours of the week",
        "same tools", "newcomers of one week on one page",
    ]  # fmt: skip
    assert side.flagged.flagged == int((held_out["flagged"] == True).sum())  # noqa: E712 - nullable
    assert side.open_set.accounts == 130
    assert [p.rule for p in side.precisions] == [
        "LR above 10",
        "LR above 100",
        "stands out as a flag",
    ]


def test_nothing_calibrated_gives_no_side():
    assert validate_reference(empty("held_out"), TERMS) is None
    assert reading_of(CaseTerms(None, None, None, 1.5, 0.005)) is None
    assert reading_of(CaseTerms(-1, 2, 1, 1.5, None)) is None


def test_everything_is_json_and_the_difference_is_cuts_less_labels(held_out):
    lr, same = calibrated(60, 4000, spread=1.5, seed=8)
    pairs = pd.DataFrame(
        {
            "same": same,
            "score": lr,
            "standing": lr,
            "log10_lr": lr,
            "flagged": lr > 2,
            "shared_pages": 6,
        }
    )
    own, labels = validate_reference(held_out, TERMS), validate_labels(pairs, TERMS)
    found = Validation(TERMS, {}, None, own, labels, reading_of(TERMS))
    assert found.flattery["auc"] == pytest.approx(own.whole.auc - labels.whole.auc)
    assert found.flattery["auc"] > 0.02
    assert "average_precision" not in found.flattery
    told = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert told["labels"]["flagged"]["n_same"] == 60
    assert told["own"]["tippett"]["different"][0] == 1
    assert labels.precisions[-1].rule == "flagged"
    assert Validation(TERMS, {}, None, own, None, None).flattery == {}


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.29, 2.0, "does not separate"),
        (0.31, 2.0, "weakly for"),
        (-2.0, -0.29, "does not separate"),
        (-2.0, -0.31, "weakly against"),
        (0.0, 0.0, "does not separate"),
        (np.nan, np.nan, "does not separate"),
        (1.0, 2.0, "moderately for"),
        (3.0, 3.5, "strongly for"),
    ],
)
def test_an_lr_under_two_has_no_word(low, high, words):
    assert band(low, high) == words


def page_of(held_out, *, everyone, spread):
    lr, same = calibrated(60, 4000, spread=spread, seed=8)
    pairs = pd.DataFrame(
        {
            "same": same,
            "score": lr,
            "standing": lr,
            "log10_lr": lr + 0.5,
            "flagged": lr > 2,
            "shared_pages": 6,
        }
    )
    own, labels = validate_reference(held_out, TERMS), validate_labels(pairs, TERMS)
    found = Validation(TERMS, {"n_reference": 130}, None, own, labels, reading_of(TERMS))
    return validation_page(
        found, CaseSummary("spring", "x.example", everyone=everyone, run="0" * 64)
    )


def test_the_page_says_which_figures_cut_histories_flatter_and_which_not(held_out):
    worse, better = (page_of(held_out, everyone=False, spread=s) for s in (1.5, 4.0))
    assert "Cut histories flatter the recall at 10⁻³ by" in worse
    assert "They do not flatter the recall at 10⁻³ (" in better
    assert "Were the 130 reference accounts nominated themselves" in worse
    assert "says little" not in worse  # 60 labelled pairs of one operator say something


def test_where_accounts_are_their_own_reference_a_flag_may_be_true(held_out):
    page = page_of(held_out, everyone=True, spread=2.0)
    assert "a flag may well be true" in page
    assert "nominated themselves" not in page


def test_a_passed_limit_is_said_in_words(held_out):
    page = page_of(held_out.assign(log10_lr=2.5), everyone=False, spread=2.0)
    assert "over the limit" in page
    assert "exceed their limit: <b>all different pairs" in page
