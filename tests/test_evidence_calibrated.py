"""What a reference taught, used again: the same numbers."""

from __future__ import annotations

import pandas as pd
import pytest
from test_evidence_weigh import FEW, accounts_of, edits_of, history

from sockgraph.evidence import ComparisonInput, compare, compare_with, fit_calibration
from sockgraph.pipeline.stored_calibration import pack, unpack

NAMES = [f"R{i:02d}" for i in range(36)]


@pytest.fixture(scope="module")
def edits():
    rows = [row for i, name in enumerate(NAMES) for row in history(name, 100 + i)]
    rows += history("A", 1) + history("B", 1, start=2.0) + history("C", 2)
    return edits_of(rows)


@pytest.fixture(scope="module")
def learnt(edits):
    return fit_calibration(edits[edits["user"].isin(NAMES)], NAMES, settings=FEW)


def test_the_same_reference_says_the_same_when_asked_again(edits):
    everyone = [*NAMES, "A", "B", "C"]
    at_once = compare(
        ComparisonInput(
            edits, accounts_of(**dict.fromkeys(everyone, "nominated")), settings=FEW, open_case=True
        )
    )
    again = compare_with(
        fit_calibration(edits, everyone, settings=FEW), edits, everyone, settings=FEW
    )
    pd.testing.assert_frame_equal(at_once.links, again.links, check_exact=True)
    pd.testing.assert_frame_equal(at_once.evidence, again.evidence, check_exact=True)
    of_a_run = {"as_near": None, "machine_writing": {}}  # a first look counts neither
    assert at_once.calibration == again.calibration | of_a_run


def test_accounts_that_the_reference_does_not_hold_are_weighed_by_it(edits, learnt):
    weighed = compare_with(learnt, edits, ["A", "B", "C"], settings=FEW)
    best = weighed.links.sort_values("score").iloc[-1]
    assert (best["user_a"], best["user_b"]) == ("A", "B")
    assert best["log10_lr"] > 0
    assert weighed.calibration["n_reference"] == len(NAMES)
    assert set(weighed.links["user_a"]) | set(weighed.links["user_b"]) == {"A", "B", "C"}


def test_what_is_packed_is_taken_back_to_the_bit(edits, learnt):
    arrays = pack(learnt)
    assert not any(values.dtype.hasobject for values in arrays.values())
    again = unpack(arrays)
    assert again.users == learnt.users
    whole, back = (
        compare_with(one, edits, ["A", "B", "R03"], settings=FEW) for one in (learnt, again)
    )
    pd.testing.assert_frame_equal(whole.links, back.links, check_exact=True)
    pd.testing.assert_frame_equal(whole.evidence, back.evidence, check_exact=True)
    assert whole.calibration == back.calibration


def test_too_small_a_reference_teaches_nothing(edits):
    assert "at least 30" in fit_calibration(edits, NAMES[:20], settings=FEW)
