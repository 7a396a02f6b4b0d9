"""Shortcuts for tests: a reviewer's work on one link, step by step."""

from __future__ import annotations

import dataclasses

import pytest
from review_fixture import A, B, C

from sockgraph.errors import ReviewError
from sockgraph.reviews.answers import (
    SealedAnswers,
    finding,
    first_judgement,
    kind_of,
    open_findings,
    seal,
    step_draft,
    take_steps,
)
from sockgraph.reviews.reversal import ReceivedEvidence
from sockgraph.reviews.states import STEPS, LinkHistory, histories, link_states

FLAGGED = (B, C)
ASSERTED = (A, C)
NEWS = ReceivedEvidence("against", "Clerk Cass", "a letter", "0" * 64)


def answers(found, *, kind="review", judgement="cannot tell", **doubts):
    return {
        "first judgement": seal(
            first_judgement(judgement=judgement, says="the edits", other="one project")
        ),
        "finding": seal(
            finding(kind, found=found, why="because", alternative="colleagues", **doubts)
        ),
    }


def commit(dossier, ledger, pair, reviewer, found, **more):
    """Take all six steps; return the closed answers."""
    kind = kind_of(histories(ledger.entries()).get(pair, LinkHistory(pair)))
    kept = SealedAnswers(pair, reviewer, answers(found, kind=kind, **more))
    take_steps(ledger, dossier, [step_draft(dossier, kept, step) for step in STEPS])
    return kept


def review(dossier, ledger, pair, **found):
    """Have several people review a link; open what is due; return its state."""
    kept = [commit(dossier, ledger, pair, who, what) for who, what in found.items()]
    open_findings(ledger, kept)
    return histories(ledger.entries())[pair].state


def state(dossier, ledger, pair):
    links = dossier.tables["links"]
    states = link_states(links, ledger.entries())
    return states[(links["user_a"] == pair[0]) & (links["user_b"] == pair[1])].item()


def unchanged(ledger, action, match):
    before = ledger.path.read_bytes()
    with pytest.raises(ReviewError, match=match):
        action()
    assert ledger.path.read_bytes() == before


def with_tables(dossier, **other):
    return dataclasses.replace(dossier, tables={**dossier.tables, **other})
