"""The commands of review: thin translations of `sockgraph.review`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sockgraph.case import load_case, normal_name
from sockgraph.errors import ReviewError
from sockgraph.review import Ledger, LedgerHead
from sockgraph.review.audit import entry_line, witnesses_in
from sockgraph.store import Store

DATA = Path("data")
LEDGER = "ledger.jsonl"

CaseFile = Annotated[Path, typer.Argument(metavar="CASE", help="The case file, a .toml.")]
DataFolder = Annotated[Path, typer.Option("--data", metavar="DIR", help="The data folder.")]


def register(app: typer.Typer) -> None:
    """Put the commands of review on the app."""
    app.command(epilog="Example: sockgraph audit cases/spring.toml --against report.html")(audit)


def ledger_of(case: Path, data: Path) -> Ledger:
    """Return the ledger of a case file."""
    given = load_case(case)
    return Ledger(Store(data).case(given.slug, given.id).path(LEDGER))


def audit(
    case: CaseFile,
    data: DataFolder = DATA,
    *,
    head: Annotated[
        list[str] | None,
        typer.Option(
            "--head", metavar="HASH:LENGTH", help="A head noted earlier; may be repeated."
        ),
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
    wanted = {normal_name(name) for name in link or ()} or (
        {normal_name(account)} if account else set()
    )
    chosen = [e for e in ledger.entries() if not wanted or wanted <= set(e.pair or ())]
    if wanted and not chosen:
        raise ReviewError(
            " and ".join(sorted(wanted)),
            "the ledger says nothing of it.",
            "Check the name; `sockgraph audit CASE` prints every entry.",
        )
    for entry in chosen:
        typer.echo(entry_line(entry))
    typer.echo(f"The chain is whole: {now.length} entries, head {now}")
    typer.echo(
        f"It passes through {len(witnesses)} witnesses."
        if witnesses
        else "No witness was given: a ledger that was rewritten as a whole would not be noticed."
    )
    if ledger.torn():
        typer.echo("A crash cut the last line short; the next entry will set it aside.")
