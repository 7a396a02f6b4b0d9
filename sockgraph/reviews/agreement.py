"""Taking a reviewer's answers in: verify the file, enter the steps, open what is due."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sockgraph.errors import ReviewError
from sockgraph.reviews.answers import (
    Kept,
    Sealed,
    checked,
    finding,
    first_judgement,
    kind_of,
    step_draft,
    wiki_opened,
)
from sockgraph.reviews.ledger import chained, head_of
from sockgraph.reviews.packet import ANSWERS_FORMAT
from sockgraph.reviews.queue import is_foil
from sockgraph.reviews.rules import live_record, same_person
from sockgraph.reviews.states import PACKET, STEPS, History, Pair, histories

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from sockgraph.reviews.dossier import Dossier
    from sockgraph.reviews.ledger import Draft, Entry, Ledger

_LARGEST = 50_000_000
_HASH = re.compile(r"[0-9a-f]{64}")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Step(_Part):
    step: str
    at: str


class _WikiOpened(_Part):
    rev: str
    at: str
    before: bool


class _Sealed(_Part):
    answer: dict[str, Any]
    salt: str = Field(pattern=_HASH.pattern)


class _Answer(_Part):
    pair: int
    steps: list[_Step]
    wiki_opened: list[_WikiOpened]
    commits: dict[str, str]
    answers: dict[str, _Sealed] | None = None


class AnswersFile(_Part):
    """What a packet saves: the commitments, or the answers as well."""

    format: str
    packet: str
    case: str
    reviewer: str
    manifest: str
    head: str
    answers: list[_Answer]


@dataclass(frozen=True)
class Merge:
    """What an answers file asks to be entered.

    Attributes
    ----------
    drafts
        Steps that the ledger does not have yet.
    kept
        Answers to be opened when they are due; none in a file of commitments.
    passed
        Links whose review has gone on to another round since the packet was made; their answers
        are left out.
    """

    drafts: tuple[Draft, ...]
    kept: tuple[Kept, ...]
    passed: tuple[Pair, ...] = ()


def read_answers(path: Path) -> AnswersFile:
    """Read a file that a packet saved.

    Raises
    ------
    ReviewError
        If it cannot be read, or is no such file; every fault is listed.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise ReviewError(path, f"it is over {_LARGEST:,} bytes.", "Give an answers file.")
        given = json.loads(path.read_text(encoding="utf-8"))
        found = AnswersFile.model_validate(given)
    except OSError as error:
        raise ReviewError(
            path, f"it cannot be read ({error.strerror}).", "Check the path."
        ) from error
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, f['loc']))}: {f['msg']}" for f in error.errors()[:5]
        )
        raise ReviewError(path, f"it is not an answers file ({faults}).", _AGAIN) from error
    except (ValueError, RecursionError) as error:
        raise ReviewError(path, f"it is not an answers file ({error}).", _AGAIN) from error
    if found.format != ANSWERS_FORMAT:
        raise ReviewError(path, f"its format is {found.format!r}, not {ANSWERS_FORMAT!r}.", _AGAIN)
    return found


def take_answers(ledger: Ledger, dossier: Dossier, given: Sequence[AnswersFile]) -> Merge:
    """Enter what reviewers' files say, all of it or nothing.

    Returns
    -------
    Merge
        What was new, of all files together.

    Raises
    ------
    ReviewError
        If any file is refused, see `merge`, or a step is, see `work.take_steps`. The ledger is
        then as it was.
    """
    merges: list[Merge] = []

    def rule(entries: tuple[Entry, ...]) -> list[Draft]:
        accepted: list[Draft] = []
        for one in given:
            after = (*entries, *chained(accepted, head_of(entries).hash))
            merges.append(merge(dossier, after, one))
            accepted += checked(dossier, after, merges[-1].drafts)
        return accepted

    ledger.extend(rule)
    return Merge(
        tuple(draft for m in merges for draft in m.drafts),
        tuple(kept for m in merges for kept in m.kept),
        tuple(dict.fromkeys(pair for m in merges for pair in m.passed)),
    )


def merge(dossier: Dossier, entries: Sequence[Entry], given: AnswersFile) -> Merge:
    """Return what an answers file adds to the ledger.

    Raises
    ------
    ReviewError
        If it is of another case, another packet or another reviewer, was made on other evidence,
        has steps out of order, or answers that are not the ones committed to.
    """
    packet = _packet(dossier, entries, given)
    known = histories(entries)
    drafts: list[Draft] = []
    kept: list[Kept] = []
    passed: list[Pair] = []
    for answer in given.answers:
        pair, round_ = _numbered(packet, answer.pair, given)
        history = known.get(pair, History(pair))
        if max(1, len(history.rounds)) > round_:
            passed.append(pair)
            continue
        one = _kept(given, answer, pair)
        drafts += _drafts(dossier, history, one, answer)
        if answer.answers:
            _refuse_unchecked(one, history, needs_alibi=_has_alibi(dossier, pair))
            kept.append(one)
    return Merge(tuple(drafts), tuple(kept), tuple(passed))


_AGAIN = "Save the file again from the packet, and do not edit it."


def _packet(dossier: Dossier, entries: Sequence[Entry], given: AnswersFile) -> Entry:
    """Return the ledger's entry of the packet that the answers are to."""
    if given.case != dossier.case.slug:
        raise ReviewError(
            given.case,
            f"the answers are of another case than {dossier.case.slug}.",
            "Give the case file that the packet was made from.",
        )
    issued = [e for e in entries if e.kind == PACKET and e.body["packet"] == given.packet]
    if not issued:
        raise ReviewError(
            given.packet,
            "the ledger knows no packet of that name.",
            "Give the answers to a packet of this case and this ledger.",
        )
    if not same_person(issued[0].author, given.reviewer):
        raise ReviewError(
            given.reviewer,
            f"the packet was made for {issued[0].author}.",
            "Everyone reviews on a packet of their own.",
        )
    if given.manifest != issued[0].manifest or given.manifest != dossier.seal:
        raise ReviewError(
            given.packet,
            "the evidence has changed since the packet was made.",
            "Make a new packet (`sockgraph review-packet`) and review on that.",
        )
    return issued[0]


def _numbered(packet: Entry, number: int, given: AnswersFile) -> tuple[Pair, int]:
    """Return a packet's pair by its number, and the round that it was packed for."""
    pairs = packet.body["pairs"]
    if not 1 <= number <= len(pairs):
        raise ReviewError(f"pair {number}", f"the packet has pairs 1 to {len(pairs)}.", _AGAIN)
    if [answer.pair for answer in given.answers].count(number) > 1:
        raise ReviewError(f"pair {number}", "it is answered twice in the file.", _AGAIN)
    a, b = pairs[number - 1]
    return (a, b), packet.body["rounds"][number - 1]


def _kept(given: AnswersFile, answer: _Answer, pair: Pair) -> Kept:
    sealed = {step: Sealed(s.answer, s.salt) for step, s in (answer.answers or {}).items()}
    one = Kept(pair, given.reviewer, sealed, (given.packet, answer.pair))
    for step, commit in answer.commits.items():
        if sealed and one.commit(step) != commit:
            raise ReviewError(
                f"pair {answer.pair}", f"the {step} does not match its commitment.", _AGAIN
            )
    if sealed and set(sealed) != set(answer.commits):
        raise ReviewError(f"pair {answer.pair}", "answers and commitments differ.", _AGAIN)
    return one


def _drafts(dossier: Dossier, history: History, one: Kept, answer: _Answer) -> list[Draft]:
    """Return the steps that the ledger lacks; a commitment that differs from its own is refused."""
    record = live_record(dossier, history, one.reviewer)
    before = any(w.before for w in answer.wiki_opened)
    found: list[Draft] = []
    for taken in answer.steps:
        commit = answer.commits.get(taken.step)
        if taken.step not in STEPS or (commit is None) == (
            taken.step in ("first judgement", "finding")
        ):
            raise ReviewError(
                f"pair {answer.pair}",
                f"the step {taken.step!r} is not as a packet saves it.",
                _AGAIN,
            )
        if taken.step in record.steps:
            _refuse_other(record.commits, taken.step, commit, one)
            continue
        found.append(
            step_draft(dossier, one, taken.step, blinded=not before, commit=commit, at=taken.at)
        )
    if found:
        found[1:1] = [wiki_opened(one, w.rev, dossier) for w in answer.wiki_opened if w.before]
        found += [wiki_opened(one, w.rev, dossier) for w in answer.wiki_opened if not w.before]
    return found


def _refuse_other(commits: Mapping[str, str], step: str, commit: str | None, one: Kept) -> None:
    if commits.get(step) != commit:
        raise ReviewError(
            f"{one.reviewer}, {one.pair[0]} and {one.pair[1]}",
            f"this reviewer has reviewed this link already, with another {step}.",
            "Give the file that was saved with the commitment.",
        )


def _has_alibi(dossier: Dossier, pair: Pair) -> bool:
    return not is_foil(dossier, pair) and bool(dossier.link(pair)["alibi"])


def _refuse_unchecked(one: Kept, history: History, *, needs_alibi: bool) -> None:
    """Hold the answers to what a review asks for, as the page does."""
    if "first judgement" not in one.answers and "finding" in one.answers:
        raise ReviewError(
            " and ".join(one.pair), "a finding stands before a first judgement.", _AGAIN
        )
    first = one.answers.get("first judgement")
    last = one.answers.get("finding")
    try:
        if first:
            a = first.answer
            first_judgement(
                judgement=a["judgement"],
                says=a["says"],
                other=a["else"],
                knows=a["knows"],
                cites=a["cites"],
            )
        if last:
            f = last.answer
            finding(
                kind_of(history),
                found=f["finding"],
                why=f["why"],
                alternative=f["alternative"],
                alibi=f["alibi"],
            )
    except KeyError as error:
        raise ReviewError(" and ".join(one.pair), f"an answer lacks {error}.", _AGAIN) from error
    if last and needs_alibi and not last.answer["alibi"]:
        raise ReviewError(
            " and ".join(one.pair), "its simultaneous work is left unanswered.", _AGAIN
        )
