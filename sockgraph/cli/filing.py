"""The commands around a link's undoing and its way out: evidence received, reversal, exports."""

from __future__ import annotations

import enum
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import networkx as nx
import pandas as pd
import typer

from sockgraph.cli.review import open_session
from sockgraph.cli.terminal import (
    Author,
    CaseFile,
    DataFolder,
    Reason,
    example,
    hand_over,
    tell,
)
from sockgraph.cli.terminal import say as note
from sockgraph.errors import ReviewError
from sockgraph.names import cell
from sockgraph.pipeline.other_cases import export, read_export
from sockgraph.pipeline.other_cases import tell as take_in
from sockgraph.pipeline.results import DATA
from sockgraph.report.filing import picked_edits, read_basket
from sockgraph.report.wikitext import Filing, diff_lines, spi_filing
from sockgraph.reviews import words
from sockgraph.reviews.audit import head_words
from sockgraph.reviews.ledger import Draft, LedgerHead
from sockgraph.reviews.reversal import (
    ReceivedEvidence,
    appeal,
    ask_reversal,
    document_hash,
    register_evidence,
    reopen,
    then_and_now,
)
from sockgraph.reviews.rules import evidence_changed, refuse_export
from sockgraph.reviews.states import FILED, histories, link_states
from sockgraph.signals.corpus import revision_keys
from sockgraph.store.files import write_bytes
from sockgraph.strings import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sockgraph.pipeline.review_session import ReviewSession
    from sockgraph.report.filing import Basket
    from sockgraph.reviews.states import Histories, Pair


class Format(enum.StrEnum):
    """What a report is written as."""

    csv = "csv"
    json = "json"
    wikitext = "wikitext"


class Wiki(enum.StrEnum):
    """Whose template, page and headings a filing has."""

    enwiki = "enwiki"
    zhwiki = "zhwiki"
    meta = "meta"
    mail = "mail"


def register(app: typer.Typer) -> None:
    """Put these commands on the app."""
    evidence = typer.Typer(no_args_is_help=True, help="Register evidence received later.")
    given = '--link "Example A" "Example C" --speaks against --by Bea …'
    evidence.command("add", epilog=example("evidence add", given))(add)
    app.add_typer(evidence, name="evidence")
    two = '"Example A" "Example C" --by Bea --reason "…"'
    app.command(epilog=example("reverse", two))(reverse)
    app.command("reopen", epilog=example("reopen", two))(reopen_link)
    carry = typer.Typer(
        no_args_is_help=True,
        help="Carry links that were taken back, and accepted alibis, to another data folder.",
    )
    carry.command("export", epilog=example("cannot-link export", "--by Ash"))(carry_out)
    given = "taken-back.json --head HASH:LENGTH --by Ash"
    carry.command("import", epilog=example("cannot-link import", given))(carry_in)
    app.add_typer(carry, name="cannot-link")
    wikitext = "--format wikitext --profile enwiki --by Bea"
    app.command(epilog=example("report", wikitext))(report)


def add(
    case: CaseFile,
    data: DataFolder = DATA,
    *,
    link: Annotated[tuple[str, str], typer.Option("--link", metavar="A B", help="The link.")],
    speaks: Annotated[str, typer.Option("--speaks", metavar="for|against", help="Which way.")],
    authenticated_by: Annotated[
        str, typer.Option("--authenticated-by", metavar="NAME", help="Who made sure of it.")
    ],
    summary: Annotated[
        str, typer.Option("--summary", metavar="TEXT", help="What it says; no private data.")
    ],
    document: Annotated[
        Path, typer.Option("--document", metavar="FILE", help="Hashed here, never stored.")
    ],
    by: Author,
) -> None:
    """Register evidence received: who, when, which way, and the document's SHA-256.

    Reviewers are shown it; no number takes account of it.
    """
    session = open_session(case, data)
    what = ReceivedEvidence(speaks, authenticated_by, summary, document_hash(document))
    entry = register_evidence(
        session.ledger, session.dossier, session.dossier.pair(*link), author=by, what=what
    )
    tell(f"Registered; {document.name} itself is not stored. SHA-256 {entry.body['sha256']}")


def reverse(
    case: CaseFile, a: str, b: str, data: DataFolder = DATA, *, by: Author, reason: Reason
) -> None:
    """Open the review of a link's reversal; say what the link rested on, and rests on now."""
    session = open_session(case, data)
    pair = session.dossier.pair(a, b)
    ask_reversal(session.ledger, session.dossier, pair, author=by, reason=reason)
    history = histories(session.ledger.entries())[pair]
    with session.speaking():
        tell(words.state_of_pair(history))
        for line in (*then_and_now(session.dossier, history), *appeal(session.dossier, history)):
            tell(line)


def reopen_link(
    case: CaseFile, a: str, b: str, data: DataFolder = DATA, *, by: Author, reason: Reason
) -> None:
    """Lift a cannot-link on evidence authenticated since, and open the link to a new review."""
    session = open_session(case, data)
    pair = session.dossier.pair(a, b)
    try:
        reopen(session.ledger, session.dossier, pair, author=by, reason=reason)
        with session.speaking():
            tell(words.state_of_pair(histories(session.ledger.entries())[pair]))
    finally:  # one that was killed behind its entry is refused now, and its groups are still due
        session.regroup()


def carry_out(
    case: CaseFile,
    data: DataFolder = DATA,
    *,
    by: Author,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Where to.")] = None,
) -> None:
    """Write the links that this case took back, and its accepted alibis, to be taken in elsewhere.

    The head that is printed proves the file: send it by another way.
    """
    session = open_session(case, data)
    text, head = export(session.ledger, session.dossier.case, author=by)
    path = out or Path(f"{session.dossier.case.slug}-taken-back.json")
    write_bytes(path, text.encode())
    with session.speaking():
        tell(say("Written: {path}", path=path))
        tell(head_words(head))


def carry_in(
    case: CaseFile,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="As cannot-link export wrote it.")],
    data: DataFolder = DATA,
    *,
    head: Annotated[
        str, typer.Option("--head", metavar="HASH:LENGTH", help="The other ledger's head.")
    ],
    by: Author,
) -> None:
    """Take in links taken back and alibis accepted elsewhere: the accounts are kept apart here."""
    session = open_session(case, data)
    told = read_export(file, LedgerHead.parse(head), session.dossier.case)
    compared = set(session.dossier.tables["accounts"]["user"])
    ours = [one for one in told if {one.user_a, one.user_b} <= compared]
    new = take_in(session.ledger, ours, author=by)
    with session.speaking():
        tell(
            say(
                "{new} of {all} links are new here; {left} are about accounts that this case does"
                " not compare, and were left out.",
                new=len(new),
                all=len(told),
                left=len(told) - len(ours),
            )
        )
        alibi = "{a} and {b}: alibi accepted in the case {case} on {day}"
        back = "{a} and {b}: taken back in the case {case} on {day}"
        for one in new:
            how = alibi if one.alibi else back
            tell(say(how, a=one.user_a, b=one.user_b, case=one.case, day=one.date))
    session.regroup()


def report(  # noqa: PLR0913 - an option for every question
    case: CaseFile,
    data: DataFolder = DATA,
    *,
    form: Annotated[Format, typer.Option("--format", help="What to write.")],
    profile: Annotated[Wiki, typer.Option(help="For wikitext: whose filing.")] = Wiki.enwiki,
    private: Annotated[
        bool, typer.Option("--private/--public", help="With or without how each signal works.")
    ] = False,
    link: Annotated[
        tuple[str, str] | None, typer.Option("--link", metavar="A B", help="One link only.")
    ] = None,
    edits: Annotated[
        list[int] | None,
        typer.Option("--edit", metavar="REV", help="Write these edits as {{diff}} lines."),
    ] = None,
    by: Annotated[
        str | None, typer.Option("--by", metavar="NAME", help="Who files: they cannot review it.")
    ] = None,
    lang: Annotated[
        str | None,
        typer.Option(help="For wikitext: en, zh-hans or zh-hant; without it, the profile's own."),
    ] = None,
) -> None:
    """Export a case: every link and its state as a table, or upheld links as a filing.

    A filing is refused while reviewers disagree, evidence is insufficient or has changed since the
    finding, or an alibi is unanswered. It holds no tag, no block and no request for a lock.
    """
    session = open_session(case, data)
    only = session.dossier.pair(*link) if link else None
    if (lang or private) and (edits or form is not Format.wikitext):
        raise ReviewError(
            "--lang" if lang else "--private",
            "only a filing has it.",
            "Give --format wikitext without --edit, or leave it out.",
        )
    if edits:
        text = _edit_lines(session, edits, profile)
    elif form is Format.wikitext:
        variant = "private" if private else "public"
        filed = {"profile": profile.value, "variant": variant, "language": lang}
        text = _filing(session, only, by=by, form=filed)
    else:
        text = _table(session, only, form)
    hand_over(text)


def _filing(
    session: ReviewSession, only: Pair | None, *, by: str | None, form: dict[str, Any]
) -> str:
    """Return the filing of the upheld links, once nothing stands in the way, and enter it."""
    if not by or not by.strip():
        raise ReviewError("--by", "a filing needs who files it.", "Give --by NAME.")
    known = histories(session.ledger.entries())
    wanted = [only] if only else [p for p, h in known.items() if h.state in ("upheld", "stands")]
    if not wanted:
        raise ReviewError(
            session.dossier.case.slug, "no link of it is upheld.", "Finish the review first."
        )
    refuse_one_name(wanted, known)
    chosen = [known[pair] for pair in sorted(wanted)]
    refuse_export(session.dossier, chosen)
    drafts = [
        Draft(
            FILED,
            by,
            {
                "user_a": h.pair[0],
                "user_b": h.pair[1],
                "profile": form["profile"],
                "variant": form["variant"],
            },
            session.dossier.seal,
        )
        for h in chosen
    ]
    others = [h for pair, h in known.items() if pair not in wanted]
    basket = _of_accounts(session, {user for pair in wanted for user in pair})
    filed = Filing(session.dossier, chosen, others, session.ledger.head(), basket)
    spi_filing(filed, **form)  # what cannot be written is not filed
    session.ledger.extend(lambda _: drafts)
    filed = replace(filed, head=session.ledger.head())
    return spi_filing(filed, **form)


def _of_accounts(session: ReviewSession, users: set[str]) -> Basket:
    """Return what the basket holds of some accounts, and say what of it is not filed."""
    whole = read_basket(session.store)
    edits = picked_edits(session.dossier.tables["edits"], whole)
    ours = edits[edits["user"].isin(users)]
    revs = set(revision_keys(ours))
    kept = tuple(one for one in whole if one.rev in revs)
    if whole:
        note(
            f"Basket: {len(kept)} of {len(whole)} picked edits are filed; {len(edits) - len(ours)}"
            f" are of other accounts, {len(whole) - len(edits)} are not in the case any more."
        )
    return kept


def refuse_one_name(wanted: Sequence[Pair], known: Histories) -> None:
    """Refuse to put accounts under one name whom no review joined, or whom one kept apart.

    Raises
    ------
    ReviewError
        If the links are of several groups, or a review did not uphold a pair among the accounts.
    """
    groups = [sorted(group) for group in nx.connected_components(nx.Graph(list(wanted)))]
    users = {user for pair in wanted for user in pair}
    apart = [
        pair
        for pair, history in known.items()
        if set(pair) <= users and history.state in ("not upheld", "reversed")
    ]
    if len(groups) > 1 or apart:
        said = [" and ".join(pair) for pair in (apart or sorted(tuple(g) for g in groups))]
        raise ReviewError(
            "; ".join(said),
            "no review upheld the link between them: one filing would put them under one name."
            if apart
            else "these are several groups: one filing would put them under one name.",
            "File a link at a time: --link A B.",
        )


def _edit_lines(session: ReviewSession, revs: Sequence[int], profile: Wiki) -> str:
    """Return some edits of the case's accounts as diffs."""
    edits = session.dossier.tables["edits"]
    accounts = session.dossier.tables["accounts"]
    named = accounts.loc[accounts["role"] != "reference", "user"]
    mine = edits[edits["rev_id"].isin(revs) & edits["user"].isin(named)]
    missing = sorted(set(revs) - set(mine["rev_id"]))
    if missing:
        raise ReviewError(
            ", ".join(map(str, missing)),
            "the case's accounts made no such edit.",
            "Give revision numbers of the edits table.",
        )
    return diff_lines(session.dossier.case, mine, profile=profile.value)


def _table(session: ReviewSession, only: Pair | None, form: Format) -> str:
    """Return every link with its state as the ledger has it now, and whether its evidence moved."""
    entries = session.ledger.entries()
    known = histories(entries)
    links = session.dossier.tables["links"]
    links = links.assign(state=link_states(links, entries))
    if only:
        links = links[(links["user_a"] == only[0]) & (links["user_b"] == only[1])]
    pairs = zip(links["user_a"], links["user_b"], strict=True)
    changed = [evidence_changed(session.dossier, known[pair]) for pair in pairs]
    links = links.assign(evidence_moved=pd.Series(changed, index=links.index, dtype=bool))
    if form is Format.csv:
        names = {c: links[c].map(cell) for c in ("user_a", "user_b")}
        return links.assign(**names).to_csv(index=False)
    found = {
        "case": session.dossier.case.slug,
        "ledger_head": str(session.ledger.head()),
        "manifest": session.dossier.seal,
        "links": json.loads(links.to_json(orient="records", double_precision=15)),
    }
    return json.dumps(found, ensure_ascii=False, indent=1)
