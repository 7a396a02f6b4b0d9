"""Taking a reviewer's answers in: verify the file, enter the steps, open what is due."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sockgraph.errors import ReviewError
from sockgraph.reviews import words
from sockgraph.reviews.answers import (
    ANSWERED,
    LONGEST,
    SealedAnswer,
    SealedAnswers,
    checked,
    finding,
    first_judgement,
    kind_of,
    light_judgement,
    step_draft,
    wiki_opened,
)
from sockgraph.reviews.ledger import chain_entries, head_of
from sockgraph.reviews.packet import ANSWERS_FORMAT
from sockgraph.reviews.rules import is_foil, live_record, record_of, same_person
from sockgraph.reviews.sheet import edits_of
from sockgraph.reviews.states import (
    LIGHT,
    PACKET,
    STEPS,
    LinkHistory,
    Pair,
    ReviewerRecord,
    histories,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from sockgraph.reviews.dossier import Dossier
    from sockgraph.reviews.ledger import Draft, Entry, Ledger

_LARGEST = 20_000_000
_MOST = 2_000  # pairs in a packet, edits cited, edits opened on the wiki
FORMATS = ("sockgraph answers 1", ANSWERS_FORMAT)
"""The first was before the light path: its answers are taken, so that no commitment is lost."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


_Hash = Annotated[str, Field(pattern=r"\A[0-9a-f]{64}\z")]
_Time = Annotated[str, Field(pattern=r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\z")]
_Rev = Annotated[str, Field(min_length=3, max_length=300)]
_Said = Annotated[str, Field(max_length=LONGEST)]
_Commits = dict[Literal["first judgement", "finding"], _Hash]


class _Step(_Part):
    step: Literal["read", "first judgement", "light judgement", "against", "for", "all", "finding"]
    at: _Time


class _WikiOpened(_Part):
    rev: _Rev
    at: _Time
    before: bool


class _LightAnswer(_Part):
    judgement: Literal["different people", "cannot tell"]
    says: _Said
    knows: bool
    cites: list[_Rev] = Field(max_length=_MOST)


class _FirstJudgement(_Part):
    judgement: _Said
    says: _Said
    other: _Said = Field(alias="else")
    knows: bool
    cites: list[_Rev] = Field(max_length=_MOST)


class _Finding(_Part):
    finding: _Said
    why: _Said
    alternative: _Said
    alibi: Literal["accepted", "explained"] | None
    imitation: Literal["accepted", "explained"] | None = None


class _SealedFirst(_Part):
    answer: _FirstJudgement
    salt: _Hash


class _SealedFinding(_Part):
    answer: _Finding
    salt: _Hash


class _Answers(_Part):
    first: _SealedFirst | None = Field(default=None, alias="first judgement")
    finding: _SealedFinding | None = None


class _Answer(_Part):
    pair: int
    steps: list[_Step] = Field(max_length=len(STEPS))
    wiki_opened: list[_WikiOpened] = Field(max_length=_MOST)
    commits: _Commits
    light: _LightAnswer | None = None
    answers: _Answers | None = None

    @property
    def sealed(self) -> dict[str, SealedAnswer]:
        """The answers with their salts, as they were committed to."""
        given = self.model_dump(by_alias=True, exclude_unset=True).get("answers") or {}
        return {
            step: SealedAnswer(one["answer"], one["salt"]) for step, one in given.items() if one
        }


class AnswersFile(_Part):
    """What a packet saves: the commitments, or the answers as well."""

    format: Literal["sockgraph answers 1", "sockgraph answers 2"]
    packet: _Hash
    case: str = Field(max_length=64)
    reviewer: str = Field(max_length=1_000)
    manifest: _Hash
    head: str = Field(max_length=200)
    answers: list[_Answer] = Field(max_length=_MOST)


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
        Links whose review has gone on since the packet was made, or of which something that the
        reviewer was shown has changed: their answers are left out, the others are taken.
    """

    drafts: tuple[Draft, ...]
    kept: tuple[SealedAnswers, ...]
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
        raise ReviewError(path, _faults(given, error), _AGAIN) from error
    except (ValueError, RecursionError) as error:
        raise ReviewError(path, f"it is not an answers file ({error}).", _AGAIN) from error
    return found


def _faults(given: object, error: ValidationError) -> str:
    """Say what keeps a file from being an answers file; of another version, that alone."""
    version = given.get("format") if isinstance(given, dict) else None
    ours = isinstance(version, str) and version.startswith("sockgraph answers")
    if ours and version not in FORMATS:
        return (
            f"its format is {version!r}, of another version of sockgraph; this one reads"
            f" {' and '.join(FORMATS)}."
        )
    faults = [f"{'.'.join(map(str, f['loc']))}: {f['msg']}" for f in error.errors()[:5]]
    return f"it is not an answers file ({'; '.join(faults)})."


def take_answers(ledger: Ledger, dossier: Dossier, given: Sequence[AnswersFile]) -> Merge:
    """Enter what reviewers' files say, all of it or nothing.

    Returns
    -------
    Merge
        What was new, of all files together.

    Raises
    ------
    ReviewError
        If any file is refused, see `merge`, or a step is, see `answers.take_steps`. The ledger is
        then as it was.
    """
    merges: list[Merge] = []

    def rule(entries: tuple[Entry, ...]) -> list[Draft]:
        accepted: list[Draft] = []
        for one in given:
            after = (*entries, *chain_entries(accepted, head_of(entries).hash))
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
        If it is of another case, another packet or another reviewer, has steps out of order, or
        answers that are not the ones committed to.
    """
    packet = _packet(dossier, entries, given)
    known = histories(entries)
    drafts: list[Draft] = []
    kept: list[SealedAnswers] = []
    passed: list[Pair] = []
    for answer in given.answers:
        pair, round_ = _numbered(packet, answer.pair, given)
        history = known[pair]
        one = _kept(given, answer, pair)
        gone_on = max(1, len(history.rounds)) > round_
        record = record_of(history.current, given.reviewer)
        if gone_on or _shown_otherwise(dossier, packet, answer.pair, record):
            passed.append(pair)
            continue
        _refuse_unchecked(dossier, one, history)
        drafts += _drafts(dossier, history, one, answer)
        if answer.answers:
            kept.append(one)
    return Merge(tuple(drafts), tuple(kept), tuple(passed))


_AGAIN = "Save the file again from the packet, and do not edit it."


def _packet(dossier: Dossier, entries: Sequence[Entry], given: AnswersFile) -> Entry:
    """Return the ledger's entry of the packet that the answers are to."""
    issued = [e for e in entries if e.kind == PACKET and e.body["packet"] == given.packet]
    if not issued:
        raise ReviewError(
            given.packet,
            f"the ledger of {dossier.case.slug} knows no packet of that name; the answers say that"
            f" it was made for {given.case}.",
            "Give the case file that the packet was made from.",
        )
    if not same_person(issued[0].author, given.reviewer):
        raise ReviewError(
            given.reviewer,
            f"the packet was made for {issued[0].author}.",
            "Everyone reviews on a packet of their own.",
        )
    if given.manifest != issued[0].manifest:
        raise ReviewError(
            given.packet, "it was made on other evidence than this file says.", _AGAIN
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


def _shown_otherwise(dossier: Dossier, packet: Entry, number: int, record: ReviewerRecord) -> bool:
    """Tell whether something that the packet showed of a pair would be shown otherwise now.

    What is committed already was entered while nothing had changed, and may still be opened.
    """
    if record.committed:
        return False
    a, b = packet.body["pairs"][number - 1]
    if "evidence" in packet.body:
        return bool(packet.body["evidence"][number - 1] != dossier.evidence_hash((a, b)))
    return packet.manifest != dossier.seal  # a packet from before noted the whole case's seal only


def _kept(given: AnswersFile, answer: _Answer, pair: Pair) -> SealedAnswers:
    sealed = answer.sealed
    one = SealedAnswers(pair, given.reviewer, sealed, (given.packet, answer.pair))
    for step, commit in answer.commits.items():
        if sealed and one.commit(step) != commit:
            raise ReviewError(
                f"pair {answer.pair}", f"the {step} does not match its commitment.", _AGAIN
            )
    if sealed and set(sealed) != set(answer.commits):
        raise ReviewError(f"pair {answer.pair}", "answers and commitments differ.", _AGAIN)
    if (answer.light is not None) != any(s.step == LIGHT for s in answer.steps) or (
        answer.light and answer.commits
    ):
        raise ReviewError(
            f"pair {answer.pair}", "it is answered on one path and stepped on another.", _AGAIN
        )
    if answer.light is None:
        return one
    light = SealedAnswer(light_judgement(**answer.light.model_dump()), "")
    return replace(one, answers={LIGHT: light})


def _drafts(
    dossier: Dossier, history: LinkHistory, one: SealedAnswers, answer: _Answer
) -> list[Draft]:
    """Return the steps that the ledger lacks; a commitment that differs from its own is refused."""
    record = live_record(dossier, history, one.reviewer)
    before = any(w.before for w in answer.wiki_opened)
    found: list[Draft] = []
    for taken in answer.steps:
        commits: dict[str, str] = {str(k): v for k, v in answer.commits.items()}
        commit = commits.get(taken.step)
        if (commit is None) == (taken.step in ANSWERED):
            raise ReviewError(
                f"pair {answer.pair}",
                f"the step {taken.step!r} is not as a packet saves it.",
                _AGAIN,
            )
        if taken.step in record.steps:
            _refuse_other(record, taken.step, commit, one)
            continue
        found.append(
            step_draft(dossier, one, taken.step, blinded=not before, commit=commit, at=taken.at)
        )
    _refuse_unknown_edits(dossier, one.pair, [w.rev for w in answer.wiki_opened])
    if found:
        found[1:1] = [wiki_opened(one, w.rev, dossier) for w in answer.wiki_opened if w.before]
        found += [wiki_opened(one, w.rev, dossier) for w in answer.wiki_opened if not w.before]
    return found


def _refuse_other(
    record: ReviewerRecord, step: str, commit: str | None, one: SealedAnswers
) -> None:
    light = one.answers[LIGHT].answer if LIGHT in one.answers else {}
    if record.commits.get(step) != commit or (step == LIGHT and dict(record.light) != dict(light)):
        raise ReviewError(
            f"{one.reviewer}, {one.pair[0]} and {one.pair[1]}",
            f"this reviewer has reviewed this link already, with another {step}.",
            "Give the file that was saved with the commitment.",
        )


def _refuse_unchecked(dossier: Dossier, one: SealedAnswers, history: LinkHistory) -> None:
    """Hold the answers to what a review asks for, as the page does."""
    pair = " and ".join(one.pair)
    if "first judgement" not in one.answers and "finding" in one.answers:
        raise ReviewError(pair, "a finding stands before a first judgement.", _AGAIN)
    foil = is_foil(dossier, one.pair)
    for step, sealed in one.answers.items():
        a = sealed.answer
        if step == "finding":
            if foil:
                raise ReviewError(pair, "a known-different pair has no finding.", _AGAIN)
            _refuse_unasked(dossier.link(one.pair), a, pair)
            finding(
                kind_of(history),
                found=a["finding"],
                why=a["why"],
                alternative=a["alternative"],
                alibi=a["alibi"],
                imitation=a.get("imitation"),
            )
            continue
        if step == "first judgement":
            first_judgement(
                judgement=a["judgement"],
                says=a["says"],
                other=a["else"],
                knows=a["knows"],
                cites=a["cites"],
            )
        _refuse_unknown_edits(dossier, one.pair, a["cites"])


def _refuse_unasked(link: Mapping[str, Any], answer: Mapping[str, Any], pair: str) -> None:
    """Refuse an answer to a doubt that the link has not, and a doubt that was left open.

    Packets from before imitation was asked about have no such key: it stays unanswered.
    """
    for doubt in words.DOUBTS:
        asked = bool(link[doubt])
        if doubt in answer and (answer[doubt] is not None) != asked:
            says = "left unanswered" if asked else "answered, and was not asked about"
            raise ReviewError(pair, f"its {doubt} is {says}.", _AGAIN)


def _refuse_unknown_edits(dossier: Dossier, pair: Pair, revs: Sequence[str]) -> None:
    unknown = sorted(set(revs) - edits_of(dossier, pair))
    if unknown:
        raise ReviewError(
            repr(unknown[0])[:80], f"{' and '.join(pair)} made no such edit that is held.", _AGAIN
        )
