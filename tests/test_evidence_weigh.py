"""The evidence on invented communities: what it says, leaves unsaid, and that it adds up."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from sockgraph.clustering import cluster
from sockgraph.evidence import ComparisonInput, EvidenceSettings, compare, flag, tables
from sockgraph.graph import to_graph
from sockgraph.schema import validate

START = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
FEW = EvidenceSettings(resamples=3)
WORDS = [f"{a}{b}" for a in ("fix", "add", "move", "trim", "cite") for b in ("", "s", "ed", "ing")]


def history(name, seed, n=40, *, start=0.0, comment=True):
    """One invented person's edits: pages, words and hours of their own."""
    taste = np.random.default_rng([seed, 1])
    draw = np.random.default_rng([seed, 2, sum(map(ord, name))])
    pages = taste.choice(60, 8, replace=False)
    words = taste.choice(WORDS, 6, replace=False)
    hour = taste.uniform(0, 24)
    rows = []
    for i in range(n):
        at = START + dt.timedelta(
            days=float(start + i * 5 + draw.uniform(0, 3)), hours=float(hour + draw.normal(0, 1.5))
        )
        said = " ".join(draw.choice(words, 4)) if comment else None
        rows.append((name, at, f"Page {draw.choice(pages)}", said))
    return rows


def edits_of(rows):
    frame = pd.DataFrame(rows, columns=["user", "timestamp", "title", "comment"])
    frame = frame.assign(wiki="x.example", rev_id=np.arange(1, len(frame) + 1))
    frame["hidden"] = [[] for _ in range(len(frame))]
    return validate("edits", frame)


def accounts_of(**roles):
    rows = [
        {"wiki": "x.example", "user": user, "role": role, "groups": []}
        for user, role in roles.items()
    ]
    return validate("accounts", pd.DataFrame(rows))


@pytest.fixture(scope="module")
def community():
    rows = []
    for i in range(45):
        rows += history(f"R{i:02d}", 100 + i)
    rows += history("A", 1) + history("B", 1, start=2.0) + history("C", 2) + history("D", 3)
    rows += history("E", 4, n=3)
    roles = {f"R{i:02d}": "reference" for i in range(45)} | dict.fromkeys("ABCDE", "nominated")
    return edits_of(rows), accounts_of(**roles)


@pytest.fixture(scope="module")
def weighed(community):
    return compare(ComparisonInput(*community, settings=FEW))


def link(weighed, a, b):
    links = weighed.links
    return links[(links["user_a"] == a) & (links["user_b"] == b)].iloc[0]


def test_every_pair_of_nominated_accounts_stands_in_links_and_no_reference(weighed):
    pairs = set(zip(weighed.links["user_a"], weighed.links["user_b"], strict=True))
    assert pairs == {(a, b) for a in "ABCDE" for b in "ABCDE" if a < b}
    validate("links", weighed.links)
    validate("evidence", weighed.evidence)


def test_the_evidence_is_the_same_however_many_pairs_are_laid_out_together(
    community, weighed, monkeypatch
):
    monkeypatch.setattr(tables, "AT_ONCE", 3)
    again = compare(ComparisonInput(*community, settings=FEW))
    pd.testing.assert_frame_equal(again.evidence, weighed.evidence)
    pd.testing.assert_frame_equal(validate("evidence", again.evidence), weighed.evidence)


def test_one_operators_accounts_are_ranked_first_and_supported(weighed):
    best = weighed.links.sort_values("score", na_position="first").iloc[-1]
    assert (best["user_a"], best["user_b"]) == ("A", "B")
    assert best["log10_lr_low"] > 0
    assert best["band"].endswith("for")


def test_different_people_are_spoken_against(weighed):
    assert link(weighed, "C", "D")["log10_lr"] < 0


def test_contributions_and_baseline_add_up_to_the_score(weighed):
    told = weighed.evidence.groupby(["user_a", "user_b"])["contribution"].sum()
    links = weighed.links.set_index(["user_a", "user_b"])
    known = links["score"].notna()
    gap = links.loc[known, "score"] - told.reindex(links.index[known])
    assert np.allclose(gap, weighed.calibration["baseline"])


def test_what_a_score_is_held_against_is_no_evidence_of_its_own(weighed):
    aside = weighed.evidence[weighed.evidence["family"] == "rivals"]
    assert set(aside["signal"]) == {"rivals", "community"}
    rivals = aside[aside["signal"] == "rivals"]
    assert rivals["log10_lr"].isna().all()
    near = aside[aside["signal"] == "community"]
    assert near["contribution"].isna().all()  # taken off the LR that is said, never off the rank
    assert rivals.loc[rivals["status"] == "ok", "contribution"].notna().all()
    assert (near["score"].dropna() >= 0).all()


def test_interval_holds_the_estimate_within_the_bounds(weighed):
    links = weighed.links.dropna(subset=["log10_lr"])
    assert (links["log10_lr_low"] <= links["log10_lr"]).all()
    assert (links["log10_lr"] <= links["log10_lr_high"]).all()
    (low, _), (_, high) = weighed.calibration["bounds_interval"]
    assert (links["log10_lr_high"] <= high).all()
    assert (links["log10_lr_low"] >= low).all()
    assert (links["log10_lr_low"] >= links["bound_low"]).all()


def test_three_edits_are_insufficient_and_no_number(weighed):
    pair = link(weighed, "A", "E")
    assert pair["band"] == "insufficient"
    assert pd.isna(pair["score"])
    assert pd.isna(pair["log10_lr"])
    evidence = weighed.evidence[weighed.evidence["user_b"] == "E"]
    assert set(evidence["status"]) <= {"insufficient", "not_available"}


def test_row_order_changes_nothing(community, weighed):
    edits, accounts = community
    mixed = compare(
        ComparisonInput(
            edits.sample(frac=1, random_state=1),
            accounts.sample(frac=1, random_state=2),
            settings=FEW,
        )
    )
    pd.testing.assert_frame_equal(mixed.links, weighed.links)
    pd.testing.assert_frame_equal(mixed.evidence, weighed.evidence)


def test_declared_pairs_are_never_flagged(community):
    told = compare(ComparisonInput(*community, declared=[("A", "B")], settings=FEW))
    pair = link(told, "A", "B")
    assert not pair["eligible"]
    assert pair["reasons"][0] == "declared by the accounts themselves"
    assert not flag(told, cluster(to_graph(told)))["flagged"].any()


def test_witnesses_are_edits_of_the_two_accounts(community, weighed):
    edits, _ = community
    rows = weighed.evidence
    row = rows[
        (rows["user_a"] == "A") & (rows["user_b"] == "B") & (rows["signal"] == "shared pages")
    ].iloc[0]
    whose = edits.set_index("rev_id").loc[[int(r.split(":")[1]) for r in row["rev_ids"]], "user"]
    assert set(whose) == {"A", "B"}


def test_hidden_summaries_leave_text_insufficient_and_the_rest_standing(community):
    edits, accounts = community
    mute = edits.copy()
    mine = mute["user"] == "C"
    mute.loc[mine, "hidden"] = mute.loc[mine, "hidden"].map(lambda _: ["comment"])
    told = compare(ComparisonInput(mute, accounts, settings=FEW)).evidence
    rows = told[(told["user_a"] == "A") & (told["user_b"] == "C")].set_index("signal")
    assert rows.loc["phrases", "status"] == "insufficient"
    assert pd.isna(rows.loc["phrases", "log10_lr"])
    assert rows.loc["hours", "status"] == "ok"


def test_without_any_summary_text_is_not_available(community):
    edits, accounts = community
    told = compare(ComparisonInput(edits.assign(comment=None), accounts, settings=FEW))
    text = told.evidence[told.evidence["family"] == "text"]
    assert set(text["status"]) == {"not_available"}
    assert told.links.dropna(subset=["score"])["log10_lr"].notna().all()


@pytest.mark.parametrize("n", [0, 1, 12])
def test_a_tiny_reference_gives_scores_only_and_says_why(n):
    rows = history("A", 1) + history("B", 2) + history("C", 3)
    for i in range(n):
        rows += history(f"R{i:02d}", 100 + i)
    roles = {f"R{i:02d}": "reference" for i in range(n)} | dict.fromkeys("ABC", "nominated")
    told = compare(ComparisonInput(edits_of(rows), accounts_of(**roles), settings=FEW))
    assert told.links["log10_lr"].isna().all()
    assert not told.links["flagged"].any()
    assert set(told.links["band"]) == {"not calibrated"}
    assert "reference accounts" in told.calibration["reason"]
    assert told.evidence["log10_lr"].isna().all()


def test_one_account_alone_has_no_pairs():
    told = compare(
        ComparisonInput(edits_of(history("A", 1)), accounts_of(A="nominated"), settings=FEW)
    )
    assert told.links.empty
    assert told.evidence.empty


def odd(community, rows):
    edits, accounts = community
    joined = pd.concat([edits, edits_of(rows).assign(rev_id=lambda f: f["rev_id"] + 10**6)])
    extra = accounts_of(**dict.fromkeys({r[0] for r in rows}, "nominated"))
    return compare(ComparisonInput(joined, pd.concat([accounts, extra]), settings=FEW))


def test_all_edits_in_one_minute_are_one_edit_time_or_a_burst(community):
    one = [("Z", START + dt.timedelta(seconds=i % 60), f"Page {i}", "x") for i in range(50)]
    told = odd(community, [(u, t.replace(second=0), p, c) for u, t, p, c in one])
    assert link(told, "A", "Z")["band"] == "insufficient"
    told = odd(community, one)
    assert not np.isinf(told.links["score"].dropna()).any()
    assert not told.links["alibi"].any()


def test_a_bot_at_constant_pace_buys_no_alibi(community):
    rows = [
        ("Z", START + dt.timedelta(minutes=10 * i), f"Page {i % 30}", "bot") for i in range(500)
    ]
    rows += [
        ("Y", START + dt.timedelta(minutes=10 * i, seconds=5), f"Page {i % 29}", "bot")
        for i in range(500)
    ]
    told = odd(community, rows)
    assert not told.links["alibi"].any()


def test_an_open_case_calibrates_on_itself(community):
    edits, _ = community
    users = sorted(set(edits["user"]) - {"E"})
    told = compare(
        ComparisonInput(edits, accounts_of(**dict.fromkeys(users, "nominated")), settings=FEW)
    )
    assert told.calibration["calibrated"]
    assert len(told.links) == len(users) * (len(users) - 1) // 2
    assert link(told, "A", "B")["score"] in sorted(told.links["score"])[-3:]
    with_either = told.links[told.links[["user_a", "user_b"]].isin(["A", "B"]).any(axis=1)]
    assert link(told, "A", "B")["score"] == with_either["score"].max()


def test_background_is_never_compared(community):
    edits, accounts = community
    told = compare(
        ComparisonInput(
            edits, accounts, settings=FEW, background=edits_of(history("X", 9)).assign(rev_id=10**7)
        )
    )
    assert "X" not in set(told.links["user_a"]) | set(told.links["user_b"])


def test_false_links_are_shares_and_only_where_testable(weighed):
    told = weighed.calibration["false_links"]
    assert set(told["different"]) <= {"10", "100", "1000"}
    assert all(0 <= share <= 1 for shares in told.values() for share in shares.values())
    assert weighed.calibration["strata"]["different"]["pairs"] == 45 * 44 // 2
