"""What one case takes back binds the others of its wiki, and is carried with a proof."""

from __future__ import annotations

import json
import shutil

import pandas as pd
import pytest
from review_fixture import A, B, C, write_case
from review_work import commit, review

from sockgraph.case import load_case
from sockgraph.cli.filing import carry_in
from sockgraph.errors import ReviewError
from sockgraph.pipeline.other_cases import (
    earlier_looks,
    enter_cannot_links,
    export,
    kept_apart,
    read_export,
    tell,
)
from sockgraph.pipeline.review_session import ReviewSession
from sockgraph.reviews.answers import open_findings
from sockgraph.reviews.ledger import LedgerHead
from sockgraph.reviews.reversal import (
    ReceivedEvidence,
    ask_reversal,
    register_evidence,
    reopen,
    settle_reversals,
)
from sockgraph.reviews.rules import why_not_exported
from sockgraph.reviews.states import LinkHistory, accepted_alibis, cannot_links, histories
from sockgraph.reviews.words import history_lines

PAIR = (A, C)
NEWS = ReceivedEvidence("against", "Clerk Cass", "a letter", "0" * 64)


@pytest.fixture
def two(tmp_path):
    """Two cases of one wiki in one data folder; the first takes a link back."""
    river, data = write_case(tmp_path)
    lake = shutil.copy(river, tmp_path / "lake.toml")
    shutil.copytree(data / "processed" / "river", data / "processed" / "lake")
    said = []
    rooms = [ReviewSession.of(path, data, tell=said.append) for path in (river, lake)]
    return *rooms, said


def take_back(room):
    ask_reversal(room.ledger, room.dossier, PAIR, author="Ash", reason="a letter")
    assert review(room.dossier, room.ledger, PAIR, Ann="reversed", Bea="reversed") == "reversed"


def test_every_other_case_of_the_wiki_is_told_at_once(two, monkeypatch):
    river, lake, said = two
    monkeypatch.setattr(ReviewSession, "regroup", lambda _: None)
    assert cannot_links(lake.ledger.entries()) == []
    take_back(river)
    river.settle()
    assert f"The case lake compares {A} and {C} too" in " ".join(said)
    assert cannot_links(lake.ledger.entries()) == [PAIR]
    history = histories(lake.ledger.entries())[PAIR]
    assert history.state == "reversed"
    assert "Taken back in the case river on" in history_lines(history)[-1]
    assert any("'reversed'" in why for why in why_not_exported(lake.dossier, history))
    before = lake.ledger.head()
    river.settle()
    assert lake.ledger.head() == before  # told once


def test_a_case_that_is_run_later_learns_what_was_taken_back(two):
    river, lake, _ = two
    take_back(river)
    settle_reversals(river.ledger, river.dossier)
    accounts = lake.dossier.tables["accounts"]
    two = accounts[accounts["user"].isin([A, B])]
    assert enter_cannot_links(lake.dossier.case, lake.store, lake.ledger, two) == []
    (new,) = enter_cannot_links(lake.dossier.case, lake.store, lake.ledger, accounts)
    assert (new.pair, new.case) == (PAIR, "river")
    assert enter_cannot_links(lake.dossier.case, lake.store, lake.ledger, accounts) == []


def test_one_spelling_on_two_wikis_is_not_one_account(two):
    river, lake, _ = two
    take_back(river)
    settle_reversals(river.ledger, river.dossier)
    wiki = lake.dossier.case.wiki
    accounts = lake.dossier.tables["accounts"]
    elsewhere = accounts.assign(wiki="other.example")  # the same names, of another wiki alone
    assert enter_cannot_links(lake.dossier.case, lake.store, lake.ledger, elsewhere) == []
    detached = accounts.assign(user=accounts["user"].replace(A, f"{A}@{wiki}"))
    both = pd.concat([elsewhere, detached])  # A is attached elsewhere, and another A is here
    (new,) = enter_cannot_links(lake.dossier.case, lake.store, lake.ledger, both)
    assert new.pair == (f"{A}@{wiki}", C)


def test_what_was_taken_back_elsewhere_is_reopened_on_evidence_alone(two):
    river, lake, _ = two
    take_back(river)
    settle_reversals(river.ledger, river.dossier)
    enter_cannot_links(lake.dossier.case, lake.store, lake.ledger, lake.dossier.tables["accounts"])
    with pytest.raises(ReviewError, match="no authenticated evidence"):
        reopen(lake.ledger, lake.dossier, PAIR, author="Gil", reason="?")
    register_evidence(lake.ledger, lake.dossier, PAIR, author="Gil", what=NEWS)
    reopen(lake.ledger, lake.dossier, PAIR, author="Gil", reason="the letter was forged")
    assert cannot_links(lake.ledger.entries()) == []
    assert (
        enter_cannot_links(
            lake.dossier.case, lake.store, lake.ledger, lake.dossier.tables["accounts"]
        )
        == []
    )


def test_a_reversal_is_carried_with_the_head_that_proves_it(two, tmp_path):
    river, lake, _ = two
    with pytest.raises(ReviewError, match="no link of it is taken back"):
        export(river.ledger, river.dossier.case, author="Ash")
    take_back(river)
    settle_reversals(river.ledger, river.dossier)
    text, head = export(river.ledger, river.dossier.case, author="Ash")
    assert river.ledger.verify(witnesses=[head]) == head
    path = tmp_path / "taken-back.json"
    path.write_text(text, encoding="utf-8")
    told = read_export(path, head, lake.dossier.case)
    assert [one.pair for one in told] == [PAIR]
    assert tell(lake.ledger, told, author="Gil") == told
    assert cannot_links(lake.ledger.entries()) == [PAIR]

    def refused(given, match, *, by=head, case=lake.dossier.case):
        path.write_text(json.dumps(given), encoding="utf-8")
        with pytest.raises(ReviewError, match=match):
            read_export(path, by, case)

    given = json.loads(text)
    refused(given, "not what the ledger", by=LedgerHead("0" * 64, head.length))
    refused(given | {"length": head.length + 1}, "not what the ledger")
    other = json.loads(text)
    other["entry"]["body"]["reversals"][0]["user_a"] = B
    refused(other, "not what the ledger")
    refused(given | {"note": "x"}, "holds no cannot-links")
    elsewhere = lake.dossier.case.model_copy(update={"wikis": ("other.example",)})
    refused(given, "binds cases of the same wikis", case=elsewhere)


def test_an_alibi_that_is_carried_is_announced_as_one(two, tmp_path, monkeypatch, capsys):
    river, lake, _ = two
    monkeypatch.setattr(ReviewSession, "regroup", lambda _: None)
    kept = [
        commit(river.dossier, river.ledger, (A, B), who, "not upheld", alibi="accepted")
        for who in ("Ann", "Bea")
    ]
    open_findings(river.ledger, kept)
    text, head = export(river.ledger, river.dossier.case, author="Ash")
    path = tmp_path / "apart.json"
    path.write_text(text, encoding="utf-8")
    shutil.rmtree(river.store.processed)
    data = lake.store.processed.parent.parent
    carry_in(tmp_path / "lake.toml", path, data, head=str(head), by="Gil")
    said = "".join(capsys.readouterr())
    assert f"{A} and {B}: alibi accepted in the case river on" in said
    assert "taken back" not in said


def test_an_accepted_alibi_keeps_two_apart_in_every_other_case(two, tmp_path, monkeypatch):
    river, lake, said = two
    monkeypatch.setattr(ReviewSession, "regroup", lambda _: None)
    pair = (A, B)
    kept = [
        commit(river.dossier, river.ledger, pair, who, "not upheld", alibi="accepted")
        for who in ("Ann", "Bea")
    ]
    open_findings(river.ledger, kept)
    river.settle()
    assert f"The case lake compares {A} and {B} too: its ledger says now that an alibi" in " ".join(
        said
    )
    entries = lake.ledger.entries()
    assert (cannot_links(entries), accepted_alibis(entries)) == ([pair], [pair])
    history = histories(entries)[pair]
    assert history.state == "none"  # kept apart, and no finding of this case
    assert "Its alibi was accepted in the case river on" in history_lines(history)[-1]
    assert kept_apart("lake", entries) == []  # told on by the case that found it alone
    text, head = export(river.ledger, river.dossier.case, author="Ash")
    path = tmp_path / "apart.json"
    path.write_text(text, encoding="utf-8")
    (told,) = read_export(path, head, lake.dossier.case)
    assert (told.pair, told.alibi) == (pair, True)
    register_evidence(lake.ledger, lake.dossier, pair, author="Gil", what=NEWS)
    reopen(lake.ledger, lake.dossier, pair, author="Gil", reason="a script saved both")
    assert cannot_links(lake.ledger.entries()) == []
    assert tell(lake.ledger, [told], author="Gil") == []


def test_earlier_looks_at_an_account_are_told_and_forgotten_with_their_case(two):
    river, _, _ = two
    case = load_case(river.file)
    looks = earlier_looks(case, river.store)
    assert [(one.slug, one.run_on) for one in looks[A]] == [("lake", "2026-03-01")]
    shutil.rmtree(river.store.processed.parent / "lake")
    assert earlier_looks(case, river.store) == {}


def test_a_history_told_from_elsewhere_is_no_round_of_findings(two):
    river, lake, _ = two
    take_back(river)
    settle_reversals(river.ledger, river.dossier)
    enter_cannot_links(lake.dossier.case, lake.store, lake.ledger, lake.dossier.tables["accounts"])
    assert settle_reversals(lake.ledger, lake.dossier) == ()
    history = histories(lake.ledger.entries()).get(PAIR, LinkHistory(PAIR))
    assert history.current.findings == ()
