"""The commands of review on a small case: what they print, and what they leave alone."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import stat
from unittest import mock

import pandas as pd
import pytest
from review_fixture import CASE, NAMES, A, B, C, D, write_case
from test_review_packet import filled, issue, without_answers
from typer.testing import CliRunner

from sockgraph.case import load_case
from sockgraph.cli import app
from sockgraph.errors import CaseError, ReviewError, SockgraphError, StoreError
from sockgraph.pipeline import review_session
from sockgraph.pipeline.review_session import ReviewSession
from sockgraph.reviews.answers import sealed_file_name
from sockgraph.reviews.ledger import Ledger
from sockgraph.reviews.states import histories
from sockgraph.strings import strings

MAY_BE = "j\nmay be one operator\n"
SKIP = MAY_BE + "a\nb\n" + MAY_BE  # tries to judge too early, opens what is left, judges
JUDGEMENT = "1 2\nthe edits\none project\nn\n"
PARTED = "j\ndifferent people\n1\n\nn\n"


class Desk:
    """A case file, its data folder, and the command line."""

    def __init__(self, folder, made=None):
        if made:
            shutil.copytree(made, folder, dirs_exist_ok=True)
        self.case, self.data = folder / "river.toml", folder / "data"
        self.ledger = Ledger(self.data / "processed" / "river" / "ledger.jsonl")

    def __call__(self, command, *words, said=""):
        group = command.split()
        line = [*group, str(self.case), *words, "--data", str(self.data)]
        result = CliRunner().invoke(app, line, input=said)
        self.said = " ".join(result.output.split())
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        self.code = result.exit_code
        return self.said

    def stopped(self, command, *words, said):
        """Run a command whose input ends before it does; return what it said."""
        with pytest.raises(SockgraphError, match="ended before") as caught:
            self(command, *words, said=said)
        assert "\n" not in str(caught.value)  # main() makes it one line
        return f"{self.said} {caught.value}"

    def refused(self, match, command, *words, error=ReviewError, said=""):
        before = self.ledger.path.read_bytes()
        with pytest.raises(error, match=match) as caught:
            self(command, *words, said=said)
        assert isinstance(caught.value, SockgraphError)  # main() makes it one line and exit 2
        assert self.ledger.path.read_bytes() == before


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("river")
    write_case(folder)
    return folder


@pytest.fixture(autouse=True, scope="module")
def read_once():
    """Have the accounts of a case, which no test changes, read once and not by every command."""
    read, known = review_session.read_case_population, {}

    def once(case, *given, **more):
        asked = repr((case.id, case.source, case.accounts, case.reference))
        if asked not in known:
            known[asked] = read(case, *given, **more)
        return known[asked]

    with mock.patch.object(review_session, "read_case_population", once):
        yield


@pytest.fixture
def desk(tmp_path, made):
    return Desk(tmp_path, made)


def with_names(room):
    """Return the session with the names that the fixture's reference accounts go by."""
    return dataclasses.replace(room, dossier=dataclasses.replace(room.dossier, names=NAMES))


def through(found, pairs=1):
    """Return what a reviewer types at the terminal for so many links and no foil."""
    return (SKIP + JUDGEMENT) * pairs + (f"\n\n\n{found}\nbecause\ncolleagues\n") * pairs


def test_two_people_review_at_the_terminal(desk):
    said = desk("review", "--reviewer", "Ann", "--foils", "0", said=through("upheld", 2))
    assert "First read at least one page of: Only Account A, Only Account B" in said
    assert "The evidence speaks moderately for one operator: log10 LR +2.4 [1.9, 2.8]" in said
    assert said.index("What speaks against") < said.index("What speaks for one operator")
    assert said.index("What speaks for one operator") < said.index("log10 LR +2.4")
    assert "2 findings stay closed until those of 2 reviewers are in" in said
    kinds = [e.kind for e in desk.ledger.entries() if e.pair == (B, C)]
    assert kinds == ["read", "first judgement", "against", "for", "all", "finding"]
    closed = desk.data / "processed" / "river" / sealed_file_name("Ann")
    assert stat.S_IMODE(closed.stat().st_mode) == 0o600
    assert "upheld" in closed.read_text(encoding="utf-8")
    assert "upheld" not in desk.ledger.path.read_text(encoding="utf-8")

    said = desk("review", "--reviewer", "Bea", "--foils", "0", said=through("upheld", 2))
    assert f"{B} and {C}: upheld" in said
    assert json.loads(closed.read_text(encoding="utf-8")) == []
    assert "Ann and Bea: 2 of 2 equal" in desk("reviewers")


@pytest.mark.parametrize("language", ["zh-hans", "zh-hant"])
def test_a_review_and_what_follows_speak_chinese(made, tmp_path, language, monkeypatch):
    desk = Desk(tmp_path, made)
    typed = (
        MAY_BE + "a\nb\no 1\n" + MAY_BE + JUDGEMENT + PARTED + "\n\n\nupheld\nbecause\nfriends\n\n"
    )
    said = desk("review", "--reviewer", "Ann", "--foils", "0", "--lang", language, said=typed)
    monkeypatch.setattr(review_session, "language_of", lambda _: language)
    said += desk("reverse", A, C, "--by", "Ash", "--reason", "a letter")
    assert len(re.findall(r"[\u4e00-\u9fff]", said)) > 500
    english = {text for text in strings() if re.search("[a-z]{3}", text)}
    pieces = {piece.strip() for text in english for piece in re.split(r"\{\w+\}", text)}
    left = {piece for piece in pieces if len(piece) > 14 and piece in said}
    assert left <= {"reference account"}  # of an error, which is in English


def test_no_name_is_shown_at_the_terminal_before_the_judgement(desk):
    said = desk.stopped("review", "--reviewer", "Ann", said=(SKIP + JUDGEMENT) * 2)
    for name in (A, B, C, D, "Real Reader", "reference-", "log10", "operator:"):
        assert name not in said.split("What speaks against")[0]


def test_a_review_goes_on_where_it_stopped(desk):
    desk.stopped("review", "--reviewer", "Ann", "--foils", "0", said=SKIP + JUDGEMENT)
    steps = [e.kind for e in desk.ledger.entries() if e.author == "Ann"]
    assert steps.count("first judgement") == 1
    desk(
        "review",
        "--reviewer",
        "Ann",
        "--foils",
        "0",
        said=SKIP + JUDGEMENT + "\n\n\nupheld\nbecause\ncolleagues\n" * 2,
    )
    assert [e.kind for e in desk.ledger.entries() if e.author == "Ann"].count("finding") == 2


def test_choosing_a_pair_by_name_is_recorded_as_unblinded(desk):
    said = desk("review", "--reviewer", "Ann", "--link", B, C, said=through("upheld"))
    assert "recorded as unblinded" in said
    assert not histories(desk.ledger.entries())[B, C].current.records["ann"].blinded


def test_a_wiki_case_tells_an_edit_s_address_only_after_saying_what_it_costs(desk):
    said = desk("review", "--reviewer", "Ann", "--link", B, C, said="o 1\n" + through("upheld"))
    assert "This case has no wiki" in said


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (("--reviewer", "Filing Fern"), "filed the case"),
        (("--reviewer", "Ann", "--link", "Quilmoss", C), "Did you mean Quillmoss"),
        (("--reviewer", "Ann", "--link", A, D), "neither flagged nor asserted"),
        (
            (
                "--reviewer",
                " ",
            ),
            "needs its reviewer",
        ),
        (("--reviewer", "Marrow Lintel the Clerk", "--link", A, C), "found the link"),
    ],
)
def test_a_review_that_cannot_be(desk, words, match):
    desk.refused(match, "review", *words)


def test_what_spares_a_person_takes_one_reviewer_and_says_so(desk):
    said = desk("review", "--reviewer", "Ann", said=PARTED * 2 + "\n" * 2)
    assert said.count("Closed: not upheld, on the light path, by one reviewer.") == 2
    assert "log10 LR" not in said
    known = histories(desk.ledger.entries())
    assert {known[pair].state for pair in ((A, C), (B, C))} == {"not upheld"}
    kinds = [e.kind for e in desk.ledger.entries() if e.pair == (B, C)]
    assert kinds == ["read", "light judgement", "against"]
    desk.refused("no link waits for this reviewer", "review", "--reviewer", "Bea")
    desk.refused("already", "review", "--reviewer", "Ann", "--link", B, C, said=PARTED)
    desk("review", "--reviewer", "Bea", "--link", B, C, said=through("upheld"))
    assert histories(desk.ledger.entries())[B, C].state == "in review"  # two that differ
    said = desk("review", "--reviewer", "Cy", "--link", B, C, said=through("upheld"))
    assert f"{B} and {C}: inconclusive" in said
    desk("reverse", A, C, "--by", "Ash", "--reason", "a letter")
    desk.refused("found it not upheld before", "review", "--reviewer", "Ann", "--link", A, C)


def test_a_case_may_ask_for_more_than_two_and_for_no_light_path(tmp_path):
    text = CASE + "[review]\nlight = false\nreviewers = 3\n"
    write_case(tmp_path, text=text)
    desk = Desk(tmp_path)
    for who in ("Ann", "Bea"):
        desk("review", "--reviewer", who, "--link", B, C, said=through("upheld"))
        assert histories(desk.ledger.entries())[B, C].state == "in review"
    said = desk("review", "--reviewer", "Cy", "--link", B, C, said=through("upheld"))
    assert f"{B} and {C}: upheld" in said
    parted = PARTED + "\n\n\nnot upheld\nbecause\ncolleagues\n"
    desk("review", "--reviewer", "Ann", "--link", A, C, said=parted)
    assert histories(desk.ledger.entries())[A, C].state == "in review"


@pytest.mark.parametrize("wrong", ["reviewers = 1", "light = 3", "clerk = true"])
def test_a_case_never_asks_for_less_than_two(tmp_path, wrong):
    path = tmp_path / "river.toml"
    path.write_text(f"{CASE}[review]\n{wrong}\n", encoding="utf-8")
    with pytest.raises(CaseError, match="review"):
        load_case(path)


def test_a_third_is_asked_for_with_the_next_command(desk):
    desk("review", "--reviewer", "Ann", "--link", B, C, said=through("upheld"))
    said = desk("review", "--reviewer", "Bea", "--link", B, C, said=through("not upheld"))
    assert f"a third is needed: sockgraph review-packet {desk.case} --reviewer NAME" in said


def test_a_packet_is_written_and_entered(desk, tmp_path, monkeypatch):
    monkeypatch.setattr(ReviewSession, "with_names", with_names)
    out = tmp_path / "ann.html"
    said = desk("review-packet", "--reviewer", "Ann", "--out", str(out))
    assert "5 pairs for Ann" in said
    assert desk.ledger.entries()[-1].kind == "packet"
    assert "It passes through 1 witnesses" in desk("audit", "--against", str(out))
    desk.refused("is not an answers file", "review-merge", str(out))


def test_audit_names_the_broken_line_and_the_rewritten_ledger(desk):
    desk("review", "--reviewer", "Ann", "--foils", "0", said=through("upheld", 2))
    head = desk.ledger.head()
    said = desk("audit", "--head", str(head))
    assert f"The chain is whole: {head.length} entries, head {head}" in said
    assert "No witness was given" in desk("audit")
    assert "by Marrow Lintel the Clerk" in desk("audit", "--link", C, A)
    assert "asserted" not in desk("audit", "--account", B)
    desk.refused("the ledger says nothing", "audit", "--account", "Nobody")

    whole = desk.ledger.path.read_bytes()
    lines = whole.splitlines(keepends=True)
    desk.ledger.path.write_bytes(b"".join(lines[:-1]))
    assert "The chain is whole" in desk("audit")
    desk.refused("entries are gone", "audit", "--head", str(head))
    desk.ledger.path.write_bytes(whole.replace(b'"lock"', b'"lick"'))
    desk.refused(r"line 1: its content does not match", "audit")
    desk.refused(r"line 1: its content does not match", "review", "--reviewer", "Bea")


def test_evidence_is_registered_without_its_document(desk, tmp_path):
    letter = tmp_path / "letter.txt"
    letter.write_text("private matter", encoding="utf-8")
    words = (
        "--link",
        A,
        C,
        "--speaks",
        "against",
        "--authenticated-by",
        "Clerk Cass",
        "--summary",
        "A letter says otherwise",
        "--by",
        "Ash",
    )
    said = desk("evidence add", *words, "--document", str(letter))
    assert re.search(r"SHA-256 [0-9a-f]{64}", said)
    stored = [p.read_bytes() for p in desk.data.rglob("*") if p.is_file()]
    assert not any(b"private matter" in content for content in stored)
    desk.refused(
        "registered for this link already", "evidence add", *words, "--document", str(letter)
    )
    desk.refused("cannot be read", "evidence add", *words, "--document", str(tmp_path / "none"))
    letter.write_text("", encoding="utf-8")
    desk.refused("the document is empty", "evidence add", *words, "--document", str(letter))


def test_a_filing_is_refused_until_two_people_uphold_and_then_entered(desk):
    wikitext = ("report", "--format", "wikitext", "--by", "Dan")
    desk.refused("no link of it is upheld", *wikitext)
    desk.refused("two reviewers have not upheld it", *wikitext, "--link", B, C)
    desk.refused("--by", "report", "--format", "wikitext")
    for who in ("Ann", "Bea"):
        desk("review", "--reviewer", who, "--link", B, C, said=through("upheld"))
    before, basket = desk.ledger.head(), desk.data / "processed" / "river" / "basket.json"
    basket.write_text("{", encoding="utf-8")
    with pytest.raises(StoreError, match="not a filing basket"):
        desk(*wikitext)
    assert desk.ledger.head() == before  # nothing was filed
    basket.unlink()
    said = desk(*wikitext)
    assert "{{subst:SPI report" in said
    assert f"Ledger head {desk.ledger.head()}" in said
    assert desk.ledger.entries()[-1].kind == "filed"


def test_a_table_says_every_state_and_the_head(desk):
    rows = desk("report", "--format", "json")
    found = json.loads(rows)
    assert found["ledger_head"] == str(desk.ledger.head())
    assert {row["state"] for row in found["links"]} == {"none", "asserted", "flagged"}
    assert {row["evidence_moved"] for row in found["links"]} == {False}
    desk.refused("only a filing has it", "report", "--format", "csv", "--lang", "zh-hans")
    assert desk("report", "--format", "csv", "--link", A, C).count("asserted") == 1


def test_edits_are_written_as_diffs(desk):
    said = desk("report", "--format", "wikitext", "--edit", "1001", "--edit", "1000")
    assert said.index("{{diff|diff=1000|") < said.index("{{diff|diff=1001|")
    desk.refused("made no such edit", "report", "--format", "wikitext", "--edit", "1")
    reference = 1000 + 30 * 3 + 4
    desk.refused("made no such edit", "report", "--format", "wikitext", "--edit", str(reference))


def test_a_reversal_says_then_and_now(desk):
    said = desk("reverse", A, C, "--by", "Ash", "--reason", "a letter")
    assert f"{A} and {C}: reversal in review" in said
    assert "this ledger holds no evidence of that" in said
    assert "hours: now against (\u22120.3), 5 edits" in said
    desk.refused("reversal in review", "reverse", A, C, "--by", "Ash", "--reason", "again")
    desk.refused("asked for the reversal", "review", "--reviewer", "Ash", "--link", A, C)


def test_a_case_that_was_moved_or_renamed_keeps_its_review(made, tmp_path):
    desk = Desk(tmp_path / "here", made)
    dossier = ReviewSession.of(desk.case, desk.data).dossier
    packet = issue(dossier, desk.ledger, "Ann", foils=0)
    given = filled(packet, "Ann", "upheld", manifest=dossier.seal)
    for name, file in (("commitments", without_answers(given)), ("findings", given)):
        (tmp_path / name).write_text(json.dumps(file), encoding="utf-8")

    desk = Desk((tmp_path / "here").rename(tmp_path / "there"))
    assert "12 new entries" in desk("review-merge", str(tmp_path / "commitments"))

    ledger = desk.ledger.path.read_bytes()
    desk.case = desk.case.rename(desk.case.with_name("spring.toml"))
    for command in ("audit", "reviewers", "report --format csv", "review --reviewer Bea", "run"):
        group, *words = command.split()
        desk.refused("run as river, and its ledger lies there", group, *words, error=StoreError)
    folder = desk.ledger.path.parent.rename(desk.data / "processed" / "spring")
    desk.ledger = Ledger(folder / "ledger.jsonl")
    assert desk.ledger.path.read_bytes() == ledger
    said = desk("review-merge", str(tmp_path / "findings"))
    assert "2 findings stay closed until those of 2 reviewers are in" in said
    assert desk("audit").startswith("2025-02-10")
    assert "The chain is whole: 14 entries" in desk.said


def test_a_case_that_compares_everyone_is_not_reviewed(tmp_path):
    everyone = CASE.replace(f'["{A}", "{B}", "{C}", "{D}"]', '["*"]')
    write_case(tmp_path, text=everyone)
    desk = Desk(tmp_path)
    desk.refused("compares everyone", "review", "--reviewer", "Ann")
    desk.refused("compares everyone", "report", "--format", "wikitext", "--by", "Ann")
    desk.refused("compares everyone", "review-packet", "--reviewer", "Ann")


def test_a_case_that_was_not_run_or_is_missing_is_said(tmp_path, desk):
    folder = desk.data / "processed" / "river"
    for path in folder.glob("*.parquet"):
        path.unlink()
    desk.refused("not the file", "review", "--reviewer", "Ann", error=StoreError)
    desk.case = tmp_path / "lake.toml"
    desk.refused("no such file", "review", "--reviewer", "Ann", error=CaseError)


def test_a_table_changed_since_the_run_is_not_reviewed(desk):
    path = desk.data / "processed" / "river" / "evidence.parquet"
    frame = pd.read_parquet(path)
    frame.assign(score=9.0).to_parquet(path)
    desk.refused(
        "not the file that the manifest describes", "review", "--reviewer", "Ann", error=StoreError
    )


def test_a_review_whose_input_ends_says_what_is_kept_and_goes_on(desk):
    words = ("review", "--reviewer", "Ann", "--foils", "0")
    said = desk.stopped(*words, said=SKIP + JUDGEMENT + SKIP + "1\nhalf an answer")
    assert said.endswith(
        "the review of 2 pairs: its answers ended before its end; 2 steps of it are in the ledger. "
        "The same command goes on with the question that was open."
    )
    assert [e.kind for e in desk.ledger.entries()[-2:]] == ["read", "first judgement"]
    said = desk(*words, said=SKIP + JUDGEMENT + "\n\n\nupheld\nbecause\ncolleagues\n" * 2)
    assert "What speaks against" in said
    assert [e.kind for e in desk.ledger.entries()].count("finding") == 2


def test_a_purge_that_is_not_confirmed_removes_nothing(desk):
    before = sorted(desk.data.rglob("*"))
    assert "Nothing was removed" in desk("purge", said="n\n")
    assert desk.code == 1
    desk.stopped("purge", said="")
    assert sorted(desk.data.rglob("*")) == before
