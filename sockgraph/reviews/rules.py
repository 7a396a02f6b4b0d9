"""Who may review what, in which order, and what may leave the case for action.

The queue is which pairs a reviewer is served, shuffled by seed, foils mixed in. A foil is a pair of
reference accounts, drawn independently and so taken to be different people, that shares about as
many pages as the links in question. Reviewers are told that there are foils, never which. Every
reviewer of a case gets the same ones, so that their error can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse

from sockgraph.errors import ReviewError
from sockgraph.names import skeleton
from sockgraph.reviews.dossier import refuse_everyone
from sockgraph.reviews.sheet import case_key, page_keys, seed_of
from sockgraph.reviews.states import (
    DECIDED,
    FILED,
    LIGHT,
    LIGHT_STEPS,
    OPEN_STATES,
    REOPENED,
    REVERSAL_ASKED,
    LinkHistory,
    Pair,
    ReviewerRecord,
    ReviewRound,
    histories,
    link_states,
    ordered,
    person_key,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sockgraph.case import Case
    from sockgraph.reviews.dossier import Change, Dossier
    from sockgraph.reviews.ledger import Entry

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


FOILS = 3
_NEAREST = 20  # a foil is drawn from this many reference pairs that share about as many pages


@dataclass(frozen=True)
class ReviewTask:
    """A pair that waits for a reviewer.

    Attributes
    ----------
    kind
        `review` or `reversal`.
    foil
        Whether the two are known to be different people; never shown before the finding.
    """

    pair: Pair
    kind: str = "review"
    foil: bool = False


def open_links(dossier: Dossier, entries: Iterable[Entry]) -> list[ReviewTask]:
    """Return every link that waits for people: in question, or decided on evidence that changed."""
    links = dossier.tables["links"]
    known = histories(entries)
    states = link_states(links, [e for h in known.values() for e in h.entries])
    tasks = []
    for a, b, state in zip(links["user_a"], links["user_b"], states, strict=True):
        history = known[a, b]
        if state in OPEN_STATES or (state != "reversed" and evidence_changed(dossier, history)):
            kind = "reversal" if state == "reversal in review" else "review"
            tasks.append(ReviewTask((a, b), kind))
    return tasks


def queue(
    dossier: Dossier, entries: Sequence[Entry], reviewer: str, *, foils: int = FOILS
) -> list[ReviewTask]:
    """Return what waits for a reviewer, in the order in which it is served.

    Every pair is judged from its edits before the evidence on any is shown: so no foil, which has
    no evidence to show, is known for one while others wait, and no pair's numbers colour the
    next judgement. Within that, the order is shuffled by a seed made of the case and the
    reviewer. Links in which the reviewer has a part, and those reviewed, are left out.

    Parameters
    ----------
    foils
        Known-different pairs to mix in; fewer where the reference is too small.

    Raises
    ------
    ReviewError
        If the case compares everyone.
    """
    refuse_everyone(dossier.case)
    known = histories(entries)
    tasks = [*open_links(dossier, entries), *draw_foils(dossier, foils)]
    due = [task for task in tasks if _waits(dossier, known[task.pair], reviewer)]
    rng = np.random.default_rng(seed_of(case_key(dossier.case), reviewer))
    shuffled = [due[i] for i in rng.permutation(len(due))]
    return sorted(shuffled, key=lambda t: live_record(dossier, known[t.pair], reviewer).judged)


def why_nothing(dossier: Dossier, entries: Sequence[Entry], reviewer: str) -> ReviewError:
    """Return the error that says why no link waits for a reviewer."""
    known = histories(entries)
    waiting = [known[t.pair] for t in open_links(dossier, entries)]
    parts = dict.fromkeys(filter(None, (barred(dossier.case, h, reviewer) for h in waiting)))
    remedy = "Ask another reviewer." if waiting else "Nothing to do."
    rule = (
        f"no link waits for this reviewer: {'; '.join(parts)}."
        if parts
        else "no link waits for this reviewer: each is reviewed by them, or none is in question."
    )
    return ReviewError(reviewer, rule, remedy)


def draw_foils(dossier: Dossier, n: int) -> list[ReviewTask]:
    """Draw pairs of reference accounts that share about as many pages as the links in question.

    No account is in two foils. A pair is used only where both true names are known, so that they
    can be hidden wherever they occur.
    """
    pairs, shared = _reference_pairs(dossier)
    targets = _shared_by_links(dossier)
    rng = np.random.default_rng(seed_of(case_key(dossier.case), "foils"))
    taken: set[str] = set()
    tasks: list[ReviewTask] = []
    for _ in range(n):
        free = [i for i, pair in enumerate(pairs) if not taken & set(pair)]
        if not free or not len(targets):
            break
        off = np.abs(np.log1p(shared[free]) - np.log1p(rng.choice(targets)))
        nearest = np.argsort(off, kind="stable")[:_NEAREST]
        pair = pairs[free[int(rng.choice(nearest))]]
        taken |= set(pair)
        tasks.append(ReviewTask(pair, foil=True))
    return tasks


def is_foil(dossier: Dossier, pair: Pair) -> bool:
    """Tell whether a pair is of the reference, and so known to be different people."""
    accounts = dossier.tables["accounts"]
    reference = set(accounts.loc[accounts["role"] == "reference", "user"])
    return set(pair) <= reference


def _waits(dossier: Dossier, history: LinkHistory, reviewer: str) -> bool:
    if barred(dossier.case, history, reviewer):
        return False
    return not live_record(dossier, history, reviewer).committed


def _shared_by_links(dossier: Dossier) -> np.ndarray:
    """Return how many pages each flagged or asserted link shares; of all links if there is none."""
    links = dossier.tables["links"]
    asserted = {ordered(e.a, e.b) for e in dossier.case.earlier}
    pairs = list(zip(links["user_a"], links["user_b"], strict=True))
    chosen = [p for p, f in zip(pairs, links["flagged"], strict=True) if f or p in asserted]
    edits = dossier.tables["edits"]
    users = sorted({user for pair in chosen or pairs for user in pair})
    common = _common_pages(edits, users)
    at = {user: i for i, user in enumerate(users)}
    return np.array([common[at[a], at[b]] for a, b in chosen or pairs])


def _reference_pairs(dossier: Dossier) -> tuple[list[Pair], np.ndarray]:
    """Return pairs of reference accounts that share a page, and how many pages they share.

    Two accounts that the case's labels give to one person are no pair of different people.
    """
    accounts = dossier.tables["accounts"]
    reference = accounts.loc[accounts["role"] == "reference", "user"]
    users = sorted(user for user in map(str, reference) if user in dossier.names)
    common = _common_pages(dossier.tables["edits"], users)
    person = [dossier.persons.get(user, user) for user in users]
    met = [
        (i, j)
        for i, j in combinations(range(len(users)), 2)
        if common[i, j] and person[i] != person[j]
    ]
    pairs = [(users[i], users[j]) for i, j in met]
    return pairs, np.array([common[i, j] for i, j in met], dtype=float)


def _common_pages(edits: pd.DataFrame, users: Sequence[str]) -> np.ndarray:
    """Return how many pages each two of some accounts share, as a matrix in their order."""
    mine = edits[edits["user"].isin(users)]
    rows = pd.Index(users).get_indexer(pd.Index(mine["user"]))
    columns, _ = pd.factorize(page_keys(mine))
    there = sparse.coo_array(
        (np.ones(len(mine)), (rows, columns)), shape=(len(users), int(columns.max(initial=-1)) + 1)
    ).tocsr()
    there.data[:] = 1.0
    found: np.ndarray = (there @ there.T).toarray()
    return found
