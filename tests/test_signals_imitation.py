"""Imitation: what one account said first and another took over, and what is only a shared habit."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from test_signals_traces import START, edits_of

from sockgraph.charts.waterfall import waterfall_steps
from sockgraph.evidence import ComparisonInput, compare
from sockgraph.report.wording import chips
from sockgraph.schema import validate
from sockgraph.signals.corpus import compile_edits, of_accounts
from sockgraph.signals.imitation import LEAST, MUCH, SHARE, SPREAD, find_imitation, plain

DAY = dt.timedelta(days=1)


def person(user, seed, n=30, *, since=0):
    """An account with summaries of its own, each written once, and a habit that many have."""
    draw = np.random.default_rng([seed, n])
    return [
        (
            user,
            START + (since + 3 * i + float(draw.uniform(0, 1))) * DAY,
            f"Page {draw.integers(60)}",
            "typo" if i % 3 == 0 else f"{user} {i}: moved the part on {draw.integers(10**6)} up",
        )
        for i in range(n)
    ]


def crowd(n=12):
    return [row for i in range(n) for row in person(f"R{i:02d}", i)]


def copied(rows, user, share, seed=1, *, pages=True):
    """`user` lives later, and a share of its rows repeats earlier ones of the first account."""
    draw = np.random.default_rng(seed)
    origin = [r for r in rows if r[0] == rows[0][0]]
    own = person(user, 99, since=200)
    found = []
    for row in own:
        if draw.random() < share:
            _, _, page, comment = origin[int(draw.integers(len(origin)))]
            found.append((user, row[1], page if pages else row[2], comment))
        else:
            found.append(row)
    return found


def look(rows, users=("V", "X")):
    others = sorted({r[0] for r in rows} - set(users))
    histories = of_accounts(compile_edits(edits_of(rows)), [*users, *others])
    reference = np.isin(np.arange(histories.n_units), np.arange(len(users)), invert=True)
    return find_imitation(histories, reference), histories


@pytest.mark.parametrize("pages", [True, False], ids=["pages too", "summaries alone"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_who_repeats_anothers_summaries_later_may_be_copying(share, pages):
    victim = person("V", 50)
    rows = victim + copied(victim, "X", share, pages=pages) + crowd()
    found, _ = look(rows)
    assert found.found[1, 0]
    assert not found.found[0, 1]
    assert found.found.sum() == 1
    assert found.share[1, 0] >= SHARE > np.nan_to_num(found.share[0, 1])


def test_ten_edits_that_replay_summaries_are_enough():
    victim = person("V", 50)
    replay = [("X", r[1] + 100 * DAY, f"Elsewhere {i}", r[3]) for i, r in enumerate(victim[10:20])]
    found, histories = look(victim + replay + crowd())
    assert found.found[1, 0]
    told = found.telling(0, 1)
    assert np.array_equal(told, found.telling(1, 0))
    corpus = histories.corpus
    assert {corpus.users[a] for a in corpus.account[told]} == {"V", "X"}
    said = [plain(corpus.comments[c]) for c in corpus.comment[told]]
    assert len(said) == 2 * len(set(said))  # each beside what it was copied from


def test_case_and_punctuation_do_not_hide_a_copy():
    victim = person("V", 50)
    replay = [("X", r[1] + 100 * DAY, "Elsewhere", f"{r[3].upper()}!") for r in victim[10:20]]
    assert look(victim + replay + crowd())[0].found[1, 0]


def test_one_operators_second_account_has_habits_and_words_of_its_own():
    first, second = person("V", 50), person("X", 51, since=200)
    second = [(u, t, p, c.replace("X ", "V ")) for u, t, p, c in second]
    assert not look(first + second + crowd())[0].found.any()


def test_two_who_take_over_from_each_other_share_a_habit():
    words = [f"word {i} of the list" for i in range(12)]
    rows = crowd()
    for i, said in enumerate(words):
        one, other = ("V", "X") if i % 2 else ("X", "V")
        rows += [(one, START + i * DAY, "P", said), (other, START + (40 + i) * DAY, "Q", said)]
    found, _ = look(rows)
    assert found.taken[0, 1] == found.taken[1, 0] == 6
    assert not found.found.any()


def test_what_many_say_is_nobodys():
    victim = person("V", 50)
    rows = victim + crowd(SPREAD + 2)
    for i in range(SPREAD):
        rows += [(f"R{i:02d}", r[1] + 90 * DAY, "Q", r[3]) for r in victim[10:20]]
    replay = [("X", r[1] + 100 * DAY, "Elsewhere", r[3]) for r in victim[10:20]]
    assert not look(rows + replay)[0].found[:2, :2].any()


def test_a_sentence_said_at_one_time_is_nobodys_first():
    rows = crowd() + [(u, START + i * DAY, "P", f"batch {i}") for u in "VX" for i in range(9)]
    found, _ = look(rows)
    assert found.taken[0, 1] == found.taken[1, 0] == 0


def test_fewer_than_the_least_say_nothing():
    victim = person("V", 50)
    replay = [("X", r[1] + 100 * DAY, "Elsewhere", r[3]) for r in victim[10 : 10 + LEAST + 4]]
    words = sorted({r[3] for r in replay} - {"typo"})
    few = [r for r in replay if r[3] in words[: LEAST - 1]]
    assert not look(victim + few + crowd())[0].found.any()


def test_words_that_some_of_the_reference_take_from_the_same_account_are_no_sign_until_many():
    """V came early and is busy: one in ten of the others also says what V was first to say."""
    victim = person("V", 50, 60)
    rows = victim + crowd(20)
    for i in (1, 5, 9):
        rows += copied(victim, f"S{i}", 0.3, seed=i)
    few, many = (look(rows + copied(victim, "X", share, seed=2))[0] for share in (0.3, 0.9))
    assert few.share[1, 0] >= SHARE
    assert few.rare[0] > SHARE == few.rare[1]
    assert not few.found[1, 0]
    assert many.found[1, 0]


def test_many_impostors_of_one_victim_do_not_hide_each_other():
    victim = person("V", 50)
    rows = victim + copied(victim, "X", 0.9) + crowd(4)
    for i in range(6):
        rows += copied(victim, f"Impostor {i}", 0.9, seed=i + 7)
    found, _ = look(rows)
    assert found.rare[0] == MUCH
    assert found.found[1, 0]


def test_no_summaries_no_imitation():
    assert look([(u, START + i * DAY, "P", "") for u in "VX" for i in range(20)])[0] is None


def test_order_of_rows_and_names_change_nothing():
    victim = person("V", 50)
    rows = victim + copied(victim, "X", 0.5) + crowd()
    first, _ = look(rows)
    again, _ = look(rows[::-1])
    assert np.array_equal(first.taken, again.taken)
    renamed, _ = look(
        [({"V": "Zed", "X": "Abe"}.get(r[0], r[0]), *r[1:]) for r in rows], ("Zed", "Abe")
    )
    assert np.array_equal(first.share, renamed.share, equal_nan=True)


def test_the_link_says_so_first_cites_both_and_moves_no_number():
    victim = person("V", 50)
    rows = victim + copied(victim, "X", 0.6) + crowd()
    users = sorted({r[0] for r in rows})
    roles = ["nominated" if u in "VX" else "reference" for u in users]
    accounts = pd.DataFrame({"wiki": "x.example", "user": users, "role": roles})
    edits = edits_of(rows)
    told = compare(ComparisonInput(edits, validate("accounts", accounts)))
    link = told.links.iloc[0]
    assert link["imitation"]
    assert "one of the two may be imitating the other" in link["reasons"]
    row = told.evidence[told.evidence["family"] == "imitation"].iloc[0]
    assert row[["user_a", "user_b"]].tolist() == ["V", "X"]
    assert pd.isna(row["log10_lr"])
    assert pd.isna(row["contribution"])
    assert row["support"] >= LEAST
    name = edits["wiki"] + ":" + edits["rev_id"].astype(str)
    cited = edits[name.isin(row["rev_ids"])]
    assert set(cited["user"]) == {"V", "X"}
    assert cited["comment"].value_counts().eq(2).all()
    steps = waterfall_steps(link, told.evidence, told.omissions)
    assert "imitation" not in set(steps["family"])


def test_the_mark_is_the_first_word_of_a_links_heading():
    marks = {"imitation": True, "apart": True, "flagged": False, "earlier": None, "moved": False}
    link = SimpleNamespace(state="none", **marks)
    assert chips(link)[0] == ("d", "may be imitation")
    assert len(chips(SimpleNamespace(**vars(link) | {"imitation": False}))) == 1
