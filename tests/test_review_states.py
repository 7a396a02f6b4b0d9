"""States and rules: no state without its entries, nobody judges their own work."""

from __future__ import annotations

import re

import pandas as pd
import pytest
from review_fixture import (
    CASE,
    A,
    B,
    C,
    evidence_table,
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
    first_judgement,
    light_judgement,
    open_findings,
    seal,
    step_draft,
    take_steps,
    wiki_opened,
)
from sockgraph.reviews.dossier import Dossier
from sockgraph.reviews.ledger import Draft, Ledger
from sockgraph.reviews.packet import make_exhibit
from sockgraph.reviews.reversal import ask_reversal, register_evidence
from sockgraph.reviews.rules import barred, evidence_changed, refuse_export
from sockgraph.reviews.states import (
    ALIBI_ELSEWHERE,
    ELSEWHERE,
    LIGHT,
    LIGHT_STEPS,
    OPENED,
    STEPS,
    ReviewRound,
    assert_earlier,
    histories,
    link_states,
)
from sockgraph.reviews.words import history_lines, state_label
from sockgraph.schema import STATES
from sockgraph.strings import speaking


@pytest.fixture
def room(tmp_path):
    return make_dossier(tmp_path)


def test_earlier_findings_are_asserted_once_with_their_own_date_and_author(room):
    dossier, ledger = room
    first = ledger.path.read_bytes()
    assert assert_earlier(ledger, dossier.case) == 0
    assert ledger.path.read_bytes() == first
    (entry,) = ledger.entries()
    assert (entry.author, entry.time) == ("Marrow Lintel the Clerk", "2025-02-10T00:00:00Z")
    assert entry.pair == ASSERTED


def test_states_without_a_review_come_from_the_case_and_the_evidence(room):
    dossier, ledger = room
    found = link_states(dossier.tables["links"], ledger.entries())
    assert sorted(found) == ["asserted", "flagged", "none", "none", "none", "none"]
    assert state(dossier, ledger, ASSERTED) == "asserted"
    assert state(dossier, ledger, FLAGGED) == "flagged"


def test_a_review_goes_through_every_state(room):
    dossier, ledger = room
    first = commit(dossier, ledger, FLAGGED, "Ann", "upheld")
    assert state(dossier, ledger, FLAGGED) == "in review"
    assert open_findings(ledger, [first]) == ()  # closed until a second is in
    second = commit(dossier, ledger, FLAGGED, "Bea", "upheld")
    assert state(dossier, ledger, FLAGGED) == "in review"
    open_findings(ledger, [first, second])
    assert state(dossier, ledger, FLAGGED) == "upheld"


@pytest.mark.parametrize(
    ("findings", "outcome"),
    [
        (["upheld"], None),
        (["upheld", "upheld"], "upheld"),
        (["not upheld", "not upheld"], "not upheld"),
        (["inconclusive", "inconclusive"], "inconclusive"),
        (["upheld", "not upheld"], None),
        (["upheld", "inconclusive"], None),
        (["upheld", "not upheld", "upheld"], "inconclusive"),  # two to one does not harm
        (["upheld", "not upheld", "not upheld"], "not upheld"),  # but it spares
        (["upheld", "upheld", "upheld"], "upheld"),
    ],
)
def test_findings_make_a_state(room, findings, outcome):
    dossier, ledger = room
    found = review(
        dossier, ledger, FLAGGED, **dict(zip(["Ann", "Bea", "Cy"], findings, strict=False))
    )
    assert found == (outcome or "in review")


@pytest.mark.parametrize(
    ("findings", "outcome"),
    [
        (["reversed", "reversed"], "reversed"),
        (["stands", "stands"], "stands"),
        (["reversed", "stands"], "reversal in review"),
        (["reversed", "stands", "reversed"], "reversed"),
        (["reversed", "stands", "stands"], "stands"),
        (["inconclusive", "inconclusive"], "stands"),
    ],
)
def test_reversal_findings_make_a_state(room, findings, outcome):
    dossier, ledger = room
    ask_reversal(ledger, dossier, ASSERTED, author="Appeal Ash", reason="a letter")
    named = dict(zip(["Ann", "Bea", "Cy"], findings, strict=False))
    assert review(dossier, ledger, ASSERTED, **named) == outcome


def test_no_round_has_an_outcome_without_two_findings():
    assert ReviewRound("review").outcome is None
    assert ReviewRound("reversal").outcome is None


@pytest.mark.parametrize("step", STEPS[1:])
def test_no_step_before_those_that_come_before_it(room, step):
    dossier, ledger = room
    kept = SealedAnswers(FLAGGED, "Ann", answers("upheld"))
    unchanged(
        ledger,
        lambda: take_steps(ledger, dossier, [step_draft(dossier, kept, step)]),
        "cannot come before 'read'",
    )


def test_a_finding_before_the_first_judgement_is_refused(room):
    dossier, ledger = room
    kept = SealedAnswers(FLAGGED, "Ann", answers("upheld"))
    take_steps(ledger, dossier, [step_draft(dossier, kept, "read")])
    unchanged(
        ledger,
        lambda: take_steps(ledger, dossier, [step_draft(dossier, kept, "finding")]),
        "'finding' cannot come before 'first judgement'",
    )


def test_a_reviewer_reviews_a_link_once_however_they_spell_their_name(room):
    dossier, ledger = room
    commit(dossier, ledger, FLAGGED, "Ann Lee", "upheld")
    for name in ("Ann Lee", "ann_lee", " ANN  LEE"):
        unchanged(
            ledger, lambda name=name: commit(dossier, ledger, FLAGGED, name, "upheld"), "already"
        )


def test_a_first_judgement_cannot_be_given_twice(room):
    dossier, ledger = room
    kept = SealedAnswers(FLAGGED, "Ann", answers("upheld"))
    take_steps(ledger, dossier, [step_draft(dossier, kept, s) for s in STEPS[:2]])
    unchanged(
        ledger,
        lambda: take_steps(ledger, dossier, [step_draft(dossier, kept, "first judgement")]),
        "taken already",
    )


@pytest.mark.parametrize(
    ("pair", "name", "why"),
    [
        (FLAGGED, "filing fern", "filed the case"),
        (ASSERTED, "Marrow Lintel the Clerk", "found the link"),
        (FLAGGED, A, "one of the case's accounts"),
        (FLAGGED, "quillmoss", "one of the case's accounts"),
    ],
)
def test_who_has_a_part_in_a_link_cannot_review_it(room, pair, name, why):
    dossier, ledger = room
    unchanged(ledger, lambda: commit(dossier, ledger, pair, name, "upheld"), why)


def test_a_filer_and_an_appellant_cannot_review_the_reversal_nor_who_upheld_it(room):
    dossier, ledger = room
    assert review(dossier, ledger, FLAGGED, Ann="upheld", Bea="upheld") == "upheld"
    ledger.append("filed", author="Dan", user_a=FLAGGED[0], user_b=FLAGGED[1])
    ask_reversal(ledger, dossier, FLAGGED, author="Appeal Ash", reason="a letter")
    history = histories(ledger.entries())[FLAGGED]
    reasons = {
        name: barred(dossier.case, history, name) for name in ("Ann", "Dan", "Appeal Ash", "Eve")
    }
    assert "upheld" in reasons["Ann"]
    assert "filed" in reasons["Dan"]
    assert "asked for the reversal" in reasons["Appeal Ash"]
    assert reasons["Eve"] is None
    assert review(dossier, ledger, FLAGGED, Eve="reversed", Fay="reversed") == "reversed"


def test_an_answer_other_than_the_committed_one_is_not_opened(room):
    dossier, ledger = room
    ann = commit(dossier, ledger, FLAGGED, "Ann", "upheld")
    bea = commit(dossier, ledger, FLAGGED, "Bea", "upheld")
    changed = SealedAnswers(FLAGGED, "Ann", {**ann.answers, **answers("not upheld")})
    unchanged(
        ledger, lambda: open_findings(ledger, [changed, bea]), "not the one that was committed"
    )


def test_an_opening_written_by_hand_that_breaks_its_commitment_counts_for_nothing(room):
    dossier, ledger = room
    ann = commit(dossier, ledger, FLAGGED, "Ann", "upheld")
    bea = commit(dossier, ledger, FLAGGED, "Bea", "not upheld")
    forged = {"finding": {**bea.answers["finding"].answer, "finding": "upheld"}}
    salts = {"finding": bea.answers["finding"].salt}
    body = {"user_a": B, "user_b": C, "answers": forged, "salts": salts}
    ledger.extend(lambda _: [Draft(OPENED, "Bea", body)])
    open_findings(ledger, [ann])
    assert state(dossier, ledger, FLAGGED) == "in review"


def test_commitments_tell_nothing(room):
    dossier, ledger = room
    ann = commit(dossier, ledger, FLAGGED, "Ann", "upheld")
    bea = commit(dossier, ledger, FLAGGED, "Bea", "upheld")
    commits = [
        k.commit("finding") for k in (ann, bea, SealedAnswers(FLAGGED, "Ann", answers("upheld")))
    ]
    assert len(set(commits)) == 3  # equal answers, three hashes
    text = ledger.path.read_text(encoding="utf-8")
    assert '"finding":"upheld"' not in text
    assert "because" not in text


def test_a_decided_link_is_not_reviewed_again_until_its_evidence_moves(room):
    dossier, ledger = room
    assert review(dossier, ledger, FLAGGED, Ann="not upheld", Bea="not upheld") == "not upheld"
    history = histories(ledger.entries())[FLAGGED]
    assert not evidence_changed(dossier, history)
    unchanged(ledger, lambda: commit(dossier, ledger, FLAGGED, "Cy", "upheld"), "has not changed")

    new = Dossier(dossier.case, tables(evidence=evidence_table(pages_lr=1.1)), dossier.manifest)
    assert evidence_changed(new, history)
    assert review(new, ledger, FLAGGED, Ann="inconclusive", Bea="inconclusive") == "inconclusive"
    assert [e.kind for e in ledger.entries()].count("look again") == 1


def hidden_where(edits, chosen, what):
    rows = zip(chosen, edits["hidden"], strict=True)
    return edits.assign(hidden=[[what] if here else list(h) for here, h in rows])


def test_what_a_reviewer_was_not_shown_moves_nothing(room):
    dossier, ledger = room
    review(dossier, ledger, FLAGGED, Ann="upheld", Bea="upheld")
    history = histories(ledger.entries())[FLAGGED]
    then = history.current.records["ann"].rests_on
    evidence, edits = dossier.tables["evidence"], dossier.tables["edits"]
    others = [["fernwick.example:1034"]] * len(evidence)
    for name, other in (
        ("a float's last digits", {"evidence": evidence_table(pages_lr=1.4 + 9e-6)}),
        ("contributions", {"evidence": evidence.assign(contribution=9.0)}),
        ("other edits cited", {"evidence": evidence.assign(rev_ids=others)}),
        ("edits of others", {"edits": hidden_where(edits, edits["user"] == A, "text")}),
        ("others gone", {"edits": edits[edits["user"] != A]}),
    ):
        new = with_tables(dossier, **other)
        assert not evidence_changed(new, history), name
        assert not new.changes_since(FLAGGED, then), name


def test_what_a_reviewer_was_shown_moves_the_finding_and_stands_side_by_side(room):
    dossier, ledger = room
    review(dossier, ledger, FLAGGED, Ann="upheld", Bea="upheld")
    history = histories(ledger.entries())[FLAGGED]
    edits, links = dossier.tables["edits"], dossier.tables["links"]
    weaker = links.assign(band=links["band"].str.replace("moderately", "weakly"))
    hidden = hidden_where(edits, edits["rev_id"] == 1033, "comment")
    last = edits.index[edits["user"] == B][-1]
    for other, what in (
        ({"evidence": evidence_table(pages_lr=1.1)}, {"shared pages"}),
        ({"links": weaker}, {"the sum"}),
        ({"links": links.assign(alibi=True)}, {"simultaneous work"}),
        ({"edits": hidden}, {f"read of {B}", "edit fernwick.example:1033"}),
        ({"edits": edits.drop(index=last)}, {f"read of {B}"}),
    ):
        new = with_tables(dossier, **other)
        assert evidence_changed(new, history), what
        rows = new.changes_since(FLAGGED, history.current.records["ann"].rests_on)
        assert {row.what for row in rows} == what
        assert all(row.then != row.now for row in rows)
        (block,) = [
            b
            for b in make_exhibit(new, FLAGGED, history).everything
            if b.head == "What has changed since the finding before"
        ]
        assert len(block.rows) == len(what - {"the sum"})
        assert not any(name in str(block.rows) for name in (A, B, C))


def test_a_ledger_from_before_is_read_and_its_findings_move_by_what_was_shown(room):
    dossier, ledger = room
    review(dossier, ledger, FLAGGED, Ann="upheld", Bea="upheld")
    fields = ("log10_lr", "contribution", "support", "status")
    old = {
        "link": {
            "score": 2.4,
            "log10_lr": 2.4000001,
            "log10_lr_low": 1.9,
            "log10_lr_high": 2.8,
            "band": "moderately for",
            "alibi": False,
        },
        "signals": {row["signal"]: {k: row[k] for k in fields} for row in dossier.signals(FLAGGED)},
    }
    drafts = []
    for entry in ledger.entries()[1:]:  # as such a ledger has them: bare floats, one hash over all
        body = {k: v for k, v in entry.body.items() if k not in ("asks", "rests_on")}
        body |= {"rests_on": old} if entry.kind == "finding" else {}
        body |= {"evidence": "0" * 64} if "evidence" in body else {}
        drafts.append(Draft(entry.kind, entry.author, body, entry.manifest))
    before = Ledger(ledger.path.with_name("before.jsonl"))
    before.extend(lambda _: drafts)
    before.verify()
    history = histories(before.entries())[FLAGGED]
    assert history.state == "upheld"
    assert not evidence_changed(dossier, history)
    refuse_export(dossier, [history])
    assert evidence_changed(with_tables(dossier, evidence=evidence_table(pages_lr=1.1)), history)


def test_every_state_has_its_words(room):
    dossier, ledger = room
    said = {state: state_label(state) for state in STATES}
    assert len(set(said.values())) == len(STATES)
    for words in said.values():
        assert not re.search(r"guilty|confirmed|likely|possible", words)
    kept = SealedAnswers(
        FLAGGED, "Ann", {LIGHT: seal(light_judgement(judgement="cannot tell", says="few"))}
    )
    take_steps(ledger, dossier, [step_draft(dossier, kept, step) for step in LIGHT_STEPS])
    history = histories(ledger.entries())[FLAGGED]
    assert history.state == "inconclusive"
    assert history_lines(history) == ["Review: Ann: inconclusive (light path)."]


@pytest.mark.parametrize("language", ["zh-hans", "zh-hant"])
def test_how_a_link_came_to_its_state_is_told_in_the_page_s_language(room, language):
    dossier, ledger = room
    ask_reversal(ledger, dossier, ASSERTED, author="Ash", reason="a letter")
    register_evidence(ledger, dossier, ASSERTED, author="Ash", what=NEWS)
    review(dossier, ledger, ASSERTED, Ann="reversed", Bea="reversed")
    review(dossier, ledger, FLAGGED, Ann="upheld", Bea="inconclusive")
    commit(dossier, ledger, FLAGGED, "Cy", "upheld")
    pair = dict(zip(("user_a", "user_b"), FLAGGED, strict=True))
    for kind in (ELSEWHERE, ALIBI_ELSEWHERE):
        ledger.append(kind, author="sockgraph", case="lake", date="2026-01-02", **pair)
    known = histories(ledger.entries()).values()
    english = [line for history in known for line in history_lines(history, moved=True)]
    with speaking(language):
        told = [line for history in known for line in history_lines(history, moved=True)]
    assert len(told) == len(english) == 8
    names = {"Ann", "Bea", "lake", "Marrow", "Lintel", "the", "Clerk"}
    assert set(re.findall(r"[A-Za-z]{3,}", "".join(told))) <= names


def test_the_light_path_is_not_for_reversals_nor_foils_nor_outcomes_that_harm(room):
    dossier, ledger = room
    sealed = {LIGHT: seal(light_judgement(judgement="different people", cites=["w:1"]))}
    ask_reversal(ledger, dossier, ASSERTED, author="Ash", reason="a letter")
    for pair in (ASSERTED, ("reference-001", "reference-002")):
        kept = SealedAnswers(pair, "Ann", sealed)
        take_steps(ledger, dossier, [step_draft(dossier, kept, "read")])
        unchanged(
            ledger,
            lambda kept=kept: take_steps(ledger, dossier, [step_draft(dossier, kept, LIGHT)]),
            "two people|no link",
        )
    for wrong in ("may be one operator", "one operator", "upheld"):
        with pytest.raises(ReviewError, match="not a judgement that closes"):
            light_judgement(judgement=wrong, says="because")
    with pytest.raises(ReviewError, match="an edit that shows it"):
        light_judgement(judgement="different people")


def test_opening_an_edit_on_the_wiki_ends_the_blinding(room):
    dossier, ledger = room
    kept = SealedAnswers(FLAGGED, "Ann", answers("upheld"))
    take_steps(
        ledger, dossier, [step_draft(dossier, kept, "read"), wiki_opened(kept, "w:1", dossier)]
    )
    commit(dossier, ledger, FLAGGED, "Bea", "upheld")
    records = histories(ledger.entries())[FLAGGED].current.records
    assert [r.blinded for r in records.values()] == [False, True]


def test_unknown_accounts_are_named_and_near_ones_offered(room):
    dossier, _ = room
    assert dossier.pair("weir_Lantern", B) == FLAGGED
    with pytest.raises(ReviewError, match=r"Quilmos: .*Did you mean Quillmoss"):
        dossier.pair("Quilmos", C)
    with pytest.raises(ReviewError, match="does not compare them"):
        dossier.pair(B, B)


@pytest.mark.parametrize(
    "given",
    [
        {"judgement": "guilty"},
        {"says": " "},
        {"other": ""},
        {"says": "x" * 20_001},
        {"judgement": "cannot tell", "says": " "},
    ],
)
def test_a_judgement_without_reasons_is_refused(given):
    whole = {"judgement": "may be one operator", "says": "a", "other": "b"}
    assert first_judgement(**whole)["judgement"] == "may be one operator"
    assert first_judgement(judgement="different people", says="", cites=["w:1"])["else"] == ""
    with pytest.raises(ReviewError):
        first_judgement(**{**whole, **given})


def test_a_finding_needs_the_strongest_alternative_in_writing():
    with pytest.raises(ReviewError, match="alternative"):
        finding("review", found="upheld", why="because", alternative="  ")
    with pytest.raises(ReviewError, match="reversed"):
        finding("review", found="reversed", why="because", alternative="chance")


def test_link_states_keep_the_index_and_know_every_state(room):
    dossier, ledger = room
    links = dossier.tables["links"].iloc[::-1]
    found = link_states(links, ledger.entries())
    assert found.index.equals(links.index)
    assert isinstance(found.dtype, pd.StringDtype)
    assert found.name == "state"


def test_a_case_that_names_no_filer_bars_no_one_for_it(tmp_path):
    text = CASE.replace('by = "Filing Fern"\n', "")
    dossier, ledger = make_dossier(tmp_path, text=text)
    commit(dossier, ledger, FLAGGED, "Filing Fern", "upheld")


def test_two_writers_cannot_both_review_as_one_person(room):
    dossier, ledger = room
    other = Ledger(ledger.path)
    kept = SealedAnswers(FLAGGED, "Ann", {"first judgement": seal({"x": 1})})
    take_steps(ledger, dossier, [step_draft(dossier, kept, "read")])
    unchanged(
        other,
        lambda: take_steps(other, dossier, [step_draft(dossier, kept, "read")]),
        "taken already",
    )


def test_a_finding_on_evidence_that_has_changed_is_refused_and_the_link_begun_again(room):
    dossier, ledger = room
    kept = SealedAnswers(FLAGGED, "Ann", answers("upheld"))
    take_steps(ledger, dossier, [step_draft(dossier, kept, step) for step in STEPS[:5]])
    new = Dossier(dossier.case, tables(evidence=evidence_table(pages_lr=1.1)), dossier.manifest)
    unchanged(
        ledger,
        lambda: take_steps(ledger, new, [step_draft(new, kept, "finding")]),
        "the evidence has changed since this reviewer read it",
    )
    commit(new, ledger, FLAGGED, "Ann", "upheld")
    record = histories(ledger.entries())[FLAGGED].current.records["ann"]
    assert record.steps == STEPS
    assert not record.blinded  # they had seen evidence before this first judgement
