"""What follows from findings: alibis, imitation, reversals, reopening, and what may be exported."""

from __future__ import annotations

import pandas as pd
import pytest
from review_fixture import (
    A,
    B,
    C,
    D,
    clusters_table,
    evidence_table,
    links_table,
    make_dossier,
    tables,
)
from review_work import (
    ASSERTED,
    FLAGGED,
    NEWS,
    answers,
    commit,
    review,
    state,
    unchanged,
    with_tables,
)

from sockgraph.errors import ReviewError
from sockgraph.reviews.answers import (
    SealedAnswers,
    finding,
    open_findings,
    step_draft,
    take_steps,
)
from sockgraph.reviews.arguments import arguments
from sockgraph.reviews.audit import FEW, Rate, calibrations
from sockgraph.reviews.dossier import Dossier
from sockgraph.reviews.packet import make_exhibit
from sockgraph.reviews.reversal import (
    ReceivedEvidence,
    ask_reversal,
    leaning_links,
    register_evidence,
    reopen,
    settle_reversals,
)
from sockgraph.reviews.rules import draw_foils, evidence_changed, refuse_export, why_not_exported
from sockgraph.reviews.states import STEPS, LinkHistory, cannot_links, histories


@pytest.fixture
def room(tmp_path):
    return make_dossier(tmp_path)


def test_an_accepted_alibi_keeps_two_accounts_apart_until_reopened(room):
    dossier, ledger = room
    pair = (A, B)
    kept = [
        commit(dossier, ledger, pair, who, "not upheld", alibi="accepted") for who in ("Ann", "Bea")
    ]
    assert cannot_links(ledger.entries()) == []  # closed answers decide nothing
    open_findings(ledger, kept)
    assert cannot_links(ledger.entries()) == [pair]
    register_evidence(ledger, dossier, pair, author="Cy", what=NEWS)
    reopen(ledger, dossier, pair, author="Cy", reason="a letter")
    assert cannot_links(ledger.entries()) == []


def test_a_reversal_keeps_apart_lists_what_leaned_and_is_lifted_by_reopening_only(room):
    dossier, ledger = room
    assert review(dossier, ledger, FLAGGED, Ann="upheld", Bea="upheld") == "upheld"
    ask_reversal(ledger, dossier, FLAGGED, author="Ash", reason="a letter")
    unchanged(
        ledger,
        lambda: ask_reversal(ledger, dossier, FLAGGED, author="Ash", reason="again"),
        "'reversal in review'",
    )
    assert review(dossier, ledger, FLAGGED, Eve="reversed", Fay="reversed") == "reversed"
    assert cannot_links(ledger.entries()) == [FLAGGED]
    (entry,) = settle_reversals(ledger, dossier)
    assert settle_reversals(ledger, dossier) == ()
    assert entry.body["groups"] == [[B, C]]
    assert entry.body["links"] == []  # A and C are asserted, but nothing joins A to B
    assert entry.body["made_by"] == ["Ann", "Bea"]
    assert {one["file"] for one in entry.body["artefacts"]} >= {"report.html", "links.parquet"}

    unchanged(ledger, lambda: commit(dossier, ledger, FLAGGED, "Gil", "upheld"), "reversed")
    unchanged(
        ledger,
        lambda: reopen(ledger, dossier, FLAGGED, author="Gil", reason="?"),
        "no authenticated evidence",
    )
    register_evidence(ledger, dossier, FLAGGED, author="Gil", what=NEWS)
    reopen(ledger, dossier, FLAGGED, author="Gil", reason="the letter was forged")
    assert state(dossier, ledger, FLAGGED) == "reopened"
    assert cannot_links(ledger.entries()) == []
    assert review(dossier, ledger, FLAGGED, Ann="upheld", Hal="upheld") == "upheld"


def test_a_link_that_was_never_made_is_not_reversed_nor_reopened(room):
    dossier, ledger = room
    for pair in ((A, D), FLAGGED):
        unchanged(
            ledger,
            lambda pair=pair: ask_reversal(ledger, dossier, pair, author="Ash", reason="?"),
            "only a link that was made",
        )
        unchanged(
            ledger,
            lambda pair=pair: reopen(ledger, dossier, pair, author="Ash", reason="?"),
            "nothing keeps it",
        )


def test_evidence_is_registered_by_hash_once(room):
    dossier, ledger = room
    register_evidence(ledger, dossier, FLAGGED, author="Ann", what=NEWS)
    unchanged(
        ledger,
        lambda: register_evidence(ledger, dossier, FLAGGED, author="Bea", what=NEWS),
        "registered for this link already",
    )
    wrong = ReceivedEvidence("maybe", "Cass", "a letter", "1" * 64)
    unchanged(
        ledger,
        lambda: register_evidence(ledger, dossier, FLAGGED, author="Bea", what=wrong),
        "maybe",
    )
    empty = ReceivedEvidence("for", " ", "a letter", "1" * 64)
    unchanged(
        ledger,
        lambda: register_evidence(ledger, dossier, FLAGGED, author="Bea", what=empty),
        "authenticated-by",
    )


def test_export_is_refused_and_says_why(room):
    dossier, ledger = room
    reasons = {}
    for pair in (FLAGGED, (A, B), (A, D)):
        history = histories(ledger.entries()).get(pair, LinkHistory(pair))
        reasons[pair] = why_not_exported(dossier, history)
    assert reasons[FLAGGED] == ["its state is 'none': two reviewers have not upheld it"]
    assert any("alibi" in why for why in reasons[A, B])
    assert any("insufficient" in why for why in reasons[A, D])
    with pytest.raises(ReviewError, match="3 of 3 links"):
        refuse_export(dossier, [LinkHistory(pair) for pair in reasons])

    review(dossier, ledger, FLAGGED, Ann="upheld", Bea="not upheld")
    assert why_not_exported(dossier, histories(ledger.entries())[FLAGGED]) == [
        "its reviewers disagree"
    ]


def test_an_upheld_link_is_exported_until_its_evidence_moves(room):
    dossier, ledger = room
    review(dossier, ledger, FLAGGED, Ann="upheld", Bea="upheld")
    history = histories(ledger.entries())[FLAGGED]
    refuse_export(dossier, [history])
    new = Dossier(dossier.case, tables(evidence=evidence_table(pages_lr=1.1)), dossier.manifest)
    (why,) = why_not_exported(new, history)
    assert "shared pages, then for (+1.4), 5 edits, now for (+1.1), 5 edits" in why


def test_an_unanswered_alibi_stops_an_upheld_link(room):
    dossier, ledger = room
    pair = (A, B)
    review(dossier, ledger, pair, Ann="upheld", Bea="upheld")
    assert why_not_exported(dossier, histories(ledger.entries())[pair]) == [
        "its alibi (simultaneous work on different pages) is unanswered"
    ]


def imitated(dossier, pair):
    links = dossier.tables["links"]
    here = (links["user_a"] == pair[0]) & (links["user_b"] == pair[1])
    return with_tables(dossier, links=links.assign(imitation=links["imitation"] | here))


def test_the_days_of_an_alibi_come_first_and_imitation_before_what_speaks_against(room):
    dossier, _ = room
    pair = (A, B)
    evidence = dossier.tables["evidence"]
    here = (evidence["user_a"] == A) & (evidence["user_b"] == B) & (evidence["signal"] == "words")
    other = evidence[here].assign(signal="imitation", family="imitation")
    dossier = with_tables(dossier, evidence=pd.concat([evidence, other], ignore_index=True))
    heads = [block.head for block in make_exhibit(dossier, pair, LinkHistory(pair)).against]
    assert heads[:2] == ["Simultaneous work on different pages", "imitation"]
    assert len(heads) > 2


def test_imitation_is_answered_as_an_alibi_is_and_then_stops_no_filing(room):
    dossier, ledger = room
    dossier = imitated(dossier, FLAGGED)
    assert make_exhibit(dossier, FLAGGED, LinkHistory(FLAGGED)).asked == ("imitation",)
    kept = [
        commit(dossier, ledger, FLAGGED, who, "upheld", imitation="explained")
        for who in ("Ann", "Bea")
    ]
    open_findings(ledger, kept)
    history = histories(ledger.entries())[FLAGGED]
    assert history.answers_to("imitation") == ("explained", "explained")
    assert why_not_exported(dossier, history) == []


def test_imitation_that_nobody_answered_or_one_accepted_stops_a_filing(room):
    dossier, ledger = room
    dossier = imitated(dossier, FLAGGED)
    review(dossier, ledger, FLAGGED, Ann="upheld", Bea="upheld")
    (why,) = why_not_exported(dossier, histories(ledger.entries())[FLAGGED])
    assert why == "that one of the two may be imitating the other is unanswered"
    with pytest.raises(ReviewError, match="its answer to the imitation keeps from being joined"):
        finding("review", found="upheld", why="x", alternative="y", imitation="accepted")
    pair = (A, B)
    dossier = imitated(dossier, pair)
    kept = [
        commit(dossier, ledger, pair, "Ann", "not upheld", alibi="explained", imitation="accepted")
    ]
    kept += [
        commit(dossier, ledger, pair, w, "upheld", alibi="explained", imitation="explained")
        for w in ("Bea", "Cy")
    ]
    open_findings(ledger, kept)
    said = why_not_exported(dossier, histories(ledger.entries())[pair])
    assert "a reviewer found that one of the two imitates the other" in said


def test_a_number_at_the_bound_is_shown_as_such_and_moves_no_finding_from_before(room):
    dossier, ledger = room
    at = {"log10_lr": 2.1, "log10_lr_low": 1.8, "log10_lr_high": 2.1}
    links = dossier.tables["links"].assign(**at, bound_low=-1.9, bound_high=2.1)
    dossier = with_tables(dossier, links=links)
    exhibit = make_exhibit(dossier, FLAGGED, LinkHistory(FLAGGED), numbers=True)
    assert "log10 LR ≥ 2.1 [1.8, ≥ 2.1]" in exhibit.everything[-1].note
    review(dossier, ledger, FLAGGED, Ann="upheld", Bea="upheld")
    then = histories(ledger.entries())[FLAGGED].current.records["ann"].rests_on
    assert then["link"].pop("held")  # as a ledger from before has it
    assert not dossier.changes_since(FLAGGED, then)
    far = with_tables(dossier, links=links.assign(log10_lr_low=1.4))
    assert far.evidence_hash(FLAGGED) != dossier.evidence_hash(FLAGGED)
    (row,) = far.changes_since(FLAGGED, then)
    assert "[1.4, ≥ 2.1]" in row.now


def test_no_wording_is_argued_twice_in_part(room):
    dossier, _ = room
    edits = dossier.tables["edits"]
    said = {B: "per the toll survey, mend", C: "per the toll survey, mend"}
    comments = edits["user"].map(said).fillna(edits["comment"])
    evidence = dossier.tables["evidence"].query("user_a == @B and user_b == @C").iloc[[1]]
    revs = [f"fernwick.example:{r}" for r in edits.loc[edits["user"].isin([B, C]), "rev_id"]]
    rows = [evidence.assign(signal=s, rev_ids=[revs]) for s in ("phrases", "openings")]
    tables = {"edits": edits.assign(comment=comments), "evidence": pd.concat(rows)}
    dossier = with_tables(dossier, **tables)
    found, _ = arguments(dossier, [(B, C)], "for")
    assert [one.what for one in found if one.what] == ["per the toll survey, mend"]


def test_an_opening_with_a_mark_is_argued_and_of_no_others_none_is_counted(room):
    dossier, _ = room
    edits = dossier.tables["edits"].assign(comment="...per  the toll survey")
    edits = edits[edits["user"].isin([B, C])]
    evidence = dossier.tables["evidence"].query("user_a == @B and user_b == @C").iloc[[1]]
    revs = [f"fernwick.example:{r}" for r in edits["rev_id"]]
    tables = {"edits": edits, "evidence": evidence.assign(signal="openings", rev_ids=[revs])}
    (found,), _ = arguments(with_tables(dossier, **tables), [(B, C)], "for")
    assert found.said("for", found.what) == "Both begin summaries with “...per the toll survey”."
    assert found.rows


def test_what_leaned_on_a_reversed_link_is_to_be_looked_at_again(tmp_path):
    dossier, ledger = make_dossier(tmp_path, clusters=clusters_table(first=1))
    assert review(dossier, ledger, FLAGGED, Ann="upheld", Bea="upheld") == "upheld"
    assert not evidence_changed(dossier, histories(ledger.entries())[FLAGGED])
    ask_reversal(ledger, dossier, ASSERTED, author="Ash", reason="a letter")
    review(dossier, ledger, ASSERTED, Ann="reversed", Bea="reversed")
    (entry,) = settle_reversals(ledger, dossier)
    assert entry.body["groups"] == [[A, B, C]]
    assert entry.body["links"] == [list(FLAGGED)]
    history = histories(ledger.entries())[FLAGGED]
    assert why_not_exported(dossier, history) == ["a link that it leaned on has been taken back"]
    assert review(dossier, ledger, FLAGGED, Ann="upheld", Bea="upheld") == "upheld"
    assert not why_not_exported(dossier, histories(ledger.entries())[FLAGGED])


def test_a_triangle_leans_on_its_third_side(tmp_path):
    links = links_table()
    links = links.assign(flagged=links["flagged"] | links["alibi"])  # A and B, as well as B and C
    dossier, ledger = make_dossier(tmp_path, links=links)
    known = histories(ledger.entries())
    assert leaning_links(dossier, ASSERTED, known) == [(A, B), (B, C)]


def judged(dossier, ledger, pair, **found):
    """Have several people review a link that may be imitation; who upholds it says it is not."""
    said = {True: "explained", False: "accepted"}
    kept = [
        commit(dossier, ledger, pair, who, what, imitation=said[what == "upheld"])
        for who, what in found.items()
    ]
    open_findings(ledger, kept)
    return histories(ledger.entries())[pair].state


def test_reviewers_are_held_against_foils_and_framed_pairs_over_cases(tmp_path):
    ledgers = []
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        dossier, ledger = make_dossier(folder)
        dossier = imitated(imitated(dossier, FLAGGED), ASSERTED)
        found = {"Ann": "not upheld", "Bea": "upheld", "Cy": "not upheld"}
        assert judged(dossier, ledger, FLAGGED, **found) == "not upheld"
        assert judged(dossier, ledger, ASSERTED, Ann="upheld", Bea="upheld") == "upheld"
        first = []
        (foil,) = (task.pair for task in draw_foils(dossier, 1))
        for who, judgement in (("Ann", "different people"), ("Bea", "may be one operator")):
            answer = answers("upheld", judgement=judgement)["first judgement"]
            kept = SealedAnswers(foil, who, {"first judgement": answer})
            take_steps(ledger, dossier, [step_draft(dossier, kept, s) for s in STEPS[:2]])
            first.append(kept)
        open_findings(ledger, first)
        ledgers.append(ledger.entries())
    ann, bea, cy = calibrations(ledgers)
    assert [(one.name, one.cases) for one in (ann, bea, cy)] == [("Ann", 2), ("Bea", 2), ("Cy", 2)]
    assert (ann.foils.joined, ann.foils.judged) == (0, 2)
    assert (bea.foils.joined, bea.foils.judged) == (2, 2)
    assert (ann.framed.joined, ann.framed.judged) == (0, 2)  # that Cy found so, too, is what counts
    assert (bea.framed.joined, bea.framed.judged) == (2, 2)
    assert (cy.foils.judged, cy.foils.low) == (0, None)
    assert bea.framed.low == pytest.approx(0.025 ** (1 / 2))  # Clopper and Pearson, two of two
    assert "found one operator: 2 of 2, 95 % interval 16% to 100%, too few to" in str(bea)
    (alone,) = [one for one in calibrations([without(ledgers[0], "Cy")]) if one.name == "Ann"]
    assert alone.framed.judged == 0  # nobody is held against their own finding


def without(entries, name):
    return [entry for entry in entries if entry.author != name]


def test_enough_pairs_say_something_of_a_reviewer():
    assert Rate.of([False] * FEW).few is False
    assert Rate.of([False] * (FEW - 1)).few is True
    assert Rate.of([False] * FEW).high == pytest.approx(1 - 0.025 ** (1 / FEW))
