"""Who may review what, in which order, and what may leave the case for action."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockgraph.errors import ReviewError
from sockgraph.reviews.states import (
    FILED,
    REOPENED,
    REVERSAL_ASKED,
    STEPS,
    History,
    Record,
    Round,
    histories,
    person_key,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sockgraph.case import Case
    from sockgraph.reviews.dossier import Dossier
    from sockgraph.reviews.ledger import Entry
    from sockgraph.reviews.states import Pair

OPEN_STATES = ("asserted", "flagged", "in review", "reversal in review", "reopened")
DECIDED = ("upheld", "not upheld", "inconclusive", "stands", "reversed")
ANOTHER = "Ask another reviewer."


def same_person(one: str, other: str) -> bool:
    """Tell whether two people gave the same name, in whatever case and spacing."""
    return person_key(one) == person_key(other)


def barred(case: Case, history: History, reviewer: str) -> str | None:
    """Say why somebody cannot review a link; None where they can.

    Nobody reviews their own work: who filed the case or found the link, who upheld it before its
    reversal, who asked for the reversal or the reopening, and the accounts themselves.
    """
    roles = {
        "is one of the case's accounts": case.named,
        "filed the case": (case.by,) if case.by else (),
        "found the link": tuple(e.author for e in history.asserted),
        "asked for the reversal": _authors(history, REVERSAL_ASKED),
        "asked to reopen it": _authors(history, REOPENED),
        "filed the link for action": _authors(history, FILED),
    }
    if history.current and history.current.kind == "reversal":
        roles["upheld the link before"] = tuple(history.upheld_by)
    found = [why for why, names in roles.items() if any(same_person(reviewer, n) for n in names)]
    return f"the reviewer {' and '.join(found)}" if found else None


def refuse_barred(case: Case, history: History, reviewer: str) -> None:
    """Refuse a reviewer who has a part in the link.

    Raises
    ------
    ReviewError
        Naming that part.
    """
    why = barred(case, history, reviewer)
    if why:
        raise ReviewError(reviewer, f"{why}, and so cannot review it.", ANOTHER)


def moved(dossier: Dossier, history: History) -> bool:
    """Tell whether a link must be looked at again.

    It must if its evidence has changed since the findings that decided it, or a link that it
    leaned on has been taken back.
    """
    now = history.current
    if now is None or not now.outcome:
        return False
    if now.shaken:
        return True
    seen = {r.evidence for r in now.records.values() if r.finding}
    return bool(seen) and seen != {dossier.evidence_hash(history.pair)}


def moved_findings(dossier: Dossier, entries: Iterable[Entry]) -> list[Pair]:
    """Return the links whose evidence has changed since the findings that decided them."""
    known = histories(entries).values()
    return sorted(h.pair for h in known if moved(dossier, h))


def round_number(history: History) -> int:
    """Return which round a review begun now belongs to: the one under way, or the next."""
    return max(1, len(history.rounds)) + (history.state in DECIDED)


def record_of(round_: Round | None, reviewer: str) -> Record:
    """Return a reviewer's record in a round; an empty one where there is none."""
    return (round_.records if round_ else {}).get(person_key(reviewer), Record(reviewer))


def live_record(dossier: Dossier, history: History, reviewer: str) -> Record:
    """Return a reviewer's record on the evidence at hand; a new one where that has changed."""
    record = record_of(history.current, reviewer)
    begun_on_other = not record.committed and record.evidence != dossier.evidence_hash(history.pair)
    return Record(reviewer) if begun_on_other or moved(dossier, history) else record


def refuse_stale(record: Record, step: str, evidence: object, pair: Pair) -> None:
    """Refuse a step on other evidence than the reviewer read.

    Raises
    ------
    ReviewError
        If the link's evidence has changed since the reviewer's first step.
    """
    if step != "read" and record.steps and not record.committed and record.evidence != evidence:
        raise ReviewError(
            f"{record.reviewer}, {pair[0]} and {pair[1]}",
            f"the evidence has changed since this reviewer read it; {step!r} would answer another.",
            "Begin the link again: `sockgraph review`, or a new packet.",
        )


def refuse_step(record: Record, step: str, pair: Pair) -> None:
    """Refuse a step that is out of turn.

    Raises
    ------
    ReviewError
        If the reviewer is done with the link, or an earlier step is missing.
    """
    value = f"{record.reviewer}, {pair[0]} and {pair[1]}"
    if record.committed:
        raise ReviewError(value, "this reviewer has reviewed this link already.", ANOTHER)
    due = STEPS[len(record.steps)]
    if step in record.steps:
        raise ReviewError(value, f"the step {step!r} was taken already.", f"Go on with {due!r}.")
    if step != due:
        raise ReviewError(
            value, f"{step!r} cannot come before {due!r}.", f"Take the step {due!r} first."
        )


def why_not_exported(dossier: Dossier, history: History) -> list[str]:
    """Return every reason why a link may not be exported for action; empty where it may."""
    link = dossier.link(history.pair)
    state = history.state
    now = history.current
    why = []
    if now and now.differ:
        why.append("its reviewers disagree")
    if state not in ("upheld", "stands") and not (now and now.differ):
        why.append(f"its state is {state!r}: two reviewers have not upheld it")
    if link["band"] in ("insufficient", "not calibrated"):
        why.append(f"its evidence is {link['band']}")
    if now and now.shaken:
        why.append("a link that it leaned on has been taken back")
    elif moved(dossier, history):
        why.append("its evidence has changed since the finding")
    if link["alibi"] and not history.alibi:
        why.append("its alibi (simultaneous work on different pages) is unanswered")
    if "accepted" in history.alibi:
        why.append("a reviewer accepted its alibi")
    return why


def refuse_export(dossier: Dossier, known: Sequence[History]) -> None:
    """Refuse to export links for action while anything speaks against doing so.

    Raises
    ------
    ReviewError
        Naming every link that stands in the way, and every reason.
    """
    refused = {h.pair: why_not_exported(dossier, h) for h in known}
    said = [f"{a} and {b}: {'; '.join(why)}." for (a, b), why in refused.items() if why]
    if said:
        raise ReviewError(
            f"{len(said)} of {len(refused)} links",
            f"not ready for action. {' '.join(said)}",
            "Finish the review (`sockgraph review`), or export the table with --format csv.",
        )


def _authors(history: History, kind: str) -> tuple[str, ...]:
    return tuple(entry.author for entry in history.of(kind))
