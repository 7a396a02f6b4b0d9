"""What the commands that are killed start from, where that is more than a case that was run."""

from __future__ import annotations

import atexit
import dataclasses
import functools
import json
import shutil
from typing import TYPE_CHECKING

import tiny
from faulty import faulty_wiki, say
from review_work import NEWS, review
from test_hostile_answers import CASE, EDITS, honest
from test_review_packet import filled, without_answers

from sockgraph.pipeline.other_cases import export
from sockgraph.pipeline.review_session import ReviewSession
from sockgraph.pipeline.run import run_case
from sockgraph.reviews.packet import make_packet
from sockgraph.reviews.reversal import ask_reversal, register_evidence
from sockgraph.synthetic.election import Community, write_election

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ASSERTED = tiny.NAMES[0], tiny.NAMES[2]
HIDDEN, DELETED = range(EDITS[0]["revid"], EDITS[3]["revid"]), EDITS[4]["revid"]


def _session(home: Path) -> ReviewSession:
    return ReviewSession.of(home / "tiny.toml", home / "data")


def _asked(home: Path) -> ReviewSession:
    session = _session(home)
    ask_reversal(session.ledger, session.dossier, ASSERTED, author="Ash", reason="a letter")
    return session


def taken_back(home: Path) -> None:
    """Take a link back, and register evidence that came since."""
    session = _asked(home)
    review(session.dossier, session.ledger, ASSERTED, Ann="reversed", Bea="reversed")
    session.settle()
    session = _session(home)
    what = dataclasses.replace(NEWS, speaks="for")
    register_evidence(session.ledger, session.dossier, ASSERTED, author="Ash", what=what)


def carried(home: Path) -> None:
    """Put beside a case what another data folder took back."""
    other = shutil.copytree(home, home.parent / "other")
    taken_back(other)
    session = _session(other)
    text, head = export(session.ledger, session.dossier.case, author="Ash")
    (home / "taken-back.json").write_text(text, encoding="utf-8")
    (home / "head").write_text(str(head), encoding="utf-8")


def answered(home: Path) -> None:
    """Have two people take back a link in packets that are not taken in yet."""
    session = _asked(home)
    for reviewer in ("Ann", "Bea"):
        packet = make_packet(session.dossier, session.ledger.entries(), reviewer, foils=0)
        session.ledger.extend(lambda _, packet=packet: [packet.draft])
        found = {"review": "upheld", "reversal": "reversed"}
        seal = session.dossier.seal
        whole = filled(packet, reviewer, found, manifest=seal, case="tiny")
        for name, said in (("commitments", without_answers(whole)), ("findings", whole)):
            (home / f"{reviewer}-{name}.json").write_text(json.dumps(said), encoding="utf-8")


def election(home: Path) -> None:
    """Run a case with discussions."""
    shutil.rmtree(home / "data")
    small = Community(compared=4, crowd=16, discussions=12, bloc=2, joins=0.8)
    run_case(write_election(home, small, seed=4, profile="zhwiki"), data=home / "data")


@functools.cache
def hiding_wiki() -> tuple[str, Callable[[], None]]:
    """Bring up a wiki of a few accounts; return its host, and what has it hide something."""
    hides = []

    def answer(asked):
        said = honest(asked)
        if hides and "comment" in asked.get("rvprop", ""):
            pages = said["query"]["pages"]
            for row in (row for page in pages for row in page["revisions"]):
                row["commenthidden"] = row["revid"] in HIDDEN
            said["query"]["pages"] = [p for p in pages if p["revisions"][0]["revid"] != DELETED]
        return say(said)

    server = faulty_wiki()
    wiki = server.__enter__()
    atexit.register(server.__exit__, None, None, None)
    wiki.otherwise = answer
    return wiki.host, lambda: hides.append(True)


def fetched(home: Path) -> None:
    """Run a case on a wiki that hides something afterwards."""
    shutil.rmtree(home / "data")
    host, hide = hiding_wiki()
    case = home / "wiki.toml"
    text = CASE.replace("wiki.example", host).replace("[source]", '[source]\nscheme = "http"')
    case.write_text(text, encoding="utf-8")
    run_case(case, data=home / "data")
    hide()
