"""The demo's story through the command line: from the earlier, wrong link to the restoration."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from sockgraph.case import load_case
from sockgraph.cli import app
from sockgraph.pipeline.results import read_case
from sockgraph.pipeline.review_session import ReviewFlow, ReviewSession
from sockgraph.pipeline.run import run_case
from sockgraph.reviews.packet import make_exhibit
from sockgraph.reviews.states import LinkHistory, cannot_links, histories
from sockgraph.synthetic.wiki import ADMIN, COLLEAGUE, OPERATOR

if TYPE_CHECKING:
    from pathlib import Path

WRONG = tuple(sorted((COLLEAGUE, OPERATOR[0])))
MAY_BE = "j\nmay be one operator\n"
JUDGEMENT = "1 2\nthe edits\none trade, one set of pages\nn\n"
JOINED = MAY_BE + "a\nb\n" + MAY_BE + JUDGEMENT  # tries too early, opens what is left, judges
PARTED = "j\ndifferent people\n1\n\nn\n"


@dataclass(frozen=True)
class Story:
    """What was said on the way, and what was there before."""

    case: Path
    data: Path
    witness: Path
    said: dict[str, str]

    @property
    def folder(self):
        return self.data / "processed" / load_case(self.case).slug

    @property
    def report(self):
        return self.folder / "report.html"


def command(case, data, name, *words, said=""):
    line = [*name.split(), str(case), *words, "--data", str(data)]
    result = CliRunner().invoke(app, line, input=said)
    if result.exception:
        raise result.exception
    return " ".join(result.output.split())


def found(dossier, task):
    """Return a finding as it is typed; an alibi is answered where one is asked about."""
    word, alibi = {"reversal": ("reversed", "accepted"), "review": ("upheld", "explained")}[
        task.kind
    ]
    asked = make_exhibit(dossier, task.pair, LinkHistory(task.pair)).asked
    return f"{word}\nbecause\ncolleagues\n" + f"{alibi}\n" * len(asked)


def by_hand(case, data, reviewer):
    """Review everything that waits, at the terminal: the wrong link is taken back."""
    room = ReviewSession.of(case, data)
    tasks = ReviewFlow.begin(room, reviewer, foils=1).tasks
    typed = [PARTED if task.foil else JOINED for task in tasks]
    typed += [f"\n\n\n{found(room.dossier, t)}" for t in tasks if not t.foil]
    words = ("--reviewer", reviewer, "--foils", "1")
    return command(case, data, "review", *words, said="".join(typed))


@pytest.fixture(scope="module")
def story(demo_copy):
    """Play it through: a lock elsewhere, evidence received, a reversal, two people who review."""
    data, folder = demo_copy, demo_copy.parent
    case = data / "raw" / "demo" / "demo.toml"
    witness, letter = folder / "report.html", folder / "letter.txt"
    witness.write_bytes((data / "processed" / "demo" / "report.html").read_bytes())
    letter.write_text("A letter with a name in it", encoding="utf-8")
    received = ("--speaks", "against", "--authenticated-by", "Clerk Cass", "--by", "Ash")
    summary = ("--summary", f"{COLLEAGUE} was elsewhere", "--document", str(letter))
    said = {
        "audit": command(case, data, "audit", "--link", *WRONG, "--against", str(witness)),
        "received": command(case, data, "evidence add", "--link", *WRONG, *received, *summary),
        "asked": command(case, data, "reverse", *WRONG, "--by", "Ash", "--reason", "a letter"),
        "Ann": by_hand(case, data, "Ann"),
        "Bea": by_hand(case, data, "Bea"),
    }
    return Story(case, data, witness, said)


def test_the_lock_comes_in_as_an_assertion_and_its_reversal_is_asked_for(story):
    assert f"by {ADMIN}: lock" in story.said["audit"]
    assert "passes through 1 witnesses" in story.said["audit"]
    assert f"{WRONG[0]} and {WRONG[1]}: reversal in review" in story.said["asked"]
    assert "speaks against" in story.said["asked"]


def test_the_reviewers_judge_before_they_know(story):
    blind, known = story.said["Ann"].split("What speaks against", 1)
    for name in (*OPERATOR, COLLEAGUE, "reference-", "log10"):
        assert name not in blind
    assert "Account" in known.split("Clerk Cass")[1][:40]  # blinded to the end
    assert "stay closed until those of 2 reviewers are in" in known


def test_the_link_is_taken_back_for_good(story):
    assert f"{WRONG[0]} and {WRONG[1]}: reversed" in story.said["Bea"]
    assert "the groups are computed again" in story.said["Bea"]
    entries = ReviewSession.of(story.case, story.data).ledger.entries()
    assert cannot_links(entries) == [WRONG]
    tables = read_case(story.case, data=story.data).tables
    links = tables["links"].set_index(["user_a", "user_b"])
    assert links.loc[WRONG, "state"] == "reversed"
    groups = tables["clusters"].dropna(subset=["cluster_id"]).groupby("cluster_id")["user"]
    assert not any(set(WRONG) <= set(group) for _, group in groups)
    known = histories(entries)
    operator = [tuple(sorted(pair)) for pair in combinations(OPERATOR, 2)]
    upheld = [pair for pair in operator if pair in known]
    assert upheld
    assert {known[pair].state for pair in upheld} == {"upheld"}


def test_the_note_says_what_was_wrong_and_what_to_undo(story):
    (note,) = (story.folder / "notes").iterdir()
    text = note.read_text(encoding="utf-8")
    parts = (
        "What was wrong",
        "because",
        "since 2025-02-10",
        "Undo the lock",
        "Whom to tell",
        ADMIN,
    )
    for part in (*parts, f"[[User:{COLLEAGUE}|{COLLEAGUE}]]"):
        assert part in text
    held, undo = text.split("What to undo")
    assert f"* [[User:{OPERATOR[0]}|{OPERATOR[0]}]]: blocked on" in held
    assert "this was so before the link was made" in held
    assert f"Unblock [[User:{COLLEAGUE}" in undo
    assert f"Unblock [[User:{OPERATOR[0]}" not in undo  # its block is older than the link
    witnesses = ("--against", str(note), "--against", str(story.witness))
    said = command(story.case, story.data, "audit", *witnesses)
    assert "passes through 2 witnesses" in said


def test_a_rerun_respects_the_ledger_and_gives_the_same_report(story):
    report, ledger = story.report.read_bytes(), (story.folder / "ledger.jsonl").read_bytes()
    assert report != story.witness.read_bytes()
    assert b"<li>Reversal: Ann: reversed; Bea: reversed.</li>" in report
    run_case(story.case, data=story.data)
    assert story.report.read_bytes() == report
    assert (story.folder / "ledger.jsonl").read_bytes() == ledger
    line = ["report", str(story.case), "--data", str(story.data), "--format", "json"]
    links = json.loads(CliRunner().invoke(app, line).stdout)["links"]
    assert not any(link["evidence_moved"] for link in links)
    said = command(story.case, story.data, "audit", "--against", str(story.report))
    assert "passes through 1 witnesses" in said


def test_nothing_of_the_reversed_link_is_filed(story):
    words = ("--format", "wikitext", "--by", "Dan")
    said = command(story.case, story.data, "report", *words)
    a, b = (f"[[User:{name}|{name}]]" for name in WRONG)
    told = f"{a} and {b} were linked elsewhere; a review here took that back."
    assert said.count(told) == 1  # that it was taken back is told, and nothing else of it
    assert COLLEAGUE not in said.replace(told, "")
    assert re.search(r"\{\{subst:SPI report \|1=", said)
    said = command(story.case, story.data, "reviewers")
    assert re.search(r"Ann and Bea: (\d) of \1 equal", said)
    assert "known-different pairs judged one operator: 0 of 1, 95 % interval 0% to 98%" in said
