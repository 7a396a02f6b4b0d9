"""What the ledger says of each link: its rounds of review, its state, its cannot-link.

Nothing is stored beside the entries; every state follows from reading them from the first to the
last, and none is reached without the entries that it needs.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from sockgraph.reviews.ledger import Draft, Entry, Ledger, digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sockgraph.case import Case

Pair = tuple[str, str]

ASSERTED = "asserted"
LOOK_AGAIN = "look again"
STEPS = ("read", "first judgement", "against", "for", "all", "finding")
LIGHT = "light judgement"
LIGHT_STEPS = ("read", LIGHT, "against")
"""What may spare a person takes one reviewer; what may end in a lock takes two, and `STEPS`."""
WIKI_OPENED = "wiki opened"
OPENED = "opened"
RECEIVED = "evidence received"
REVERSAL_ASKED = "reversal asked"
RESTORATION = "restoration"
REOPENED = "reopened"
PACKET = "packet"
FILED = "filed"
ELSEWHERE = "reversed elsewhere"
ALIBI_ELSEWHERE = "alibi accepted elsewhere"
CARRIED = "cannot-link export"
NOTE = "note"
DATA_REMOVED = "data removed"

FINDINGS = ("upheld", "not upheld", "inconclusive")
REVERSAL_FINDINGS = ("reversed", "stands", "inconclusive")
OPEN_STATES = ("asserted", "flagged", "in review", "reversal in review", "reopened")
DECIDED = ("upheld", "not upheld", "inconclusive", "stands", "reversed")
ENOUGH = 2  # reviewers whose findings make a state


@dataclass(frozen=True)
class ReviewerRecord:
    """One reviewer's work on one link in one round.

    Attributes
    ----------
    reviewer
        As first written; records are kept by `person_key`, so that no one counts twice.
    steps
        The steps taken, in order.
    commits
        From `first judgement` and `finding` to the salted hash of the answer.
    answers
        From `first judgement` and `finding` to the answer, once opened; else empty.
    blinded
        Whether the names were hidden until the first judgement.
    manifest, evidence
        The seals of the whole evidence and of this link's, as the reviewer saw them.
    foil
        Whether the two are known to be different people; a foil ends with the first judgement.
    light
        The answer of the light path, in clear; empty on the full path.
    asks
        How many findings the case asked for when this one was made.
    rests_on
        What the reviewer was shown of the evidence, see `Dossier.snapshot`; None before a finding.
    """

    reviewer: str
    steps: tuple[str, ...] = ()
    commits: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    blinded: bool = True
    manifest: str | None = None
    evidence: str | None = None
    time: str = ""
    foil: bool = False
    light: Mapping[str, Any] = field(default_factory=dict)
    asks: int = 0
    rests_on: Mapping[str, Any] | None = None

    @property
    def path(self) -> tuple[str, ...]:
        """The steps of this review, taken or not."""
        return LIGHT_STEPS if self.light else STEPS

    @property
    def judged(self) -> bool:
        """Whether the edits have been judged."""
        return bool(self.light) or "first judgement" in self.commits

    @property
    def committed(self) -> bool:
        """Whether the finding is in, open or not; on a foil, the first judgement."""
        if self.light:
            return LIGHT_STEPS[-1] in self.steps
        return ("first judgement" if self.foil else "finding") in self.commits

    @property
    def finding(self) -> str | None:
        """The finding, once opened; that of the light path once its evidence was read."""
        answer = self.light if self.light and self.committed else self.answers.get("finding", {})
        found = answer.get("finding")
        return str(found) if found else None

    def answer_to(self, doubt: str) -> str | None:
        """Return `accepted` or `explained`, once opened and where the link has an alibi, say."""
        answer = self.answers.get("finding", {}).get(doubt)
        return str(answer) if answer else None


@dataclass(frozen=True)
class ReviewRound:
    """A review of a link, or of its reversal, from its start to its outcome.

    Attributes
    ----------
    shaken
        Whether a link that this one leaned on has been taken back since the findings.
    elsewhere
        Whether another case's ledger says that the link was taken back there.
    """

    kind: Literal["review", "reversal"]
    records: Mapping[str, ReviewerRecord] = field(default_factory=dict)
    reopened: bool = False
    shaken: bool = False
    elsewhere: bool = False

    @property
    def light(self) -> bool:
        """Whether one person's finding on the light path is all that there is."""
        judged = [r for r in self.records.values() if r.judged]
        return len(judged) == 1 and bool(judged[0].light) and judged[0].committed

    @property
    def needed(self) -> int:
        """How many findings make a state: two, or what the case asked for."""
        return max([ENOUGH, *(r.asks for r in self.records.values())])

    @property
    def findings(self) -> tuple[str, ...]:
        """The findings that are open, in the order of their reviewers' first steps."""
        return tuple(r.finding for r in self.records.values() if r.finding)

    @property
    def outcome(self) -> str | None:
        """The state that the open findings make; None while they make none.

        Two equal findings decide. Where two differ a third reviewer is needed; then more than half
        decide what spares the person (`not upheld`, `reversed`), and nothing less than all decides
        what does not (docs/adr/0011). A finding on the light path, which can only spare, decides
        by itself until somebody else judges the link (docs/adr/0014).
        """
        found = self.findings
        if self.elsewhere:
            return "reversed"
        if self.light:
            return found[0]
        spares, harms = (
            ("reversed", "stands") if self.kind == "reversal" else ("not upheld", "upheld")
        )
        if len(found) < self.needed or (len(found) == ENOUGH and self.differ):
            return None
        if found.count(spares) * 2 > len(found):
            return spares
        if self.kind == "reversal" or set(found) == {harms}:
            return harms
        return "inconclusive"

    @property
    def differ(self) -> bool:
        """Whether open findings differ."""
        return len(set(self.findings)) > 1


@dataclass(frozen=True)
class LinkHistory:
    """Everything that the ledger says of one link."""

    pair: Pair
    entries: tuple[Entry, ...] = ()
    rounds: tuple[ReviewRound, ...] = ()

    @property
    def asserted(self) -> tuple[Entry, ...]:
        """The findings and locks made elsewhere."""
        return self.of(ASSERTED)

    @property
    def current(self) -> ReviewRound | None:
        """The round that is under way, or the last one."""
        return self.rounds[-1] if self.rounds else None

    @property
    def state(self) -> str:
        """The link's state as the ledger alone knows it; `none` where it says nothing."""
        now = self.current
        if now is None:
            return ASSERTED if self.asserted else "none"
        if now.kind == "reversal":
            return now.outcome or "reversal in review"
        if now.reopened and not now.records:
            return REOPENED
        return now.outcome or "in review"

    @property
    def upheld_by(self) -> frozenset[str]:
        """Everyone who ever upheld the link, or found that it stands."""
        return self.found_by("upheld", "stands")

    def found_by(self, *findings: str) -> frozenset[str]:
        """Return everyone who ever came to one of these findings."""
        return frozenset(
            r.reviewer
            for round_ in self.rounds
            for r in round_.records.values()
            if r.finding in findings
        )

    def answers_to(self, doubt: str) -> tuple[str, ...]:
        """Return what reviewers answered to an alibi or imitation since the last reopening."""
        records = [r for round_ in self._since_reopened for r in round_.records.values()]
        return tuple(said for r in records if (said := r.answer_to(doubt)))

    def accepted_by(self, doubt: str) -> frozenset[str]:
        """Return who accepted an alibi or imitation by a finding that carried its round."""
        return frozenset(
            key
            for round_ in self._since_reopened
            for key, r in round_.records.items()
            if r.answer_to(doubt) == "accepted" and r.finding == round_.outcome
        )

    @property
    def alibi_accepted(self) -> bool:
        """Whether the alibi was accepted here, or told by another case since the reopening."""
        kinds = [entry.kind for entry in self.entries]
        since = kinds[len(kinds) - kinds[::-1].index(REOPENED) :] if REOPENED in kinds else kinds
        return bool(self.accepted_by("alibi")) or ALIBI_ELSEWHERE in since

    @property
    def cannot_link(self) -> bool:
        """Whether the two accounts must stay apart: a reversed link, or an accepted alibi."""
        return self.alibi_accepted or any(r.outcome == "reversed" for r in self._since_reopened)

    def of(self, *kinds: str) -> tuple[Entry, ...]:
        """Return the entries of some kinds, oldest first."""
        return tuple(entry for entry in self.entries if entry.kind in kinds)

    @property
    def _since_reopened(self) -> tuple[ReviewRound, ...]:
        starts = [i for i, round_ in enumerate(self.rounds) if round_.reopened]
        return self.rounds[starts[-1] :] if starts else self.rounds


def person_key(name: str) -> str:
    """Return what is the same for two spellings of one person's name.

    >>> person_key("Ann_Lee") == person_key(" ann  lee")
    True
    """
    plain = unicodedata.normalize("NFKC", name).replace("_", " ")
    return " ".join(plain.casefold().split())


def ordered(a: str, b: str) -> Pair:
    """Return two names in the order that the tables have them."""
    return (a, b) if a < b else (b, a)


class Histories(dict[Pair, LinkHistory]):
    """The histories of links; one that the ledger does not speak of has none yet."""

    def __missing__(self, pair: Pair) -> LinkHistory:
        return LinkHistory(pair)


def histories(entries: Iterable[Entry]) -> Histories:
    """Return the history of every link that the ledger speaks of, in the order of first mention."""
    found = Histories()
    for entry in entries:
        if entry.pair is None:
            continue
        before = found[entry.pair]
        rounds = _continued(before.rounds, entry)
        found[entry.pair] = replace(before, entries=(*before.entries, entry), rounds=rounds)
        if entry.kind == RESTORATION:
            found |= _shaken(found, [(a, b) for a, b in entry.body.get("links", ())])
    return found


def commitment(
    subject: Sequence[str | int], reviewer: str, answer: Mapping[str, Any], salt: str
) -> str:
    """Return the hash that binds a reviewer to an answer without showing it.

    Parameters
    ----------
    subject
        What the answer is about: the pair, or a packet and the pair's number in it.
    salt
        At least 128 random bits, hexadecimal, kept with the answer until it is opened: without it
        the few possible answers could be tried.
    """
    return digest(
        {
            "answer": dict(answer),
            "reviewer": person_key(reviewer),
            "salt": salt,
            "subject": list(subject),
        }
    )


def assert_earlier(ledger: Ledger, case: Case) -> int:
    """Enter each `[[earlier]]` finding of the case that the ledger does not have yet.

    An entry's time is the finding's date and its author whoever made it, so that the same case
    file gives the same ledger.

    Parameters
    ----------
    case
        With every account written as the source writes it.

    Returns
    -------
    int
        How many were entered.
    """
    drafts = [
        Draft(
            ASSERTED,
            link.by,
            {
                **dict(zip(("user_a", "user_b"), ordered(link.a, link.b), strict=True)),
                "action": link.action,
                "url": link.url,
            },
            time=dt.datetime.combine(link.date, dt.time(), dt.UTC),
        )
        for link in case.earlier
    ]
    return len(ledger.extend(lambda entries: _new(drafts, entries)) if drafts else ())


def link_states(links: pd.DataFrame, entries: Iterable[Entry]) -> pd.Series:
    """Return the state of every link.

    Parameters
    ----------
    links
        At least `user_a`, `user_b` and `flagged`, a row a pair.
    entries
        The ledger's.

    Returns
    -------
    Series of string
        Named `state`, on the index of `links`; each one of `schema.STATES`.
    """
    known = histories(entries)
    rows = zip(links["user_a"], links["user_b"], links["flagged"], strict=True)
    states = [state_of(known[a, b], flagged=bool(flagged)) for a, b, flagged in rows]
    return pd.Series(states, index=links.index, dtype="string", name="state")


def cannot_links(entries: Iterable[Entry]) -> list[Pair]:
    """Return the pairs that clustering must keep apart: reversed links and accepted alibis."""
    return sorted(h.pair for h in histories(entries).values() if h.cannot_link)


def accepted_alibis(entries: Iterable[Entry]) -> list[Pair]:
    """Return the pairs whose alibi reviewers accepted: they are never flagged."""
    return sorted(h.pair for h in histories(entries).values() if h.alibi_accepted)


def state_of(history: LinkHistory, *, flagged: bool) -> str:
    """Return a link's state, from the ledger and, where that is silent, from the links table."""
    return "flagged" if history.state == "none" and flagged else history.state


def _new(drafts: Sequence[Draft], entries: Sequence[Entry]) -> list[Draft]:
    have = {(e.pair, e.author, e.time[:10], e.body.get("action")) for e in entries}
    fresh: dict[object, Draft] = {}
    for draft in drafts:
        pair = (draft.body["user_a"], draft.body["user_b"])
        day = draft.time.date().isoformat() if draft.time else ""
        key = (pair, draft.author.strip(), day, draft.body["action"])
        if key not in have:
            fresh.setdefault(key, draft)
    return list(fresh.values())


def _shaken(known: Mapping[Pair, LinkHistory], leaned: Iterable[Pair]) -> dict[Pair, LinkHistory]:
    """Return the histories of links that leaned on one now taken back, their findings marked."""
    touched = [known[pair] for pair in leaned if pair in known and known[pair].rounds]
    return {
        h.pair: replace(h, rounds=(*h.rounds[:-1], replace(h.rounds[-1], shaken=True)))
        for h in touched
    }


def _continued(rounds: tuple[ReviewRound, ...], entry: Entry) -> tuple[ReviewRound, ...]:
    """Return the rounds after one more entry."""
    if entry.kind == REVERSAL_ASKED:
        return (*(rounds or (ReviewRound("review"),)), ReviewRound("reversal"))
    if entry.kind == REOPENED:
        return (*rounds, ReviewRound("review", reopened=True))
    if entry.kind == LOOK_AGAIN:
        return (*rounds, ReviewRound("review"))
    if entry.kind == ELSEWHERE:
        return (*rounds, ReviewRound("reversal", elsewhere=True))
    if entry.kind not in (*STEPS, LIGHT, WIKI_OPENED, OPENED):
        return rounds
    *before, now = rounds or (ReviewRound("review"),)
    key = person_key(entry.author)
    record = _noted(now.records.get(key, ReviewerRecord(entry.author)), entry)
    return (*before, replace(now, records={**now.records, key: record}))


def _noted(record: ReviewerRecord, entry: Entry) -> ReviewerRecord:
    """Return a reviewer's record after one more entry of theirs."""
    if entry.kind == WIKI_OPENED:
        return replace(record, blinded=record.blinded and record.judged)
    if entry.kind == OPENED:
        return replace(record, answers=_answers(record, entry))
    if entry.kind == "read" and record.steps:  # begun again, on other evidence than before
        seen = "against" in record.steps
        record = ReviewerRecord(record.reviewer, blinded=record.blinded and not seen)
    body = entry.body
    commit = body.get("commit")
    return replace(
        record,
        steps=(*record.steps, entry.kind),
        commits={**record.commits, entry.kind: str(commit)} if commit else record.commits,
        blinded=record.blinded and body.get("blinded", True) is True,
        manifest=entry.manifest,
        evidence=body.get("evidence", record.evidence),
        time=entry.time,
        foil=body.get("foil") is True,
        light=body["answer"] if entry.kind == LIGHT else record.light,
        asks=max(record.asks, int(body.get("asks", 0))),
        rests_on=body.get("rests_on", record.rests_on),
    )


def _answers(record: ReviewerRecord, entry: Entry) -> dict[str, Mapping[str, Any]]:
    """Return the opened answers that match what their reviewer committed to."""
    subject = entry.body.get("subject", entry.pair or ())
    opened = entry.body.get("answers", {})
    salts = entry.body.get("salts", {})
    return {
        step: answer
        for step, answer in opened.items()
        if commitment(subject, record.reviewer, answer, str(salts.get(step)))
        == record.commits.get(step)
    }
