"""What a reference taught, used again: the same numbers, and by models that did not see a pair."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from test_evidence_weigh import FEW, accounts_of, edits_of, history

from sockgraph.evidence import compare, learn, weigh_by
from sockgraph.evidence.calibration import NOBODY, first_stage
from sockgraph.evidence.scoring import AccountIndex
from sockgraph.evidence.stored import pack, unpack

NAMES = [f"R{i:02d}" for i in range(36)]


@pytest.fixture(scope="module")
def edits():
    rows = [row for i, name in enumerate(NAMES) for row in history(name, 100 + i)]
    rows += history("A", 1) + history("B", 1, start=2.0) + history("C", 2)
    return edits_of(rows)


@pytest.fixture(scope="module")
def learnt(edits):
    return learn(edits[edits["user"].isin(NAMES)], NAMES, settings=FEW)


def test_the_same_reference_says_the_same_when_asked_again(edits):
    everyone = [*NAMES, "A", "B", "C"]
    at_once = compare(
        edits, accounts_of(**dict.fromkeys(everyone, "nominated")), settings=FEW, open_case=True
    )
    again = weigh_by(learn(edits, everyone, settings=FEW), edits, everyone, settings=FEW)
    pd.testing.assert_frame_equal(at_once.links, again.links, check_exact=True)
    pd.testing.assert_frame_equal(at_once.evidence, again.evidence, check_exact=True)
    assert at_once.calibration == again.calibration


def test_accounts_that_the_reference_does_not_hold_are_weighed_by_it(edits, learnt):
    weighed = weigh_by(learnt, edits, ["A", "B", "C"], settings=FEW)
    best = weighed.links.sort_values("score").iloc[-1]
    assert (best["user_a"], best["user_b"]) == ("A", "B")
    assert best["log10_lr"] > 0
    assert weighed.calibration["n_reference"] == len(NAMES)
    assert set(weighed.links["user_a"]) | set(weighed.links["user_b"]) == {"A", "B", "C"}


def test_an_account_of_the_reference_is_judged_by_models_that_did_not_see_it(edits, learnt):
    tainted = replace(learnt, whole=replace(learnt.whole, intercepts=learnt.whole.intercepts + 3))
    fair, shown = (
        weigh_by(one, edits, ["A", "R07"], settings=FEW).evidence["log10_lr"].dropna()
        for one in (learnt, tainted)
    )
    assert len(fair) > 3
    assert list(fair) == list(shown)


def test_the_model_of_a_pair_is_of_other_folds():
    class Fold:
        def __init__(self, name):
            self.baseline = name

        def alone(self, surprise):
            return np.zeros_like(surprise)

        contributions = alone

    fold = np.array([0, 1, NOBODY, NOBODY, 2])
    models = {(p, q): Fold(10.0 * p + q) for p in range(3) for q in range(p, 3)}
    cast = AccountIndex(
        tuple("abcde"), np.array([0, 1, 1, 1, 1]) == 1, fold != NOBODY, np.arange(5)
    )
    found = first_stage(models, Fold(-1.0), fold, cast, np.zeros((5, 5, 2))).baseline
    assert found[1, 4] == found[4, 1] == 12  # both of the reference
    assert found[1, 2] == found[2, 1] == 11  # one of them
    assert found[2, 3] == -1  # neither
    assert found[0, 2] == -1  # one that is only compared against


def test_what_is_packed_is_taken_back_to_the_bit(edits, learnt):
    arrays = pack(learnt)
    assert not any(values.dtype.hasobject for values in arrays.values())
    again = unpack(arrays)
    assert again.users == learnt.users
    assert again.models.keys() == learnt.models.keys()
    whole, back = (weigh_by(one, edits, ["A", "B", "R03"], settings=FEW) for one in (learnt, again))
    pd.testing.assert_frame_equal(whole.links, back.links, check_exact=True)
    pd.testing.assert_frame_equal(whole.evidence, back.evidence, check_exact=True)
    assert whole.calibration == back.calibration


def test_too_small_a_reference_teaches_nothing(edits):
    assert "at least 30" in learn(edits, NAMES[:20], settings=FEW)
