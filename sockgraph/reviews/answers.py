"""A reviewer's work: the steps, their answers, and answers kept closed until both are in.

An answer enters the ledger as a salted hash. It is opened, answer and salt together, once two
reviewers have committed their findings on the link; so neither can follow the other, and nobody can
say afterwards that they had found something else.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sockgraph.errors import ReviewError
from sockgraph.reviews import words
from sockgraph.reviews.ledger import Draft, Entry, Ledger, chain_entries, head_of
from sockgraph.reviews.rules import (
    evidence_changed,
    is_foil,
    record_of,
    refuse_barred,
    refuse_stale,
    refuse_step,
)
from sockgraph.reviews.states import (
    DECIDED,
    FINDINGS,
    LIGHT,
    LOOK_AGAIN,
    OPENED,
    REVERSAL_FINDINGS,
    STEPS,
    WIKI_OPENED,
    LinkHistory,
    Pair,
    ReviewerRecord,
    commitment,
    histories,
    person_key,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from sockgraph.reviews.dossier import Dossier
    from sockgraph.reviews.states import Histories


SPARING = {"different people": "not upheld", "cannot tell": "inconclusive"}
"""The judgements that close a link on the light path, and the finding that each makes."""
JUDGEMENTS_BEFORE = ("one operator", "one operator, with doubts", "different people, with doubts")
"""What packets of the format before this one offered, too: they are still opened."""
ANSWERED = ("first judgement", "finding")
LONGEST = 20_000


@dataclass(frozen=True)
class SealedAnswer:
    """An answer with the salt that closes it."""

    answer: Mapping[str, Any]
    salt: str

    def commit(self, subject: Sequence[str | int], reviewer: str) -> str:
        """Return the hash that goes into the ledger."""
        return commitment(subject, reviewer, self.answer, self.salt)


@dataclass(frozen=True)
class SealedAnswers:
    """The answers of one reviewer on one link, not yet open.

    Attributes
    ----------
    subject
        What the commitments are about, see `states.commitment`; empty for the pair itself.
    """

    pair: Pair
    reviewer: str
    answers: Mapping[str, SealedAnswer] = field(default_factory=dict)
    subject: tuple[str | int, ...] = ()

    def commit(self, step: str) -> str | None:
        """Return the hash of one answer; None where there is none."""
        sealed = self.answers.get(step)
        return sealed.commit(self.subject or self.pair, self.reviewer) if sealed else None


def seal(answer: Mapping[str, Any]) -> SealedAnswer:
    """Close an answer with 256 random bits."""
    return SealedAnswer(answer, secrets.token_hex(32))


def first_judgement(
    *, judgement: str, says: str, other: str = "", knows: bool = False, cites: Sequence[str] = ()
) -> dict[str, Any]:
    """Return a first judgement, checked.

    Parameters
    ----------
    judgement
        One of `words.JUDGEMENTS`.
    says, other
        What in the edits says so, and what else could explain it; where the two are not joined, a
        cited edit does in place of the first, and the second is not asked for.
    knows
        Whether the reviewer thinks to recognise an account.
    cites
        Revisions as `wiki:rev_id`.

    Raises
    ------
    ReviewError
        If a text is missing or the judgement is none of those offered.
    """
    _among("judgement", judgement, (*words.JUDGEMENTS, *JUDGEMENTS_BEFORE))
    joins = judgement not in SPARING
    return {
        "judgement": judgement,
        "says": _text("what in the edits says so", says, needed=joins or not cites),
        "else": _text("what else could explain it", other, needed=joins),
        "knows": bool(knows),
        "cites": [_text("a cited revision", rev) for rev in cites],
    }


def light_judgement(
    *, judgement: str, says: str = "", knows: bool = False, cites: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the answer that closes a link on the light path, checked.

    Parameters
    ----------
    judgement
        One of `SPARING`.
    says
        A sentence; where people are clearly different, a cited edit does.

    Raises
    ------
    ReviewError
        If neither says why, or the judgement does not spare.
    """
    _among("judgement that closes a link", judgement, tuple(SPARING))
    why = _text("a line on what is missing", says, needed=judgement == "cannot tell")
    if not why and not cites:
        raise ReviewError(
            repr(judgement),
            "it needs an edit that shows it, or a sentence.",
            "Cite one edit, or write what shows it.",
        )
    return {
        "judgement": judgement,
        "finding": SPARING[judgement],
        "says": why,
        "knows": bool(knows),
        "cites": list(cites),
    }


def finding(
    kind: str, *, found: str, why: str, alternative: str, **doubts: str | None
) -> dict[str, Any]:
    """Return a finding, checked.

    Parameters
    ----------
    kind
        `review` or `reversal`, which offer different findings.
    alternative
        The strongest alternative explanation, in writing.
    doubts
        The answer to each of `words.DOUBTS` that the link has, `accepted` or `explained`.

    Raises
    ------
    ReviewError
        If a text is missing, the finding is none of those offered, or it joins two accounts whose
        simultaneous work it accepts as showing two people, or one of which it finds to imitate.
    """
    _among("finding", found, findings_of(kind))
    answers = {doubt: said for doubt, said in doubts.items() if said is not None}
    for doubt, answer in answers.items():
        _among(f"answer to the {doubt}", answer, tuple(words.DOUBTS[doubt]))
        if answer == "accepted" and found in ("upheld", "stands"):
            raise ReviewError(
                repr(found),
                f"it joins two accounts that its answer to the {doubt} keeps from being joined.",
                "Choose another finding, or write what else explains it.",
            )
    return {
        "finding": found,
        "why": _text("the reason of a finding", why),
        "alternative": _text("the strongest alternative explanation", alternative),
        "alibi": None,  # asked or not: so older findings are sealed
        **answers,
    }


def findings_of(kind: str) -> tuple[str, ...]:
    """Return the findings that a review, or a review of a reversal, can come to."""
    return REVERSAL_FINDINGS if kind == "reversal" else FINDINGS


def kind_of(history: LinkHistory) -> str:
    """Return whether what is under way is a review or a reversal."""
    return history.current.kind if history.current else "review"


def step_draft(
    dossier: Dossier,
    kept: SealedAnswers,
    step: str,
    *,
    blinded: bool = True,
    commit: str | None = None,
    **more: Any,
) -> Draft:
    """Return the entry of one step.

    Parameters
    ----------
    kept
        Who reviews which link; for a step with an answer, with that answer.
    blinded
        Whether the names were hidden.
    commit
        The hash of the step's answer, where the answer itself is not at hand.
    more
        Anything else to note, such as the time on the reviewer's own machine.
    """
    a, b = kept.pair
    body = {
        "user_a": a,
        "user_b": b,
        "blinded": blinded,
        "evidence": dossier.evidence_hash(kept.pair),
        **({"foil": True} if is_foil(dossier, kept.pair) else {}),
        **more,
    }
    if step in ANSWERED:
        body["commit"] = commit or kept.commit(step)
    if step == LIGHT:
        body["answer"] = dict(kept.answers[LIGHT].answer)
    if step in ("finding", LIGHT):
        body["rests_on"] = dossier.snapshot(kept.pair)
        body["asks"] = dossier.case.review.reviewers
    return Draft(step, kept.reviewer, body, dossier.seal)


def take_steps(ledger: Ledger, dossier: Dossier, drafts: Sequence[Draft]) -> tuple[Entry, ...]:
    """Enter steps of reviewers in the ledger, all or none.

    Raises
    ------
    ReviewError
        If a reviewer has a part in the link, a step is out of turn, or the link is decided and its
        evidence has not changed. The ledger is then as it was.
    """
    return ledger.extend(lambda entries: checked(dossier, entries, drafts))


def wiki_opened(kept: SealedAnswers, rev: str, dossier: Dossier) -> Draft:
    """Return the entry that says that an edit was opened on the wiki, where names are shown."""
    a, b = kept.pair
    body = {"user_a": a, "user_b": b, "revision": rev}
    return Draft(WIKI_OPENED, kept.reviewer, body, dossier.seal)


def open_findings(ledger: Ledger, kept: Iterable[SealedAnswers]) -> tuple[Entry, ...]:
    """Open whatever of these answers is due: two findings on the link are committed.

    Raises
    ------
    ReviewError
        If an answer is not the one that was committed to. The ledger is then as it was.
    """
    given = tuple(kept)
    return ledger.extend(lambda entries: _due(histories(entries), given))


def waiting(entries: Iterable[Entry], kept: Iterable[SealedAnswers]) -> list[Pair]:
    """Return the links on which these answers stay closed, since no second finding is in."""
    known = histories(entries)
    return [k.pair for k in kept if "finding" in k.answers and not _in(known[k.pair])]


def _in(history: LinkHistory) -> bool:
    """Tell whether as many findings are committed as the link needs."""
    if history.current is None:
        return False
    records = history.current.records.values()
    return bool(records) and sum(r.committed for r in records) >= history.current.needed


def checked(dossier: Dossier, entries: tuple[Entry, ...], drafts: Sequence[Draft]) -> list[Draft]:
    """Return what to enter: each draft judged as if those before it were entered.

    Raises
    ------
    ReviewError
        As `take_steps` does.
    """
    accepted: list[Draft] = []
    for draft in drafts:
        after = (*entries, *chain_entries(accepted, head_of(entries).hash))
        accepted += _allowed(dossier, after, draft)
    return accepted


def _allowed(dossier: Dossier, entries: tuple[Entry, ...], draft: Draft) -> list[Draft]:
    """Return a draft, after the entry that begins a new round where it begins one."""
    pair = (str(draft.body["user_a"]), str(draft.body["user_b"]))
    history = histories(entries)[pair]
    refuse_barred(dossier.case, history, draft.author)
    record = record_of(history.current, draft.author)
    begins = not record.steps or evidence_changed(dossier, history)
    again = _begun_again(dossier, history, record) if begins else []
    if draft.kind == LIGHT:
        _refuse_light(dossier, history)
    if draft.kind in (*STEPS, LIGHT):
        _refuse_turn(ReviewerRecord(draft.author) if again else record, draft, pair)
    return [*again, draft]


def _refuse_turn(record: ReviewerRecord, draft: Draft, pair: Pair) -> None:
    evidence = draft.body.get("evidence")
    refuse_stale(record, draft.kind, evidence, pair)
    anew = draft.kind == "read" and not record.committed and record.evidence != evidence
    refuse_step(ReviewerRecord(draft.author) if anew else record, draft.kind, pair)


def _refuse_light(dossier: Dossier, history: LinkHistory) -> None:
    """Refuse the light path where a link takes two people whatever they find."""
    why = None
    if not dossier.case.review.light:
        why = "the case asks for full reviews only (`light = false` in [review])"
    elif kind_of(history) == "reversal":
        why = "a reversal takes two people"
    elif is_foil(dossier, history.pair):
        why = "the pair is no link"
    if why:
        raise ReviewError(
            " and ".join(history.pair), f"{why}.", "Take the full review: a first judgement."
        )


def _begun_again(dossier: Dossier, history: LinkHistory, record: ReviewerRecord) -> list[Draft]:
    """Return the entry that begins a new round, where a decided link is looked at again."""
    looked_again = evidence_changed(dossier, history)
    if history.state not in DECIDED or (_may_join(history) and not looked_again):
        return []
    a, b = history.pair
    if history.state == "reversed" or not looked_again:
        raise ReviewError(
            f"{a} and {b}",
            f"the link is decided ({history.state}) and its evidence has not changed since.",
            "To question it, use `sockgraph reverse` or, with new evidence, `sockgraph reopen`.",
        )
    shaken = history.current is not None and history.current.shaken
    reason = (
        "a link that it leaned on has been taken back"
        if shaken
        else "the evidence has changed since the finding"
    )
    body = {"user_a": a, "user_b": b, "reason": reason}
    return [Draft(LOOK_AGAIN, record.reviewer, body, dossier.seal)]


def _may_join(history: LinkHistory) -> bool:
    """Tell whether one person closed the link on the light path: others may still judge it."""
    return history.current is not None and history.current.light and not history.current.shaken


def _due(known: Histories, kept: Sequence[SealedAnswers]) -> list[Draft]:
    drafts = []
    for one in kept:
        history = known[one.pair]
        record = record_of(history.current, one.reviewer)
        if _in(history) and record.commits and record.committed and not record.answers:
            _refuse_other_answers(one, record.commits)
            drafts.append(_opening(one))
    return drafts


def _refuse_other_answers(kept: SealedAnswers, commits: Mapping[str, str]) -> None:
    for step, commit in commits.items():
        if kept.commit(step) != commit:
            raise ReviewError(
                f"{kept.reviewer}, {kept.pair[0]} and {kept.pair[1]}",
                f"the {step} is not the one that was committed to.",
                "Give the file that was saved with the commitment, unchanged.",
            )


def _opening(kept: SealedAnswers) -> Draft:
    a, b = kept.pair
    body = {
        "user_a": a,
        "user_b": b,
        **({"subject": list(kept.subject)} if kept.subject else {}),
        "answers": {step: dict(sealed.answer) for step, sealed in kept.answers.items()},
        "salts": {step: sealed.salt for step, sealed in kept.answers.items()},
    }
    return Draft(OPENED, kept.reviewer, body)


def _among(what: str, given: str, offered: Sequence[str]) -> None:
    if given not in offered:
        raise ReviewError(
            repr(given), f"it is not a {what} that is offered.", f"Choose: {'; '.join(offered)}."
        )


def _text(what: str, given: object, *, needed: bool = True) -> str:
    text = given.strip() if isinstance(given, str) else ""
    if (needed and not text) or len(text) > LONGEST:
        raise ReviewError(
            repr(given)[:60], f"{what} is required, up to {LONGEST:,} characters.", "Write it."
        )
    return text


FOLDER = "unopened"


def sealed_file_name(reviewer: str) -> str:
    """Return the name, in the case's folder, of the file of a reviewer's closed answers."""
    return f"{FOLDER}/{hashlib.sha256(person_key(reviewer).encode()).hexdigest()[:16]}.json"


def with_answer(kept: Iterable[SealedAnswers], new: SealedAnswers) -> list[SealedAnswers]:
    """Return kept answers with one more; an earlier answer to the same step is replaced."""
    mine: list[SealedAnswers] = []
    others: list[SealedAnswers] = []
    for one in kept:
        (mine if one.pair == new.pair else others).append(one)
    answers = {step: sealed for one in mine for step, sealed in one.answers.items()}
    return [*others, SealedAnswers(new.pair, new.reviewer, {**answers, **new.answers})]


def unopened(entries: Iterable[Entry], kept: Iterable[SealedAnswers]) -> list[SealedAnswers]:
    """Return the answers that are not open yet."""
    known = histories(entries)
    return [k for k in kept if not record_of(known[k.pair].current, k.reviewer).answers]


def sealed_text(kept: Sequence[SealedAnswers]) -> str:
    """Return closed answers as their file has them."""
    return json.dumps(
        [
            {
                "pair": list(one.pair),
                "reviewer": one.reviewer,
                "answers": {
                    step: {"answer": dict(sealed.answer), "salt": sealed.salt}
                    for step, sealed in one.answers.items()
                },
            }
            for one in kept
        ],
        ensure_ascii=False,
        indent=1,
    )


def read_sealed(path: Path) -> list[SealedAnswers]:
    """Read closed answers; none where there is no file.

    Raises
    ------
    ReviewError
        If the file is damaged.
    """
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
        return [_kept(one) for one in given]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReviewError(
            path,
            f"the closed answers cannot be read ({error}).",
            "Restore the file from a copy: without it the findings in it cannot be opened.",
        ) from error


def _kept(given: dict[str, Any]) -> SealedAnswers:
    a, b = given["pair"]
    pair: Pair = (str(a), str(b))
    answers = {s: SealedAnswer(v["answer"], v["salt"]) for s, v in given["answers"].items()}
    return SealedAnswers(pair, str(given["reviewer"]), answers)
