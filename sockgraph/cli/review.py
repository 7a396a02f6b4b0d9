"""The commands of review: their arguments, and a case opened at the terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from sockgraph.account_names import normal_name
from sockgraph.cli.arguments import (
    CaseFile,
    DataFolder,
    example,
    ledger_of,
    open_room,
)
from sockgraph.cli.progress_bar import hand_over, tell
from sockgraph.cli.review_terminal import Terminal
from sockgraph.errors import ReviewError
from sockgraph.pipeline import DATA, LEDGER
from sockgraph.pipeline.review_session import Sitting, named
from sockgraph.reviews import Ledger, LedgerHead
from sockgraph.reviews.agreement import read_answers, take_answers
from sockgraph.reviews.audit import agreements, calibrations, entry_line, reviewers_of, witnesses_in
from sockgraph.reviews.packet import make_packet
from sockgraph.store.files import write_bytes

Reviewer = Annotated[str, typer.Option("--reviewer", metavar="NAME", help="Who reviews.")]
Foils = Annotated[
    int | None, typer.Option("--foils", min=0, help="Pairs known to be different people, mixed in.")
]


def register(app: typer.Typer) -> None:
    """Put the commands of review on the app."""
    app.command(epilog=example("review", "--reviewer Ann"))(review)
    app.command(epilog=example("review-packet", "--reviewer Ann"))(review_packet)
    app.command(epilog=example("review-merge", "commitments.json findings.json"))(review_merge)
    app.command(epilog=example("reviewers"))(reviewers)
    app.command(epilog=example("audit", "--against report.html"))(audit)


def review(
    case: CaseFile,
    data: DataFolder = DATA,
    *,
    reviewer: Reviewer,
    link: Annotated[
        tuple[str, str] | None,
        typer.Option("--link", metavar="A B", help="Choose a pair by name: recorded as unblinded."),
    ] = None,
    foils: Foils = None,
) -> None:
    """Review what waits: read the edits and judge. What spares a person closes in a minute.

    Clearly different, cannot tell, too few edits: the evidence against, and the link is closed. May
    be one operator: the full review, which a second person must share. Every pair is judged before
    the evidence on any is shown. Stop whenever you like; the next call goes on where you stopped.
    """
    room = open_room(case, data)
    sitting = Sitting.begin(room, reviewer, foils=foils or 0, link=link)
    before = room.ledger.head().length
    try:
        Terminal(sitting).go_through()
    except typer.Abort as stop:
        kept = room.ledger.head().length - before
        raise ReviewError(
            f"the review of {len(sitting.tasks)} pairs",
            f"its answers ended before its end; {kept} steps of it are in the ledger.",
            "The same command goes on with the question that was open.",
        ) from stop
    room.settle()


def review_packet(
    case: CaseFile,
    data: DataFolder = DATA,
    *,
    reviewer: Reviewer,
    foils: Foils = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where to write the packet.")
    ] = None,
) -> None:
    """Write one HTML file for a reviewer on a machine of their own: no names, no LR, no network."""
    room = open_room(case, data).with_names()
    reviewer = named(reviewer)
    entries, diffs = room.ledger.entries(), room.diff_reader()
    packet = make_packet(room.dossier, entries, reviewer, foils=foils, read_diffs=diffs)
    path = out or Path(f"{room.dossier.case.slug}-packet-{packet.id[:8]}.html")
    write_bytes(path, packet.html.encode())
    room.ledger.extend(lambda _: [packet.draft])
    tell(f"{len(packet.tasks)} pairs for {reviewer}: {path}")
    tell("Hand it over; take back the commitments first, then the findings.")


def review_merge(
    case: CaseFile,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="Commitments or findings, as saved.")
    ],
    data: DataFolder = DATA,
) -> None:
    """Verify reviewers' answers, enter them, and open the findings that are due.

    Findings on a link are opened once two reviewers' commitments are in.
    """
    room = open_room(case, data)
    taken = take_answers(room.ledger, room.dossier, [read_answers(path) for path in files])
    tell(f"{len(taken.drafts)} new entries from {len(files)} files.")
    for a, b in taken.passed:
        tell(
            f"Left out: {a} and {b}; since the packet was made their review has gone on, or what"
            " it showed has changed."
        )
    room.settle(taken.kept)


def reviewers(
    case: CaseFile,
    data: DataFolder = DATA,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say how far reviewers agree, and how often they join people known to be different.

    The second over every case in the data folder, since one case has too few such pairs.
    """
    entries = ledger_of(case, data).entries()
    people, pairs = reviewers_of(entries), agreements(entries)
    folders = sorted((data / "processed").glob(f"*/{LEDGER}"))
    register = calibrations([Ledger(path).entries() for path in folders])
    if as_json:
        found = {
            "reviewers": [p.as_dict() for p in people],
            "agreement": [vars(a) for a in pairs],
            "over cases": [vars(c) for c in register],
        }
        hand_over(json.dumps(found, ensure_ascii=False, indent=1))
        return
    for one in people:
        tell(
            f"{one.name}: {one.open} findings open, {one.closed} closed, {one.unblinded} unblinded;"
            f" {one.changed} turned from their own first judgement;"
            f" {one.foil_errors} of {one.foils} known-different pairs judged one operator"
        )
    for pair in pairs:
        kappa = "not defined" if pair.kappa is None else f"{pair.kappa:.2f}"
        tell(f"{' and '.join(pair.reviewers)}: {pair.same} of {pair.n} equal, kappa {kappa}")
    for calibration in register:
        tell(str(calibration))
    if not people:
        tell("Nobody has reviewed anything yet.")


def audit(
    case: CaseFile,
    data: DataFolder = DATA,
    *,
    head: Annotated[
        list[str] | None,
        typer.Option("--head", metavar="HASH:LENGTH", help="A head noted earlier; repeatable."),
    ] = None,
    against: Annotated[
        list[Path] | None,
        typer.Option(
            "--against", metavar="FILE", help="A report, packet, filing or note that prints a head."
        ),
    ] = None,
    link: Annotated[
        tuple[str, str] | None, typer.Option("--link", metavar="A B", help="One link's history.")
    ] = None,
    account: Annotated[
        str | None, typer.Option("--account", help="The history of every link of one account.")
    ] = None,
) -> None:
    """Verify the ledger's chain and print its history; with a witness, show any rewriting.

    Without a witness (--head or --against) only accidents are found: whoever can write the file
    can write a whole new chain.
    """
    ledger = ledger_of(case, data)
    witnesses = [LedgerHead.parse(text) for text in head or ()]
    witnesses += [found for path in against or () for found in witnesses_in(path)]
    now = ledger.verify(witnesses=witnesses)
    wanted = {normal_name(name) for name in (*(link or ()), *([account] if account else ()))}
    chosen = [e for e in ledger.entries() if not wanted or wanted <= set(e.pair or ())]
    if wanted and not chosen:
        raise ReviewError(
            " and ".join(sorted(wanted)),
            "the ledger says nothing of it.",
            "Check the name; `sockgraph audit CASE` prints every entry.",
        )
    for entry in chosen:
        tell(entry_line(entry))
    tell(f"The chain is whole: {now.length} entries, head {now}")
    tell(
        f"It passes through {len(witnesses)} witnesses."
        if witnesses
        else "No witness was given: a ledger that was rewritten as a whole would not be noticed."
    )
    if ledger.torn():
        tell("A crash cut the last line short; the next entry will set it aside.")
