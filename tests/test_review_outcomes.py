"""What follows from findings: alibis, imitation, reversals, reopening, and what may be exported."""

from __future__ import annotations

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
    commit,
    review,
    state,
    unchanged,
    with_tables,
)

from sockgraph.errors import ReviewError
from sockgraph.reviews import (
    cannot_links,
    histories,
)
from sockgraph.reviews.answers import (
    finding,
    open_findings,
)
from sockgraph.reviews.dossier import Dossier
from sockgraph.reviews.exhibit import make_exhibit
from sockgraph.reviews.reversal import (
    ReceivedEvidence,
    ask_reversal,
    leaning_links,
    register_evidence,
    reopen,
    settle_reversals,
)
from sockgraph.reviews.rules import evidence_changed, refuse_export, why_not_exported
from sockgraph.reviews.states import LinkHistory


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
