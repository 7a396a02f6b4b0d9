"""Who may review what, in which order, and what may leave the case for action."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sockgraph.errors import ReviewError
from sockgraph.names import skeleton
from sockgraph.reviews.states import (
    FILED,
    LIGHT,
    LIGHT_STEPS,
    REOPENED,
    REVERSAL_ASKED,
    LinkHistory,
    ReviewerRecord,
    ReviewRound,
    histories,
    person_key,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sockgraph.case import Case
    from sockgraph.reviews.dossier import Change, Dossier
    from sockgraph.reviews.ledger import Entry
    from sockgraph.reviews.states import Pair

OPEN_STATES = ("asserted", "flagged", "in review", "reversal in review", "reopened")
DECIDED = ("upheld", "not upheld", "inconclusive", "stands", "reversed")
ANOTHER = "Ask another reviewer."
_UNANSWERED = {
    "alibi": "its alibi (simultaneous work on different pages) is unanswered",
    "imitation": "that one of the two may be imitating the other is unanswered",
}
MOVED_SAID = 4  # changes told in a refusal; `audit --link` and the next review show all


def same_person(one: str, other: str) -> bool:
    """Tell whether two people gave the same name, or two that look alike."""
    return skeleton(person_key(one)) == skeleton(person_key(other))


def barred(case: Case, history: LinkHistory, reviewer: str) -> str | None:
    """Say why somebody cannot review a link; None where they can.

    Nobody reviews their own work: who filed the case or found the link, who upheld it before its
    reversal or found then that it is not upheld, who asked for the reversal or the reopening, and
    the accounts themselves.
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
        roles["found it not upheld before"] = tuple(history.found_by("not upheld"))
    beside = history.current.records.values() if history.current else ()
    roles["has a name that looks like another reviewer's"] = tuple(
        r.reviewer for r in beside if person_key(r.reviewer) != person_key(reviewer)
    )
    found = [why for why, names in roles.items() if any(same_person(reviewer, n) for n in names)]
    return f"the reviewer {' and '.join(found)}" if found else None


def refuse_barred(case: Case, history: LinkHistory, reviewer: str) -> None:
    """Refuse a reviewer who has a part in the link.

    Raises
    ------
    ReviewError
        Naming that part.
    """
    why = barred(case, history, reviewer)
    if why:
        raise ReviewError(reviewer, f"{why}, and so cannot review it.", ANOTHER)


def evidence_changed(dossier: Dossier, history: LinkHistory) -> bool:
    """Tell whether a link must be looked at again.

    It must if what a reviewer was shown for the finding is shown otherwise now, or a link that it
    leaned on has been taken back.
    """
    now = history.current
    if now is None or not now.outcome or now.elsewhere:
        return False
    then = [r.rests_on for r in now.records.values() if r.finding and r.rests_on]
    return now.shaken or any(dossier.changes_since(history.pair, one) for one in then)


def changed_findings(dossier: Dossier, entries: Iterable[Entry]) -> list[Pair]:
    """Return the links of which something shown to their reviewers has changed since."""
    known = histories(entries).values()
    return sorted(h.pair for h in known if evidence_changed(dossier, h))


def round_number(history: LinkHistory) -> int:
    """Return which round a review begun now belongs to: the one under way, or the next."""
    return max(1, len(history.rounds)) + (history.state in DECIDED)


def record_of(round_: ReviewRound | None, reviewer: str) -> ReviewerRecord:
    """Return a reviewer's record in a round; an empty one where there is none."""
    return (round_.records if round_ else {}).get(person_key(reviewer), ReviewerRecord(reviewer))


def live_record(dossier: Dossier, history: LinkHistory, reviewer: str) -> ReviewerRecord:
    """Return a reviewer's record on the evidence at hand; a new one where that has changed."""
    record = record_of(history.current, reviewer)
    begun = bool(record.steps) and not record.committed
    begun_on_other = begun and record.evidence != dossier.evidence_hash(history.pair)
    return (
        ReviewerRecord(reviewer) if begun_on_other or evidence_changed(dossier, history) else record
    )


def refuse_stale(record: ReviewerRecord, step: str, evidence: object, pair: Pair) -> None:
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


def refuse_step(record: ReviewerRecord, step: str, pair: Pair) -> None:
    """Refuse a step that is out of turn.

    Raises
    ------
    ReviewError
        If the reviewer is done with the link, or an earlier step is missing.
    """
    value = f"{record.reviewer}, {pair[0]} and {pair[1]}"
    if record.committed:
        raise ReviewError(value, "this reviewer has reviewed this link already.", ANOTHER)
    path = LIGHT_STEPS if step == LIGHT else record.path
    if step in record.steps:
        raise ReviewError(value, f"the step {step!r} was taken already.", "Go on with the next.")
    due = path[len(record.steps)]
    if step != due:
        raise ReviewError(
            value, f"{step!r} cannot come before {due!r}.", f"Take the step {due!r} first."
        )


def why_not_exported(dossier: Dossier, history: LinkHistory) -> list[str]:
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
    elif evidence_changed(dossier, history):
        why.append(f"what its reviewers were shown has changed: {_moved_words(dossier, history)}")
    why += [_UNANSWERED[d] for d in _UNANSWERED if link[d] and not history.answers_to(d)]
    if "accepted" in history.answers_to("alibi") or history.alibi_accepted:
        why.append("a reviewer accepted its alibi")
    if "accepted" in history.answers_to("imitation"):
        why.append("a reviewer found that one of the two imitates the other")
    return why


def refuse_export(dossier: Dossier, known: Sequence[LinkHistory]) -> None:
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


def _moved_words(dossier: Dossier, history: LinkHistory) -> str:
    rows = changes_shown(dossier, history)
    said = "; ".join(f"{r.what}, then {r.then}, now {r.now}" for r in rows[:MOVED_SAID])
    more = len(rows) - MOVED_SAID
    return f"{said}; and {more} more" if more > 0 else said


def changes_shown(dossier: Dossier, history: LinkHistory) -> list[Change]:
    """Return what the last round with findings was shown, and would be shown otherwise now."""
    for round_ in reversed(history.rounds):
        then = [r.rests_on for r in round_.records.values() if r.finding and r.rests_on]
        if then:
            found = [c for one in then for c in dossier.changes_since(history.pair, one)]
            return list(dict.fromkeys(found))
    return []


def _authors(history: LinkHistory, kind: str) -> tuple[str, ...]:
    return tuple(entry.author for entry in history.of(kind))
