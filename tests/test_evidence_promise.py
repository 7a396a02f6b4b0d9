"""What a flag promises, and what too little or odd a reference does to it."""

from __future__ import annotations

import datetime as dt
import json

import numpy as np
import pandas as pd
import pytest
from test_evidence_weigh import FEW, START, accounts_of, edits_of, history

from sockgraph.errors import SockgraphError
from sockgraph.evidence import ComparisonInput, compare, scoring
from sockgraph.evidence.flagging import FlagRule, flag_threshold, highest_innocent, unmet
from sockgraph.evidence.model import standing
from sockgraph.evidence.scoring import AccountIndex
from sockgraph.evidence.settings import (
    CROWDED,
    EXPECTED_FALSE,
    FEWEST_CASES,
    LEAD,
    STANDING,
    WIDER,
)
from sockgraph.schema import subject_of
from sockgraph.signals import SIGNALS


def community(n, named, seed=1, spread=1.0):
    """Scores and likeness of different people; the first `named` are nominated."""
    draw = np.random.default_rng(seed)
    scores = draw.normal(-2, spread, (n, n))
    scores = (scores + scores.T) / 2
    alike = draw.exponential(size=(n, n, len(SIGNALS)))
    nominated = np.arange(n) < named
    cast = AccountIndex(tuple(f"u{i:03d}" for i in range(n)), nominated, ~nominated, np.arange(n))
    return scores, (alike + alike.transpose(1, 0, 2)) / 2, cast


def test_the_reference_is_looked_at_and_what_would_be_flagged_there_is_counted():
    stands, alike, cast = community(308, 8)
    stands[20, 21] = stands[21, 20] = STANDING + 1
    alike[20, 21] = alike[21, 20] = 99.0
    found = flag_threshold(stands, alike[..., 0], cast, stands.ravel())
    assert (found.threshold, found.cases, found.pairs, found.reason) == (STANDING, 300, 1, None)
    cells = np.ix_(range(8, 308), range(8, 308))
    best, pair = highest_innocent(stands[cells], alike[..., 0][cells], 8)
    assert (best > STANDING).sum() == found.flagged >= 2
    assert set(pair[best > STANDING]) == {12 * 300 + 13}


def test_an_innocent_case_holds_the_account_and_those_of_the_likest_pages():
    scores = np.arange(16.0).reshape(4, 4)
    alike = np.array([[0, 9, 1, 1], [9, 0, 1, 1], [1, 1, 0, 8], [1, 1, 8, 0.0]])
    best, pair = highest_innocent((scores + scores.T) / 2, alike, 2)
    assert best.tolist() == [2.5, 2.5, 12.5, 12.5]
    assert pair.tolist() == [1, 1, 11, 11]


def with_pairs(n):
    """A community in which so many pairs of accounts stand out, each more than the one before."""
    stands, alike, cast = community(308, 8)
    for k in range(n):
        i, j = 8 + 2 * k, 9 + 2 * k
        stands[i, j] = stands[j, i] = STANDING + 1 + 0.1 * k
        alike[i, j] = alike[j, i] = 99.0
    return flag_threshold(stands, alike[..., 0], cast, stands.ravel())


def test_undetected_pairs_in_the_reference_do_not_silence_every_flag():
    found = with_pairs(int(CROWDED * 300))
    assert (found.threshold, found.pairs) == (STANDING, 30)


def test_where_more_pairs_stand_out_than_operators_have_accounts_a_flag_asks_for_more():
    found = with_pairs(40)
    assert found.threshold == pytest.approx(STANDING + 1 + 0.1 * 9)
    assert found.pairs == 30


def test_pairs_that_labels_give_to_one_person_are_not_innocent():
    stands, alike, cast = community(308, 8)
    stands[20, 21] = stands[21, 20] = STANDING + 1
    alike[20, 21] = alike[21, 20] = 99.0
    person = cast.person.copy()
    person[21] = person[20]
    told = AccountIndex(cast.users, cast.nominated, cast.reference, person)
    assert flag_threshold(stands, alike[..., 0], told, stands.ravel()).flagged == 0


def test_a_lead_over_everybody_else_is_what_stands_out():
    scores = np.array([[0, 3.0, 2.5, -1], [3.0, 0, 1, -1], [2.5, 1, 0, -1], [-1, -1, -1, 0]])
    off = np.full((4, 4), 0.25)
    nobody = np.eye(4, dtype=bool)
    found = standing(scores, off, nobody)
    assert found[0, 1] == found[1, 0] == pytest.approx(3.0 - 0.25 + LEAD * 0.5)
    assert found[0, 2] == pytest.approx(2.5 - 0.25 - LEAD * 0.5)
    known = nobody.copy()
    known[0, 2] = known[2, 0] = True  # declared to be one operator's: no rival of 0 and 1
    assert standing(scores, off, known)[0, 1] == pytest.approx(3.0 - 0.25 + LEAD * 2.0)
    scores[1, 0] = scores[0, 1] = np.nan
    assert np.isnan(standing(scores, off, nobody)[0, 1])


def of_three(third: float):
    """Standings of A, B and C, nominated; A and B are alike by 5, C with both by `third`."""
    scores = np.full((4, 4), 0.2)
    scores[:3, :3] = third
    scores[0, 1] = scores[1, 0] = 5.0
    roles = np.array([True, True, True, False]), np.array([False, False, False, True])
    return standing(scores, np.zeros((4, 4)), np.eye(4, dtype=bool), roles)


def test_an_operator_s_third_account_is_no_rival_of_the_second():
    found = of_three(4.0)
    assert found[0, 1] > found[0, 2] == pytest.approx(4.0 + LEAD * (4.0 - 0.2))


def test_who_is_a_little_like_two_accounts_of_one_person_is_not_lifted_by_what_these_have():
    found = of_three(1.0)
    assert found[0, 1] > STANDING
    assert found[0, 2] == found[1, 2] == pytest.approx(1.0 + LEAD * (1.0 - 0.2))
    assert found[0, 2] < STANDING


def test_too_small_a_reference_promises_nothing_and_says_so():
    scores, alike, cast = community(FEWEST_CASES + 7, 8)
    found = flag_threshold(scores, alike[..., 0], cast, scores.ravel())
    assert found.threshold is None
    assert str(FEWEST_CASES) in found.reason


def test_an_open_case_expects_a_number_of_false_flags():
    scores, alike, cast = community(200, 0)
    everyone = np.ones(200, dtype=bool)
    whole = AccountIndex(cast.users, everyone, everyone, cast.person)
    pairs = scores[np.triu_indices(200, 1)]
    found = flag_threshold(scores, alike[..., 0], whole, pairs)
    assert (found.expected, found.threshold) == (EXPECTED_FALSE, STANDING)
    assert (pairs > found.score).sum() <= 3


def weigh(rows, nominated, reference):
    roles = dict.fromkeys(reference, "reference") | dict.fromkeys(nominated, "nominated")
    return compare(ComparisonInput(edits_of(rows), accounts_of(**roles), settings=FEW))


def reasons_of(found):
    return {reason for row in found.links["reasons"] for reason in row}


@pytest.fixture(scope="module")
def people():
    return {f"R{i:02d}": history(f"R{i:02d}", 100 + i) for i in range(60)}


def test_five_people_calibrate_nothing(people):
    rows = [row for name in list(people)[:5] for row in people[name]]
    found = weigh(rows + history("A", 1) + history("B", 1, start=2.0), "AB", list(people)[:5])
    assert not found.calibration["calibrated"]
    assert "at least 30" in found.calibration["reason"]
    assert found.links["log10_lr"].isna().all()
    assert "nothing is calibrated" in reasons_of(found)


def test_forty_people_give_numbers_and_no_flag(people):
    few = list(people)[:40]
    rows = [row for name in few for row in people[name]]
    found = weigh(rows + history("A", 1) + history("B", 1, start=2.0), "AB", few)
    assert found.calibration["calibrated"]
    assert found.calibration["promise"]["reason"]
    assert not found.links["eligible"].any()
    assert any("promise" in reason for reason in reasons_of(found))
    json.dumps(found.calibration, allow_nan=False)


def test_everybody_with_the_same_ten_edits_is_told_apart_by_nothing():
    names = [f"R{i:02d}" for i in range(60)]
    same = history("R00", 1, n=10)
    rows = [(name, *row[1:]) for name in (*names, "A", "B") for row in same]
    found = weigh(rows, "AB", names)
    assert not found.links["eligible"].any()


def test_one_account_with_nearly_all_edits_moves_nobody_to_a_flag(people):
    rows = [row for name in people for row in people[name]]
    rows += history("A", 1, n=3000) + history("B", 2)
    found = weigh(rows, "AB", list(people))
    assert not found.links["eligible"].any()
    numbers = found.links[["score", "log10_lr", "log10_lr_low", "log10_lr_high"]]
    assert np.isfinite(numbers.to_numpy(float)).all()


def test_nominated_far_longer_or_shorter_than_everybody_get_numbers_and_no_flag(people):
    rows = [row for name in people for row in people[name]]
    rows += history("A", 1, n=1500) + history("B", 2, n=1200, start=3.0) + history("C", 3, n=11)
    found = weigh(rows, "ABC", list(people))
    assert not found.links["eligible"].any()
    numbers = found.links[["score", "standing", "log10_lr", "log10_lr_low", "log10_lr_high"]]
    assert np.isfinite(numbers.to_numpy(float)).all()


def test_a_reference_of_machines_promises_nobody_a_flag():
    def machine(name, i):
        at = START + dt.timedelta(seconds=i)
        return [
            (name, at + dt.timedelta(minutes=10 * k), f"Page {k % 30}", "bot") for k in range(60)
        ]

    names = [f"R{i:02d}" for i in range(60)]
    rows = [row for i, name in enumerate(names) for row in machine(name, i)]
    found = weigh(rows + machine("A", 70) + machine("B", 71), "AB", names)
    assert not found.links["eligible"].any()


def test_labels_that_contradict_each_other_are_refused(people):
    rows = [row for name in people for row in people[name]] + history("A", 1) + history("B", 2)
    roles = dict.fromkeys(people, "reference") | dict.fromkeys("AB", "nominated")
    known = pd.DataFrame({"user": ["R01", "R02", "R01"], "person": ["p", "p", "q"]})
    with pytest.raises(SockgraphError, match=r"R01.*two persons"):
        compare(ComparisonInput(edits_of(rows), accounts_of(**roles), settings=FEW, known=known))


def test_two_lives_of_one_person_stand_out_and_lose_it_without_what_they_rest_on(people):
    rows = [row for name in people for row in people[name]]
    rows += history("A", 1) + history("B", 1, start=2.0) + history("C", 2)
    found = weigh(rows, "ABC", list(people))
    link = found.links.set_index(["user_a", "user_b"]).loc[("A", "B")]
    assert link["eligible"], link["reasons"]
    assert link["standing"] > found.calibration["flag_standing"] >= STANDING
    left = found.omissions.set_index(["subject", "omitted"])["eligible"]
    told = left[left.index.get_level_values("subject") == subject_of("A", "B")].droplevel(0)
    assert told["signal:undoing"]
    others = left[left.index.get_level_values("subject") != subject_of("A", "B")]
    assert not others.any()
    weeks = left[left.index.get_level_values("omitted").str.startswith("week:")]
    asked = weeks.index.get_level_values("subject") == subject_of("A", "B")
    assert weeks[asked].notna().all()
    assert weeks[~asked].isna().all()  # of what is not eligible anyway, no week is asked


def test_a_flag_asks_for_a_log10_lr_and_for_two_families():
    """Every number that the rule asks for decides: just below it, the reason is given."""
    link = {
        "score": [4.0], "standing": [6.0], "log10_lr": [0.31], "n_families": [2],
        "declared": [False], "accepted": [False], "imitation": [False], "outside": [3.0],
    }  # fmt: skip
    rule = FlagRule(standing=5.5, log10_lr=0.3, score=3.5)
    assert not unmet(pd.DataFrame(link), rule).to_numpy().any()
    for column, value, reason in (
        ("standing", 5.5, "standing"), ("log10_lr", 0.29, "log10_lr"), ("score", 3.5, "score"),
        ("n_families", 1, "families"), ("outside", 4.0, "outside"), ("accepted", True, "alibi"),
        ("imitation", True, "imitation"), ("declared", True, "declared"),
        ("score", np.nan, "insufficient"),
    ):  # fmt: skip
        missed = unmet(pd.DataFrame(link | {column: [value]}), rule).iloc[0]
        assert missed[reason]
        assert missed.sum() == 1 or reason == "insufficient"
    assert unmet(pd.DataFrame(link), None)["uncalibrated"].all()
    few = FlagRule(standing=np.inf, log10_lr=0.3, promised=False)
    assert unmet(pd.DataFrame(link), few)["promise"].all()


def test_nominated_and_reference_are_worth_the_same(people):
    """Every innocent pair, as nominated and as reference of a case that nominates others."""
    rows = [row for name in people for row in people[name]] + history("A", 1) + history("B", 2)
    names = list(people)
    nominated = weigh(rows, names[:4], [*names[4:], "A", "B"]).links
    held = weigh(rows, ["A", "B"], names).held_out
    # the reference of the other case stands without names: nearest in score
    apart = held.loc[held["truth"] == "different", "score"].to_numpy()
    nearest = np.abs(nominated["score"].to_numpy()[:, None] - apart[None, :]).min(axis=1)
    assert len(nearest) == 6
    assert np.median(nearest) < 0.02


def test_no_name_order_or_deal_moves_a_number(people):
    rows = [row for name in people for row in people[name]]
    rows += history("A", 1) + history("B", 1, start=2.0) + history("C", 2)
    first = weigh(rows, "ABC", list(people))
    rename = {name: f"Z{99 - int(name[1:])}" for name in people}
    moved = [(rename.get(row[0], row[0]), *row[1:]) for row in reversed(rows)]
    again = weigh(moved, "ABC", list(rename.values()))
    pd.testing.assert_frame_equal(first.links, again.links, rtol=1e-6)


def test_a_case_unlike_all_that_was_judged_is_told_so_in_wider_intervals(people, monkeypatch):
    rows = [row for name in people for row in people[name]]
    usual = weigh(rows + history("A", 1) + history("B", 2), "AB", list(people))
    told = {one["what"]: one for one in usual.calibration["transfer"]}
    assert told["edit times"]["here"] == 40
    assert told["edit times"]["inside"]
    odd = history("A", 1, n=900, comment=False) + history("B", 2, n=900, comment=False)
    far = weigh(rows + odd, "AB", list(people))
    unlike = {one["what"] for one in far.calibration["transfer"] if not one["inside"]}
    assert "share of empty summaries" in unlike
    assert "pages" not in unlike
    assert (usual.calibration["wider"], far.calibration["wider"]) == (0, WIDER)
    monkeypatch.setattr(scoring, "WIDER", 0.0)
    plain = weigh(rows + odd, "AB", list(people)).links
    ends = ["log10_lr_low", "log10_lr_high"]
    apart = (far.links[ends] - plain[ends]).to_numpy()[0]
    assert apart[0] <= 0 <= apart[1]
    assert apart[1] - apart[0] > WIDER / 2  # an end at its bound cannot go farther
    assert far.links["log10_lr"].equals(plain["log10_lr"])
