"""Taking a link back: evidence received later, asking for a reversal, and what must be undone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sockgraph.errors import ReviewError
from sockgraph.reviews import words
from sockgraph.reviews.dossier import rested_on, side_by_side
from sockgraph.reviews.ledger import Draft, Entry, Ledger
from sockgraph.reviews.states import (
    ALIBI_ELSEWHERE,
    ELSEWHERE,
    FILED,
    OPENED,
    RECEIVED,
    REOPENED,
    RESTORATION,
    REVERSAL_ASKED,
    LinkHistory,
    Pair,
    histories,
    state_of,
)
from sockgraph.strings import say

if TYPE_CHECKING:
    from pathlib import Path

    from sockgraph.reviews.dossier import Dossier
    from sockgraph.reviews.states import Histories

REVERSIBLE = ("asserted", "upheld", "stands")
REVERSIBLE_IF_ASSERTED = ("in review", "not upheld", "inconclusive")
"""A link made elsewhere was acted on there, whatever a review here has found since."""
DIRECTIONS = ("for", "against")
ARTEFACTS = ("links.parquet", "clusters.parquet", "graph.graphml", "report.html")


@dataclass(frozen=True)
class ReceivedEvidence:
    """Evidence that came in later; its document stays where it is.

    Attributes
    ----------
    speaks
        `for` or `against` one operator.
    authenticated_by
        Who made sure that it is genuine.
    summary
        What it says, in a sentence fit for the ledger: no private data.
    sha256
        The document's hash.
    """

    speaks: str
    authenticated_by: str
    summary: str
    sha256: str


def document_hash(path: Path) -> str:
    """Return the SHA-256 of a document.

    Raises
    ------
    ReviewError
        If it cannot be read, or is empty.
    """
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
    except OSError as error:
        raise ReviewError(
            path, f"the document cannot be read ({error.strerror}).", "Check the path."
        ) from error
    if not size:
        raise ReviewError(path, "the document is empty.", "Give the document itself.")
    return found


def register_evidence(
    ledger: Ledger, dossier: Dossier, pair: Pair, *, author: str, what: ReceivedEvidence
) -> Entry:
    """Register evidence on a link: who, when, which way, and the document's hash.

    Raises
    ------
    ReviewError
        If a text is missing, the direction is neither `for` nor `against`, or this document is
        registered for the link already. The ledger is then as it was.
    """
    if what.speaks not in DIRECTIONS:
        raise ReviewError(
            repr(what.speaks), "evidence speaks for or against one operator.", "Say which."
        )
    for name, text in (("summary", what.summary), ("authenticated-by", what.authenticated_by)):
        if not text.strip():
            raise ReviewError(name, "it is empty.", "Write it: reviewers read nothing else of it.")
    draft = Draft(RECEIVED, author, _body(pair, **vars(what)), dossier.seal)

    def rule(entries: tuple[Entry, ...]) -> list[Draft]:
        history = histories(entries)[pair]
        if any(e.body["sha256"] == what.sha256 for e in history.of(RECEIVED)):
            raise ReviewError(
                what.sha256, "this document is registered for this link already.", "Nothing to do."
            )
        return [draft]

    return ledger.extend(rule)[0]


def ask_reversal(
    ledger: Ledger, dossier: Dossier, pair: Pair, *, author: str, reason: str
) -> Entry:
    """Open the review of a link's reversal.

    Raises
    ------
    ReviewError
        If the link was never made, is reversed, or its reversal is under review. The ledger is
        then as it was.
    """
    if not reason.strip():
        raise ReviewError("reason", "it is empty.", "Say why the link is questioned.")
    draft = Draft(REVERSAL_ASKED, author, _body(pair, reason=reason.strip()), dossier.seal)

    def rule(entries: tuple[Entry, ...]) -> list[Draft]:
        history = histories(entries)[pair]
        state = state_of(history, flagged=bool(dossier.link(pair)["flagged"]))
        if state not in (*REVERSIBLE, *(REVERSIBLE_IF_ASSERTED if history.asserted else ())):
            raise ReviewError(
                " and ".join(pair),
                f"its state is {state!r}: only a link that was made can be reversed.",
                "`sockgraph audit CASE --link A B` prints its history.",
            )
        return [draft]

    return ledger.extend(rule)[0]


def reopen(ledger: Ledger, dossier: Dossier, pair: Pair, *, author: str, reason: str) -> Entry:
    """Reopen a link that must not be made, on evidence authenticated since; lifts the cannot-link.

    Raises
    ------
    ReviewError
        If the link has no cannot-link, or no new evidence was registered since it was decided. The
        ledger is then as it was.
    """
    draft = Draft(REOPENED, author, _body(pair, reason=reason.strip()), dossier.seal)

    def rule(entries: tuple[Entry, ...]) -> list[Draft]:
        history = histories(entries)[pair]
        if not history.cannot_link:
            raise ReviewError(
                " and ".join(pair),
                f"its state is {history.state!r}: nothing keeps it from being made.",
                "Only a reversed link, or one with an accepted alibi, is reopened.",
            )
        if not _news(history):
            raise ReviewError(
                " and ".join(pair),
                "no authenticated evidence was registered since it was decided.",
                "Register it first: `sockgraph evidence add CASE --link A B …`.",
            )
        return [draft]

    return ledger.extend(rule)[0]


def then_and_now(dossier: Dossier, history: LinkHistory) -> list[str]:
    """Return what a link rested on and rests on now, signal by signal, and what was received."""
    then, now = rested_on(history), dossier.snapshot(history.pair)
    elsewhere = "Made elsewhere by {who} on {day}; this ledger holds no evidence of that."
    lines = [say(elsewhere, who=e.author, day=e.time[:10]) for e in history.asserted]
    told = "  {what}: then {then}; now {now}" if then else "  {what}: now {now}"
    lines += [
        say(told, what=row.what, then=row.then, now=row.now) for row in side_by_side(then, now)
    ]
    received = [
        say(
            "Received {day}, speaks {way}: {summary}",
            day=e.time[:10],
            way=say(e.body["speaks"]),
            summary=e.body["summary"],
        )
        for e in history.of(RECEIVED)
    ]
    return [*lines, *(received or [say("No evidence was received since.")])]


def appeal(dossier: Dossier, history: LinkHistory) -> list[str]:
    """Return what the person who was linked needs to know to appeal."""
    force = [
        f"  {one.user}{say(': ')}{words.restraint_words(one)}"
        for one in dossier.in_force(history.pair)
    ]
    stated = [
        f"  {e.author}, {e.time[:10]}: {e.body['url']}" for e in history.asserted if e.body["url"]
    ]
    filed = "  filed by {who}, {day}"
    stated += [say(filed, who=e.author, day=e.time[:10]) for e in history.of(FILED)]
    return [
        say("In force, as far as the logs that were read say:"),
        *(force or [say("  no block and no lock of these accounts")]),
        say("Where the link is stated:"),
        *(stated or [say("  nowhere that this ledger knows of")]),
        say(words.APPEAL, n=dossier.case.review.reviewers),
    ]


def settle_reversals(ledger: Ledger, dossier: Dossier) -> tuple[Entry, ...]:
    """Enter what must be undone for every link that has been reversed and has no such entry yet."""

    def rule(entries: tuple[Entry, ...]) -> list[Draft]:
        known = histories(entries)
        return [_restoration(dossier, h, known) for h in known.values() if _unsettled(h)]

    return ledger.extend(rule)


def _unsettled(history: LinkHistory) -> bool:
    """Tell whether the last round reversed the link and no entry says what to undo."""
    if history.state != "reversed" or (history.current and history.current.elsewhere):
        return False
    asked = max(i for i, e in enumerate(history.entries) if e.kind == REVERSAL_ASKED)
    return all(e.kind != RESTORATION for e in history.entries[asked:])


def _restoration(dossier: Dossier, history: LinkHistory, known: Histories) -> Draft:
    """Return the entry that lists everything that leaned on a reversed link."""
    made = [e for e in history.entries if e.kind not in (RECEIVED, REVERSAL_ASKED)]
    records = history.current.records.values() if history.current else ()
    agreed = [r for r in records if r.finding == "reversed"]
    body = _body(
        history.pair,
        since=made[0].time[:10],
        made_by=sorted({e.author for e in history.asserted} | history.upheld_by),
        actions=sorted({e.body["action"] for e in history.asserted if e.body.get("action")}),
        pages=sorted({e.body["url"] for e in history.asserted if e.body.get("url")}),
        wrong=[r.answers["finding"]["why"] for r in agreed],
        artefacts=[
            {"file": name, "sha256": dossier.manifest.get("files", {}).get(name)}
            for name in ARTEFACTS
        ],
        filings=[
            {"time": e.time, "by": e.author, "profile": e.body.get("profile")}
            for e in history.of(FILED)
        ],
        groups=[list(group) for group in _groups(dossier, history.pair)],
        links=[list(pair) for pair in leaning_links(dossier, history.pair, known)],
    )
    return Draft(RESTORATION, " and ".join(r.reviewer for r in agreed), body, dossier.seal)


def leaning_links(dossier: Dossier, pair: Pair, known: Histories) -> list[Pair]:
    """Return the other links in question that leaned on one.

    A link leans on another if a group holds the accounts of both, or if the two make a triangle
    with a third link in question: then one of them may have been made by way of the other.
    """
    links = dossier.tables["links"]
    rows = zip(links["user_a"], links["user_b"], links["flagged"], strict=True)
    asked = {
        (a, b)
        for a, b, flagged in rows
        if (a, b) != pair and (flagged or known[a, b].state not in ("none", "reversed"))
    }
    grouped = {user for group in _groups(dossier, pair) for user in group}
    far = {user: {u for p in asked if user in p for u in p} - {user} for user in pair}
    thirds = far[pair[0]] & far[pair[1]]
    return sorted(p for p in asked if set(p) <= grouped or (set(p) & set(pair) and set(p) & thirds))


def _groups(dossier: Dossier, pair: Pair) -> list[tuple[str, ...]]:
    """Return the group that holds both accounts, if one does."""
    group = dossier.group_of(pair[0])
    return [group] if set(pair) <= set(group) else []


def _news(history: LinkHistory) -> bool:
    """Tell whether evidence was registered after what decided the link."""
    kinds = [entry.kind for entry in history.entries]
    last = max(i for i, kind in enumerate(kinds) if kind in (OPENED, ELSEWHERE, ALIBI_ELSEWHERE))
    return RECEIVED in kinds[last:]


def _body(pair: Pair, **more: Any) -> dict[str, Any]:
    return {"user_a": pair[0], "user_b": pair[1], **more}
