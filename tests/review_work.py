"""Shortcuts for tests: a reviewer's work on one link, step by step."""

from __future__ import annotations

from sockgraph.reviews.answers import (
    Kept,
    finding,
    first_judgement,
    kind_of,
    open_findings,
    seal,
    step_draft,
    take_steps,
)
from sockgraph.reviews.states import STEPS, History, histories


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
    kind = kind_of(histories(ledger.entries()).get(pair, History(pair)))
    kept = Kept(pair, reviewer, answers(found, kind=kind, **more))
    take_steps(ledger, dossier, [step_draft(dossier, kept, step) for step in STEPS])
    return kept


def review(dossier, ledger, pair, **found):
    """Have several people review a link; open what is due; return its state."""
    kept = [commit(dossier, ledger, pair, who, what) for who, what in found.items()]
    open_findings(ledger, kept)
    return histories(ledger.entries())[pair].state
