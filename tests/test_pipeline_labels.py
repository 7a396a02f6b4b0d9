"""Known operators of a case: read before anything else, counted, and set beside cut histories."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from test_evidence_weigh import FEW, accounts_of, edits_of, history

from sockgraph.errors import EvaluationError
from sockgraph.evidence import ComparisonInput, compare
from sockgraph.pipeline.run import calibration_on, run_case

CASE = """
id = "labels-1"
title = "Edits to one river"
reason = "Three articles were returned to one wording"
wikis = ["fernwick.example"]
[source]
kind = "table"
path = "edits.parquet"
[accounts]
nominated = ["*"]
[reference]
labels = "known.csv"
"""


@pytest.fixture(scope="module")
def weighed():
    rows = [row for i in range(40) for row in history(f"R{i:02d}", 100 + i)]
    rows += history("A", 1) + history("B", 1, start=2.0) + history("C", 2)
    roles = {f"R{i:02d}": "reference" for i in range(40)} | dict.fromkeys("ABC", "nominated")
    return compare(ComparisonInput(edits_of(rows), accounts_of(**roles), settings=FEW))


def test_calibration_on_labels_stands_beside_that_on_cuts(weighed):
    labels = pd.DataFrame({"user": ["A", "B", "C", "Nobody"], "person": ["x", "x", None, "x"]})
    told = calibration_on(labels, weighed)
    assert (told["labelled"], told["labelled, not compared"]) == (4, 1)
    assert (told["same"], told["different"]) == (1, 2)
    links = weighed.links.set_index(["user_a", "user_b"])["log10_lr"]
    same, other = links["A", "B"], np.array([links["A", "C"], links["B", "C"]])
    cost = (np.log2(1 + 10**-same) + np.log2(1 + 10**other).mean()) / 2
    assert told["on labels"]["cllr"] == pytest.approx(cost)
    assert 0 <= told["on cut histories"]["cllr"] < 1


def test_two_people_of_their_own_are_no_pair_of_one(weighed):
    labels = pd.DataFrame({"user": ["A", "B"], "person": [None, None]})
    told = calibration_on(labels, weighed)
    assert (told["same"], told["different"], told["on labels"]) == (0, 1, None)


@pytest.fixture(scope="module")
def learnt():
    """Forty accounts of the reference, the last ten of them the second accounts of the first."""
    rows = [row for i in range(30) for row in history(f"R{i:02d}", 100 + i)]
    rows += [row for i in range(10) for row in history(f"S{i:02d}", 100 + i, start=1.0)]
    rows += history("A", 1) + history("B", 1, start=2.0) + history("C", 2)
    reference = [f"R{i:02d}" for i in range(30)] + [f"S{i:02d}" for i in range(10)]
    roles = dict.fromkeys(reference, "reference") | dict.fromkeys("ABC", "nominated")
    known = pd.DataFrame({"user": reference, "person": [int(u[1:]) for u in reference]})
    tables = edits_of(rows), accounts_of(**roles)
    return [compare(ComparisonInput(*tables, settings=FEW, known=k)) for k in (None, known)]


def test_labelled_pairs_are_learnt_from_as_one_operators(learnt):
    without, told = learnt
    counts = told.held_out["truth"].value_counts()
    assert counts["labelled"] == 10
    assert counts["different"] == 40 * 39 / 2 - 10
    assert without.held_out["truth"].value_counts()["different"] == 40 * 39 / 2
    assert (told.held_out["a"] != told.held_out["b"])[told.held_out["truth"] == "labelled"].all()
    assert told.calibration["splits"]["labelled"] == {"cuts": 10, "accounts": 10}
    assert told.calibration["weights"] != without.calibration["weights"]
    score = told.held_out.groupby("truth")["score"].median()
    assert score["labelled"] > score["different"] + 1


def test_their_calibration_stands_beside_that_on_cuts(learnt):
    labels = pd.DataFrame({"user": ["A", "B", "C"], "person": ["x", "x", None]})
    without, told = (calibration_on(labels, weighed) for weighed in learnt)
    assert told["on labelled reference accounts"]["cllr"] < 0.5
    assert without["on labelled reference accounts"] is None
    assert told["on cut histories"] is not None


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (None, "no such file"),
        ("user,who\nA,x\n", "person"),
        ("user,person\nA,x\nA,y\n", "A"),
    ],
)
def test_bad_labels_stop_the_run_before_anything_is_written(tmp_path, text, rule):
    (tmp_path / "river.toml").write_text(CASE)
    if text is not None:
        (tmp_path / "known.csv").write_text(text)
    with pytest.raises(EvaluationError, match=rule):
        run_case(tmp_path / "river.toml", data=tmp_path / "data")
    assert not (tmp_path / "data").exists()
