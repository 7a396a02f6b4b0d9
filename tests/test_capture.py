import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockgraph.concert.capture import effective_number, measure_capture
from sockgraph.errors import CaseError, SockgraphError
from sockgraph.pipeline.concert import capture_of, concert_of
from sockgraph.pipeline.results import read_case
from sockgraph.pipeline.run import run_case
from sockgraph.synthetic.election import Community, write_election


def drawn(shares, n, *, seed=0, days=60):
    rng = np.random.default_rng(seed)
    return rng.choice(len(shares), n, p=shares), rng.integers(0, days, n)


def test_equal_hands_are_their_number_however_few_the_events():
    for n in (60, 300, 3000):
        seen = [effective_number(*drawn([0.1] * 10, n, seed=s)).effective for s in range(40)]
        assert np.median(seen) == pytest.approx(10, rel=0.05)


@given(st.lists(st.integers(1, 30), min_size=1, max_size=12))
def test_it_is_the_inverse_probability_that_two_events_are_by_one_hand(counts):
    hand = np.repeat(np.arange(len(counts)), counts)
    found = effective_number(hand, np.arange(len(hand)))
    pairs = [(a, b) for i, a in enumerate(hand) for j, b in enumerate(hand) if i < j]
    alike = sum(a == b for a, b in pairs)
    if alike:
        assert found.effective == pytest.approx(len(pairs) / alike)
    else:
        assert np.isnan(found.effective)
    assert 0 <= found.coverage <= 1
    assert found.hands == len(counts)


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    shares = np.array([0.3, 0.2, 0.1, *[0.02] * 20])
    truth = 1 / (shares**2).sum()
    held = 0
    for seed in range(150):
        found = effective_number(*drawn(shares, 300, seed=seed))
        held += found.low <= truth <= found.high
    assert 0.88 <= held / 150 <= 1.0


def test_hands_among_a_hundred_events_compare_periods_of_any_size():
    shares = [0.02] * 50
    small = np.mean([effective_number(*drawn(shares, 120, seed=s)).expected for s in range(20)])
    large = np.mean([effective_number(*drawn(shares, 5000, seed=s)).expected for s in range(20)])
    assert small == pytest.approx(large, rel=0.03)
    assert large == pytest.approx(50 * (1 - 0.98**100), rel=0.03)


def test_no_events_are_refused():
    with pytest.raises(ValueError, match="no events"):
        effective_number(np.array([], np.int64), np.array([], np.int64))


def edits(n=400, accounts=8):
    rng = np.random.default_rng(3)
    days = pd.Timestamp("2024-01-01T12:00Z") + pd.to_timedelta(rng.integers(0, 170, n), unit="D")
    who = rng.integers(0, accounts, n)
    said = np.where(rng.random(n) < 0.4, "Reverted edits by", "fix")
    return pd.DataFrame({"user": [f"Moth {i}" for i in who], "timestamp": days, "comment": said})


def test_accounts_of_one_hand_count_once():
    found = measure_capture(edits(), together=[("Moth 0", "Moth 1"), ("Moth 1", "Moth 2")])
    assert found.merged == (3, 1)
    editing = found.table[found.table["activity"] == "editing"]
    apart = editing[editing["counted"] == "accounts"]["effective"].to_numpy()
    hands = editing[editing["counted"] == "hands"]["effective"].to_numpy()
    assert (hands < apart).all()
    assert apart == pytest.approx(8, rel=0.25)
    assert set(found.table["activity"]) == {"editing", "reverting"}


def test_few_events_are_insufficient_and_have_no_number():
    found = measure_capture(edits(60), every="month").table
    assert set(found["status"]) == {"insufficient"}
    assert found[["effective", "low", "high", "largest"]].isna().all(axis=None)


def test_a_period_must_be_known_and_nothing_gives_nothing():
    with pytest.raises(SockgraphError, match="month, quarter, year"):
        measure_capture(edits(), every="week")
    assert measure_capture(edits().iloc[:0]).table.empty


def test_the_page_of_a_community_names_nobody(tmp_path):
    small = Community(compared=6, crowd=24, discussions=22, bloc=3, joins=0.8)
    path = write_election(tmp_path, small, seed=4)
    data = tmp_path / "data"
    alone = capture_of(path, data=data)
    assert alone.capture.merged == (0, 0)
    names = set(pd.read_parquet(tmp_path / "edits.parquet")["user"])
    run_case(path, data=data)
    concert_of(path, data=data)
    found = capture_of(path, data=data)
    assert found.capture.merged[0] >= 2
    assert {"editing", "voting"} <= set(found.capture.table["activity"])
    text = found.page.read_text(encoding="utf-8")
    shown = re.sub(r"data:image/png;base64,[A-Za-z0-9+/=]+", "", text)
    assert not [name for name in names if name in shown]
    assert "voter-" not in shown
    assert not {"user", "hand"} & set(found.capture.table.columns)
    assert read_case(path, data=data).links is not None


def test_a_wiki_that_gives_single_accounts_is_refused(tmp_path):
    path = tmp_path / "wiki.toml"
    path.write_text(
        'title = "A"\nreason = "B"\nwikis = ["fernwick.example"]\n[source]\nkind = "mediawiki"\n'
        'contact = "ada@example.org"\n[accounts]\nnominated = ["Heron Wade"]\n'
    )
    with pytest.raises(CaseError, match="everybody's edits"):
        capture_of(path, data=tmp_path)
