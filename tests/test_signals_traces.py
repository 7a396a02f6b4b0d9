"""Traces: terms, bags, hours, habits, undoing, alibi."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from sockgraph.schema import validate
from sockgraph.signals import SIGNALS
from sockgraph.signals.bags import openings, phrases, token_shape
from sockgraph.signals.corpus import compile_edits, of_accounts, tokenize_all, tokens
from sockgraph.signals.null_models import find_undoing
from sockgraph.signals.simultaneous import find_alibis
from sockgraph.signals.vectors import similarity, term_vectors

START = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)


def edits_of(rows):
    frame = pd.DataFrame(rows, columns=["user", "timestamp", "title", "comment"])
    frame = frame.assign(wiki="x.example", rev_id=np.arange(1, len(frame) + 1))
    frame["hidden"] = [[] for _ in range(len(frame))]
    return validate("edits", frame)


def every(minutes, user, n, page="P", comment="c", offset=0.0):
    return [
        (user, START + dt.timedelta(minutes=minutes * i + offset), f"{page}{i % 7}", comment)
        for i in range(n)
    ]


def test_unspaced_text_is_cut_into_characters_and_variants_stay():
    assert tokens("修正錯字 typo") == ["修", "正", "錯", "字", "typo"]
    assert tokens("裏") != tokens("里")


def terms_of(kind, summaries):
    """Return for each summary how many different terms it holds."""
    item, term = kind(tokenize_all(summaries))
    return [len(set(term[item == i].tolist())) for i in range(len(summaries))]


def test_terms_are_the_words_and_every_two_that_follow_each_other():
    assert terms_of(phrases, ["修正", "", "a a a", "typo"]) == [3, 0, 2, 1]
    assert terms_of(openings, ["修正", "", "a a a a a", "typo"]) == [2, 0, 4, 1]
    _, alike = phrases(tokenize_all(["b a", "a b"]))
    assert len(set(alike.tolist())) == 4  # two words, and the pair in each order
    item, term = openings(tokenize_all(["a b c", "a b d"]))
    assert sorted(set(term[item == 0]) & set(term[item == 1])) == [0, 1]


def test_a_sections_name_is_one_mark():
    assert tokens("/* External links */ fix") == ["§", "fix"]


def test_shapes_keep_case():
    assert [token_shape(t) for t in ("RS", "Word", "word")] == ["X", "Xx", "x"]


def test_a_batch_saved_at_once_is_one_save():
    rows = [("A", START, f"Page {i}", "many") for i in range(9)]
    corpus = compile_edits(edits_of([*rows, ("A", START + dt.timedelta(days=1), "Page 1", "one")]))
    assert corpus.n_saves == 2
    assert corpus.n_pages.tolist() == [9, 1]


def test_hidden_and_blank_summaries_are_no_summaries():
    frame = edits_of([("A", START, "P", "secret"), ("B", START, "P", "  ")])
    frame["hidden"] = [["comment"], []]
    corpus = compile_edits(frame)
    assert corpus.comments == ()
    assert corpus.comment.tolist() == [-1, -1]


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda s: s.name)
def test_similarity_is_symmetric_finite_and_order_free(signal):
    rows = (
        every(61, "A", 30) + every(67, "B", 30, "Q", "/* S */ d e") + every(71, "C", 30, "P", "c d")
    )
    frame = edits_of(rows)
    found = []
    for order in (frame, frame.sample(frac=1, random_state=3)):
        corpus = compile_edits(order)
        bag = signal.bag(corpus)
        if bag is None or not bag.rows.nnz:
            pytest.skip("nothing that two accounts share")
        seen = term_vectors(bag, of_accounts(corpus, ["A", "B", "C"]), signal.weighting)
        found.append(similarity(seen, seen))
    assert np.allclose(found[0], found[0].T, equal_nan=True)
    assert not np.isinf(found[0]).any()
    assert np.array_equal(found[0], found[1], equal_nan=True)


@pytest.mark.parametrize("full", [0.0, 2.0], ids=["as arrays", "sparse"])
@pytest.mark.parametrize("signal", SIGNALS, ids=lambda s: s.name)
def test_long_histories_compared_in_blocks_come_to_the_same(signal, full, monkeypatch):
    rows = every(7, "A", 900, "P", "a b") + every(8, "B", 500, "Q", "/* S */ d e")
    rows += every(9, "C", 333, "P", "c d") + every(11, "D", 4, "R", "c")
    corpus = compile_edits(edits_of(rows))
    bag = signal.bag(corpus)
    if bag is None or not bag.rows.nnz:
        pytest.skip("nothing that two accounts share here")
    made = term_vectors(bag, of_accounts(corpus, ["A", "B", "C", "D"]), signal.weighting)
    whole = similarity(made, made)
    monkeypatch.setattr("sockgraph.signals.vectors.FULL", full)
    for cells in (1, 40, 500):
        monkeypatch.setattr("sockgraph.signals.vectors.CELLS", cells)
        np.testing.assert_allclose(similarity(made, made), whole, atol=1e-6)


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda s: s.name)
def test_an_item_said_often_adds_up_as_if_every_save_had_its_row(signal):
    rows = every(7, "A", 300, "P", "a /* S */ b") + every(8, "B", 200, "Q", "/* S */ d e a")
    edits = edits_of(rows + every(9, "C", 50, "P", "a c /* S */"))
    corpus = compile_edits(edits.assign(text=edits["comment"] + " said"))
    bag = signal.bag(corpus)
    histories = of_accounts(corpus, ["A", "B", "C"])
    group, unit = histories.segments(40)
    gather = histories.gather(group, len(unit))
    told = gather @ bag.rows[bag.item]
    assert told.nnz
    assert np.array_equal(bag.count(gather).toarray(), told.toarray())


def test_turning_every_clock_changes_no_hours():
    signal = next(s for s in SIGNALS if s.name == "hours")
    rows = every(613, "A", 30) + every(997, "B", 30) + every(1411, "C", 30)
    results = []
    for turn in (0, 7):
        moved = [(u, t + dt.timedelta(hours=turn), p, c) for u, t, p, c in rows]
        corpus = compile_edits(edits_of(moved))
        seen = term_vectors(
            signal.bag(corpus), of_accounts(corpus, ["A", "B", "C"]), signal.weighting
        )
        results.append(similarity(seen, seen))
    assert np.allclose(results[0], results[1], atol=1e-5)


def test_an_account_without_edits_has_an_empty_history():
    corpus = compile_edits(edits_of(every(60, "A", 12)))
    units = of_accounts(corpus, ["A", "nobody"])
    assert units.n_saves.tolist() == [12, 0]


def at_work(user, seed, days, pause, page):
    draw = np.random.default_rng([seed, len(user)])
    rows = []
    for day in range(days):
        moment = START + dt.timedelta(days=day, seconds=float(draw.uniform(0, 60)))
        for i in range(25):
            moment += dt.timedelta(seconds=float(draw.normal(pause, pause / 6)))
            rows.append((user, moment, f"{page}{i % 9}", "c"))
    return rows


def test_two_people_at_work_at_once_have_an_alibi():
    rows = at_work("A", 1, 20, 200, "P") + at_work("B", 2, 20, 200, "Q")
    units = of_accounts(compile_edits(edits_of(rows)), ["A", "B"])
    found = find_alibis(units, np.zeros(2, dtype=bool))
    assert found.significant[0, 1]
    assert -1 <= found.log10_lr[0, 1] <= 0
    silent = find_alibis(units, np.array([True, False]))
    assert np.isnan(silent.log10_lr[0, 1])


def beside(days, *, mass):
    """Two people who meet for a few saves a day; one of them also runs through pages quickly."""
    draw = np.random.default_rng(8)
    rows = []
    for day in range(days):
        start = START + dt.timedelta(days=day)
        for user, page in (("A", "P"), ("B", "Q")):
            moment = start + dt.timedelta(seconds=float(draw.uniform(0, 200)))
            for i in range(4):
                rows.append((user, moment, f"{page}{(4 * day + i) % 9}", "c"))
                moment += dt.timedelta(seconds=float(200 * np.exp(0.4 * draw.normal())))
        for i in range(20 if mass else 0):
            moment = start + dt.timedelta(hours=5, seconds=18 * i + float(draw.uniform(0, 6)))
            rows.append(("A", moment, f"R{i}", "tool"))
    return of_accounts(compile_edits(edits_of(rows)), ["A", "B"])


@pytest.mark.parametrize("mass", [False, True], ids=["by hand", "with mass edits"])
def test_meeting_on_many_days_is_an_alibi_and_mass_edits_do_not_hide_it(mass):
    many = find_alibis(beside(30, mass=mass), np.zeros(2, dtype=bool))
    assert many.significant[0, 1]
    once = find_alibis(beside(2, mass=mass), np.zeros(2, dtype=bool))
    assert not once.significant[0, 1]


def test_one_pace_dealt_to_two_accounts_has_none():
    draw = np.random.default_rng(4)
    rows = [
        (str(draw.choice(["A", "B"])), t, p, c) for _, t, p, c in at_work("one", 3, 20, 100, "P")
    ]
    found = find_alibis(of_accounts(compile_edits(edits_of(rows)), ["A", "B"]), np.zeros(2, bool))
    assert not found.significant.any()


def test_undoing_each_other_speaks_against():
    rows = []
    for i in range(40):
        at = START + dt.timedelta(days=i)
        rows.append(("A", at, "P", "my view"))
        rows.append(("B", at + dt.timedelta(minutes=5), "P", "Undid revision by A"))
        rows.append(("C", at + dt.timedelta(minutes=9), "P", "comma"))
        rows.append(("C", at + dt.timedelta(minutes=12), "P", "dot"))
    found = find_undoing(of_accounts(compile_edits(edits_of(rows)), ["A", "B", "C"]))
    assert found.log10_lr[0, 1] < -0.3
    assert np.isnan(found.log10_lr[0, 2]) or found.log10_lr[0, 2] >= found.log10_lr[0, 1]


def test_hours_tell_the_day_of_the_week():
    signal = next(s for s in SIGNALS if s.name == "hours")
    always = {user: every(157 + i, user, 400) for i, user in enumerate("ABCD")}
    kept = {"A": (0, 1, 2), "B": (0, 1, 2), "C": (4, 5, 6), "D": (4, 5, 6)}
    rows = [row for user, days in kept.items() for row in always[user] if row[1].weekday() in days]
    corpus = compile_edits(edits_of(rows))
    units = of_accounts(corpus, list(kept))
    seen = term_vectors(signal.bag(corpus), units, signal.weighting)
    alike = similarity(seen, seen)
    assert alike[0, 1] > 0.5
    assert alike[2, 3] > 0.5
    assert max(alike[0, 2], alike[1, 3]) < 0


def test_a_save_of_four_pages_gives_each_half():
    """A batch is one piece of work: its pages together count as the root of their number."""
    rows = [("A", START, f"P{i}", "c") for i in range(4)] + [
        ("A", START + dt.timedelta(1), "P0", "c")
    ]
    rows += [("B", START + dt.timedelta(2), f"P{i}", "c") for i in range(4)]
    bag = SIGNALS[0].bag(compile_edits(edits_of(rows)))
    assert SIGNALS[0].name == "shared pages"
    assert sorted(bag.rows.sum(axis=1).A1) == pytest.approx([1.0, 2.0, 2.0])
    assert bag.rows.max() == 1.0


def test_what_one_account_alone_uses_is_no_term():
    rows = every(60, "A", 8, comment="ours") + every(60, "B", 8, comment="ours", offset=7)
    rows += every(60, "A", 8, comment="mine", offset=9)
    for signal in SIGNALS:
        bag = signal.bag(compile_edits(edits_of(rows)))
        if signal.name in {"phrases", "openings"}:
            assert bag.rows.shape[1] == 1
            assert (bag.spread == 2).all()


def test_a_save_counts_for_the_hours_around_it():
    """The kernel is an hour and a half wide, not half a day."""
    rows = [("A", START + dt.timedelta(hours=12), "P", "c")]
    (hours,) = (signal for signal in SIGNALS if signal.name == "hours")
    bag = hours.bag(compile_edits(edits_of(rows)))
    spread = bag.rows[bag.item].toarray()[0].reshape(7, 24).sum(axis=0)
    noon = int(spread.argmax())
    near = [spread[(noon + h) % 24] for h in range(-3, 4)]
    assert 0.9 < sum(near) <= 1.001
    assert near[3] < 0.5
